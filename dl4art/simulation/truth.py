"""What is known of a simulated picture: centre-lines of its threads, and densities and angles in cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dl4art.cropping.labels import ThreadLabels
from dl4art.cropping.threads import Polyline, join_crossings, phase_crossings
from dl4art.simulation.fields import Array
from dl4art.simulation.furniture import piece_numbers
from dl4art.simulation.render import Picture
from dl4art.simulation.scene import Scene
from dl4art.simulation.weave import thread_phases

CELL_CM = 0.25
"""Side of the cells over which a plate's truth is averaged."""
_FINE_CM = 0.01
_BATCH = 64

Pieces = npt.NDArray[np.int8] | None


def centre_lines(picture: Picture) -> ThreadLabels:
    """Centre-lines of all threads in a picture: where the thread phase is a whole number.

    Parameters
    ----------
    picture : Picture
        A simulated crop or tile.

    Returns
    -------
    ThreadLabels
        One point (x, y) in px per row of pixels (of horizontal threads: per column). A thread that a patch or the
        border of the cloth cuts in two is two lines.
    """
    shape = picture.grey.shape
    rows, columns = (np.arange(side, dtype=np.float64) + 0.5 for side in shape)
    vertical = join_crossings([phase_crossings(picture.vertical_phase, rows, picture.piece)], 1.0)
    turned = None if picture.piece is None else picture.piece.T
    horizontal = join_crossings([phase_crossings(picture.horizontal_phase.T, columns, turned)], 1.0)
    return _labels(vertical, horizontal, (shape[0], shape[1]), 1.0)


def plate_lines(scene: Scene, px_per_cm: float, every_cm: float = 0.1) -> ThreadLabels:
    """Centre-lines of all threads of a plate, without rendering it.

    Parameters
    ----------
    scene : Scene
        The plate.
    px_per_cm : float
        Scale of the pixels in which the lines are given.
    every_cm : float
        Distance between the points of a line.
    """
    width, height = scene.size_cm
    shape = round(height * px_per_cm), round(width * px_per_cm)
    vertical, horizontal = (_march(scene, direction, every_cm) for direction in (0, 1))
    return _labels(vertical, horizontal, shape, px_per_cm)


def _march(scene: Scene, direction: int, every_cm: float) -> list[Polyline]:
    across_cm, along_cm = scene.size_cm if direction == 0 else scene.size_cm[::-1]
    step = across_cm / np.ceil(across_cm / _FINE_CM)
    across = ((np.arange(round(across_cm / step)) + 0.5) * step).astype(np.float32)
    stops = np.linspace(0, along_cm, max(2, int(np.ceil(along_cm / every_cm)) + 1))
    found = []
    for start in range(0, len(stops), _BATCH):
        along = stops[start : start + _BATCH]
        rows, cols = along.astype(np.float32)[:, None], across[None]
        x, y = (cols, rows) if direction == 0 else (rows.T, cols.T)
        phase, piece = _phase(scene, direction, x, y)
        if direction == 1:
            phase, piece = phase.T, None if piece is None else piece.T
        crossing = phase_crossings(phase, along, piece)
        crossing[:, 2] *= step
        found.append(crossing)
    return join_crossings(found, stops[1] - stops[0])


def _phase(scene: Scene, direction: int, x: Array, y: Array) -> tuple[Array, Pieces]:
    phase = thread_phases(scene.sheet, x, y)[direction]
    if scene.furniture is None:
        return phase, None
    piece = piece_numbers(scene.furniture, scene.size_cm, x, y)
    for number, sheet in enumerate(scene.pieces, 1):
        phase = np.where(piece == number, thread_phases(sheet, x, y)[direction], phase)
    return phase, piece


def _labels(vertical: list[Polyline], horizontal: list[Polyline], shape: tuple[int, int], scale: float) -> ThreadLabels:
    """Turn centre-lines (across, along) into labels."""
    upright, level = [line * scale for line in vertical], [line[:, ::-1] * scale for line in horizontal]
    return ThreadLabels.ordered(upright, level, shape)


@dataclass(frozen=True, eq=False)
class WindowTruth:
    """What is true in square windows of a picture, n of them."""

    density: npt.NDArray[np.float64]
    """Mean densities, th/cm, vertical and horizontal, (n, 2); NaN where there is no cloth."""
    angle: npt.NDArray[np.float64]
    """Mean angles, degrees counter-clockwise, (n, 2)."""
    cloth: npt.NDArray[np.float64]
    """Share of the window that one piece of cloth fills, the largest, (n,)."""


def window_truth(picture: Picture, corners_px: npt.NDArray[np.intp], side_px: int) -> WindowTruth:
    """Truth in windows of a picture.

    Parameters
    ----------
    picture : Picture
        A simulated plate, or a part of one.
    corners_px : (n, 2) array
        Upper-left corners (x, y) of the windows, which lie inside.
    side_px : int
        Their side.
    """
    every = np.stack([getattr(picture, name) for name in TruthSum.QUANTITIES], axis=-1)
    means, cloth = np.full((len(corners_px), 4), np.nan), np.ones(len(corners_px))
    for number, (x, y) in enumerate(corners_px):
        window = slice(y, y + side_px), slice(x, x + side_px)
        known = every[window][np.isfinite(every[window]).all(axis=-1)]
        if len(known):
            means[number] = known.mean(axis=0, dtype=np.float64)
        if picture.piece is not None:
            piece = picture.piece[window]
            cloth[number] = np.bincount(piece[piece >= 0].ravel(), minlength=1).max() / piece.size
    return WindowTruth(means[:, :2], means[:, 2:], cloth)


@dataclass(frozen=True, eq=False)
class TruthMap:
    """Truth of a plate in square cells of `CELL_CM`, from its upper-left corner; NaN where there is no cloth.

    Arrays of shape (rows, columns); densities in th/cm, angles in degrees, counter-clockwise.
    """

    vertical_density: npt.NDArray[np.float32]
    horizontal_density: npt.NDArray[np.float32]
    vertical_angle: npt.NDArray[np.float32]
    horizontal_angle: npt.NDArray[np.float32]

    def mean_densities(self) -> tuple[float, float]:
        """Mean density of the vertical and the horizontal threads over all cells with cloth, th/cm."""
        return float(np.nanmean(self.vertical_density)), float(np.nanmean(self.horizontal_density))


class TruthSum:
    """Sums from which a `TruthMap` is made, tile by tile."""

    QUANTITIES = ("vertical_density", "horizontal_density", "vertical_angle", "horizontal_angle")

    def __init__(self, shape: tuple[int, int], px_per_cm: float) -> None:
        self._px_per_cm = px_per_cm
        # as many as it takes to hold the centre of the last pixel
        cells = [int((side - 0.5) / px_per_cm / CELL_CM) + 1 for side in shape]
        self._sums = np.zeros((len(self.QUANTITIES), *cells))
        self._count = np.zeros(cells)

    def add(self, picture: Picture, row: int, col: int) -> None:
        """Add a tile whose first pixel is at `row` and `col` of the plate."""
        rows, cols = picture.grey.shape
        down = ((np.arange(row, row + rows) + 0.5) / self._px_per_cm / CELL_CM).astype(np.intp)
        right = ((np.arange(col, col + cols) + 0.5) / self._px_per_cm / CELL_CM).astype(np.intp)
        # pixels of a tile lie in whole runs of rows and of columns of cells
        tops, lefts = np.flatnonzero(np.diff(down, prepend=-1)), np.flatnonzero(np.diff(right, prepend=-1))
        where = np.ix_(down[tops], right[lefts])

        def summed(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
            total: npt.NDArray[np.float64] = np.add.reduceat(np.add.reduceat(values, tops, axis=0), lefts, axis=1)
            return total

        for number, name in enumerate(self.QUANTITIES):
            values = getattr(picture, name)
            self._sums[number][where] += summed(np.nan_to_num(values).astype(np.float64))
        self._count[where] += summed(np.isfinite(values).astype(np.float64))

    def means(self) -> TruthMap:
        """Means over the cells of all that was added."""
        count = np.where(self._count > 0, self._count, np.nan)
        return TruthMap(*(total.astype(np.float32) for total in self._sums / count))
