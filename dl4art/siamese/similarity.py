"""From the scores of all pairs of crops to one number for two canvases, with its interval.

A canvas may hang a quarter turn from the other, and then does so in every pair: the two alignments are added up over
all pairs before the better one is taken.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

DRAWS = 2000
"""Resamplings behind an interval."""
LEVEL = 0.95


@dataclass(frozen=True, eq=False)
class PairScores:
    """What the network says of n crops of one canvas against m crops of another: log odds of one cloth, (n, m)."""

    straight: Array
    """Vertical threads against vertical ones, horizontal against horizontal."""
    turned: Array
    """The second crop a quarter turned: vertical threads against horizontal ones."""

    @property
    def logits(self) -> Array:
        """Log odds of each pair by itself, whichever way the second crop is turned."""
        joined: Array = either(self.straight, self.turned)
        return joined

    @property
    def T(self) -> PairScores:  # noqa: N802 (as arrays call it)
        """The second canvas against the first."""
        return PairScores(self.straight.T, self.turned.T)

    def __getitem__(self, which: tuple[Any, Any]) -> PairScores:
        """Scores of some of the crops."""
        return PairScores(self.straight[which], self.turned[which])


def best_of(tables: Iterable[PairScores]) -> PairScores:
    """Of several scores of the same pairs, at least one, the highest of each pair."""
    rest = iter(tables)
    best = next(rest)
    for table in rest:
        higher = table.logits > best.logits
        best = PairScores(np.where(higher, table.straight, best.straight), np.where(higher, table.turned, best.turned))
    return best


def either(straight: Any, turned: Any) -> Any:
    """Join the log odds of two alignments that are equally likely before one looks."""
    return np.logaddexp(straight, turned) - np.log(2)


def evidence(scores: PairScores) -> float:
    """Mean log odds over all pairs, at one alignment for all of them."""
    return float(either(scores.straight.mean(), scores.turned.mean()))


def resampled_evidence(scores: PairScores, seeds: tuple[int, int], draws: int = DRAWS) -> Array:
    """Draw the crops of both canvases anew, with replacement, and give the evidence of each draw.

    Whole rows and columns of the table of pairs are drawn, since the pairs of one crop are not independent (Owen, The
    pigeonhole bootstrap, Annals of Applied Statistics 1, 2007).

    Parameters
    ----------
    scores : PairScores
        All pairs.
    seeds : (int, int)
        Of the draws from the first and from the second canvas. Swapped with the canvases, they give the same numbers.
    draws : int
        How many.

    Returns
    -------
    array (draws,)
    """
    first, second = (_weights(seed, count, draws) for seed, count in zip(seeds, scores.straight.shape, strict=True))

    def means(values: Array) -> Array:
        summed: Array = ((first @ values) * second).sum(axis=1)
        return summed

    result: Array = either(means(scores.straight), means(scores.turned))
    return result


def interval(scores: PairScores, seeds: tuple[int, int], level: float = LEVEL) -> tuple[float, float]:
    """Give the percentile interval of `resampled_evidence`."""
    tail = (1 - level) / 2
    low, high = np.quantile(resampled_evidence(scores, seeds), [tail, 1 - tail])
    return float(low), float(high)


def content_seed(crops: npt.NDArray[Any], seed: int) -> int:
    """Make a seed of what crops show: the same crops draw alike, whether they come first or second."""
    digest = hashlib.sha256(np.ascontiguousarray(crops).tobytes())
    digest.update(str(seed).encode())
    return int.from_bytes(digest.digest()[:8], "little")


@lru_cache(maxsize=128)
def _weights(seed: int, count: int, draws: int) -> Array:
    """Share of each of `count` crops in each draw; rows add up to one."""
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=draws)
    shares: Array = drawn / count
    shares.flags.writeable = False  # a canvas that is compared with many is drawn from once
    return shares
