from __future__ import annotations

import numpy as np
import pytest

from dl4art.regression.phase import phase_spectrum, thread_phase
from dl4art.regression.spectrum import normalise
from dl4art.regression.weave import FEATURES, weave_features, weave_logit
from dl4art.simulation.cloth import weave_pattern

THREE, FOUR = 0, 1
OWN, STRONGEST, MIRRORED, PLAIN = slice(1, 11), 11, 12, 15
DENSITY, TILT = np.array([12.0, 14.0]), np.array([4.0, 4.0])


def drawn(pattern, uneven=0.0, seed=0, size=300):
    """A cloth whose upper threads are lighter, turned by 4 degrees, the spacing of its threads drawn at random."""
    rng = np.random.default_rng(seed)
    place = (np.arange(size) + 0.5) / 200
    turn = np.deg2rad(TILT[0])
    across = place * np.cos(turn) - place[:, None] * np.sin(turn)
    down = place * np.sin(turn) + place[:, None] * np.cos(turn)
    phases = []
    for density, along in zip(DENSITY, (across, down), strict=True):
        centres = np.cumsum(np.maximum(rng.normal(1, uneven, 60), 0.4)) / density - 1.0
        phases.append(np.interp(along, centres, np.arange(60.0)))
    vertical, horizontal = phases
    rows, columns = pattern.shape
    on_top = pattern[np.rint(horizontal).astype(int) % rows, np.rint(vertical).astype(int) % columns]
    weave = np.cos(2 * np.pi * vertical) + np.cos(2 * np.pi * horizontal) + 1.5 * on_top
    return weave + rng.normal(0, 0.4, weave.shape)


@pytest.mark.parametrize("uneven", [0.0, 0.08])
@pytest.mark.parametrize(("over", "under", "sense"), [(2, 1, 1), (1, 2, -1), (2, 2, 1), (3, 1, -1)])
def test_a_twill_stands_out_along_one_diagonal(over, under, sense, uneven):
    found = weave_features(drawn(weave_pattern("twill", over, under, sense), uneven), 200, DENSITY, TILT)
    means = found[..., OWN].mean(axis=-1)
    repeat, its = np.unravel_index(means.argmax(), means.shape)
    assert repeat == (THREE if over + under == 3 else FOUR)
    assert found[repeat, its, STRONGEST] > found[repeat, 1 - its, STRONGEST] + 1
    # either sense knows of the other
    assert found[repeat, its, MIRRORED] < found[repeat, 1 - its, MIRRORED]
    other_way = weave_features(drawn(weave_pattern("twill", over, under, -sense), uneven), 200, DENSITY, TILT)
    assert other_way[repeat, 1 - its, STRONGEST] > other_way[repeat, its, STRONGEST] + 1


@pytest.mark.parametrize("uneven", [0.0, 0.08])
def test_plain_weave_and_basket_stand_out_along_both(uneven):
    plain = weave_features(drawn(weave_pattern("plain"), uneven), 200, DENSITY, TILT)
    assert (plain[..., PLAIN] > plain[..., STRONGEST] + 2).all()
    basket = weave_features(drawn(weave_pattern("basket"), uneven), 200, DENSITY, TILT)
    assert basket[FOUR, :, STRONGEST].min() > basket[FOUR, :, PLAIN].max() + 2
    assert basket[FOUR, 0, STRONGEST] == pytest.approx(basket[FOUR, 1, STRONGEST], abs=1.5)


def test_polarity_transposition_and_mirroring():
    picture = drawn(weave_pattern("twill", 2, 1), 0.05)
    found = weave_features(picture, 200, DENSITY, TILT)
    np.testing.assert_allclose(weave_features(-picture, 200, DENSITY, TILT), found, atol=1e-6)
    turned = weave_features(picture.T, 200, DENSITY[::-1], -TILT[::-1])
    np.testing.assert_allclose(turned, found, atol=0.05)
    # no whole number of steps lies in the picture: its mirror image is sampled elsewhere
    mirrored = weave_features(picture[:, ::-1], 200, DENSITY, -TILT)[:, ::-1]
    np.testing.assert_allclose(mirrored[..., STRONGEST], found[..., STRONGEST], atol=0.5)


def test_a_blank_and_noise_have_no_weave(rng):
    blank = weave_features(np.full((240, 240), 7.0), 200, DENSITY, TILT)
    noise = weave_features(rng.normal(size=(240, 240)), 200, DENSITY, TILT)
    assert blank.shape == noise.shape == (2, 2, FEATURES)
    assert np.isfinite(blank).all()
    assert noise[..., 1:].max() < 2.5


def test_the_logit_of_another_weave_adds_up_its_kinds(rng):
    features, weights = rng.normal(size=(5, 2, 2, 3)), rng.normal(size=(2, 3))
    each = np.einsum("nrsk,rk->nrs", features, weights)
    np.testing.assert_allclose(np.exp(weave_logit(features, weights)), np.exp(each).sum(axis=(1, 2)))
    assert weave_logit(features, weights)[2] == pytest.approx(weave_logit(features[2], weights))
    np.testing.assert_allclose(weave_logit(features[:, :, ::-1], weights), weave_logit(features, weights))


def test_the_phase_follows_uneven_threads():
    place = (np.arange(300) + 0.5) / 200
    truth = 12 * place + 0.4 * np.sin(2 * np.pi * place / 1.2)
    picture = np.cos(2 * np.pi * truth) + 0 * place[:, None]
    spectrum = phase_spectrum(normalise(picture, 200), 200)
    phase = thread_phase(spectrum, np.array([12.0, 0.0]), 4)
    assert phase.shape == (75, 75)
    inner = slice(8, -8)
    error = (phase - truth[::4])[inner, inner]
    # whole numbers at light centre-lines, up to a whole number of threads
    assert np.abs(error - np.rint(error.mean())).max() < 0.12
