from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dl4art.cropping.threads import density_map, mean_density
from dl4art.utils.errors import InputError


def grid(density, *, tilt=0.0, shape=(300, 300), px_per_cm=200.0):
    """Vertical threads at even spacing, turned about the middle of the picture; whole lines inside it only."""
    height, width = shape
    angle = np.deg2rad(tilt)
    spacing = px_per_cm / density
    lines = []
    for offset in np.arange(-3 * width, 3 * width, spacing) + 0.3 * spacing:
        along = np.linspace(-2 * height, 2 * height, 4001)
        x = width / 2 + offset * np.cos(angle) - along * np.sin(angle)
        y = height / 2 + offset * np.sin(angle) + along * np.cos(angle)
        inside = (x >= 0) & (x <= width) & (y >= 0) & (y <= height)
        if inside.sum() > 5:
            lines.append(np.stack([x, y], axis=1)[inside])
    return lines


@settings(max_examples=25, deadline=None)
@given(st.floats(5, 26), st.floats(100, 300))
def test_an_even_grid_is_exact(density, px_per_cm):
    lines = grid(density, px_per_cm=px_per_cm)
    assert mean_density(lines, (300, 300), px_per_cm) == pytest.approx(density, rel=1e-3)


@settings(max_examples=15, deadline=None)
@given(st.floats(6, 24), st.floats(-20, 20))
def test_tilt_does_not_matter(density, tilt):
    assert mean_density(grid(density, tilt=tilt), (300, 300)) == pytest.approx(density, rel=1e-2)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(3, 30), min_size=3, max_size=20), st.integers(0, 2**32 - 1))
def test_transposing_swaps_the_directions(spacings, seed):
    rng = np.random.default_rng(seed)
    lines = [np.stack([x + rng.normal(0, 0.5, 5), np.linspace(0, 200, 5)], axis=1) for x in np.cumsum(spacings)]
    upright = density_map(lines, (200, 260))
    turned = density_map([line[:, ::-1] for line in lines], (260, 200), direction="horizontal")
    np.testing.assert_array_equal(turned, upright.T)


def test_windows_add_up():
    lines = [np.array([[x, 0.0], [x, 100.0]]) for x in (10, 13, 31, 40, 66, 90)]
    whole = mean_density(lines, (100, 100))
    halves = [mean_density(lines, (100, 100), window=np.s_[:, a : a + 50]) for a in (0, 50)]
    assert np.mean(halves) == pytest.approx(whole, rel=1e-12)


def test_between_the_outer_threads_density_is_the_inverse_mean_spacing():
    lines = [np.array([[x, 0.0], [x, 100.0]]) for x in (10, 10.4, 31, 40, 66, 90)]
    value = mean_density(lines, (100, 100), 200.0, window=np.s_[:, 10:90])
    assert value == pytest.approx(5 / 80 * 200, rel=1e-9)


def test_beyond_the_last_thread_the_last_spacing_goes_on():
    lines = [np.array([[x, 0.0], [x, 50.0]]) for x in (20, 30, 50)]
    row = density_map(lines, (50, 80), 100.0)[25]
    np.testing.assert_allclose(row[[0, 10, 40, 70]], [10, 10, 5, 5])


def test_a_thread_that_stops_halfway_is_not_there_beyond():
    full = [np.array([[x, 0.0], [x, 200.0]]) for x in range(5, 200, 10)]
    broken = [*full[:10], np.array([[105.0, 0.0], [105.0, 100.0]]), *full[11:]]
    values = density_map(broken, (200, 200), 200.0)
    assert values[50, 100] == pytest.approx(20)
    assert values[150, 100] == pytest.approx(10)


def test_labels_that_stop_short_of_the_border_are_continued():
    lines = [np.array([[x, 4.0], [x + 20, 196.0]]) for x in range(-25, 220, 10)]
    values = density_map(lines, (200, 200), 200.0)
    assert np.isfinite(values).all()
    np.testing.assert_allclose(values[0], values[100], rtol=1e-6)


def test_crossing_threads_keep_a_finite_density():
    lines = [
        np.array([[10.0, 0.0], [30.0, 100.0]]),
        np.array([[30.0, 0.0], [10.0, 100.0]]),
        np.array([[60.0, 0], [60, 99]]),
    ]
    assert np.isfinite(density_map(lines, (100, 80))).all()


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "two threads"),
        ([np.zeros((2, 2))], "two threads"),
        ([np.zeros((2, 2)), np.zeros((1, 2))], "thread 2 of 2"),
        ([np.array([[0, 0], [np.nan, 9]]), np.zeros((2, 2))], "thread 1 of 2"),
        ([np.zeros((2, 3)), np.zeros((2, 2))], "thread 1 of 2"),
    ],
)
def test_what_is_no_set_of_threads_is_refused(lines, message):
    with pytest.raises(InputError, match=message):
        density_map(lines, (20, 20))


def test_an_empty_window_is_refused():
    with pytest.raises(InputError, match="window"):
        mean_density(grid(10), (300, 300), window=np.s_[10:10, :])
