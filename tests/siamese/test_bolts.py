import numpy as np
import pytest

from dl4art.siamese.bolts import draw_pair


@pytest.mark.parametrize("related", [True, False])
def test_a_seed_says_all(related):
    first, second = (draw_pair(np.random.default_rng(3), related=related) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.vertical, other.vertical)
        np.testing.assert_array_equal(one.horizontal, other.horizontal)


def test_maps_are_as_large_as_the_pieces_and_mostly_readable(rng):
    for found in draw_pair(rng, related=True, step_cm=0.4):
        rows, cols = found.vertical.shape
        assert 34 <= rows * 0.4 <= 66
        assert 34 <= cols * 0.4 <= 66
        assert np.isnan(found.vertical).mean() <= 0.16
        assert found.vertical.dtype == np.float32


def test_strangers_have_the_same_density(rng):
    a, b = draw_pair(rng, related=False)
    assert np.nanmean(a.vertical) == pytest.approx(np.nanmean(b.vertical), rel=0.05)
    assert np.nanmean(a.horizontal) == pytest.approx(np.nanmean(b.horizontal), rel=0.05)
