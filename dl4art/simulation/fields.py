"""Smooth random functions that can be asked for their value at any point, so that a tile equals the whole."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Array = npt.NDArray[np.float32]


LARGEST_GRID = 2048
"""Grid points a side beyond which a field repeats itself, so that memory stays bounded on large plates."""


def bilinear(grid: Array, row: Array, col: Array) -> Array:
    """Values of `grid` (2-D) at fractional indices, linear between, constant beyond the border.

    `row` of shape (m, 1) with `col` of shape (1, n) is a regular raster and takes a fraction of the time.
    """
    rows, cols = grid.shape
    row = np.clip(row, np.float32(0), np.float32(rows - 1.001))
    col = np.clip(col, np.float32(0), np.float32(cols - 1.001))
    i, j = row.astype(np.int32), col.astype(np.int32)
    # whole numbers as float32: a difference from integers would be computed in float64, at twice the price
    fi, fj = row - i.astype(np.float32), col - j.astype(np.float32)
    if row.ndim == 2 and row.shape[1] == 1 and col.shape[0] == 1:
        i, j = i[:, 0], j[0]
        lines = grid[i] + fi * (grid[i + 1] - grid[i])
        left = lines[:, j]
        raster: Array = left + fj * (lines[:, j + 1] - left)
        return raster
    # a value and its step to the right are fetched together, as one complex number: half the random reads
    pairs = np.zeros((rows, cols), np.complex64)
    pairs.real = grid
    np.subtract(grid[:, 1:], grid[:, :-1], out=pairs.imag[:, :-1])
    flat, at = pairs.ravel(), (i * np.int32(cols) + j).astype(np.intp)
    upper, lower = flat.take(at, mode="clip"), flat[cols:].take(at, mode="clip")
    above, below = upper.real + fj * upper.imag, lower.real + fj * lower.imag
    value: Array = above + fi * (below - above)
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
    period : (int, int)
        Grid points down and along after which the field repeats itself, 0 where it does not.
    """

    grid: Array
    step: tuple[float, float]
    angle: float
    origin: tuple[float, float]
    period: tuple[int, int] = (0, 0)

    def __call__(self, x: Array, y: Array) -> Array:
        """Values at points in cm; `x` and `y` may be the two axes of a raster, (1, n) and (m, 1)."""
        if self.angle == 0:
            along, across = x - np.float32(self.origin[0]), y - np.float32(self.origin[1])
        else:
            cos, sin = np.float32(np.cos(self.angle)), np.float32(np.sin(self.angle))
            along = x * cos + y * sin - np.float32(self.origin[0])
            across = y * cos - x * sin - np.float32(self.origin[1])
        along, across = along * np.float32(1 / self.step[0]), across * np.float32(1 / self.step[1])
        if self.period[0]:
            across = np.mod(across, np.float32(self.period[0]))
        if self.period[1]:
            along = np.mod(along, np.float32(self.period[1]))
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
    period = (LARGEST_GRID if rows > LARGEST_GRID else 0, LARGEST_GRID if cols > LARGEST_GRID else 0)
    grid = rng.standard_normal((period[0] or rows + 4, period[1] or cols + 4)).astype(np.float32)
    # a light smoothing hides the grid; the factor brings the deviation back to one
    grid = ndimage.gaussian_filter(grid, 0.8, mode="wrap") * np.float32(2.84)
    if any(period):
        # one point beyond the period, so that the last step leads back to the first
        grid = np.pad(grid, [(0, 1 if side else 0) for side in period], mode="wrap")
    return Field(grid[_inside(period[0]), _inside(period[1])], step, angle, origin, period)


def _inside(period: int) -> slice:
    return slice(None) if period else slice(2, -2)
