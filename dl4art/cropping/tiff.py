"""TIFF plates, read strip by strip or tile by tile.

tifffile parses the file and decodes each segment; the bytes are read with ordinary file reads, so that a file that is
cut short while we work is an error message and not a bus error, as it would be under a memory map.
"""

from __future__ import annotations

import logging
import math
import struct
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import tifffile
from numpy.typing import NDArray

from dl4art.cropping.scale import CM_PER_INCH, Scale
from dl4art.cropping.sources import LUMA, Grey, ToGrey
from dl4art.utils.errors import InputError
from dl4art.utils.limits import PLATE, WHOLE, check_memory

# tifffile logs what it finds odd; without a handler Python would print it among our results
logging.getLogger("tifffile").addHandler(logging.NullHandler())

_CACHE_BYTES = 128 * 2**20

_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _YCBCR = 0, 1, 2, 3, 6
_JPEG = (6, 7, 34892, 33007)  # compressions that tifffile decodes with tables of the page
_JPEG_2000 = (33003, 33004, 33005, 34712)
# none, CCITT, LZW, Deflate, PackBits, LZMA, Zstandard: what comes of them is no longer than the picture's shape says
_BOUNDED = (1, 2, 3, 4, 5, 8, 32773, 32946, 34925, 50000)
_RESAVE = "Save it again as grey, tiled TIFF."


@dataclass(frozen=True)
class TiffHeader:
    """What a TIFF's first page says of itself."""

    source: TiffSource
    dtype: str
    orientation: int
    tag: Scale | None
    polarity: str
    notes: tuple[str, ...]


def read_header(path: Path) -> TiffHeader:
    """Read what the first page of a TIFF says, and check that the file holds all the strips or tiles it lists.

    Raises
    ------
    InputError
        If it is damaged, cut short or of a kind that cannot be read.
    """
    try:
        with tifffile.TiffFile(path) as tif:
            page = tif.pages[0]
            pages = len(tif.pages)
            header = _header(path, page, pages)
    except InputError:
        raise
    except Exception as error:  # damaged bytes make the parser fail in any way
        raise InputError(f"{path}: damaged or cut short, not readable as TIFF ({error}). Copy it again.") from error
    header.source.check_length()
    return header


def _header(path: Path, page: Any, pages: int) -> TiffHeader:
    planes, depth, _, _, samples = page.shaped
    photometric = int(page.photometric)
    dtype = page.dtype
    if dtype is None or dtype.kind not in "uifb" or depth != 1 or 0 in page.shaped:
        raise InputError(f"{path}: pixels of {page.bitspersample} bits ({dtype}) cannot be read. {_RESAVE}")
    if photometric not in {_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _YCBCR}:
        kind = getattr(page.photometric, "name", photometric)
        raise InputError(f"{path}: pictures stored as {kind} cannot be read. {_RESAVE}")
    colours = photometric in {_RGB, _YCBCR} and planes * samples >= 3
    notes = []
    if pages > 1:
        notes.append(f"{pages} pages in the file: the first was read")
    if photometric == _PALETTE or colours:
        notes.append("palette colours made grey" if photometric == _PALETTE else "colours made grey")
    elif planes * samples > 1:
        notes.append("only the first channel was read")
    if colours and planes * samples > 3:
        notes.append("alpha or further channels left out")
    table = white = None
    if photometric == _PALETTE:
        table = (page.colormap.T.astype(np.float32) @ LUMA).astype(np.float32)
    if photometric == _WHITE_IS_ZERO:
        white = float(2**page.bitspersample - 1) if dtype.kind in "ub" else 0.0
    source = TiffSource(path, page, ToGrey(table, colours, white))
    orientation = page.tags.valueof("Orientation", 1)
    polarity = "as stored" if white is None else "inverted (the file says white is zero)"
    return TiffHeader(source, str(dtype), int(orientation), _tag_scale(page), polarity, tuple(notes))


def _stream_size(data: bytes) -> tuple[int, int] | None:
    """Rows and columns that a JPEG or JPEG 2000 stream says it has; None where it does not say."""
    if (at := data.find(b"\xff\x4f\xff\x51")) >= 0 and len(data) >= at + 24:
        right, bottom, left, top = struct.unpack(">4I", data[at + 8 : at + 24])
        return max(0, bottom - top), max(0, right - left)
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return struct.unpack(">2H", data[at + 5 : at + 9])
        at += 2 + length
    return None


def _tag_scale(page: Any) -> Scale | None:
    x, y = page.tags.valueof("XResolution"), page.tags.valueof("YResolution")
    # inches where the unit is left out, as the standard has it; unit 1 says that only the ratio is meant
    unit = {2: CM_PER_INCH, 3: 1.0}.get(int(page.tags.valueof("ResolutionUnit", 2)))
    if x is None or y is None or unit is None:
        return None
    return Scale(_ratio(x) / unit, _ratio(y) / unit, "TIFF tag")


def _ratio(value: tuple[int, int]) -> float:
    return value[0] / value[1] if value[1] else 0.0


@dataclass
class TiffSource:
    """The pixels of a TIFF page, decoded where they are asked for; the segments last used are kept."""

    path: Path
    page: Any
    to_grey: ToGrey
    _kept: OrderedDict[int, NDArray[Any]] = field(default_factory=OrderedDict, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    def __post_init__(self) -> None:
        page = self.page
        self._planes, _, rows, columns, self._samples = page.shaped
        self.shape: tuple[int, int] = rows, columns
        self._segment = (page.tilelength, page.tilewidth) if page.is_tiled else (page.rowsperstrip, columns)
        self._across = math.ceil(columns / self._segment[1])
        self._count = math.ceil(rows / self._segment[0]) * self._across  # in each plane
        # both look into the file when first asked for, so they are asked for while tifffile has it open
        self._decode = page.decode
        self._jpeg: dict[str, Any] = {}
        if int(page.compression) in _JPEG:
            self._jpeg = {"jpegtables": page.jpegtables, "jpegheader": page.jpegheader}
        self._dtype = np.dtype(page.parent.byteorder + page.dtype.char)
        self._row_bytes = columns * self._samples * self._dtype.itemsize
        # rows of plain strips can be read one by one, which matters where the whole picture is a single strip
        self._plain = (
            int(page.compression) == 1
            and not page.is_tiled
            and int(page.predictor) == 1
            and page.fillorder == 1
            and page.bitspersample == 8 * self._dtype.itemsize
        )
        decoded = self._segment[0] * self._segment[1]
        PLATE.check(self.path, rows * columns, f"a TIFF of {columns} x {rows} pixels", "")
        if int(page.compression) not in (*_BOUNDED, *_JPEG, *_JPEG_2000):
            kind = getattr(page.compression, "name", page.compression)
            raise InputError(f"{self.path}: compressed as {kind}, which is not read. {_RESAVE}")
        if not self._plain:
            WHOLE.check(self.path, decoded, "one compressed strip or tile, decoded whole,", _RESAVE)
            check_memory(self.path, 2 * decoded * self._samples * self._dtype.itemsize)
        if min(len(page.dataoffsets), len(page.databytecounts)) < self._count * self._planes:
            raise InputError(
                f"{self.path}: damaged, it lists {len(page.dataoffsets)} of {self._count * self._planes} strips."
            )

        places = (*self._segment, *page.dataoffsets, *page.databytecounts)
        # tags may hold numbers of any type
        if odd := [place for place in places if not isinstance(place, (int, np.integer)) or place < 0]:
            raise InputError(f"{self.path}: damaged, it has a strip or tile at byte, or of size, {odd[0]}.")

    def check_length(self) -> None:
        """Raise an InputError if the file ends before its last strip or tile does."""
        used = self._count * self._planes
        if self._plain:
            for index in range(used):
                rows = min(self._segment[0], self.shape[0] - index % self._count * self._segment[0])
                self._check_strip(index, rows * self._row_bytes)
        ends = zip(self.page.dataoffsets[:used], self.page.databytecounts[:used], strict=True)
        needed, present = max(offset + size for offset, size in ends), self.path.stat().st_size
        if needed > present:
            raise self._cut_short(f"its pixels end at byte {needed:,}, the file at {present:,}")

    def _check_strip(self, index: int, needed: int) -> None:
        listed = self.page.databytecounts[index]
        if 0 < listed < needed:
            raise self._cut_short(f"strip {index} holds {listed:,} bytes where {needed:,} are needed")

    def read(self, top: int, bottom: int, left: int, right: int) -> Grey:
        """Grey values of a rectangle."""
        return self.to_grey(self.stored(top, bottom, left, right))

    def stored(self, top: int, bottom: int, left: int, right: int) -> NDArray[Any]:
        """Give the samples of a rectangle as they are stored, (rows, columns, samples)."""
        planes = self._planes if self.to_grey.colours and self._planes >= 3 else 1
        block = np.empty((bottom - top, right - left, planes * self._samples), dtype=self._dtype)
        try:
            with open(self.path, "rb") as file:
                for plane in range(planes):
                    part = block[..., plane * self._samples : (plane + 1) * self._samples]
                    for index, first, last in self._touched(plane, top, bottom, left, right):
                        self._fill(file, index, (first, last), part, (top, left))
        except OSError as error:
            raise InputError(f"{self.path}: cannot be read ({error.strerror or error}).") from error
        return block

    def _touched(self, plane: int, top: int, bottom: int, left: int, right: int) -> Iterator[tuple[int, int, int]]:
        """Give the number of each segment that a rectangle touches, and the first and last of its rows needed."""
        length, width = self._segment
        if top >= bottom or left >= right:
            return
        for down in range(top // length, (bottom - 1) // length + 1):
            first, last = max(top - down * length, 0), min(bottom - down * length, length)
            for across in range(left // width, (right - 1) // width + 1):
                yield plane * self._count + down * self._across + across, first, last

    def _fill(
        self, file: BinaryIO, index: int, rows: tuple[int, int], part: NDArray[Any], corner: tuple[int, int]
    ) -> None:
        """Copy the wanted rows of a segment to where they belong in `part`, whose corner lies at `corner`."""
        down, across = divmod(index % self._count, self._across)
        y, x = down * self._segment[0], across * self._segment[1]
        pixels = self._rows(file, index, *rows) if self._plain else self._decoded(file, index)[rows[0] : rows[1]]
        left, right = max(x, corner[1]), min(x + self._segment[1], corner[1] + part.shape[1])
        target = part[y + rows[0] - corner[0] : y + rows[1] - corner[0], left - corner[1] : right - corner[1]]
        target[...] = pixels[:, left - x : right - x]

    def _rows(self, file: BinaryIO, index: int, first: int, last: int) -> NDArray[Any]:
        if self.page.databytecounts[index] == 0:  # a strip that was never written
            return np.full((last - first, self.shape[1], self._samples), self.page.nodata, dtype=self._dtype)
        data = self._bytes(
            file, self.page.dataoffsets[index] + first * self._row_bytes, (last - first) * self._row_bytes
        )
        return np.frombuffer(data, dtype=self._dtype).reshape(last - first, self.shape[1], self._samples)

    def _decoded(self, file: BinaryIO, index: int) -> NDArray[Any]:
        with self._lock:
            if index in self._kept:
                self._kept.move_to_end(index)
                return self._kept[index]
        size = self.page.databytecounts[index]
        data = self._bytes(file, self.page.dataoffsets[index], size) if size else None
        if data is not None and int(self.page.compression) not in _BOUNDED:
            self._check_stream(index, data)
        try:
            pixels, _, shape = self._decode(data, index, **self._jpeg)
        except Exception as error:  # each codec has errors of its own
            raise self._undecodable(index, str(error)) from error
        pixels = np.full(shape[1:], self.page.nodata, dtype=self._dtype) if pixels is None else pixels[0]
        with self._lock:
            self._kept[index] = pixels
            while len(self._kept) > 1 and sum(kept.nbytes for kept in self._kept.values()) > _CACHE_BYTES:
                self._kept.popitem(last=False)
        return pixels

    def _bytes(self, file: BinaryIO, offset: int, size: int) -> bytes:
        file.seek(offset)
        data = file.read(size)
        if len(data) < size:
            raise self._cut_short(f"{size:,} bytes were to be read at byte {offset:,}, {len(data):,} are there")
        return data

    def _check_stream(self, index: int, data: bytes) -> None:
        """Refuse a picture inside a strip or tile that is larger than that: its codec believes the inner one."""
        most = math.prod(_stream_size(data) or _stream_size(self._jpeg.get("jpegheader") or b"") or (0, 0))
        # codecs work on blocks, of 16 x 16 px at most
        if most > (self._segment[0] + 16) * (self._segment[1] + 16):
            raise self._undecodable(index, f"it holds a picture of {most / 1e6:,.0f} megapixels")

    def _undecodable(self, index: int, detail: str) -> InputError:
        down, across = divmod(index % self._count, self._across)
        return InputError(
            f"{self.path}: damaged, the {'tile' if self.page.is_tiled else 'strip'} at row {down * self._segment[0]}, "
            f"column {across * self._segment[1]} cannot be decoded ({detail}). Copy it again from where it came."
        )

    def _cut_short(self, detail: str) -> InputError:
        return InputError(f"{self.path}: the file is cut short ({detail}). Copy it again from where it came.")
