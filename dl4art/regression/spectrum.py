"""The power spectrum of a crop of canvas, made ready for a search for thread peaks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from dl4art.utils.errors import InputError

Array = NDArray[np.float32]

# half-widths in cm of the two boxes of the local normalisation: wider than the widest spacing (1/4.5 cm) that counts
MEAN_HALF_WIDTH = 0.12
SPREAD_HALF_WIDTH = 0.25
# tone is clipped at so many local standard deviations: nails and losses must not own the spectrum
CLIP = 3.0
# width in cycles per cm of the rings over which the background is taken
_RING = 0.5


def normalise(picture: ArrayLike, px_per_cm: float) -> Array:
    """Take away tone and contrast that vary slowly: local mean 0, local standard deviation about 1.

    The result changes sign when the picture is inverted, and nothing else, so whatever is built on its power does not
    know a negative from a positive.

    Parameters
    ----------
    picture : array_like, shape (h, w)
        Grey values of any scale.
    px_per_cm : float
        Scale in pixels per centimetre.

    Returns
    -------
    ndarray of float32, shape (h, w)

    Raises
    ------
    InputError
        If the picture is not two-dimensional or holds values that are not finite.
    """
    # centred first: the variance below is a difference of squares and must not lose its digits
    grey = np.asarray(picture, dtype=np.float64)
    if grey.ndim != 2:
        raise InputError(f"a grey picture has two axes, this one has shape {grey.shape}; pass one channel")
    if not np.isfinite(grey).all():
        raise InputError("the picture holds values that are not finite (NaN or infinity); fill or leave out that part")
    grey = grey - grey.mean()
    detail = grey - _box(grey, MEAN_HALF_WIDTH * px_per_cm)
    spread = np.sqrt(np.maximum(_box(detail**2, SPREAD_HALF_WIDTH * px_per_cm), 0))
    # a blank corner is not blown up to the contrast of the weave
    spread = np.maximum(spread, 0.2 * np.median(spread))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(spread > 1e-9 * (1 + np.abs(grey).max()), detail / spread, 0)
    return np.clip(ratio, -CLIP, CLIP).astype(np.float32)


def _box(values: NDArray[np.float64], half_width: float) -> NDArray[np.float64]:
    """Mean over two boxes in a row: a tent of the stated half-width, at a cost that does not grow with it."""
    size = max(1, round(half_width))
    once: NDArray[np.float64] = ndimage.uniform_filter(values, size, mode="reflect")
    twice: NDArray[np.float64] = ndimage.uniform_filter(once, size, mode="reflect")
    return twice


@dataclass(frozen=True)
class Spectrum:
    """Power over spatial frequency, the whole plane of it (each half is the other turned by 180 degrees).

    Attributes
    ----------
    ratio : ndarray, shape (2 m + 1, 2 m + 1)
        Smoothed power over the background at the same radius (the median over all directions), so that noise is about
        1 at every frequency. Axis 0 is the frequency down the picture, axis 1 across, each from -m to m steps.
    background : ndarray, shape (k,)
        The background that `ratio` was divided by, for each ring of 0.5 cycles per cm.
    step : float
        Grid step in cycles per cm.
    """

    ratio: Array
    background: NDArray[np.float64]
    step: float

    @property
    def limit(self) -> int:
        """Largest frequency on the grid, in steps."""
        return int(self.ratio.shape[0]) // 2

    def at(self, frequencies: NDArray[np.float64]) -> NDArray[np.float64]:
        """Largest ratio within two steps of each frequency.

        Parameters
        ----------
        frequencies : ndarray, shape (..., 2)
            Cycles per cm, across (x) and down (y) the picture.

        Returns
        -------
        ndarray, shape (...)
            0 outside the grid.
        """
        return self._look_up(self._dilated, frequencies)

    def exactly_at(self, frequencies: NDArray[np.float64]) -> NDArray[np.float64]:
        """Ratio at the nearest grid point, for shapes (..., 2) -> (...)."""
        return self._look_up(self.ratio, frequencies)

    def background_at(self, frequencies: NDArray[np.float64]) -> NDArray[np.float64]:
        """Background power at the radius of each frequency, shapes (..., 2) -> (...)."""
        radius = np.hypot(frequencies[..., 0], frequencies[..., 1]) / _RING
        return np.interp(radius, np.arange(len(self.background)), self.background)

    def climb(self, frequency: NDArray[np.float64], reach: float) -> NDArray[np.float64]:
        """Sub-bin position of the highest ratio within `reach` cycles per cm of a frequency, along each axis."""
        half = max(1, round(reach / self.step))
        column, row = (np.rint(frequency / self.step).astype(int) + self.limit).tolist()
        left, top = max(column - half, 0), max(row - half, 0)
        part = self.ratio[top : max(row + half + 1, 0), left : max(column + half + 1, 0)]
        if part.size == 0:
            return frequency
        down, across = np.unravel_index(int(part.argmax()), part.shape)
        return self.vertex(int(down) + top, int(across) + left)

    def vertex(self, row: int, column: int) -> NDArray[np.float64]:
        """Frequency (x, y) of the top of the parabolas through the logarithm of three grid values each way."""
        near = np.arange(-1, 2)
        across = self.ratio[row, np.clip(column + near, 0, 2 * self.limit)]
        down = self.ratio[np.clip(row + near, 0, 2 * self.limit), column]
        return np.array([column + _vertex(across) - self.limit, row + _vertex(down) - self.limit]) * self.step

    def tops(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows and columns, in the half plane of x from 0 up, where the ratio is the largest within two steps."""
        half = np.s_[:, self.limit :]
        rows, columns = np.nonzero(self.ratio[half] == self._dilated[half])
        return rows, columns + self.limit

    def _look_up(self, values: Array, frequencies: NDArray[np.float64]) -> NDArray[np.float64]:
        index = np.rint(frequencies / self.step).astype(np.intp)
        inside = np.asarray((np.abs(index) <= self.limit).all(axis=-1))
        index = np.where(inside[..., None], index, 0) + self.limit
        return np.where(inside, values[index[..., 1], index[..., 0]], 0.0)

    @cached_property
    def _dilated(self) -> Array:
        dilated: Array = ndimage.maximum_filter(self.ratio, 5, mode="nearest")
        return dilated


def _vertex(values: Array) -> float:
    left, middle, right = np.log(np.maximum(values.astype(np.float64), 1e-12))
    bend = left - 2 * middle + right
    return float(np.clip(0.5 * (left - right) / bend, -0.5, 0.5)) if bend < -1e-12 else 0.0


def power_spectrum(normal: Array, px_per_cm: float, *, highest: float, smooth: float = 0.3) -> Spectrum:
    """Spectrum of a normalised picture under a raised-cosine window.

    The discrete Fourier transform is taken as two matrix products, on a grid of its own in cycles per cm: the same as
    zero-padding to 0.2 cycles per cm or finer, but only where threads can be, and alike for any size of picture.

    Parameters
    ----------
    normal : ndarray, shape (h, w)
        What `normalise` returns.
    px_per_cm : float
        Scale in pixels per centimetre.
    highest : float
        Largest frequency of interest along each axis, cycles per cm.
    smooth : float
        Standard deviation, in cycles per cm, of the smoothing of the power. Yarn that is unevenly spaced spreads its
        peak over several lobes, and they are to be found as one.

    Returns
    -------
    Spectrum
    """
    step = min(0.2, 0.3 * px_per_cm / max(normal.shape))
    limit = int(np.ceil(min(highest, 0.5 * px_per_cm) / step))
    down, across = (_waves(n, px_per_cm, step, limit) for n in normal.shape)
    half = normal @ across.T
    # the conjugate waves serve for the negative frequencies down, and the plane's other half is its mirror image
    transform = np.concatenate([(down.conj() @ half)[:0:-1], down @ half])
    power = transform.real**2 + transform.imag**2
    power = np.concatenate([power[::-1, :0:-1], power], axis=1)
    power = ndimage.gaussian_filter(power, smooth / step, mode="nearest")
    background, ring = _background(power, limit, step)
    return Spectrum((power / background[ring]).astype(np.float32), background, step)


@lru_cache(maxsize=16)
def _waves(count: int, px_per_cm: float, step: float, limit: int) -> NDArray[np.complex64]:
    """Raised-cosine window times waves of 0..limit steps, shape (limit + 1, count)."""
    position = (np.arange(count) + 0.5) / px_per_cm
    window = np.sin(np.pi * (np.arange(count) + 0.5) / count) ** 2
    frequency = np.arange(limit + 1) * step
    waves: NDArray[np.complex64] = (np.exp(-2j * np.pi * frequency[:, None] * position) * window).astype(np.complex64)
    return waves


@lru_cache(maxsize=8)
def _rings(limit: int, step: float) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Order of the grid's points by radius, where each ring begins in it, and the ring of each point."""
    x = np.arange(-limit, limit + 1)
    ring = np.rint(np.hypot(x, x[:, None]) * step / _RING).astype(np.intp)
    order = np.argsort(ring, axis=None, kind="stable")
    starts = np.searchsorted(ring.ravel()[order], np.arange(int(ring.max()) + 2))
    return order, starts, ring


def _background(power: Array, limit: int, step: float) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Median power of each ring, smoothed over neighbouring rings, and the ring of each grid point."""
    order, starts, ring = _rings(limit, step)
    sorted_power = power.ravel()[order]
    medians = np.array([np.median(sorted_power[a:b]) for a, b in pairwise(starts)])
    smooth = ndimage.gaussian_filter1d(medians.astype(np.float64), 2, mode="nearest")
    return np.maximum(smooth, 1e-12 + 1e-9 * float(smooth.max())), ring
