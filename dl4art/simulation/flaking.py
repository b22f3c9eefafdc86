"""Where paint is lost: whole islands between cracks, and patches with ragged edges that begin at cracks."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from dl4art.simulation.cracks import Profile
from dl4art.simulation.paint import raster

_LARGEST_SHARE = 0.35
_SMALLEST_PX = 16


def draw_losses(rng: np.random.Generator, profile: Profile) -> npt.NDArray[np.bool_]:
    """Draw where paint is lost.

    Parameters
    ----------
    rng : Generator
        Source of randomness.
    profile : Profile
        The cracks; losses begin at them.

    Returns
    -------
    ndarray of bool, shape (h, w)
        At most about a third of the picture.
    """
    shape = profile.coverage.shape
    patch = float(np.exp(rng.uniform(np.log(5), np.log(40))))
    level = raster(rng, shape, patch) + rng.uniform(0.15, 0.5) * raster(rng, shape, patch / 4)
    level += rng.uniform(0.05, 0.3) * raster(rng, shape, 2.0)
    level += rng.uniform(0, 1.5) * np.exp(-profile.distance / np.float32(rng.uniform(2, 8)))
    share = float(np.exp(rng.uniform(np.log(0.004), np.log(_LARGEST_SHARE / 2))))
    lost = level > np.quantile(level[::3, ::3], 1 - share)
    if rng.random() < 0.4:
        lost |= _islands(rng, profile, share)
    # what is smaller is a speck of dirt
    number, count = ndimage.label(lost)
    sizes = np.bincount(number.ravel(), minlength=count + 1)
    sizes[0] = 0
    large: npt.NDArray[np.bool_] = (sizes >= _SMALLEST_PX)[number]
    return large


def _islands(rng: np.random.Generator, profile: Profile, share: float) -> npt.NDArray[np.bool_]:
    """Whole islands, drawn at random until so large a share of the picture is gone."""
    number, count = ndimage.label(~profile.label)
    sizes = np.bincount(number.ravel(), minlength=count + 1)
    sizes[0] = 0
    order = rng.permutation(np.flatnonzero(sizes < 0.1 * number.size))
    chosen = order[np.cumsum(sizes[order]) <= share * number.size]
    islands = np.isin(number, chosen[chosen > 0])
    # up to the middle of the cracks round them
    grown: npt.NDArray[np.bool_] = ndimage.binary_dilation(islands)
    return grown
