"""Which peaks of a spectrum are threads: the lattice of plain weave that explains the most of them.

Plain weave is a face-centred lattice. With V and H the frequencies of the threads that run up-down and left-right,
power can lie at V, H, V +- H and, because threads pass over and under by turns, at (V +- H) / 2; it cannot lie at
V / 2, V / 3 or V +- H / 2. A single strong peak leaves open whether it is the threads, their first overtone, or pairs
of threads (half the frequency); what lies at the other points decides. In a checkerboard weave (light on dark) the
peaks V and H may be missing, and are the sum and the difference of the two diagonal ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dl4art.regression.spectrum import Spectrum

Vectors = NDArray[np.float64]

# power over background that noise reaches at some point within two grid steps of a given frequency, in the median
NOISE = 3.0
# how many local maxima are tried along each axis and along each diagonal
ALONG_AXIS = 6
ALONG_DIAGONAL = 4
# two answers are different answers when they lie further apart than this, in octaves
SAME = 0.15


@dataclass(frozen=True)
class Direction:
    """One system of threads as a wave: its frequency, how clearly it stands out, and how its best rival fares.

    Attributes
    ----------
    wave : ndarray, shape (2,)
        Frequency (x, y) in cycles per cm.
    support : float
        Power over background of the peak or, where that is stronger, of the weaker of the two diagonal peaks.
    margin : float
        Evidence (natural logarithm of power over noise, summed over the lattice) by which the lattice beats the best
        one with another density in this direction.
    octave : float
        The same against lattices with about half or twice the density: are these threads, or pairs of threads?
    diagonal : bool
        Whether the diagonal peaks are the stronger witness.
    """

    wave: Vectors
    support: float
    margin: float
    octave: float
    diagonal: bool


def find_lattice(spectrum: Spectrum, lowest: float, highest: float, wedge: float) -> tuple[Direction, Direction] | None:
    """Find the two systems of threads in a spectrum.

    Parameters
    ----------
    spectrum : Spectrum
        What `power_spectrum` returns.
    lowest, highest : float
        Band of densities, threads per cm; searched by radius, so that tilt does not matter.
    wedge : float
        Largest tilt, degrees.

    Returns
    -------
    tuple of Direction or None
        Vertical and horizontal threads; None where not one pair of peaks stands out of the noise.
    """
    peaks, strength = _local_maxima(spectrum)
    slope = np.tan(np.deg2rad(wedge))
    x, y = peaks[:, 0], peaks[:, 1]
    # a hypothesis may come from an overtone or from a pair, so the first look goes beyond the band
    radius = np.hypot(x, y)
    seen = (radius > 0.4 * lowest) & (radius < 2 * highest)
    axis_v = _strongest(peaks, strength, seen & (np.abs(y) <= slope * x), ALONG_AXIS)
    axis_h = _strongest(peaks, strength, seen & (np.abs(x) <= slope * np.abs(y)), ALONG_AXIS)
    axis_h = axis_h * np.where(axis_h[:, 1:] < 0, -1, 1)
    diagonal = seen & (np.abs(y) > 0.2 * x) & (x > 0.2 * np.abs(y))
    falling = _strongest(peaks, strength, diagonal & (y > 0), ALONG_DIAGONAL)
    rising = _strongest(peaks, strength, diagonal & (y < 0), ALONG_DIAGONAL)

    scales = np.array([0.5, 1.0, 2.0])
    pairs = [_pairs(_scaled(axis_v, scales), _scaled(axis_h, scales))]
    diagonals = _pairs(falling, rising)
    crossed = np.stack([diagonals[:, 0] + diagonals[:, 1], diagonals[:, 0] - diagonals[:, 1]], axis=1)
    pairs += [crossed, 0.5 * crossed]
    tried = np.concatenate(pairs)
    tried = tried[_allowed(tried, lowest, highest, slope)]
    if not len(tried):
        return None
    score, axis_ratio, weave_ratio = _evidence(spectrum, tried)
    best = int(score.argmax())
    length = np.hypot(tried[..., 0], tried[..., 1])
    directions = []
    for axis in (0, 1):
        gap = np.abs(np.log2(length[:, axis] / length[best, axis]))
        margin, octave = (_lead(score, best, rivals) for rivals in (gap > SAME, (gap > 0.8) & (gap < 1.2)))
        witnesses = float(axis_ratio[best, axis]), float(weave_ratio[best])
        directions.append(Direction(tried[best, axis], max(witnesses), margin, octave, witnesses[1] > witnesses[0]))
    return directions[0], directions[1]


def _lead(score: NDArray[np.float64], best: int, rivals: NDArray[np.bool_]) -> float:
    return float(score[best] - score[rivals].max()) if rivals.any() else float(score[best])


def _local_maxima(spectrum: Spectrum) -> tuple[Vectors, NDArray[np.float64]]:
    rows, columns = spectrum.tops()
    strength = spectrum.ratio[rows, columns]
    # the weakest never win; the number bounds the work
    keep = np.argsort(strength)[::-1][:60]
    keep = keep[strength[keep] > NOISE]
    peaks = np.array([spectrum.vertex(int(r), int(c)) for r, c in zip(rows[keep], columns[keep], strict=True)])
    return peaks.reshape(-1, 2), strength[keep].astype(np.float64)


def _strongest(peaks: Vectors, strength: NDArray[np.float64], where: NDArray[np.bool_], count: int) -> Vectors:
    chosen = np.flatnonzero(where)
    return peaks[chosen[np.argsort(strength[chosen])[::-1][:count]]]


def _scaled(vectors: Vectors, scales: NDArray[np.float64]) -> Vectors:
    return (vectors[:, None] * scales[:, None]).reshape(-1, 2)


def _pairs(first: Vectors, second: Vectors) -> Vectors:
    """Every one of the first with every one of the second, shape (n m, 2, 2)."""
    n, m = len(first), len(second)
    return np.stack([np.repeat(first, m, axis=0), np.tile(second, (n, 1))], axis=1)


def _allowed(tried: Vectors, lowest: float, highest: float, slope: float) -> NDArray[np.bool_]:
    length = np.hypot(tried[..., 0], tried[..., 1])
    in_band = ((length >= lowest) & (length <= highest)).all(axis=1)
    upright = (np.abs(tried[:, 0, 1]) <= slope * tried[:, 0, 0]) & (np.abs(tried[:, 1, 0]) <= slope * tried[:, 1, 1])
    return in_band & upright


def _evidence(
    spectrum: Spectrum, tried: Vectors
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Score of each pair of waves, power over background of the two, and that of the weaker of their diagonals."""
    v, h = tried[:, 0], tried[:, 1]

    def both(first: Vectors, second: Vectors) -> NDArray[np.float64]:
        # plain weave is the same along both diagonals; a twill line or a brushstroke has only one
        return np.minimum(spectrum.at(first), spectrum.at(second))

    def bits(ratio: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.log(np.maximum(ratio / NOISE, 1))

    at_v, at_h = spectrum.at(v), spectrum.at(h)
    weave = both(0.5 * (v + h), 0.5 * (v - h))
    holes = both(v + h, v - h)
    # pairs of threads put power at half the frequency and beside the other direction's peak: one objection, not two
    forbidden = bits(np.maximum(_beneath(spectrum, v), both(h + 0.5 * v, h - 0.5 * v)))
    forbidden += bits(np.maximum(_beneath(spectrum, h), both(v + 0.5 * h, v - 0.5 * h)))
    # nor is the overtone of a row of threads stronger than its fundamental
    overtones = sum(
        np.minimum(bits(spectrum.at(2 * wave)), np.log(np.maximum(_power(spectrum, 2 * wave) / power, 1)))
        for wave, power in ((v, _power(spectrum, v)), (h, _power(spectrum, h)))
    )
    score = bits(at_v) + bits(at_h) + bits(weave) + 0.5 * bits(holes) - forbidden - overtones
    return score, np.stack([at_v, at_h], axis=1), weave


def _beneath(spectrum: Spectrum, waves: Vectors) -> NDArray[np.float64]:
    """Strongest ratio at a half, a third and two thirds of a wave, where the threads themselves put nothing."""
    # uneven spacing scatters some power everywhere; at a third it counts only where it could be a fundamental
    power = _power(spectrum, waves)
    thirds = [np.where(_power(spectrum, s * waves) > 0.3 * power, spectrum.at(s * waves), 0) for s in (1 / 3, 2 / 3)]
    strongest: NDArray[np.float64] = np.max([spectrum.at(0.5 * waves), *thirds], axis=0)
    return strongest


def _power(spectrum: Spectrum, waves: Vectors) -> NDArray[np.float64]:
    power: NDArray[np.float64] = np.maximum(spectrum.at(waves), 1e-6) * spectrum.background_at(waves)
    return power
