"""Augmentation of labelled crops: picture and thread phase are warped by one map, so that no label rule is needed.

A warp says where in a crop each point of a window is taken from, ``p = centre + A u + e(u)``. The gradient of the
warped phase is ``J.T g(p)``, with ``J`` the map's derivative, which is known exactly; its length is the window's
density. So a rotation keeps the density and turns the angle, a transposition swaps the two thread systems, and
stretched cloth has fewer threads, all by the one definition of thread density.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from dl4art.cropping.plate import PX_PER_CM

Array = npt.NDArray[Any]
WINDOW = 200
_IDENTITY = np.eye(2)
_TURN = np.array([[0.0, -1.0], [1.0, 0.0]])
"""A quarter turn: the window's x runs down the crop."""
_SWAP = np.array([[0.0, 1.0], [1.0, 0.0]])


@dataclass(frozen=True, eq=False)
class Warp:
    """A map from the points of a window to points of a crop; both are (x, y) in px from their middles."""

    matrix: Array = field(default_factory=lambda: _IDENTITY)
    """A, (2, 2)."""
    shift: tuple[float, float] = (0.0, 0.0)
    """From the crop's middle, px."""
    bends: Array = field(default_factory=lambda: np.zeros((0, 5)))
    """Elastic part: of each of k waves the displacement (x, y) in px, the wave vector (x, y) in radians per px and the
    phase, (k, 5). It displaces by the sum of ``displacement * sin(vector . u + phase)``."""

    @property
    def turned(self) -> bool:
        """Whether the crop's horizontal threads become the window's vertical ones."""
        return bool(abs(self.matrix[0, 1]) > abs(self.matrix[0, 0]))


def rotation(degrees: float) -> Array:
    """Matrix of a warp that turns the picture counter-clockwise as it is seen."""
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.array([[cos, -sin], [sin, cos]])


def apply_warp(
    warp: Warp, picture: Array, gradient: Array, side: int = WINDOW, *, step: int = 1
) -> tuple[Array, Array]:
    """Take a window out of a crop.

    Parameters
    ----------
    warp : Warp
        From where. Points outside the crop take the value at its border.
    picture : (h, w) array
        The crop's picture, prepared or not.
    gradient : (2, 2, h / k, w / k) array
        Gradients of its thread phases, as in `dl4art.regression.labelled.LabelledCrop`; k is one, or the side of the
        cells over which they were averaged.
    side : int
        Of the window, px.
    step : int
        Pixels from one value of the window's gradient to the next.

    Returns
    -------
    picture : (side, side) array of float32
        Cubic interpolation; exact where pixels fall on pixels.
    gradient : (2, side / step, side / step) array
        Gradient of the phase of the threads that are vertical in the window, threads per px, to the right and down, in
        the middles of squares of `step` px.
    """
    places = _places(warp, picture.shape, _grid(side, 1))
    x, y = (np.rint(place) for place in places)
    if max(np.abs(x - places[0]).max(), np.abs(y - places[1]).max()) < 1e-6:
        rows, cols = (np.clip(n, 0, size - 1).astype(np.intp) for n, size in zip((y, x), picture.shape, strict=True))
        window = picture[rows, cols]
    else:
        window = ndimage.map_coordinates(picture.astype(np.float32), places[::-1], order=3, mode="nearest")
    grid = _grid(side, step)
    cell = round(picture.shape[0] / gradient.shape[2])
    # rounded, so that what falls on a pixel takes its value exactly
    where = [np.round((place + 0.5) / cell - 0.5, 9) for place in _places(warp, picture.shape, grid)[::-1]]
    across, down = (
        ndimage.map_coordinates(part.astype(np.float64), where, order=1, mode="nearest")
        for part in gradient[int(warp.turned)]
    )
    slope = np.cos(_phase(warp, grid))
    warped = [
        sum(
            (warp.matrix[axis, to] + np.tensordot(warp.bends[:, axis] * warp.bends[:, 2 + to], slope, 1)) * part
            for axis, part in enumerate((across, down))
        )
        for to in (0, 1)
    ]
    return window.astype(np.float32), np.stack(warped)


def _grid(side: int, step: int) -> tuple[Array, Array]:
    """Points (x, y) of a window from its middle: the middles of squares of `step` px, as a row and a column."""
    along = (np.arange(side // step) + 0.5) * step - side / 2
    return along[None, :], along[:, None]


def _phase(warp: Warp, grid: tuple[Array, Array]) -> Array:
    """Phase of each wave of the elastic part at points of a window, (k, rows, columns)."""
    _, _, along_x, along_y, start = warp.bends.T[..., None, None]
    phase: Array = along_x * grid[0] + along_y * grid[1] + start
    return phase


def _places(warp: Warp, shape: tuple[int, ...], grid: tuple[Array, Array]) -> list[Array]:
    """Points (x, y) of the crop, px from the centre of its first pixel, that points of a window are taken from."""
    wave = np.sin(_phase(warp, grid))
    return [
        (shape[1 - axis] - 1) / 2
        + warp.shift[axis]
        + warp.matrix[axis, 0] * grid[0]
        + warp.matrix[axis, 1] * grid[1]
        + np.tensordot(warp.bends[:, axis], wave, 1)
        for axis in (0, 1)
    ]


def window_density(gradient: Array) -> Array:
    """Thread density at each place, th/cm, from the phase's gradient (2, ...)."""
    length: Array = np.hypot(gradient[0], gradient[1]) * PX_PER_CM
    return length


def thread_angle(gradient: Array) -> Array:
    """Angle of vertical threads at each place in degrees, counter-clockwise, from the phase's gradient (2, ...)."""
    angle: Array = np.rad2deg(np.arctan(-gradient[1] / gradient[0]))
    return angle


def draw_warp(
    rng: np.random.Generator,
    shape: tuple[int, int],
    *,
    turned: bool | None = None,
    scale: float = 1.0,
    degrees: float = 6.0,
    strain: float = 0.03,
    side: int = WINDOW,
) -> Warp:
    """Draw a warp: one of the eight positions of a square, a rotation, an elastic part and a shift.

    Parameters
    ----------
    rng : Generator
        Source of randomness.
    shape : (int, int)
        Rows and columns of the crop. In one too small for a turned window windows are only scaled, flipped and shifted,
        and in one too small for that they are not scaled. Pixels stay pixels then, and where nothing else is asked for.
    turned : bool, optional
        Whether the crop's horizontal threads become the vertical ones; drawn if left out.
    scale : float
        How many times as dense the threads become.
    degrees : float
        Largest rotation either way.
    strain : float
        Largest local stretch of the elastic part, as a share.
    side : int
        Of the window, px.
    """
    turned = bool(rng.random() < 0.5) if turned is None else turned
    position = np.diag(rng.choice([-1.0, 1.0], 2)) @ (_SWAP if turned else _IDENTITY)
    rotated = scale * rotation(rng.uniform(-degrees, degrees)) @ position
    wave = 2 * np.pi / (side * rng.uniform(0.7, 2.0, 2))  # about as long as the window, or twice
    direction = rng.uniform(0, 2 * np.pi, (2, 2))
    bends = np.column_stack(
        [
            (strain * scale * rng.uniform(0, 0.5, 2) / wave)[:, None] * _unit(direction[0]),
            wave[:, None] * _unit(direction[1]),
            rng.uniform(0, 2 * np.pi, 2),
        ]
    )
    share = rng.uniform(-1, 1, 2)
    tries = [(rotated, bends), (scale * position, bends[:0]), (position, bends[:0])]
    for matrix, waves in tries[2:] if scale == 1 and degrees == strain == 0 else tries:
        reach = (side - 1) / 2 * np.abs(matrix).sum(axis=1) + np.abs(waves[:, :2]).sum(axis=0)
        room = (np.array(shape[::-1]) - 1) / 2 - reach
        if room.min() >= -1e-9:
            break
    x, y = (share * room).tolist()
    if matrix is position:
        x, y = (round(value + place) - place for value, place in zip((x, y), room.tolist(), strict=True))
    return Warp(matrix, (x, y), waves)


def _unit(angle: Array) -> Array:
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


_TURNS = [sign * degrees for degrees in (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0) for sign in (1, -1)]
_PLACES = [(x, y) for y in (-1, 0, 1) for x in (-1, 0, 1) if (x, y) != (0, 0)]


def upstream_warps(shape: tuple[int, int], side: int = WINDOW) -> list[Warp]:
    """Give the 84 variants of the upstream project's recipe.

    Eight shifts, each plain and flipped either way, and eighteen rotations of 1 to 3.5 and 4 to 6 degrees either way,
    in the crop's middle; all 42 again turned by a quarter. Only numbers and ranges are known; that the shifts lie round
    the middle and half-way to the border, and the steps of the rotations, are ours.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of the crop.
    side : int
        Of the window, px.
    """
    room = [float((length - side) // 2) for length in shape[::-1]]
    odd = [((length - side) % 2) / 2 for length in shape[::-1]]
    flips = (_IDENTITY, np.diag([-1.0, 1.0]), np.diag([1.0, -1.0]))
    warps = [
        Warp(flip, (x * (room[0] // 2) + odd[0], y * (room[1] // 2) + odd[1])) for x, y in _PLACES for flip in flips
    ]
    warps += [Warp(rotation(degrees)) for degrees in _TURNS]
    return [Warp(warp.matrix @ matrix, warp.shift) for matrix in (_IDENTITY, _TURN) for warp in warps]
