"""Masks of threads, bands of a picture, to centre-lines and back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from dl4art.cropping.outlines import outline
from dl4art.cropping.threads import Polyline

# rows over which a centre-line read from pixels is smoothed (standard deviation): its steps are no slopes
_SMOOTH = 3.0
# a track shorter than this many band widths is a speck
_SHORTEST = 1.5
# columns of a track
_MIDDLE, _ROW, _LEFT, _RIGHT = range(4)


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
    tracks, shortest = _tracks(mask)
    lines = [_smoothed(track[:, [_MIDDLE, _ROW]]) for track in tracks if len(track) >= shortest]
    return sorted(lines, key=lambda line: float(line[:, 0].mean()))


def bands_to_outlines(mask: NDArray[np.bool_]) -> tuple[list[Polyline], int]:
    """Polygons round the bands of vertical threads, with few corners, from left to right.

    Together they hold the pixels of the mask and no other: a band with a gap becomes two, and specks are kept. How many
    are too short to be read as threads from the mask itself comes second.
    """
    tracks, shortest = _tracks(mask)
    pieces = [piece for track in tracks for piece in np.split(track, np.flatnonzero(np.diff(track[:, _ROW]) > 1.5) + 1)]
    pieces.sort(key=lambda piece: float(piece[:, _MIDDLE].mean()))
    polygons = [outline(piece[:, _LEFT], piece[:, _RIGHT], piece[:, _ROW]) for piece in pieces]
    return polygons, sum(len(track) < shortest for track in tracks)


def _tracks(mask: NDArray[np.bool_]) -> tuple[list[NDArray[np.float64]], float]:
    """Follow the bands of vertical threads from row to row: middle, row, left and right edge, (n_i, 4) each.

    Second comes how many rows a track needs to be no speck.
    """
    starts, ends, rows = _runs(mask)
    if not len(starts):
        return [], 0.0
    width_px = mask.shape[1]
    inside = (starts > 0) & (ends < width_px)
    lengths = (ends - starts)[inside] if inside.any() else ends - starts
    usual = float(np.median(lengths))
    follows = rows[1:] == rows[:-1]
    gap = float(np.median((starts[1:] - ends[:-1])[follows])) if follows.any() else 0.0
    tracks: list[list[tuple[float, float, float, float]]] = []
    active: list[int] = []
    for row in range(mask.shape[0]):
        here = rows == row
        middles = _middles(starts[here], ends[here], width_px, usual, gap)
        # a band may fade for about its own width before it counts as ended
        active = [t for t in active if row + 0.5 - tracks[t][-1][_ROW] <= usual + 1]
        free = set(active)
        for x, left, right in middles:
            nearest = min(free, key=lambda t: abs(tracks[t][-1][_MIDDLE] - x), default=None)
            if nearest is not None and abs(tracks[nearest][-1][_MIDDLE] - x) <= 0.5 * usual + 1:
                tracks[nearest].append((x, row + 0.5, left, right))
                free.remove(nearest)
            else:
                tracks.append([(x, row + 0.5, left, right)])
                active.append(len(tracks) - 1)
    return [np.array(track) for track in tracks], max(2, _SHORTEST * usual)


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


def _middles(
    starts: NDArray[np.intp], ends: NDArray[np.intp], width_px: int, usual: float, gap: float
) -> list[tuple[float, float, float]]:
    """Middle, left and right edge of each thread in a row."""
    found: list[tuple[float, float, float]] = []
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        left, right = float(start), float(end)
        if right - left < usual:
            if start == 0:
                left = right - usual
            elif end == width_px:
                right = left + usual
        count = round((right - left + gap) / (usual + gap))
        if count <= 1:
            found.append(((left + right) / 2, left, right))
        else:
            middles = np.linspace(left + usual / 2, right - usual / 2, count)
            # threads that touch share the edge half-way between them, at a border of pixels: each is of one of them
            edges = [left, *np.rint((middles[1:] + middles[:-1]) / 2).tolist(), right]
            found += zip(middles.tolist(), edges[:-1], edges[1:], strict=True)
    return found


def _smoothed(track: Polyline) -> Polyline:
    rows = np.arange(track[0, 1], track[-1, 1] + 0.5)
    x = np.interp(rows, track[:, 1], track[:, 0])
    # the line's own trend is taken out first: a smoothing that reflects at the ends would bend them
    trend = np.polynomial.Polynomial.fit(rows, x, 1)(rows)
    return np.stack([trend + ndimage.gaussian_filter1d(x - trend, _SMOOTH, mode="nearest"), rows], axis=1)
