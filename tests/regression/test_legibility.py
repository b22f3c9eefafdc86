from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dl4art.regression.legibility import CLIPPED, blank_share, clipped_share

DENSITY = np.array([12.0, 16.0])


def cloth(px_per_cm=200, size_cm=1.5):
    place = np.arange(round(size_cm * px_per_cm)) / px_per_cm
    waves = (np.sin(2 * np.pi * density * place) for density in DENSITY)
    across, down = waves
    return 128 + 40 * across + 40 * down[:, None]


def test_a_weave_that_shows_everywhere_has_no_blank():
    assert blank_share(cloth(), 200, DENSITY) == 0


@given(st.floats(0.1, 0.4), st.sampled_from([0.0, 90.0, 255.0]))
def test_what_is_painted_over_is_blank(share, tone):
    picture = cloth()
    picture[:, : round(share * 300)] = tone
    # at its border the weave reaches a cell inwards
    assert share - 0.06 < blank_share(picture, 200, DENSITY) <= share + 0.01


def test_neither_polarity_nor_transposition_nor_scale_matters():
    picture = cloth()
    picture[40:120, 60:200] = 30
    share = blank_share(picture, 200, DENSITY)
    assert blank_share(255 - picture, 200, DENSITY) == pytest.approx(share)
    assert blank_share(picture.T, 200, DENSITY[::-1]) == pytest.approx(share, abs=0.01)
    assert blank_share(np.kron(picture, np.ones((2, 2))), 400, DENSITY) == pytest.approx(share, abs=0.02)


def test_fine_grain_does_not_pass_for_weave(rng):
    picture = cloth()
    picture[:, :100] = 128
    assert blank_share(picture + rng.normal(0, 6, picture.shape), 200, DENSITY) > 0.2


@given(st.floats(0.1, 0.6), st.booleans())
def test_what_is_clipped_is_measured_in_either_polarity(share, negative):
    tones = np.random.default_rng(0).random((300, 300))
    picture = np.maximum(tones, share) * (-1 if negative else 1)
    assert clipped_share(picture) == pytest.approx(share, abs=0.05)
    assert clipped_share(picture.T) == clipped_share(picture)


def test_clipped_tones_may_ring_and_outliers_do_not_matter(rng):
    picture = np.maximum(cloth(), 110)
    share = clipped_share(picture)
    assert share > CLIPPED
    picture[rng.random(picture.shape) < 0.005] = -400
    assert clipped_share(picture + rng.normal(0, 0.5, picture.shape)) == pytest.approx(share, abs=0.02)


def test_an_unclipped_weave_and_noise_are_not_refused(rng):
    assert clipped_share(cloth()) < 0.15
    assert clipped_share(rng.normal(size=(300, 300))) < 0.05
    assert clipped_share(np.full((300, 300), 9)) == 1
