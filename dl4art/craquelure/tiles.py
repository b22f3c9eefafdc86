"""Pictures of any size, a tile at a time, with the answer that the whole picture would give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Colours = npt.NDArray[np.uint8]
Read = Callable[[int, int, int, int], Colours]
"""Colours of a rectangle inside a picture: top, bottom, left, right."""


def read_from(picture: npt.NDArray[np.uint8]) -> Read:
    """Give rectangles of a picture in memory, (h, w) or (h, w, 3)."""
    colours = np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture[..., :3]

    def read(top: int, bottom: int, left: int, right: int) -> Colours:
        return colours[top:bottom, left:right]

    return read


def answer_by_tiles(
    read: Read,
    shape: tuple[int, int],
    answer: Callable[[Colours], npt.NDArray[np.uint8]],
    *,
    margin_px: int,
    multiple_px: int = 1,
    tile_px: int = 768,
    advance: Callable[[], Any] = lambda: None,
) -> npt.NDArray[np.uint8]:
    """Ask for the classes of a picture's pixels tile by tile.

    Each tile is shown with a margin, mirrored at the picture's border, of which no answer is kept. All are of one size,
    so that a network is set up once. Memory: the answer, a byte a pixel, and one tile.

    Parameters
    ----------
    read : callable
        Gives rectangles of the picture.
    shape : (int, int)
        Rows and columns of the picture.
    answer : callable
        From colours (h, w, 3) to classes (h, w).
    margin_px : int
        How far away from a pixel its answer looks.
    multiple_px : int
        Sides of what `answer` is shown are multiples of this, and tiles begin at multiples.
    tile_px : int
        Side of a tile, about.
    advance : callable
        Called after each tile; see `tile_count`.

    Returns
    -------
    ndarray of uint8, shape (h, w)
    """
    margin = _up(margin_px, multiple_px)
    sides = [min(_up(tile_px, multiple_px), _up(length, multiple_px)) for length in shape]
    classes = np.empty(shape, np.uint8)
    for top in range(0, shape[0], sides[0]):
        rows = _mirrored(top - margin, top + sides[0] + margin, shape[0])
        for left in range(0, shape[1], sides[1]):
            columns = _mirrored(left - margin, left + sides[1] + margin, shape[1])
            block = read(int(rows.min()), int(rows.max()) + 1, int(columns.min()), int(columns.max()) + 1)
            shown = block[(rows - rows.min())[:, None], columns - columns.min()]
            inner = answer(shown)[margin : margin + sides[0], margin : margin + sides[1]]
            place = classes[top : top + sides[0], left : left + sides[1]]
            place[...] = inner[: place.shape[0], : place.shape[1]]
            advance()
    return classes


def tile_count(shape: tuple[int, int], *, multiple_px: int = 1, tile_px: int = 768) -> int:
    """How many tiles `answer_by_tiles` shows."""
    count = 1
    for length in shape:
        count *= -(-length // min(_up(tile_px, multiple_px), _up(length, multiple_px)))
    return count


def _up(length: int, multiple: int) -> int:
    return -(-length // multiple) * multiple


def _mirrored(first: int, last: int, length: int) -> npt.NDArray[np.intp]:
    """Give the indices from `first` to `last`, mirrored at both ends of ``range(length)`` as often as it takes."""
    index = np.arange(first, last) % (2 * length)
    return np.where(index < length, index, 2 * length - 1 - index)
