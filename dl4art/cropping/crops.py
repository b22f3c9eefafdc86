"""Cutting crops out of a plate: on a grid or at random, where it shows canvas."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dl4art.cropping.plate import EDGE_CM, PX_PER_CM, Plate
from dl4art.cropping.sources import Grey
from dl4art.cropping.usable import CELL_CM, usable_area
from dl4art.utils.errors import InputError

CROP_CM = 1.5
"""Side of a crop."""

Positions = NDArray[np.float64]
"""Upper-left corners in cm, x and y, from the upper-left corner of the plate; shape (n, 2)."""

_LATTICE_CM = 0.05  # random crops begin on multiples of it: ten pixels at 200 px/cm
_TOLERATED = 0.05  # of the cells under a crop: a nail in one cell does not spoil it


@dataclass(frozen=True)
class Crops:
    """Crops of one plate.

    Attributes
    ----------
    pixels : array of shape (n, rows, columns), float32
        Grey values in the units of the file.
    positions_cm : array of shape (n, 2)
        Upper-left corners, x and y, in cm from the upper-left corner of the plate.
    size_cm : float
        Side of a crop.
    px_per_cm : float
        Scale of the crops.
    plate : Plate
        Where they come from.
    """

    pixels: Grey
    positions_cm: Positions
    size_cm: float
    px_per_cm: float
    plate: Plate

    def __len__(self) -> int:
        return len(self.pixels)


def crop_sized(plate: Plate) -> bool:
    """Whether a picture is a crop itself: none of its sides has room for two."""
    return max(plate.size_cm) < 2 * CROP_CM


def cut_crops(
    plate: Plate,
    *,
    size_cm: float = CROP_CM,
    step_cm: float | None = None,
    count: int | None = None,
    seed: int = 0,
    px_per_cm: float = PX_PER_CM,
    usable: NDArray[np.bool_] | None = None,
) -> Crops:
    """Cut crops out of the usable area of a plate, all at once.

    Parameters
    ----------
    plate : Plate
        The plate.
    size_cm : float
        Side of a crop in cm.
    step_cm : float, optional
        Distance between the crops of a grid in cm; `size_cm` if left out, so that they touch.
    count : int, optional
        Cut so many crops at random places instead; fewer where the plate does not have as many places. They overlap
        only where there is no room left otherwise.
    seed : int
        Of the random places.
    px_per_cm : float
        Scale of the crops.
    usable : array of bool, optional
        What `usable_area` returned for this plate, possibly edited; found anew if left out.

    Raises
    ------
    InputError
        If the plate is smaller than a crop, has no usable area as large, or cannot be read.
    """
    positions = crop_positions(plate, size_cm=size_cm, step_cm=step_cm, count=count, seed=seed, usable=usable)
    pixels = np.stack(list(iterate_crops(plate, positions, size_cm=size_cm, px_per_cm=px_per_cm)))
    return Crops(pixels, positions, size_cm, px_per_cm, plate)


def iterate_crops(
    plate: Plate, positions: Positions, *, size_cm: float = CROP_CM, px_per_cm: float = PX_PER_CM
) -> Iterator[Grey]:
    """Cut one crop after another, each of shape (n, n) with n = round(size_cm * px_per_cm)."""
    for x, y in positions:
        yield plate.sample(float(x), float(y), size_cm, size_cm, px_per_cm)


def crop_positions(
    plate: Plate,
    *,
    size_cm: float = CROP_CM,
    step_cm: float | None = None,
    count: int | None = None,
    seed: int = 0,
    usable: NDArray[np.bool_] | None = None,
) -> Positions:
    """Choose where to cut crops; the parameters are those of `cut_crops`.

    Returns
    -------
    array of shape (n, 2)
        From top to bottom and left to right; random ones in the order in which they were drawn, so that the first ones
        of many are the ones of few.
    """
    width, height = plate.size_cm
    if not (size_cm > 0 and (step_cm is None or step_cm > 0) and (count is None or count > 0)):
        raise InputError(f"{plate.path}: crop size {size_cm}, step {step_cm} and count {count} must be above zero.")
    if min(width, height) + EDGE_CM < size_cm:
        raise InputError(
            f"{plate.path}: {width:.3g} x {height:.3g} cm at {plate.px_per_cm:.4g} px/cm is smaller than one crop of "
            f"{size_cm:g} cm. Check the scale, or cut smaller crops."
        )
    usable = usable_area(plate) if usable is None else usable
    step = _LATTICE_CM if count is not None else size_cm if step_cm is None else step_cm
    xs, ys = (np.arange(math.floor((length - size_cm + EDGE_CM) / step) + 1) * step for length in (width, height))
    xs, ys = xs.round(9), ys.round(9)
    free = _usable_places(usable, xs, ys, size_cm)
    if not free.any():
        raise InputError(
            f"{plate.path}: no usable area as large as a crop of {size_cm:g} cm ({usable.mean():.0%} of the plate is "
            "usable; the rest is blank, clipped or lettering). Look at the plate, or cut smaller crops."
        )
    chosen = np.argwhere(free) if count is None else _draw(free, count, size_cm / step, seed)
    return np.stack((xs[chosen[:, 1]], ys[chosen[:, 0]]), axis=1)


def _usable_places(
    usable: NDArray[np.bool_], xs: NDArray[np.floating], ys: NDArray[np.floating], size_cm: float
) -> NDArray[np.bool_]:
    """Tell at which (y, x) a crop lies in the usable area."""
    bad = np.zeros((usable.shape[0] + 1, usable.shape[1] + 1), dtype=np.int64)  # cells above and left of a corner
    bad[1:, 1:] = (~usable).cumsum(axis=0).cumsum(axis=1)
    (top, bottom), (left, right) = (
        (
            np.floor(starts / CELL_CM + 1e-6).astype(int),
            np.minimum(np.ceil((starts + size_cm) / CELL_CM - 1e-6).astype(int), cells),
        )
        for starts, cells in ((ys, usable.shape[0]), (xs, usable.shape[1]))
    )
    under = bad[np.ix_(bottom, right)] - bad[np.ix_(top, right)] - bad[np.ix_(bottom, left)] + bad[np.ix_(top, left)]
    area = (bottom - top)[:, None] * (right - left)
    return np.asarray(under <= _TOLERATED * area)


def _draw(free: NDArray[np.bool_], count: int, side: float, seed: int) -> NDArray[np.int64]:
    """Draw places at random, apart by a whole crop while there is room, then by less and less."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(np.argwhere(free))
    chosen: list[NDArray[np.int64]] = []
    for share in (1.0, 0.5, 0.25, 0.0):
        distance = max(1, math.ceil(side * share - 1e-6))
        room = free.copy()
        for place in chosen:
            _block(room, place, distance)
        for place in order:
            if len(chosen) == count:
                return np.array(chosen)
            if room[place[0], place[1]]:
                chosen.append(place)
                _block(room, place, distance)
    return np.array(chosen)


def _block(room: NDArray[np.bool_], place: NDArray[np.int64], distance: int) -> None:
    y, x = (int(i) for i in place)
    room[max(0, y - distance + 1) : y + distance, max(0, x - distance + 1) : x + distance] = False
