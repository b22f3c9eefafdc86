"""Labels that a counter gives itself: what it is sure of, and says again of the same crop at other scales and turned.

Whatever a counter does not know at one scale, it may know at another: cloth of 30 threads per cm, shown 1.3 times as
large, has 23. By how much a crop was enlarged is known exactly, so that readings at all scales are readings of one
thing; where sure ones agree, they are a label (Lee, Pseudo-Label, ICML 2013 workshop; the agreement of views in place
of a threshold alone is that of consistency training, e.g. Sohn et al., FixMatch, arXiv 2001.07685).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dl4art.cropping.plate import PX_PER_CM, plate_from_array
from dl4art.regression.counter import ThreadCounter
from dl4art.regression.dense import read_windows
from dl4art.regression.labelled import LabelledCrop
from dl4art.regression.unlabelled import UnlabelledCrop, fingerprint
from dl4art.utils.shards import make_shards

Array = npt.NDArray[np.float32]
Pictures = Sequence[npt.NDArray[Any]]
VIEWS = (0.75, 1.0, 1.15, 1.3, 1.5)
"""Scales at which a crop is read, upright and turned by a half."""
AGREEING = 0.03
"""By how much views may differ from their weighted median and still agree, as a share."""
_SURE = 0.03  # relative error that the network must expect of itself, at most, in the best view
_WEIGHT = 0.9  # share of the views' weight that must agree
_FEWEST = 4  # views that must agree: two scales, or more
_WILD = 0.25  # differences count for no more: how wrong a wild reading is says nothing
_CELL = 20  # px; side of the cells over which local densities are kept
_SHARD = 20


@dataclass(frozen=True, eq=False)
class PseudoLabels:
    """What a counter makes of n crops; axis 1 is vertical, horizontal threads."""

    density: Array
    """th/cm, NaN where it is not sure, (n, 2)."""
    tilt: Array
    """Degrees, (n, 2)."""
    scale: Array
    """At which it trusts itself most, (n, 2)."""

    @property
    def sure(self) -> npt.NDArray[np.bool_]:
        """Crops of which both directions are sure, (n,)."""
        return np.asarray(~np.isnan(self.density).any(axis=1))


def pseudo_labels(counter: ThreadCounter, pictures: Pictures) -> PseudoLabels:
    """Read crops in all views and keep what these agree on.

    Parameters
    ----------
    counter : ThreadCounter
        The counter.
    pictures : sequence of (rows, cols) arrays
        At 200 px/cm, each side at least 200 px.
    """
    # transposed and inverted pictures would say nothing new: the network is exact there
    turns = [counter.read_scales(views, VIEWS) for views in (pictures, [np.rot90(p, 2) for p in pictures])]
    readings = [turn[scale] for scale in VIEWS for turn in turns]
    scale = np.repeat(VIEWS, len(turns))
    log_density, log_error = (
        np.stack([np.asarray(values, np.float64) for values in parts])
        for parts in ([np.log(r.density) for r in readings], [r.log_error for r in readings])
    )
    weight = np.where(np.isfinite(log_density), np.exp(-3 * np.clip(log_error, -7, 2)), 0.0)
    agree = np.abs(log_density - _weighted_median(log_density, weight)) <= np.log1p(AGREEING)
    agreed = np.where(agree, weight, 0.0)
    expected = np.where(agree, log_error, np.inf)
    sure = (
        (agreed.sum(axis=0) >= _WEIGHT * weight.sum(axis=0))
        & (agree.sum(axis=0) >= _FEWEST)
        & (expected.min(axis=0) <= np.log(_SURE))
    )
    total = np.maximum(agreed.sum(axis=0), 1e-12)
    density = np.exp((agreed * np.where(agree, log_density, 0.0)).sum(axis=0) / total)
    tilt = (agreed * np.where(agree, np.stack([r.tilt for r in readings]), 0.0)).sum(axis=0) / total
    return PseudoLabels(
        np.where(sure, density, np.nan).astype(np.float32),
        tilt.astype(np.float32),
        scale[expected.argmin(axis=0)].astype(np.float32),
    )


def keep_pseudo_labels(
    counter: ThreadCounter,
    crops: Sequence[UnlabelledCrop],
    folder: str | Path,
    done: Callable[[int], None] = lambda _crops: None,
) -> PseudoLabels:
    """Give `pseudo_labels` of crops, or read what an earlier call has kept; a few crops are on disk at a time."""
    name = f"{counter.folder.sha256[:8]}-{fingerprint(crops)[:8]}"
    make = partial(_labels_of, counter, crops)
    return make_shards(PseudoLabels, make, folder, name, len(crops), shard=_SHARD, workers=1, done=done)


def _labels_of(counter: ThreadCounter, crops: Sequence[UnlabelledCrop], numbers: range) -> PseudoLabels:
    return pseudo_labels(counter, [crop.grey for crop in crops[numbers.start : numbers.stop]])


def as_labelled(
    counter: ThreadCounter, crops: Sequence[UnlabelledCrop], labels: PseudoLabels, numbers: Sequence[int]
) -> list[LabelledCrop]:
    """Bring crops that are sure into the form of labelled ones.

    How densities vary within a crop, windows of 200 px tell at the scale at which the counter trusts itself most; their
    mean is the crop's label.
    """
    return [_labelled(counter, crops[n], labels.density[n], labels.tilt[n], labels.scale[n]) for n in numbers]


def _labelled(counter: ThreadCounter, crop: UnlabelledCrop, density: Array, tilt: Array, scale: Array) -> LabelledCrop:
    plate = plate_from_array(crop.grey, PX_PER_CM)
    tones = float(crop.grey.min()), float(crop.grey.max())
    centres = tuple((np.arange(side // _CELL) + 0.5) * _CELL / PX_PER_CM for side in crop.grey.shape[::-1])
    local = np.empty((2, len(centres[1]), len(centres[0])))
    for system in (0, 1):
        # a window of 200 px must fit
        at = max(float(scale[system]), 1.0)
        read = read_windows(counter, plate, (centres[0], centres[1]), tones, px_per_cm=PX_PER_CM * at)
        own = read.density[..., system]
        local[system] = own * (density[system] / own.mean())
    angle = np.deg2rad(tilt.astype(np.float64))
    # to the right and down, as a gradient of each system's phase
    away = np.array([[np.cos(angle[0]), -np.sin(angle[0])], [np.sin(angle[1]), np.cos(angle[1])]])
    gradient = (away[:, :, None, None] * local[:, None] / PX_PER_CM).astype(np.float32)
    told = f"{crop.sha256} {density.tolist()}"
    return LabelledCrop(crop.name, "unlabelled", crop.grey, gradient, (float(density[0]), float(density[1])), told)


def disagreement(counter: ThreadCounter, pictures: Pictures, density: npt.NDArray[Any]) -> float:
    """How far what a counter says of crops as they are is from their pseudo-labels.

    Parameters
    ----------
    counter : ThreadCounter
        The one that labelled them, or another.
    pictures : sequence of (rows, cols) arrays
        Crops that are sure.
    density : (n, 2) array
        Their pseudo-labels.

    Returns
    -------
    float
        Mean of the absolute logarithms of the ratios, each at most a quarter: about the mean relative difference.
    """
    apart = np.abs(np.log(counter.presume(pictures) / density))
    return float(np.minimum(apart, _WILD).mean())


def _weighted_median(values: npt.NDArray[Any], weights: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Weighted median over the first axis; what has no weight has no say."""
    order = np.argsort(np.where(weights > 0, values, np.inf), axis=0)
    ordered, mass = np.take_along_axis(values, order, axis=0), np.take_along_axis(weights, order, axis=0).cumsum(axis=0)
    first = (mass >= mass[-1:] / 2).argmax(axis=0)[None]
    median: npt.NDArray[Any] = np.take_along_axis(ordered, first, axis=0)
    return median
