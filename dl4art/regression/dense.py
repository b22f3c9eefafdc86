"""What the network says all over a plate: convolved once, tile by tile, and read at any place.

A window of 1 cm is pooled from the network's outputs, one every 8 px, and neighbouring windows share most of theirs.
So a plate goes through the network once, however many windows are read. While a tile goes through it, the next one is
prepared and the one before is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dl4art.cropping.plate import Plate
from dl4art.regression.counter import WINDOW, Array, Readings, ThreadCounter, decoded
from dl4art.regression.preprocess import HALF_WIDTH, normalise

STRIDE = 8
"""Pixels from one output of the network, and so from one window, to the next."""
TILE = 1536
"""Side in pixels of the square of windows' corners that goes through the network at once."""
Tones = tuple[float, float]


@dataclass(frozen=True)
class Span:
    """Windows along one side of a plate: those whose corners lie at multiples of `STRIDE` and that fit on it.

    Attributes
    ----------
    wanted : array of int
        Number of the window for each place that is asked for, rising.
    length : int
        The side in pixels.
    """

    wanted: npt.NDArray[np.intp]
    length: int

    @classmethod
    def nearest(cls, centres_px: npt.ArrayLike, length: int) -> Span:
        """Windows whose centres lie nearest to given places; near the border those that just fit."""
        last = (length - WINDOW) // STRIDE
        numbers = np.rint((np.asarray(centres_px, float) - WINDOW / 2) / STRIDE)
        return cls(np.clip(numbers, 0, last).astype(np.intp), length)

    @property
    def centres_px(self) -> npt.NDArray[np.float64]:
        """Where the windows' centres lie."""
        centres: npt.NDArray[np.float64] = self.wanted.astype(np.float64) * STRIDE + WINDOW / 2
        return centres

    def tiles(self) -> Iterator[tuple[npt.NDArray[np.intp], int, int]]:
        """Give which of the wanted windows a tile reads, the tile's first window and how many it has.

        All tiles have one size, an even share of the side; the last one begins early enough to end with it.
        """
        total = (self.length - WINDOW) // STRIDE + 1
        count = -(-total * STRIDE // TILE)
        size = -(-total // count)
        for start in range(0, total, size):
            mine = np.flatnonzero((self.wanted >= start) & (self.wanted < start + size))
            if len(mine):
                yield mine, min(start, total - size), size


@dataclass(frozen=True, eq=False)
class Tile:
    """A part of a plate, locally normalised, and the windows that are read in it."""

    rows: npt.NDArray[np.intp]
    """Which rows of the grid of points are read here."""
    cols: npt.NDArray[np.intp]
    places: tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]
    """Numbers of their windows down and across, counted from the tile's first."""
    grey: Array
    """Grey values of the part and of `margin` pixels about it; those off the plate repeat its border."""
    normal: Array
    """The same part normalised; zero off the plate."""
    margin: int

    @property
    def inside(self) -> Array:
        """What the windows look at, without the margin."""
        return self.normal[self.margin : -self.margin, self.margin : -self.margin]

    @property
    def corners(self) -> npt.NDArray[np.intp]:
        """Upper-left corners (x, y) of the windows in `grey` and `normal`, (n, 2), row after row."""
        down, across = (self.margin + STRIDE * numbers for numbers in self.places)
        y, x = np.meshgrid(down, across, indexing="ij")
        return np.stack([x.ravel(), y.ravel()], axis=1)


def tiles(plate: Plate, grid: tuple[Span, Span], tones: Tones, px_per_cm: float, margin: int) -> Iterator[Tile]:
    """Cut a plate into tiles in which the windows of a grid are read, row after row.

    Parameters
    ----------
    plate : Plate
        At least as large as a window.
    grid : (Span, Span)
        Windows across and down.
    tones : (float, float)
        About the darkest and lightest grey values of the plate.
    px_per_cm : float
        Scale at which the plate is looked at.
    margin : int
        Pixels about the windows that come with a tile, at least `HALF_WIDTH`.
    """
    across, down = grid
    columns = list(across.tiles())
    inside = slice(HALF_WIDTH, -HALF_WIDTH)
    for rows, top, high in down.tiles():
        for cols, left, wide in columns:
            (lines, places), missing = _cut(grid, (left, top), (wide, high), margin)
            corner = places.start / px_per_cm, lines.start / px_per_cm
            size = (places.stop - places.start) / px_per_cm, (lines.stop - lines.start) / px_per_cm
            grey = plate.sample(*corner, *size, px_per_cm=px_per_cm)
            normal = np.pad(normalise(grey, tones=tones), missing)[inside, inside]
            windows = down.wanted[rows] - top, across.wanted[cols] - left
            yield Tile(rows, cols, windows, np.pad(grey, missing, mode="edge")[inside, inside], normal, margin)


def read_windows(
    network: ThreadCounter,
    plate: Plate,
    centres_cm: tuple[npt.ArrayLike, npt.ArrayLike],
    tones: Tones,
    *,
    px_per_cm: float = 200.0,
    margin: int = HALF_WIDTH,
    look: Callable[[Tile, Readings], None] = lambda _tile, _readings: None,
) -> Readings:
    """Read the windows about the points of a grid.

    Parameters
    ----------
    network : ThreadCounter
        The network.
    plate : Plate
        At least as large as a window.
    centres_cm : (nx,) and (ny,) arrays
        Where the points lie across and down; each is read in the window of 200 px whose centre is nearest, to within
        4 px, and near the border in the nearest that lies on the plate.
    tones : (float, float)
        About the darkest and lightest grey values of the plate.
    px_per_cm : float
        Scale at which the plate is looked at. At less than 200 px/cm a window is larger than 1 cm.
    margin : int
        See `tiles`.
    look : callable
        Is shown each tile with what was read in it, arrays (rows, cols, 2); one tile at a time, in another thread.

    Returns
    -------
    Readings
        Arrays of shape (ny, nx, 2).
    """
    grid = spans(plate, centres_cm, px_per_cm)
    shape = len(grid[1].wanted), len(grid[0].wanted), 2
    out = Readings(*(np.zeros(shape, np.float32) for _ in range(4)))
    with ThreadPoolExecutor(1) as helper:
        looking = helper.submit(lambda: None)
        for tile in _ahead(tiles(plate, grid, tones, px_per_cm, margin), helper):
            vertical = pool(network, tile.inside)
            horizontal = pool(network, tile.inside.T).transpose(1, 0, 2)
            both = np.stack([part[np.ix_(*tile.places)] for part in (vertical, horizontal)], axis=2)
            found = Readings(
                both[..., 0] * np.float32(px_per_cm / 200),
                both[..., 1],
                # a transposed picture leans the other way
                10 * both[..., 2] * np.array([1, -1], np.float32),
                both[..., 3],
            )
            where = np.ix_(tile.rows, tile.cols)
            for name in Readings.__dataclass_fields__:
                getattr(out, name)[where] = getattr(found, name)
            # no more than one tile waits to be looked at: memory stays bounded
            looking.result()
            looking = helper.submit(look, tile, found)
        looking.result()
    return out


def _ahead(made: Iterator[Tile], helper: Executor) -> Iterator[Tile]:
    """Give tiles one after another; the next one is made by the helper while one is used."""
    coming = helper.submit(next, made, None)
    while (tile := coming.result()) is not None:
        coming = helper.submit(next, made, None)
        yield tile


def spans(plate: Plate, centres_cm: tuple[npt.ArrayLike, npt.ArrayLike], px_per_cm: float) -> tuple[Span, Span]:
    """Windows across and down that are read for the points of a grid."""
    sides = (round(side * px_per_cm) for side in plate.size_cm)
    first, second = (
        Span.nearest(np.asarray(centres, float) * px_per_cm, side)
        for centres, side in zip(centres_cm, sides, strict=True)
    )
    return first, second


def pool(network: ThreadCounter, normal: Array) -> Array:
    """Pool all windows of a normalised picture whose corners lie at multiples of `STRIDE`, one direction.

    Parameters
    ----------
    network : ThreadCounter
        The network.
    normal : (rows, cols) array
        Each side 200 px and a multiple of 8 more.

    Returns
    -------
    (rows, cols, 4) array
        Density, log error, angle in tens of degrees, logit of readability of the vertical threads.
    """
    outputs = np.asarray(network.trunk.predict_on_batch(normal[None, ..., None]))[0]
    own, values = decoded(outputs)
    down, right = network.profiles
    weighted = _summed(np.concatenate([own[..., None], own[..., None] * values], axis=-1), down, right)
    even = np.full_like(down, 1 / len(down))
    readable = _summed(outputs[..., 4:], even, even)
    pooled: Array = np.concatenate([weighted[..., 1:] / weighted[..., :1], readable], axis=-1).astype(np.float32)
    return pooled


def _summed(values: npt.NDArray[Any], down: Array, right: Array) -> npt.NDArray[Any]:
    """Sum (rows, cols, k) values over all windows, with a weight for each row times one for each column."""
    rows, cols = (values.shape[axis] - len(down) + 1 for axis in (0, 1))
    upright = sum(weight * values[place : place + rows] for place, weight in enumerate(down))
    total: npt.NDArray[Any] = sum(weight * upright[:, place : place + cols] for place, weight in enumerate(right))
    return total


def _cut(
    grid: tuple[Span, Span], firsts: tuple[int, int], counts: tuple[int, int], margin: int
) -> tuple[tuple[slice, slice], tuple[tuple[int, int], tuple[int, int]]]:
    """Where a tile lies with all that is looked at: rows and columns of the plate, and how many of them are missing.

    The tile is given by the numbers of its first windows, and how many windows it has, across and down.
    """
    boxes, missing = [], []
    for span, first, count in zip(grid, firsts, counts, strict=True):
        # what the normalisation looks at too, where there is something
        reach = margin + HALF_WIDTH
        start, stop = first * STRIDE - reach, (first + count - 1) * STRIDE + WINDOW + reach
        boxes.append(slice(max(0, start), min(span.length, stop)))
        missing.append((max(0, -start), max(0, stop - span.length)))
    return (boxes[1], boxes[0]), (missing[1], missing[0])
