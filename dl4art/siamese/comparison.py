"""What is said of two canvases: one similarity, how sure it is, the verdict, and what stands beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from dl4art.siamese.calibration import WEIGHTIEST, Verdict

MEANINGS: dict[Verdict, str] = {
    "compatible": "nothing found here speaks against one cloth; that is no proof of it",
    "unlike": "the densities do not exclude one cloth, but the network finds another one",
    "excluded": "the thread densities differ by more than one bolt of cloth shows, whatever the similarity",
    "undecided": "neither can be said",
}
LIMITS = (
    "The verdict is calibrated on simulated canvases, not yet on real ones.",
    "The interval cannot see what all crops of a plate share, such as ground, film and exposure.",
)
"""What goes with every result."""
CALIBRATED = "calibrated"
"""Under which ``calibration.json`` says, in a sentence, what a model is calibrated on if it is not as `LIMITS` says."""


def limits_of(calibration: Mapping[str, Any]) -> tuple[str, ...]:
    """Tell what goes with every result of a model, by what its ``calibration.json`` holds."""
    return (str(calibration.get(CALIBRATED, LIMITS[0])), *LIMITS[1:])


@dataclass(frozen=True)
class Control:
    """A canvas compared with itself: every second one of its crops against the others."""

    similarity: float
    low: float
    high: float
    pairs: int


@dataclass(frozen=True)
class CanvasRecord:
    """One of the two canvases. Densities in threads per centimetre, means over the crops used, positions in cm.

    Low and high are the 95 % interval of the mean, the standard deviation is that of the crops.

    `positions_cm` are the upper-left corners of the crops, x and y from the upper-left corner of the plate. `crops`
    were used of the `looked_at` that the thread counter was asked about.
    """

    file: str
    sha256: str
    width_cm: float
    height_cm: float
    px_per_cm: float
    scale_source: str
    vertical_per_cm: float
    vertical_low: float
    vertical_high: float
    vertical_sd: float
    horizontal_per_cm: float
    horizontal_low: float
    horizontal_high: float
    horizontal_sd: float
    crops: int
    looked_at: int
    crop_cm: float
    positions_cm: tuple[tuple[float, float], ...]
    control: Control


@dataclass(frozen=True)
class Comparison:
    """Two canvases compared.

    Attributes
    ----------
    similarity, low, high : float
        What all pair scores come to, 0 to 1, and its 95 % interval over the crops of both.
    verdict : str
        ``compatible``, ``unlike``, ``excluded`` or ``undecided``; `meaning` is the same in words.
    pairs : int
        Pairs of crops that were scored.
    turned : bool
        Whether they agree better with one of them a quarter turned.
    apart : float
        How far the densities differ, in units of what one bolt shows by rule of thumb.
    likelihood_ratio, likelihood_ratio_low, likelihood_ratio_high : float
        How many times as often canvases of one cloth look so alike as others of about the same densities do, with its
        95 % interval; 0.01 and 100 stand for that and beyond. What the densities say is not in it.
    same_below, different_above : float
        Shares of known simulated canvases: of one cloth and no more similar than these, and of different cloths of
        about the same densities and no less similar.
    a, b : CanvasRecord
        The canvases.
    warnings : tuple of str
        What a person should know before believing it.
    model, counter : str
        Names of the networks.
    model_sha256 : str
        Hash of the comparer's weights.
    seed : int
        Of the choice of crops and of the interval.
    versions : dict
        Of dl4art and the libraries.
    limits : tuple of str
        What goes with every result.
    """

    similarity: float
    low: float
    high: float
    verdict: Verdict
    meaning: str
    pairs: int
    turned: bool
    apart: float
    likelihood_ratio: float
    likelihood_ratio_low: float
    likelihood_ratio_high: float
    same_below: float
    different_above: float
    a: CanvasRecord
    b: CanvasRecord
    warnings: tuple[str, ...]
    model: str
    model_sha256: str
    counter: str
    seed: int
    versions: dict[str, str]
    limits: tuple[str, ...] = LIMITS

    def in_words(self) -> list[str]:
        """Say in sentences what stands behind the similarity, and its limits."""
        ratio, low, high = self.likelihood_ratio, self.likelihood_ratio_low, self.likelihood_ratio_high
        one, other = "canvases of one cloth", "canvases of different cloths of about the same densities"
        if ratio < 1:
            ratio, low, high = 1 / ratio, 1 / high, 1 / low
            one, other = other, one
        ends = _times(low), _times(high)
        between = "at both ends of the 95 % interval" if len(set(ends)) == 1 else f"95 % interval {' to '.join(ends)}"
        turned = ["They agree better with one of them turned by a quarter."] if self.turned else []
        return [
            *turned,
            f"In simulation, {one} look so alike {_times(ratio)} times as often as {other} do ({between}).",
            f"Of simulated canvases of one cloth, {_percent(self.same_below)} look no more alike than these two; of "
            f"different cloths of about the same densities, {_percent(self.different_above)} look at least as alike.",
            *self.limits,
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values, the canvases under ``canvases``."""
        values: dict[str, Any] = asdict(self)
        values["canvases"] = {"a": values.pop("a"), "b": values.pop("b")}
        return values


def _times(ratio: float) -> str:
    if ratio >= 0.995 * WEIGHTIEST:
        return f"{WEIGHTIEST:g} or more"
    if ratio <= 1.005 / WEIGHTIEST:
        return f"{1 / WEIGHTIEST:g} or less"
    return f"{ratio:.0f}" if ratio >= 9.95 else f"{ratio:.2g}"


def _percent(share: float) -> str:
    # one in a hundred of the known ones is as fine as is known
    return "less than 1 %" if share < 0.01 else "more than 99 %" if share > 0.99 else f"{share:.0%}".replace("%", " %")
