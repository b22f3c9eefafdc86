"""What the network's own doubt is worth, learnt on simulated canvases held out for it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from dl4art.regression.weave import weave_logit
from dl4art.utils.trees import Trees

Floats = npt.NDArray[np.floating[Any]]
Curve = tuple[tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True)
class Calibration:
    """From the network's own doubt to intervals and refusals; stored as ``calibration.json`` in the model folder.

    `network` is about the network alone, `combined` about network and spectrum together.
    """

    network: Curve
    """Log error, and the half-width of the 95 % interval as a share of the density."""
    combined: Curve
    """The same for the log error that `expected_log_error` gives."""
    network_limit: float
    """Log error above which the network alone gives no estimate."""
    combined_limit: float
    """Logit of an answer being wrong above which both together give none."""
    network_readable: float
    """Logit of readability below which the network alone gives no estimate."""
    legibility: tuple[float, ...]
    """Weights of one, the network's logit of readability and the share of the crop in which no weave shows."""
    legible: float
    """Sum of these below which both together give no estimate."""
    twill: tuple[tuple[float, ...], ...]
    """Weights of `dl4art.regression.weave.weave_features`, for a repeat of three threads and of four."""
    other_weave: float
    """`dl4art.regression.weave.weave_logit` above which a weave is not taken for plain."""
    spectral_share: float
    """Weight of the spectrum's density at quality one."""
    agreement: float
    """Relative difference up to which spectrum and network are averaged."""
    doubt: tuple[float, ...]
    """Weights of `dl4art.regression.combined.doubt_features` in the log error of both together."""
    choice: Trees
    """Odds of each candidate's being right; see `dl4art.regression.choice`."""
    densities: tuple[float, float] = (5.0, 26.0)
    """Densities that the network was trained on, th/cm."""

    def half_width(self, log_error: Floats, *, combined: bool = True) -> npt.NDArray[np.float32]:
        """Half-width of the 95 % interval as a share of the density."""
        knots, widths = self.combined if combined else self.network
        return np.exp(np.interp(log_error, knots, np.log(widths))).astype(np.float32)

    def finer(self, densities: Floats) -> Floats:
        """Of densities, of any shape, those finer than what the network was trained on, (k,)."""
        finer: Floats = densities[densities > self.densities[1]]
        return finer

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return {field.name: getattr(self, field.name) for field in fields(self)} | {"choice": self.choice.to_dict()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Calibration:
        """Read what `to_dict` gave; KeyError, TypeError or ValueError if it is something else."""

        def tuples(value: Any) -> Any:
            return tuple(tuples(part) for part in value) if isinstance(value, (list, tuple)) else float(value)

        plain = {field.name: tuples(values[field.name]) for field in fields(cls) if field.name != "choice"}
        for name in ("network", "combined"):
            check_curve(name, plain[name])
        if len(plain["legibility"]) != 3 or len(plain["densities"]) != 2 or len({*map(len, plain["twill"])}) != 1:
            raise ValueError("weights of legibility, of twill, or the range of densities are not whole")
        return cls(**plain, choice=Trees.from_dict(values["choice"]))


def check_curve(name: str, curve: Any) -> None:
    """Raise ValueError if a curve is none: as many knots as widths, the knots rising, no width below zero."""
    knots, widths = (np.asarray(part, np.float64) for part in curve)
    if knots.ndim != 1 or knots.shape != widths.shape or not len(knots) or (np.diff(knots) < 0).any():
        raise ValueError(f"{name} is no curve of rising knots with a width at each")
    if not (np.isfinite(knots).all() and np.isfinite(widths).all() and (widths >= 0).all()):
        raise ValueError(f"{name} holds values that cannot be")


def features(log_error: Floats, legible: Floats, *, near: Floats, quality: Floats) -> Floats:
    """Give what speaks of the error of network and phase together, (..., 5).

    Parameters
    ----------
    log_error, legible : arrays
        What the network expects of itself, and its logit of readability.
    near, quality : arrays
        Relative difference of the network and of the phase near it, and the quality of the latter, 0 to 1.
    """
    # 0.003 is what the phase is good for at its best
    return np.stack([np.ones_like(near), log_error, legible, np.log(near + 0.003), quality], axis=-1)


def fit_doubt(evidence: Floats, relative_error: Floats) -> tuple[float, ...]:
    """Weights with which features, (n, k), give the log error, by least squares."""
    from sklearn.linear_model import LinearRegression

    # the typical size of an error counts, not how close to zero a lucky one came
    target = np.log(np.maximum(relative_error, 0.001))
    return _weights(LinearRegression(fit_intercept=False).fit(evidence, target).coef_)


def fit_logit(evidence: Floats, happened: npt.NDArray[np.bool_]) -> tuple[float, ...]:
    """Weights with which evidence (n, k), its first column one, gives the logit of an event; logistic regression."""
    from sklearn.linear_model import LogisticRegression

    if happened.all() or not happened.any():  # nothing to tell apart, as after a training that was a mere try
        return (5.0 if happened.all() else -5.0, *(0.0 for _ in range(evidence.shape[-1] - 1)))
    fitted = LogisticRegression(fit_intercept=False, max_iter=1000).fit(evidence, happened)
    return _weights(fitted.coef_[0])


def fit_weave(features: Floats, other: npt.NDArray[np.bool_]) -> tuple[tuple[float, ...], ...]:
    """Weights with which `weave_logit` tells other weaves from plain: the largest likelihood, kept in bounds.

    Parameters
    ----------
    features : (n, 2, 2, k) array
        From `dl4art.regression.weave.weave_features`.
    other : (n,) array
        Whether a weave is another than plain; not in which of the ways.
    """
    from scipy.optimize import minimize

    shape = features.shape[1], features.shape[3]
    start = np.zeros(shape)
    if other.all() or not other.any():
        start[:, 0] = 5.0 if other.all() else -5.0
        return tuple(_weights(row) for row in start)
    start[:, 0] = -3.0
    mean, spread = features.mean(axis=(0, 2)), np.maximum(features.std(axis=(0, 2)), 1e-6)
    mean[:, 0], spread[:, 0] = 0.0, 1.0
    scaled = (features - mean[:, None]) / spread[:, None]
    bound = np.ones(shape)
    bound[:, 0] = 0.0

    def loss(flat: Floats) -> tuple[float, Floats]:
        weights = flat.reshape(shape)
        logit = weave_logit(scaled, weights)
        share = np.exp(np.einsum("nrsk,rk->nrs", scaled, weights) - logit[:, None, None])
        slope = np.einsum("n,nrs,nrsk->rk", 1 / (1 + np.exp(-logit)) - other, share, scaled) + bound * weights
        value = (np.logaddexp(0, logit) - other * logit).sum() + 0.5 * (bound * weights**2).sum()
        return float(value), slope.ravel()

    weights = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B").x.reshape(shape) / spread
    weights[:, 0] -= (weights * mean).sum(axis=1)
    return tuple(_weights(row) for row in weights)


def _weights(values: Floats) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def interval_curve(log_error: Floats, relative_error: Floats, bins: int = 8, level: float = 0.95) -> Curve:
    """Half-width that covers a share of the errors, as a rising function of the log error.

    Parameters
    ----------
    log_error : (n,) array
        What the network expects.
    relative_error : (n,) array
        What it got wrong, as a share of the truth, without sign.
    bins : int
        Number of equally filled bins, one knot in each.
    level : float
        Share to cover; split-conformal quantiles, so that it holds on average on canvases drawn alike.
    """
    order = np.argsort(log_error)
    knots, widths = [], []
    for part in np.array_split(order, bins):
        rank = min(1.0, np.ceil((len(part) + 1) * level) / len(part))
        knots.append(float(np.mean(log_error[part])))
        widths.append(float(np.quantile(relative_error[part], rank)))
    return tuple(knots), tuple(float(width) for width in np.maximum.accumulate(widths))


MEAN, WITHIN_HALF, WITHIN_ONE = 0.01, 0.95, 0.988
"""What is promised of answers: largest mean relative error, smallest shares within 0.5 and within 1 th/cm."""


def shortfall(error: Floats, density: Floats) -> float:
    """How far relative errors, without sign, are from perfect, in units of what is promised, summed over the three.

    The mean alone would follow the spectrum too far: it is finer than the network, but knows nothing of a thread that
    is missing or doubled.
    """
    off = error * density
    shares = (1 - (off <= 0.5).mean()) / (1 - WITHIN_HALF), (1 - (off <= 1).mean()) / (1 - WITHIN_ONE)
    return float(error.mean() / MEAN + sum(shares))


def refusal_limit(
    score: Floats,
    error: Floats,
    density: Floats,
    *,
    mean: float = MEAN,
    within_half: float = WITHIN_HALF,
    within_one: float = WITHIN_ONE,
) -> float:
    """Find the score above which to refuse, so that those that are answered are as good as was promised.

    Parameters
    ----------
    score : (n, 2) array
        Higher is worse; a crop is as bad as its worse direction.
    error : (n, 2) array
        Relative errors, without sign.
    density : (n, 2) array
        True densities in th/cm.
    mean, within_half, within_one : float
        Largest mean relative error, and smallest shares within 0.5 and within 1 th/cm, of the answered.

    Returns
    -------
    float
        The limit with the most answers that keeps all three; where none does, the one that comes nearest with at
        least half of the answers.
    """
    worst = score.max(axis=1)
    order = np.argsort(worst)
    count = np.arange(1, len(order) + 1)
    off = (error * density)[order]
    means = error[order].mean(axis=1).cumsum() / count
    half, one = ((off <= limit).mean(axis=1).cumsum() / count for limit in (0.5, 1.0))
    # each in units of what is allowed; all at most one is kept
    excess = np.max([means / mean, (1 - half) / (1 - within_half), (1 - one) / (1 - within_one)], axis=0)
    enough = np.arange(len(order)) >= len(order) // 2
    kept = np.flatnonzero((excess <= 1) & enough)
    best = kept[-1] if len(kept) else int(np.argmin(np.where(enough, excess, np.inf)))
    return float(worst[order][best])


def legible_threshold(logits: Floats, share: float = 0.02) -> float:
    """Logit of readability that all but a share of the readable windows reach."""
    return float(np.quantile(logits, share))


def flag_threshold(plain_logits: Floats, share: float = 0.015) -> float:
    """Logit that at most `share` of plain weaves exceed."""
    return float(np.quantile(plain_logits, 1 - share))
