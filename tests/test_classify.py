"""The command over many photographs, with a stand-in for its models, which have tests of their own."""

import csv
import json
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from dl4art import classify
from dl4art.cropping.photographs import read_photograph
from dl4art.utils.holding import held
from dl4art.utils.window_classifier import Opinion

CLASSES = ("dark", "light")


@pytest.fixture
def photographs(tmp_path, rng):
    folder = tmp_path / "photographs"
    (folder / "deep").mkdir(parents=True)
    for name in ("a.png", "b.jpg", "deep/A.tif"):
        Image.fromarray(rng.integers(0, 256, (40, 60, 3), np.uint8)).save(folder / name)
    return folder


class Light:
    """What a model says, and which files it was asked about; it may be stopped at one of them."""

    def __init__(self):
        self.asked, self.stop, self.sha256 = [], None, "0" * 64

    def load(self, _args):
        model = SimpleNamespace(name="light", sha256=self.sha256, config={"classes": CLASSES})
        return classify.Classifier(self.ask, model, "a stand-in")

    def ask(self, path):
        photograph = read_photograph(path)
        self.asked.append(path.name)
        if path.name == self.stop:
            raise KeyboardInterrupt
        light = photograph.read(0, photograph.shape[0], 0, photograph.shape[1]).mean() / 255
        share = np.array([[1 - light, light]])
        return Opinion(CLASSES, share[0], ((0, 0),), share)


@pytest.fixture
def model(monkeypatch):
    standing = Light()
    monkeypatch.setitem(classify._LOADERS, "painter", standing.load)
    monkeypatch.setattr(classify, "load_keras", lambda: None)
    return standing


@pytest.fixture
def call(model, photographs, tmp_path):
    def run(*words, inputs=(photographs,), output=tmp_path / "r.csv", formats=("csv", "json")):
        written = [] if output is None else ["-o", str(output), "--format", *formats]
        return classify.main(["painter", *map(str, inputs), "--model", "m", *written, "--quiet", *words])

    return run


def results(folder):
    """What is in the files, less what two runs may differ in."""
    document = json.loads((folder / "r.json").read_text("utf-8"))
    origin = {name: document["provenance"][name] for name in ("inputs", "model", "parameters")}
    return (folder / "r.csv").read_bytes(), (folder / "r.png").read_bytes(), document["results"], origin


def hidden(folder):
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def test_an_interrupted_run_goes_on_and_ends_as_an_undisturbed_one(call, model, tmp_path, capsys):
    assert call() == 0
    undisturbed = results(tmp_path)
    assert hidden(tmp_path) == []
    for path in tmp_path.glob("r.*"):
        path.unlink()
    model.stop = "A.tif"
    assert call() == 130
    said = capsys.readouterr().err
    assert f"2 of 3 files are done and kept beside {tmp_path / 'r.csv'}; the same command goes on from there" in said
    assert not list(tmp_path.glob("r.*"))
    model.stop = None
    model.asked.clear()
    assert call() == 0
    assert model.asked == ["A.tif"]
    assert results(tmp_path) == undisturbed
    assert hidden(tmp_path) == []


def test_an_answer_is_on_disk_before_the_next_photograph_is_read(call, model, tmp_path, monkeypatch):
    kept, ask = [], model.ask

    def look(path):
        journal = tmp_path / ".r.csv.journal.jsonl"
        kept.append(sum('"status": "ok"' in line for line in journal.read_text("utf-8").splitlines()))
        return ask(path)

    monkeypatch.setattr(model, "ask", look)
    assert call() == 0
    assert kept == [0, 1, 2]


@pytest.mark.parametrize(
    ("words", "sha256", "said"),
    [
        (["--px-per-cm", "50"], "0" * 64, "px_per_cm None, not 50.0"),
        ([], "1" * 64, "model 'light 00000000', not 'light 11111111'"),
    ],
)
def test_other_settings_or_another_model_are_refused(words, sha256, said, call, model, capsys):  # noqa: PLR0917
    model.stop = "b.jpg"
    assert call() == 130
    model.sha256, model.stop = sha256, None
    model.asked.clear()
    capsys.readouterr()
    assert call(*words) == 2
    shown = capsys.readouterr().err
    assert said in shown
    assert "choose another place with -o" in shown
    assert model.asked == []


def test_what_failed_or_changed_is_asked_again(call, model, photographs, tmp_path):
    kept = (photographs / "b.jpg").read_bytes()
    (photographs / "b.jpg").write_bytes(b"no picture")
    model.stop = "A.tif"
    assert call() == 130
    (photographs / "b.jpg").write_bytes(kept)
    Image.new("RGB", (40, 40)).save(photographs / "a.png")
    model.stop = None
    model.asked.clear()
    assert call() == 0
    assert model.asked == ["a.png", "b.jpg", "A.tif"]
    with (tmp_path / "r.csv").open(encoding="utf-8", newline="") as file:
        assert [(row["status"], row["class"]) for row in csv.DictReader(file) if "a.png" in row["file"]] == [
            ("ok", "dark")
        ]


def test_a_photograph_that_changes_while_it_is_looked_at_is_a_failed_row(
    call, model, photographs, tmp_path, monkeypatch
):
    ask = model.ask

    def changing(path):
        opinion = ask(path)
        path.write_bytes(path.read_bytes() + b"more")
        return opinion

    monkeypatch.setattr(model, "ask", changing)
    assert call(inputs=[photographs / "a.png"]) == 1
    (row,) = json.loads((tmp_path / "r.json").read_text("utf-8"))["results"]
    assert (row["status"], row["sha256"]) == ("failed", None)
    assert "has changed since" in row["message"]


def test_a_second_run_is_told_who_is_at_work(call, model, tmp_path, capsys):
    with held(tmp_path / "r.csv"):
        assert call() == 2
    assert "another run is writing there: process" in capsys.readouterr().err
    assert model.asked == []


def test_without_a_file_to_write_what_was_answered_is_shown(call, model, capsys):
    model.stop = "b.jpg"
    assert call(output=None) == 130
    shown = capsys.readouterr()
    assert "a.png" in shown.out
    assert "1 of 3 files are looked at; nothing was written, because -o was not given" in shown.err


def test_the_chart_becomes_no_photograph_and_no_photograph_the_chart(call, model, photographs, capsys):
    for _ in range(2):
        assert call(output=photographs / "r.csv") == 0
        assert model.asked == ["a.png", "b.jpg", "A.tif"]
        model.asked.clear()
    before = (photographs / "a.png").read_bytes()
    assert call(output=photographs / "a.csv") == 2
    assert call(inputs=[photographs / "a.png"], output=photographs / "a.csv") == 2
    assert "would be replaced by the chart. Choose another name with -o" in capsys.readouterr().err
    assert (photographs / "a.png").read_bytes() == before


def test_a_chart_of_very_many_photographs_shows_the_first(call, photographs, monkeypatch, tmp_path):
    from dl4art.utils import evaluation_figures

    monkeypatch.setattr(evaluation_figures, "MOST_BARS", 2)
    assert call() == 0
    with Image.open(tmp_path / "r.png") as chart:
        two = chart.size
    assert call(inputs=[photographs / "a.png", photographs / "b.jpg"]) == 0
    with Image.open(tmp_path / "r.png") as chart:
        assert abs(chart.size[1] - two[1]) < 60
