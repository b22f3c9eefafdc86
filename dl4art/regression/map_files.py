"""A map on disk: tables for programs, float TIFFs for other software, pictures for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dl4art.cropping.areas import Polygon
from dl4art.cropping.threads import DIRECTIONS
from dl4art.regression.map_figures import ColourLimits, draw_histogram, draw_map
from dl4art.regression.map_summary import MapSummary
from dl4art.regression.maps import STATUSES, ThreadMap
from dl4art.utils.files import atomic_path
from dl4art.utils.pages import png
from dl4art.utils.tables import write_csv, write_json

CELL_COLUMNS = (
    "x_cm",
    "y_cm",
    "vertical_per_cm",
    "horizontal_per_cm",
    "vertical_low",
    "vertical_high",
    "horizontal_low",
    "horizontal_high",
    "vertical_angle",
    "horizontal_angle",
    "status",
)
PICTURES = ("density", "deviation", "angle")


def write_map(
    folder: str | Path,
    found: ThreadMap,
    summary: MapSummary,
    about: Mapping[str, Any],
    *,
    limits: ColourLimits | None = None,
    outlines: Mapping[str, Sequence[Polygon]] | None = None,
) -> list[Path]:
    """Write a map into a folder: ``cells.csv``, ``summary.json``, a TIFF for each map, pictures.

    Parameters
    ----------
    folder : path
        There already; files of these names in it are replaced.
    found : ThreadMap
        The map.
    summary : MapSummary
        From `dl4art.regression.map_summary.summarise`.
    about : mapping
        What else ``summary.json`` says: file, scale, provenance.
    limits : ColourLimits, optional
        Of the pictures.
    outlines : mapping of str to sequence of Polygon, optional
        Regions that are drawn on the pictures, by name.

    Returns
    -------
    list of Path
        What was written, the summary last.

    Raises
    ------
    OutputError
        If it cannot be written there; each file is whole or not there.
    """
    folder = Path(folder)
    paths = [folder / "cells.csv"]
    write_csv(paths[0], CELL_COLUMNS, _rows(found))
    for name, values in (("density", found.density), ("angle", found.angle)):
        for axis, direction in enumerate(DIRECTIONS):
            paths.append(folder / f"{direction}_{name}.tif")
            _write_tiff(paths[-1], values[..., axis], found.step_cm)
    limits = limits or ColourLimits()
    figures = {quantity: draw_map(found, quantity, limits, outlines) for quantity in PICTURES}
    for name, figure in {**figures, "histogram": draw_histogram(summary)}.items():
        paths.append(folder / f"{name}.png")
        with atomic_path(paths[-1]) as temporary:
            temporary.write_bytes(png(figure, dpi=220))
    paths.append(folder / "summary.json")
    write_json(paths[-1], {**about, **summary.to_dict()})
    return paths


def _write_tiff(path: Path, values: Any, step_cm: float) -> None:
    import tifffile

    with atomic_path(path) as temporary:
        tifffile.imwrite(
            temporary,
            np.asarray(values, np.float32),
            photometric="minisblack",
            resolution=(1 / step_cm, 1 / step_cm),
            resolutionunit="CENTIMETER",
            metadata=None,
            software="dl4art",
        )


def _rows(found: ThreadMap) -> Iterator[dict[str, Any]]:
    for row, y in enumerate(found.y_cm):
        for col, x in enumerate(found.x_cm):
            status = STATUSES[found.status[row, col]]
            cell: dict[str, Any] = {"x_cm": round(float(x), 4), "y_cm": round(float(y), 4), "status": status}
            if status == "ok":
                for axis, direction in enumerate(DIRECTIONS):
                    value, half = float(found.density[row, col, axis]), float(found.half[row, col, axis])
                    cell[f"{direction}_per_cm"] = round(value, 4)
                    cell[f"{direction}_low"] = round(max(0.0, value - half), 4)
                    cell[f"{direction}_high"] = round(value + half, 4)
                    cell[f"{direction}_angle"] = round(float(found.angle[row, col, axis]), 3)
            yield cell
