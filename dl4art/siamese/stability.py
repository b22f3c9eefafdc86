"""How many crops of each canvas a verdict needs so as not to change with more of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dl4art.siamese.calibration import Calibration

KEY = "stability"
"""Under which ``calibration.json`` tells from how many crops on verdicts are stable, if that was measured."""
AGREEING = 0.95
"""Share of test verdicts that must be those of all crops."""


@dataclass(frozen=True)
class CropNeeds:
    """Crops of each canvas that a verdict needs."""

    enough: int
    """From which on the network decides at all."""
    stable: int
    """From which on its verdict is that of all crops, `AGREEING` of the time."""
    measured: bool
    """Whether `stable` was measured. Until it is, it is two thirds of what the limits were calibrated with: what so
    many crops come to is less sure than with all by a factor of sqrt(3 / 2), a fifth and no more."""

    @classmethod
    def of(cls, calibration: Calibration, kept: Mapping[str, Any]) -> CropNeeds:
        """Read them from a calibration and from all that ``calibration.json`` holds."""
        found = kept.get(KEY)
        if found:
            return cls(calibration.enough, int(found["crops"]), True)
        return cls(calibration.enough, round(2 * calibration.crops / 3), False)

    def caution(self, crops: int) -> str | None:
        """Say what a verdict from so many crops is worth, if they are few."""
        if crops < self.enough:
            return (
                f"{crops} crops are too few for the network's verdict, which needs {self.enough} of each canvas; the "
                "similarity is a hint. Give a larger part of the canvas, or ask for more crops"
            )
        if crops >= self.stable:
            return None
        why = (
            f"on test canvases, it took {self.stable} of each for {AGREEING:.0%} of verdicts to be those of all crops"
            if self.measured
            else f"from how many on it does not was not measured for this model, and {self.stable} of each are advised"
        ).replace("%", " %")
        return f"with {crops} crops the verdict may change when more are looked at: {why}. Ask for more crops"


def agreement(whole: npt.ArrayLike, fewer: npt.ArrayLike, same: npt.ArrayLike) -> float:
    """Share of known pairs that get the same verdict from fewer crops as from all.

    Parameters
    ----------
    whole, fewer : (n,) arrays of str
        The verdicts.
    same : (n,) array of bool
        Whether the pairs are of one cloth; both kinds weigh as much, however many there are of each.
    """
    agree, known = np.asarray(whole) == np.asarray(fewer), np.asarray(same, bool)
    return float(np.mean([agree[kind].mean() for kind in (known, ~known) if kind.any()]))


def stable_crops(agreements: Iterable[Mapping[str, float]], crops: int) -> dict[str, Any]:
    """Find the smallest number of crops from which on verdicts are stable on all sets of test canvases.

    Parameters
    ----------
    agreements : iterable of mappings
        Of each set, `agreement` by number of crops.
    crops : int
        Crops of a whole canvas: what it takes if no smaller number was found.

    Returns
    -------
    dict
        What is kept under `KEY`; nothing if nothing was measured.
    """
    sets = [found for found in agreements if found]
    numbers = sorted(set.intersection(*(set(map(int, found)) for found in sets))) if sets else []
    if not numbers:
        return {}
    lowest = {number: min(found[str(number)] for found in sets) for number in numbers}
    least = crops
    for number in reversed(numbers):
        if lowest[number] < AGREEING:
            break
        least = number
    return {KEY: {"crops": least, "agreement": {str(number): share for number, share in lowest.items()}}}
