"""Smooth random functions that can be asked for their value at any point, so that a tile equals the whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Array = npt.NDArray[np.float32]


def bilinear(grid: Array, row: Array, col: Array) -> Array:
    """Values of `grid` (2-D) at fractional indices, linear between, constant beyond the border.

    `row` of shape (m, 1) with `col` of shape (1, n) is a regular raster and takes a fraction of the time.
    """
    rows, cols = grid.shape
    row = np.clip(row, 0, rows - 1.001)
    col = np.clip(col, 0, cols - 1.001)
    i, j = row.astype(np.int32), col.astype(np.int32)
    fi, fj = row - i, col - j
    if row.ndim == 2 and row.shape[1] == 1 and col.shape[0] == 1:
        i, j = i[:, 0], j[0]
        lines = grid[i] + fi * (grid[i + 1] - grid[i])
        raster: Array = lines[:, j] + fj * (lines[:, j + 1] - lines[:, j])
        return raster
    flat, at = grid.ravel(), i * cols + j
    upper = flat[at] + fj * (flat[at + 1] - flat[at])
    lower = flat[at + cols] + fj * (flat[at + cols + 1] - flat[at + cols])
    value: Array = upper + fi * (lower - upper)
    return value


@dataclass(frozen=True, eq=False)
class Field:
    """A Gaussian random function of the plane with standard deviation one.

    Parameters
    ----------
    grid : ndarray of shape (rows, cols)
        Values on a regular grid.
    step : (float, float)
        Grid spacing along and across the field's own axis, in cm.
    angle : float
        Direction of the field's own axis in radians, counted from x towards y.
    origin : (float, float)
        Place of the first grid point in the turned coordinates, in cm.
    """

    grid: Array
    step: tuple[float, float]
    angle: float
    origin: tuple[float, float]

    def __call__(self, x: Array, y: Array) -> Array:
        """Values at points in cm; `x` and `y` may be the two axes of a raster, (1, n) and (m, 1)."""
        if self.angle == 0:
            row = (y - np.float32(self.origin[1])) * np.float32(1 / self.step[1])
            return bilinear(self.grid, row, (x - np.float32(self.origin[0])) * np.float32(1 / self.step[0]))
        cos, sin = np.float32(np.cos(self.angle)), np.float32(np.sin(self.angle))
        along = (x * cos + y * sin - np.float32(self.origin[0])) * np.float32(1 / self.step[0])
        across = (y * cos - x * sin - np.float32(self.origin[1])) * np.float32(1 / self.step[1])
        return bilinear(self.grid, across, along)


def draw_field(
    rng: np.random.Generator,
    size_cm: tuple[float, float],
    scale_cm: float,
    *,
    stretch: float = 1.0,
    angle: float = 0.0,
) -> Field:
    """Draw a smooth field over a plate.

    Parameters
    ----------
    rng : Generator
        Source of randomness.
    size_cm : (float, float)
        Width and height that the field has to cover.
    scale_cm : float
        Correlation length across the axis.
    stretch : float
        Correlation length along the axis in units of `scale_cm`; above one the field is streaky.
    angle : float
        Direction of the axis in radians.
    """
    step = (scale_cm * stretch / 1.5, scale_cm / 1.5)
    width, height = size_cm
    cos, sin = np.cos(angle), np.sin(angle)
    corners = np.array([(0, 0), (width, 0), (0, height), (width, height)])
    along, across = corners @ (cos, sin), corners @ (-sin, cos)
    origin = (float(along.min()) - 2 * step[0], float(across.min()) - 2 * step[1])
    cols = int(np.ceil(np.ptp(along) / step[0])) + 5
    rows = int(np.ceil(np.ptp(across) / step[1])) + 5
    grid = rng.standard_normal((rows + 4, cols + 4)).astype(np.float32)
    # a light smoothing hides the grid; the factor brings the deviation back to one
    grid = ndimage.gaussian_filter(grid, 0.8, mode="wrap")[2:-2, 2:-2] * np.float32(2.84)
    return Field(grid, step, angle, origin)
