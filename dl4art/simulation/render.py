"""The picture of a scene, whole or by tiles, with the truth at every pixel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dl4art.simulation.exposure import weave_signal
from dl4art.simulation.fields import Array
from dl4art.simulation.film import EQUALISED_PX, develop, finish, picture_grain, plate_grain, reach
from dl4art.simulation.scene import Scene, cloth_at, paint_at, stage

HALO = 16
"""Pixels computed about a crop so that filters see no border."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A simulated radiograph (or a tile of one) and its truth; all arrays have the same shape."""

    grey: Array
    """Grey values, 0 to 1."""
    background: Array
    """The same picture without the weave: paint, damage, noise."""
    vertical_phase: Array
    """Thread phase: whole numbers on the centre-lines."""
    horizontal_phase: Array
    px_per_cm: float
    piece: npt.NDArray[np.int8] | None = None
    """Which piece of cloth is seen, -1 for none; None where one covers everything. Phases jump between pieces."""

    @property
    def vertical_density(self) -> Array:
        """Density of the vertical threads at every pixel, th/cm; NaN where there is no cloth."""
        return gradient_length(self.vertical_phase, self.piece) * np.float32(self.px_per_cm)

    @property
    def horizontal_density(self) -> Array:
        """Density of the horizontal threads at every pixel, th/cm; NaN where there is no cloth."""
        return gradient_length(self.horizontal_phase, self.piece) * np.float32(self.px_per_cm)

    @property
    def vertical_angle(self) -> Array:
        """Angle of the vertical threads against the picture's vertical, degrees, counter-clockwise."""
        down, right = phase_gradient(self.vertical_phase, self.piece)
        angle: Array = np.degrees(np.arctan2(-down, right)).astype(np.float32)
        return angle

    @property
    def horizontal_angle(self) -> Array:
        """Angle of the horizontal threads against the picture's horizontal, degrees, counter-clockwise."""
        down, right = phase_gradient(self.horizontal_phase, self.piece)
        angle: Array = np.degrees(np.arctan2(right, down)).astype(np.float32)
        return angle


def gradient_length(phase: Array, piece: npt.NDArray[np.int8] | None = None) -> Array:
    """Length of the gradient of a phase, per pixel."""
    down, right = phase_gradient(phase, piece)
    length: Array = np.sqrt(down * down + right * right).astype(np.float32)
    return length


def phase_gradient(phase: Array, piece: npt.NDArray[np.int8] | None = None) -> tuple[Array, Array]:
    """Gradient of a phase down and to the right, per pixel, never across the border of two pieces of cloth."""
    if piece is None:
        down, right = np.gradient(phase)
        return np.asarray(down), np.asarray(right)
    return _slope(phase, piece, 0), _slope(phase, piece, 1)


def _slope(phase: Array, piece: npt.NDArray[np.int8], axis: int) -> Array:
    same = np.diff(piece, axis=axis) == 0
    step = np.asarray(np.diff(phase, axis=axis) * same, np.float32)
    ends = [(1, 1) if side == axis else (0, 0) for side in range(2)]

    def both_sides(values: Array) -> Array:
        padded = np.pad(values, ends)
        total: Array = padded[:-1] + padded[1:] if axis == 0 else padded[:, :-1] + padded[:, 1:]
        return total

    slope = both_sides(step) / np.maximum(both_sides(same.astype(np.float32)), 1)
    return np.where(piece < 0, np.nan, slope).astype(np.float32)


def render(scene: Scene, px_per_cm: float = 200.0, box: tuple[int, int, int, int] | None = None) -> Picture:
    """Render a crop in one go, or a tile of a plate.

    Parameters
    ----------
    scene : Scene
        From `stage`.
    px_per_cm : float
        Resolution.
    box : (int, int, int, int), optional
        First row, first column, rows and columns of a tile, in pixels, the first two multiples of 8 (blocks of JPEG).
        Tiles are equal to those of any other division of the plate. If left out, everything, with grain of its own.

    Returns
    -------
    Picture
        Grey values, the same without the weave, and both thread phases.
    """
    film = scene.radiograph.film
    scale = px_per_cm / 200
    if box is None:
        row, col, rows, cols = 0, 0, round(scene.size_cm[1] * px_per_cm), round(scene.size_cm[0] * px_per_cm)
        halo, margin = HALO, 0
    else:
        row, col, rows, cols = box
        # what equalisation looks at has to be free of border effects itself
        margin = EQUALISED_PX // 2 if film.equalised else 0
        halo = margin + reach(film, scale) + 1
    step = np.float32(1 / px_per_cm)
    y, x = np.meshgrid(
        (np.arange(row - halo, row + rows + halo, dtype=np.float32) + np.float32(0.5)) * step,
        (np.arange(col - halo, col + cols + halo, dtype=np.float32) + np.float32(0.5)) * step,
        indexing="ij",
        sparse=True,
    )
    shape, piece = cloth_at(scene, x, y)
    weave = weave_signal(shape, scene.radiograph.ground, scene.sheet.cloth.ply)
    weave = (weave - np.float32(scene.centre)) * np.float32(1 / scene.spread)
    ground, contrast = paint_at(scene, x, y)
    size = (rows + 2 * halo, cols + 2 * halo)
    if box is None:
        grain = picture_grain(film, scene.seed, size)
    else:
        grain = plate_grain(film, scene.seed, (row - halo, col - halo), size)
    outer = slice(halo - margin, margin - halo)
    inner = slice(halo, -halo)
    with_weave, without = (
        finish(film, develop(film, exposure, grain, scene.levels, scale)[outer, outer], margin)
        for exposure in (ground + contrast * weave, ground)
    )
    return Picture(
        with_weave,
        without,
        shape.vertical_phase[inner, inner],
        shape.horizontal_phase[inner, inner],
        px_per_cm,
        None if piece is None else piece[inner, inner],
    )


__all__ = ["HALO", "Picture", "Scene", "gradient_length", "phase_gradient", "render", "stage"]
