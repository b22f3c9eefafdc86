"""Photographs in colour, read piece by piece where their format allows it."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dl4art.cropping import scale as scales
from dl4art.cropping.pictures import TILED, read_picture
from dl4art.cropping.reading import kind_of_file
from dl4art.cropping.scale import Scale
from dl4art.cropping.sources import ArraySource, Source, ToGrey, turned
from dl4art.utils.errors import InputError, ScaleError
from dl4art.utils.limits import WHOLE, check_memory

Colours = NDArray[np.uint8]
"""Red, green and blue, (rows, columns, 3)."""
_PIECE_PX = 4_000_000  # read at a time where all of a photograph is looked at


COARSEST = 2.0
"""Pixels per centimetre below which a photograph shows no paint, but a wall."""


class _Stored(Protocol):
    @property
    def shape(self) -> tuple[int, int]: ...

    def stored(self, top: int, bottom: int, left: int, right: int) -> NDArray[Any]: ...


@dataclass(frozen=True)
class _InColour:
    """A source whose samples are given as colours of 8 bits."""

    samples: _Stored
    palette: Colours | None
    inverted: bool

    @property
    def shape(self) -> tuple[int, int]:
        return self.samples.shape

    def read(self, top: int, bottom: int, left: int, right: int) -> Colours:
        block = self.samples.stored(top, bottom, left, right)
        if self.palette is not None:
            # one bit a pixel comes as truth values; what lies beyond the palette is its last colour
            numbers = np.minimum(block.reshape(block.shape[:2]).astype(np.intp), len(self.palette) - 1)
            return np.asarray(self.palette[numbers])
        if block.dtype == bool:
            block = block.astype(np.uint8) * np.uint8(255)
        elif block.dtype != np.uint8:
            # 16 bits, which Pillow may keep in 32
            block = (block >> 8).astype(np.uint8)
        if block.ndim == 2 or block.shape[2] < 3:
            block = block if block.ndim == 2 else block[..., 0]
            block = np.repeat(block[..., None], 3, axis=2)
        return 255 - block[..., :3] if self.inverted else block[..., :3]


@dataclass(frozen=True)
class Photograph:
    """A photograph that is open for reading.

    Attributes
    ----------
    path : Path
        The file.
    shape : (int, int)
        Rows and columns, turned as its orientation says.
    scale : Scale or None
        Pixels per centimetre; None if neither the file nor the user states it.
    notes : tuple of str
        What was left out or turned in reading, and why there is no scale.
    """

    path: Path
    shape: tuple[int, int]
    scale: Scale | None
    notes: tuple[str, ...]
    source: Source = field(repr=False)

    @property
    def px_per_cm(self) -> float | None:
        """Mean of the scales across and down."""
        return None if self.scale is None else (self.scale.x * self.scale.y) ** 0.5

    def read(self, top: int, bottom: int, left: int, right: int) -> Colours:
        """Colours of a rectangle inside the picture."""
        return cast(Colours, self.source.read(top, bottom, left, right))


def read_photograph(
    path: str | Path, px_per_cm: float | None = None, *, size_cm: tuple[float, float] | None = None
) -> Photograph:
    """Open a photograph: TIFF, PNG or JPEG, told apart by their first bytes; grey, 1-bit and CMYK ones too.

    Tiled and uncompressed TIFFs are read piece by piece, so that their size is not bounded by memory; others are
    decoded whole, up to a limit.

    Parameters
    ----------
    path : path
        The file.
    px_per_cm : float, optional
        Pixels per centimetre of painting; overrides the file.
    size_cm : (float, float), optional
        Width and height of what the picture shows, in cm, instead of `px_per_cm`.

    Raises
    ------
    InputError
        If the file is missing, damaged, too large for its format or no picture of 1, 8 or 16 bits.
    ScaleError
        If the scale that the user states cannot be right. A file that states none is no error.
    """
    path = Path(path)
    kind = kind_of_file(path)
    if kind == "DICOM":
        raise InputError(f"{path}: a DICOM file, which is no photograph in colour. Export it as TIFF.")
    source, orientation, tag, notes = _tiff(path) if kind == "TIFF" else _picture(path, kind)
    upright = turned(cast(Source, source), orientation)
    if 2 <= orientation <= 8:
        notes = (*notes, f"turned as its orientation tag ({orientation}) says")
        tag = tag.swapped() if tag and orientation >= 5 else tag
    scale = None
    try:
        scale = scales.resolve(str(path), upright.shape, tag, px_per_cm=px_per_cm, size_cm=size_cm, coarsest=COARSEST)
    except ScaleError as error:
        if px_per_cm is not None or size_cm is not None:
            raise
        notes = (*notes, f"no scale, so no centimetres: {str(error).removeprefix(f'{path}: ')}")
    return Photograph(path, upright.shape, scale, notes, upright)


def fingerprint(path: str | Path) -> str:
    """Read a photograph to its end, and give the SHA-256 of its colours: equal for two files that show the same.

    Raises
    ------
    InputError
        As `read_photograph`, or if it is damaged anywhere.
    """
    photograph = read_photograph(path)
    rows, columns = photograph.shape
    digest = hashlib.sha256(f"{rows} {columns}".encode())
    step = max(1, _PIECE_PX // columns)
    for top in range(0, rows, step):
        digest.update(photograph.read(top, min(top + step, rows), 0, columns).tobytes())
    return digest.hexdigest()


def _picture(path: Path, kind: str) -> tuple[_InColour, int, Scale | None, tuple[str, ...]]:
    picture = read_picture(path, kind)
    _check_depth(path, picture.source.samples.dtype)
    return _InColour(picture.source, None, False), picture.orientation, picture.tag, _in_colour(picture.notes)


def _tiff(path: Path) -> tuple[_InColour, int, Scale | None, tuple[str, ...]]:
    from dl4art.cropping.tiff import read_header

    try:
        header = read_header(path)
    except InputError as error:
        return _InColour(_decoded(path, error), None, False), 1, None, ("decoded whole and converted to RGB",)
    _check_depth(path, np.dtype(header.dtype))
    page, to_grey = header.source.page, header.source.to_grey
    palette = None if to_grey.table is None else (page.colormap.T >> 8).astype(np.uint8)
    source = _InColour(header.source, palette, to_grey.white is not None)
    return source, header.orientation, header.tag, _in_colour(header.notes)


def _in_colour(notes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(note for note in notes if not note.endswith("made grey"))


def _decoded(path: Path, first: InputError) -> ArraySource:
    """Decode a TIFF of a kind that is not read piece by piece, such as CMYK; `first` says why it is not."""
    try:
        with warnings.catch_warnings(), Image.open(path) as image:
            warnings.simplefilter("ignore")
            if image.mode not in {"CMYK", "LAB", "YCbCr"}:
                raise first
            WHOLE.check(path, image.width * image.height, "a picture of this kind, decoded whole,", TILED)
            check_memory(path, 8 * image.width * image.height)
            return ArraySource(np.array(image.convert("RGB")), ToGrey(colours=True))
    except InputError:
        raise
    except Exception as error:  # damaged bytes make the parser fail in any way
        raise first from error


def _check_depth(path: Path, dtype: np.dtype[Any]) -> None:
    if dtype.kind not in "bui":
        raise InputError(f"{path}: pixels of type {dtype} are no colours. Save it again with 8 or 16 bits a channel.")
