"""From the files of a collection to its canvases, each plate encoded once and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dl4art.cropping.reading import read_plate
from dl4art.siamese.canvas import CROPS
from dl4art.siamese.canvas_files import CanvasFiles
from dl4art.siamese.catalogue import Catalogue, renamed
from dl4art.siamese.comparer import FabricComparer
from dl4art.siamese.encoded import EncodedCanvas
from dl4art.utils.cli import ScaleArguments
from dl4art.utils.errors import InputError, SchedulerError, reason
from dl4art.utils.files import State, check_unchanged, file_state, sha256
from dl4art.utils.scheduling import Sent, Tell, as_done


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


class PlateEncoder:
    """Encodes plates, here or on other machines."""

    def __init__(self, comparer: FabricComparer, options: EncodeOptions) -> None:
        self.sent, self.options = Sent(comparer, FabricComparer.from_pretrained), options
        self.settings = comparer.settings(crops=options.crops, seed=options.seed)

    def __call__(self, file: tuple[Path, Path], _tell: Tell) -> EncodedCanvas:
        """Encode a plate, given the name of its file and the same as an absolute path."""
        comparer, options = self.sent(), self.options
        if (found := comparer.settings(crops=options.crops, seed=options.seed)) != self.settings:
            raise SchedulerError(
                f"a worker encodes by {found} and not by {self.settings}. Install the same everywhere."
            )
        plate = read_plate(file[1], **options.scale)
        encoded = comparer.encode(plate, crops=options.crops, seed=options.seed)
        # crops of a whole collection would fill the memory
        return renamed(replace(encoded, pixels=None), str(file[0]))


def encode_collection(
    comparer: FabricComparer,
    canvases: Sequence[CanvasFiles],
    catalogue: Catalogue,
    options: EncodeOptions,
    *,
    keep: bool = True,
    scheduler: str | None = None,
    advance: Callable[[int], None] = lambda _plates: None,
) -> tuple[list[KeptCanvas], list[FailedPlate]]:
    """Encode the canvases of which the catalogue does not know the plates, and keep each plate as soon as it is done.

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
    keep : bool
        Without it, nothing is written.
    scheduler : str, optional
        Of the Dask cluster that encodes; see `dl4art.utils.scheduling.as_done`.
    advance : callable
        Told how many plates are done.

    Returns
    -------
    (list of KeptCanvas, list of FailedPlate)
    """
    contents: dict[Path, str] = {}
    states: dict[Path, State | None] = {}
    plates: dict[str, EncodedCanvas] = {}
    messages: dict[str, str] = {}

    def unknown() -> Iterator[tuple[Path, Path]]:
        """Files that are to be encoded; of those that show the same, one."""
        asked = set()
        for file in (file for canvas in canvases for file in canvas.files):
            states[file] = file_state(file)
            try:
                content = contents[file] = _content(file, options)
            except Exception as error:  # one bad plate is a row, whatever is wrong with it
                content = contents[file] = str(file)
                messages[content] = reason(error, file)
            if content not in asked and content not in messages:
                asked.add(content)
                if (known := catalogue.find(content)) is None:
                    yield file, file.absolute()
                    continue
                plates[content] = known
            advance(1)

    encoder = PlateEncoder(comparer, options)
    for (file, path), outcome in as_done(encoder, unknown(), scheduler=scheduler, needs=lambda file: file[1:]):
        try:
            if isinstance(outcome, Exception):
                raise outcome
            # what was encoded must be what the key was made of
            check_unchanged(file, states[file])
        except Exception as error:  # one bad plate is a row, whatever is wrong with it
            messages[contents[file]] = reason(error, path)
        else:
            plates[contents[file]] = outcome
            if keep:
                catalogue.keep(contents[file], outcome)
        advance(1)

    kept, failed = [], []
    for canvas in canvases:
        wrong = [file for file in canvas.files if contents[file] in messages]
        failed += [FailedPlate(canvas.name, str(file), messages[contents[file]]) for file in wrong]
        if usable := [file for file in canvas.files if file not in wrong]:
            shown = [renamed(plates[contents[file]], str(file)) for file in usable]
            different = sorted({contents[file] for file in usable})
            content = different[0] if len(different) == 1 else _digest("canvas", *different)
            encoded = comparer.join(shown, canvas.name, crops=options.crops)
            if keep and catalogue.find(content) is None:
                catalogue.keep(content, encoded)
            kept.append(KeptCanvas(canvas.name, tuple(usable), content, encoded))
    return kept, failed


def _content(file: Path, options: EncodeOptions) -> str:
    """Key of a plate: its bytes, and the scale where that was stated."""
    if not file.is_file():
        raise InputError(f"{file}: no such file")
    scale: list[Any] = [value for value in (options.px_per_cm, options.size_cm) if value is not None]
    return _digest(sha256(file), *map(repr, scale)) if scale else sha256(file)


def _digest(*texts: str) -> str:
    return hashlib.sha256(" ".join(texts).encode()).hexdigest()
