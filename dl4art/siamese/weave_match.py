"""Weave match: do the threads of two canvases follow each other at the same intervals?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from scipy import fft

from dl4art.siamese.weave_profiles import DIRECTIONS, GRID_CM, Direction, WeaveMap, WeaveProfile, weave_profile

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

MIN_OVERLAP_CM = 20.0
SHARE = 0.8
STRETCHES = (0.0, 0.01, -0.01, 0.02, -0.02, 0.03, -0.03)
SURROGATES = 500
LEVEL = 0.01
_AT_ODDS = 0.015
_BLOCK_CM = 4.0


@dataclass(frozen=True)
class _Alignments:
    """Alignments with one stretch and sense: where the second profile begins in the first, and the overlap there."""

    stretch: float
    flipped: bool
    lag: Ints
    low: Ints
    high: Ints


def _alignments(a: WeaveProfile, b: WeaveProfile, least: int) -> Iterator[_Alignments]:
    """All alignments worth trying."""
    n = len(a.density)
    first = _sums(a.density)
    for stretch in STRETCHES:
        m = len(_places(len(b.density), stretch))
        lag = np.arange(1 - m, n)
        low, high = np.maximum(lag, 0), np.minimum(lag + m, n)
        for flipped in (False, True):
            second = _sums(_drawn_out(b.density[None], stretch, flipped)[0])
            known = [total[:, high - shift] - total[:, low - shift] for total, shift in ((first, 0), (second, lag))]
            with np.errstate(invalid="ignore", divide="ignore"):
                means = [part[0] / part[1] for part in known]
                agree = np.abs(np.log(means[0] / means[1]) + np.log1p(stretch)) <= _AT_ODDS
            enough = np.minimum(known[0][1], known[1][1]) >= least
            kept = agree & enough
            if kept.any():
                yield _Alignments(stretch, flipped, lag[kept], low[kept], high[kept])


def _sums(values: Floats) -> Floats:
    known = np.isfinite(values)
    return np.pad(np.cumsum([np.where(known, values, 0.0), known], axis=1), ((0, 0), (1, 0)))


def _places(size: int, stretch: float) -> Floats:
    return np.arange(int((size - 1) * (1 + stretch)) + 1) / (1 + stretch)


def _drawn_out(lines: Floats, stretch: float, flipped: bool) -> Floats:
    places = np.minimum(_places(lines.shape[1], stretch), lines.shape[1] - 1)
    left = np.minimum(places.astype(int), max(lines.shape[1] - 2, 0))
    part = places - left
    out = lines[:, left] * (1 - part) + lines[:, left + 1] * part if stretch else lines
    return out[:, ::-1] if flipped else out


def _scores(a: Floats, lines: Floats, at: _Alignments, per_sample: float) -> tuple[Floats, Floats]:
    """Correlations at the alignments, and their Fisher z in units of its deviation: (lines, alignments)."""
    moved = _drawn_out(lines, at.stretch, at.flipped)
    size = fft.next_fast_len(len(a) + moved.shape[1], real=True)
    both = fft.irfft(fft.rfft(a, size) * np.conj(fft.rfft(moved, size)), size)[:, at.lag % size]
    own = np.pad(np.cumsum(a**2), (1, 0))
    other = np.pad(np.cumsum(moved**2, axis=1), ((0, 0), (1, 0)))
    norm = (own[at.high] - own[at.low]) * (other[:, at.high - at.lag] - other[:, at.low - at.lag])
    r = np.clip(both / np.sqrt(np.maximum(norm, 1e-12)), -0.999, 0.999)
    return r, np.arctanh(r) * np.sqrt(np.maximum((at.high - at.low) * per_sample - 3, 1))


def _independent(a: Floats, b: Floats) -> float:
    """Share of the samples of two profiles that count as independent of each other (Bartlett)."""
    lags = round(10 / GRID_CM)
    rho = np.ones(lags)
    for line in (a, b):
        power = np.abs(np.fft.rfft(line, 2 * len(line))) ** 2
        found = np.fft.irfft(power)[:lags]
        rho[: len(found)] *= found / found[0]
    return float(1 / max(2 * rho.sum() - 1, 1))


def _surrogates(profile: WeaveProfile, count: int, seed: int) -> Floats:
    """Unrelated cloths of the same statistics: the profile cut into blocks, which are shuffled and turned about."""
    rng = np.random.default_rng([seed, *profile.digest])
    size, block = len(profile.filtered), round(_BLOCK_CM / GRID_CM)
    out = np.empty((count, size))
    for number in range(count):
        start = int(rng.integers(block))
        order = np.roll(np.arange(size), start)
        blocks = np.array_split(order, max(1, round(size / block)))
        out[number] = profile.filtered[
            np.concatenate([blocks[k][:: rng.choice([-1, 1])] for k in rng.permutation(len(blocks))])
        ]
    return out


def _best(a: WeaveProfile, b: WeaveProfile, lines: Floats, tried: list[_Alignments], per: float) -> Floats:
    return np.max([_scores(a.filtered, lines, at, per)[1].max(1) for at in tried], axis=0)
