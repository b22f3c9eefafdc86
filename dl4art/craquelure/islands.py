"""Islands of paint between cracks: how many there are, and how large, in pictures of any size."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage, sparse
from scipy.sparse.csgraph import connected_components

from dl4art.craquelure.skeleton import Mask

SMALLEST_PX = 16
"""Smaller gaps between cracks are no islands: the mask of two cracks side by side is full of them."""


@dataclass(frozen=True)
class IslandSizes:
    """Areas of the islands that cracks and losses close off wholly within the picture.

    Attributes
    ----------
    count : int
        How many.
    small, median, large : float
        10th, 50th and 90th percentile of their areas in px; NaN if there are none.
    octaves : tuple of int
        How many have an area of 1, 2 to 3, 4 to 7, 8 to 15, ... px.
    """

    count: int
    small: float
    median: float
    large: float
    octaves: tuple[int, ...] = ()


def island_sizes(strips: Iterable[tuple[Mask, Mask]]) -> IslandSizes:
    """Measure the islands of a picture that is given in strips of rows, from top to bottom.

    Parameters
    ----------
    strips : iterable of (ndarray of bool, ndarray of bool)
        Where there is paint, and from where an island would go on beyond what is known: the picture's border, and what
        lies beside a part that is left out. Parts of islands in two strips are joined where they touch.
    """
    areas, open_, joins = [np.zeros(0, np.int64)], [np.zeros(0, bool)], [np.zeros((0, 2), np.int64)]
    above, known = None, 0
    for paint, beyond in strips:
        number, count = ndimage.label(paint)
        areas.append(np.bincount(number.ravel(), minlength=count + 1)[1:])
        leaves = np.zeros(count + 1, bool)
        leaves[number[beyond]] = True
        open_.append(leaves[1:])
        first = number[0].astype(np.int64)
        if above is not None:
            touch = (above >= 0) & (first > 0)
            joins.append(np.stack([above[touch], first[touch] - 1 + known], axis=1))
        above = np.where(number[-1] > 0, number[-1].astype(np.int64) - 1 + known, -1)
        known += count
    sizes, leaves = _joined(np.concatenate(joins), np.concatenate(areas), np.concatenate(open_))
    closed = sizes[~leaves & (sizes >= SMALLEST_PX)]
    if not len(closed):
        return IslandSizes(0, math.nan, math.nan, math.nan)
    small, median, large = np.quantile(closed, (0.1, 0.5, 0.9)).tolist()
    octaves = np.bincount(np.frexp(closed)[1] - 1)
    return IslandSizes(len(closed), small, median, large, tuple(octaves.tolist()))


def _joined(
    joins: npt.NDArray[np.int64], areas: npt.NDArray[np.int64], open_: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Areas of parts put together, and whether any of the parts is open."""
    if not len(areas):
        return areas, open_
    links = sparse.coo_matrix((np.ones(len(joins)), tuple(joins.T)), shape=(len(areas),) * 2)
    count, part_of = connected_components(links, directed=False)
    # sums of float64 are exact up to 2^53 px
    sizes, leaves = (np.bincount(part_of, of_part, minlength=count) for of_part in (areas, open_))
    return sizes.astype(np.int64), leaves > 0
