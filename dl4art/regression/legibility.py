"""In how much of a picture a weave shows at all, and how much of it is clipped."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

CLIPPED = 0.3
"""Clipped share that is too much: what is called readable, by definition, shows weave in seven tenths of it."""
# a place shows no weave where the grey values of a cell of one thread by one vary less than this share of the usual
_FAINT = 0.4
# grain finer than this standard deviation, in cm, is no weave
_GRAIN = 0.005
_EVERY = 2  # pixels from one to the next where many windows are looked at
# share of the pixels whose tones may be outliers, and how near to the rest of them, in shares of the range, is clipped
_OUTLIERS, _NEAR = 0.02, 0.03


def blank_share(picture: npt.NDArray[Any], px_per_cm: float, density: npt.NDArray[Any]) -> float:
    """Share of a picture in which no weave shows: opaque paint, losses, clipped shadows.

    A density is the mean over a picture; where half of it is hidden, that mean is a guess about the other half.

    Parameters
    ----------
    picture : ndarray, shape (h, w)
        Grey values, positive or negative.
    px_per_cm : float
        Scale in pixels per centimetre.
    density : array, shape (2,)
        Of the vertical and the horizontal threads, th/cm.

    Returns
    -------
    float
        0 to 0.5, since what is usual is the median over the picture.
    """
    cell = tuple(px_per_cm / float(value) for value in density[::-1])
    spread = _spread(picture, (cell[0], cell[1]), _GRAIN * px_per_cm)
    return float((spread < _FAINT * np.median(spread)).mean())


def blank_shares(
    picture: npt.NDArray[Any], corners: npt.NDArray[Any], side: int, cell: tuple[float, float], step: int
) -> npt.NDArray[np.floating[Any]]:
    """Give the `blank_share` of many windows of one picture at 200 px/cm.

    Parameters
    ----------
    picture : ndarray, shape (h, w)
        Grey values.
    corners : ndarray, shape (n, 2)
        Upper-left corners (x, y) of the windows.
    side : int
        Their side in pixels.
    cell : (float, float)
        Height and width in pixels of a cell of one thread by one, the same for all.
    step : int
        Every how many pixels the picture is looked at.

    Returns
    -------
    ndarray, shape (n,)
    """
    # only what the windows and the cells about them touch, and every other pixel of it: grain is softened anyway
    reach = _EVERY * (int(max(cell)) // _EVERY + 2)
    first = _EVERY * np.maximum(0, (corners.min(axis=0) - reach) // _EVERY)
    last = corners.max(axis=0) + side + reach
    part = np.asarray(picture[first[1] : last[1], first[0] : last[0]], np.float32)
    soft = ndimage.gaussian_filter(part, _GRAIN * 200)[::_EVERY, ::_EVERY]
    spread = _windows(
        _ranges(soft, (cell[0] / _EVERY, cell[1] / _EVERY)), (corners - first) // _EVERY, side // _EVERY, step // _EVERY
    )
    shares: npt.NDArray[np.floating[Any]] = (spread < _FAINT * np.median(spread, axis=1)[:, None]).mean(axis=1)
    return shares


def _spread(picture: npt.NDArray[Any], cell: tuple[float, float], grain: float) -> npt.NDArray[np.float32]:
    """How far the grey values range in the cell about each pixel."""
    return _ranges(ndimage.gaussian_filter(np.asarray(picture, np.float32), grain), cell)


def _ranges(grey: npt.NDArray[np.float32], cell: tuple[float, float]) -> npt.NDArray[np.float32]:
    size = tuple(max(3, round(length)) for length in cell)
    spread: npt.NDArray[np.float32] = ndimage.maximum_filter(grey, size) - ndimage.minimum_filter(grey, size)
    return spread


def _windows(values: npt.NDArray[Any], corners: npt.NDArray[Any], side: int, step: int) -> npt.NDArray[Any]:
    """Values of n windows at every so many pixels, (n, k)."""
    inside = np.arange(step // 2, side, step)
    rows, cols = corners[:, 1, None] + inside, corners[:, 0, None] + inside
    found: npt.NDArray[Any] = values[rows[:, :, None], cols[:, None, :]].reshape(len(corners), -1)
    return found


def clipped_share(picture: npt.NDArray[Any]) -> float:
    """Share of a picture that is clipped: at its darkest tone or at its lightest, whichever there is more of.

    Resampling makes clipped tones ring, so that they are nearly one tone, not exactly.

    Parameters
    ----------
    picture : ndarray, shape (h, w)
        Grey values, positive or negative.

    Returns
    -------
    float
        0 to 1; some hundredths where nothing is clipped.
    """
    return float(_clipped(np.asarray(picture, np.float32).reshape(1, -1))[0])


def clipped_shares(
    picture: npt.NDArray[Any], corners: npt.NDArray[Any], side: int, step: int
) -> npt.NDArray[np.floating[Any]]:
    """Give the `clipped_share` of many windows of one picture; parameters as of `blank_shares`."""
    return _clipped(_windows(np.asarray(picture, np.float32), corners, side, step))


def _clipped(tones: npt.NDArray[np.float32]) -> npt.NDArray[np.floating[Any]]:
    dark, light = np.quantile(tones, (_OUTLIERS, 1 - _OUTLIERS), axis=1, keepdims=True)
    near = _NEAR * (light - dark)
    ends = (tones <= dark + near).mean(axis=1), (tones >= light - near).mean(axis=1)
    more: npt.NDArray[np.floating[Any]] = np.maximum(*ends)
    return more
