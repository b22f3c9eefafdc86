import csv
import json

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import precision_recall_fscore_support

from dl4art.utils.errors import InputError
from dl4art.utils.evaluation import Answer, Evaluation, write_evaluation
from dl4art.utils.evaluation_figures import draw_answers, draw_confusion, draw_curves, draw_opinions
from dl4art.utils.pages import png

CLASSES = ("bird", "cat", "file")
LABELS = [0, 0, 1, 1, 2, 2]
SAID = [0, 1, 1, 1, 2, 0]
GROUPS = ["a", "a", "b", "b", "c", "d"]


def sure(said, confidence=0.8):
    probability = np.full((len(said), 3), (1 - confidence) / 2)
    probability[np.arange(len(said)), said] = confidence
    return probability


@pytest.fixture
def evaluation():
    folds = [np.array([0, 2, 4]), np.array([1, 3, 5])]
    return Evaluation(CLASSES, LABELS, GROUPS, [Answer(f, sure(np.array(SAID)[f])) for f in folds])


def test_figures_against_hand_computed_ones(evaluation):
    assert evaluation.accuracies.tolist() == pytest.approx([1.0, 1 / 3])
    assert evaluation.standard_error == pytest.approx(1 / 3)  # half of the difference
    assert evaluation.base_rate == pytest.approx(1 / 3)
    assert evaluation.confusion.tolist() == [[1, 1, 0], [0, 2, 0], [1, 0, 1]]
    figures = evaluation.to_dict()
    assert figures["accuracy"] == pytest.approx(2 / 3)
    assert figures["by_class"]["cat"]["precision"] == pytest.approx(2 / 3)
    expected = precision_recall_fscore_support(LABELS, SAID, average="macro")
    assert [figures["macro"][name] for name in ("precision", "recall", "f1-score")] == pytest.approx(expected[:3])


def test_groups_are_named_by_the_mean_of_their_pictures():
    probability = np.array([[0.9, 0.1], [0.4, 0.6], [0.45, 0.55], [0.8, 0.2]])
    evaluation = Evaluation(("x", "y"), [0, 0, 1, 1], ["a", "a", "b", "c"], [Answer(np.arange(4), probability)])
    assert evaluation.group_accuracy == pytest.approx(2 / 3)
    assert "accuracy by group: 0.667" in evaluation.report_text()


def test_one_fold_has_no_spread():
    evaluation = Evaluation(CLASSES, LABELS, list("abcdef"), [Answer(np.arange(6), sure(SAID))])
    assert evaluation.to_dict()["standard_error"] is None
    assert "+-" not in evaluation.report_text()
    assert "group" not in evaluation.report_text()


def test_a_class_that_is_never_named_does_not_stop_the_report():
    evaluation = Evaluation(CLASSES, [0, 1], ["a", "b"], [Answer(np.arange(2), sure([0, 0]))])
    assert evaluation.report()["cat"]["precision"] == 0
    assert evaluation.report()["file"]["support"] == 0


def test_probabilities_of_another_shape_are_refused():
    with pytest.raises(InputError, match=r"shape \(2, 3\)"):
        Evaluation(("x", "y"), [0, 1], ["a", "b"], [Answer(np.arange(2), sure([0, 1]))])


def test_what_is_written(evaluation, tmp_path):
    write_evaluation(evaluation, tmp_path, [f"{n}.png" for n in range(6)], {"seed": 1})
    document = json.loads((tmp_path / "evaluation.json").read_text())
    assert document["confusion"] == evaluation.confusion.tolist()
    assert document["about"] == {"seed": 1}
    with open(tmp_path / "predictions.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["file"] for row in rows] == ["0.png", "2.png", "4.png", "1.png", "3.png", "5.png"]
    assert rows[3]["class"] == "bird"
    assert rows[3]["said"] == "cat"
    assert rows[3]["p file"] == "0.1000"
    assert (tmp_path / "confusion.csv").read_text().splitlines() == [
        "class,bird,cat,file",
        "bird,1,1,0",
        "cat,0,2,0",
        "file,1,0,1",
    ]
    assert "f1-score" in (tmp_path / "evaluation.txt").read_text()
    with Image.open(tmp_path / "confusion.png") as image:
        assert min(image.size) > 200


def test_pictures_show_what_they_are_given():
    confusion = draw_confusion(np.array([[3, 1], [0, 2]]), ["x", "a name that is far too long to be shown whole"])
    assert [text.get_text() for text in confusion.axes[0].texts] == ["3", "1", "0", "2"]
    curves = draw_curves([{"loss": [2.0, 1.0], "val_loss": [2.0, 1.5]}, {"loss": [2.0, 0.5]}], ["loss"])
    assert [line.get_ydata().tolist() for line in curves.axes[0].lines] == [[2.0, 1.0], [2.0, 0.5], [2.0, 1.5]]
    bars = draw_opinions(["a.png"], ["x", "y"], [[0.25, 0.75]], "a note")
    assert [bar.get_width() for bar in bars.axes[0].patches] == [0.25, 0.75]
    assert bars.axes[0].get_xlabel().endswith("a note")
    parts = draw_opinions(["a.png", "b.png"], ["x", "y"], [[0.25, 0.75], [0.5, 0.5]])
    assert [bar.get_width() for bar in parts.axes[0].patches] == [0.25, 0.5, 0.75, 0.5]
    assert png(bars) == png(draw_opinions(["a.png"], ["x", "y"], [[0.25, 0.75]], "a note"))


def test_the_sheet_shows_wrong_answers_first(evaluation):
    shown = evaluation.sample(1)
    assert [number for number, _ in shown] == [5, 0]
    windows = [np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8, 2), np.uint8)]
    sheet = draw_answers(windows, shown, evaluation, [f"{n}.png" for n in range(6)])
    assert [axes.get_title() for axes in sheet.axes[:3]] == ["bird 80%\nis file", "bird 80%", ""]
