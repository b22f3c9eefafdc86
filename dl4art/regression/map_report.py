"""The report of one plate."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from dl4art.cropping.areas import Polygon
from dl4art.cropping.plate import Plate
from dl4art.cropping.tones import to_uint8
from dl4art.regression.map_figures import ColourLimits, draw_edges, draw_histogram, draw_map
from dl4art.regression.map_summary import EDGE_CM, EdgeSwing, MapSummary, edge_swings
from dl4art.regression.maps import ThreadMap
from dl4art.utils.pages import drawing, picture, write_page

_WIDEST = 1400  # pixels of the plate's picture
_CAPTIONS = {
    "density": ("Density", "Threads per cm. Axes in cm from the upper-left corner of the plate."),
    "deviation": (
        "Deviation from the mean",
        "Stripes that run through show threads that were beaten up closer or wider.",
    ),
    "angle": ("Angle", "Degrees counter-clockwise. Waves along an edge are cusping."),
}


def write_report(
    path: str | Path,
    plate: Plate,
    found: ThreadMap,
    summary: MapSummary,
    about: Mapping[str, Any],
    *,
    tones: tuple[float, float],
    limits: ColourLimits | None = None,
    remarks: Sequence[str] = (),
    regions: Mapping[str, tuple[MapSummary, Sequence[Polygon]]] | None = None,
) -> None:
    """Write the report of one plate as a page of HTML, pictures inside.

    Parameters
    ----------
    path : path
        The file; its folder must exist.
    plate : Plate
        For its picture and its size.
    found : ThreadMap
        The map.
    summary : MapSummary
        What it comes to.
    about : mapping
        With ``title`` and ``inventory`` (may be empty) and the provenance.
    tones : (float, float)
        Grey values that are shown as black and as white.
    limits : ColourLimits, optional
        Of the maps.
    remarks : sequence of str
        What a reader should know.
    regions : mapping of str to (MapSummary, sequence of Polygon), optional
        Numbers and outlines of regions, by name.
    """
    limits = limits or ColourLimits()
    head, *rows = summary.table()
    width, height = plate.size_cm
    step = found.step_cm
    known = summary.cells["ok"]
    total = sum(summary.cells.values())
    blank = ", ".join(f"{count} {name}" for name, count in summary.cells.items() if count and name != "ok")
    facts = [
        ("File", plate.path.name),
        ("Size", f"{width:.1f} x {height:.1f} cm at {plate.px_per_cm:.4g} px/cm (scale: {plate.scale_source})"),
        *((("Films", str(about["films"])),) if about.get("films") else ()),
        ("Map", f"a cell every {step:g} cm; {known} of {total} cells can be read" + (f" ({blank})" if blank else "")),
        *((name.capitalize(), str(about[name])) for name in ("model", "created") if about.get(name)),
    ]
    figures = [picture("The plate", "As it was given, reduced.", _thumbnail(plate, tones), "jpeg")]
    regions = regions or {}
    outlines = {name: polygons for name, (_, polygons) in regions.items()}
    for quantity, (heading, caption) in _CAPTIONS.items():
        figures.append(drawing(heading, caption, draw_map(found, quantity, limits, outlines)))
    if edges := edge_swings(found):
        figures.append(drawing("Along the edges", _edge_caption(edges), draw_edges(edges)))
    figures.append(drawing("Histogram", "Cells in steps of 0.1 threads per cm.", draw_histogram(summary)))
    write_page(
        path,
        "regression/templates/map.html",
        about,
        title=about.get("title") or plate.path.stem,
        inventory=about.get("inventory") or "",
        facts=facts,
        head=head,
        rows=rows,
        regions=[(name, part.table()[1:], sum(part.cells.values())) for name, (part, _) in regions.items()],
        warp=(
            f"The warp cannot be told: {summary.criterion}."
            if summary.warp == "undetermined"
            else f"The warp is {summary.warp}: {summary.criterion}."
        ),
        remarks=remarks,
        figures=figures,
    )


def _edge_caption(edges: Mapping[str, EdgeSwing]) -> str:
    swings = ", ".join(f"{name} {edge.swing:.1f} ({edge.swing_inside:.1f} inside)" for name, edge in edges.items())
    return (
        f"How the threads within {EDGE_CM:g} cm of each edge lean, degrees from their mean, and in grey those farther "
        f"inside. Waves that die away inside are cusping. Standard deviations: {swings}."
    )


def _thumbnail(plate: Plate, tones: tuple[float, float]) -> bytes:
    from PIL import Image

    scale = min(plate.px_per_cm, _WIDEST / max(plate.size_cm))
    grey = to_uint8(plate.sample(px_per_cm=scale).astype(np.float32), tones)
    file = io.BytesIO()
    Image.fromarray(grey).save(file, format="JPEG", quality=85)
    return file.getvalue()
