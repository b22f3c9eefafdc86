import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from dl4art.craquelure.skeleton import skeletonise

EIGHT = np.ones((3, 3))


def counts(mask):
    """Pieces, and holes and surroundings together."""
    return ndimage.label(mask, EIGHT)[1], ndimage.label(~np.pad(mask, 1))[1]


def test_a_bar_becomes_its_centre_line():
    mask = np.zeros((15, 40), bool)
    mask[5:10, 3:37] = True
    thin = skeletonise(mask)
    assert np.flatnonzero(thin.any(axis=1)).tolist() == [7]
    assert 28 <= thin.sum() <= 34


@pytest.mark.parametrize("width", [2, 3, 4, 7])
def test_a_ring_stays_closed_and_on_its_circle(width):
    y, x = np.mgrid[:60, :60] - 29.5
    radius = np.hypot(x, y)
    thin = skeletonise(np.abs(radius - 20) <= width / 2)
    assert counts(thin) == (1, 2)
    assert np.abs(radius[thin] - 20).max() <= 1.5


def test_a_cross_keeps_its_arms():
    mask = np.zeros((41, 41), bool)
    mask[19:22] = mask[:, 19:22] = True
    thin = skeletonise(mask)
    assert thin[20, [5, 35]].all()
    assert thin[[5, 35], 20].all()
    assert thin.sum() < 85


def test_what_is_thin_stays_as_it_is():
    mask = np.eye(12, dtype=bool)
    mask[3, :] |= np.arange(12) > 3
    assert np.array_equal(skeletonise(mask), mask)


def test_a_square_of_four_leaves_a_pixel():
    mask = np.zeros((6, 6), bool)
    mask[2:4, 2:4] = True
    assert skeletonise(mask).sum() == 1


def test_the_argument_is_left_alone():
    mask = np.ones((5, 7), bool)
    skeletonise(mask)
    assert mask.all()


@settings(max_examples=60, deadline=None)
@given(hnp.arrays(bool, st.tuples(st.integers(1, 14), st.integers(1, 14))))
def test_pieces_and_holes_are_kept(mask):
    thin = skeletonise(mask)
    assert not (thin & ~mask).any()
    assert counts(thin) == counts(mask)
    assert np.array_equal(skeletonise(thin), thin)
