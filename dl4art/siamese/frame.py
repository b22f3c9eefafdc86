"""The frame in which cloths are compared: threads upright, and the same number of pixels apart in both directions.

Cloths that are to be told apart have nearly the same densities, so that density says little and the weave all: how
evenly the threads lie, how they stray, how thick they are. Shown at one thread period, without tilt and skew, all
cloths are alike to the network but in that.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from dl4art.regression.preprocess import normalise
from dl4art.regression.spectral import refine_density

Array = npt.NDArray[np.float32]

PERIOD = 12
"""Pixels from one thread to the next."""
CANVAS = 192
"""Side in pixels of the smallest square that a framed crop is laid on."""
_ROUND = 96  # larger squares grow by this, since every new size is compiled anew
_LARGEST = 480  # 40 threads; what lies beyond is left out
_HALF_WIDTH = 2.7  # threads, of the square whose mean and deviation are taken off
_REACH = 0.06  # how far from the stated densities the spectrum is asked for them, as a share


def thread_frame(picture: npt.NDArray[Any], density: npt.NDArray[Any], px_per_cm: float = 200.0) -> Array:
    """Normalise a crop and bring it into the frame of its threads.

    Parameters
    ----------
    picture : ndarray, shape (h, w)
        Grey values, positive or negative.
    density : array, shape (2,)
        Of the vertical and the horizontal threads, th/cm, to a few percent.
    px_per_cm : float
        Scale in pixels per centimetre.

    Returns
    -------
    ndarray of float32, shape (rows, cols)
        `PERIOD` px a thread, NaN beyond the crop, no more than 40 threads each way; mean 0 and deviation 1 about every
        place, over 5.4 threads.
    """
    waves = thread_waves(picture, density, px_per_cm)
    spacing = px_per_cm / np.linalg.norm(waves, axis=1)
    normal = normalise(picture, round(_HALF_WIDTH * float(np.sqrt(spacing.prod()))))
    # where a pixel (row, column) comes to lie: the waves' phases, in pixels of the frame
    forward = waves[::-1, ::-1] * (PERIOD / px_per_cm)
    # coarse cloth is made smaller, and would show false patterns if it were not softened before
    normal = ndimage.gaussian_filter(normal, [max(0.0, 0.5 * (size / PERIOD - 1)) for size in spacing[::-1]])
    back = np.linalg.inv(forward)
    middle = (np.array(normal.shape) - 1) / 2
    # a little more than the crop is high and wide, for the corners of a turned one
    shape = np.minimum(np.ceil(1.04 * PERIOD * np.array(normal.shape) / spacing[::-1]), _LARGEST).astype(int)
    start = middle - back @ ((shape - 1) / 2)
    framed: Array = ndimage.affine_transform(
        normal, back, start, tuple(shape), order=1, mode="constant", cval=np.nan, output=np.float32
    )
    return framed


def thread_waves(picture: npt.NDArray[Any], density: npt.NDArray[Any], px_per_cm: float) -> npt.NDArray[np.float64]:
    """Waves (x, y), cycles per cm, of the vertical and the horizontal threads of a crop, near the stated densities."""
    near = (float(density[0]), float(density[1]))
    peaks = refine_density(picture, px_per_cm, *near, reach=_REACH)
    found = [
        (peak.density, np.deg2rad(peak.tilt)) if np.isfinite([peak.density, peak.tilt]).all() else (stated, 0.0)
        for peak, stated in zip(peaks, near, strict=True)
    ]
    (vertical, a), (horizontal, b) = found
    return np.array(
        [(vertical * np.cos(a), -vertical * np.sin(a)), (horizontal * np.sin(b), horizontal * np.cos(b))], np.float64
    )


def canvas_side(shape: tuple[int, ...]) -> int:
    """Side of the square that a framed crop of this shape is laid on."""
    return max(CANVAS, -(-max(shape) // _ROUND) * _ROUND)


def on_canvas(framed: npt.NDArray[Any], side: int, rng: np.random.Generator | None = None) -> Array:
    """Lay a framed crop on a square.

    Parameters
    ----------
    framed : ndarray, shape (rows, cols)
        From `thread_frame`.
    side : int
        Of the square, px; of what does not fit only a part is laid on it.
    rng : Generator, optional
        Chooses the part, and moves what does fit by up to half a thread; in the middle if left out.

    Returns
    -------
    ndarray of float32, shape (side, side, 2)
        Picture, 0 where there is none; and 1 where there is one.
    """
    laid = np.full((side, side), np.nan, np.float32)
    taken, given = [], []
    for size in framed.shape:
        room = abs(size - side)
        span = (room, 0) if size > side else (min(PERIOD, room), (room - min(PERIOD, room)) // 2)
        place = room // 2 if rng is None else int(rng.integers(span[0] + 1)) + span[1]
        starts = (place, 0) if size > side else (0, place)
        taken.append(slice(starts[0], starts[0] + min(size, side)))
        given.append(slice(starts[1], starts[1] + min(size, side)))
    laid[tuple(given)] = framed[tuple(taken)]
    there = np.isfinite(laid)
    return np.stack([np.where(there, laid, 0), there.astype(np.float32)], axis=-1)
