"""How good estimates are: the measures that thread counting is judged by, as small functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from dl4art.regression.estimate import ThreadEstimate
from dl4art.utils.errors import InputError


def _pair(found: ArrayLike, truth: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    f, t = np.asarray(found, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    if f.shape != t.shape:
        raise InputError(f"estimates of shape {f.shape} cannot be scored against truth of shape {t.shape}")
    return f, t


def relative_errors(found: ArrayLike, truth: ArrayLike) -> NDArray[np.float64]:
    """``|found - truth| / truth``, element by element (any shape, both alike; truth above 0)."""
    f, t = _pair(found, truth)
    return np.abs(f - t) / t


def nmae(found: ArrayLike, truth: ArrayLike) -> float:
    """Normalised mean absolute error, ``mean(|found - truth| / truth)``; NaN for nothing."""
    errors = relative_errors(found, truth)
    return float(errors.mean()) if errors.size else float("nan")


def share_within(found: ArrayLike, truth: ArrayLike, tolerance: float, *, relative: bool = False) -> float:
    """Share of estimates no further from the truth than `tolerance`.

    Parameters
    ----------
    found, truth : array_like, same shape
        Threads per cm.
    tolerance : float
        Threads per cm, or with `relative` a share of the truth (0.05 for 5 %).
    relative : bool
        How the tolerance is meant.

    Returns
    -------
    float
        0 to 1; NaN for nothing.
    """
    f, t = _pair(found, truth)
    error = np.abs(f - t) / t if relative else np.abs(f - t)
    # an estimate on the border counts as within, whatever the last binary digit says
    return float((error <= tolerance * (1 + 1e-12)).mean()) if error.size else float("nan")


def coverage(low: ArrayLike, high: ArrayLike, truth: ArrayLike) -> float:
    """Share of intervals that hold the truth; NaN for nothing."""
    lows, t = _pair(low, truth)
    highs, _ = _pair(high, truth)
    return float(((lows <= t) & (t <= highs)).mean()) if t.size else float("nan")


@dataclass(frozen=True)
class Scores:
    """How a counter did on a set of pictures, both directions together unless said otherwise.

    Attributes
    ----------
    cases, answered : int
        Pictures whose densities are known, and those of them that got an estimate.
    refused, unreadable : int
        Pictures in which no honest count is possible, rightly left without an estimate, and their number.
    nmae, median_error, worst_error : float
        Relative errors of the answered.
    within_5_percent : float
        Share of all cases with both directions within 5 %; no answer counts as a miss.
    within_half, within_one : float
        Share of the answered directions within 0.5 and 1 thread per cm.
    coverage : float
        Share of the intervals that hold the truth; NaN where there are none.
    """

    cases: int
    answered: int
    refused: int
    unreadable: int
    nmae: float
    median_error: float
    worst_error: float
    within_5_percent: float
    within_half: float
    within_one: float
    coverage: float

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a plain dictionary."""
        return asdict(self)


def score(estimates: Sequence[ThreadEstimate], truth: Sequence[tuple[float, float] | None]) -> Scores:
    """Score estimates against known densities.

    Parameters
    ----------
    estimates : sequence of ThreadEstimate
        What a counter said.
    truth : sequence of (vertical, horizontal) or None
        Threads per cm; None where the right answer is ``no-estimate``.

    Returns
    -------
    Scores

    Raises
    ------
    InputError
        If there are more of one than of the other.
    """
    if len(estimates) != len(truth):
        raise InputError(f"{len(estimates)} estimates cannot be scored against {len(truth)} known pictures")
    unreadable = [e for e, t in zip(estimates, truth, strict=True) if t is None]
    known = [(e, t) for e, t in zip(estimates, truth, strict=True) if t is not None]
    answered = [(e, t) for e, t in known if e.status == "ok"]
    right = np.array([t for _, t in answered], dtype=np.float64).reshape(-1, 2)
    found = _columns(answered, "vertical_per_cm", "horizontal_per_cm")
    low = _columns(answered, "vertical_low", "horizontal_low")
    high = _columns(answered, "vertical_high", "horizontal_high")
    errors = relative_errors(found, right)
    stated = np.isfinite(low) & np.isfinite(high)
    both = int((errors <= 0.05).all(axis=1).sum())
    return Scores(
        cases=len(known),
        answered=len(answered),
        refused=sum(e.status != "ok" for e in unreadable),
        unreadable=len(unreadable),
        nmae=nmae(found, right),
        median_error=float(np.median(errors)) if errors.size else float("nan"),
        worst_error=float(errors.max()) if errors.size else float("nan"),
        within_5_percent=both / len(known) if known else float("nan"),
        within_half=share_within(found, right, 0.5),
        within_one=share_within(found, right, 1.0),
        coverage=coverage(low[stated], high[stated], right[stated]),
    )


def _columns(pairs: list[tuple[ThreadEstimate, tuple[float, float]]], *names: str) -> NDArray[np.float64]:
    """Fields of the estimates as columns, NaN for None."""
    values = [[getattr(estimate, name) for name in names] for estimate, _ in pairs]
    return np.array(values, dtype=np.float64).reshape(-1, len(names))
