"""One system of threads laid out over a plate: where each thread runs, how wide it is, and the thread phase."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from dl4art.simulation.cloth import Cloth, Yarns
from dl4art.simulation.fields import Array, bilinear


@dataclass(frozen=True, eq=False)
class Threads:
    """Threads of one system, in the cloth's own coordinates: `u` across them and `t` along, both in cm."""

    centres: Array
    """Mean position of each thread across, rising."""
    strays: Array
    """Deviation of each thread (row) from its mean position, on a grid along it (column)."""
    stray_step: float
    widths: Array
    """Width of each thread (row) in cm, on a grid along it (column)."""
    width_step: float
    sheds: npt.NDArray[np.int32]
    """Which shed each thread lies in; two threads in one shed pass over and under together."""
    start: float
    """Where the grids along the threads begin, cm."""

    def phase(self, u: Array, t: Array) -> Array:
        """Thread phase: it rises by one from each centre-line to the next, linearly between.

        Beyond the outermost threads it goes on at the last spacing; threads reach beyond every plate, so that
        this is never seen in a picture.
        """
        numbers = np.arange(len(self.centres), dtype=np.float32)
        along = (t - np.float32(self.start)) * np.float32(1 / self.stray_step)
        first = np.interp(u, self.centres, numbers).astype(np.float32)
        # between two threads the stray is interpolated
        phase: Array = np.interp(u - bilinear(self.strays, first, along), self.centres, numbers).astype(np.float32)
        return phase

    def width(self, number: Array, t: Array) -> Array:
        """Width in cm of the thread with that number (whole) at `t`."""
        return bilinear(self.widths, number, (t - np.float32(self.start)) * np.float32(1 / self.width_step))


def smooth(noise: npt.NDArray[np.float64], sigma: float, axis: int) -> npt.NDArray[np.float64]:
    """Smooth white noise along an axis so that it keeps its deviation of one."""
    impulse = np.zeros(2 * int(4 * sigma + 0.5) + 3)
    impulse[len(impulse) // 2] = 1
    loss = np.linalg.norm(ndimage.gaussian_filter1d(impulse, sigma))
    smoothed: npt.NDArray[np.float64] = ndimage.gaussian_filter1d(noise, sigma, axis=axis) / loss
    return smoothed


def _walks(rng: np.random.Generator, rows: int, length: float, scale: float, across: float) -> tuple[Array, float]:
    """Random functions along threads with deviation one, alike in neighbours, and their grid step."""
    step = max(scale / 1.5, length / 4000)
    cols = int(np.ceil(length / step)) + 4
    noise = smooth(smooth(rng.standard_normal((rows, cols)), 0.8, 1), across, 0)
    return noise.astype(np.float32), step


def lay_threads(
    rng: np.random.Generator, yarns: Yarns, across: tuple[float, float], along: tuple[float, float]
) -> Threads:
    """Lay threads over a stretch of cloth.

    Parameters
    ----------
    rng : Generator
        Source of randomness; another one gives another piece of the same cloth.
    yarns : Yarns
        What the threads of this cloth are like.
    across, along : (float, float)
        From where to where, in cm.
    """
    spacing = 1 / yarns.density
    count = int(np.ceil((across[1] - across[0]) * yarns.density * 1.25)) + 12
    numbers = np.arange(count)
    drift = smooth(rng.standard_normal(count), max(1.0, yarns.long_scale / spacing), 0)
    thick = rng.standard_normal(count)
    uneven = 0.8 * rng.standard_normal(count) + 0.6 * thick  # a thick yarn takes more room
    steps = 1 + yarns.short_irregularity * uneven + yarns.long_irregularity * drift
    steps += yarns.pairing * np.where(numbers % 2, 1, -1)
    steps = np.clip(steps, 0.4, 2.0)
    missing = rng.random(count) < yarns.missing
    steps[missing] *= 2
    sheds = numbers.astype(np.int32) + np.cumsum(missing, dtype=np.int32)
    doubled = rng.random(count) < yarns.doubled
    # two yarns in one shed lie side by side and touch: neither hides the other
    steps[doubled] *= max(0.55, 0.9 * yarns.width)
    sheds -= np.cumsum(doubled, dtype=np.int32)
    centres = np.cumsum(steps) * spacing
    middle = (across[0] + across[1]) / 2 + rng.uniform(-0.5, 0.5) * spacing
    centres += middle - centres[count // 2]
    length = along[1] - along[0]
    strays, stray_step = _walks(rng, count, length, yarns.wobble_scale, 0.7)
    slubs, width_step = _walks(rng, count, length, yarns.slub_scale, 0.01)
    width = spacing * yarns.width * np.exp(yarns.width_spread * thick[:, None] + yarns.slub_spread * slubs)
    return Threads(
        centres.astype(np.float32),
        (strays * yarns.wobble * spacing).astype(np.float32),
        stray_step,
        width.astype(np.float32),
        width_step,
        sheds,
        along[0],
    )


def piece_densities(rng: np.random.Generator, cloth: Cloth, size_cm: float) -> tuple[float, float]:
    """Lay a square piece of a cloth and count it: mean vertical and horizontal density, th/cm."""

    def density(yarns: Yarns) -> float:
        centres = lay_threads(rng, yarns, (0.0, size_cm), (0.0, 0.1)).centres
        first, last = np.interp((0.0, size_cm), centres, np.arange(len(centres)))
        return float(last - first) / size_cm

    return density(cloth.vertical), density(cloth.horizontal)
