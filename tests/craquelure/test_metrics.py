import math
import time

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, jaccard_score, precision_recall_fscore_support

from dl4art.craquelure.metrics import check_labels, confusion, images_per_second, line_scores, scores
from dl4art.utils.errors import InputError


def test_scores_are_those_of_scikit_learn(rng):
    truth, said = rng.integers(0, 3, (2, 20, 30))
    found = scores(confusion(truth, said))
    expected = precision_recall_fscore_support(truth.ravel(), said.ravel())
    iou = jaccard_score(truth.ravel(), said.ravel(), average=None)
    assert found.accuracy == pytest.approx(accuracy_score(truth.ravel(), said.ravel()))
    for number, row in enumerate(found.classes.values()):
        assert (row.precision, row.recall, row.f1) == pytest.approx([column[number] for column in expected[:3]])
        assert row.iou == pytest.approx(iou[number])
    assert found.mean_iou == pytest.approx(iou.mean())


def test_by_hand():
    found = scores(confusion(np.array([[0, 0, 1, 1, 2]]), np.array([[0, 1, 1, 1, 0]])))
    assert found.accuracy == pytest.approx(3 / 5)
    assert found.classes["craquelure"].precision == pytest.approx(2 / 3)
    assert found.classes["craquelure"].recall == 1
    assert found.classes["craquelure"].f1 == pytest.approx(4 / 5)
    assert found.classes["loss"].iou == 0
    assert math.isnan(found.classes["loss"].precision)
    assert found.mean_iou == pytest.approx((1 / 3 + 2 / 3 + 0) / 3)


def test_a_class_that_does_not_occur_has_no_say():
    found = scores(confusion(np.zeros((3, 3), int), np.zeros((3, 3), int)))
    assert found.mean_iou == found.accuracy == 1
    assert math.isnan(found.classes["loss"].iou)


def test_counts_add_up(rng):
    truth, said = rng.integers(0, 3, (2, 12, 9))
    halves = confusion(truth[:5], said[:5]) + confusion(truth[5:], said[5:])
    assert np.array_equal(halves, confusion(truth, said))


@pytest.mark.parametrize(
    ("labels", "shape", "words"),
    [
        (np.full((4, 4), 3), None, "holds 3, which is no class. Use 0 background, 1 craquelure, 2 loss"),
        (np.full((4, 4), 255, np.uint8), None, "holds 255"),
        (np.full((4, 4), -1), None, "holds -1"),
        (np.zeros((4, 4)), None, "float64"),
        (np.zeros((4, 6), int), (4, 5), "6 x 4 px, but its picture has 5 x 4"),
    ],
)
def test_wrong_masks_are_refused(labels, shape, words):
    with pytest.raises(InputError, match=words):
        check_labels(labels, "m.png", shape=shape)


def line_at(row, shape=(30, 50), columns=slice(None)):
    mask = np.zeros(shape, bool)
    mask[row, columns] = True
    return mask


def test_lines_agree_within_the_tolerance_and_not_beyond():
    for off, expected in ((0, 1.0), (3, 1.0), (4, 0.0)):
        assert line_scores(line_at(10), line_at(10 + off)).f1 == expected


def test_half_of_a_crack_found_is_half_the_recall():
    found = line_scores(line_at(10), line_at(10, columns=slice(0, 25)), tolerance_px=0.5)
    assert (found.precision, found.recall) == (1.0, 0.5)
    assert found.f1 == pytest.approx(2 / 3)


def test_the_width_of_cracks_does_not_matter():
    wide = np.zeros((30, 50), bool)
    wide[8:13] = True
    assert line_scores(line_at(10), wide).f1 > 0.95


def test_nothing_to_find_and_nothing_found():
    nothing = np.zeros((30, 50), bool)
    assert math.isnan(line_scores(nothing, nothing).f1)
    assert line_scores(line_at(5), nothing).f1 == 0
    assert line_scores(nothing, line_at(5)).f1 == 0
    with pytest.raises(InputError, match="40 x 30 px, but the truth has 50 x 30"):
        line_scores(nothing, nothing[:, :40])


def test_pictures_are_timed_after_warming_up(monkeypatch):
    taken = []
    monkeypatch.setattr(time, "perf_counter", lambda: sum(taken))
    assert images_per_second(taken.append, [8.0, 0.25, 0.5, 0.25]) == 3
    assert taken == [8.0, 0.25, 0.5, 0.25]
    with pytest.raises(InputError, match="too few"):
        images_per_second(taken.append, [0.1])
