import numpy as np
import pytest

from dl4art.cropping.labels import ThreadLabels
from dl4art.regression.count_file import FileCount
from dl4art.regression.label_check import compare_labels


def lines(per_cm):
    return tuple(np.array([[x, 0.0], [x, 300.0]]) for x in np.arange(0.5, 1.5 * per_cm) * 200 / per_cm)


LABELS = ThreadLabels(lines(12), tuple(line[:, ::-1] for line in lines(16)), (300, 300))


def counted(vertical, horizontal):
    return FileCount(
        "a.tif",
        "ok",
        vertical,
        horizontal,
        vertical_threads=1.5 * vertical,
        horizontal_threads=1.5 * horizontal,
        px_per_cm=200.0,
    )


@pytest.mark.parametrize(
    ("vertical", "horizontal", "found"),
    [
        (12, 16, []),
        (12.5, 15.4, []),
        (13, 16, ["vertical"]),
        (12, 14, ["horizontal"]),
        (9, 9, ["vertical", "horizontal"]),
    ],
)
def test_more_than_a_twentieth_apart_is_found(vertical, horizontal, found):
    findings = compare_labels("a.json", LABELS, counted(vertical, horizontal))
    assert [finding.message.split()[0] for finding in findings] == found
    assert {finding.finding for finding in findings} <= {"unlike the count"}


def test_both_numbers_are_said():
    (finding,) = compare_labels("a.json", LABELS, counted(12, 14))
    assert "16.00 per cm as drawn (24 threads), 14.00 as counted (about 21), +14%" in finding.message


def test_without_an_estimate_nothing_is_compared():
    assert compare_labels("a.json", LABELS, FileCount("a.tif", "no-estimate", message="blank")) == []


def test_one_thread_is_no_density():
    assert compare_labels("a.json", ThreadLabels(LABELS.vertical[:1], (), (300, 300)), counted(9, 9)) == []


def test_a_crop_that_cannot_be_counted_is_found():
    (finding,) = compare_labels("a.json", LABELS, FileCount("a.tif", "failed", message="no scale"))
    assert (finding.file, finding.message) == ("a.json", "a.tif: no scale")


def test_threads_that_lie_nowhere_side_by_side_have_no_density():
    pieces = (np.array([[5.0, 20.0], [5.0, 90.0]]), np.array([[9.0, 190.0], [9.0, 270.0]]))
    (finding,) = compare_labels("a.json", ThreadLabels(pieces, (), (300, 300)), counted(9, 9))
    assert finding.finding == "no density"
    assert "no two vertical threads cross" in finding.message
