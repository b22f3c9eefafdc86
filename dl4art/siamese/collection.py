"""Every canvas of a collection against every other: similarities, verdicts, neighbours and groups."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import get_args

import numpy as np
import numpy.typing as npt
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from dl4art.siamese.calibration import Verdict, bolts_apart
from dl4art.siamese.comparer import FabricComparer
from dl4art.siamese.encoded import EncodedCanvas
from dl4art.siamese.similarity import PairScores, evidence, interval

Array = npt.NDArray[np.float64]

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
WHOLLY = 250
"""Canvases up to which all pairs are compared by all of their crops, whatever their densities."""
_BLOCK = 48  # canvases on a side of what is compared at a time: their draws for the intervals stay in memory


@dataclass(frozen=True)
class PairResult:
    """Two canvases of a collection compared; fields as in `Comparison`.

    Without an interval (NaN), the densities exclude one cloth and the similarity is that of the mean vectors.
    """

    similarity: float
    low: float
    high: float
    verdict: Verdict
    apart: float
    turned: bool
    halved: bool


@dataclass(frozen=True, eq=False)
class AllPairs:
    """All pairs of n canvases, (n, n) arrays, symmetric; on the diagonal each canvas's own halves."""

    similarity: Array
    low: Array
    high: Array
    apart: Array
    verdict: npt.NDArray[np.int8]
    """Place in `VERDICTS`; -1 on the diagonal."""
    turned: npt.NDArray[np.bool_]
    halved: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.similarity)

    def pair(self, a: int, b: int) -> PairResult:
        """Give one pair."""
        here = (a, b)
        return PairResult(
            float(self.similarity[here]),
            float(self.low[here]),
            float(self.high[here]),
            VERDICTS[self.verdict[here]],
            float(self.apart[here]),
            bool(self.turned[here]),
            bool(self.halved[here]),
        )

    def each(self) -> Iterator[tuple[int, int]]:
        """All pairs, the first place the smaller one."""
        yield from ((a, b) for a in range(len(self)) for b in range(a + 1, len(self)))

    def has(self, verdict: Verdict) -> npt.NDArray[np.bool_]:
        """Which pairs are given a verdict, (n, n)."""
        given: npt.NDArray[np.bool_] = self.verdict == VERDICTS.index(verdict)
        return given

    def distances(self) -> Array:
        """1 - similarity, and 1 where the densities exclude one cloth, (n, n), zeros on the diagonal."""
        apart = np.where(self.has("excluded"), 1.0, 1 - self.similarity)
        np.fill_diagonal(apart, 0.0)
        return apart

    def nearest(self, canvas: int, count: int) -> list[int]:
        """Give the canvases most alike to one, those last that the densities exclude."""
        others = np.delete(np.arange(len(self)), canvas)
        order = np.lexsort((-self.similarity[canvas, others], self.has("excluded")[canvas, others]))
        return [int(place) for place in others[order[:count]]]


def scores_with(comparer: FabricComparer, canvas: EncodedCanvas, others: Sequence[EncodedCanvas]) -> list[PairScores]:
    """Score the crops of one canvas with those of others, all at once."""
    if not others:
        return []
    scores = comparer.pair_scores(canvas.vectors, np.concatenate([other.vectors for other in others]))
    ends = np.cumsum([0, *(len(other.vectors) for other in others)])
    return [scores[:, start:end] for start, end in pairwise(ends.tolist())]


def judged(comparer: FabricComparer, a: EncodedCanvas, b: EncodedCanvas, scores: PairScores) -> PairResult:
    """Judge two canvases by their scores, exactly as `FabricComparer.compare_encoded` does."""
    evident = [evidence(scores), *interval(scores, (a.content_seed, b.content_seed))]
    similarity, low, high = comparer.calibration.similarity(evident).tolist()
    apart, doubled = (bolts_apart(a.densities, b.densities, doubled=yes) for yes in (False, True))
    verdict = comparer.calibration.verdict(low, high, apart, doubled, min(a.record.crops, b.record.crops))
    turned = bool(scores.turned.mean() > scores.straight.mean())
    return PairResult(similarity, low, high, verdict, apart, turned, doubled <= 1 < apart)


def compare_all(
    comparer: FabricComparer,
    canvases: Sequence[EncodedCanvas],
    *,
    wholly: int = WHOLLY,
    advance: Callable[[int], None] = lambda _pairs: None,
) -> AllPairs:
    """Compare each of n canvases with each other.

    Parameters
    ----------
    comparer : FabricComparer
        That encoded them.
    canvases : sequence of EncodedCanvas
        In an order that does not depend on chance.
    wholly : int
        Among more canvases, pairs that are excluded by their densities are not compared by all of their crops.
    advance : callable
        Told how many pairs have just been compared.
    """
    count = len(canvases)
    found = _empty(count)
    np.fill_diagonal(found.similarity, [canvas.record.control.similarity for canvas in canvases])
    np.fill_diagonal(found.low, [canvas.record.control.low for canvas in canvases])
    np.fill_diagonal(found.high, [canvas.record.control.high for canvas in canvases])
    quick = _by_means(comparer, canvases) if count > wholly else None
    # those that the densities leave open lie side by side then, and are scored together
    order = sorted(range(count), key=lambda place: _total(canvases[place]))
    for a, others in _rows(order):
        left_open = []
        for b in others:
            apart = _excluding(comparer, canvases[a], canvases[b]) if quick else None
            if quick and apart is not None:
                _enter(found, a, b, replace(quick(a, b), apart=apart))
            else:
                left_open.append(b)
        scored = scores_with(comparer, canvases[a], [canvases[b] for b in left_open])
        for b, scores in zip(left_open, scored, strict=True):
            _enter(found, a, b, judged(comparer, canvases[a], canvases[b], scores))
        advance(len(others))
    return found


def _rows(order: Sequence[int]) -> Iterator[tuple[int, Sequence[int]]]:
    """All pairs, each once: a canvas, and others to be compared with it; those of a block one after the other."""
    blocks = [order[start : start + _BLOCK] for start in range(0, len(order), _BLOCK)]
    for number, first in enumerate(blocks):
        for second in blocks[number:]:
            for place, canvas in enumerate(first):
                yield canvas, second[place + 1 :] if second is first else second


def cluster(pairs: AllPairs) -> Array:
    """Average linkage of a collection, as SciPy has it."""
    # neighbours in the picture are then alike; the best order of very many takes too long
    return np.asarray(
        hierarchy.linkage(squareform(pairs.distances(), checks=False), "average", optimal_ordering=len(pairs) <= WHOLLY)
    )


def groups(pairs: AllPairs) -> list[list[int]]:
    """Find canvases that hang together: each of a group is `compatible` with each other of it; none is in two groups.

    Of the ways to part canvases that are linked in a chain, the one by complete linkage is taken.
    """
    apart = np.where(pairs.has("compatible"), 1 - pairs.similarity, 2.0)
    np.fill_diagonal(apart, 0.0)
    labels = hierarchy.fcluster(hierarchy.linkage(squareform(apart, checks=False), "complete"), 1.0, "distance")
    members = [np.flatnonzero(labels == label).tolist() for label in np.unique(labels)]
    return sorted((group for group in members if len(group) > 1), key=lambda group: (-len(group), group))


def linked(pairs: AllPairs, group: Sequence[int]) -> list[int]:
    """Give canvases outside a group that are compatible with some of it."""
    touched = pairs.has("compatible")[list(group)].any(axis=0)
    return [place for place in np.flatnonzero(touched).tolist() if place not in group]


def _excluding(comparer: FabricComparer, a: EncodedCanvas, b: EncodedCanvas) -> float | None:
    """How far the densities are apart where they exclude one cloth whatever the network finds, else None."""
    apart = bolts_apart(a.densities, b.densities)
    if apart > comparer.calibration.bolt and bolts_apart(a.densities, b.densities, doubled=True) > 1:
        return apart
    return None


def _by_means(comparer: FabricComparer, canvases: Sequence[EncodedCanvas]) -> Callable[[int, int], PairResult]:
    """Compare all canvases by their mean vectors; gives what is then said of two that the densities exclude."""
    means = np.stack([canvas.mean for canvas in canvases])
    scores = comparer.pair_scores(means, means)
    similarity, turned = comparer.calibration.similarity(scores.logits), scores.turned > scores.straight

    def told(a: int, b: int) -> PairResult:
        return PairResult(float(similarity[a, b]), np.nan, np.nan, "excluded", np.nan, bool(turned[a, b]), False)

    return told


def _total(canvas: EncodedCanvas) -> float:
    """Vertical and horizontal threads together: a quarter turn does not change it."""
    return canvas.densities.vertical + canvas.densities.horizontal


def _empty(count: int) -> AllPairs:
    square = (count, count)
    similarity, low, high = (np.full(square, np.nan) for _ in range(3))
    turned, halved = (np.zeros(square, bool) for _ in range(2))
    return AllPairs(similarity, low, high, np.zeros(square), np.full(square, -1, np.int8), turned, halved)


def _enter(pairs: AllPairs, a: int, b: int, result: PairResult) -> None:
    for here in ((a, b), (b, a)):
        for name in ("similarity", "low", "high", "apart", "turned", "halved"):
            getattr(pairs, name)[here] = getattr(result, name)
        pairs.verdict[here] = VERDICTS.index(result.verdict)
