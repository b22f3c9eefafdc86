"""Centre-lines of cracks as line strips: from end to end, or from fork to fork."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dl4art.craquelure.skeleton import Mask

Points = npt.NDArray[np.float64]
_Pixel = tuple[int, int]
_AROUND = ((-1, 0), (0, -1), (0, 1), (1, 0), (-1, -1), (-1, 1), (1, -1), (1, 1))


def trace(lines: Mask) -> list[Points]:
    """Follow centre-lines one pixel wide, as `skeletonise` leaves them.

    Parameters
    ----------
    lines : ndarray of bool, shape (h, w)
        The centre-lines.

    Returns
    -------
    list of ndarray, shape (n_i, 2)
        Rows and columns of pixels; every two neighbours are joined by one of them. A closed line ends where it begins;
        pixels without neighbours are left out.
    """
    pixels: set[_Pixel] = {(row, column) for row, column in np.argwhere(lines).tolist()}
    links = {pixel: _links(pixel, pixels) for pixel in pixels}
    walked: set[frozenset[_Pixel]] = set()
    # ends and forks first; what is left are closed lines
    order = sorted(pixels, key=lambda pixel: (len(links[pixel]) == 2, pixel))
    return [
        np.array(_walk(start, following, links, walked), np.float64)
        for start in order
        for following in links[start]
        if frozenset((start, following)) not in walked
    ]


def simplified(line: Points, tolerance: float) -> Points:
    """Leave out points of a line, open or closed, that lie within a tolerance of what is left (Douglas and Peucker)."""
    keep = np.zeros(len(line), bool)
    keep[[0, -1]] = True
    waiting = [(0, len(line) - 1)]
    while waiting:
        first, last = waiting.pop()
        if last - first < 2:
            continue
        inner, chord = line[first + 1 : last] - line[first], line[last] - line[first]
        length = np.hypot(*chord)
        # a closed line begins where it ends: then the distance from there
        off = np.abs(inner @ (-chord[1], chord[0])) / length if length else np.hypot(*inner.T)
        farthest = int(off.argmax())
        if off[farthest] > tolerance:
            middle = first + 1 + farthest
            keep[middle] = True
            waiting += [(first, middle), (middle, last)]
    return line[keep]


def _links(pixel: _Pixel, pixels: set[_Pixel]) -> list[_Pixel]:
    """Neighbours of a pixel, but for slanting ones that a level or upright neighbour leads to."""
    row, column = pixel
    found = []
    for down, across in _AROUND:
        there = (row + down, column + across)
        if there not in pixels:
            continue
        if down and across and ((row + down, column) in pixels or (row, column + across) in pixels):
            continue
        found.append(there)
    return found


def _walk(
    start: _Pixel, following: _Pixel, links: dict[_Pixel, list[_Pixel]], walked: set[frozenset[_Pixel]]
) -> list[_Pixel]:
    path = [start, following]
    walked.add(frozenset(path))
    while len(links[path[-1]]) == 2 and path[-1] != start:
        onward = [pixel for pixel in links[path[-1]] if pixel != path[-2]]
        path.append(onward[0])
        walked.add(frozenset(path[-2:]))
    return path
