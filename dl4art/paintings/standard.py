"""Pictures of any shape made squares of one size, which is what networks learn from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from PIL import Image

from dl4art.cropping.photographs import read_photograph
from dl4art.utils.errors import InputError

Fit = Literal["pad", "crop", "stretch"]
FITS: tuple[Fit, ...] = get_args(Fit)
Pictures = npt.NDArray[np.uint8]
"""Red, green and blue, (..., rows, columns, 3)."""


def standardise(picture: Pictures, px: int = 256, fit: Fit = "pad") -> Pictures:
    """Make a picture a square.

    Parameters
    ----------
    picture : ndarray of uint8, shape (h, w, 3)
        Of any size.
    px : int
        Side of the square.
    fit : {'pad', 'crop', 'stretch'}
        ``pad`` makes the whole picture smaller until it fits, and lays it in the middle of black; it is never enlarged.
        ``crop`` scales it until the shorter side fits, and takes the middle. ``stretch`` scales both sides, whatever
        the aspect.

    Returns
    -------
    ndarray of uint8, shape (px, px, 3)

    Raises
    ------
    InputError
        If it is no such picture, or there is no such way.

    Notes
    -----
    ``pad`` keeps aspect and composition at the price of black borders, ``crop`` keeps the aspect and loses the margins,
    ``stretch`` keeps everything but the shape of strokes.
    """
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
        raise InputError(f"picture: shape {picture.shape} of {picture.dtype}. Pass (h, w, 3) of uint8.")
    if fit not in FITS:
        raise InputError(f"fit: {fit!r} is not one of {', '.join(FITS)}.")
    rows, cols = picture.shape[:2]
    factor = {"pad": min(1.0, px / max(rows, cols)), "crop": px / min(rows, cols), "stretch": 0.0}[fit]
    size = (px, px) if fit == "stretch" else (max(1, round(cols * factor)), max(1, round(rows * factor)))
    scaled = picture
    if size != (cols, rows):
        # Pillow widens its filter as it makes smaller, so that nothing aliases
        scaled = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC))
    if fit == "pad":
        square = np.zeros((px, px, 3), np.uint8)
        top, left = (px - scaled.shape[0]) // 2, (px - scaled.shape[1]) // 2
        square[top : top + scaled.shape[0], left : left + scaled.shape[1]] = scaled
        return square
    top, left = (scaled.shape[0] - px) // 2, (scaled.shape[1] - px) // 2
    return np.ascontiguousarray(scaled[top : top + px, left : left + px])


def read_standard(path: str | Path, px: int = 256, fit: Fit = "pad") -> Pictures:
    """Read a photograph (see `read_photograph`) and make it a square (see `standardise`)."""
    photograph = read_photograph(path)
    rows, cols = photograph.shape
    return standardise(photograph.read(0, rows, 0, cols), px, fit)


def read_all(
    paths: Sequence[Path], px: int = 256, fit: Fit = "pad", *, advance: Callable[[int], None] = lambda _: None
) -> Pictures:
    """Read many photographs; they take 3 * px * px bytes each in memory.

    Returns
    -------
    ndarray of uint8, shape (n, px, px, 3)
    """
    pictures = np.empty((len(paths), px, px, 3), np.uint8)
    for number, path in enumerate(paths):
        pictures[number] = read_standard(path, px, fit)
        advance(1)
    return pictures
