import math

import numpy as np
import pytest
import tifffile

from dl4art import regression
from dl4art.regression.count_file import FileCount, count_files, load_counter, widened
from dl4art.regression.estimate import ThreadEstimate
from dl4art.utils.files import sha256


class FixedCounter:
    """Finds the same in every picture."""

    def __init__(self, **numbers):
        self.estimate = ThreadEstimate(**{"status": "ok", "vertical_per_cm": 12.0, "horizontal_per_cm": 15.0} | numbers)

    def predict(self, pictures, *, px_per_cm):
        return [self.estimate for _ in pictures]


@pytest.fixture
def crop(tmp_path):
    """2 x 1.5 cm at 100 px/cm."""
    tifffile.imwrite(
        tmp_path / "crop.tif", np.full((150, 200), 90, np.uint8), resolution=(100, 100), resolutionunit="CENTIMETER"
    )
    return tmp_path / "crop.tif"


def test_a_row_holds_what_was_found_and_where_it_comes_from(crop):
    (row,) = count_files([crop], FixedCounter(vertical_low=11.5, vertical_high=12.5, message="twill?"))
    assert row.to_dict() == {
        "file": str(crop),
        "status": "ok",
        "vertical_per_cm": 12.0,
        "horizontal_per_cm": 15.0,
        "vertical_low": 11.499,  # the scale has an error too
        "vertical_high": 12.501,
        "horizontal_low": None,
        "horizontal_high": None,
        "vertical_threads": 24.0,
        "horizontal_threads": 22.5,
        "width_cm": 2.0,
        "height_cm": 1.5,
        "px_per_cm": 100.0,
        "message": "twill?",
        "vertical_tilt": None,
        "horizontal_tilt": None,
        "scale_source": row.scale_source,
        "sha256": sha256(crop),
    }
    assert row.scale_source


def test_threads_that_cross_a_side_are_fewer_when_they_lie_aslant(crop):
    (row,) = count_files([crop], FixedCounter(vertical_tilt=-10.0, horizontal_tilt=20.0))
    assert row.vertical_threads == pytest.approx(12 * 2.0 * math.cos(math.radians(10)), abs=1e-3)
    assert row.horizontal_threads == pytest.approx(15 * 1.5 * math.cos(math.radians(20)), abs=1e-3)


def test_no_estimate_has_no_numbers_but_its_size_and_reason(crop):
    counter = FixedCounter(
        status="no-estimate", vertical_per_cm=None, horizontal_per_cm=None, message="no weave to be seen"
    )
    (row,) = count_files([crop], counter)
    assert (row.status, row.message, row.width_cm) == ("no-estimate", "no weave to be seen", 2.0)
    assert row.vertical_per_cm is row.vertical_threads is None


def test_the_users_scale_is_passed_on(crop):
    (row,) = count_files([crop], FixedCounter(), px_per_cm=50.0)
    assert row.width_cm == 4.0
    (row,) = count_files([crop], FixedCounter(), size_cm=(4.0, 3.0))
    assert row.px_per_cm == 50.0


def test_a_crop_without_scale_is_taken_as_one_only_where_allowed(tmp_path):
    paths = [tmp_path / "a.tif", tmp_path / "b.tif"]
    for path in paths:
        tifffile.imwrite(path, np.full((300, 300), 90, np.uint8))
    rows = list(count_files(paths, FixedCounter(), crops=[True, False]))
    assert [row.status for row in rows] == ["ok", "failed"]
    assert (rows[0].px_per_cm, rows[0].message) == (200.0, "scale assumed: 300x300 crop")
    assert "--px-per-cm" in rows[1].message


def test_a_failure_nobody_thought_of_is_a_row_too(crop, monkeypatch):
    def break_down(*_args, **_options):
        raise MemoryError("no room")

    monkeypatch.setattr("dl4art.cropping.read_plate", break_down)
    (row,) = count_files([crop], FixedCounter())
    assert row == FileCount(str(crop), "failed", message="cannot be used (MemoryError: no room)", sha256=sha256(crop))


def test_an_interruption_is_no_failure_of_the_file(crop):
    class Impatient:
        def predict(self, pictures, *, px_per_cm):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(count_files([crop], Impatient()))


@pytest.fixture
def large(tmp_path):
    """A plate of 4 x 4 cm."""
    path = tmp_path / "large.tif"
    tifffile.imwrite(path, np.full((400, 400), 90, np.uint8), resolution=(100, 100), resolutionunit="CENTIMETER")
    return path


def test_rows_come_in_the_order_of_the_files(crop, large, tmp_path):
    paths = [large, crop, tmp_path / "gone.tif", crop, large]
    rows = list(count_files(paths, FixedCounter()))
    assert [row.file for row in rows] == list(map(str, paths))
    assert [row.status for row in rows] == ["ok", "ok", "failed", "ok", "ok"]
    assert rows[0].message.startswith("mean over 4 of 4 crops")


@pytest.mark.parametrize("interrupted_at", [1, 2, 3])
def test_what_comes_before_a_large_plate_is_given_out_before_it_is_begun(crop, large, interrupted_at):
    class Impatient(FixedCounter):
        calls = 0

        def predict(self, pictures, *, px_per_cm):
            self.calls += 1
            if self.calls == interrupted_at:
                raise KeyboardInterrupt
            return super().predict(pictures, px_per_cm=px_per_cm)

    paths = [crop, crop, large, large]
    given = []
    rows = count_files(paths, Impatient())
    with pytest.raises(KeyboardInterrupt):
        given.extend(row.file for row in rows)
    assert given == list(map(str, paths[: (0, 2, 3)[interrupted_at - 1]]))


@pytest.mark.parametrize(
    ("method", "name", "called_with"),
    [
        ("auto", "CombinedCounter", ("threads",)),
        ("network", "ThreadCounter", ("threads",)),
        ("spectral", "SpectralCounter", ()),
    ],
)
def test_each_method_has_its_counter(method, name, called_with, monkeypatch):
    class Recorder:
        def __init__(self, *given):
            self.given = given

        @classmethod
        def from_pretrained(cls, *given):
            return cls(*given)

    monkeypatch.setattr(regression, name, Recorder, raising=False)
    counter = load_counter(method, "threads")
    assert isinstance(counter, Recorder)
    assert counter.given == called_with


def test_the_scale_s_own_error_is_in_the_interval():
    numbers = {
        "vertical_per_cm": 10.0,
        "vertical_low": 9.97,
        "vertical_high": 10.04,
        "horizontal_per_cm": 20.0,
        "horizontal_low": None,
        "horizontal_high": None,
    }
    result = widened(numbers, scale_error=0.004)
    assert result["vertical_low"] == pytest.approx(10 - 0.05)
    assert result["vertical_high"] == pytest.approx(10 + math.hypot(0.04, 0.04))
    assert result["horizontal_low"] is None
    assert result["vertical_per_cm"] == 10.0
