"""From the files of a collection to its canvases, each plate encoded once and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dl4art.cropping.reading import read_plate
from dl4art.siamese.canvas import CROPS
from dl4art.siamese.canvas_files import CanvasFiles
from dl4art.siamese.catalogue import Catalogue, renamed
from dl4art.siamese.comparer import FabricComparer
from dl4art.siamese.encoded import EncodedCanvas
from dl4art.utils.cli import ScaleArguments
from dl4art.utils.errors import InputError, reason
from dl4art.utils.files import sha256


@dataclass(frozen=True)
class EncodeOptions:
    """How plates are encoded."""

    crops: int = CROPS
    seed: int = 0
    px_per_cm: float | None = None
    size_cm: tuple[float, float] | None = None

    @property
    def scale(self) -> ScaleArguments:
        """Keywords for reading a plate."""
        return {"px_per_cm": self.px_per_cm, "size_cm": self.size_cm}


@dataclass(frozen=True)
class FailedPlate:
    """A plate that could not be used, and why."""

    canvas: str
    file: str
    message: str


@dataclass(frozen=True, eq=False)
class KeptCanvas:
    """A canvas that can be compared."""

    name: str
    files: tuple[Path, ...]
    """Of its plates that could be used."""
    content: str
    """Key in the catalogue."""
    encoded: EncodedCanvas


def encode_collection(
    comparer: FabricComparer,
    canvases: Sequence[CanvasFiles],
    catalogue: Catalogue,
    options: EncodeOptions,
    *,
    advance: Callable[[int], None] = lambda _plates: None,
) -> tuple[list[KeptCanvas], list[FailedPlate]]:
    """Encode the canvases of which the catalogue does not know the plates, and keep each as soon as it is done.

    Parameters
    ----------
    comparer : FabricComparer
        Encodes.
    canvases : sequence of CanvasFiles
        The collection.
    catalogue : Catalogue
        Where plates and canvases are kept.
    options : EncodeOptions
        How they are encoded.
    advance : callable
        Told how many plates are done.

    Returns
    -------
    (list of KeptCanvas, list of FailedPlate)
    """
    kept, failed = [], []
    for canvas in canvases:
        found, wrong = encode_canvas(comparer, canvas, catalogue, options, advance=advance)
        failed += wrong
        if found is not None:
            kept.append(found)
    return kept, failed


def encode_canvas(
    comparer: FabricComparer,
    canvas: CanvasFiles,
    catalogue: Catalogue,
    options: EncodeOptions,
    *,
    keep: bool = True,
    advance: Callable[[int], None] = lambda _plates: None,
) -> tuple[KeptCanvas | None, list[FailedPlate]]:
    """Encode one canvas; see `encode_collection`. Without `keep`, nothing is written."""
    plates: dict[Path, tuple[str, EncodedCanvas]] = {}
    failed = []
    for file in canvas.files:
        try:
            plates[file] = _plate(comparer, file, catalogue, options, keep=keep)
        except _PlateError as error:
            failed.append(FailedPlate(canvas.name, str(file), str(error)))
        advance(1)
    if not plates:
        return None, failed
    contents = sorted({content for content, _ in plates.values()})
    encoded = comparer.join([plate for _, plate in plates.values()], canvas.name, crops=options.crops)
    content = contents[0] if len(contents) == 1 else _digest("canvas", *contents)
    if keep and catalogue.find(content) is None:
        catalogue.keep(content, encoded)
    return KeptCanvas(canvas.name, tuple(plates), content, encoded), failed


class _PlateError(Exception):
    """A plate that cannot be used, unlike a catalogue that cannot be."""


def _plate(
    comparer: FabricComparer,
    file: Path,
    catalogue: Catalogue,
    options: EncodeOptions,
    *,
    keep: bool,
) -> tuple[str, EncodedCanvas]:
    """Key and encoding of one plate, out of the catalogue if it is there."""
    with _usable(file):
        content = _content(file, options)
    encoded = catalogue.find(content)
    if encoded is None:
        with _usable(file):
            encoded = comparer.encode(read_plate(file, **options.scale), crops=options.crops, seed=options.seed)
        if keep:
            catalogue.keep(content, encoded)
    return content, renamed(encoded, str(file))


@contextmanager
def _usable(file: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # one bad plate is a row, whatever is wrong with it
        raise _PlateError(reason(error, file)) from error


def _content(file: Path, options: EncodeOptions) -> str:
    """Key of a plate: its bytes, and the scale where that was stated."""
    if not file.is_file():
        raise InputError(f"{file}: no such file")
    scale: list[Any] = [value for value in (options.px_per_cm, options.size_cm) if value is not None]
    return _digest(sha256(file), *map(repr, scale)) if scale else sha256(file)


def _digest(*texts: str) -> str:
    return hashlib.sha256(" ".join(texts).encode()).hexdigest()
