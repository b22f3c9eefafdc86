"""Weave matches in a collection: every canvas against every other, ranked, with what chance alone would bring."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from itertools import combinations, product
from typing import Any

import numpy as np

from dl4art.siamese.weave_match import MIN_OVERLAP_CM, QUANTILES, DirectionMatch, least_overlap, match_profiles
from dl4art.siamese.weave_profiles import DIRECTIONS, WeaveMap, weave_profile


@dataclass(frozen=True)
class RankedMatch:
    """One direction of one canvas against one of another, among all that were compared.

    Attributes
    ----------
    a, b : str
        Names of the canvases.
    rank : int
        By `DirectionMatch.p`, from one.
    expected : float
        How many as good as this the collection would hold by chance alone: `p` times the number of comparisons.
    match : DirectionMatch
        The best alignment.
    """

    a: str
    b: str
    rank: int
    expected: float
    match: DirectionMatch


@dataclass(frozen=True)
class CollectionMatches:
    """All comparisons, the least probable by chance first.

    Attributes
    ----------
    ranked : tuple of RankedMatch
        Each canvas with each other, each direction with each, where there is something to compare.
    percentiles : dict
        50, 90, 95 and 99 percentiles of the best `statistic` and `plain_r` of all. Most pairs are unrelated.
    """

    ranked: tuple[RankedMatch, ...]
    percentiles: dict[str, dict[str, float]]

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)


def match_collection(
    maps: Mapping[str, WeaveMap],
    *,
    min_overlap_cm: float = MIN_OVERLAP_CM,
    surrogates: int = 100,
    seed: int = 0,
    advance: Callable[[int], None] = lambda _pairs: None,
) -> CollectionMatches:
    """Compare all canvases of a collection.

    Parameters
    ----------
    maps : mapping of str to WeaveMap
        By the names of the canvases.
    min_overlap_cm : float
        See `dl4art.siamese.weave_match.match_weaves`.
    surrogates : int
        Unrelated cloths made of each canvas for each comparison.
    seed : int
        Of chance.
    advance : callable
        Told how many pairs have just been compared.
    """
    profiles = {name: {way: weave_profile(found, way) for way in DIRECTIONS} for name, found in maps.items()}
    found: list[tuple[str, str, DirectionMatch]] = []
    for a, b in combinations(profiles, 2):
        for way_a, way_b in product(DIRECTIONS, DIRECTIONS):
            one, other = profiles[a][way_a], profiles[b][way_b]
            least = least_overlap(one, other, min_overlap_cm)
            if least is None:
                continue
            match = match_profiles(one, other, (way_a, way_b), least_cm=least, count=surrogates, seed=seed)
            if match is not None:
                found.append((a, b, match))
        advance(1)
    found.sort(key=lambda item: item[2].p)
    ranked = tuple(
        RankedMatch(a, b, rank, match.p * len(found), match) for rank, (a, b, match) in enumerate(found, start=1)
    )
    percentiles = {
        name: {
            f"{100 * level:g}": float(np.quantile([getattr(row[2], name) for row in found], level))
            for level in QUANTILES
        }
        for name in ("statistic", "plain_r")
        if found
    }
    return CollectionMatches(ranked, percentiles)
