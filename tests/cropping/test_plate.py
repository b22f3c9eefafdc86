import dataclasses
from pathlib import Path

import numpy as np
import pytest

from dl4art.cropping import Plate, plate_from_array
from dl4art.cropping.sources import ArraySource, ToGrey
from dl4art.utils.errors import InputError, ScaleError


def test_size_follows_from_scale():
    plate = plate_from_array(np.zeros((400, 500)), 200.0)
    assert plate.size_cm == (2.5, 2.0)
    uneven = dataclasses.replace(plate, px_per_cm_y=50.0)
    assert uneven.size_cm == (2.5, 8.0)
    assert uneven.px_per_cm == 100.0


def test_reading_takes_slices_as_arrays_do():
    pixels = np.arange(20 * 30, dtype=np.float32).reshape(20, 30)
    plate = plate_from_array(pixels, 200.0)
    for part in (np.s_[:, :], np.s_[3:7, 5:], np.s_[-4:, :-2], np.s_[15:99, 2:3], np.s_[9:4, 1:2]):
        np.testing.assert_array_equal(plate.read(*part), pixels[part])


def test_pixels_that_are_not_square_become_square():
    yy, xx = np.mgrid[0:300, 0:400]
    plate = Plate(
        path=Path("p"), shape=(300, 400), px_per_cm_x=400.0, px_per_cm_y=300.0, scale_source="user", dtype="float64",
        source=ArraySource(np.hypot((xx + 0.5) / 400 - 0.5, (yy + 0.5) / 300 - 0.5), ToGrey()),
    )  # fmt: skip
    sampled = plate.sample()
    assert sampled.shape == (200, 200)
    np.testing.assert_allclose(sampled, sampled.T, atol=2e-3)


def test_plates_from_arrays_are_checked():
    for wrong in (np.zeros((3, 4, 3)), np.zeros((0, 5)), np.array([["a"]]), np.zeros((5, 5), complex)):
        with pytest.raises(InputError, match="sheet: "):
            plate_from_array(wrong, 200.0, "sheet")
    with pytest.raises(ScaleError, match="sheet: "):
        plate_from_array(np.zeros((5, 5)), 0.0, "sheet")


def test_nan_and_infinity_are_refused_where_they_are_read():
    pixels = np.ones((40, 50))
    pixels[30, 20] = -np.inf
    plate = plate_from_array(pixels, 200.0, "sheet")
    assert plate.sample(0, 0, 0.2, 0.05).shape == (10, 40)
    with pytest.raises(InputError, match=r"sheet: 0 NaN and 1 infinite pixels in rows 25 to 40.*row 30, column 20"):
        plate.read(slice(25, None))


def test_what_does_not_fit_in_memory_is_an_error_message():
    class Huge:
        shape = (10**7, 10**7)

        def read(self, top, bottom, left, right):
            raise MemoryError

    plate = dataclasses.replace(plate_from_array(np.zeros((5, 5)), 200.0, "sheet"), source=Huge(), shape=Huge.shape)
    with pytest.raises(InputError, match=r"sheet: 10000000 x 10000000 pixels do not fit"):
        plate.read()
