"""What the scores of two canvases are worth, learnt on simulated canvases held out for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import MISSING, asdict, dataclass, fields
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Verdict = Literal["compatible", "unlike", "excluded", "undecided"]

WARP_LIMIT, WEFT_LIMIT = 0.3, 1.0
"""Differences of mean densities, th/cm, that pieces of one bolt show by rule of thumb: warp "within tenths", weft
within one (Thread Count Automation Project, Annual Report 2009)."""
WEIGHTIEST = 100.0
"""Likelihood ratios are told no farther from one than this: one in a hundred known canvases is as fine as is known."""
_Z95 = 1.96
_KNOTS = np.linspace(0, 1, 101)


@dataclass(frozen=True)
class Densities:
    """Mean thread densities of one canvas, th/cm, with how they spread over its crops.

    `vertical_half` and `horizontal_half` are half-widths of the 95 % intervals of the means: the mean half-width of the
    counter's own intervals, since what it gets wrong on one crop of a canvas it tends to get wrong on the next, and the
    error of the mean over the crops, taken as independent of each other.
    """

    vertical: float
    horizontal: float
    vertical_sd: float
    horizontal_sd: float
    vertical_half: float
    horizontal_half: float

    def times(self, factors: tuple[float, float]) -> Densities:
        """Give the densities that are meant if vertical and horizontal ones are so many times as large."""
        (v, h), d = factors, self
        return Densities(
            v * d.vertical,
            h * d.horizontal,
            v * d.vertical_sd,
            h * d.horizontal_sd,
            v * d.vertical_half,
            h * d.horizontal_half,
        )

    @classmethod
    def of(cls, values: npt.ArrayLike, halves: npt.ArrayLike = 0.0) -> Densities:
        """From the densities of n crops, (n, 2): vertical, horizontal; and the half-widths of their intervals."""
        table = np.asarray(values, np.float64)
        spread = table.std(axis=0, ddof=min(1, len(table) - 1))
        own = np.broadcast_to(np.asarray(halves, np.float64), table.shape).mean(axis=0)
        numbers = (table.mean(axis=0), spread, np.hypot(own, _Z95 * spread / math.sqrt(len(table))))
        return cls(*(float(number) for pair in numbers for number in pair))


@dataclass(frozen=True)
class Calibration:
    """From evidence to similarity and verdict; stored as ``calibration.json`` in the model folder.

    Similarities and limits hold between canvases of which about `crops` crops each are compared.
    """

    slope: float
    intercept: float
    """Of the log odds of one cloth against another of about the same densities, as a line in the evidence."""
    unlike: float
    """Similarity that the upper end of the interval stays below where the network finds other cloth."""
    compatible: float
    """Similarity that the lower end of the interval exceeds where nothing speaks against one cloth."""
    bolt: float
    """By how many times the rule of thumb the densities of one bolt may differ."""
    crops: int
    same: tuple[float, ...]
    """Similarities of known canvases of one cloth, at 101 even steps of rank, rising."""
    different: tuple[float, ...]
    """The same of known different cloths of about the same densities."""
    spectrum_weight: float
    """What a cosine of spectra is worth in the log odds of two crops of which one cannot be counted."""
    spectrum_middle: float
    """Cosine that says nothing."""
    doubled_odds: float = 0.0
    """Added to the log odds of two crops of which one is looked at by twice its density: counts are seldom half."""
    pair_same: tuple[float, ...] = ()
    """Log odds of pairs of crops of one cloth from two plates, at 101 even steps of rank; none if not known."""
    pair_different: tuple[float, ...] = ()
    """The same of different cloths of about the same densities."""

    @property
    def enough(self) -> int:
        """Crops of each canvas from which on the network's verdict counts: half of what it is calibrated with."""
        return self.crops // 2

    def similarity(self, evidence: npt.ArrayLike) -> Array:
        """Similarity, 0 to 1, of evidence of any shape."""
        logit = self.slope * np.asarray(evidence, np.float64) + self.intercept
        # the same as 1 / (1 + exp(-logit)), and without overflow
        result: Array = np.exp(-np.logaddexp(0, -logit))
        return result

    def likelihood_ratio(self, similarity: float) -> float:
        """How many times as often canvases of one cloth look so alike as others of about the same densities do.

        The similarity is the probability of one cloth if both were equally likely before, so that its odds are the
        likelihood ratio; never beyond `WEIGHTIEST` either way.
        """
        return float(np.clip(similarity / max(1 - similarity, 1e-9), 1 / WEIGHTIEST, WEIGHTIEST))

    def verdict(
        self, low: float, high: float, apart: float, doubled: float = math.inf, crops: float = math.inf
    ) -> Verdict:
        """Give the verdict.

        Parameters
        ----------
        low, high : float
            The interval of the similarity.
        apart, doubled : float
            From `bolts_apart`, and the same if one plate's count may have taken two threads for one.
        crops : int
            Crops of the canvas that has fewer.
        """
        if apart > self.bolt:
            # nor does the network know what it sees where the count is wrong
            return "undecided" if doubled <= 1 else "excluded"
        if crops < self.enough:
            return "undecided"
        if high < self.unlike:
            return "unlike"
        if low > self.compatible:
            return "compatible"
        return "undecided"

    def ranks(self, similarity: float) -> tuple[float, float]:
        """Shares of known same canvases that are no more similar, and of known different ones that are no less."""
        return _share_below(self.same, similarity), 1 - _share_below(self.different, similarity)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Calibration:
        """Read what `to_dict` gave; KeyError, TypeError or ValueError if it is something else."""

        def read(value: Any) -> Any:
            return tuple(float(part) for part in value) if isinstance(value, (list, tuple)) else float(value)

        # what has a default was not written by every version
        names = [field.name for field in fields(cls) if field.default is MISSING or field.name in values]
        found = {name: read(values[name]) for name in names}
        return cls(**{**found, "crops": int(found["crops"])})


UNCALIBRATED = Calibration(1.0, 0.0, 0.0, 1.1, 1.0, 30, tuple(_KNOTS), tuple(_KNOTS), 0.0, 0.0)
"""Takes log odds for what they say and decides nothing but exclusion by the rule of thumb."""


def bolts_apart(a: Densities, b: Densities, *, doubled: bool = False) -> float:
    """How far the densities of two canvases differ, in units of what one bolt shows by rule of thumb.

    Which direction is the warp is not known, so that the direction that differs less is held against the narrower
    limit. Of straight and turned by a quarter, the nearer counts. What the means themselves are unsure of (95 %) is
    taken off first. With `doubled`, a density may also be half of the other: that is how counts go wrong.
    """
    own, others = _directions(a), _directions(b)
    ratios = []
    for alignment in (others, others[::-1]):
        pair = [_difference(*first, *second, doubled) for first, second in zip(own, alignment, strict=True)]
        ratios.append(max(min(pair) / WARP_LIMIT, max(pair) / WEFT_LIMIT))
    return min(ratios)


def halved(a: Densities, b: Densities) -> bool:
    """Whether the densities of two canvases are those of one bolt only if one of the counts is half of the truth."""
    return bolts_apart(a, b, doubled=True) <= 1 < bolts_apart(a, b)


def _directions(densities: Densities) -> list[tuple[float, float]]:
    """Mean and half-width of the vertical and of the horizontal threads."""
    d = densities
    return [(d.vertical, d.vertical_half), (d.horizontal, d.horizontal_half)]


def _difference(mean_a: float, half_a: float, mean_b: float, half_b: float, doubled: bool) -> float:
    factors = ((1, 1), (2, 1), (1, 2)) if doubled else ((1, 1),)
    return min(
        max(0.0, abs(of_a * mean_a - of_b * mean_b) - math.hypot(of_a * half_a, of_b * half_b))
        for of_a, of_b in factors
    )


def fit_slope(same: npt.ArrayLike, different: npt.ArrayLike) -> tuple[float, float]:
    """Slope and intercept of the log odds in the evidence, both kinds equally likely, by logistic regression."""
    from sklearn.linear_model import LogisticRegression

    values = np.concatenate([np.asarray(same, float), np.asarray(different, float)])
    kinds = np.arange(len(values)) < np.size(same)
    # without this, evidence that parts the two kinds wholly would ask for an infinite slope
    scale = max(float(values.std()), 1e-9)
    fitted = LogisticRegression(C=10.0, class_weight="balanced").fit(values[:, None] / scale, kinds)
    slope, intercept = float(fitted.coef_[0, 0]) / scale, float(fitted.intercept_[0])
    # a network that has learnt nothing must not turn the scale about
    return (slope, intercept) if slope > 0 else (1e-6, 0.0)


def fit_spectra(
    same: npt.ArrayLike, near: npt.ArrayLike, far: npt.ArrayLike, *, least: int = 20
) -> tuple[float, float]:
    """Weight and middle of the cosine of spectra beside the network's log odds, by logistic regression.

    Parameters
    ----------
    same, near, far : (n, 2) arrays
        Log odds and cosine of pairs with a crop that cannot be counted: of one cloth, of two of about the same
        densities, and of two of any; the last two weigh as much as the first, half each.
    least : int
        With fewer pairs of a kind, spectra count for nothing.
    """
    from sklearn.linear_model import LogisticRegression

    kinds = [np.asarray(part, np.float64).reshape(-1, 2) for part in (same, near, far)]
    if min(map(len, kinds)) < least:
        return 0.0, 0.0
    known = np.arange(sum(map(len, kinds))) < len(kinds[0])
    weights = np.concatenate([np.full(len(k), share / len(k)) for k, share in zip(kinds, (1, 0.5, 0.5), strict=True)])
    fitted = LogisticRegression(C=1e4).fit(np.concatenate(kinds), known, sample_weight=weights * len(known))
    (odds, cosine), constant = fitted.coef_[0], fitted.intercept_[0]
    if not (odds > 0 and cosine > 0):
        return 0.0, 0.0
    return float(cosine / odds), float(-constant / cosine)


def fit_doubled(
    same: npt.ArrayLike, near: npt.ArrayLike, far: npt.ArrayLike, totals: tuple[int, int, int], *, least: int = 20
) -> float:
    """Log odds to be added where a density is doubled, by logistic regression.

    Parameters
    ----------
    same, near, far : (n,) arrays
        Log odds, by the doubled density, of pairs that agree only so: of one cloth, of two of about the same densities,
        and of two of any.
    totals : (int, int, int)
        How many pairs of each kind there are with those that agree as they are; the last two kinds weigh as much as
        the first, half each.
    least : int
        With fewer pairs of one cloth or of two, doubling counts for nothing.

    Returns
    -------
    float
        Never above zero.
    """
    from sklearn.linear_model import LogisticRegression

    kinds = [np.asarray(part, np.float64).ravel() for part in (same, near, far)]
    if len(kinds[0]) < least or len(kinds[1]) + len(kinds[2]) < least:
        return 0.0
    known = np.arange(sum(map(len, kinds))) < len(kinds[0])
    weights = np.concatenate(
        [np.full(len(kind), share / total) for kind, share, total in zip(kinds, (1, 0.5, 0.5), totals, strict=True)]
    )
    fitted = LogisticRegression(C=1e4).fit(
        np.concatenate(kinds)[:, None], known, sample_weight=weights / weights.mean()
    )
    slope, constant = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    return min(0.0, constant / slope) if slope > 0 else 0.0


def verdict_limits(
    same_high: npt.ArrayLike, different_low: npt.ArrayLike, *, missed: float = 0.004, passed: float = 0.04
) -> tuple[float, float]:
    """Find the limits of `unlike` and `compatible` from known pairs of canvases.

    Parameters
    ----------
    same_high : (n,) array
        Upper ends of the intervals of canvases of one cloth.
    different_low : (m,) array
        Lower ends of those of different cloths.
    missed : float
        Share of the former that may be called unlike.
    passed : float
        Share of the latter that may be called compatible.

    Returns
    -------
    (float, float)
        Where both promises leave room, the limits meet in its middle.
    """
    unlike = tail_limit(same_high, missed, lower=True)
    compatible = conformal(different_low, passed, lower=False)
    if unlike > compatible:
        middle = (unlike + compatible) / 2
        return middle, middle
    return unlike, compatible


def bolt_limit(same_apart: npt.ArrayLike, drifted: npt.ArrayLike, share: float = 0.0005) -> float:
    """How far the densities of one cloth may be apart: never less than the rule of thumb allows.

    Parameters
    ----------
    same_apart : (n,) array
        `bolts_apart` of canvases of one cloth, as they were counted.
    drifted : (m,) array
        The same of many more that were merely drawn: a cloth that drifts far is too rare to be among a few hundred.
    share : float
        Share of canvases of one cloth that may be farther apart: exclusion is the strongest thing that is said.
    """
    return max(1.0, *(tail_limit(values, share, lower=False) for values in (same_apart, drifted)))


def conformal(values: npt.ArrayLike, share: float, *, lower: bool) -> float:
    """Limit that a share of values drawn alike lies beyond, at most: a split-conformal quantile.

    With too few values to promise it, the outermost one.
    """
    ordered = np.sort(np.asarray(values, np.float64))
    ordered = ordered if lower else ordered[::-1]
    rank = max(1, int(np.floor((len(ordered) + 1) * share)))
    return float(ordered[rank - 1])


def tail_limit(values: npt.ArrayLike, share: float, *, lower: bool) -> float:
    """Limit for a share so small that hardly one of the values lies beyond it.

    The outermost of a few hundred is not the outermost there is: the outer tenth is taken for the beginning of an
    exponential tail (a mean excess over its threshold), and the farther out of this and of `conformal` counts.
    """
    outward = -1.0 if lower else 1.0
    ordered = np.sort(outward * np.asarray(values, np.float64))[::-1]
    count = max(1, len(ordered) // 10)
    excess = float((ordered[:count] - ordered[count - 1]).mean())
    beyond = ordered[count - 1] + excess * max(0.0, math.log(count / ((len(ordered) + 1) * share)))
    return outward * max(float(beyond), outward * conformal(values, share, lower=lower))


def quantiles(values: npt.ArrayLike) -> tuple[float, ...]:
    """Values at even steps of rank, as `Calibration` keeps them."""
    return tuple(float(value) for value in np.quantile(np.asarray(values, np.float64), _KNOTS))


def reliability(similarity: npt.ArrayLike, same: npt.ArrayLike, bins: int = 10) -> list[tuple[float, float, float]]:
    """How far a similarity is a probability, if one cloth and two are equally likely: a reliability diagram.

    Parameters
    ----------
    similarity : (n,) array
        Of known pairs of canvases, 0 to 1.
    same : (n,) array of bool
        Whether they are one cloth. Both kinds weigh as much, however many there are of each.
    bins : int
        Even steps of similarity.

    Returns
    -------
    list of (float, float, float)
        Of each step that is not empty: its weight, mean similarity, and share of canvases of one cloth.
    """
    values, known = np.asarray(similarity, np.float64), np.asarray(same, bool)
    weight = np.where(known, 0.5 / max(1, known.sum()), 0.5 / max(1, (~known).sum()))
    step = np.minimum((values * bins).astype(int), bins - 1)
    found = []
    for number in np.unique(step):
        mine = step == number
        total = float(weight[mine].sum())
        mean, share = (float((weight * part)[mine].sum()) / total for part in (values, known))
        found.append((total, mean, share))
    return found


def calibration_error(steps: Sequence[tuple[float, float, float]]) -> float:
    """Give the expected calibration error: the mean difference of similarity and share in a `reliability` diagram."""
    return sum(weight * abs(mean - share) for weight, mean, share in steps)


def _share_below(knots: Sequence[float], value: float) -> float:
    """Share of a distribution, given by its values at even steps of rank, that lies below a value or at it."""
    if value < knots[0]:
        return 0.0
    steps = np.linspace(0, 1, len(knots))
    # equal values are one step up
    last = int(np.searchsorted(knots, value, side="right")) - 1
    if last == len(knots) - 1:
        return 1.0
    part = (value - knots[last]) / (knots[last + 1] - knots[last])
    return float(steps[last] + part * (steps[last + 1] - steps[last]))
