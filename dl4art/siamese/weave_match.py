"""Weave match: whether the threads of two canvases follow each other at the same intervals.

The best of many alignments looks good by itself. What counts is how often unrelated cloths of the same statistics do as
well under the same search.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import product
from typing import Any, Literal

import numpy as np
from scipy import stats

from dl4art.siamese.weave_profiles import DIRECTIONS, GRID_CM, Direction, Floats, WeaveMap, WeaveProfile, weave_profile
from dl4art.siamese.weave_search import alignments, best_scores, independent_share, move, places, scores, surrogates

Finding = Literal["same bolt supported", "not supported", "not enough overlap"]

MIN_OVERLAP_CM = 20.0
"""Readable overlap that is asked for; 25 cm that are truly shared lose some at stretched and unreadable edges."""
SMALL_SHARE = 0.8
"""Share of a plate that is too small for that, which has to overlap instead."""
LEAST_CM = 10.0
"""Less is never taken for evidence."""
SURROGATES = 200
"""Unrelated cloths that are made of each canvas."""
LEVEL = 0.01
"""Probability by chance up to which a match is called one."""
QUANTILES = (0.5, 0.9, 0.95, 0.99)


@dataclass(frozen=True)
class DirectionMatch:
    """The best alignment of one thread direction of a canvas with one of another.

    Attributes
    ----------
    direction_a, direction_b : str
        ``vertical`` or ``horizontal``: which threads of each. They differ if one canvas hangs a quarter turn from the
        other.
    r : float
        Correlation of the filtered profiles there.
    plain_r : float
        That of the profiles as they are.
    statistic : float
        Fisher's z of `r` in units of its deviation, which follows from the overlap and both autocorrelations.
    flipped : bool
        Whether the order of the threads is reversed: a half turn or a mirror image.
    stretch : float
        By how much `b` has to be drawn out.
    shift_cm : float
        How far the beginning of `b`, as turned, lies beyond that of `a`.
    overlap_cm : float
        Length of the overlap.
    a_from_cm, a_to_cm, b_from_cm, b_to_cm : float
        Where it lies in each, from the left or upper edge.
    p : float
        How often unrelated cloths of the same statistics do as well under the same search, by the Gumbel distribution
        fitted to those that were drawn; one direction by itself. Far below one in `drawn` it is an extrapolation.
    as_good, drawn : int
        How many of those did as well, of how many.
    null : dict
        Of those: the 50, 90, 95 and 99 percentiles of the best `r` and `statistic`.
    alignments : int
        How many were tried.
    """

    direction_a: Direction
    direction_b: Direction
    r: float
    plain_r: float
    statistic: float
    flipped: bool
    stretch: float
    shift_cm: float
    overlap_cm: float
    a_from_cm: float
    a_to_cm: float
    b_from_cm: float
    b_to_cm: float
    p: float
    as_good: int
    drawn: int
    null: dict[str, dict[str, float]]
    alignments: int


@dataclass(frozen=True)
class WeaveMatch:
    """What the weave maps of two canvases say.

    Attributes
    ----------
    finding : str
        ``same bolt supported``, ``not supported`` or ``not enough overlap``.
    sentence : str
        The same to read, with its numbers.
    p : float
        Probability of the best direction by chance, times the number of directions compared; one if there are none.
    best : DirectionMatch, optional
        The direction with the least probability.
    directions : tuple of DirectionMatch
        All that could be compared.
    surrogates, seed : int
        How chance was drawn: so many cloths of each canvas.
    """

    finding: Finding
    sentence: str
    p: float
    best: DirectionMatch | None
    directions: tuple[DirectionMatch, ...]
    surrogates: int
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)


def match_weaves(
    a: WeaveMap,
    b: WeaveMap,
    *,
    min_overlap_cm: float = MIN_OVERLAP_CM,
    surrogates: int = SURROGATES,
    seed: int = 0,
) -> WeaveMatch:
    """Look for threads that run through two canvases.

    Each direction of one is set against each of the other, so that half turns, quarter turns and mirror images are all
    covered. `a` and `b` may change places: the probabilities are the same.

    Parameters
    ----------
    a, b : WeaveMap
        The maps.
    min_overlap_cm : float
        Readable overlap that is asked for; of smaller plates `SMALL_SHARE` of the smaller one.
    surrogates : int
        Unrelated cloths that are made of each canvas.
    seed : int
        Of chance.
    """
    profiles_a, profiles_b = ([(name, weave_profile(found, name)) for name in DIRECTIONS] for found in (a, b))
    found, room = [], False
    for (name_a, one), (name_b, other) in product(profiles_a, profiles_b):
        least = least_overlap(one, other, min_overlap_cm)
        if least is None:
            continue
        room = True
        match = match_profiles(one, other, (name_a, name_b), least_cm=least, count=surrogates, seed=seed)
        if match is not None:
            found.append(match)
    return _conclude(tuple(found), room, surrogates, seed)


def least_overlap(a: WeaveProfile, b: WeaveProfile, min_overlap_cm: float = MIN_OVERLAP_CM) -> float | None:
    """Overlap to ask of two profiles, in cm; None if one of them is too short to say anything."""
    least = min(min_overlap_cm, SMALL_SHARE * min(a.length_cm, b.length_cm))
    return least if least >= min(min_overlap_cm, LEAST_CM) and a.filtered.any() and b.filtered.any() else None


def match_profiles(
    a: WeaveProfile,
    b: WeaveProfile,
    names: tuple[Direction, Direction] = ("vertical", "vertical"),
    *,
    least_cm: float = MIN_OVERLAP_CM,
    count: int = SURROGATES,
    seed: int = 0,
) -> DirectionMatch | None:
    """Find the best alignment of two profiles; None if there is none to try, for want of overlap or like densities."""
    if b.digest < a.digest:
        # one order whatever was asked for, so that both orders say the same
        found = match_profiles(b, a, (names[1], names[0]), least_cm=least_cm, count=count, seed=seed)
        return None if found is None else _swapped(found, b)
    least = round(least_cm / GRID_CM)
    tried, back = list(alignments(a, b, least)), list(alignments(b, a, least))
    if not tried or not back:
        return None
    independent = independent_share(a.filtered, b.filtered)
    all_scores = [scores(a.filtered, b.filtered[None], at, independent) for at in tried]
    at, (r, z) = max(zip(tried, all_scores, strict=True), key=lambda item: float(item[1][1].max()))
    best = int(z[0].argmax())
    chance = [
        best_scores(a, surrogates(b, count, seed), tried, independent),
        best_scores(b, surrogates(a, count, seed), back, independent),
    ]
    null_r, null_z = (np.concatenate([side[part] for side in chance]) for part in (0, 1))
    lag, low, high = int(at.lag[best]), int(at.low[best]), int(at.high[best])
    where = places(len(b.density), at.stretch)
    where = (where[::-1] if at.flipped else where)[[low - lag, high - lag - 1]]
    begin, end = (b.start_cm + GRID_CM * float(place) for place in sorted(where))
    statistic = float(z[0, best])
    moved = move(b.density[None], at.stretch, at.flipped)[0]
    return DirectionMatch(
        *names,
        float(r[0, best]),
        _plain(a.density[low:high], moved[low - lag : high - lag]),
        statistic,
        at.flipped,
        at.stretch,
        _shift(b, a.start_cm + GRID_CM * low, begin, end, at.flipped),
        (high - low) * GRID_CM,
        a.start_cm + GRID_CM * low,
        a.start_cm + GRID_CM * (high - 1),
        begin,
        end,
        _tail(null_z, statistic),
        int((null_z >= statistic).sum()),
        len(null_z),
        {
            name: {f"{100 * level:g}": float(np.quantile(values, level)) for level in QUANTILES}
            for name, values in (("r", null_r), ("statistic", null_z))
        },
        sum(len(part.lag) for part in tried),
    )


def _plain(a: Floats, b: Floats) -> float:
    known = np.isfinite(a) & np.isfinite(b)
    return float(np.corrcoef(a[known], b[known])[0, 1])


def _tail(null: Floats, statistic: float) -> float:
    """Probability beyond the statistic by the Gumbel distribution with the mean and deviation of the null."""
    scale = float(null.std()) * np.sqrt(6) / np.pi
    return float(stats.gumbel_r.sf(statistic, null.mean() - np.euler_gamma * scale, scale))


def _shift(b: WeaveProfile, a_from: float, b_from: float, b_to: float, flipped: bool) -> float:
    far = 2 * b.start_cm + GRID_CM * (len(b.density) - 1)
    return a_from - (far - b_to if flipped else b_from)


def _swapped(found: DirectionMatch, b: WeaveProfile) -> DirectionMatch:
    values = asdict(found)
    for part in ("direction", "from_cm", "to_cm"):
        first, second = (f"direction_{side}" if part == "direction" else f"{side}_{part}" for side in "ab")
        values[first], values[second] = values[second], values[first]
    values["stretch"] = 1 / (1 + found.stretch) - 1
    values["shift_cm"] = _shift(b, values["a_from_cm"], values["b_from_cm"], values["b_to_cm"], found.flipped)
    return DirectionMatch(**values)


def _conclude(found: tuple[DirectionMatch, ...], room: bool, count: int, seed: int) -> WeaveMatch:
    if not found:
        finding: Finding = "not supported" if room else "not enough overlap"
        why = (
            "nowhere do enough of both have the thread density that shared threads would have"
            if room
            else f"less than {LEAST_CM:g} cm of overlap could be read across the threads of either direction"
        )
        return WeaveMatch(finding, f"{finding}: {why}.", 1.0, None, (), count, seed)
    best = min(found, key=lambda match: match.p)
    p = min(1.0, len(found) * best.p)
    finding = "same bolt supported" if p <= LEVEL else "not supported"
    turned = " in reverse order" if best.flipped else ""
    pairs = "one pair of directions" if len(found) == 1 else f"{len(found)} pairs of directions"
    sentence = (
        f"{finding}: the {best.direction_a} threads of the first and the {best.direction_b} threads of the second "
        f"agree best over {best.overlap_cm:.1f} cm{turned}, r = {best.r:.2f}. Of {best.drawn} unrelated cloths of the "
        f"same statistics {best.as_good or 'none'} did as well in such a search, and one in twenty reached "
        f"r = {best.null['r']['95']:.2f}. p = {p:.2g}, with {pairs} and all {best.alignments} alignments reckoned in. "
    )
    sentence += (
        "A weave match means the same bolt, not the same roll or date."
        if p <= LEVEL
        else "That does not exclude one bolt: pieces of it that share no threads do not match."
    )
    return WeaveMatch(finding, sentence, p, best, found, count, seed)
