"""Density maps as profiles: how close the threads lie, place by place across them.

Neighbours on a bolt share threads, so they share the sequence of spacings across these threads; along them it hardly
changes. The mean along the threads therefore keeps what can be shared, and averages the rest away.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

from dl4art.utils.errors import InputError

if TYPE_CHECKING:
    from dl4art.regression.maps import ThreadMap

Floats = npt.NDArray[np.float64]
Direction = Literal["vertical", "horizontal"]
DIRECTIONS: tuple[Direction, Direction] = ("vertical", "horizontal")

GRID_CM = 0.25
"""Distance of the points of a profile, whatever that of the map's cells."""
COARSEST_CM = 1.0
"""Distance of cells beyond which windows of 1 cm leave cloth out."""
LAGS_CM = 8.0
"""Reach of the autocorrelations from which spectra are taken."""
_FINE_CM = 0.125
_LEANS = np.tan(np.deg2rad(sorted(np.arange(-3.0, 3.1, 0.25), key=abs)))  # how far threads may run askew, cm per cm
_SEEN = 0.25  # readable cells that a point of the profile needs, as a share of those of the best one
_TRUSTED = 0.8  # share of a wave's power that two canvases can have in common, at most
_FLOOR = 0.02  # of the mean power: no fainter wave is raised
_EVEN = 1e-4  # th/cm: no cloth is as even, and nothing is left but rounding
_OUTLYING = 2.5  # standard deviations; a missing thread must not decide by itself


@dataclass(frozen=True, eq=False)
class WeaveMap:
    """Densities of a canvas in windows of 1 cm about the points of a regular grid.

    Attributes
    ----------
    vertical, horizontal : (rows, cols) arrays
        Threads per cm, rows downwards; NaN where there is no estimate.
    step_cm : float
        Distance of the points; the first lies half of it from the upper-left corner.
    """

    vertical: npt.NDArray[np.float32]
    horizontal: npt.NDArray[np.float32]
    step_cm: float

    def __post_init__(self) -> None:
        if self.vertical.ndim != 2 or self.vertical.shape != self.horizontal.shape:
            raise InputError(
                f"a weave map needs rows and columns, the same for both directions, not {self.vertical.shape} and "
                f"{self.horizontal.shape}. Give both maps of one plate."
            )
        if not 0 < self.step_cm <= COARSEST_CM:
            raise InputError(
                f"a weave map with a cell every {self.step_cm:g} cm cannot be matched. Map the plate with a step of "
                f"{COARSEST_CM:g} cm or less."
            )

    @classmethod
    def of(cls, found: ThreadMap) -> WeaveMap:
        """Take the densities of a map that `dl4art.regression` has made, or has read back."""
        return cls(found.density[..., 0], found.density[..., 1], found.step_cm)


@dataclass(frozen=True, eq=False)
class WeaveProfile:
    """Density across the threads of one direction.

    Attributes
    ----------
    density : (n,) array
        Threads per cm at points `GRID_CM` apart, NaN where too little is readable.
    halves : (2, n) array
        The same of the first and the second half of the map along the threads.
    start_cm : float
        Where the first point lies, from the left or upper edge of the map.
    lean : float
        How far the threads run askew, cm per cm.
    """

    density: Floats
    halves: Floats
    start_cm: float
    lean: float

    @property
    def length_cm(self) -> float:
        """How much of the cloth has been read, across the threads."""
        return float(np.isfinite(self.density).sum() * GRID_CM)

    @property
    def digest(self) -> bytes:
        """Hash of the numbers: by it the same profile always meets the same chance."""
        return hashlib.sha256(self.density.tobytes() + self.halves.tobytes()).digest()

    @cached_property
    def filtered(self) -> Floats:
        """The profile with all waves brought to one power, then weighted by how far they persist along the threads.

        The weights are those of the likelihood that two Gaussian signals have a part in common.
        """
        whole, *halves = (_deviations(line) for line in (self.density, *self.halves))
        if whole.std() < _EVEN:
            return np.zeros_like(whole)
        power = np.maximum(_power(whole, whole), 0)
        power = np.maximum(power, _FLOOR * power.mean())
        share = np.clip(_power(halves[0], halves[1]) / power, 0, _TRUSTED)
        weight = np.sqrt(share / (1 - share**2) / power)
        reach = min(round(LAGS_CM / GRID_CM), len(whole) - 1)
        padded = np.pad(whole, reach, mode="reflect")
        size = 2 * len(padded)
        gain = np.interp(np.linspace(0, 1, size // 2 + 1), np.linspace(0, 1, len(weight)), weight)
        line = np.fft.irfft(np.fft.rfft(padded, size) * gain, size)[reach : reach + len(whole)]
        usual = 1.4826 * float(np.median(np.abs(line)))
        result: Floats = np.clip(line, -_OUTLYING * usual, _OUTLYING * usual)
        return result


def weave_profile(found: WeaveMap, direction: Direction) -> WeaveProfile:
    """Take the profile of one thread direction from a map, along the threads as they run.

    Parameters
    ----------
    found : WeaveMap
        The map.
    direction : {'vertical', 'horizontal'}
        Which threads. The profile of the vertical ones runs from left to right, of the horizontal ones downwards.
    """
    lines = found.vertical if direction == "vertical" else found.horizontal.T
    cells = _fine(np.asarray(lines, np.float64), found.step_cm)
    away = (np.arange(len(cells)) - (len(cells) - 1) / 2) * found.step_cm / _FINE_CM
    # straight threads give the liveliest profile
    lean = max(_LEANS, key=lambda slope: _liveliness(*_mean(_shifted(cells, slope * away))))
    cells = _shifted(cells, lean * away)
    known = np.isfinite(cells)
    level = float(cells[known].mean()) if known.any() else 0.0
    half = len(cells) // 2
    every = round(GRID_CM / _FINE_CM)
    whole, *halves = (_mean(part)[0][::every] + level for part in (cells, cells[:half], cells[half:]))
    return WeaveProfile(whole, np.stack(halves), found.step_cm / 2, float(lean))


def _fine(cells: Floats, step: float) -> Floats:
    """Cells with columns `_FINE_CM` apart."""
    known = np.isfinite(cells)
    if cells.shape[1] < 4 or not known.any():
        return np.full((len(cells), 1), np.nan)
    x = np.arange(cells.shape[1]) * step
    points = np.arange(0, x[-1] + 1e-9, _FINE_CM)
    fine = CubicSpline(x, np.where(known, cells, cells[known].mean()), axis=1)(points)
    return np.where(known[:, np.rint(points / step - 1e-9).astype(int)], fine, np.nan)


def _shifted(cells: Floats, shifts: Floats) -> Floats:
    cols = cells.shape[1]
    index = np.arange(cols) + np.rint(shifts).astype(int)[:, None]
    moved = np.take_along_axis(cells, np.clip(index, 0, cols - 1), axis=1)
    return np.where((index >= 0) & (index < cols), moved, np.nan)


def _mean(cells: Floats) -> tuple[Floats, Floats]:
    """Deviation of each column from the mean, rows brought to one level, and how many cells it is known from."""
    known = np.isfinite(cells)
    counts = known.sum(axis=0).astype(float)
    values = np.where(known, cells - (cells[known].mean() if known.any() else 0), 0.0)
    column = np.zeros(cells.shape[1])
    for _ in range(2):
        row = np.where(known, values - column, 0).sum(axis=1) / np.maximum(known.sum(axis=1), 1)
        column = np.where(known, values - row[:, None], 0).sum(axis=0) / np.maximum(counts, 1)
    column -= (column * counts).sum() / max(counts.sum(), 1)
    return np.where(counts >= max(1.0, _SEEN * counts.max(initial=0)), column, np.nan), counts


def _liveliness(profile: Floats, counts: Floats) -> float:
    return float(np.nansum(profile**2 * counts) / max(counts.sum(), 1))


def _deviations(line: Floats) -> Floats:
    known = np.isfinite(line)
    return np.where(known, line - (line[known].mean() if known.any() else 0), 0.0)


def _power(a: Floats, b: Floats) -> Floats:
    """Cross-spectrum of two lines, smooth because it is taken from tapered correlations; its real part."""
    reach = min(round(LAGS_CM / GRID_CM), len(a) - 1)
    middle = len(a) - 1
    near = np.correlate(a, b, "full")[middle - reach : middle + reach + 1] * np.hanning(2 * reach + 3)[1:-1] / len(a)
    circle = np.zeros(256)
    circle[: reach + 1] = near[reach:]
    circle[len(circle) - reach :] = near[:reach]
    spectrum: Floats = np.fft.rfft(circle).real
    return spectrum
