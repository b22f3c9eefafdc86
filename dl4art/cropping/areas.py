"""What a person has marked on a plate: parts to leave out, and regions that are to have numbers of their own.

Parts are polygons or rectangles in a labelme file (which is read without labelme), or the white of a black and white
picture of the plate's size.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dl4art.cropping.plate import Plate
from dl4art.cropping.reading import read_plate
from dl4art.cropping.shapes import Shape, read_shapes
from dl4art.cropping.usable import CELL_CM, cell_bands, cell_counts, cell_edges
from dl4art.utils.errors import InputError
from dl4art.utils.limits import PLATE

EXCLUDE = "exclude"
"""Label of parts that are left out; any other names a region."""
Polygon = NDArray[np.float64]
"""Corners (x, y) in cm from the upper-left corner of the plate, (n, 2)."""
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Areas:
    """What is drawn on a plate.

    Attributes
    ----------
    excluded : tuple of Polygon
        Parts to leave out.
    regions : dict of str to tuple of Polygon
        Regions by name, in the order in which their names first come; several polygons of one name are one region.
    """

    excluded: tuple[Polygon, ...]
    regions: dict[str, tuple[Polygon, ...]]


def read_areas(path: str | Path, plate: Plate) -> Areas:
    """Read polygons and rectangles from a labelme file.

    Parameters
    ----------
    path : path
        The JSON file.
    plate : Plate
        What they were drawn on: the file must say that its picture has the plate's size in pixels.

    Returns
    -------
    Areas

    Raises
    ------
    InputError
        If the file cannot be read, is of a picture of another size, or a shape is no polygon or rectangle.
    """
    size, shapes = read_shapes(path, "regions", PLATE)
    if size != plate.shape:
        raise _other_size(path, size, plate)
    per_cm = np.array([plate.px_per_cm_x, plate.px_per_cm_y])
    excluded: list[Polygon] = []
    regions: dict[str, tuple[Polygon, ...]] = {}
    for shape in shapes:
        corners = _corners(shape) / per_cm
        if shape.label.lower() == EXCLUDE:
            excluded.append(corners)
        else:
            regions[shape.label] = (*regions.get(shape.label, ()), corners)
    return Areas(tuple(excluded), regions)


def inside(polygons: Iterable[Polygon], x_cm: NDArray[np.floating[Any]], y_cm: NDArray[np.floating[Any]]) -> Mask:
    """Tell which points of a grid lie in any of some polygons, (ny, nx)."""
    from matplotlib.path import Path as Outline

    x, y = np.meshgrid(x_cm, y_cm)
    points = np.stack([x.ravel(), y.ravel()], axis=1)
    found = np.zeros(len(points), bool)
    for corners in polygons:
        found |= Outline(corners).contains_points(points)
    return found.reshape(x.shape)


def excluded_cells(areas: Areas, plate: Plate) -> Mask:
    """Tell which cells, those of `usable_area`, have their middle in a part that is left out."""
    y_cm, x_cm = ((np.arange(count) + 0.5) * CELL_CM for count in cell_counts(plate))
    return inside(areas.excluded, x_cm, y_cm)


def masked_cells(path: str | Path, plate: Plate) -> Mask:
    """Tell which cells, those of `usable_area`, a mask leaves out: half of them or more is not black.

    Parameters
    ----------
    path : path
        TIFF, PNG or JPEG of the plate's size in pixels. It is read a band at a time.
    plate : Plate
        What it masks.

    Raises
    ------
    InputError
        If the file cannot be read, or has another size.
    """
    mask = read_plate(path, plate.px_per_cm)
    if mask.shape != plate.shape:
        raise _other_size(path, mask.shape, plate)
    down, across = cell_edges(plate)
    # a JPEG's black is not quite black
    limit = 127 if mask.dtype == "uint8" and Path(path).suffix.lower() in (".jpg", ".jpeg") else 0
    share = np.zeros(cell_counts(plate))
    for first, last in cell_bands(plate):
        white = mask.read(slice(down[first], down[last])) > limit
        tops = [edge - down[first] for edge in down[first:last]]
        white_px = np.add.reduceat(np.add.reduceat(white.astype(np.int64), tops, axis=0), across[:-1], axis=1)
        share[first:last] = white_px / np.outer(np.diff(down[first : last + 1]), np.diff(across))
    return np.asarray(share >= 0.5)


def _other_size(path: str | Path, size: tuple[int, int], plate: Plate) -> InputError:
    return InputError(
        f"{path}: is of a picture of {size[1]} x {size[0]} px, and {plate.path} has {plate.shape[1]} x "
        f"{plate.shape[0]} px. Draw it on the plate itself, or on a copy of the same size."
    )


def _corners(shape: Shape) -> Polygon:
    """Corners of a region in px."""
    where, name, points = shape.where, shape.label, shape.points
    if not name:
        raise InputError(f"{where}: has no label. Name it {EXCLUDE!r} to leave it out, or give the region a name.")
    if shape.kind == "rectangle" and len(points) >= 2:
        (left, top), (right, bottom) = points.min(axis=0), points.max(axis=0)
        points = np.array([(left, top), (right, top), (right, bottom), (left, bottom)])
    elif shape.kind != "polygon":
        raise InputError(f"{where} ({name}): is a {shape.kind}. Draw polygons or rectangles.")
    if len(points) < 3 or not np.isfinite(points).all():
        raise InputError(f"{where} ({name}): {len(points)} corners, or one that is not finite, make no polygon.")
    return points
