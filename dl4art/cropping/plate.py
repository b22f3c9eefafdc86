"""The plate: a digitised radiograph whose scale is known and whose pixels are read as they are needed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dl4art.cropping import scale as scales
from dl4art.cropping.resampling import resample
from dl4art.cropping.sources import ArraySource, Grey, Source, ToGrey
from dl4art.utils.errors import InputError

PX_PER_CM = 200.0
"""The scale at which dl4art looks at canvas."""
EDGE_CM = 0.005
"""A rectangle may reach out of the plate by so much, where border pixels are repeated: sizes get rounded on the way."""


@dataclass(frozen=True)
class Plate:
    """One digitised radiograph of a canvas or a part of it.

    Attributes
    ----------
    path : Path
        The file.
    shape : (int, int)
        Rows and columns in pixels, turned as the file says it is to be looked at.
    px_per_cm_x, px_per_cm_y : float
        Scale across and down.
    scale_source : str
        Who says so: 'TIFF tag', 'user', 'assumed: 300x300 crop', ...
    dtype : str
        Of the stored samples, for instance 'uint16'.
    polarity : str
        'as stored', or 'inverted' and why.
    notes : tuple of str
        What a person should know about how the file was read.
    """

    path: Path
    shape: tuple[int, int]
    px_per_cm_x: float
    px_per_cm_y: float
    scale_source: str
    dtype: str
    polarity: str = "as stored"
    notes: tuple[str, ...] = ()
    source: Source = field(kw_only=True, repr=False, compare=False)

    @property
    def px_per_cm(self) -> float:
        """Scale in pixels per centimetre; the geometric mean where pixels are not square."""
        return math.sqrt(self.px_per_cm_x * self.px_per_cm_y)

    @property
    def size_cm(self) -> tuple[float, float]:
        """Width and height in cm."""
        return self.shape[1] / self.px_per_cm_x, self.shape[0] / self.px_per_cm_y

    def read(self, rows: slice = slice(None), cols: slice = slice(None)) -> Grey:
        """Read a rectangle of pixels as they are stored; only the strips or tiles that it touches are decoded.

        Parameters
        ----------
        rows, cols : slice
            In pixels, without a step; cut to the plate as slices of arrays are.

        Returns
        -------
        array of shape (rows, cols), float32
            Grey values in the units of the file.

        Raises
        ------
        InputError
            If the file is cut short or damaged there, or holds values that are not numbers.
        """
        top, bottom, _ = rows.indices(self.shape[0])
        left, right, _ = cols.indices(self.shape[1])
        return self._read(top, max(top, bottom), left, max(left, right))

    def sample(
        self,
        x_cm: float = 0.0,
        y_cm: float = 0.0,
        width_cm: float | None = None,
        height_cm: float | None = None,
        px_per_cm: float = PX_PER_CM,
    ) -> Grey:
        """Resample a rectangle, or the whole, to a stated scale, with anti-aliasing and at exact coordinates.

        Parameters
        ----------
        x_cm, y_cm : float
            Upper-left corner, in cm from the upper-left corner of the plate.
        width_cm, height_cm : float, optional
            Size; to the plate's edge if left out.
        px_per_cm : float
            Scale of the result.

        Returns
        -------
        array of shape (round(height_cm * px_per_cm), round(width_cm * px_per_cm)), float32
            Grey values in the units of the file. Two rectangles whose corners lie a whole number of result pixels
            apart agree where they overlap.

        Raises
        ------
        InputError
            If the rectangle reaches out of the plate by more than `EDGE_CM`, or cannot be read.
        """
        width, height = self.size_cm
        width_cm = width - x_cm if width_cm is None else width_cm
        height_cm = height - y_cm if height_cm is None else height_cm
        right, bottom = width + EDGE_CM, height + EDGE_CM
        inside = min(x_cm, y_cm) >= -1e-9 and x_cm + width_cm <= right and y_cm + height_cm <= bottom
        if not (inside and width_cm > 0 and height_cm > 0):
            raise InputError(
                f"{self.path}: {width_cm:.4g} x {height_cm:.4g} cm at x = {x_cm:.4g}, y = {y_cm:.4g} cm do not lie on "
                f"this plate of {width:.4g} x {height:.4g} cm. Choose a rectangle inside it, or check the scale."
            )
        # a corner that is meant to fall on a pixel's edge does so, whatever the rounding of the division
        start = _snap(y_cm * self.px_per_cm_y), _snap(x_cm * self.px_per_cm_x)
        step = _snap(self.px_per_cm_y / px_per_cm), _snap(self.px_per_cm_x / px_per_cm)
        count = max(1, round(height_cm * px_per_cm)), max(1, round(width_cm * px_per_cm))
        return resample(self._read, self.shape, start, step, count)

    def _read(self, top: int, bottom: int, left: int, right: int) -> Grey:
        try:
            block = self.source.read(top, bottom, left, right)
        except MemoryError as error:
            raise InputError(
                f"{self.path}: {bottom - top} x {right - left} pixels do not fit in memory. Read a part of the plate; "
                "if it is not as large as that, the file is damaged."
            ) from error
        if np.dtype(self.dtype).kind == "f" and not np.isfinite(block).all():
            _refuse_nonfinite(self.path, block, top, left)
        return block


def plate_from_array(array: NDArray[Any], px_per_cm: float, name: str = "array") -> Plate:
    """Make a plate of a grey picture in memory.

    Parameters
    ----------
    array : array of shape (rows, columns)
        Grey values.
    px_per_cm : float
        Its scale.
    name : str
        What messages call it.

    Raises
    ------
    InputError
        If the array is not a grey picture.
    ScaleError
        If the scale cannot be right.
    """
    array = np.asarray(array)
    if array.ndim != 2 or 0 in array.shape or array.dtype.kind not in "uifb":
        raise InputError(
            f"{name}: an array of shape {array.shape} and type {array.dtype} is not a grey picture. "
            "Pass (rows, columns) of numbers."
        )
    shape = array.shape[0], array.shape[1]
    scale = scales.resolve(name, shape, None, px_per_cm=px_per_cm)
    source = ArraySource(array, ToGrey())
    return Plate(Path(name), shape, scale.x, scale.y, scale.source, str(array.dtype), source=source)


def _snap(value: float) -> float:
    nearest = float(round(value))
    return nearest if abs(value - nearest) < 1e-6 else value


def _refuse_nonfinite(path: Path, block: Grey, top: int, left: int) -> None:
    bad = ~np.isfinite(block)
    row, column = (int(i) for i in np.argwhere(bad)[0])
    raise InputError(
        f"{path}: {int(np.isnan(block).sum())} NaN and {int(np.isinf(block).sum())} infinite pixels in rows {top} to "
        f"{top + block.shape[0]}, columns {left} to {left + block.shape[1]}; the first in row {top + row}, column "
        f"{left + column}. Replace them by the grey of the film and save the file again."
    )
