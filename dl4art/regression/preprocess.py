"""Local normalisation of grey values: the only thing done to a picture before the network sees it."""

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
