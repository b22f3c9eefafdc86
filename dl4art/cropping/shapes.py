"""Shapes in a file of labelme, which is read without labelme."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dl4art.utils.errors import InputError
from dl4art.utils.files import atomic_path
from dl4art.utils.limits import WHOLE, Limit, read_text

# version of labelme's file format that is written; any is read
LABELME_VERSION = "5.5.0"
_FARTHEST_PX = 1e7  # that a person can draw; beyond, arithmetic ends


@dataclass(frozen=True, eq=False)
class Shape:
    """A shape that a person has drawn on a picture."""

    where: str
    """File and number, to begin a message with."""
    label: str
    kind: str
    """As labelme has it: ``polygon``, ``rectangle``, ``linestrip``, ..."""
    points: NDArray[np.float64]
    """(x, y) in px, (n, 2)."""


@dataclass(frozen=True, eq=False)
class Drawing:
    """All that a file of labelme says of a picture."""

    image: str
    """Where the picture is, relative to the file, as it says; empty if it does not."""
    size: tuple[int, int]
    """Height and width in px of the picture that was drawn on."""
    shapes: list[Shape]
    """In the order of the file."""


def read_shapes(path: str | Path, what: str, limit: Limit = WHOLE) -> tuple[tuple[int, int], list[Shape]]:
    """Size and shapes of `read_drawing`."""
    drawing = read_drawing(path, what, limit)
    return drawing.size, drawing.shapes


def read_drawing(path: str | Path, what: str, limit: Limit = WHOLE) -> Drawing:
    """Read a file of labelme; the picture inside it, if any, is ignored.

    Parameters
    ----------
    path : path
        The JSON file.
    what : str
        What was drawn, in the words of a message: ``"labels"``.
    limit : Limit
        Of the picture's pixels: masks may be made of what was drawn on it.

    Returns
    -------
    Drawing

    Raises
    ------
    InputError
        If the file cannot be read, or a field is missing or wrong.
    """
    again = f"Save the {what} again with labelme."
    content: Any
    try:
        content = json.loads(read_text(path))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}). Check its name.") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: is not JSON ({error}). {again}") from error
    shapes = content.get("shapes") if isinstance(content, dict) else None
    if not isinstance(shapes, list):
        raise InputError(f"{path}: field 'shapes' is missing or no list. {again}")
    size = content.get("imageHeight"), content.get("imageWidth")
    for name, value in zip(("imageHeight", "imageWidth"), size, strict=True):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise InputError(f"{path}: field '{name}' is {str(value)[:40]!r}, not a number of pixels. {again}")
    limit.check(path, size[0] * size[1], "a picture of the size that is drawn on")
    image = content.get("imagePath")
    found = [_shape(f"{path}: shape {number}", shape) for number, shape in enumerate(shapes, start=1)]
    return Drawing(image if isinstance(image, str) else "", size, found)


def write_drawing(drawing: Drawing, path: str | Path) -> None:
    """Write a file of labelme, without the picture; an old file is replaced. OutputError if it cannot be written."""
    write_shapes(drawing.shapes, path, drawing.image, drawing.size)


def write_shapes(shapes: Iterable[Shape], path: str | Path, image: str, size: tuple[int, int]) -> None:
    """Write the same, of shapes that are drawn one after the other and need not all be in memory.

    Parameters
    ----------
    shapes : iterable of Shape
        Written as they come, a line each.
    path : path
        The JSON file.
    image : str
        Where the picture is, relative to the file.
    size : (int, int)
        Height and width of the picture in px.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    head: dict[str, Any] = {"version": LABELME_VERSION, "flags": {}, "imagePath": image, "imageData": None}
    head |= {"imageHeight": size[0], "imageWidth": size[1]}
    with atomic_path(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.write(json.dumps(head, indent=1).removesuffix("\n}") + ',\n "shapes": [')
        for number, shape in enumerate(shapes):
            drawn = {"label": shape.label, "points": shape.points.tolist(), "group_id": None}
            file.write((",\n  " if number else "\n  ") + json.dumps(drawn | {"shape_type": shape.kind, "flags": {}}))
        file.write("\n ]\n}\n")


def _shape(where: str, shape: Any) -> Shape:
    if not isinstance(shape, dict):
        raise InputError(f"{where}: is a {type(shape).__name__}, not an object. Draw it again with labelme.")
    try:
        points = np.array(shape["points"], dtype=np.float64).reshape(-1, 2)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise InputError(f"{where}: field 'points' is missing or no list of (x, y) pairs. Draw it again.") from error
    if (np.abs(points) > _FARTHEST_PX).any():
        raise InputError(f"{where}: has a point {np.abs(points).max():.3g} px away from the picture. Draw it again.")
    return Shape(where, str(shape.get("label") or "").strip(), str(shape.get("shape_type", "polygon")), points)
