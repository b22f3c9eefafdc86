"""The report of one photograph: what was found, where, how much, and what it is worth."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from dl4art.craquelure.damage_figures import draw_islands, draw_rose, draw_widths
from dl4art.craquelure.measures import DamageMeasures
from dl4art.craquelure.overlay import COLOURS, LEFT_OUT_COLOUR, Reduced, draw_overlay, reduce
from dl4art.craquelure.tiles import Colours
from dl4art.cropping.photographs import Photograph
from dl4art.utils.pages import drawing, picture, write_page

_NARROW_PX, _WIDE_PX = 1000, 1500  # longest side of pictures side by side, and of those one above the other
_WIDE = 1.6  # times as wide as high: then one above the other still fit a sheet of paper
_DETAIL_PX = 420
_CAPTIONS = ("As it was given", "What was found")


def write_report(
    path: str | Path,
    photograph: Photograph,
    mask: npt.NDArray[np.uint8],
    found: DamageMeasures,
    about: Mapping[str, Any],
    *,
    reduced: Reduced,
    summary: str = "",
) -> None:
    """Write the report of one photograph as a page of HTML, pictures inside.

    Parameters
    ----------
    path : path
        The file; its folder must exist.
    photograph : Photograph
        For its details.
    mask : ndarray of uint8, shape (h, w)
        Numbers of classes, or `measures.LEFT_OUT`.
    found : DamageMeasures
        What the mask comes to.
    about : mapping
        With ``title``, ``inventory`` (may be empty), ``warnings``, and the provenance.
    reduced : Reduced
        Photograph and mask, from `dl4art.craquelure.overlay.reduce`.
    summary : str
        What the model's card says of it in a line.

    Raises
    ------
    OutputError
        If the file cannot be written there.
    """
    height, width = photograph.shape
    wide = width > _WIDE * height
    head, *rows = measure_table(found)
    write_page(
        path,
        "craquelure/templates/damage.html",
        about,
        title=about["title"] or photograph.path.stem,
        inventory=about["inventory"],
        finding=finding(found),
        facts=_facts(photograph, found, about, summary),
        wide=wide,
        pictures=_both(reduced.within(_WIDE_PX if wide else _NARROW_PX), *_CAPTIONS),
        details=_details(photograph, mask, reduced, found),
        legend=_legend(found),
        head=head,
        rows=rows,
        note=_note(found),
        figures=_figures(found),
        conclusions=conclusions(found),
        warnings=[_sentence(warning) for warning in about["warnings"]],
    )


def finding(found: DamageMeasures) -> str:
    """Say in one or two sentences how much was found."""
    if not found.area_px:
        return "All of the photograph is left out, so that nothing can be said."
    area = "" if found.loss_cm2 is None else f", {_number(found.loss_cm2)} cm²"
    lost = f"{_number(found.loss_percent)} % of the surface is marked as paint loss{area}."
    if not found.loss_px:
        lost = "No paint loss was found."
    if not found.crack_px:
        return f"{lost} No cracks were found."
    if found.crack_cm_per_cm2 is None:
        return f"{lost} Cracks cover {_number(found.crack_percent)} %."
    return (
        f"{lost} On each square centimetre run {_number(found.crack_cm_per_cm2)} cm of cracks; their median width is "
        f"{_number(found.median_width_mm)} mm."
    )


def measure_table(found: DamageMeasures) -> list[tuple[str, ...]]:
    """Rows for people, a head first: in pixels, and on the painting where the scale is known."""
    islands = found.islands
    mm2 = None if found.px_per_cm is None else 100 / found.px_per_cm**2

    def on_painting(value: float | None, unit: str) -> str:
        return "" if value is None or math.isnan(value) else f"{_number(value)} {unit}"

    rows = [
        ("", "in the photograph", "on the painting"),
        ("Surface that counts", f"{_thousands(found.area_px)} px", on_painting(found.area_cm2, "cm²")),
        ("Paint loss", f"{_number(found.loss_percent)} %", on_painting(found.loss_cm2, "cm²")),
        ("Craquelure", f"{_number(found.crack_percent)} %", ""),
        ("Length of cracks", f"{_thousands(found.crack_length_px)} px", on_painting(_cm(found), "cm")),
        (
            "Length on a unit of surface",
            f"{_number(found.crack_px_per_px2)} px/px²",
            on_painting(found.crack_cm_per_cm2, "cm/cm²"),
        ),
    ]
    if found.crack_px:
        rows += [
            (
                "Width of cracks, median",
                f"{_number(found.median_width_px)} px",
                on_painting(found.median_width_mm, "mm"),
            ),
            ("Width that 95 % stay below", f"{_number(found.wide_px)} px", on_painting(found.wide_mm, "mm")),
        ]
    rows.append(("Islands, closed all round", _thousands(islands.count), ""))
    if islands.count:
        small, median, large = (
            None if mm2 is None else mm2 * px for px in (islands.small, islands.median, islands.large)
        )
        span = "" if small is None or large is None else f"{_number(small)} to {_number(large)} mm²"
        rows += [
            ("Size of islands, median", f"{_number(islands.median)} px", on_painting(median, "mm²")),
            ("Size of 8 in 10 of them", f"{_number(islands.small)} to {_number(islands.large)} px", span),
        ]
    if found.px_per_cm is None:
        return [row[:2] for row in rows]
    return [*rows]


def conclusions(found: DamageMeasures) -> list[str]:
    """Say what these numbers can carry, and what they cannot."""
    sentences = [
        "The numbers describe what the program marked in this photograph. Look at the overlay first: where it errs, "
        "so do they.",
        "Fine brush strokes, hairs, scratches, engraved lines and canvas threads can be taken for cracks; cracks as "
        "dark as the paint round them, and those under dirt or varnish, are missed.",
        "A loss is bare ground or canvas that differs from the paint beside it. Losses that were filled or retouched "
        "do not count, and light, flat passages of paint can be taken for losses.",
        "Light, sharpness and resolution change what can be seen. Two photographs can be compared if they were taken "
        "alike and have the same scale; a difference between others need not be one of the paintings.",
        "Nothing is said of when or why the paint cracked, or whether it still moves.",
    ]
    if found.px_per_cm is None:
        sentences.insert(
            1,
            "The scale is not known, so that there are shares and pixels but no centimetres: state it with --size-cm.",
        )
    else:
        pixel = 10 / found.px_per_cm
        sentences.insert(1, f"A pixel is {_number(pixel)} mm wide on the painting: nothing finer can be measured.")
    return sentences


def _facts(
    photograph: Photograph, found: DamageMeasures, about: Mapping[str, Any], summary: str
) -> list[tuple[str, str]]:
    height, width = photograph.shape
    scale = photograph.scale
    size = f"{_thousands(width)} x {_thousands(height)} px"
    if scale is not None and found.px_per_cm is not None:
        size += f", {width / scale.x:.1f} x {height / scale.y:.1f} cm"
    facts = [
        ("File", photograph.path.name),
        ("Size", size),
        ("Scale", "not known" if scale is None else f"{found.px_per_cm:.4g} px/cm ({scale.source})"),
    ]
    if found.left_out_px:
        facts.append(("Left out", f"{_number(100 * found.left_out_px / math.prod(found.shape))} % of the photograph"))
    facts.append(("Model", f"{about['model']}{f': {summary}' if summary else ''}"))
    facts.append(("Made", str(about["created"]).replace("T", " ").replace("+00:00", " UTC")))
    return facts


def _legend(found: DamageMeasures) -> list[tuple[str, str, str]]:
    entries = (
        (found.crack_px, ("craquelure", COLOURS["craquelure"], "line")),
        (found.loss_px, ("paint loss", COLOURS["loss"], "")),
        (found.left_out_px, ("left out", LEFT_OUT_COLOUR, "")),
    )
    return [entry for pixels, entry in entries if pixels]


def _note(found: DamageMeasures) -> str:
    if not found.crack_px:
        return ""
    return (
        "The length is that of the middle lines of all cracks; widths are measured across them, pixel by pixel. "
        "Islands are pieces of paint that cracks and losses close off wholly within the photograph."
    )


def _figures(found: DamageMeasures) -> list[dict[str, str]]:
    figures = []
    if any(found.widths):
        caption = "Share of the length of all cracks at each width."
        figures.append(drawing("Widths", caption, draw_widths(found)))
    if found.islands.count:
        caption = "Each bar counts islands up to twice as large as the bar before it."
        figures.append(drawing("Islands", caption, draw_islands(found)))
    if any(found.rose):
        figures.append(drawing("Directions", _directions(found), draw_rose(found)))
    return figures


def _directions(found: DamageMeasures) -> str:
    angles = " and ".join(f"{angle:.0f}°" for angle in found.directions[:2])
    said = f"Most run at about {angles} from level" if angles else "No direction stands out"
    return f"{said}. Dashed: all directions alike."


def _details(
    photograph: Photograph, mask: npt.NDArray[np.uint8], reduced: Reduced, found: DamageMeasures
) -> list[dict[str, str]]:
    """Show the window with most to see at full size; nothing if the photograph is hardly larger."""
    if min(mask.shape) < _DETAIL_PX or max(mask.shape) < 2 * _DETAIL_PX or not (found.crack_px or found.loss_px):
        return []
    top, left = _richest(reduced, mask.shape)
    bottom, right = top + _DETAIL_PX, left + _DETAIL_PX

    def read(first: int, last: int, start: int, stop: int) -> Colours:
        return photograph.read(top + first, top + last, left + start, left + stop)

    detail = reduce(read, mask[top:bottom, left:right], _DETAIL_PX)
    side = f"{_DETAIL_PX} px"
    if found.px_per_cm is not None:
        side = f"{_number(_DETAIL_PX / found.px_per_cm)} cm"
    caption = f"{side} a side, {_thousands(left)} px from the left and {_thousands(top)} px from the top"
    return _both(detail, caption, _CAPTIONS[1], kind="png")


def _richest(reduced: Reduced, shape: tuple[int, ...]) -> tuple[int, int]:
    """Upper-left corner of the window with most cracks, and edges of losses."""
    cracks, lost, out = (reduced.shares[name].astype(np.float32) / 255 for name in (*COLOURS, "left out"))
    side = max(1, round(_DETAIL_PX / reduced.factor))
    cracks, lost, out = (ndimage.uniform_filter(layer, side, mode="constant") for layer in (cracks, lost, out))
    # a window full of loss shows nothing but loss
    value = cracks + lost * (1 - lost) - out
    half = side // 2
    inner = value[half : value.shape[0] - half, half : value.shape[1] - half]
    row, column = np.unravel_index(int(inner.argmax()), inner.shape)
    return tuple(  # type: ignore[return-value]
        min(round(float(place) * reduced.factor), length - _DETAIL_PX)
        for place, length in zip((row, column), shape, strict=True)
    )


def _both(shown: Reduced, *captions: str, kind: str = "jpeg") -> list[dict[str, str]]:
    pictures = shown.colours, draw_overlay(shown)
    return [
        picture(caption, caption, _encoded(pixels, kind), kind)
        for pixels, caption in zip(pictures, captions, strict=True)
    ]


def _encoded(pixels: Colours, kind: str) -> bytes:
    file = io.BytesIO()
    # full colour resolution: the lines are one or two pixels wide
    settings: dict[str, Any] = {"quality": 88, "subsampling": 0} if kind == "jpeg" else {}
    Image.fromarray(pixels).save(file, format=kind.upper(), **settings)
    return file.getvalue()


def _cm(found: DamageMeasures) -> float | None:
    return None if found.px_per_cm is None else found.crack_length_px / found.px_per_cm


def _number(value: float | None) -> str:
    """Three significant digits, as people write them."""
    if value is None or math.isnan(value):
        return ""
    if abs(value) >= 100:
        return _thousands(value)
    return f"{value:.3g}" if abs(value) >= 0.001 or not value else "under 0.001"


def _thousands(value: float) -> str:
    return f"{value:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].removesuffix('.')}."
