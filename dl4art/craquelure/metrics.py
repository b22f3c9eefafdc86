"""How well a segmentation agrees with the truth: pixel by pixel, and crack by crack within a tolerance."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from dl4art.craquelure.skeleton import Mask, skeletonise
from dl4art.simulation.paintings import CLASSES
from dl4art.utils.errors import InputError

Labels = npt.NDArray[np.integer[Any]]
TOLERANCE_PX = 3.0
"""How far apart two centre-lines of one crack may lie."""


@dataclass(frozen=True)
class ClassScores:
    """Scores of one class; NaN where nothing can be said because there was nothing to find, or nothing was found."""

    precision: float
    recall: float
    f1: float
    iou: float


@dataclass(frozen=True)
class Scores:
    """Scores of a segmentation.

    Attributes
    ----------
    accuracy : float
        Share of pixels with the right class.
    mean_iou : float
        Mean over the classes that occur in the truth or in the answer.
    classes : dict of str to ClassScores
        By name of the class.
    """

    accuracy: float
    mean_iou: float
    classes: dict[str, ClassScores]


@dataclass(frozen=True)
class LineScores:
    """How well centre-lines agree: see `line_scores`."""

    precision: float
    recall: float
    f1: float


def check_labels(labels: npt.NDArray[Any], name: str = "mask", *, shape: tuple[int, ...] | None = None) -> Labels:
    """Check that a mask holds numbers of classes and nothing else, and has the shape that it must have.

    Raises
    ------
    InputError
        If it is not so.
    """
    if labels.dtype.kind not in "biu":
        raise InputError(f"{name}: holds {labels.dtype}, not whole numbers. Give the number of a class for each pixel.")
    if shape is not None and labels.shape != shape:
        raise InputError(
            f"{name}: {_size(labels.shape)} px, but its picture has {_size(shape)}. Make the mask of the same picture, "
            "neither cut, scaled nor turned."
        )
    if labels.size and (labels.min() < 0 or labels.max() >= len(CLASSES)):
        wrong = sorted(set(np.unique(labels).tolist()) - set(range(len(CLASSES))))
        known = ", ".join(f"{number} {name}" for number, name in enumerate(CLASSES))
        raise InputError(f"{name}: holds {', '.join(map(str, wrong[:5]))}, which is no class. Use {known}.")
    return labels.astype(np.uint8, copy=False)


def confusion(truth: Labels, predicted: Labels) -> npt.NDArray[np.int64]:
    """Count pixels by true class (row) and predicted class (column); counts of several pictures may be added up.

    Raises
    ------
    InputError
        If the shapes differ or a number is no class.
    """
    truth = check_labels(truth, "truth")
    predicted = check_labels(predicted, "segmentation", shape=truth.shape)
    pairs = truth.ravel().astype(np.intp) * len(CLASSES) + predicted.ravel()
    counts = np.bincount(pairs, minlength=len(CLASSES) ** 2)
    return counts.reshape(len(CLASSES), len(CLASSES)).astype(np.int64)


def scores(counts: npt.NDArray[np.int64]) -> Scores:
    """Scores from the counts of `confusion`."""
    right = np.diag(counts).astype(float)
    true, said = counts.sum(axis=1), counts.sum(axis=0)
    rows = [
        ClassScores(
            precision=_ratio(right[i], said[i]),
            recall=_ratio(right[i], true[i]),
            f1=_ratio(2 * right[i], true[i] + said[i]),
            iou=_ratio(right[i], true[i] + said[i] - right[i]),
        )
        for i in range(len(CLASSES))
    ]
    known = [row.iou for row in rows if not math.isnan(row.iou)]
    return Scores(
        accuracy=_ratio(right.sum(), counts.sum()),
        mean_iou=float(np.mean(known)) if known else math.nan,
        classes=dict(zip(CLASSES, rows, strict=True)),
    )


def line_scores(truth: Mask, predicted: Mask, tolerance_px: float = TOLERANCE_PX) -> LineScores:
    """Compare centre-lines of cracks.

    Precision is the share of the predicted centre-lines that lie within the tolerance of a true one, recall the share
    of the true ones within the tolerance of a predicted one.

    Parameters
    ----------
    truth, predicted : ndarray of bool, shape (h, w)
        Cracks of any width; they are thinned first.
    tolerance_px : float
        Greatest distance between the centres of two pixels that agree.

    Raises
    ------
    InputError
        If the shapes differ.
    """
    if truth.shape != predicted.shape:
        raise InputError(
            f"segmentation: {_size(predicted.shape)} px, but the truth has {_size(truth.shape)}. "
            "Compare masks of the same picture."
        )
    true, said = skeletonise(truth), skeletonise(predicted)
    precision, recall = _share_near(said, true, tolerance_px), _share_near(true, said, tolerance_px)
    return LineScores(precision, recall, _harmonic(precision, recall))


def images_per_second(predict: Callable[[Any], Any], pictures: Sequence[Any], *, warm_up: int = 1) -> float:
    """How many pictures a method segments in a second, one after another; the first ones are not timed.

    Raises
    ------
    InputError
        If there are no pictures beside those.
    """
    if len(pictures) <= warm_up:
        raise InputError(f"{len(pictures)} pictures are too few to time, {warm_up} go to warming up. Give more.")
    for picture in pictures[:warm_up]:
        predict(picture)
    start = time.perf_counter()
    for picture in pictures[warm_up:]:
        predict(picture)
    return (len(pictures) - warm_up) / (time.perf_counter() - start)


def _share_near(lines: Mask, others: Mask, tolerance_px: float) -> float:
    if not lines.any():
        return math.nan
    if not others.any():
        return 0.0
    return float((ndimage.distance_transform_edt(~others)[lines] <= tolerance_px).mean())


def _harmonic(precision: float, recall: float) -> float:
    if math.isnan(precision) or math.isnan(recall):
        # one of the two is empty: all of the other is wrong; both empty: nothing to judge
        return math.nan if math.isnan(precision) and math.isnan(recall) else 0.0
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else math.nan


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape[1::-1])) if len(shape) == 2 else str(shape)
