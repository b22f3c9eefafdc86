"""What a map comes to: the numbers that weave reports give, and which threads are the warp.

The numbers are those of the reports of the Thread Count Automation Project (Annual Report 2009): least, greatest, mean
and standard deviation for each direction, a histogram in steps of 0.1 th/cm, and the warp with the criterion.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from dl4art.cropping.threads import DIRECTIONS, Direction
from dl4art.regression.maps import STATUSES, ThreadMap

Warp = Direction | Literal["undetermined"]
BIN = 0.1
"""Width of the bins of histograms, th/cm."""
CLEARLY = 1.25
"""How many times the spread of the weft must be that of the warp for the plate to decide which is which."""
EDGE_CM = 2.0
"""How far from an edge its threads count as lying along it."""
_FEWEST = 20  # cells without which no spread decides anything


@dataclass(frozen=True)
class Spread:
    """How a quantity is distributed over the cells of a map; numbers are None where there is no cell."""

    cells: int
    mean: float | None
    median: float | None
    sd: float | None
    least: float | None
    greatest: float | None

    @classmethod
    def of(cls, values: NDArray[Any]) -> Spread:
        """Of all values that are numbers."""
        known = values[np.isfinite(values)].astype(np.float64)
        if not known.size:
            return cls(0, None, None, None, None, None)
        numbers = known.mean(), np.median(known), known.std(), known.min(), known.max()
        return cls(known.size, *(float(number) for number in numbers))


@dataclass(frozen=True)
class Histogram:
    """Cells in bins of `BIN` th/cm; the first begins at `start`."""

    start: float
    vertical: tuple[int, ...]
    horizontal: tuple[int, ...]


@dataclass(frozen=True)
class MapSummary:
    """What a map comes to. Densities in th/cm, angles in degrees counter-clockwise from upright and from level."""

    vertical: Spread
    horizontal: Spread
    vertical_angle: Spread
    horizontal_angle: Spread
    histogram: Histogram
    warp: Warp
    criterion: str
    cells: dict[str, int]
    """How many cells of each status there are."""

    def to_dict(self) -> dict[str, Any]:
        """Give all as JSON values."""
        return asdict(self)

    def table(self) -> list[tuple[str, ...]]:
        """Rows for people, a head first; empty cells where there is no number."""
        rows: list[tuple[str, ...]] = [("", "mean", "median", "SD", "least", "greatest", "cells")]
        for name, spread, digits in (
            ("vertical/cm", self.vertical, 2),
            ("horizontal/cm", self.horizontal, 2),
            ("vertical angle", self.vertical_angle, 1),
            ("horizontal angle", self.horizontal_angle, 1),
        ):
            numbers = spread.mean, spread.median, spread.sd, spread.least, spread.greatest
            cells = ("" if value is None else f"{value:.{digits}f}" for value in numbers)
            rows.append((name, *cells, str(spread.cells)))
        return rows


def summarise(found: ThreadMap, where: NDArray[np.bool_] | None = None) -> MapSummary:
    """Summarise a map, or a part of it.

    Parameters
    ----------
    found : ThreadMap
        The map.
    where : array of bool, shape (ny, nx), optional
        Which cells; all, if left out.
    """
    where = np.ones(found.status.shape, bool) if where is None else where
    density, angle = found.density[where], found.angle[where]
    vertical, horizontal = Spread.of(density[:, 0]), Spread.of(density[:, 1])
    warp, criterion = _warp(vertical, horizontal)
    counts = np.bincount(found.status[where], minlength=len(STATUSES))
    return MapSummary(
        vertical,
        horizontal,
        Spread.of(angle[:, 0]),
        Spread.of(angle[:, 1]),
        _histogram(density),
        warp,
        criterion,
        {name: int(count) for name, count in zip(STATUSES, counts, strict=True)},
    )


@dataclass(frozen=True, eq=False)
class EdgeSwing:
    """How the threads along one edge of a plate lean, all in degrees against their mean over the plate.

    Where a canvas was laced or tacked and then primed, they wave along the edge (cusping) and less the farther inside.
    """

    direction: Direction
    """Threads that run along the edge."""
    place_cm: NDArray[np.float64]
    """Along the edge, (n,)."""
    angle: NDArray[np.float64]
    """Within `EDGE_CM` of it, (n,); NaN where nothing can be read."""
    inside: NDArray[np.float64]
    """Farther inside, (n,)."""

    @property
    def swing(self) -> float:
        """Standard deviation along the edge."""
        return float(np.nanstd(self.angle))

    @property
    def swing_inside(self) -> float:
        """The same farther inside."""
        return float(np.nanstd(self.inside))


def edge_swings(found: ThreadMap) -> dict[str, EdgeSwing]:
    """Look for cusping along the edges of a plate; edges along which hardly anything can be read are left out."""
    depth = round(EDGE_CM / found.step_cm)
    rows, cols = found.status.shape
    if min(rows, cols) < 3 * depth:
        return {}
    result: dict[str, EdgeSwing] = {}
    for name, axis, band in (
        ("top", 1, np.s_[:depth]),
        ("bottom", 1, np.s_[rows - depth :]),
        ("left", 0, np.s_[:, :depth]),
        ("right", 0, np.s_[:, cols - depth :]),
    ):
        angle = found.angle[..., axis]
        middle = angle[depth : rows - depth] if axis else angle[:, depth : cols - depth]
        along, inside = (_mean(part, 0 if axis else 1) - _mean(angle.ravel(), 0) for part in (angle[band], middle))
        if np.isfinite(along).sum() >= _FEWEST // 2 and np.isfinite(inside).sum() >= _FEWEST // 2:
            place = found.x_cm if axis else found.y_cm
            result[name] = EdgeSwing(DIRECTIONS[axis], place, along, inside)
    return result


def _mean(values: NDArray[Any], axis: int) -> NDArray[np.float64]:
    """Mean of the numbers along an axis, NaN where there are none."""
    known = np.isfinite(values)
    count = known.sum(axis=axis)
    total = np.where(known, values, 0.0).sum(axis=axis, dtype=np.float64)
    found: NDArray[np.float64] = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return found


def _warp(vertical: Spread, horizontal: Spread) -> tuple[Warp, str]:
    """Which threads are the warp, those under tension in the loom, and why."""
    if vertical.sd is None or horizontal.sd is None or vertical.cells < _FEWEST:
        return "undetermined", f"fewer than {_FEWEST} cells can be read"
    low, high = sorted((vertical.sd, horizontal.sd))
    numbers = f"standard deviation {vertical.sd:.2f} of the vertical and {horizontal.sd:.2f} of the horizontal threads"
    if high < CLEARLY * low:
        return "undetermined", f"both spread about alike: {numbers} per cm"
    return ("vertical" if vertical.sd < horizontal.sd else "horizontal"), f"it spreads less: {numbers} per cm"


def _histogram(density: NDArray[Any]) -> Histogram:
    known = density[np.isfinite(density).all(axis=1)]
    if not len(known):
        return Histogram(0.0, (), ())
    first, last = int(np.floor(known.min() / BIN)), int(np.floor(known.max() / BIN))
    bins = np.floor(known / BIN).astype(int) - first
    vertical, horizontal = (np.bincount(bins[:, axis], minlength=last - first + 1).tolist() for axis in (0, 1))
    return Histogram(round(first * BIN, 1), tuple(vertical), tuple(horizontal))
