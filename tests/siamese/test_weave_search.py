import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dl4art.siamese.weave_profiles import WeaveProfile
from dl4art.siamese.weave_search import STRETCHES, alignments, independent_share, move, places, scores, surrogates


def profile(density):
    density = np.asarray(density, float)
    return WeaveProfile(density, np.stack([density, density]), 0.25, 0.0)


def waves(rng, count, mean=12.0):
    return profile(mean + np.convolve(rng.normal(0, 0.3, count + 3), np.ones(4) / 2, "valid"))


@settings(deadline=None, max_examples=20)
@given(n=st.integers(70, 150), m=st.integers(70, 150), least=st.integers(20, 60))
def test_all_alignments_overlap_enough(n, m, least):
    a, b = profile(np.full(n, 12.0)), profile(np.full(m, 12.0))
    tried = list(alignments(a, b, least))
    # even densities allow stretches up to 1.5 %
    assert {at.stretch for at in tried} == {0.0, 0.01, -0.01}
    for at in tried:
        assert (at.high - at.low).min() >= least
        assert (at.low >= 0).all()
        assert (at.high <= n).all()
    still = next(at for at in tried if at.stretch == 0)
    assert len(still.lag) == n + m - 2 * least + 1


def test_the_density_speaks_for_the_stretch():
    a = profile(np.full(100, 12.0))
    assert {at.stretch for at in alignments(a, profile(np.full(100, 12.25)), 80)} == {0.01, 0.02, 0.03}
    assert list(alignments(a, profile(np.full(100, 13.0)), 80)) == []


def test_correlations_are_those_of_the_overlaps(rng):
    a, b = waves(rng, 90), waves(rng, 70)
    for at in alignments(a, b, 40):
        moved = move(b.filtered[None], at.stretch, at.flipped)[0]
        r, z = scores(a.filtered, b.filtered[None], at, 0.5)
        k = len(at.lag) // 2
        low, high, lag = at.low[k], at.high[k], at.lag[k]
        one, other = a.filtered[low:high], moved[low - lag : high - lag]
        assert r[0, k] == pytest.approx(one @ other / np.sqrt((one @ one) * (other @ other)), abs=1e-9)
        assert z[0, k] == pytest.approx(np.arctanh(r[0, k]) * np.sqrt((high - low) * 0.5 - 3))


@pytest.mark.parametrize("stretch", STRETCHES)
def test_a_line_is_drawn_out(stretch):
    line = np.arange(80.0)[None]
    np.testing.assert_allclose(move(line, stretch, False)[0], places(80, stretch))
    np.testing.assert_allclose(move(line, stretch, True)[0], places(80, stretch)[::-1])


def test_white_noise_is_independent_and_smooth_noise_less_so(rng):
    white = rng.normal(size=(2, 2000))
    smooth = [np.convolve(line, np.ones(5), "valid") for line in white]
    assert independent_share(*white) > 0.8
    assert independent_share(*smooth) == pytest.approx(1 / 3.4, abs=0.08)


def test_surrogates_are_the_profile_in_another_order(rng):
    a = waves(rng, 160)
    drawn = surrogates(a, 5, seed=1)
    np.testing.assert_allclose(np.sort(drawn, axis=1), np.sort(a.filtered)[None].repeat(5, 0))
    assert np.abs(np.corrcoef(drawn)[np.triu_indices(5, 1)]).max() < 0.8
    np.testing.assert_array_equal(drawn, surrogates(a, 5, seed=1))
    assert (drawn != surrogates(a, 5, seed=2)).any()
