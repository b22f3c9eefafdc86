"""Resampling at exact coordinates, with anti-aliasing.

A Lanczos kernel (three lobes; Duchon, J. Appl. Meteorol. 18, 1979), as wide as the coarser of the two grids, is
evaluated at the exact distance of each input pixel from each output pixel, so that no position is rounded and a thread
density is not biased. The kernel is local: a part of a plate resampled equals that part of the whole plate resampled.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Grey = NDArray[np.float32]

_LOBES = 3
_BLOCK_PX = 8_000_000  # of input read at a time: 32 MB as float32


def resample(
    read: Callable[[int, int, int, int], Grey],
    shape: tuple[int, int],
    start: tuple[float, float],
    step: tuple[float, float],
    count: tuple[int, int],
) -> Grey:
    """Resample a rectangle of a picture.

    Parameters
    ----------
    read : callable
        Gives the input pixels from `top` to `bottom` and `left` to `right`.
    shape : (int, int)
        Rows and columns of the input.
    start : (float, float)
        Upper-left corner of the rectangle (the outer corner of its first pixel), in input pixels down and across
        from the upper-left corner of the input.
    step : (float, float)
        Input pixels per output pixel, down and across.
    count : (int, int)
        Rows and columns of the output.

    Returns
    -------
    array of shape `count`, float32
        Beyond the border of the input, its border pixels are repeated.
    """
    inside = all(0 <= first <= n - wanted for first, n, wanted in zip(start, shape, count, strict=True))
    if max(step) == min(step) == 1 and inside and all(float(first).is_integer() for first in start):
        top, left = int(start[0]), int(start[1])
        return read(top, top + count[0], left, left + count[1])
    left, right, across = _weights(start[1], step[1], count[1], shape[1])
    result = np.empty(count, dtype=np.float32)
    rows = max(1, int(_BLOCK_PX / (right - left) / step[0]))
    for first in range(0, count[0], rows):
        last = min(first + rows, count[0])
        top, bottom, down = _weights(start[0] + first * step[0], step[0], last - first, shape[0])
        thin = down @ read(top, bottom, left, right)
        result[first:last] = (across @ np.ascontiguousarray(thin.T)).T
    return result


def _weights(start: float, step: float, count: int, length: int) -> tuple[int, int, Any]:
    """First and last input pixel needed, and the weights (count, pixels needed) that make the output of them."""
    centres = start + (np.arange(count) + 0.5) * step - 0.5
    stretch = max(step, 1.0)
    reach = _LOBES * stretch
    taps = math.ceil(2 * reach) + 1
    pixels = np.floor(centres - reach).astype(np.int64)[:, None] + np.arange(taps)
    values = _lanczos((pixels - centres[:, None]) / stretch)
    values /= values.sum(axis=1, keepdims=True)
    pixels = np.clip(pixels, 0, length - 1)
    first, last = int(pixels.min()), int(pixels.max()) + 1
    rows = np.repeat(np.arange(count), taps)
    weights = csr_array(
        (values.ravel().astype(np.float32), (rows, pixels.ravel() - first)), shape=(count, last - first)
    )
    return first, last, weights


def _lanczos(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.abs(x) < _LOBES, np.sinc(x) * np.sinc(x / _LOBES), 0.0)
