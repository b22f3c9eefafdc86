import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dl4art.regression.maps import ThreadMap
from dl4art.siamese.weave_profiles import GRID_CM, WeaveMap, weave_profile
from dl4art.utils.errors import InputError

STEP = 0.5


def lively(rng, cols=100):
    """Densities across 50 cm, as windows of 1 cm show them."""
    return 14 + np.convolve(rng.normal(0, 0.5, cols + 3), np.ones(4) / 2, "valid")


def made(line, rows=80, lean=0.0, noise=0.0, rng=None):
    """A map whose vertical threads have the densities of a line, and lean."""
    x = np.arange(len(line)) * STEP
    y = (np.arange(rows) - (rows - 1) / 2) * STEP
    cells = np.array([np.interp(x - lean * at, x, line) for at in y])
    if noise:
        cells += rng.normal(0, noise, cells.shape)
    return WeaveMap(cells.astype(np.float32), np.full(cells.shape, 12, np.float32), STEP)


def test_a_profile_is_the_mean_along_the_threads(rng):
    line = lively(rng)
    profile = weave_profile(made(line), "vertical")
    assert profile.lean == 0
    assert profile.start_cm == STEP / 2
    np.testing.assert_allclose(profile.density[:: round(STEP / GRID_CM)], line, atol=1e-4)
    np.testing.assert_allclose(profile.halves[0], profile.halves[1], atol=1e-4)
    assert profile.length_cm == pytest.approx(50, abs=0.5)


@pytest.mark.parametrize("lean", [-0.03, 0.02])
def test_leaning_threads_are_followed(rng, lean):
    line = lively(rng)
    profile = weave_profile(made(line, lean=lean, noise=0.5, rng=rng), "vertical")
    assert profile.lean == pytest.approx(lean, abs=0.006)
    middle = profile.density[20:-20:2]
    assert np.corrcoef(middle, line[10:-10][: len(middle)])[0, 1] > 0.9


def test_horizontal_threads_are_vertical_ones_of_the_map_turned_over(rng):
    cells = rng.normal(13, 1, (60, 70)).astype(np.float32)
    one = WeaveMap(cells, cells, STEP)
    other = WeaveMap(cells.T, cells.T, STEP)
    np.testing.assert_array_equal(weave_profile(one, "horizontal").density, weave_profile(other, "vertical").density)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0, 0.5))
def test_blank_cells_hardly_move_a_profile(seed, share):
    rng = np.random.default_rng(seed)
    found = made(lively(rng))
    hidden = found.vertical.copy()
    hidden[rng.random(hidden.shape) < share] = np.nan
    whole, part = (weave_profile(WeaveMap(v, found.horizontal, STEP), "vertical") for v in (found.vertical, hidden))
    near = np.isfinite(part.density)
    assert near.mean() > 0.9
    assert np.corrcoef(whole.density[near], part.density[near])[0, 1] > 0.9


def test_what_cannot_be_read_says_nothing():
    empty = np.full((40, 50), np.nan, np.float32)
    even = np.full((40, 50), 12, np.float32)
    for cells in (empty, even, even[:, :2]):
        profile = weave_profile(WeaveMap(cells, cells, STEP), "vertical")
        assert not profile.filtered.any()
    assert weave_profile(WeaveMap(empty, empty, STEP), "vertical").length_cm == 0


def test_the_filter_brings_out_what_both_halves_share(rng):
    line = lively(rng)
    noisy = [weave_profile(made(line, noise=1.0, rng=rng), "vertical") for _ in range(2)]
    r = np.corrcoef(noisy[0].filtered[8:-8], noisy[1].filtered[8:-8])[0, 1]
    assert r > 0.8


def test_a_map_of_ours_is_taken_as_it_is(rng):
    density = rng.normal(12, 1, (5, 7, 2)).astype(np.float32)
    x, y = np.arange(0.25, 3.5, 0.5), np.arange(0.25, 2.5, 0.5)
    found = WeaveMap.of(ThreadMap(x, y, density, density, density, np.zeros((5, 7), np.uint8)))
    assert found.step_cm == pytest.approx(0.5)
    np.testing.assert_array_equal(found.vertical, density[..., 0])
    np.testing.assert_array_equal(found.horizontal, density[..., 1])


@pytest.mark.parametrize(
    ("shapes", "step", "said"),
    [
        (((3, 4), (4, 3)), 0.5, "same for both"),
        (((3,), (3,)), 0.5, "rows and columns"),
        (((3, 4), (3, 4)), 2.0, "step of 1 cm"),
        (((3, 4), (3, 4)), 0.0, "step of 1 cm"),
    ],
)
def test_maps_that_make_no_sense_are_refused(shapes, step, said):
    with pytest.raises(InputError, match=said):
        WeaveMap(*(np.zeros(shape, np.float32) for shape in shapes), step)
