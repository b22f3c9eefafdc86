"""Masks of cracks and losses from what a person has drawn in labelme, and back."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from contourpy import contour_generator
from PIL import Image, ImageDraw

from dl4art.craquelure.measures import LEFT_OUT
from dl4art.craquelure.metrics import Labels, check_labels
from dl4art.craquelure.skeleton import Mask, skeletonise
from dl4art.craquelure.strips import Points, simplified, trace
from dl4art.cropping.outlines import fill
from dl4art.cropping.shapes import Shape, read_drawing, write_shapes
from dl4art.simulation.paintings import CLASSES
from dl4art.utils.errors import InputError

_CRACK, _LOSS = CLASSES.index("craquelure"), CLASSES.index("loss")
_NAMES = {"craquelure": _CRACK, "crack": _CRACK, "loss": _LOSS, "paint loss": _LOSS, "background": 0}
CRACK_WIDTH_PX = 3
"""Width of a crack that was drawn as a line."""
_TILE_PX = 2048
"""Lines and outlines are cut at multiples of this, so that pictures of any size can be written."""
_LINES = {"linestrip", "line"}
_CORNERS_OFF_PX = 0.4


def read_damage(
    path: str | Path, *, shape: tuple[int, int] | None = None, width_px: int = CRACK_WIDTH_PX
) -> npt.NDArray[np.uint8]:
    """Read a labelme file with polygons or line strips of craquelure and polygons of loss.

    Later shapes lie over earlier ones, so that a polygon ``background`` cuts out of what is below it.

    Parameters
    ----------
    path : path
        The JSON file.
    shape : (int, int), optional
        Rows and columns of the picture, if the file has to fit it.
    width_px : int
        Width of cracks drawn as lines.

    Returns
    -------
    ndarray of uint8, shape (h, w)
        0 background, 1 craquelure, 2 loss.

    Raises
    ------
    InputError
        If the file cannot be read, does not fit the picture, or a shape has another label or kind.
    """
    drawing = read_drawing(path, "labels")
    mask = np.zeros(drawing.size, np.uint8)
    check_labels(mask, str(path), shape=shape)
    for drawn in drawing.shapes:
        number = _NAMES.get(drawn.label.lower())
        if number is None:
            raise InputError(
                f"{drawn.where}: field 'label' is {drawn.label!r}; name each shape {', '.join(map(repr, CLASSES))}."
            )
        mask[_pixels(drawn, number, drawing.size, width_px)] = number
    return mask


def write_damage(mask: npt.NDArray[Any], path: str | Path, image: str) -> None:
    """Write a mask as a labelme file: line strips along cracks, polygons round losses.

    Cracks keep their centre-lines and lose their widths. A polygon round a loss with holes goes to each hole and back
    along the same way.

    Parameters
    ----------
    mask : ndarray of int, shape (h, w)
        Numbers of `CLASSES`; what is `measures.LEFT_OUT` is not drawn.
    path : path
        The JSON file; an old one is replaced.
    image : str
        Path of the picture as the file is to name it, relative to the file.

    Raises
    ------
    InputError
        If the mask holds other numbers.
    OutputError
        If the file cannot be written.
    """
    mask = np.asarray(mask)
    write_shapes(_every_shape(mask), path, image, (mask.shape[0], mask.shape[1]))


def _every_shape(mask: npt.NDArray[Any]) -> Iterator[Shape]:
    for top in range(0, mask.shape[0], _TILE_PX):
        for left in range(0, mask.shape[1], _TILE_PX):
            tile = mask[top : top + _TILE_PX, left : left + _TILE_PX]
            yield from _shapes(check_labels(np.where(tile == LEFT_OUT, 0, tile)), np.array([left, top], np.float64))


def _shapes(mask: Labels, corner: Points) -> list[Shape]:
    """Draw a part of a mask whose upper-left corner (x, y) lies at `corner`."""
    # pixel (0, 0) reaches from 0 to 1 in labelme
    strips = [simplified(line[:, ::-1] + 0.5, 0.75) for line in trace(skeletonise(mask == _CRACK))]
    shapes = [Shape("", CLASSES[_CRACK], "linestrip", strip + corner) for strip in strips]
    return shapes + [Shape("", CLASSES[_LOSS], "polygon", polygon + corner) for polygon in _outlines(mask == _LOSS)]


def _pixels(drawn: Shape, number: int, size: tuple[int, int], width_px: int) -> Mask:
    where, kind, points = drawn.where, drawn.kind, drawn.points
    if kind not in {"polygon", "rectangle", *(_LINES if number == _CRACK else ())}:
        raise InputError(
            f"{where}: field 'shape_type' is {kind!r}; draw craquelure as line strips or polygons, and "
            "all else as polygons."
        )
    if len(points) < (3 if kind == "polygon" else 2) or not np.isfinite(points).all():
        raise InputError(f"{where}: field 'points' holds {len(points)} points, too few or not finite for a {kind}.")
    if kind in _LINES:
        layer = Image.new("1", size[::-1])
        path = [(float(x) - 0.5, float(y) - 0.5) for x, y in points]
        ImageDraw.Draw(layer).line(path, fill=1, width=width_px, joint="curve")
        return np.array(layer)
    if kind == "rectangle":
        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
        points = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    return fill(points, size)


def _outlines(mask: Mask) -> list[Points]:
    """Polygons round the parts of a mask, holes joined to what is round them."""
    # half-way between the centres of pixels inside and outside; a border of zeros closes what touches the picture's
    padded = np.pad(mask, 1).astype(np.float32)
    pieces: Any = contour_generator(z=padded, fill_type="OuterOffset").filled(0.5, np.inf)
    found = []
    for points, starts in zip(*pieces, strict=True):
        rings = [simplified(points[a:b] - 0.5, _CORNERS_OFF_PX) for a, b in pairwise(starts.tolist())]
        outer = rings[0]
        # there and back along one line, which encloses nothing
        found.append(np.concatenate([outer, *(part for ring in rings[1:] for part in (ring, outer[:1]))]))
    return found
