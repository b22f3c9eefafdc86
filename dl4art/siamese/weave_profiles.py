"""Density maps as profiles: how close the threads lie, place by place across them.

Neighbours on a bolt share threads, so they share the sequence of spacings across them; along the threads it hardly
changes. The mean along the threads therefore keeps what can be shared and averages the rest away.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import ndimage
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
"""Step of a map beyond which windows of 1 cm leave cloth out."""
_FINE_CM = 0.125
_LEANS = np.tan(np.deg2rad(sorted(np.arange(-3.0, 3.1, 0.25), key=abs)))  # how far the threads may run askew, cm per cm
_SEEN = 0.25  # share of the readable cells that a point of a profile needs of what the best one has
_LAGS_CM = 10.0  # reach of the autocorrelation that the spectrum is taken from
_LONGEST_CM = 20.0  # waves longer than this are stretching and drift, not the sequence of threads
_TRUSTED = 0.8  # share of a wave's power that neighbours can have in common, at most
SM = 6.0
CLIP = 2.5
_FLOOR = 0.02  # of the mean power: no wave is raised further


@dataclass(frozen=True, eq=False)
class WeaveMap:
    """Densities of a canvas in cells of 1 cm about the points of a regular grid.

    Attributes
    ----------
    vertical, horizontal : (rows, cols) arrays
        Threads per cm, rows downwards; NaN where there is no estimate.
    step_cm : float
        Distance of the points.
    """

    vertical: npt.NDArray[np.float32]
    horizontal: npt.NDArray[np.float32]
    step_cm: float

    def __post_init__(self) -> None:
        for values in (self.vertical, self.horizontal):
            if values.ndim != 2 or values.shape != self.vertical.shape:
                raise InputError("a weave map needs two arrays of the same rows and columns, one for each direction.")
        if not 0 < self.step_cm <= COARSEST_CM:
            raise InputError(
                f"a weave map with a cell every {self.step_cm:g} cm cannot be matched. Map the plate with a step of "
                f"{COARSEST_CM:g} cm or less."
            )

    @classmethod
    def of(cls, found: ThreadMap) -> WeaveMap:
        """Take the densities of a map that `dl4art.regression.map_threads` made or `read_map` read."""
        return cls(found.density[..., 0], found.density[..., 1], found.step_cm)


@dataclass(frozen=True, eq=False)
class WeaveProfile:
    """Density across the threads of one direction.

    Attributes
    ----------
    density : (n,) array
        Threads per cm at points `GRID_CM` apart, NaN where too little is readable.
    halves : (2, n) array
        The same of the first and the second half along the threads.
    start_cm : float
        Where the first point lies, from the left or upper edge of the plate.
    lean : float
        How far the threads run askew, cm per cm.
    """

    density: Floats
    halves: Floats
    start_cm: float
    lean: float

    @property
    def mean(self) -> float:
        """Mean density, th/cm; NaN if nothing is readable."""
        known = self.density[np.isfinite(self.density)]
        return float(known.mean()) if known.size else float("nan")

    @property
    def length_cm(self) -> float:
        """Length of cloth across which threads have been read."""
        return float(np.isfinite(self.density).sum() * GRID_CM)

    @property
    def digest(self) -> bytes:
        """Hash of the numbers: the same profile always draws the same chance."""
        return hashlib.sha256(np.ascontiguousarray(self.density).tobytes()).digest()

    @cached_property
    def spectra(self) -> tuple[Floats, Floats]:
        """Power of the deviations from the mean, and the part of it that both halves share, over `frequencies`."""
        whole, first, second = (_filled(values) for values in (self.density, *self.halves))
        power = np.maximum(_power(whole, whole), 1e-12)
        shared = np.clip(_power(first, second), 0, power)
        return np.maximum(power, _FLOOR * power.mean()), shared

    @cached_property
    def filtered(self) -> Floats:
        """The profile with its waves brought to one power and weighted by how far they persist along the threads."""
        power, shared = self.spectra
        blurred = [ndimage.gaussian_filter1d(part, SM) for part in (shared, power)]
        share = np.minimum(blurred[0] / blurred[1], _TRUSTED)
        gain = np.sqrt(share / (1 - share**2) / power) * (frequencies() >= 1 / _LONGEST_CM)
        values = _filled(self.density)
        reach = round(_LAGS_CM / GRID_CM)
        padded = np.pad(values, reach, mode="reflect") if len(values) > reach else np.pad(values, reach)
        size = _fast(len(padded) + reach)
        spectrum = np.fft.rfft(padded, size) * _gain_at(gain, size)
        out: Floats = np.fft.irfft(spectrum, size)[reach : reach + len(values)]
        usual = 1.4826 * np.median(np.abs(out))
        return np.clip(out, -CLIP * usual, CLIP * usual)


def frequencies() -> Floats:
    """Waves per cm at which spectra are known."""
    return np.fft.rfftfreq(2 * _BINS, GRID_CM)


_BINS = 128


def _power(a: Floats, b: Floats) -> Floats:
    lags = min(round(_LAGS_CM / GRID_CM), len(a) - 1)
    full = np.correlate(a, b, "full")
    middle = len(a) - 1
    kept = full[middle - lags : middle + lags + 1] * np.hanning(2 * lags + 3)[1:-1] / len(a)
    even = (kept + kept[::-1])[lags:] / 2
    line = np.zeros(2 * _BINS)
    line[: lags + 1] = even
    line[-lags:] = even[:0:-1]
    return np.fft.rfft(line).real


def _gain_at(gain: Floats, size: int) -> Floats:
    return np.interp(np.fft.rfftfreq(size, GRID_CM), frequencies(), gain)


def _fast(size: int) -> int:
    return 1 << (size - 1).bit_length()


def _filled(values: Floats) -> Floats:
    known = np.isfinite(values)
    if not known.any():
        return np.zeros_like(values)
    return np.where(known, values - values[known].mean(), 0.0)


def weave_profile(found: WeaveMap, direction: Direction) -> WeaveProfile:
    """Profile of one thread direction of a map."""
    across_x = direction == "vertical"
    cells = _fine(np.asarray(found.vertical if across_x else found.horizontal.T, np.float64), found.step_cm)
    shifts = _LEANS[:, None] * (np.arange(len(cells)) - (len(cells) - 1) / 2) * found.step_cm / _FINE_CM
    energy = []
    for shift in shifts:
        profile, counts = _profile(_straight(cells, shift))
        energy.append(np.nansum(profile**2 * counts) / max(counts.sum(), 1))
    best = int(np.argmax(energy))
    cells = _straight(cells, shifts[best])
    half = len(cells) // 2
    mean = float(np.nanmean(cells)) if np.isfinite(cells).any() else 0.0
    every = round(GRID_CM / _FINE_CM)
    lines = [_profile(part)[0][::every] + mean for part in (cells, cells[:half], cells[half:])]
    return WeaveProfile(lines[0], np.stack(lines[1:]), found.step_cm / 2, float(_LEANS[best]))


def _fine(cells: Floats, step: float) -> Floats:
    """Cells in columns `_FINE_CM` apart."""
    known = np.isfinite(cells)
    if cells.shape[1] < 4 or not known.any():
        return np.full((len(cells), 1), np.nan)
    x = np.arange(cells.shape[1]) * step
    points = np.arange(0, x[-1] + 1e-9, _FINE_CM)
    fine = CubicSpline(x, np.where(known, cells, cells[known].mean()), axis=1)(points)
    return np.where(known[:, np.rint(points / step - 1e-9).astype(int)], fine, np.nan)


def _straight(cells: Floats, shift: Floats) -> Floats:
    cols = cells.shape[1]
    index = np.arange(cols) + np.rint(shift).astype(int)[:, None]
    inside = (index >= 0) & (index < cols)
    return np.where(inside, np.take_along_axis(cells, np.clip(index, 0, cols - 1), 1), np.nan)


def _profile(cells: Floats) -> tuple[Floats, npt.NDArray[np.int64]]:
    known = np.isfinite(cells)
    counts = known.sum(0)
    values = np.where(known, cells, 0.0)
    total = max(int(known.sum()), 1)
    column = np.full(cells.shape[1], values.sum() / total)
    row = np.zeros(len(cells))
    for _ in range(2):
        row = (np.where(known, values - column, 0)).sum(1) / np.maximum(known.sum(1), 1)
        column = (np.where(known, values - row[:, None], 0)).sum(0) / np.maximum(counts, 1)
    column = column - (column * counts).sum() / total
    return np.where(counts >= max(1.0, _SEEN * counts.max(initial=0)), column, np.nan), counts
