"""One report over all plates of a canvas: their numbers side by side, and their maps in the same colours."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dl4art.regression.map_figures import ColourLimits, draw_histogram, draw_map
from dl4art.regression.map_summary import MapSummary, summarise
from dl4art.regression.mapped_plate import MappedPlate
from dl4art.regression.maps import STEP_CM, ThreadMap
from dl4art.utils.pages import drawing, write_page
from dl4art.utils.tables import write_json

_TAILS = (0.01, 0.99)


def write_overview(
    folder: str | Path, plates: Sequence[MappedPlate], limits: ColourLimits, about: Mapping[str, str]
) -> MapSummary:
    """Write ``report.html`` and ``summary.json`` over several plates.

    Parameters
    ----------
    folder : path
        There already; the reports of the plates lie in folders below it.
    plates : sequence of MappedPlate
        At least one.
    limits : ColourLimits
        Of the maps; where they are left to be found, all plates get the same.
    about : mapping
        Title, inventory number and film layout; may be empty.

    Returns
    -------
    MapSummary
        Of all cells of all plates.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    folder = Path(folder)
    total = summarise(joined([plate.found for plate in plates]))
    limits = common_limits(plates, limits)
    head, *rows = total.table()
    figures = [drawing("Histogram", "Cells of all plates in steps of 0.1 threads per cm.", draw_histogram(total))]
    for plate in plates:
        caption = "Density, threads per cm; the colours mean the same on all plates of this report."
        figures.append(drawing(plate.path.stem, caption, draw_map(plate.found, "density", limits)))
    first = plates[0].about
    inputs = [record for plate in plates for record in plate.about["inputs"]]
    write_page(
        folder / "report.html",
        "regression/templates/overview.html",
        {**first, "inputs": inputs},
        title=about.get("title") or f"{len(plates)} plates",
        inventory=about.get("inventory") or "",
        films=about.get("films") or "",
        head=head,
        rows=rows,
        plates=[_row(plate, folder) for plate in plates],
        warp=_warp(total),
        figures=figures,
    )
    each = {os.path.relpath(plate.folder, folder): plate.summary.to_dict() for plate in plates}
    write_json(folder / "summary.json", {**first, **about, "inputs": inputs, **total.to_dict(), "plates": each})
    return total


def joined(maps: Sequence[ThreadMap]) -> ThreadMap:
    """All cells of several maps in one row, for their numbers."""
    density, half, angle = (
        np.concatenate([getattr(found, name).reshape(-1, 2) for found in maps])[None]
        for name in ("density", "half", "angle")
    )
    status = np.concatenate([found.status.ravel() for found in maps])[None]
    return ThreadMap(STEP_CM * np.arange(status.size, dtype=np.float64), np.zeros(1), density, half, angle, status)


def common_limits(plates: Sequence[MappedPlate], limits: ColourLimits) -> ColourLimits:
    """Fill in limits of densities under which all plates can be compared, both directions on one scale."""
    if limits.density is not None:
        return limits
    every = np.concatenate([plate.found.density.ravel() for plate in plates])
    known = every[np.isfinite(every)]
    if not known.size:
        return limits
    low, high = np.quantile(known, _TAILS)
    return replace(limits, density=(float(low) - 0.25, float(high) + 0.25))


def _row(plate: MappedPlate, folder: Path) -> dict[str, Any]:
    summary = plate.summary
    cells = sum(summary.cells.values())
    numbers = [
        "" if value is None else f"{value:.2f}"
        for spread in (summary.vertical, summary.horizontal)
        for value in (spread.mean, spread.sd)
    ]
    return {
        "name": plate.path.name,
        "link": Path(os.path.relpath(plate.folder / "report.html", folder)).as_posix(),
        "size": f"{plate.about['width_cm']:.1f} x {plate.about['height_cm']:.1f}",
        "read": f"{summary.cells['ok']} of {cells}",
        "numbers": numbers,
        "warp": summary.warp,
    }


def _warp(total: MapSummary) -> str:
    if total.warp == "undetermined":
        return f"Over all plates the warp cannot be told: {total.criterion}."
    return (
        f"Over all plates the warp is {total.warp}: {total.criterion}. This holds if all plates hang the same way up."
    )
