from __future__ import annotations

import numpy as np
import pytest

from dl4art.regression.phase import phase_spectrum, thread_phase
from dl4art.regression.preprocess import normalise
from dl4art.regression.tones import (
    SIDE,
    folded_unit,
    inverted,
    light_threads,
    shipped_trees,
    tone_features,
)


def plain_weave(vertical=10.0, horizontal=12.0, size=300):
    """Light threads that pass over and under each other, on dark gaps."""
    y, x = np.mgrid[:size, :size] / 200
    v, h = np.pi * vertical * x, np.pi * horizontal * y
    upright, level = np.cos(v) ** 4, np.cos(h) ** 4
    over = np.cos(v) * np.cos(h)
    return 100 + 60 * np.maximum(upright, level) + 30 * over * np.abs(over)


def unit_of(picture, vertical=10.0, horizontal=12.0):
    normal = normalise(picture.astype(np.float32))
    spectrum = phase_spectrum(normal, 200.0)
    waves = np.array([vertical, 0.0]), np.array([0.0, horizontal])
    return folded_unit(normal, tuple(thread_phase(spectrum, wave, 4) for wave in waves), 4)


def test_a_folded_unit_is_light_where_light_lines_are():
    unit = unit_of(plain_weave())
    assert unit.shape == (SIDE, SIDE)
    profile = unit.mean(axis=1)
    assert min(profile[0], profile[SIDE // 2]) > max(profile[SIDE // 4], profile[3 * SIDE // 4])


def test_light_and_dark_threads_are_told_apart():
    light = light_threads(unit_of(plain_weave()))
    dark = light_threads(unit_of(255 - plain_weave()))
    assert min(light) > 1
    assert max(dark) < -1


def test_the_negative_says_the_opposite_and_the_transposed_changes_over(rng):
    unit = rng.normal(size=(SIDE, SIDE))
    vertical, horizontal = light_threads(unit)
    assert light_threads(inverted(unit)) == pytest.approx((-vertical, -horizontal), abs=1e-6)
    assert light_threads(unit.T) == pytest.approx((horizontal, vertical), abs=1e-6)
    np.testing.assert_allclose(inverted(inverted(unit)), np.roll(unit, (SIDE // 2, SIDE // 2), (0, 1)))


def test_which_thread_lies_over_in_the_corner_does_not_matter(rng):
    unit = rng.normal(size=(SIDE, SIDE))
    np.testing.assert_allclose(tone_features(np.roll(unit, SIDE // 2, 0)), tone_features(unit), atol=1e-9)
    np.testing.assert_allclose(tone_features(np.roll(unit, SIDE // 2, 1)), tone_features(unit), atol=1e-9)


def test_the_shipped_trees_are_whole():
    trees = shipped_trees()
    inner = trees.feature >= 0
    assert trees.feature.max() < len(tone_features(np.zeros((SIDE, SIDE)) + np.eye(SIDE)))
    assert (trees.left[inner] > np.flatnonzero(inner)).all()
    assert (trees.right[inner] > np.flatnonzero(inner)).all()
    assert np.isfinite(trees.value).all()
