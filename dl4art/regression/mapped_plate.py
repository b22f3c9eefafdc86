"""One plate from file to report folder, and back."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dl4art.cropping.areas import Areas, Mask, excluded_cells, inside, masked_cells, read_areas
from dl4art.cropping.crops import CROP_CM
from dl4art.cropping.plate import PX_PER_CM, Plate
from dl4art.cropping.reading import read_plate
from dl4art.cropping.threads import DIRECTIONS
from dl4art.cropping.tones import tone_range
from dl4art.cropping.usable import usable_area
from dl4art.regression.combined import CombinedCounter
from dl4art.regression.counter import ThreadCounter
from dl4art.regression.map_figures import ColourLimits
from dl4art.regression.map_files import write_map
from dl4art.regression.map_report import write_report
from dl4art.regression.map_summary import MapSummary, summarise
from dl4art.regression.maps import STATUSES, STEP_CM, ThreadMap, map_threads
from dl4art.utils.errors import InputError
from dl4art.utils.files import check_unchanged, file_state, make_folder, remove, sha256
from dl4art.utils.limits import read_text
from dl4art.utils.provenance import provenance

ELSEWHERE = "elsewhere"
"""Name of what lies in no region, where regions are drawn."""
_MOSTLY = 0.8  # share of a plate that a mask may cover before one asks whether it is the wrong way round
_LOOKS = 9  # crops by which the kind of weave is judged
_MANY = 0.4  # share of them that must look like another weave


@dataclass(frozen=True)
class MapOptions:
    """What a map is made with, and what its report says beside it."""

    step_cm: float = STEP_CM
    px_per_cm: float | None = None
    size_cm: tuple[float, float] | None = None
    mask: Path | None = None
    """A picture whose white is left out, or a labelme file."""
    regions: Path | None = None
    """A labelme file: what is named ``exclude`` is left out, all else has numbers of its own."""
    title: str = ""
    inventory: str = ""
    films: str = ""
    """How the films lie that the plate was put together from."""
    limits: ColourLimits = field(default_factory=ColourLimits)


@dataclass(frozen=True, eq=False)
class MappedPlate:
    """A plate that has been mapped, and where its report lies."""

    path: Path
    folder: Path
    found: ThreadMap
    summary: MapSummary
    regions: dict[str, MapSummary]
    about: Mapping[str, Any]


def map_plate(
    path: str | Path,
    folder: str | Path,
    network: ThreadCounter,
    options: MapOptions | None = None,
    *,
    advance: Callable[[float], None] = lambda _share: None,
) -> MappedPlate:
    """Map a plate and write all that is made of it into a folder.

    Parameters
    ----------
    path : path
        TIFF, PNG, JPEG or DICOM.
    folder : path
        Made if need be; files of an earlier report in it are replaced.
    network : ThreadCounter
        The shipped one, say.
    options : MapOptions, optional
        Grid, scale, mask, regions, and what the report says.
    advance : callable
        Told now and then what share of the work has just been done.

    Returns
    -------
    MappedPlate

    Raises
    ------
    InputError
        If the plate, mask or regions cannot be used.
    OutputError
        If a file cannot be written.
    """
    options = options or MapOptions()
    path, folder = Path(path), Path(folder)
    state = file_state(path)
    plate = read_plate(path, options.px_per_cm, size_cm=options.size_cm)
    areas, masked, notes = _drawn_on(plate, options)
    usable = usable_area(plate)
    tones = tone_range(plate, usable if masked is None else usable & ~masked)
    found = map_threads(
        plate, network, step_cm=options.step_cm, usable=usable, masked=masked, tones=tones, advance=advance
    )
    summary, regions = summarise(found), _regions(found, areas)
    remarks = [*plate.notes, *notes, *_weave_remark(plate, network, found)]
    if not summary.cells["ok"]:
        remarks.append("no cell of this plate can be read. Does it show canvas, and is the scale right?")
    about = _about(path, options, network) | {
        "width_cm": plate.size_cm[0],
        "height_cm": plate.size_cm[1],
        "px_per_cm": plate.px_per_cm,
        "scale_source": plate.scale_source,
        "remarks": remarks,
        "regions": {name: part.to_dict() for name, part in regions.items()},
    }
    check_unchanged(path, state)
    make_folder(folder)
    # a folder with a summary is taken to be done, and it must not be that of an earlier report
    remove(folder / "summary.json")
    write_report(
        folder / "report.html",
        plate,
        found,
        summary,
        about,
        tones=tones,
        limits=options.limits,
        remarks=remarks,
        regions={name: (part, areas.regions.get(name, ())) for name, part in regions.items()},
    )
    # last, since a folder with a summary is taken to be done
    write_map(folder, found, summary, about, limits=options.limits, outlines=areas.regions)
    return MappedPlate(path, folder, found, summary, regions, about)


def finished_plate(
    path: str | Path, folder: str | Path, network: ThreadCounter, options: MapOptions
) -> MappedPlate | None:
    """Read what an earlier `map_plate` with the same picture, model and options has written, if it was finished."""
    path, folder = Path(path), Path(folder)
    try:
        about = json.loads(read_text(folder / "summary.json"))
        wanted = json.loads(json.dumps(_about(path, options, network)))
        told = ("program", "model", "parameters", "inputs", "title", "inventory", "films")
        if any(about.get(name) != wanted[name] for name in told):
            return None
        found = read_map(folder)
        regions = _regions(found, _drawn_areas(path, options))
        return MappedPlate(path, folder, found, summarise(found), regions, about)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError, InputError):
        return None


def read_map(folder: str | Path) -> ThreadMap:
    """Read a map from the ``cells.csv`` that `map_plate` has written, rounded as it is there.

    Raises
    ------
    InputError
        If there is no such file, or it holds something else.
    """
    path = Path(folder) / "cells.csv"
    try:
        rows = list(csv.DictReader(io.StringIO(read_text(path), newline="")))
        x, y = (sorted({float(row[name]) for row in rows}) for name in ("x_cm", "y_cm"))
        shape = len(y), len(x)
        status = np.array([STATUSES.index(row["status"]) for row in rows], np.uint8).reshape(shape)

        def column(name: str) -> np.ndarray[Any, np.dtype[np.float32]]:
            values = [[float(row[f"{direction}_{name}"] or math.nan) for direction in DIRECTIONS] for row in rows]
            return np.array(values, np.float32).reshape(*shape, 2)

        density = column("per_cm")
        return ThreadMap(np.array(x), np.array(y), density, column("high") - density, column("angle"), status)
    except InputError:
        raise
    except (OSError, KeyError, TypeError, ValueError, csv.Error) as error:
        raise InputError(f"{path}: is no table of cells of a map ({error}). Make the map again.") from error


def check_map_of(folder: str | Path, path: str | Path) -> None:
    """Raise InputError if the map in a folder was made of another picture than the one at `path`."""
    try:
        about = json.loads(read_text(Path(folder) / "summary.json"))
        known = {item["sha256"] for item in about["inputs"]}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{folder}: has no summary.json of a map ({error}). Make the map again.") from error
    if sha256(path) not in known:
        raise InputError(f"{folder}: is not the map of {path}, or the picture has changed since. Make the map again.")


def _about(path: Path, options: MapOptions, network: ThreadCounter) -> dict[str, Any]:
    inputs = [path, *(extra for extra in (options.mask, options.regions) if extra is not None)]
    parameters = {"step_cm": options.step_cm, "px_per_cm": options.px_per_cm, "size_cm": options.size_cm}
    parameters |= {f"{name}_limits": limits for name, limits in asdict(options.limits).items()}
    return {
        "title": options.title,
        "inventory": options.inventory,
        "films": options.films,
    } | provenance(parameters=parameters, inputs=inputs, model=network.name)


def _drawn_on(plate: Plate, options: MapOptions) -> tuple[Areas, Mask | None, list[str]]:
    """Regions, the cells that are left out (or None), and what is remarkable about them."""
    areas = [read_areas(path, plate) for path in _labelme_files(options)]
    joined = Areas(
        tuple(part for area in areas for part in area.excluded),
        {name: polygons for area in areas for name, polygons in area.regions.items()},
    )
    masks = [excluded_cells(joined, plate)] if joined.excluded else []
    if options.mask is not None and options.mask not in _labelme_files(options):
        masks.append(masked_cells(options.mask, plate))
    if not masks:
        return joined, None, []
    masked = np.logical_or.reduce(masks)
    notes = []
    if masked.mean() > _MOSTLY:
        notes.append(
            f"the mask leaves out {masked.mean():.0%} of the plate; what is white in it is left out. If it is the "
            "other way round, invert it"
        )
    return joined, masked, notes


def _labelme_files(options: MapOptions) -> list[Path]:
    mask = options.mask if options.mask is not None and options.mask.suffix.lower() == ".json" else None
    return [path for path in dict.fromkeys((mask, options.regions)) if path is not None]


def _drawn_areas(path: Path, options: MapOptions) -> Areas:
    if not _labelme_files(options):
        return Areas((), {})
    return _drawn_on(read_plate(path, options.px_per_cm, size_cm=options.size_cm), options)[0]


def _regions(found: ThreadMap, areas: Areas) -> dict[str, MapSummary]:
    """Numbers of each region, and of what lies in none if there are any."""
    where = {name: inside(polygons, found.x_cm, found.y_cm) for name, polygons in areas.regions.items()}
    if where:
        rest = ~np.logical_or.reduce(list(where.values()))
        if rest.any():
            where[ELSEWHERE] = rest
    return {name: summarise(found, cells) for name, cells in where.items()}


def _weave_remark(plate: Plate, network: ThreadCounter, found: ThreadMap) -> list[str]:
    """Say so if crops here and there look like another weave than plain."""
    width, height = plate.size_cm
    rows, cols = np.nonzero(found.status == 0)
    if not len(rows) or min(width, height) < CROP_CM:
        return []
    chosen = np.unique(np.linspace(0, len(rows) - 1, _LOOKS).astype(int))
    pictures = []
    for row, col in zip(rows[chosen], cols[chosen], strict=True):
        x = float(np.clip(found.x_cm[col] - CROP_CM / 2, 0, width - CROP_CM))
        y = float(np.clip(found.y_cm[row] - CROP_CM / 2, 0, height - CROP_CM))
        pictures.append(plate.sample(x, y, CROP_CM, CROP_CM))
    estimates = CombinedCounter(network).predict(pictures, px_per_cm=PX_PER_CM)
    strange = sum("twill" in estimate.message for estimate in estimates)
    if strange < _MANY * len(pictures):
        return []
    return [
        f"in {strange} of {len(pictures)} crops the cloth looks like twill or basket weave; the counter knows "
        "plain weave. Look at the cloth before you trust the map"
    ]
