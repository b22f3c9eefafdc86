"""Outlines of bands, with few corners, and the pixels inside an outline."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dl4art.cropping.threads import Polyline

# how far, in px, an edge may be moved without taking in or giving up the centre of a pixel: just below a half
_FREE = 0.49


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
    x, y = line[:, 0], line[:, 1]
    points = []
    first = 0
    while first < len(line):
        last, slope, offset = _longest(x[first:], y[first:], tolerance)
        ends = y[[first, first + last] if last else [first]]
        points.append(np.stack([offset + slope * ends, ends], axis=1))
        first += last + 1
    return np.concatenate(points)


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


def _longest(x: NDArray[np.float64], y: NDArray[np.float64], tolerance: float) -> tuple[int, float, float]:
    """Last of the first points that one straight line passes by, and its slope and offset."""
    good, slope, offset = 0, 0.0, float(x[0])
    bad, trial = len(x), len(x) - 1  # all of them to begin with: most threads are straight
    while good < trial:
        if fit := _straight(x[: trial + 1], y[: trial + 1], tolerance):
            good, (slope, offset) = trial, fit
        else:
            bad = trial
        trial = (good + bad) // 2
    return good, slope, offset


def _straight(x: NDArray[np.float64], y: NDArray[np.float64], tolerance: float) -> tuple[float, float] | None:
    """Slope and offset of a straight line that passes by all points no farther off than a tolerance, if there is one.

    The greatest distance is a convex function of the slope, so that halving finds its minimum.
    """
    slopes = np.diff(x) / np.diff(y)
    low, high = float(slopes.min()), float(slopes.max())
    for _ in range(60):
        slope = (low + high) / 2
        rest = x - slope * y
        right, left = int(rest.argmax()), int(rest.argmin())
        spread, apart = float(rest[right] - rest[left]), float(y[right] - y[left])
        if spread <= 2 * tolerance:
            return slope, float(rest[right] + rest[left]) / 2
        if spread - abs(apart) * (high - low) / 2 > 2 * tolerance:  # no slope that is left comes so near
            return None
        low, high = (slope, high) if apart > 0 else (low, slope)
    return None
