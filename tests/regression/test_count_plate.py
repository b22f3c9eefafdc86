from statistics import fmean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dl4art.cropping import plate_from_array
from dl4art.regression.count_plate import NUMBERS, count_plate, count_plates, cut_pictures, mean_estimate
from dl4art.regression.estimate import ThreadEstimate
from dl4art.utils.errors import InputError


class MeanCounter:
    """Takes the mean grey of a picture for its density; refuses pictures of mean 13, cannot read those below 1."""

    def __init__(self):
        self.batches = []

    def predict(self, pictures, *, px_per_cm):
        assert px_per_cm == 200
        self.batches.append([picture.shape for picture in pictures])
        return [self.one(float(np.mean(picture))) for picture in pictures]

    def one(self, grey):
        if round(grey) == 13:
            raise ZeroDivisionError("bad luck")
        if grey < 1:
            return ThreadEstimate("no-estimate", message="too dark")
        numbers = [grey, 2 * grey, grey - 0.5, grey + 0.5, 2 * grey - 1, 2 * grey + 1, 1.0, -1.0]
        return ThreadEstimate("ok", **dict(zip(NUMBERS, numbers, strict=True)))


def grey_plate(value, width_cm=1.5, height_cm=1.5, px_per_cm=100):
    shape = round(height_cm * px_per_cm), round(width_cm * px_per_cm)
    return plate_from_array(np.full(shape, value, np.float32), px_per_cm, name=f"grey {value}")


def test_a_small_plate_is_counted_in_one_piece():
    counter = MeanCounter()
    estimate = count_plate(grey_plate(12.0, 3.0, 1.0), counter)
    assert counter.batches == [[(200, 600)]]
    assert estimate.vertical_per_cm == pytest.approx(12, abs=1e-4)
    assert estimate.message == ""


def test_plates_of_equal_shape_share_a_batch_and_keep_their_order():
    counter = MeanCounter()
    plates = [grey_plate(8.0), grey_plate(9.0, 1.2), grey_plate(10.0), grey_plate(11.0)]
    results = count_plates(plates, counter, batch_size=3)
    assert [round(result.vertical_per_cm) for result in results] == [8, 9, 10, 11]
    assert counter.batches == [[(300, 300), (300, 300)], [(300, 240)], [(300, 300)]]


def test_one_that_cannot_be_counted_does_not_spoil_its_batch():
    results = count_plates([grey_plate(8.0), grey_plate(13.0), grey_plate(10.0)], MeanCounter())
    assert [round(results[i].vertical_per_cm) for i in (0, 2)] == [8, 10]
    assert isinstance(results[1], ZeroDivisionError)
    with pytest.raises(ZeroDivisionError, match="bad luck"):
        count_plate(grey_plate(13.0), MeanCounter())


def test_a_plate_smaller_than_a_window_states_its_size():
    with pytest.raises(InputError, match=r"grey 12.0: shows 3\.00 x 0\.90 cm, and at least 1 x 1 cm are needed"):
        count_plate(grey_plate(12.0, 3.0, 0.9), MeanCounter())


def test_a_window_that_misses_a_pixel_by_rounding_is_a_window():
    # 236 px at 600 dpi are 0.99907 cm
    plate = plate_from_array(np.full((236, 236), 12.0, np.float32), 600 / 2.54)
    assert count_plate(plate, MeanCounter()).status == "ok"


def test_a_large_plate_is_the_mean_over_its_readable_crops():
    picture = np.full((400, 460), 10.0, np.float32)  # 4.6 x 4 cm: 3 x 2 crops in the middle
    picture[:, 230:] = 12.0
    picture[:199] = 0.0
    counter = MeanCounter()
    estimate = count_plate(plate_from_array(picture, 100), counter, batch_size=4)
    assert counter.batches == [[(300, 300)] * 4, [(300, 300)] * 2]
    # the upper row of crops lies in the dark
    assert estimate.vertical_per_cm == pytest.approx(11, abs=0.01)
    assert estimate.message.startswith("mean over 3 of 6 crops, standard deviation 0.8")


def test_a_size_that_misses_whole_crops_by_rounding_loses_none():
    # 6 cm at 600 dpi are 1417 px, or 5.9986 cm
    plate = plate_from_array(np.full((1417, 1417), 10.0, np.float32), 600 / 2.54)
    assert count_plate(plate, MeanCounter()).message.startswith("mean over 16 of 16 crops")


def test_crops_that_cannot_be_read_are_left_out_and_mentioned():
    picture = np.full((150, 450), 10.0, np.float32)
    picture[:, :160] = 0.0
    estimate = count_plate(plate_from_array(picture, 100), MeanCounter())
    assert estimate.status == "ok"
    assert estimate.vertical_per_cm == pytest.approx(10, rel=0.06)
    assert estimate.message.startswith("mean over 2 of 3 crops")
    assert "in 1 of 3 crops: too dark" in estimate.message


def test_a_plate_without_a_readable_crop_has_no_estimate():
    estimate = count_plate(grey_plate(0.0, 6.0, 6.0), MeanCounter())
    assert estimate.status == "no-estimate"
    assert estimate.message == "none of 16 crops is readable; in 16 of 16 crops: too dark"


@given(width=st.floats(1.0, 9.0), height=st.floats(1.0, 9.0), px_per_cm=st.sampled_from([20.0, 23.6, 40.0]))
def test_pictures_lie_on_the_plate_side_by_side_and_leave_out_less_than_a_crop(width, height, px_per_cm):
    rows, columns = round(height * px_per_cm), round(width * px_per_cm)
    if min(rows, columns) < px_per_cm:
        rows, columns = max(rows, round(px_per_cm + 0.5)), max(columns, round(px_per_cm + 0.5))
    across = np.broadcast_to(np.arange(columns, dtype=np.float32), (rows, columns))
    plate = plate_from_array(across, px_per_cm)
    pictures = list(cut_pictures(plate))
    size = plate.size_cm
    if max(size) <= 3:
        assert [picture.shape for picture in pictures] == [tuple(round(side * 200) for side in reversed(size))]
        return
    assert {picture.shape for picture in pictures} == {tuple(round(min(1.5, side) * 200) for side in reversed(size))}
    numbers = [max(1, int((side + 0.005) / 1.5)) for side in size]
    assert len(pictures) == numbers[0] * numbers[1]
    centres = [float(picture.mean()) for picture in pictures[: numbers[0]]]
    assert np.diff(centres) == pytest.approx(np.full(numbers[0] - 1, 1.5 * px_per_cm), abs=0.6)
    assert fmean(centres) == pytest.approx((columns - 1) / 2, abs=0.6)


def estimates():
    numbers = st.fixed_dictionaries({name: st.floats(5, 26) for name in NUMBERS})
    return st.builds(lambda values: ThreadEstimate("ok", **values), numbers)


@given(st.lists(estimates(), min_size=2, max_size=6))
def test_the_mean_of_estimates_is_the_mean_of_each_number(found):
    mean = mean_estimate([*found, ThreadEstimate("no-estimate", message="too dark")])
    for name in NUMBERS:
        assert getattr(mean, name) == pytest.approx(fmean(getattr(estimate, name) for estimate in found))
    assert mean.message.endswith(f"in 1 of {len(found) + 1} crops: too dark")
    assert f"mean over {len(found)} of {len(found) + 1} crops" in mean.message


def test_a_single_estimate_is_left_as_it_is():
    estimate = ThreadEstimate("no-estimate", message="twill")
    assert mean_estimate([estimate]) is estimate
