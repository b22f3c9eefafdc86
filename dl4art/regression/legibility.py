"""In how much of a picture a weave shows at all."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

# a place shows no weave where the grey values of a cell of one thread by one vary less than this share of the usual
_FAINT = 0.4
# grain finer than this standard deviation, in cm, is no weave
_GRAIN = 0.005


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
    grey = ndimage.gaussian_filter(np.asarray(picture, np.float32), _GRAIN * px_per_cm)
    vertical, horizontal = (max(3, round(px_per_cm / float(value))) for value in density)
    cell = (horizontal, vertical)
    spread = ndimage.maximum_filter(grey, cell) - ndimage.minimum_filter(grey, cell)
    return float((spread < _FAINT * np.median(spread)).mean())
