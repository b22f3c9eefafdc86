"""Labels of threads: labelme polygons and thread masks, both to centre-lines and so to density.

labelme is never imported: its JSON is read and written here. A polygon round a thread becomes its centre-line, half-way
between its two sides; so does a band of a mask.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dl4art.cropping.archives import load_masks, save_masks
from dl4art.cropping.masks import bands_to_lines, draw_bands
from dl4art.cropping.shapes import Drawing, Shape, read_shapes, write_drawing
from dl4art.cropping.threads import DIRECTIONS, Direction, Polyline, Window, mean_density, read_direction
from dl4art.utils.errors import InputError


@dataclass(frozen=True)
class ThreadLabels:
    """The threads of a picture.

    Attributes
    ----------
    vertical, horizontal : tuple of ndarray, shape (n_i, 2)
        Centre-lines as points (x, y) in px from the upper-left corner; vertical ones from top to bottom, ordered from
        left to right, horizontal ones from left to right, ordered from top to bottom.
    shape : tuple of int
        Height and width of the picture in px.
    """

    vertical: tuple[Polyline, ...]
    horizontal: tuple[Polyline, ...]
    shape: tuple[int, int]

    @classmethod
    def ordered(
        cls, vertical: Iterable[Polyline], horizontal: Iterable[Polyline], shape: tuple[int, int]
    ) -> ThreadLabels:
        """From centre-lines in any order."""
        return cls(
            tuple(sorted(vertical, key=lambda line: float(line[:, 0].mean()))),
            tuple(sorted(horizontal, key=lambda line: float(line[:, 1].mean()))),
            shape,
        )

    def transposed(self) -> ThreadLabels:
        """Labels of the transposed picture: rows and columns, and so the two directions, change places."""
        flip = [tuple(line[:, ::-1] for line in lines) for lines in (self.horizontal, self.vertical)]
        return ThreadLabels(flip[0], flip[1], (self.shape[1], self.shape[0]))


def density(labels: ThreadLabels, window: Window | None = None, px_per_cm: float = 200.0) -> tuple[float, float]:
    """Densities of vertical and horizontal threads, threads per cm, in a window or the whole picture.

    Raises
    ------
    InputError
        As `dl4art.cropping.threads.mean_density`.
    """
    return (
        mean_density(labels.vertical, labels.shape, px_per_cm, direction="vertical", window=window),
        mean_density(labels.horizontal, labels.shape, px_per_cm, direction="horizontal", window=window),
    )


def read_labelme(path: str | Path) -> ThreadLabels:
    """Read a labelme file with one polygon round each thread.

    Shapes are labelled ``vertical`` or ``horizontal`` (or ``V``, ``H``); a line strip or a line counts as the
    centre-line itself. The picture inside the file, if any, is ignored.

    Parameters
    ----------
    path : path
        The JSON file.

    Returns
    -------
    ThreadLabels

    Raises
    ------
    InputError
        If the file cannot be read, a field is missing or wrong, or a shape has another label or kind.
    """
    size, shapes = read_shapes(path, "labels")
    lines: dict[Direction, list[Polyline]] = {"vertical": [], "horizontal": []}
    for shape in shapes:
        direction, line = read_thread(shape)
        lines[direction].append(line)
    return ThreadLabels.ordered(lines["vertical"], lines["horizontal"], size)


def read_thread(shape: Shape) -> tuple[Direction, Polyline]:
    """Which way a labelled thread runs, and its centre-line; InputError if the shape is no thread."""
    where, kind, points = shape.where, shape.kind, shape.points
    direction = read_direction(shape.label)
    if direction is None:
        raise InputError(f"{where}: field 'label' is {shape.label!r}; name each thread 'vertical' or 'horizontal'")
    if kind not in {"polygon", "linestrip", "line"}:
        raise InputError(f"{where}: field 'shape_type' is {kind!r}; draw each thread as a polygon or a line strip")
    if len(points) < (3 if kind == "polygon" else 2) or not np.isfinite(points).all():
        raise InputError(f"{where}: field 'points' holds {len(points)} points, too few or not finite for a {kind}")
    along = 1 if direction == "vertical" else 0
    line = _middle(points[:, [1 - along, along]]) if kind == "polygon" else points[:, [1 - along, along]]
    line = line[np.argsort(line[:, 1], kind="stable")]
    if line[0, 1] == line[-1, 1]:
        raise InputError(f"{where}: a {direction} thread without length; is it labelled with the other direction?")
    return direction, line[:, [1 - along, along]]


def write_labelme(labels: ThreadLabels, path: str | Path, image: str, *, thread_width: float = 8.0) -> None:
    """Write a labelme file with one polygon round each thread.

    Parameters
    ----------
    labels : ThreadLabels
        The threads.
    path : path
        The JSON file; an old one is replaced.
    image : str
        Path of the picture as the file is to name it, relative to the file.
    thread_width : float
        Width of the polygons in px. It does not change the centre-lines.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    write_polygons(
        [_polygon(line, thread_width, "vertical") for line in labels.vertical],
        [_polygon(line, thread_width, "horizontal") for line in labels.horizontal],
        labels.shape,
        path,
        image,
    )


def write_polygons(
    vertical: Iterable[Polyline], horizontal: Iterable[Polyline], shape: tuple[int, int], path: str | Path, image: str
) -> None:
    """Write polygons round threads as a labelme file; `shape`, `path`, `image` and errors as in `write_labelme`."""
    shapes = [
        Shape("", label, "polygon", points)
        for label, polygons in zip(DIRECTIONS, (vertical, horizontal), strict=True)
        for points in polygons
    ]
    write_drawing(Drawing(image, shape, shapes), path)


def read_masks(path: str | Path) -> ThreadLabels:
    """Read the masks ``NAME_V.npz`` and ``NAME_H.npz`` beside a picture ``NAME.tif``.

    Parameters
    ----------
    path : path
        The picture (which need not exist), either mask, or their common path without ``_V.npz``.

    Returns
    -------
    ThreadLabels

    Raises
    ------
    InputError
        If a mask is missing, is no NumPy archive with a two-dimensional field ``arr_0``, or their shapes differ.
    """
    vertical, horizontal = load_masks(path)
    height, width = vertical.shape
    across = [line[:, ::-1] for line in bands_to_lines(np.ascontiguousarray(horizontal.T))]
    return ThreadLabels.ordered(bands_to_lines(vertical), across, (height, width))


def write_masks(labels: ThreadLabels, path: str | Path, *, thread_width: float = 8.0) -> tuple[Path, Path]:
    """Write the masks ``NAME_V.npz`` and ``NAME_H.npz`` (field ``arr_0``, bool, the shape of the picture).

    Parameters
    ----------
    labels : ThreadLabels
        The threads.
    path : path
        The picture, or the path of both masks without ``_V.npz``.
    thread_width : float
        Width of the bands in px; bands that touch cannot be told apart as well.

    Returns
    -------
    tuple of Path
        The files written, vertical threads first.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    vertical = draw_bands(labels.vertical, labels.shape, thread_width)
    horizontal = draw_bands(labels.transposed().vertical, labels.shape[::-1], thread_width).T
    return save_masks(path, vertical, horizontal)


def _middle(polygon: Polyline) -> Polyline:
    """Centre-line of a polygon round a vertical thread: half-way between its outer sides at each corner's height."""
    levels = np.unique(polygon[:, 1])
    x0, y0 = polygon[:, 0], polygon[:, 1]
    x1, y1 = np.roll(x0, -1), np.roll(y0, -1)
    low, high = np.minimum(y0, y1), np.maximum(y0, y1)
    at = levels[:, None]
    share = np.divide(at - y0, y1 - y0, out=np.zeros((len(levels), len(x0))), where=y1 != y0)
    crossing = x0 + share * (x1 - x0)
    crosses = (at >= low) & (at <= high)
    # a side along the level touches it with both its ends: its other end belongs to the next side
    left = np.where(crosses, crossing, np.inf).min(axis=1)
    right = np.where(crosses, crossing, -np.inf).max(axis=1)
    width = right - left
    # a pointed or slanting end says nothing of the middle there
    whole = width >= 0.5 * np.median(width)
    keep = whole if whole.sum() >= 2 else np.ones_like(whole)
    line: Polyline = np.stack([(left + right) / 2, levels], axis=1)[keep]
    return line


def _polygon(line: Polyline, width: float, direction: Direction) -> Polyline:
    # moved sideways, not along the normal, so that reading gives back the very same points
    aside = np.array([width / 2, 0.0]) if direction == "vertical" else np.array([0.0, width / 2])
    return np.concatenate([line - aside, (line + aside)[::-1]])
