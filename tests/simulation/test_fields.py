import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dl4art.simulation import fields
from dl4art.simulation.fields import bilinear, draw_field

GRID = np.random.default_rng(0).standard_normal((7, 9)).astype(np.float32)
inside = st.floats(0, 5.875, width=32), st.floats(0, 7.875, width=32)


@given(*inside)
def test_bilinear_interpolates_between_the_four_neighbours(row, col):
    i, j = int(row), int(col)
    a, b = row - i, col - j
    expected = (1 - a) * ((1 - b) * GRID[i, j] + b * GRID[i, j + 1]) + a * (
        (1 - b) * GRID[i + 1, j] + b * GRID[i + 1, j + 1]
    )
    value = bilinear(GRID, np.array([row], np.float32), np.array([col], np.float32))
    assert value[0] == pytest.approx(expected, abs=1e-5)
    assert value.dtype == np.float32


def test_a_raster_gives_the_same_as_its_points():
    row, col = np.linspace(-1, 8, 11, dtype=np.float32)[:, None], np.linspace(-1, 10, 13, dtype=np.float32)[None]
    points = bilinear(GRID, np.repeat(row, 13, axis=1), np.repeat(col, 11, axis=0))
    assert bilinear(GRID, row, col) == pytest.approx(points, abs=1e-5)


def test_beyond_the_border_a_grid_stays_constant():
    far = np.array([-5.0, 50.0], np.float32)
    assert bilinear(GRID, far, far) == pytest.approx([GRID[0, 0], GRID[-1, -1]], abs=0.01)


@pytest.mark.parametrize("angle", [0.0, 0.7])
def test_fields_have_a_deviation_of_one_and_repeat_with_their_generator(angle):
    x, y = (np.random.default_rng(1).uniform(0, 10, 4000).astype(np.float32) for _ in range(2))
    first, second = (draw_field(np.random.default_rng(5), (10, 10), 0.2, angle=angle)(x, y) for _ in range(2))
    assert (first == second).all()
    # between grid points interpolation takes a little off
    assert 0.75 < first.std() < 1.05


def test_a_streaky_field_changes_slowly_along_its_axis():
    field = draw_field(np.random.default_rng(0), (8, 8), 0.1, stretch=15, angle=0.5)
    x, y = (np.random.default_rng(1).uniform(2, 6, 2000).astype(np.float32) for _ in range(2))
    step = np.float32(0.1)
    along = field(x + step * np.cos(0.5).astype(np.float32), y + step * np.sin(0.5).astype(np.float32)) - field(x, y)
    across = field(x - step * np.sin(0.5).astype(np.float32), y + step * np.cos(0.5).astype(np.float32)) - field(x, y)
    assert across.std() > 5 * along.std()


def test_a_field_too_large_for_memory_repeats_itself_without_a_step(monkeypatch):
    monkeypatch.setattr(fields, "LARGEST_GRID", 64)
    field = draw_field(np.random.default_rng(0), (60, 4), 0.3)
    assert field.grid.size < 65 * 40
    period = 64 * field.step[0]
    x = np.linspace(0, 60 - period, 300, dtype=np.float32)[None]
    y = np.array([[2.0]], np.float32)
    assert field(x, y) == pytest.approx(field(x + np.float32(period), y), abs=1e-3)
    dense = field(np.linspace(0, 60, 6001, dtype=np.float32)[None], y)
    assert np.abs(np.diff(dense)).max() < 0.3
