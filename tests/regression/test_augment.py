"""Each rule of augmentation as a law, on threads whose phase is a formula."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dl4art.regression.augment import (
    Warp,
    apply_warp,
    draw_warp,
    rotation,
    thread_angle,
    upstream_warps,
    window_density,
)

SIDE = 300
SEEDS = st.integers(0, 2**32 - 1)
SWAP = np.array([[0.0, 1.0], [1.0, 0.0]])


def fields(x, y, k):
    """Phases of both thread systems at points of a crop, (2, ...): tilted, curved, of changing density."""
    vertical = x * 0.06 + k * y * 0.01 + 1.5 * np.sin(x / 90 + y / 160)
    horizontal = y * 0.085 - k * x * 0.012 + 1.1 * np.sin(y / 120 - x / 140)
    return np.stack([vertical, horizontal])


def crop(k=1.0):
    """Picture and phase gradients of such threads; the gradients by hand."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    a, b = 1.5 * np.cos(x / 90 + y / 160), 1.1 * np.cos(y / 120 - x / 140)
    gradient = np.array([[0.06 + a / 90, k * 0.01 + a / 160], [-k * 0.012 - b / 140, 0.085 + b / 120]])
    picture = np.cos(2 * np.pi * fields(x, y, k)).sum(axis=0)
    return picture, gradient


def means(warp, **crops):
    gradient = apply_warp(warp, *crop(**crops))[1]
    return window_density(gradient).mean(), thread_angle(gradient).mean()


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.floats(0, 25), st.floats(0, 0.1))
def test_any_warp_gives_the_gradient_of_the_warped_phase(seed, degrees, strain):
    warp = draw_warp(np.random.default_rng(seed), (SIDE, SIDE), degrees=degrees, strain=strain)
    _, gradient = apply_warp(warp, *crop())
    v, u = np.mgrid[:200, :200] - 99.5
    wave = np.sin(warp.bends[:, 2, None, None] * u + warp.bends[:, 3, None, None] * v + warp.bends[:, 4, None, None])
    x, y = (
        (SIDE - 1) / 2
        + warp.shift[axis]
        + warp.matrix[axis, 0] * u
        + warp.matrix[axis, 1] * v
        + np.tensordot(warp.bends[:, axis], wave, 1)
        for axis in (0, 1)
    )
    phase = fields(x, y, 1.0)[int(warp.turned)]
    down, across = np.gradient(phase)
    inner = np.s_[1:-1, 1:-1]
    np.testing.assert_allclose(gradient[0][inner], across[inner], atol=2e-4)
    np.testing.assert_allclose(gradient[1][inner], down[inner], atol=2e-4)


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_picture_and_phase_stay_together(seed):
    """Where the warped phase is whole, the warped picture of that system has its ridge."""
    warp = draw_warp(np.random.default_rng(seed), (SIDE, SIDE), degrees=15, strain=0.08)
    y, x = np.mgrid[:SIDE, :SIDE].astype(float)
    phases = fields(x, y, 1.0)
    picture, _ = apply_warp(warp, np.cos(2 * np.pi * phases[int(warp.turned)]), crop()[1])
    phase, _ = apply_warp(warp, phases[int(warp.turned)], crop()[1])
    # interpolation is at its worst at the crop's border
    np.testing.assert_allclose(picture, np.cos(2 * np.pi * phase), atol=0.03)


@pytest.mark.parametrize("degrees", [-17.0, -3.5, 2.0, 20.0])
def test_a_rotation_turns_the_angle_and_keeps_the_density(degrees):
    y, x = np.mgrid[:SIDE, :SIDE]
    even = np.stack([np.full((2, SIDE, SIDE), 0.0), np.full((2, SIDE, SIDE), 0.0)])
    even[0, 0], even[1, 1] = 0.07, 0.09
    _, gradient = apply_warp(Warp(rotation(degrees)), np.cos(x + y), even)
    assert window_density(gradient) == pytest.approx(np.full((200, 200), 14.0))
    assert thread_angle(gradient) == pytest.approx(np.full((200, 200), degrees))


def test_a_rotation_turns_the_picture_as_its_threads():
    """Counter-clockwise as seen: the upper end of an upright line goes to the left."""
    picture = np.zeros((SIDE, SIDE))
    picture[:, 149:151] = 1
    window, _ = apply_warp(Warp(rotation(10)), picture, crop()[1])
    assert window[5].argmax() < 90
    assert window[194].argmax() > 110


@pytest.mark.parametrize("shift", [(0, 0), (50, -50), (-13, 27)])
def test_a_shift_is_the_window_there(shift):
    picture, gradient = crop()
    x, y = (50 + part for part in shift)
    window, warped = apply_warp(Warp(shift=shift), picture, gradient)
    np.testing.assert_array_equal(window, picture[y : y + 200, x : x + 200].astype(np.float32))
    np.testing.assert_array_equal(warped, gradient[0, :, y : y + 200, x : x + 200])


@pytest.mark.parametrize("axis", [0, 1])
def test_a_flip_keeps_the_density_and_turns_the_angle(axis):
    flip = np.eye(2)
    flip[axis, axis] = -1
    picture, gradient = crop()
    window, warped = apply_warp(Warp(flip), picture, gradient)
    np.testing.assert_array_equal(window, np.flip(picture[50:250, 50:250], 1 - axis).astype(np.float32))
    density, angle = means(Warp())
    assert window_density(warped).mean() == pytest.approx(density)
    assert thread_angle(warped).mean() == pytest.approx(-angle)


def test_a_transposition_swaps_the_thread_systems():
    picture, gradient = crop()
    window, warped = apply_warp(Warp(SWAP), picture, gradient)
    np.testing.assert_array_equal(window, picture[50:250, 50:250].T.astype(np.float32))
    across, down = gradient[1, :, 50:250, 50:250]
    np.testing.assert_array_equal(warped, np.stack([down.T, across.T]))


def test_twice_as_large_is_half_as_dense():
    density, angle = means(Warp(np.eye(2) / 2))
    near = apply_warp(Warp(), *crop())[1][:, 50:150, 50:150]
    assert density == pytest.approx(window_density(near).mean() / 2, rel=1e-3)
    assert angle == pytest.approx(thread_angle(near).mean(), rel=1e-2)


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.integers(200, 340), st.integers(200, 340))
@example(1, 200, 300)
def test_what_is_drawn_lies_in_the_crop(seed, height, width):
    warp = draw_warp(np.random.default_rng(seed), (height, width))
    y, x = np.mgrid[:height, :width].astype(float)
    for place, side in ((x, width), (y, height)):
        window, _ = apply_warp(warp, place, np.ones((2, 2, height, width)))
        assert window.min() >= -0.51
        assert window.max() <= side - 0.49
    if min(height, width) == 200:
        assert len(warp.bends) == 0
        assert np.unique(np.abs(warp.matrix)).tolist() == [0, 1]


def test_the_upstreams_variants():
    warps = upstream_warps((300, 300))
    assert len(warps) == 84
    assert sum(warp.turned for warp in warps) == 42
    y, x = np.mgrid[:300, :300].astype(float)
    seen = {
        tuple(np.concatenate([apply_warp(w, p, crop()[1])[0][::199, ::199].ravel() for p in (x, y)])) for w in warps
    }
    assert len(seen) == 84
    assert min(min(one) for one in seen) >= 0
    assert max(max(one) for one in seen) <= 299


@pytest.mark.parametrize("shape", [(300, 300), (201, 260), (200, 200)])
def test_the_upstreams_shifts_fall_on_pixels(shape):
    picture = np.random.default_rng(0).random(shape)
    gradient = np.ones((2, 2, *shape))
    values = set(picture.astype(np.float32).ravel().tolist())
    for warp in (upstream_warps(shape)[n] for n in (0, 7, 23, 42, 65)):
        assert set(apply_warp(warp, picture, gradient)[0].ravel().tolist()) <= values
