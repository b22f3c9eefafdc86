"""What a segmentation comes to in numbers: how much paint is lost, how much is cracked, and how."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from dl4art.craquelure.islands import IslandSizes, island_sizes
from dl4art.craquelure.metrics import Labels, check_labels
from dl4art.craquelure.skeleton import Mask, skeletonise
from dl4art.simulation.paintings import CLASSES
from dl4art.utils.errors import InputError

ROSE_BINS = 12
"""Directions of cracks are counted in so many bins of 15 degrees."""
LEFT_OUT = len(CLASSES)
"""What stands in a mask, in place of a class, where a person has said that nothing counts."""
_STRIP_PX = 1024  # rows that are worked on at a time
_STRIP_AREA_PX = 8_000_000  # and not many more pixels than this
_MARGIN_PX = 64  # how many more rows on either side: wider than half of any crack
# length of a step between two pixels of a centre-line, level or upright, and slanting: unbiased over all directions
# (Kulpa, Area and Perimeter Measurement of Blobs in Discrete Binary Pictures, 1977)
_LEVEL_STEP, _SLANTING_STEP = 0.948, 1.343
_SMOOTHING_PX = 2.5
_PEAK = 1.5


@dataclass(frozen=True)
class DamageMeasures:
    """Cracks and losses of a picture, in pixels; the properties give centimetres where the scale is known.

    Attributes
    ----------
    shape : (int, int)
        Rows and columns of the picture.
    px_per_cm : float or None
        Scale; None if it is not known.
    left_out_px : int
        Pixels that are left out of everything.
    loss_px, crack_px : int
        Pixels of either class.
    crack_length_px : float
        Length of all centre-lines.
    median_width_px, wide_px : float
        50th and 95th percentile of the width of cracks along their centre-lines; NaN without cracks.
    widths : tuple of float
        Share of the centre-lines at which the crack is 0, 1, 2, ... px wide, rounded.
    islands : IslandSizes
        Of the paint between the cracks.
    rose : tuple of float
        Share of the length of cracks in each of `ROSE_BINS` directions; the first bin is centred on level, the next
        ones follow counter-clockwise.
    """

    shape: tuple[int, int]
    px_per_cm: float | None
    left_out_px: int
    loss_px: int
    crack_px: int
    crack_length_px: float
    median_width_px: float
    wide_px: float
    widths: tuple[float, ...]
    islands: IslandSizes
    rose: tuple[float, ...]

    @property
    def area_px(self) -> int:
        """Pixels that count."""
        return math.prod(self.shape) - self.left_out_px

    @property
    def loss_percent(self) -> float:
        """Share of the picture that is paint loss, in percent."""
        return 100 * _ratio(self.loss_px, self.area_px)

    @property
    def crack_percent(self) -> float:
        """Share of the picture that is craquelure, in percent."""
        return 100 * _ratio(self.crack_px, self.area_px)

    @property
    def crack_px_per_px2(self) -> float:
        """Length of cracks on a pixel."""
        return _ratio(self.crack_length_px, self.area_px)

    @property
    def area_cm2(self) -> float | None:
        """Area of the picture, less what is left out."""
        return None if self.px_per_cm is None else self.area_px / self.px_per_cm**2

    @property
    def loss_cm2(self) -> float | None:
        """Area of paint loss."""
        return None if self.px_per_cm is None else self.loss_px / self.px_per_cm**2

    @property
    def crack_cm_per_cm2(self) -> float | None:
        """Length of cracks on a square centimetre."""
        return None if self.px_per_cm is None else self.crack_px_per_px2 * self.px_per_cm

    @property
    def mean_width_px(self) -> float:
        """Mean width of cracks: their area over their length; NaN without cracks."""
        return _ratio(self.crack_px, self.crack_length_px)

    @property
    def mean_width_mm(self) -> float | None:
        """The same in millimetres."""
        return self.in_mm(self.mean_width_px)

    @property
    def median_width_mm(self) -> float | None:
        """Median width of cracks."""
        return self.in_mm(self.median_width_px)

    @property
    def wide_mm(self) -> float | None:
        """95th percentile of the width of cracks."""
        return self.in_mm(self.wide_px)

    @property
    def median_island_mm2(self) -> float | None:
        """Median area of the islands."""
        return None if self.px_per_cm is None else 100 * self.islands.median / self.px_per_cm**2

    @property
    def directions(self) -> tuple[float, ...]:
        """Directions in which clearly more cracks run than in others, degrees counter-clockwise from level.

        Peaks of the rose of at least `_PEAK` times what each bin would hold if all were alike, the highest first.
        """
        peaks = [
            (share, 180 * number / ROSE_BINS)
            for number, share in enumerate(self.rose)
            if share * ROSE_BINS >= _PEAK and share >= max(self.rose[number - 1], self.rose[(number + 1) % ROSE_BINS])
        ]
        return tuple(angle for _, angle in sorted(peaks, reverse=True))

    def in_mm(self, pixels: float) -> float | None:
        """Turn a length in px into millimetres; None without a scale."""
        return None if self.px_per_cm is None else 10 * pixels / self.px_per_cm

    def to_dict(self) -> dict[str, Any]:
        """Everything, for JSON: numbers that do not exist are None."""
        derived = (
            "area_px",
            "loss_percent",
            "crack_percent",
            "area_cm2",
            "loss_cm2",
            "crack_px_per_px2",
            "crack_cm_per_cm2",
            "mean_width_px",
            "mean_width_mm",
            "median_width_mm",
            "wide_mm",
            "median_island_mm2",
        )
        values = {**asdict(self), **{name: getattr(self, name) for name in derived}}
        values["directions_degrees"] = self.directions
        return {name: _none_for_nan(value) for name, value in values.items()}


def measure_damage(mask: npt.NDArray[Any], px_per_cm: float | None = None) -> DamageMeasures:
    """Measure the cracks and losses of a segmentation.

    Worked on in strips of rows, so that little more than the mask is in memory.

    Parameters
    ----------
    mask : ndarray of int, shape (h, w)
        Numbers of `CLASSES`, or `LEFT_OUT`.
    px_per_cm : float, optional
        Scale of the picture.

    Raises
    ------
    InputError
        If the mask holds other numbers, is empty, or the scale is not above zero.
    """
    mask = np.asarray(mask)
    if mask.ndim != 2 or not mask.size:
        raise InputError(f"mask: shape {mask.shape} is no picture. Give a number for each pixel, (rows, columns).")
    if px_per_cm is not None and not (math.isfinite(px_per_cm) and px_per_cm > 0):
        raise InputError(f"px_per_cm is {px_per_cm:g}; state a number above zero, or leave it out.")
    counts = np.zeros(3, np.int64)
    length, widths, rose = 0.0, [], np.zeros(ROSE_BINS)
    for classes, out, own in _strips(mask):
        for place, kind in enumerate(("loss", "craquelure")):
            counts[place] += (classes[own] == CLASSES.index(kind)).sum()
        counts[2] += out[own].sum()
        cracks = classes == CLASSES.index("craquelure")
        lines = skeletonise(cracks)
        length += _length(lines, own)
        widths.append(_widths(cracks, lines, own))
        rose += _rose(lines, own)
    every = np.concatenate(widths)
    median, wide = np.quantile(every, (0.5, 0.95)).tolist() if len(every) else (math.nan, math.nan)
    return DamageMeasures(
        shape=(mask.shape[0], mask.shape[1]),
        px_per_cm=px_per_cm,
        left_out_px=int(counts[2]),
        loss_px=int(counts[0]),
        crack_px=int(counts[1]),
        crack_length_px=length,
        median_width_px=median,
        wide_px=wide,
        widths=tuple((np.bincount(np.rint(every).astype(int)) / max(1, len(every))).tolist()),
        islands=island_sizes(_paint(mask)),
        rose=tuple((rose / rose.sum()).tolist()) if rose.any() else (0.0,) * ROSE_BINS,
    )


def _strips(mask: npt.NDArray[Any]) -> Iterator[tuple[Labels, Mask, slice]]:
    """Give strips with a margin: their classes, what is left out, and which rows are their own."""
    rows = max(1, min(_STRIP_PX, _STRIP_AREA_PX // mask.shape[1]))
    for top in range(0, mask.shape[0], rows):
        first, last = max(0, top - _MARGIN_PX), min(mask.shape[0], top + rows + _MARGIN_PX)
        out = mask[first:last] == LEFT_OUT
        classes = check_labels(np.where(out, 0, mask[first:last]))
        yield classes, out, slice(top - first, min(top + rows, mask.shape[0]) - first)


def _paint(mask: npt.NDArray[Any]) -> Iterator[tuple[Mask, Mask]]:
    """Give strips for `island_sizes`."""
    top = 0
    for classes, out, own in _strips(mask):
        beyond = ndimage.binary_dilation(out)[own] if out.any() else np.zeros_like(out[own])
        beyond[:, [0, -1]] = True
        # what touches the border goes on beyond it
        beyond[0] |= top == 0
        top += len(beyond)
        beyond[-1] |= top == mask.shape[0]
        yield (classes == CLASSES.index("background"))[own] & ~out[own], beyond


def _length(lines: Mask, own: slice) -> float:
    """Length of centre-lines, each step counted with the row that it begins in."""
    below = np.pad(lines, ((0, 1), (1, 1)))
    here, right = below[:-1, 1:-1], below[:-1, 2:]
    down, down_right, down_left = below[1:, 1:-1], below[1:, 2:], below[1:, :-2]
    left = below[:-1, :-2]
    # a slanting step counts only where no corner leads the same way
    level = (here & right)[own].sum() + (here & down)[own].sum()
    slanting = (here & down_right & ~right & ~down)[own].sum() + (here & down_left & ~left & ~down)[own].sum()
    return float(_LEVEL_STEP * level + _SLANTING_STEP * slanting)


def _widths(cracks: Mask, lines: Mask, own: slice) -> npt.NDArray[np.float32]:
    """Width of cracks at each pixel of their centre-lines.

    From how far the crack reaches across and how far down: a band that is cut by a level line over a length h, and by
    an upright one over v, is h v / sqrt(h^2 + v^2) wide.
    """
    padded = np.pad(cracks, 1)
    rows, columns = np.nonzero(lines[own])
    places = (rows + own.start + 1) * padded.shape[1] + columns + 1
    level, upright = (_chords(padded.ravel(), places, step) for step in (1, padded.shape[1]))
    # where a chord does not end, the other one is the width
    inverse = np.hypot(1 / level, 1 / upright)
    return np.asarray(1 / np.maximum(inverse, 1 / _MARGIN_PX), np.float32)


def _chords(flat: Mask, places: npt.NDArray[np.intp], step: int) -> npt.NDArray[np.float64]:
    """How many pixels of a crack lie in a row with each place; infinite if it is very long."""
    lengths = np.ones(len(places))
    for onward in (step, -step):
        left = np.arange(len(places))
        for further in range(1, _MARGIN_PX + 1):
            left = left[flat[places[left] + onward * further]]
            lengths[left] += 1
        lengths[left] = np.inf
    return lengths


def _rose(lines: Mask, own: slice) -> npt.NDArray[np.float64]:
    """Count pixels of centre-lines by direction, from the structure tensor of the softened lines."""
    if not lines.any():
        return np.zeros(ROSE_BINS)
    soft = ndimage.gaussian_filter(lines.astype(np.float32), _SMOOTHING_PX)
    down, across = ndimage.sobel(soft, axis=0), ndimage.sobel(soft, axis=1)
    xx, yy, xy = (ndimage.gaussian_filter(part, _SMOOTHING_PX) for part in (across**2, down**2, across * down))
    # the gradient is at right angles to the line; rows count downwards, angles upwards
    angle = np.pi / 2 - 0.5 * np.arctan2(2 * xy, xx - yy)
    bins = np.rint(angle[own][lines[own]] * ROSE_BINS / np.pi).astype(int) % ROSE_BINS
    return np.bincount(bins, minlength=ROSE_BINS).astype(np.float64)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def _none_for_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _none_for_nan(inner) for name, inner in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
