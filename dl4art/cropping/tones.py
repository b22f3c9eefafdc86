"""From a plate's grey values to 8 bit, the same for all crops of a plate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dl4art.cropping.plate import Plate
from dl4art.cropping.sources import Grey
from dl4art.cropping.usable import CELL_CM, usable_area

_CELLS = 400  # looked at; spread over the plate, so that no part of it decides
_TAIL = 0.001  # of the pixels at either end that may lie outside ...
_MARGIN = 0.05  # ... the range before it is widened by this share, for tones that were not looked at


def tone_range(plate: Plate, usable: NDArray[np.bool_] | None = None) -> tuple[float, float]:
    """Choose the grey values that become 0 and 255.

    Plates of 8 bit keep their values. For others the range covers all but the outermost tones of the usable area,
    robustly: lead letters and blank film do not squeeze the weave into a few levels.

    Parameters
    ----------
    plate : Plate
        The plate.
    usable : array of bool, optional
        What `usable_area` returned for it; found anew if left out.
    """
    if plate.dtype == "uint8":
        return 0.0, 255.0
    usable = usable_area(plate) if usable is None else usable
    cells = np.argwhere(usable if usable.any() else ~usable)
    cells = cells[np.linspace(0, len(cells) - 1, min(_CELLS, len(cells))).astype(int)]
    down, across = CELL_CM * plate.px_per_cm_y, CELL_CM * plate.px_per_cm_x
    values = [
        plate.read(slice(int(i * down), int((i + 1) * down)), slice(int(j * across), int((j + 1) * across))).ravel()
        for i, j in cells
    ]
    low, high = (float(value) for value in np.quantile(np.concatenate(values), (_TAIL, 1 - _TAIL)))
    margin = _MARGIN * (high - low) or 0.5
    return low - margin, high + margin


def to_uint8(pixels: Grey, tones: tuple[float, float]) -> NDArray[np.uint8]:
    """Map grey values linearly to 0..255, `tones` being the ends, and cut off what lies beyond."""
    low, high = tones
    return np.asarray(np.rint(np.clip((pixels - low) * (255 / (high - low)), 0, 255)), dtype=np.uint8)
