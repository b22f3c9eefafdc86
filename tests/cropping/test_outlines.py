import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dl4art.cropping.outlines import fill, outline, thinned


@settings(max_examples=60, deadline=None)
@given(arrays(float, 40, elements=st.floats(-30, 30)), st.floats(0.01, 5))
def test_a_thinned_line_stays_near_every_point(x, tolerance):
    line = np.stack([x, np.arange(40.0)], axis=1)
    few = thinned(line, tolerance)
    assert len(few) <= len(line)
    assert (few[0, 1], few[-1, 1]) == (0, 39)
    assert np.abs(np.interp(line[:, 1], few[:, 1], few[:, 0]) - x).max() <= tolerance * (1 + 1e-9) + 1e-9


def test_a_straight_line_has_two_points():
    y = np.arange(300.0)
    assert len(thinned(np.stack([0.1 * y + 4, y], axis=1))) == 2
    assert len(thinned(np.stack([np.round(0.1 * y + 4), y], axis=1), 0.51)) == 2


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(0, 12))
def test_the_outline_of_a_band_holds_its_pixels_and_no_other(seed, top):
    rng = np.random.default_rng(seed)
    rows = np.arange(top, 30)
    left = np.clip(8 + np.cumsum(rng.integers(-1, 2, len(rows))), 0, 30)
    right = left + rng.integers(1, 9, len(rows))
    mask = np.zeros((32, 40), bool)
    for row, start, end in zip(rows, left, right, strict=True):
        mask[row, start:end] = True
    np.testing.assert_array_equal(fill(outline(left * 1.0, right * 1.0, rows + 0.5), mask.shape), mask)


@pytest.mark.parametrize("turn", [1, -1])
def test_a_rectangle_is_filled_whichever_way_it_is_drawn(turn):
    corners = np.array([[2.0, 1], [5, 1], [5, 4], [2, 4]])[::turn]
    mask = fill(corners, (6, 8))
    assert mask.sum() == 9
    assert mask[1:4, 2:5].all()


def test_what_lies_outside_the_picture_is_cut():
    assert fill(np.array([[-50.0, -50], [90, -50], [90, 90], [-50, 90]]), (6, 8)).all()
    assert not fill(np.array([[20.0, 20], [30, 20], [30, 30]]), (6, 8)).any()
