"""Cracks by the black top-hat and a threshold: what a network has to beat."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from dl4art.craquelure.metrics import line_scores
from dl4art.craquelure.skeleton import Mask
from dl4art.cropping.sources import LUMA
from dl4art.simulation.fields import Array
from dl4art.utils.errors import InputError

_CM_PER_MM = 0.1


@dataclass(frozen=True)
class TopHat:
    """Settings of the top-hat.

    Attributes
    ----------
    side_px : int
        Side of the square structuring element, odd and wider than the widest crack.
    threshold : float
        Depth of a crack, in units of the range of grey (0 to 1), from which on it counts.
    smallest_px : int
        Connected cracks of fewer pixels are specks.
    light : bool
        Look for cracks lighter than the paint (white top-hat).
    """

    side_px: int = 9
    threshold: float = 0.1
    smallest_px: int = 30
    light: bool = False

    def __post_init__(self) -> None:
        if self.side_px < 3 or self.side_px % 2 == 0:
            raise InputError(f"side_px is {self.side_px}; the structuring element needs an odd side of at least 3 px.")
        if not 0 < self.threshold < 1:
            raise InputError(f"threshold is {self.threshold:g}; state a share of the range of grey between 0 and 1.")

    @property
    def reach_px(self) -> int:
        """How far away from a pixel its enhanced value looks."""
        return self.side_px - 1


def side_from_mm(side_mm: float, px_per_cm: float) -> int:
    """Side of a structuring element in px, odd and at least 3, from millimetres on the painting.

    Raises
    ------
    InputError
        If a value is not above zero.
    """
    for name, value in (("side_mm", side_mm), ("px_per_cm", px_per_cm)):
        if not (math.isfinite(value) and value > 0):
            raise InputError(f"{name} is {value:g}; state a number above zero.")
    return max(3, 2 * round((side_mm * _CM_PER_MM * px_per_cm - 1) / 2) + 1)


def grey_picture(picture: npt.NDArray[Any]) -> Array:
    """Brightness, 0 to 1, of a picture of uint8, shape (h, w) or (h, w, 3)."""
    grey: Array = picture.astype(np.float32) / np.float32(255)
    return grey if grey.ndim == 2 else np.asarray(grey @ LUMA)


def enhance(picture: npt.NDArray[Any], settings: TopHat) -> Array:
    """Enhance thin dark (or light) lines by the top-hat.

    Parameters
    ----------
    picture : ndarray of uint8, shape (h, w) or (h, w, 3)
        The photograph.
    settings : TopHat
        How.

    Returns
    -------
    ndarray of float32, shape (h, w)
        Depth of what is narrower than the structuring element; 0 elsewhere, at most 1.
    """
    # a square is run over rows and then over columns, in a time that does not depend on its side
    filtered = ndimage.white_tophat if settings.light else ndimage.black_tophat
    depth: Array = filtered(grey_picture(picture), size=settings.side_px)
    return depth


def tophat_cracks(picture: npt.NDArray[Any], settings: TopHat) -> Mask:
    """Cracks in a photograph, (h, w); arguments as for `enhance`."""
    return _without_specks(enhance(picture, settings) > settings.threshold, settings.smallest_px)


def tune_tophat(
    pictures: Sequence[npt.NDArray[Any]],
    truths: Sequence[Mask],
    *,
    sides_px: Iterable[int] = (5, 9, 13, 19),
    thresholds: Iterable[float] = (0.03, 0.05, 0.08, 0.12, 0.18, 0.25, 0.35),
    smallest_px: int = 30,
    light: Iterable[bool] = (False,),
) -> tuple[TopHat, float]:
    """Find the settings with the best mean F1 of centre-lines (`metrics.line_scores`) on pictures with known cracks.

    Returns
    -------
    settings : TopHat
    f1 : float
        Mean over the pictures in which the truth shows a crack.

    Raises
    ------
    InputError
        If no truth shows a crack.
    """
    pairs = [(picture, truth) for picture, truth in zip(pictures, truths, strict=True) if truth.any()]
    if not pairs:
        raise InputError("no picture shows a crack. Tune the top-hat on pictures that do.")
    levels = sorted(thresholds)
    best = (TopHat(), -1.0)
    for side in sides_px:
        for pale in light:
            trials = [TopHat(side, level, smallest_px, pale) for level in levels]
            # the filter does not depend on the threshold
            found = [[*_f1s(picture, truth, trials)] for picture, truth in pairs]
            means = np.mean(found, axis=0)
            if means.max() > best[1]:
                best = trials[int(means.argmax())], float(means.max())
    return best


def _f1s(picture: npt.NDArray[Any], truth: Mask, trials: Sequence[TopHat]) -> Iterable[float]:
    depth = enhance(picture, trials[0])
    for trial in trials:
        yield line_scores(truth, _without_specks(depth > trial.threshold, trial.smallest_px)).f1


def _without_specks(mask: Mask, smallest_px: int) -> Mask:
    number, count = ndimage.label(mask, np.ones((3, 3)))
    large = np.bincount(number.ravel(), minlength=count + 1) >= smallest_px
    large[0] = False
    kept: Mask = large[number]
    return kept
