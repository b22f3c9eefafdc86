"""Where the grey values of a plate come from: an array, or a file that is read piece by piece."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.float32]
"""Grey values as the file states them, not stretched to 0..1."""

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of red, green and blue in grey (ITU-R BT.601, as in most programs); they add up to one."""


class Source(Protocol):
    """Something that gives the grey values of any rectangle of a picture."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns in pixels."""

    def read(self, top: int, bottom: int, left: int, right: int) -> Grey:
        """Grey values of a rectangle that lies inside the picture."""


@dataclass(frozen=True)
class ToGrey:
    """How stored samples become grey values in which nothing but brightness is left.

    Parameters
    ----------
    table : array of shape (n,), optional
        Grey value of each palette entry.
    colours : bool
        The first three samples are red, green and blue; otherwise the first sample is grey and the rest is left out.
    white : float, optional
        Samples count downwards from this value (film negatives stored as "white is zero").
    """

    table: Grey | None = None
    colours: bool = False
    white: float | None = None

    def __call__(self, samples: NDArray[Any]) -> Grey:
        """Turn samples of shape (rows, columns) or (rows, columns, samples) into grey values."""
        if self.table is not None:
            plane = samples if samples.ndim == 2 else samples[..., 0]
            return np.asarray(self.table[np.minimum(plane, len(self.table) - 1)])
        if self.colours:
            return np.asarray(samples[..., :3].astype(np.float32) @ LUMA, dtype=np.float32)
        plane = samples if samples.ndim == 2 else samples[..., 0]
        if self.white is not None:
            return (self.white - plane.astype(np.float64)).astype(np.float32)
        with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, and is refused as such
            return plane.astype(np.float32)


@dataclass(frozen=True)
class ArraySource:
    """A picture that is in memory, with the rule that makes it grey."""

    samples: NDArray[Any]
    to_grey: ToGrey

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns in pixels."""
        return self.samples.shape[0], self.samples.shape[1]

    def read(self, top: int, bottom: int, left: int, right: int) -> Grey:
        """Grey values of a rectangle."""
        return self.to_grey(self.stored(top, bottom, left, right))

    def stored(self, top: int, bottom: int, left: int, right: int) -> NDArray[Any]:
        """Give the samples of a rectangle as they are stored, (rows, columns) or (rows, columns, samples)."""
        return self.samples[top:bottom, left:right]


# EXIF and TIFF orientation: whether to mirror rows, to mirror columns, and then to swap the axes
_ORIENTATIONS: Sequence[tuple[bool, bool, bool]] = (
    (False, False, False),
    (False, True, False),
    (True, True, False),
    (True, False, False),
    (False, False, True),
    (True, False, True),
    (True, True, True),
    (False, True, True),
)


@dataclass(frozen=True)
class TurnedSource:
    """A picture as it is to be looked at, over one that is stored mirrored or on its side."""

    stored: Source
    orientation: int

    @property
    def swapped(self) -> bool:
        """Whether stored rows are columns of the picture."""
        return _ORIENTATIONS[self.orientation - 1][2]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns in pixels, after turning."""
        rows, columns = self.stored.shape
        return (columns, rows) if self.swapped else (rows, columns)

    def read(self, top: int, bottom: int, left: int, right: int) -> Grey:
        """Grey values of a rectangle of the turned picture."""
        mirror_rows, mirror_columns, swap = _ORIENTATIONS[self.orientation - 1]
        rows, columns = self.stored.shape
        if swap:
            top, bottom, left, right = left, right, top, bottom
        if mirror_rows:
            top, bottom = rows - bottom, rows - top
        if mirror_columns:
            left, right = columns - right, columns - left
        block = self.stored.read(top, bottom, left, right)
        block = block[:: -1 if mirror_rows else 1, :: -1 if mirror_columns else 1]
        return np.ascontiguousarray(block.swapaxes(0, 1) if swap else block)


def turned(source: Source, orientation: int) -> Source:
    """Give the picture as its EXIF or TIFF orientation (1 to 8) says it is to be looked at; other values mean 1."""
    return TurnedSource(source, orientation) if 2 <= orientation <= 8 else source
