from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dl4art.regression.local_phase import WavePicture, level_waves, local_waves, upright_waves
from dl4art.regression.preprocess import normalise

MARGIN = 340


def picture(vertical, horizontal, *, tilt=0.0, size=300, noise=0.5, seed=0):
    """A weave of both densities, turned by `tilt`, with nothing about it; and where the window in its middle lies."""
    rng = np.random.default_rng(seed)
    place = (np.arange(size) + 0.5) / 200
    x, y = place[None], place[:, None]
    waves = upright_waves([vertical], [tilt])[0], level_waves([horizontal], [tilt])[0]
    weave = sum(np.cos(2 * np.pi * (wave[0] * x + wave[1] * y)) for wave in waves)
    grey = weave + noise * rng.normal(size=(size, size))
    return WavePicture.of(np.pad(normalise(grey), MARGIN), 200.0), np.array([[MARGIN + size // 2 - 100] * 2])


def read(found, corners, vertical, horizontal, tilt=0.0):
    near = upright_waves([vertical], [tilt]), level_waves([horizontal], [tilt])
    return [local_waves(found, wave, corners, 200) for wave in near]


@given(st.floats(6, 24), st.floats(6, 24), st.floats(-15, 15), st.integers(0, 9))
@settings(max_examples=15, deadline=None)
def test_rough_waves_are_refined(vertical, horizontal, tilt, seed):
    found, corners = picture(vertical, horizontal, tilt=tilt, seed=seed)
    up, level = read(found, corners, 1.04 * vertical, 0.97 * horizontal, tilt + 2)
    np.testing.assert_allclose(up.wave, upright_waves([vertical], [tilt]), atol=0.006 * vertical + 0.02)
    np.testing.assert_allclose(level.wave, level_waves([horizontal], [tilt]), atol=0.006 * horizontal + 0.02)
    assert up.quality[0] > 0.6


def test_noise_has_little_quality(rng):
    corners = np.array([[MARGIN + x, MARGIN + y] for x in (0, 50, 100) for y in (0, 50, 100)])
    noise = WavePicture.of(np.pad(normalise(rng.normal(size=(300, 300))), MARGIN), 200.0)
    found = local_waves(noise, np.repeat(upright_waves([12.0], [0.0]), 9, axis=0), corners, 200)
    assert found.quality.mean() < 0.5


def test_each_window_finds_its_own_density():
    # 10 th/cm on the left, 10.8 on the right
    place = (np.arange(900) + 0.5) / 200
    phase = 10 * place + 0.8 * np.maximum(place - 2.25, 0)
    grey = np.cos(2 * np.pi * phase) + 0 * place[:400, None]
    corners = np.array([[MARGIN + 50, MARGIN + 100], [MARGIN + 650, MARGIN + 100]])
    found = local_waves(
        WavePicture.of(np.pad(normalise(grey), MARGIN), 200.0),
        upright_waves(np.array([10.4, 10.4]), np.zeros(2)),
        corners,
        200,
    )
    np.testing.assert_allclose(found.wave[:, 0], [10.0, 10.8], rtol=0.004)


def test_what_else_is_in_the_picture_does_not_matter():
    alone, corners = picture(12.0, 15.0, size=300 + 2 * MARGIN)
    rng = np.random.default_rng(5)
    full = np.fft.ifft2(alone.transform).real[: 300 + 4 * MARGIN, : 300 + 4 * MARGIN].astype(np.float32)
    wide = np.pad(full, ((0, 0), (0, 500)))
    wide[:, -500:] = rng.normal(size=(full.shape[0], 500))
    first = read(alone, corners, 12.3, 14.8)
    second = read(WavePicture.of(wide, 200.0), corners, 12.3, 14.8)
    for a, b in zip(first, second, strict=True):
        np.testing.assert_allclose(a.wave, b.wave, atol=2e-3)


def test_crossed_waves_say_what_the_threads_are():
    place = (np.arange(300) + 0.5) / 200
    v, h = upright_waves([12.0], [3.0])[0], level_waves([16.0], [3.0])[0]
    half = [np.pi * (wave[0] * place + wave[1] * place[:, None]) for wave in (v, h)]
    chequers = np.cos(half[0]) * np.cos(half[1])
    found = WavePicture.of(np.pad(normalise(chequers), MARGIN), 200.0)
    corners = np.array([[MARGIN + 50] * 2])
    crossed = [
        local_waves(found, 0.5 * (1.02 * v + sign * 0.98 * h)[None], corners, 200, diagonal=True) for sign in (1, -1)
    ]
    np.testing.assert_allclose(crossed[0].wave + crossed[1].wave, v[None], atol=0.1)
    np.testing.assert_allclose(crossed[0].wave - crossed[1].wave, h[None], atol=0.1)
    assert min(one.quality[0] for one in crossed) > 0.8


@pytest.mark.parametrize("waves", [upright_waves, level_waves])
def test_waves_have_the_density_and_the_tilt(waves):
    (wave,) = waves([14.0], [10.0])
    assert np.hypot(*wave) == pytest.approx(14.0)
    angle = np.arctan2(-wave[1], wave[0]) if waves is upright_waves else np.arctan2(wave[0], wave[1])
    assert np.rad2deg(angle) == pytest.approx(10.0)
