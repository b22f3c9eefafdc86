"""The two jobs with a catalogue: comparing all canvases of a collection, and looking a new one up."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from dl4art.siamese.canvas_files import CanvasFiles
from dl4art.siamese.catalogue import Catalogue
from dl4art.siamese.collection import compare_all
from dl4art.siamese.collection_encoding import (
    EncodeOptions,
    FailedPlate,
    KeptCanvas,
    encode_collection,
)
from dl4art.siamese.collection_files import ComparedCollection, write_collection
from dl4art.siamese.comparer import FabricComparer
from dl4art.siamese.comparison import LIMITS, limits_of
from dl4art.siamese.encoded import own_cautions
from dl4art.siamese.false_matches import Expected, expected_matches
from dl4art.siamese.search import Neighbour, nearest
from dl4art.utils.journal import Journal
from dl4art.utils.provenance import provenance

Progress = Callable[[int, str], AbstractContextManager[Callable[[int], None]]]
"""Shows how far a loop of so many steps, of some name, has come."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Found:
    """What a search gave.

    `neighbours` and `expected` are of the canvas that was looked up, which is None if no plate of it could be used.
    """

    canvas: KeptCanvas | None
    failed: Sequence[FailedPlate]
    neighbours: Sequence[Neighbour] = ()
    searched: int = 0
    """Canvases of the catalogue that it was compared with."""
    expected: Expected | None = None
    warnings: tuple[str, ...] = ()
    about: dict[str, Any] = field(default_factory=dict)
    limits: tuple[str, ...] = LIMITS

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        return self.about | {
            "canvas": None if self.canvas is None else asdict(self.canvas.encoded.record),
            "failed": [asdict(plate) for plate in self.failed],
            "searched": self.searched,
            "neighbours": [neighbour.to_dict() for neighbour in self.neighbours],
            "expected_false_matches": None if self.expected is None else self.expected.to_dict(),
            "warnings": self.warnings,
            "limits": self.limits,
        }


def compare_collection(
    comparer: FabricComparer,
    source: Path,
    canvases: Sequence[CanvasFiles],
    *,
    folder: Path,
    catalogue: Path,
    options: EncodeOptions,
    progress: Progress,
    scheduler: str | None = None,
) -> ComparedCollection | Sequence[FailedPlate]:
    """Compare all canvases of a collection and write what is found.

    Parameters
    ----------
    comparer : FabricComparer
        The model.
    source : Path
        The folder or table that names the canvases.
    canvases : sequence of CanvasFiles
        From `dl4art.siamese.canvas_files.collection_files`.
    folder : Path
        For the results; it must exist.
    catalogue : Path
        Made if it is not there.
    options : EncodeOptions
        How plates are encoded.
    progress : callable
        Shows how far it has come.
    scheduler : str, optional
        Of the Dask cluster that encodes; this process does it if left out.

    Returns
    -------
    ComparedCollection, or sequence of FailedPlate
        The latter if fewer than two canvases can be used, and so nothing is written.
    """
    settings = comparer.settings(crops=options.crops, seed=options.seed)
    plates = sum(len(canvas.files) for canvas in canvases)
    done = 0

    def count(more: int) -> None:
        nonlocal done
        done += more
        advance(more)

    try:
        with Catalogue(catalogue, settings) as store:
            journal = Journal(folder, {**options.scale, **settings})
            with progress(plates, "encoding plates") as advance:
                kept, failed = encode_collection(comparer, canvases, store, options, scheduler=scheduler, advance=count)
            store.enter(str(source.resolve()), {canvas.name: canvas.content for canvas in kept})
        if len(kept) < 2:
            return failed
        with progress(len(kept) * (len(kept) - 1) // 2, "comparing pairs") as advance:
            pairs = compare_all(comparer, [canvas.encoded for canvas in kept], advance=advance)
    except KeyboardInterrupt:
        what = f"{done} of {plates} plates are done and kept in {catalogue}; the same command goes on from there"
        raise KeyboardInterrupt(what) from None
    found = ComparedCollection(kept, failed, pairs, comparer.folder.calibration, comparer.needs)
    with journal:
        journal.add(source, {"canvases": len(kept)})
        write_collection(folder, found, _about(comparer, kept, options, catalogue))
    return found


def search_catalogue(
    comparer: FabricComparer,
    canvas: CanvasFiles,
    *,
    catalogue: Path,
    options: EncodeOptions,
    top: int,
    progress: Progress,
) -> Found:
    """Look a canvas up in a catalogue, which is not changed by it.

    Parameters
    ----------
    comparer, catalogue, options, progress
        As for `compare_collection`; the catalogue must be there.
    canvas : CanvasFiles
        The new canvas.
    top : int
        How many neighbours to find.
    """
    settings = comparer.settings(crops=options.crops, seed=options.seed)
    with Catalogue(catalogue, settings, create=False) as store:
        with progress(len(canvas.files), "encoding plates") as advance:
            canvases, failed = encode_collection(comparer, [canvas], store, options, keep=False, advance=advance)
        if not canvases:
            return Found(None, failed)
        (kept,) = canvases
        neighbours = nearest(comparer, kept.encoded, store, top=top, content=kept.content)
        entries = store.entries()
    itself = [entry for entry in entries if entry.content == kept.content]
    known = [f"{kept.name} is in the catalogue already, as {entry.name}: that one is left out" for entry in itself]
    searched = len(entries) - len(itself)
    return Found(
        kept,
        failed,
        neighbours,
        searched,
        expected_matches(comparer.folder.calibration, searched),
        (*known, *own_cautions(kept.encoded, comparer.needs)),
        _about(comparer, [kept], options, catalogue),
        limits_of(comparer.folder.calibration),
    )


def _about(
    comparer: FabricComparer, canvases: Sequence[KeptCanvas], options: EncodeOptions, catalogue: Path
) -> dict[str, Any]:
    inputs = [{"file": canvas.encoded.record.file, "sha256": canvas.encoded.record.sha256} for canvas in canvases]
    return provenance(
        parameters={"crops": options.crops, **options.scale, "catalogue": str(catalogue)},
        inputs=inputs,
        model={"name": comparer.name, "sha256": comparer.folder.sha256, "counter": canvases[0].encoded.counter},
        seed=options.seed,
    )
