from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dl4art.regression.preprocess import HALF_WIDTH, normalise

pictures = arrays(np.uint8, (48, 56), elements=st.integers(0, 255))


@given(pictures)
@settings(max_examples=25, deadline=None)
def test_inversion_changes_the_sign_and_nothing_else(picture):
    np.testing.assert_array_equal(normalise(255 - picture), -normalise(picture))


@given(pictures)
@settings(max_examples=25, deadline=None)
def test_transposition_commutes(picture):
    # a lone pixel on even ground stands out by sixty deviations: rounding goes with the size
    there, back = normalise(picture.T), normalise(picture).T
    np.testing.assert_allclose(there, back, atol=2e-3 + 2e-4 * float(np.abs(back).max()))


@pytest.mark.parametrize(("gain", "offset"), [(0.01, 3.0), (257.0, -40.0)])
def test_brightness_and_contrast_do_not_matter(rng, gain, offset):
    picture = rng.normal(size=(120, 130))
    np.testing.assert_allclose(normalise(picture * gain + offset), normalise(picture), atol=1e-3)


def test_a_slow_shade_is_taken_off(rng):
    weave = rng.normal(size=(200, 200))
    shade = np.linspace(0, 3, 200)
    inner = (slice(70, 130), slice(70, 130))
    assert np.corrcoef(normalise(weave + shade)[inner].ravel(), weave[inner].ravel())[0, 1] > 0.97


def test_nothing_beyond_the_half_width_has_a_say(rng):
    picture = rng.normal(size=(160, 160)).astype(np.float32)
    changed = picture.copy()
    changed[:10] = np.clip(changed[:10] * 0.1, picture.min(), picture.max())
    np.testing.assert_allclose(
        normalise(changed)[10 + HALF_WIDTH + 1 :], normalise(picture)[10 + HALF_WIDTH + 1 :], atol=1e-4
    )


def test_a_flat_field_stays_flat():
    assert np.abs(normalise(np.full((80, 80), 7, np.uint8))).max() == 0
