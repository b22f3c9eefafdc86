import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dl4art.siamese.frame import CANVAS, PERIOD, canvas_side, on_canvas, thread_frame, thread_waves


def weave(vertical, horizontal, tilt=0.0, *, size=240, seed=0):
    """Threads of these densities at 200 px/cm, turned counter-clockwise, and some noise."""
    y, x = np.mgrid[:size, :size] / 200
    a = np.deg2rad(tilt)
    threads = np.cos(2 * np.pi * vertical * (x * np.cos(a) - y * np.sin(a)))
    threads = threads + np.cos(2 * np.pi * horizontal * (x * np.sin(a) + y * np.cos(a)))
    return (threads + 0.2 * np.random.default_rng(seed).normal(size=(size, size))).astype(np.float32)


def peak_periods(framed):
    """Periods in pixels of the strongest waves across and down, from the middle of a framed crop."""
    rows, columns = framed.shape
    middle = framed[rows // 4 : -rows // 4, columns // 4 : -columns // 4]
    middle = middle - middle.mean()
    periods = []
    for axis in (0, 1):
        power = np.abs(np.fft.rfft(middle.mean(axis=axis), 4096)) ** 2
        periods.append(4096 / (power[40:].argmax() + 40))
    return periods


@pytest.mark.parametrize(("vertical", "horizontal", "tilt"), [(7.0, 9.0, 0.0), (14.0, 11.0, 8.0), (24.0, 20.0, -15.0)])
def test_threads_stand_upright_at_one_period(vertical, horizontal, tilt):
    framed = thread_frame(weave(vertical, horizontal, tilt), np.array([1.02 * vertical, 0.99 * horizontal]))
    assert peak_periods(framed) == pytest.approx([PERIOD, PERIOD], rel=0.02)
    columns, rows = 1.04 * 1.2 * vertical * PERIOD, 1.04 * 1.2 * horizontal * PERIOD
    assert framed.shape == pytest.approx((rows, columns), rel=0.03)
    # a turned crop does not fill its frame
    assert 0.05 < np.isnan(framed).mean() < 0.5


def test_large_crops_are_cut():
    assert thread_frame(weave(25.0, 25.0, size=420), np.array([25.0, 25.0])).shape == (480, 480)


@given(st.floats(6, 24), st.floats(6, 24), st.integers(0, 99))
@settings(max_examples=8, deadline=None)
def test_the_transposed_and_the_negative_picture(vertical, horizontal, seed):
    picture, density = weave(vertical, horizontal, seed=seed), np.array([vertical, horizontal])
    framed = thread_frame(picture, density)
    np.testing.assert_allclose(thread_frame(picture.T, density[::-1]), framed.T, atol=2e-3)
    np.testing.assert_allclose(thread_frame(3 - picture, density), -framed, atol=2e-3)


def test_where_the_spectrum_knows_nothing_the_stated_densities_nearly_hold():
    waves = thread_waves(np.zeros((240, 240), np.float32), np.array([9.0, 12.0]), 200.0)
    assert np.linalg.norm(waves, axis=1) == pytest.approx([9.0, 12.0], rel=0.08)


def test_squares_grow_in_steps():
    assert [canvas_side(shape) for shape in ((90, 70), (192, 10), (193, 10), (90, 400))] == [CANVAS, CANVAS, 288, 480]


def test_a_small_crop_lies_in_the_middle_or_nearly(rng):
    crop = rng.normal(size=(100, 60)).astype(np.float32)
    crop[:5] = np.nan
    laid = on_canvas(crop, CANVAS)
    assert laid.shape == (CANVAS, CANVAS, 2)
    np.testing.assert_array_equal(laid[51:146, 66:126, 0], crop[5:])
    np.testing.assert_array_equal(laid[51:146, 66:126, 1], 1)
    assert laid[..., 1].sum() == 95 * 60
    assert not laid[46:51].any()
    places = set()
    for seed in range(20):
        moved = on_canvas(crop, CANVAS, np.random.default_rng(seed))
        assert moved[..., 1].sum() == 95 * 60
        places.add(tuple(int(axis.min()) for axis in np.nonzero(moved[..., 1])))
    assert len(places) > 10
    assert all(abs(row - 51) <= PERIOD / 2 and abs(column - 66) <= PERIOD / 2 for row, column in places)


def test_of_a_large_crop_a_part_is_taken(rng):
    crop = rng.normal(size=(250, 192)).astype(np.float32)
    np.testing.assert_array_equal(on_canvas(crop, CANVAS)[..., 0], crop[29:221])
    parts = [on_canvas(crop, CANVAS, np.random.default_rng(seed))[0, :, 0] for seed in range(9)]
    assert all(any(np.array_equal(part, row) for row in crop[:59]) for part in parts)
    assert len({part[0] for part in parts}) > 4
