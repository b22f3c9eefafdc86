"""The one definition of thread density, from the centre-lines of threads.

Let the thread phase rise by one from each thread's centre-line to the next, linearly between; beyond the last
centre-line it goes on at the last spacing. The density at a point is the length of its gradient; the density of a
window is the mean over the window.

Coordinates are pixels (x to the right, y down) from the upper-left corner of the picture, so that the centre of its
first pixel is (0.5, 0.5).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dl4art.utils.errors import InputError

Polyline = NDArray[np.float64]
Direction = Literal["vertical", "horizontal"]
Window = tuple[slice, slice]
DIRECTIONS: tuple[Direction, Direction] = ("vertical", "horizontal")

# two centre-lines are never nearer than this, in pixels: threads that touch or cross keep a finite density
_NEAREST = 0.5


def read_direction(text: str) -> Direction | None:
    """Which way threads run, from its name or first letter in any case; None if it is neither."""
    return next((direction for direction in DIRECTIONS if text.lower() in (direction, direction[0])), None)


def density_map(
    lines: Sequence[Polyline], shape: tuple[int, int], px_per_cm: float = 200.0, *, direction: Direction = "vertical"
) -> NDArray[np.float64]:
    """Thread density at every pixel.

    Across the threads each pixel holds the phase that it spans, not a sample at its centre, so a window's mean is
    exact however near two threads lie, and windows add up.

    Parameters
    ----------
    lines : sequence of ndarray, shape (n_i, 2)
        Centre-lines as points (x, y) in px, in any order. One that ends less than a spacing before the picture's border
        is continued to it; one that ends elsewhere is not there beyond its end.
    shape : tuple of int
        Height and width of the picture in px.
    px_per_cm : float
        Scale in pixels per centimetre.
    direction : {"vertical", "horizontal"}
        Which way the threads run in the picture.

    Returns
    -------
    ndarray, shape (h, w)
        Threads per cm; NaN in rows (of horizontal threads: columns) that fewer than two threads cross.

    Raises
    ------
    InputError
        If there are fewer than two threads, or a centre-line is not a list of at least two points.
    """
    across, along = phase_gradient(lines, shape, direction=direction)
    density: NDArray[np.float64] = np.hypot(across, along) * px_per_cm
    return density


def phase_gradient(
    lines: Sequence[Polyline], shape: tuple[int, int], *, direction: Direction = "vertical"
) -> NDArray[np.float64]:
    """Gradient of the thread phase at every pixel, whose length is the thread density.

    Unlike the phase it needs no numbers of threads, so that a thread may end inside the picture. A picture that is
    warped, ``warped(u) = picture(map(u))``, has the gradient ``J.T @ gradient(map(u))``, with ``J`` the derivative of
    the map.

    Parameters
    ----------
    lines, shape, direction
        As `density_map`.

    Returns
    -------
    ndarray, shape (2, h, w)
        Threads per px to the right and down; NaN where `density_map` is.

    Raises
    ------
    InputError
        As `density_map`.
    """
    if direction == "horizontal":
        turned = [np.asarray(line, dtype=np.float64)[:, ::-1] for line in lines]
        return phase_gradient(turned, (shape[1], shape[0]))[::-1].transpose(0, 2, 1)
    if len(lines) < 2:
        raise InputError(
            f"a density needs two threads of a direction, the labels hold {len(lines)}; label more of them"
        )
    height, width = shape
    positions = _positions(lines, height, width)
    slopes = np.gradient(positions, axis=1) if height > 1 else np.zeros_like(positions)
    # a line's first and last row have one neighbour only
    slopes = np.where(np.isnan(slopes), 0.0, slopes)
    edges = np.arange(width + 1, dtype=np.float64)
    result = np.full((2, *shape), np.nan)
    for row in range(height):
        present = ~np.isnan(positions[:, row])
        if present.sum() < 2:
            continue
        x = positions[present, row]
        order = np.argsort(x, kind="stable")
        x, slope = _apart(x[order]), slopes[present, row][order]
        across = np.diff(_phase(edges, x))
        result[:, row] = across, -across * np.interp(edges[:-1] + 0.5, x, slope)
    return result


def mean_density(
    lines: Sequence[Polyline],
    shape: tuple[int, int],
    px_per_cm: float = 200.0,
    *,
    direction: Direction = "vertical",
    window: Window | None = None,
) -> float:
    """Thread density of a window: the mean of `density_map` over it.

    Parameters
    ----------
    lines, shape, px_per_cm, direction
        As `density_map`.
    window : tuple of slice, optional
        Rows and columns of the window, e.g. ``numpy.s_[50:250, 50:250]``; without it, the whole picture.

    Returns
    -------
    float
        Threads per cm.

    Raises
    ------
    InputError
        As `density_map`, and if the window is empty or nowhere crossed by two threads.
    """
    values = density_map(lines, shape, px_per_cm, direction=direction)
    part = values if window is None else values[window]
    if not np.isfinite(part).any():
        raise InputError(
            f"no two {direction} threads cross the window {window or 'of the whole picture'}; choose another"
        )
    return float(np.nanmean(part))


def phase_crossings(
    phase: NDArray[np.floating[Any]], along: NDArray[np.float64], piece: NDArray[np.int8] | None = None
) -> NDArray[np.float64]:
    """Where a thread phase passes a whole number from one column to the next, for `join_crossings`.

    Parameters
    ----------
    phase : ndarray, shape (h, w)
        Rising to the right.
    along : ndarray, shape (h,)
        Place of each row.
    piece : ndarray, shape (h, w), optional
        Which piece of cloth is seen, below zero for none; nothing crosses from one to the next.

    Returns
    -------
    ndarray, shape (n, 4)
        Piece, number of the thread, place across in columns, place along.
    """
    before, after = phase[:, :-1], phase[:, 1:]
    number = np.floor(after)
    crosses = number > np.floor(before)
    if piece is not None:
        crosses &= (piece[:, :-1] == piece[:, 1:]) & (piece[:, 1:] >= 0)
    row, col = np.nonzero(crosses)
    low, high, whole = before[row, col], after[row, col], number[row, col]
    across = col + 0.5 + (whole - low) / (high - low)
    which = np.zeros(len(row)) if piece is None else piece[row, col]
    return np.stack([which, whole, across, along[row]], axis=1)


def join_crossings(crossings: Sequence[NDArray[np.float64]], step: float) -> list[Polyline]:
    """Centre-lines (across, along) from the crossings of each thread, broken where a `step` is missing."""
    every = np.concatenate(crossings)
    every = every[np.lexsort((every[:, 3], every[:, 1], every[:, 0]))]
    ends = np.any(np.diff(every[:, :2], axis=0) != 0, axis=1) | (np.diff(every[:, 3]) > 1.5 * step)
    return [line[:, 2:] for line in np.split(every, np.flatnonzero(ends) + 1) if len(line) > 1]


def _positions(lines: Sequence[Polyline], height: int, width: int) -> NDArray[np.float64]:
    """Column of each line at the centre of each row, shape (lines, height); NaN where it is not there."""
    rows = np.arange(height, dtype=np.float64) + 0.5
    # a line need not reach the border to mean to: labels are drawn by hand
    spacing = width / len(lines)
    table = np.full((len(lines), height), np.nan)
    for index, line in enumerate(lines):
        points = np.asarray(line, dtype=np.float64)
        if points.ndim != 2 or points.shape[1:] != (2,) or len(points) < 2 or not np.isfinite(points).all():
            raise InputError(
                f"thread {index + 1} of {len(lines)} is not a list of at least two finite points (x, y); it has shape "
                f"{points.shape}. Draw it again"
            )
        points = points[np.argsort(points[:, 1], kind="stable")]
        x, y = points[:, 0], points[:, 1]
        first = 0.0 if y[0] < spacing else y[0]
        last = float(height) if y[-1] > height - spacing else y[-1]
        there = (rows >= first) & (rows <= last)
        table[index, there] = _extended(rows[there], y, x, reach=spacing)
    return table


def _extended(at: NDArray[np.float64], y: NDArray[np.float64], x: NDArray[np.float64], reach: float) -> Polyline:
    """Interpolate x(y); beyond the ends go on straight, with the slope of the last `reach` pixels."""
    inside = np.interp(at, y, x)
    for end, other, beyond in (
        (y[0], min(y[0] + reach, y[-1]), at < y[0]),
        (y[-1], max(y[-1] - reach, y[0]), at > y[-1]),
    ):
        if beyond.any() and end != other:
            at_end, at_other = np.interp([end, other], y, x)
            inside[beyond] = at_end + (at[beyond] - end) * (at_other - at_end) / (other - end)
    return inside


def _apart(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sorted positions, moved on where they are nearer than the least spacing."""
    steps = np.arange(len(x)) * _NEAREST
    moved: NDArray[np.float64] = np.maximum.accumulate(x - steps) + steps
    return moved


def _phase(at: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Thread phase at positions, for centre-lines at sorted `x`."""
    phase = np.interp(at, x, np.arange(len(x)))
    before, after = at < x[0], at > x[-1]
    phase[before] = (at[before] - x[0]) / (x[1] - x[0])
    phase[after] = len(x) - 1 + (at[after] - x[-1]) / (x[-1] - x[-2])
    return phase
