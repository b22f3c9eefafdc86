"""Reports as pages of HTML that need nothing but themselves, for the screen and for A4 paper."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dl4art.utils.files import atomic_path


def write_page(path: str | Path, template: str, about: Mapping[str, Any], **values: Any) -> None:
    """Render a template into a file, whole or not at all.

    Parameters
    ----------
    path : path
        The file; its folder must exist.
    template : str
        Its path in the package, e.g. ``regression/templates/map.html``. It extends ``utils/templates/page.html``, and
        may take tables and figures from ``parts.html`` beside that.
    about : mapping
        The provenance, told at the foot of the page.
    **values
        What the template shows, ``title`` among it; all text is escaped.

    Raises
    ------
    OutputError
        If the file cannot be written there.
    """
    page = _templates().get_template(template).render(values, footer=_footer(about))
    with atomic_path(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def picture(heading: str, caption: str, data: bytes, kind: str) -> dict[str, str]:
    """Give what a template needs to show a picture, the bytes of a file of some kind, inside the page."""
    return {"heading": heading, "caption": caption, "kind": kind, "data": base64.b64encode(data).decode("ascii")}


def drawing(heading: str, caption: str, figure: Figure) -> dict[str, str]:
    """Give the same for a figure."""
    return picture(heading, caption, png(figure), "png")


def png(figure: Figure, dpi: int = 200) -> bytes:
    """Draw a figure into a PNG file in memory."""
    file = io.BytesIO()
    # no version inside, so that the same numbers give the same file
    figure.savefig(file, format="png", dpi=dpi, metadata={"Software": None})
    return file.getvalue()


def label_axes(axes: Axes, x: str, y: str, *, fontsize: int, frame: bool = False) -> None:
    """Write at the axes what they are; without a `frame`, no lines are drawn above and to the right."""
    axes.set_xlabel(x, fontsize=fontsize)
    axes.set_ylabel(y, fontsize=fontsize)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(frame)


@lru_cache(maxsize=1)
def _templates() -> jinja2.Environment:
    loader = jinja2.PackageLoader("dl4art", "")
    return jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)


def _footer(about: Mapping[str, Any]) -> str:
    """Say in one paragraph where the numbers come from."""
    inputs = "; ".join(f"{item['file']} (SHA-256 {item['sha256']})" for item in about.get("inputs", []))
    parameters = ", ".join(
        f"{name} {value}" for name, value in about.get("parameters", {}).items() if value is not None
    )
    versions = ", ".join(f"{name} {value}" for name, value in about.get("versions", {}).items())
    given = f" Parameters: {parameters}." if parameters else ""
    return f"{about.get('program', '')}. Input: {inputs}.{given} Versions: {versions}."
