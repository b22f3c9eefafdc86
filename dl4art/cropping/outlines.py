"""Outlines of bands, with few corners, and the pixels inside an outline."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dl4art.cropping.threads import Polyline

# how far, in px, an edge may be moved without taking in or giving up the centre of a pixel: just below a half
_FREE = 0.49

_Point = tuple[float, float]


def thinned(line: Polyline, tolerance: float = _FREE) -> Polyline:
    """Draw a line that runs downwards with few points, nowhere off sideways by more than a tolerance.

    Parameters
    ----------
    line : ndarray, shape (n, 2)
        Its points (x, y), y rising, at least two.
    tolerance : float
        In px.

    Returns
    -------
    ndarray, shape (m, 2)
        From the first y to the last.
    """
    points = [(line[0, 0], line[0, 1])]
    low, high = -np.inf, np.inf  # slopes of the straight lines from the last corner that pass by all points since
    last = line[0, 1]
    for next_x, next_y in line[1:]:
        least, most = _slopes(points[-1], next_x, next_y, tolerance)
        if max(low, least) > min(high, most):
            points.append(_at(points[-1], low, high, last))
            low, high = _slopes(points[-1], next_x, next_y, tolerance)
        else:
            low, high = max(low, least), min(high, most)
        last = next_y
    return np.array([*points, _at(points[-1], low, high, last)])


def outline(left: NDArray[np.float64], right: NDArray[np.float64], rows: NDArray[np.float64]) -> Polyline:
    """Polygon round a band, with few corners, that holds the centres of the same pixels.

    Parameters
    ----------
    left, right : ndarray, shape (n,)
        Edges of the band in each row, at the borders of pixels.
    rows : ndarray, shape (n,)
        Centres of the rows, rising.

    Returns
    -------
    ndarray, shape (m, 2)
        Corners (x, y) in px.
    """
    # to the upper border of the first row and the lower one of the last
    y = np.concatenate([rows[:1] - 0.5, rows, rows[-1:] + 0.5])
    sides = [thinned(np.stack([np.pad(edge, 1, mode="edge"), y], axis=1)) for edge in (left, right)]
    return np.concatenate([sides[0], sides[1][::-1]])


def fill(polygon: Polyline, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Mask of the pixels with their centres in a polygon (x, y); where it crosses itself, every second part is in."""
    mask = np.zeros(shape, dtype=bool)
    columns = np.arange(shape[1]) + 0.5
    x0, y0 = polygon[:, 0], polygon[:, 1]
    x1, y1 = np.roll(x0, -1), np.roll(y0, -1)
    first, last = np.ceil(np.array([y0.min(), y0.max()]) - 0.5).clip(0, shape[0]).astype(int)
    for row in range(first, last):
        y = row + 0.5
        crosses = (y0 <= y) != (y1 <= y)
        x = x0[crosses] + (y - y0[crosses]) / (y1[crosses] - y0[crosses]) * (x1[crosses] - x0[crosses])
        mask[row] = np.searchsorted(np.sort(x), columns, side="right") % 2 == 1
    return mask


def _slopes(corner: _Point, x: float, y: float, tolerance: float) -> tuple[float, float]:
    """Least and greatest slope of lines from a corner that pass a point no farther off than a tolerance."""
    down = y - corner[1]
    return (x - tolerance - corner[0]) / down, (x + tolerance - corner[0]) / down


def _at(corner: _Point, low: float, high: float, y: float) -> _Point:
    """Point at a height on the line from a corner with the mean of two slopes."""
    return corner[0] + (low + high) / 2 * (y - corner[1]), y
