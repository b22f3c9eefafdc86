"""Masks of threads, bands of a picture, to centre-lines and back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from dl4art.cropping.threads import Polyline

# rows over which a centre-line read from pixels is smoothed (standard deviation): its steps are no slopes
_SMOOTH = 3.0
# a track shorter than this many band widths is a speck
_SHORTEST = 1.5


def bands_to_lines(mask: NDArray[np.bool_]) -> list[Polyline]:
    """Centre-lines of the bands of vertical threads.

    Row by row each run of the mask is taken for as many threads as fit in it at the median width and gap (so bands that
    touch are parted), and their middles are linked from row to row. A run cut off by the picture's border is taken to
    have the median width, so that its middle may lie outside.

    Parameters
    ----------
    mask : ndarray of bool, shape (h, w)
        True on threads.

    Returns
    -------
    list of ndarray, shape (n_i, 2)
        Points (x, y) in px at the centres of rows, from left to right.
    """
    starts, ends, rows = _runs(mask)
    if not len(starts):
        return []
    width_px = mask.shape[1]
    inside = (starts > 0) & (ends < width_px)
    lengths = (ends - starts)[inside] if inside.any() else ends - starts
    usual = float(np.median(lengths))
    follows = rows[1:] == rows[:-1]
    gap = float(np.median((starts[1:] - ends[:-1])[follows])) if follows.any() else 0.0
    tracks: list[list[tuple[float, float]]] = []
    active: list[int] = []
    for row in range(mask.shape[0]):
        here = rows == row
        middles = _middles(starts[here], ends[here], width_px, usual, gap)
        # a band may fade for about its own width before it counts as ended
        active = [t for t in active if row + 0.5 - tracks[t][-1][1] <= usual + 1]
        free = set(active)
        for x in middles:
            nearest = min(free, key=lambda t: abs(tracks[t][-1][0] - x), default=None)
            if nearest is not None and abs(tracks[nearest][-1][0] - x) <= 0.5 * usual + 1:
                tracks[nearest].append((x, row + 0.5))
                free.remove(nearest)
            else:
                tracks.append([(x, row + 0.5)])
                active.append(len(tracks) - 1)
    lines = [_smoothed(np.array(track)) for track in tracks if len(track) >= max(2, _SHORTEST * usual)]
    return sorted(lines, key=lambda line: float(line[:, 0].mean()))


def draw_bands(lines: Sequence[Polyline], shape: tuple[int, int], width: float) -> NDArray[np.bool_]:
    """Mask of vertical threads: all pixels whose centre lies within half a width, measured along the row."""
    mask = np.zeros(shape, dtype=bool)
    rows, columns = np.arange(shape[0]) + 0.5, np.arange(shape[1]) + 0.5
    for line in lines:
        points = line[np.argsort(line[:, 1], kind="stable")]
        # half a pixel of grace: a line from the first row's centre to the last one's covers both
        there = (rows >= points[0, 1] - 0.5) & (rows <= points[-1, 1] + 0.5)
        x = np.interp(rows[there], points[:, 1], points[:, 0])
        mask[there] |= np.abs(columns - x[:, None]) <= width / 2
    return mask


def _runs(mask: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """First column, one past the last column, and row of each run of True."""
    padded = np.pad(mask.astype(np.int8), ((0, 0), (1, 1)))
    change = np.diff(padded, axis=1)
    rows, starts = np.nonzero(change == 1)
    _, ends = np.nonzero(change == -1)
    return starts, ends, rows


def _middles(starts: NDArray[np.intp], ends: NDArray[np.intp], width_px: int, usual: float, gap: float) -> list[float]:
    middles: list[float] = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        left, right = float(start), float(end)
        if right - left < usual:
            if start == 0:
                left = right - usual
            elif end == width_px:
                right = left + usual
        count = round((right - left + gap) / (usual + gap))
        if count <= 1:
            middles.append((left + right) / 2)
        else:
            middles += np.linspace(left + usual / 2, right - usual / 2, count).tolist()
    return middles


def _smoothed(track: Polyline) -> Polyline:
    rows = np.arange(track[0, 1], track[-1, 1] + 0.5)
    x = np.interp(rows, track[:, 1], track[:, 0])
    # the line's own trend is taken out first: a smoothing that reflects at the ends would bend them
    trend = np.polynomial.Polynomial.fit(rows, x, 1)(rows)
    return np.stack([trend + ndimage.gaussian_filter1d(x - trend, _SMOOTH, mode="nearest"), rows], axis=1)
