"""What a segmentation comes to in numbers: how much paint is lost, how much is cracked, and how."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from dl4art.craquelure.metrics import check_labels
from dl4art.craquelure.skeleton import Mask, skeletonise
from dl4art.simulation.paintings import CLASSES
from dl4art.utils.errors import InputError

ROSE_BINS = 12
"""Directions of cracks are counted in so many bins of 15 degrees."""
_STRIP_PX = 1024  # rows that are worked on at a time
_MARGIN_PX = 64  # and how many more on either side: wider than half of any crack
# length of a step between two pixels of a centre-line, level or upright, and slanting: unbiased over all directions
# (Kulpa, Area and Perimeter Measurement of Blobs in Discrete Binary Pictures, 1977)
_LEVEL_STEP, _SLANTING_STEP = 0.948, 1.343
_SMOOTHING_PX = 2.5


@dataclass(frozen=True)
class IslandSizes:
    """Areas of the islands that cracks and losses close off wholly within the picture.

    Attributes
    ----------
    count : int
        How many.
    small, median, large : float
        10th, 50th and 90th percentile of their areas in px; NaN if there are none.
    """

    count: int
    small: float
    median: float
    large: float


@dataclass(frozen=True)
class DamageMeasures:
    """Cracks and losses of a picture, in pixels; the properties give centimetres where the scale is known.

    Attributes
    ----------
    shape : (int, int)
        Rows and columns of the picture.
    px_per_cm : float or None
        Scale; None if it is not known.
    loss_px, crack_px : int
        Pixels of either class.
    crack_length_px : float
        Length of all centre-lines.
    wide_px : float
        95th percentile of the width of cracks along their centre-lines; NaN without cracks.
    islands : IslandSizes
        Of the paint between the cracks.
    rose : tuple of float
        Share of the length of cracks in each of `ROSE_BINS` directions; the first bin is centred on level, the next
        ones follow counter-clockwise.
    """

    shape: tuple[int, int]
    px_per_cm: float | None
    loss_px: int
    crack_px: int
    crack_length_px: float
    wide_px: float
    islands: IslandSizes
    rose: tuple[float, ...]

    @property
    def loss_percent(self) -> float:
        """Share of the picture that is paint loss, in percent."""
        return 100 * self.loss_px / math.prod(self.shape)

    @property
    def crack_percent(self) -> float:
        """Share of the picture that is craquelure, in percent."""
        return 100 * self.crack_px / math.prod(self.shape)

    @property
    def area_cm2(self) -> float | None:
        """Area of the picture."""
        return None if self.px_per_cm is None else math.prod(self.shape) / self.px_per_cm**2

    @property
    def loss_cm2(self) -> float | None:
        """Area of paint loss."""
        return None if self.px_per_cm is None else self.loss_px / self.px_per_cm**2

    @property
    def crack_cm_per_cm2(self) -> float | None:
        """Length of cracks on a square centimetre."""
        if self.px_per_cm is None:
            return None
        return self.crack_length_px * self.px_per_cm / math.prod(self.shape)

    @property
    def mean_width_px(self) -> float:
        """Mean width of cracks: their area over their length; NaN without cracks."""
        return self.crack_px / self.crack_length_px if self.crack_length_px else math.nan

    @property
    def mean_width_mm(self) -> float | None:
        """The same in millimetres."""
        return None if self.px_per_cm is None else 10 * self.mean_width_px / self.px_per_cm

    @property
    def median_island_mm2(self) -> float | None:
        """Median area of the islands."""
        return None if self.px_per_cm is None else 100 * self.islands.median / self.px_per_cm**2

    def to_dict(self) -> dict[str, Any]:
        """Everything, for JSON: numbers that do not exist are None."""
        derived = (
            "loss_percent",
            "crack_percent",
            "area_cm2",
            "loss_cm2",
            "crack_cm_per_cm2",
            "mean_width_px",
            "mean_width_mm",
            "median_island_mm2",
        )
        values = {**asdict(self), **{name: getattr(self, name) for name in derived}}
        values["shape"], values["rose"] = list(self.shape), list(self.rose)
        return {name: _none_for_nan(value) for name, value in values.items()}


def measure_damage(mask: npt.NDArray[Any], px_per_cm: float | None = None) -> DamageMeasures:
    """Measure the cracks and losses of a segmentation.

    Worked on in strips of rows, but for the islands, which take four bytes a pixel.

    Parameters
    ----------
    mask : ndarray of int, shape (h, w)
        Numbers of `CLASSES`.
    px_per_cm : float, optional
        Scale of the picture.

    Raises
    ------
    InputError
        If the mask holds other numbers, is empty, or the scale is not above zero.
    """
    mask = check_labels(np.asarray(mask))
    if mask.ndim != 2 or not mask.size:
        raise InputError(f"mask: shape {mask.shape} is no picture. Give a number for each pixel, (rows, columns).")
    if px_per_cm is not None and not (math.isfinite(px_per_cm) and px_per_cm > 0):
        raise InputError(f"px_per_cm is {px_per_cm:g}; state a number above zero, or leave it out.")
    cracks = mask == CLASSES.index("craquelure")
    length, widths, rose = 0.0, [], np.zeros(ROSE_BINS)
    for top in range(0, mask.shape[0], _STRIP_PX):
        first, last = max(0, top - _MARGIN_PX), min(mask.shape[0], top + _STRIP_PX + _MARGIN_PX)
        strip = cracks[first:last]
        own = slice(top - first, min(top + _STRIP_PX, mask.shape[0]) - first)
        lines = skeletonise(strip)
        length += _length(lines, own)
        widths.append(_widths(strip, lines, own))
        rose += _rose(lines, own)
    wide = np.concatenate(widths)
    return DamageMeasures(
        shape=(mask.shape[0], mask.shape[1]),
        px_per_cm=px_per_cm,
        loss_px=int((mask == CLASSES.index("loss")).sum()),
        crack_px=int(cracks.sum()),
        crack_length_px=length,
        wide_px=float(np.quantile(wide, 0.95)) if len(wide) else math.nan,
        islands=_islands(mask == CLASSES.index("background")),
        rose=tuple((rose / rose.sum()).tolist()) if rose.any() else (0.0,) * ROSE_BINS,
    )


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


def _widths(strip: Mask, lines: Mask, own: slice) -> npt.NDArray[np.float32]:
    """Width of cracks at each pixel of their centre-lines."""
    if not lines.any():
        return np.empty(0, np.float32)
    # from the centre of a pixel to that of the nearest one outside: half a pixel too much on either side
    half = ndimage.distance_transform_edt(strip)
    return np.asarray(2 * half[own][lines[own]] - 1, np.float32)


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


def _islands(paint: Mask) -> IslandSizes:
    number, count = ndimage.label(paint)
    sizes = np.bincount(number.ravel(), minlength=count + 1)
    # what touches the border goes on beyond it
    open_ = np.unique(np.concatenate([number[0], number[-1], number[:, 0], number[:, -1]]))
    sizes[open_] = 0
    sizes[0] = 0
    areas = sizes[sizes > 0]
    if not len(areas):
        return IslandSizes(0, math.nan, math.nan, math.nan)
    small, median, large = np.quantile(areas, (0.1, 0.5, 0.9)).tolist()
    return IslandSizes(len(areas), small, median, large)


def _none_for_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _none_for_nan(inner) for name, inner in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
