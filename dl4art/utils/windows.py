"""Windows of pictures that are too large, or of too many sizes, to be looked at as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from dl4art.utils.files import atomic_path

Pixels = npt.NDArray[np.uint8]
Place = tuple[int, int]
"""Top and left of a window in px."""


class Source(Protocol):
    """A picture that gives rectangles of itself."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns in px."""

    def read(self, top: int, bottom: int, left: int, right: int) -> Pixels:
        """Pixels of a rectangle inside the picture, (rows, columns, channels)."""


@dataclass(frozen=True, eq=False)
class InMemory:
    """A picture in memory, (rows, columns, channels)."""

    pixels: Pixels

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns in px."""
        return self.pixels.shape[0], self.pixels.shape[1]

    def read(self, top: int, bottom: int, left: int, right: int) -> Pixels:
        """Pixels of a rectangle."""
        return self.pixels[top:bottom, left:right]


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of many pictures, which may lie on disk.

    Attributes
    ----------
    pixels : ndarray of uint8, shape (all, side, side, channels)
        Of all windows.
    picture : ndarray of int, shape (n,)
        Number of the picture that each of these windows is from.
    row : ndarray of int, shape (n,)
        Where the pixels of each are.
    """

    pixels: Pixels
    picture: npt.NDArray[np.intp]
    row: npt.NDArray[np.intp]

    def __len__(self) -> int:
        return len(self.row)

    def window(self, number: int) -> Pixels:
        """Pixels of a window, (side, side, channels)."""
        return np.asarray(self.pixels[self.row[number]])

    def batch(self, start: int, stop: int) -> Pixels:
        """Pixels of some windows in order, (windows, side, side, channels)."""
        return np.asarray(self.pixels[self.row[start:stop]])

    def of(self, pictures: Iterable[int]) -> Windows:
        """Those of some pictures."""
        kept = np.isin(self.picture, np.fromiter(pictures, np.intp))
        return Windows(self.pixels, self.picture[kept], self.row[kept])

    def means(self, values: npt.NDArray[Any], pictures: Sequence[int]) -> npt.NDArray[np.float64]:
        """Mean over the windows of each of these pictures of a row of values for each window."""
        return np.stack([values[self.picture == picture].mean(axis=0, dtype=np.float64) for picture in pictures])


def random_places(shape: tuple[int, int], side: int, count: int, rng: np.random.Generator) -> list[Place]:
    """Draw places of windows; one alone where the picture holds no other."""
    rest = [max(length - side, 0) for length in shape]
    if not any(rest):
        return [(0, 0)]
    return [(int(top), int(left)) for top, left in rng.integers(0, np.array(rest) + 1, (count, 2))]


def even_places(shape: tuple[int, int], side: int, most: int) -> list[Place]:
    """Places of windows that cover a picture evenly, so many of them as it takes, but at most `most`."""
    counts = [-(-length // side) for length in shape]
    # fewer rows and columns, in the proportion that they have
    shrink = min(1.0, (most / (counts[0] * counts[1])) ** 0.5)
    rows = max(1, int(counts[0] * shrink))
    columns = max(1, min(int(counts[1] * shrink), most // rows))
    rows = min(rows, most // columns)
    edges = [np.linspace(0, max(length - side, 0), count) for length, count in zip(shape, (rows, columns), strict=True)]
    tops, lefts = (
        # a single one in the middle
        [max(length - side, 0) // 2] if len(edge) == 1 else np.rint(edge).astype(int).tolist()
        for length, edge in zip(shape, edges, strict=True)
    )
    return [(top, left) for top in tops for left in lefts]


def cut_window(source: Source, place: Place, side: int) -> Pixels:
    """Cut a window, (side, side, channels); a picture that is too small is mirrored at its border."""
    rows, columns = source.shape
    top, left = place
    pixels = source.read(top, min(top + side, rows), left, min(left + side, columns))
    missing = [(0, side - length) for length in pixels.shape[:2]]
    return np.pad(pixels, (*missing, (0, 0)), mode="symmetric") if any(after for _, after in missing) else pixels


def cut_windows(sources: Iterable[tuple[Source, Sequence[Place]]], side: int) -> Windows:
    """Cut windows of many pictures into memory, each picture with the places of its own."""
    pixels, numbers = zip(*_cut(sources, side), strict=True)
    return Windows(np.stack(pixels), np.array(numbers, np.intp), np.arange(len(numbers)))


def cut_to_disk(path: str | Path, sources: Iterable[tuple[Source, Sequence[Place]]], side: int) -> Windows:
    """Cut windows of many pictures into a file, whole or not at all, from which they are read when they are needed."""
    numbers: list[int] = []
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        for window, number in _cut(sources, side):
            file.write(window.tobytes())
            numbers.append(number)
            channels = window.shape[-1]
    shape = (len(numbers), side, side, channels)
    return Windows(np.memmap(path, np.uint8, "r", shape=shape), np.array(numbers, np.intp), np.arange(len(numbers)))


def _cut(sources: Iterable[tuple[Source, Sequence[Place]]], side: int) -> Iterator[tuple[Pixels, int]]:
    for number, (source, places) in enumerate(sources):
        yield from ((cut_window(source, place, side), number) for place in places)
