"""One photograph from file to a folder of results, and its row in the table."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from dl4art.craquelure.damage_report import write_report
from dl4art.craquelure.labels import write_damage
from dl4art.craquelure.measures import LEFT_OUT, DamageMeasures, measure_damage
from dl4art.craquelure.overlay import draw_overlay, reduce, write_classes, write_picture
from dl4art.craquelure.tiles import Read
from dl4art.cropping.photographs import Photograph, read_photograph
from dl4art.utils.errors import InputError, OutputError
from dl4art.utils.files import check_unchanged, file_state, make_folder, remove
from dl4art.utils.journal import Shape
from dl4art.utils.provenance import provenance
from dl4art.utils.tables import write_json

COLUMNS = (
    "file",
    "status",
    "message",
    "width",
    "height",
    "px_per_cm",
    "loss_percent",
    "loss_cm2",
    "craquelure_percent",
    "crack_cm_per_cm2",
    "crack_px_per_px2",
    "median_width_px",
    "median_width_mm",
    "islands",
    "median_island_px",
    "median_island_mm2",
    "left_out_percent",
    "model",
    "sha256",
    "folder",
)
"""Of the table of results, a row for each photograph."""
ROW: Shape = {
    **dict.fromkeys(COLUMNS, int | float | None),
    **dict.fromkeys(("file", "status", "message", "model", "sha256", "folder"), str),
    **dict.fromkeys(("width", "height", "islands"), int),
    "warnings": list,
}
"""Types of the values of a photograph that could be segmented, for a journal."""
OVERLAY_PX = 6000
"""The overlay of a larger photograph is reduced until neither side is longer."""
_FILES = ("overlay.png", "classes.png", "damage.json", "report.html", "summary.json")
_BAND_PX = 8_000_000
_MOSTLY = 0.8  # share of a photograph that a mask may cover before one asks whether it is the wrong way round
_COARSE_MM = 0.3  # a pixel of which finer cracks are lost
_DIGITS = 5


class Network(Protocol):
    """What finds the cracks and losses: `dl4art.craquelure.segmenter.Segmenter`, say."""

    @property
    def name(self) -> str:
        """Enough to tell it from another one."""

    @property
    def summary(self) -> str:
        """What it is, in a line; may be empty."""

    def count_tiles(self, shape: tuple[int, int]) -> int:
        """How often `segment_tiles` advances."""

    def segment_tiles(self, read: Read, shape: tuple[int, int], *, advance: Callable[[], Any]) -> npt.NDArray[np.uint8]:
        """Give the class of every pixel."""


@dataclass(frozen=True)
class SegmentOptions:
    """How a photograph is read, and what its report says beside the numbers."""

    px_per_cm: float | None = None
    size_cm: tuple[float, float] | None = None
    mask: Path | None = None
    """A picture of the photograph's size whose white is left out."""
    title: str = ""
    inventory: str = ""


def segment_photograph(
    path: str | Path,
    folder: str | Path,
    network: Network,
    options: SegmentOptions | None = None,
    *,
    advance: Callable[[float], None] = lambda _share: None,
) -> dict[str, Any]:
    """Find cracks and losses in a photograph, and write all that is made of it into a folder.

    The folder gets ``overlay.png``, ``classes.png``, ``damage.json`` (labelme), ``report.html`` and ``summary.json``,
    the last when all others are there. In memory are one byte for each pixel and a band of the photograph, or all of it
    where its format cannot be read in part.

    Parameters
    ----------
    path : path
        TIFF, PNG or JPEG.
    folder : path
        Made if need be; files of these names in it are replaced.
    network : Segmenter
        The shipped one, say.
    options : SegmentOptions, optional
        Scale, mask, and what the report says.
    advance : callable
        Told now and then what share of the work has just been done.

    Returns
    -------
    dict
        Values for `COLUMNS`, and the list ``warnings`` that its message was made of.

    Raises
    ------
    InputError
        If the photograph or the mask cannot be used, or has changed while it was read; none of its files is left then.
    OutputError
        If a file cannot be written.
    """
    path, folder, options = Path(path), Path(folder), options or SegmentOptions()
    states = {file: file_state(file) for file in (path, options.mask) if file is not None}
    photograph = read_photograph(path, options.px_per_cm, size_cm=options.size_cm)
    # before the work, not after it
    mask = None if options.mask is None else _mask_of(options.mask, photograph)
    # nine tenths of the time go into the network
    share = 0.9 / network.count_tiles(photograph.shape)
    classes = network.segment_tiles(photograph.read, photograph.shape, advance=lambda: advance(share))
    if mask is not None:
        _leave_out(classes, mask)
    measures = measure_damage(classes, photograph.px_per_cm)
    picture = reduce(photograph.read, classes, OVERLAY_PX)
    about = _about(photograph, network, options, measures) | {"overlay_reduced": int(picture.factor)}
    make_folder(folder)
    remove(folder / "summary.json")  # of an earlier run: a folder that has one is done
    reduced_scale = None if measures.px_per_cm is None else measures.px_per_cm / picture.factor
    with _all_or_none(folder):
        write_picture(draw_overlay(picture), folder / "overlay.png", reduced_scale)
        write_classes(classes, folder / "classes.png", measures.px_per_cm)
        write_damage(classes, folder / "damage.json", _relative(path, folder))
        report = folder / "report.html"
        write_report(report, photograph, classes, measures, about, reduced=picture, summary=network.summary)
        for file, state in states.items():
            check_unchanged(file, state)
        # last, when all else is there
        write_json(folder / "summary.json", {**about, **measures.to_dict()})
    advance(0.1)
    return _row(path, folder, network, measures, about)


@contextmanager
def _all_or_none(folder: Path) -> Iterator[None]:
    """Delete what was made of a photograph that turns out to be no longer what it was."""
    try:
        yield
    except OutputError:
        raise
    except Exception:
        for name in _FILES:
            remove(folder / name)
        with suppress(OSError):  # others may have put something there
            folder.rmdir()
        raise


def failed_row(path: Path, message: str) -> dict[str, Any]:
    """Give the row of a photograph that cannot be used."""
    return dict.fromkeys(COLUMNS) | {"file": str(path), "status": "failed", "message": message}


def _about(
    photograph: Photograph, network: Network, options: SegmentOptions, measures: DamageMeasures
) -> dict[str, Any]:
    inputs = [photograph.path, *([options.mask] if options.mask is not None else [])]
    parameters = {"px_per_cm": options.px_per_cm, "size_cm": options.size_cm}
    return {
        "title": options.title,
        "inventory": options.inventory,
        "width": photograph.shape[1],
        "height": photograph.shape[0],
        "scale_source": None if photograph.scale is None else photograph.scale.source,
        "warnings": [*photograph.notes, *_warnings(photograph, measures)],
    } | provenance(parameters=parameters, inputs=inputs, model=network.name)


def _warnings(photograph: Photograph, measures: DamageMeasures) -> list[str]:
    found = []
    scale = photograph.scale
    if scale is not None and not scale.source.startswith("user"):
        height, width = (side / per_cm for side, per_cm in zip(photograph.shape, (scale.y, scale.x), strict=True))
        found.append(
            f"the scale is the file's own ({scale.source}): {width:.1f} x {height:.1f} cm. Many cameras and programs "
            "write a resolution for printing there; if what is shown is of another size, pass --size-cm or --px-per-cm"
        )
    if measures.px_per_cm is not None and (pixel := 10 / measures.px_per_cm) > _COARSE_MM:
        found.append(f"a pixel is {pixel:.2g} mm wide on the painting: most cracks are finer and cannot be seen")
    if measures.left_out_px > _MOSTLY * math.prod(measures.shape):
        share = measures.left_out_px / math.prod(measures.shape)
        found.append(
            f"the mask leaves out {share:.0%} of the photograph; what is white in it is left out. If it is the other "
            "way round, invert it"
        )
    return found


def _row(path: Path, folder: Path, network: Network, found: DamageMeasures, about: dict[str, Any]) -> dict[str, Any]:
    values = {
        "px_per_cm": found.px_per_cm,
        "loss_percent": found.loss_percent,
        "loss_cm2": found.loss_cm2,
        "craquelure_percent": found.crack_percent,
        "crack_cm_per_cm2": found.crack_cm_per_cm2,
        "crack_px_per_px2": found.crack_px_per_px2,
        "median_width_px": found.median_width_px,
        "median_width_mm": found.median_width_mm,
        "median_island_px": found.islands.median,
        "median_island_mm2": found.median_island_mm2,
        "left_out_percent": 100 * found.left_out_px / math.prod(found.shape),
    }
    known = {name: value for name, value in values.items() if value is not None and math.isfinite(value)}
    return dict.fromkeys(COLUMNS) | {
        "file": str(path),
        "status": "ok",
        "message": "; ".join(about["warnings"]),
        "width": found.shape[1],
        "height": found.shape[0],
        **{name: round(value, _DIGITS) for name, value in known.items()},
        "islands": found.islands.count,
        "model": network.name,
        "sha256": about["inputs"][0]["sha256"],
        "folder": folder.name,
        "warnings": about["warnings"],
    }


def _mask_of(path: Path, photograph: Photograph) -> Photograph:
    mask = read_photograph(path)
    if mask.shape != photograph.shape:
        (rows, columns), (height, width) = mask.shape, photograph.shape
        raise InputError(
            f"{path}: {columns} x {rows} px, but its photograph has {width} x {height}. Make the mask of the same "
            "picture, neither cut, scaled nor turned."
        )
    return mask


def _leave_out(classes: npt.NDArray[np.uint8], mask: Photograph) -> None:
    # a JPEG's black is not quite black
    limit = 127 if mask.path.suffix.lower() in (".jpg", ".jpeg") else 0
    height, width = mask.shape
    rows = max(1, _BAND_PX // width)
    for top in range(0, height, rows):
        band = mask.read(top, min(height, top + rows), 0, width)
        classes[top : top + rows][band.max(axis=-1) > limit] = LEFT_OUT


def _relative(path: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # on another drive
        return str(path.absolute())
