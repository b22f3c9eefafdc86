"""The report of one plate: a page that needs nothing but itself, for the screen and for A4 paper."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dl4art.cropping.areas import Polygon
from dl4art.cropping.plate import Plate
from dl4art.cropping.tones import to_uint8
from dl4art.regression.map_figures import ColourLimits, draw_edges, draw_histogram, draw_map
from dl4art.regression.map_summary import EDGE_CM, EdgeSwing, MapSummary, edge_swings
from dl4art.regression.maps import ThreadMap
from dl4art.utils.files import atomic_path

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
    import jinja2

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
    figures = [picture("The plate", "As it was given, reduced.", "jpeg", _thumbnail(plate, tones))]
    regions = regions or {}
    outlines = {name: polygons for name, (_, polygons) in regions.items()}
    for quantity, (heading, caption) in _CAPTIONS.items():
        figures.append(picture(heading, caption, "png", png(draw_map(found, quantity, limits, outlines))))
    if edges := edge_swings(found):
        figures.append(picture("Along the edges", _edge_caption(edges), "png", png(draw_edges(edges))))
    figures.append(picture("Histogram", "Cells in steps of 0.1 threads per cm.", "png", png(draw_histogram(summary))))
    template = files("dl4art.regression").joinpath("templates/map.html").read_text(encoding="utf-8")
    page = (
        jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
        .from_string(template)
        .render(
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
            footer=footer(about),
        )
    )
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _edge_caption(edges: Mapping[str, EdgeSwing]) -> str:
    swings = ", ".join(f"{name} {edge.swing:.1f} ({edge.swing_inside:.1f} inside)" for name, edge in edges.items())
    return (
        f"How the threads within {EDGE_CM:g} cm of each edge lean, degrees from their mean, and in grey those farther "
        f"inside. Waves that die away inside are cusping. Standard deviations: {swings}."
    )


def picture(heading: str, caption: str, kind: str, data: bytes) -> dict[str, str]:
    """Give what a template needs to show a picture inside the page."""
    return {"heading": heading, "caption": caption, "kind": kind, "data": base64.b64encode(data).decode("ascii")}


def png(figure: Figure) -> bytes:
    """Draw a figure into a PNG file in memory."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=200, metadata={"Software": None})
    return file.getvalue()


def _thumbnail(plate: Plate, tones: tuple[float, float]) -> bytes:
    from PIL import Image

    scale = min(plate.px_per_cm, _WIDEST / max(plate.size_cm))
    grey = to_uint8(plate.sample(px_per_cm=scale).astype(np.float32), tones)
    file = io.BytesIO()
    Image.fromarray(grey).save(file, format="JPEG", quality=85)
    return file.getvalue()


def footer(about: Mapping[str, Any]) -> str:
    """Say in one paragraph where the numbers come from."""
    inputs = "; ".join(f"{item['file']} (SHA-256 {item['sha256']})" for item in about.get("inputs", []))
    parameters = ", ".join(
        f"{name} {value}" for name, value in about.get("parameters", {}).items() if value is not None
    )
    versions = ", ".join(f"{name} {value}" for name, value in about.get("versions", {}).items())
    return f"{about.get('program', '')}. Input: {inputs}. Parameters: {parameters}. Versions: {versions}."
