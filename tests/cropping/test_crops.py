import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dl4art.cropping import cut_crops, iterate_crops, plate_from_array
from dl4art.cropping.crops import crop_positions
from dl4art.utils.errors import InputError


def blank(rows, columns):
    return plate_from_array(np.zeros((rows, columns)), 200.0, "sheet")


def overlaps(positions, size):
    apart = np.abs(positions[:, None] - positions[None]).max(axis=-1)
    return (apart < size - 1e-6).sum() - len(positions)


def test_a_grid_covers_the_plate_from_its_corner(weave):
    pixels = weave(700, 1000)
    crops = cut_crops(plate_from_array(pixels, 200.0))
    assert crops.pixels.shape == (len(crops), 300, 300) == (6, 300, 300)
    assert crops.pixels.dtype == np.float32
    assert crops.positions_cm.tolist() == [[x, y] for y in (0, 1.5) for x in (0, 1.5, 3)]
    np.testing.assert_array_equal(crops.pixels[4], pixels[300:600, 300:600].astype(np.float32))


def test_crops_of_another_scale_are_resampled(weave):
    crops = cut_crops(plate_from_array(weave(400, 400, 236.22), 236.22), size_cm=1.0, step_cm=0.5, px_per_cm=100)
    assert crops.pixels.shape == (4, 100, 100)
    assert crops.positions_cm.max() == 0.5


@given(seed=st.integers(0, 10**6), count=st.integers(1, 12))
@settings(max_examples=20, deadline=None)
def test_random_crops_lie_on_the_plate_do_not_overlap_and_repeat(seed, count):
    plate, usable = blank(2000, 2400), np.ones((40, 48), dtype=bool)
    positions = crop_positions(plate, count=count, seed=seed, usable=usable)
    assert positions.shape == (count, 2)
    assert positions.min() >= 0
    assert (positions + 1.5 <= (12.001, 10.001)).all()
    assert overlaps(positions, 1.5) == 0
    again = crop_positions(plate, count=count, seed=seed, usable=usable)
    np.testing.assert_array_equal(positions, again)
    fewer = crop_positions(plate, count=max(1, count // 2), seed=seed, usable=usable)
    np.testing.assert_array_equal(fewer, positions[: len(fewer)])


def test_seeds_differ():
    usable = np.ones((40, 40), dtype=bool)
    first, second = (crop_positions(blank(2000, 2000), count=5, seed=seed, usable=usable) for seed in (0, 1))
    assert not np.array_equal(first, second)


def test_where_there_is_no_room_crops_overlap_and_never_repeat():
    positions = crop_positions(blank(500, 500), count=30, usable=np.ones((10, 10), dtype=bool))
    assert len(positions) == 30
    assert overlaps(positions, 1.5) > 0
    assert len(np.unique(positions, axis=0)) == 30


def test_not_more_crops_than_places():
    assert len(crop_positions(blank(310, 320), count=99, usable=np.ones((7, 7), dtype=bool))) == 2 * 3


@pytest.mark.parametrize("options", [{}, {"step_cm": 0.3}, {"count": 8}])
def test_crops_stay_in_the_usable_area(options):
    usable = np.ones((40, 40), dtype=bool)
    usable[:, 12:18] = False
    usable[:5] = False
    positions = crop_positions(blank(2000, 2000), usable=usable, **options)
    assert len(positions) > 3
    for x, y in positions:
        cells = usable[round(y * 4 - 0.5 + 1e-6) : round(y * 4 + 6.5 - 1e-6), round(x * 4 - 0.5 + 1e-6) :][:, :6]
        assert (~cells).mean() <= 0.05


def test_one_bad_cell_does_not_spoil_a_crop_and_a_column_does():
    usable = np.ones((6, 6), dtype=bool)
    usable[2, 2] = False
    assert len(crop_positions(blank(300, 300), usable=usable)) == 1
    usable[:, 5] = False
    with pytest.raises(InputError, match=r"sheet: no usable area .*81%"):
        crop_positions(blank(300, 300), usable=usable)


def test_blank_film_is_left_out_without_being_asked(weave):
    pixels = weave(1200, 1200)
    pixels[:600] = 3
    crops = cut_crops(plate_from_array(pixels, 200.0), count=5)
    assert crops.positions_cm[:, 1].min() >= 3 - 0.05 * 1.5


def test_one_grey_has_no_crops():
    with pytest.raises(InputError, match="no usable area"):
        cut_crops(blank(600, 600))


def test_plates_smaller_than_a_crop_are_refused():
    with pytest.raises(InputError, match=r"sheet: 1\.5 x 1\.45 cm .*smaller than one crop"):
        cut_crops(blank(290, 300))


@pytest.mark.parametrize("options", [{"size_cm": 0}, {"step_cm": -1}, {"count": 0}])
def test_impossible_wishes_are_refused(options):
    with pytest.raises(InputError, match="above zero"):
        cut_crops(blank(600, 600), **options)


def test_crops_come_one_by_one(weave):
    crops = iterate_crops(plate_from_array(weave(300, 600), 200.0), np.array([[0.0, 0.0], [1.5, 0.0], [99.0, 0.0]]))
    assert next(crops).shape == (300, 300)
    assert next(crops).shape == (300, 300)
    with pytest.raises(InputError, match="x = 99"):
        next(crops)
