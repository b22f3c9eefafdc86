"""What the network's own doubt is worth, learnt on simulated canvases held out for it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]
Curve = tuple[tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True)
class Calibration:
    """From the network's log error to intervals and refusals; stored as ``calibration.json`` in the model folder."""

    network: Curve
    """Log error, and the half-width of the 95 % interval as a share of the density."""
    combined: Curve
    """The same for network and spectrum together."""
    no_estimate: float
    """Log error above which there is no estimate."""
    other_weave: float
    """Logit above which a weave is not taken for plain."""
    spectral_share: float
    """Weight of the spectrum's density at quality one."""
    agreement: float
    """Relative difference up to which spectrum and network are averaged."""
    doubt: float
    """Error to expect per unit of disagreement."""
    densities: tuple[float, float] = (5.0, 26.0)
    """Densities that the network was trained on, th/cm."""

    def half_width(self, log_error: Floats, *, combined: bool = False) -> npt.NDArray[np.float32]:
        """Half-width of the 95 % interval as a share of the density."""
        knots, widths = self.combined if combined else self.network
        return np.exp(np.interp(log_error, knots, np.log(widths))).astype(np.float32)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Calibration:
        """Read what `to_dict` gave; KeyError or TypeError if it is something else."""
        curves = {name: tuple(tuple(map(float, part)) for part in values[name]) for name in ("network", "combined")}
        numbers = {
            name: float(values[name]) for name in ("no_estimate", "other_weave", "spectral_share", "agreement", "doubt")
        }
        low, high = values["densities"]
        return cls(**curves, **numbers, densities=(float(low), float(high)))  # type: ignore[arg-type]


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


def flag_threshold(plain_logits: Floats, share: float = 0.01) -> float:
    """Logit that at most `share` of plain weaves exceed."""
    return float(np.quantile(plain_logits, 1 - share))
