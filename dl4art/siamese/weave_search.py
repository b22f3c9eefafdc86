"""All alignments of two weave profiles, what each is worth, and what chance makes of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import fft

from dl4art.siamese.weave_profiles import GRID_CM, LAGS_CM, Floats, WeaveProfile

STRETCHES = (0.0, 0.01, -0.01, 0.02, -0.02, 0.03, -0.03)
"""By how much one canvas may be drawn out against the other."""
_AT_ODDS = 0.015  # how far a stretch may be from the one that the mean densities of the overlap speak for
_BLOCK_CM = 5.0


@dataclass(frozen=True, eq=False)
class Alignments:
    """Alignments of a profile `b` with a profile `a` in one sense and with one stretch, a row each.

    Attributes
    ----------
    stretch : float
        By how much `b` is drawn out.
    flipped : bool
        Whether it is turned about.
    lag : array of int
        Where it then begins, in points of `a`.
    low, high : arrays of int
        From where to where they overlap, in points of `a`.
    """

    stretch: float
    flipped: bool
    lag: npt.NDArray[np.intp]
    low: npt.NDArray[np.intp]
    high: npt.NDArray[np.intp]


def alignments(a: WeaveProfile, b: WeaveProfile, least: int) -> Iterator[Alignments]:
    """All alignments with at least so many readable points in common.

    If one piece is stretched, its threads lie farther apart by just as much. An alignment in which the mean densities
    contradict the stretch is no alignment of the same threads, and is left out.
    """
    n = len(a.density)
    first = _sums(a.density)
    for stretch in STRETCHES:
        for flipped in (False, True):
            moved = move(b.density[None], stretch, flipped)[0]
            m, second = len(moved), _sums(moved)
            lag = np.arange(1 - m, n)
            low, high = np.maximum(lag, 0), np.minimum(lag + m, n)
            total_a, known_a = first[:, high] - first[:, low]
            total_b, known_b = second[:, high - lag] - second[:, low - lag]
            kept = np.flatnonzero(np.minimum(known_a, known_b) >= least)
            ratio = (total_a / np.maximum(known_a, 1))[kept] / (total_b / np.maximum(known_b, 1))[kept]
            kept = kept[np.abs(np.log(ratio) + np.log1p(stretch)) <= _AT_ODDS]
            if len(kept):
                yield Alignments(stretch, flipped, lag[kept], low[kept], high[kept])


def places(size: int, stretch: float) -> Floats:
    """Where the points of a stretched line of so many points lie in the unstretched one."""
    return np.minimum(np.arange(int((size - 1) * (1 + stretch)) + 1) / (1 + stretch), size - 1)


def move(lines: Floats, stretch: float, flipped: bool) -> Floats:
    """Draw out lines (count, n), and turn them about."""
    if stretch:
        where = places(lines.shape[1], stretch)
        left = np.minimum(where.astype(int), lines.shape[1] - 2)
        part = where - left
        lines = lines[:, left] * (1 - part) + lines[:, left + 1] * part
    return lines[:, ::-1] if flipped else lines


def scores(a: Floats, lines: Floats, at: Alignments, independent: float) -> tuple[Floats, Floats]:
    """Correlations of filtered lines with a filtered profile, and Fisher's z in units of its own deviation.

    Parameters
    ----------
    a : (n,) array
        The profile.
    lines : (count, m) array
        The other one, or surrogates of it.
    at : Alignments
        Where.
    independent : float
        From `independent_share`.

    Returns
    -------
    (count, alignments), (count, alignments) arrays
    """
    moved = move(lines, at.stretch, at.flipped)
    size = fft.next_fast_len(len(a) + moved.shape[1], real=True)
    product = fft.irfft(fft.rfft(a, size) * np.conj(fft.rfft(moved, size)), size)[:, at.lag % size]
    own = np.pad(np.cumsum(a**2), (1, 0))
    other = np.pad(np.cumsum(moved**2, axis=1), ((0, 0), (1, 0)))
    norm = (own[at.high] - own[at.low]) * (other[:, at.high - at.lag] - other[:, at.low - at.lag])
    r = np.clip(product / np.sqrt(np.maximum(norm, 1e-12)), -0.999, 0.999)
    return r, np.arctanh(r) * np.sqrt(np.maximum((at.high - at.low) * independent - 3, 1))


def independent_share(a: Floats, b: Floats) -> float:
    """Tell what share of the points counts as independent when two filtered profiles are correlated (Bartlett)."""
    reach = min(round(LAGS_CM / GRID_CM), len(a), len(b))
    product = np.ones(reach)
    for line in (a, b):
        correlation = fft.irfft(np.abs(fft.rfft(line, 2 * len(line))) ** 2)[:reach]
        product *= correlation / correlation[0]
    return float(1 / max(2 * product.sum() - 1, 1))


def surrogates(profile: WeaveProfile, count: int, seed: int) -> Floats:
    """Make filtered profiles of unrelated cloths with the same statistics, (count, n).

    The profile is cut into blocks, which are put together in random order and sense. So missing threads, cusps and
    uneven patches remain what they are, which random phases would smooth away.
    """
    rng = np.random.default_rng([seed, *profile.digest])
    line = profile.filtered
    blocks = max(2, round(len(line) * GRID_CM / _BLOCK_CM))
    result = np.empty((count, len(line)))
    for row in result:
        parts = np.array_split(np.roll(line, rng.integers(len(line))), blocks)
        row[:] = np.concatenate([parts[at][:: rng.choice((-1, 1))] for at in rng.permutation(blocks)])
    return result


def best_scores(
    a: WeaveProfile, lines: Floats, tried: Sequence[Alignments], independent: float
) -> tuple[Floats, Floats]:
    """Of each line the greatest statistic over all alignments, and the correlation there."""
    found = [scores(a.filtered, lines, at, independent) for at in tried]
    r, z = (np.concatenate([pair[part] for pair in found], axis=1) for part in (0, 1))
    best = z.argmax(axis=1)
    every = np.arange(len(lines))
    return r[every, best], z[every, best]


def _sums(values: Floats) -> Floats:
    known = np.isfinite(values)
    return np.pad(np.cumsum([np.where(known, values, 0.0), known], axis=1), ((0, 0), (1, 0)))
