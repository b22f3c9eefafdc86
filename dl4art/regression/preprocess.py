"""What is done to grey values before a network sees them: local normalisation; equalisation for the upstream's."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

HALF_WIDTH = 32
"""Half-width in pixels of the square whose mean and deviation are used; nothing farther away has a say."""


def normalise(
    pictures: npt.ArrayLike, half_width: int = HALF_WIDTH, *, tones: tuple[float, float] | None = None
) -> npt.NDArray[np.float32]:
    """Subtract the local mean and divide by the local standard deviation.

    Exact under inversion (the sign changes, nothing else) and under any change of brightness or contrast that is
    linear over the square. At a picture's border the square is filled up by reflection.

    Parameters
    ----------
    pictures : array of shape (..., rows, cols)
        Grey values of any real type.
    half_width : int
        The square is ``2 * half_width + 1`` pixels wide.
    tones : (float, float), optional
        About the darkest and lightest grey values of what the pictures are parts of; their own if left out. It
        decides what is too flat to show anything.

    Returns
    -------
    ndarray of float32, same shape
    """
    grey = np.asarray(pictures)
    grey = grey.astype(np.float32)
    low, high = tones or (float(grey.min()), float(grey.max()))
    # one fixed range for the arithmetic; symmetric about zero so that an inverted picture rounds alike
    grey = (grey - np.float32((low + high) / 2)) * np.float32(2 / max(high - low, 1e-12))
    size = [1] * (grey.ndim - 2) + [2 * half_width + 1] * 2
    mean = ndimage.uniform_filter(grey, size, mode="reflect")
    square = ndimage.uniform_filter(grey * grey, size, mode="reflect")
    # 1e-4 of the range: less than any grey step, it only keeps a flat field flat
    deviation = np.sqrt(np.maximum(square - mean * mean, 0)) + np.float32(1e-3)
    normal: npt.NDArray[np.float32] = (grey - mean) / deviation
    return normal


def equalise(picture: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """Equalise the histogram of a whole picture, as OpenCV's ``equalizeHist`` does, bit for bit.

    It is neither local nor exact under inversion; only the upstream's network is given it.

    Parameters
    ----------
    picture : array of shape (rows, cols)
        Grey values of any real type; 256 levels between the darkest and the lightest are told apart, which changes
        nothing in pictures of 8 bits.

    Returns
    -------
    ndarray of uint8, same shape
    """
    grey = np.asarray(picture).astype(np.float64)
    low, high = grey.min(), grey.max()
    levels = np.rint((grey - low) * (255 / max(high - low, 1e-12))).astype(np.uint8)
    count = np.bincount(levels.ravel(), minlength=256)
    total = count.cumsum()
    first = count[levels.min()]
    # a picture of one tone stays as it is
    scale = np.float32(255) / np.float32(max(levels.size - first, 1))
    table = np.clip(np.rint((total - first).astype(np.float32) * scale), 0, 255)
    equalised: npt.NDArray[np.uint8] = table.astype(np.uint8)[levels]
    return equalised


def stretched(window: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Stretch grey values of a window, (rows, cols), to 0 to 1, as the upstream's network takes it."""
    grey = np.asarray(window).astype(np.float32)
    low, high = grey.min(), grey.max()
    result: npt.NDArray[np.float32] = (grey - low) / max(float(high - low), 1e-6)
    return result
