"""What the network's own doubt is worth, learnt on simulated canvases held out for it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

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
    """Log error above which there is no estimate."""
    combined_limit: float
    readable: float
    """Logit of readability below which there is no estimate."""
    other_weave: float
    """Logit above which a weave is not taken for plain."""
    spectral_share: float
    """Weight of the spectrum's density at quality one."""
    agreement: float
    """Relative difference up to which spectrum and network are averaged."""
    doubt: tuple[float, ...]
    """Weights of `features` in the log error of both together."""
    densities: tuple[float, float] = (5.0, 26.0)
    """Densities that the network was trained on, th/cm."""

    def half_width(self, log_error: Floats, *, combined: bool) -> npt.NDArray[np.float32]:
        """Half-width of the 95 % interval as a share of the density."""
        knots, widths = self.combined if combined else self.network
        return np.exp(np.interp(log_error, knots, np.log(widths))).astype(np.float32)

    def expected_log_error(self, log_error: Floats, apart: Floats, quality: Floats) -> npt.NDArray[np.float32]:
        """Log error to expect of network and spectrum together."""
        expected: npt.NDArray[np.float32] = (features(log_error, apart, quality) @ np.array(self.doubt)).astype(
            np.float32
        )
        return expected

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Calibration:
        """Read what `to_dict` gave; KeyError or TypeError if it is something else."""

        def tuples(value: Any) -> Any:
            return tuple(tuples(part) for part in value) if isinstance(value, (list, tuple)) else float(value)

        return cls(**{field.name: tuples(values[field.name]) for field in fields(cls)})


def features(log_error: Floats, apart: Floats, quality: Floats) -> Floats:
    """Give what speaks of the error of network and spectrum together, (..., 4).

    Parameters
    ----------
    log_error : array
        What the network expects of itself.
    apart : array
        Relative difference of network and spectrum.
    quality : array
        Of the spectrum's reading, 0 to 1.
    """
    # 0.003 is what the spectrum is good for at its best
    return np.stack([np.ones_like(log_error), log_error, np.log(apart + 0.003), quality], axis=-1)


def fit_doubt(log_error: Floats, apart: Floats, quality: Floats, relative_error: Floats) -> tuple[float, ...]:
    """Weights with which `features` give the log error, by least squares."""
    from sklearn.linear_model import LinearRegression

    # the typical size of an error counts, not how close to zero a lucky one came
    target = np.log(np.maximum(relative_error, 0.001))
    fitted = LinearRegression(fit_intercept=False).fit(features(log_error, apart, quality), target)
    return tuple(float(weight) for weight in fitted.coef_)


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


def refusal_threshold(log_error: Floats, relative_error: Floats, *, wrong: float = 0.05, share: float = 0.01) -> float:
    """Log error above which to refuse: of those below it, at most `share` are off by more than `wrong`."""
    order = np.argsort(log_error)
    off = np.cumsum(relative_error[order] > wrong) / np.arange(1, len(order) + 1)
    allowed = np.flatnonzero(off <= share)
    return float(log_error[order][allowed[-1]]) if len(allowed) else float(log_error[order][0])


def legible_threshold(logits: Floats, share: float = 0.02) -> float:
    """Logit of readability that all but a share of the readable windows reach."""
    return float(np.quantile(logits, share))


def flag_threshold(plain_logits: Floats, share: float = 0.01) -> float:
    """Logit that at most `share` of plain weaves exceed."""
    return float(np.quantile(plain_logits, 1 - share))
