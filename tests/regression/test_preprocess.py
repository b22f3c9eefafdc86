from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dl4art.regression.preprocess import HALF_WIDTH, equalise, normalise, stretched

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


def test_equalised_pictures_are_those_of_opencv():
    """Tables that cv2.equalizeHist gives for these pictures, worked out by its formula by hand."""
    picture = np.repeat(np.uint8([10, 20, 30, 200]), [4, 2, 1, 5]).reshape(3, 4)
    # counts less those of the darkest tone, over 12 - 4 pixels, times 255: 0, 63.75, 95.625, 255
    wanted = np.repeat(np.uint8([0, 64, 96, 255]), [4, 2, 1, 5]).reshape(3, 4)
    np.testing.assert_array_equal(equalise(picture), wanted)


@given(st.integers(0, 2**32 - 1))
def test_equalising_8_bits_does_not_depend_on_how_they_are_stored(seed):
    picture = np.random.default_rng(seed).integers(3, 240, (20, 30)).astype(np.uint8)
    once = equalise(picture)
    np.testing.assert_array_equal(equalise(picture.astype(np.float32) * 257), once)
    assert (once.min(), once.max()) == (0, 255)
    assert (np.diff(once.ravel()[np.argsort(picture.ravel(), kind="stable")].astype(int)) >= 0).all()


def test_one_tone_is_equalised_to_one_tone():
    assert np.unique(equalise(np.full((5, 5), 77))).size == 1
    assert np.unique(stretched(np.full((5, 5), 77))).tolist() == [0]


def test_windows_are_stretched_from_zero_to_one(rng):
    window = stretched(rng.integers(40, 90, (8, 8)))
    assert (window.min(), window.max()) == (0, 1)
