"""Thread density and angle at many places of one picture, from the phase of the threads about each.

What `dl4art.regression.phase` does for one picture as a whole, done for all windows in it from one Fourier transform:
the threads are demodulated in a band about a wave, and the phase gradient is averaged over each window. The bands are
those of a fixed bank, each place takes the ones that lie nearest to what it shows, and so it finds the same whatever
else is in the picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import fft

from dl4art.regression.phase import AXIS_BAND, DIAGONAL_BAND, band_gain

Floats = npt.NDArray[np.float64]
Complex = npt.NDArray[np.complex64]

MARGIN_CM = 1.7
"""How far round a window a picture has a say: a band of the coarsest threads is as wide as that."""
_CLIP = 3.0  # tones are clipped at so many local standard deviations: no scratch must own a window
# distances in the bank: of frequencies as a share of them, of angles in degrees
_RATIO, _TURN = 0.1, 4.0
_SPAN = 3.0  # standard deviations after which a band ends
_FINE = 10.0  # cycles per cm; the grid on which phases are averaged has two points for each
_ROUNDS = 2
_LAG = 2  # threads, after which the phase should have gone round as often


@dataclass(frozen=True, eq=False)
class LocalWaves:
    """Waves of one system of threads at n places."""

    wave: Floats
    """(n, 2), frequency (x, y) in cycles per cm."""
    quality: Floats
    """(n,), 0 to 1: how far the phase agrees with itself two threads on. Noise in the same band comes to about 0.3."""


@dataclass(frozen=True, eq=False)
class WavePicture:
    """The Fourier transform of a normalised picture, for any number of `local_waves`."""

    transform: npt.NDArray[np.complex64]
    px_per_cm: float

    @classmethod
    def of(cls, normal: npt.NDArray[np.float32], px_per_cm: float) -> WavePicture:
        """Transform a picture. It wraps round: `MARGIN_CM` of it, or of nothing, should lie about the windows."""
        shape = [fft.next_fast_len(side, real=False) for side in normal.shape]
        return cls(fft.fft2(np.clip(normal, -_CLIP, _CLIP), s=shape), px_per_cm)


def upright_waves(density: npt.ArrayLike, tilt: npt.ArrayLike) -> Floats:
    """Waves (n, 2) of vertical threads of a density, th/cm, and a tilt, degrees counter-clockwise."""
    turn = np.deg2rad(tilt)
    waves: Floats = np.asarray(density)[..., None] * np.stack([np.cos(turn), -np.sin(turn)], axis=-1)
    return waves


def level_waves(density: npt.ArrayLike, tilt: npt.ArrayLike) -> Floats:
    """Waves (n, 2) of horizontal threads, likewise."""
    turn = np.deg2rad(tilt)
    waves: Floats = np.asarray(density)[..., None] * np.stack([np.sin(turn), np.cos(turn)], axis=-1)
    return waves


def local_waves(
    picture: WavePicture,
    near: Floats,
    corners_px: npt.NDArray[Any],
    side_px: int,
    *,
    diagonal: bool = False,
) -> LocalWaves:
    """Find the waves nearest to rough ones, each in a window of its own.

    Parameters
    ----------
    picture : WavePicture
        What the windows lie in.
    near : (n, 2) array
        Rough waves, cycles per cm.
    corners_px : (n, 2) array
        Upper-left corners (x, y) of the windows.
    side_px : int
        Their side.
    diagonal : bool
        Whether these are the diagonal waves of plain weave, which vary with both systems of threads.

    Returns
    -------
    LocalWaves
    """
    wave, quality = near, np.zeros(len(near))
    band = DIAGONAL_BAND if diagonal else AXIS_BAND
    # on one processor: the pieces are small, and on several it was slower by half
    for rounds_left in reversed(range(_ROUNDS)):
        found, trust = np.zeros_like(near), np.zeros(len(near))
        for kind, chosen, share in _bank(wave):
            here, agreement = _read(picture, kind, corners_px[chosen], side_px, band, judge=not rounds_left)
            found[chosen] += share[:, None] * here
            trust[chosen] += share * agreement
        wave, quality = found, trust
    return LocalWaves(wave, quality)


def _bank(wave: Floats) -> Iterator[tuple[Floats, npt.NDArray[np.intp], Floats]]:
    """Waves of the bank that lie about some of the given ones, about which, and their shares in what is found there.

    Each given wave lies between four of the bank, which share it, so that nothing jumps halfway between them.
    """
    length = np.maximum(np.hypot(wave[:, 0], wave[:, 1]), 0.5)
    place = np.stack([np.log(length) / _RATIO, np.rad2deg(np.arctan2(wave[:, 1], wave[:, 0])) / _TURN], axis=1)
    first = np.floor(place)
    beyond = place - first
    corners = np.array([(0, 0), (0, 1), (1, 0), (1, 1)])
    keys = (first[:, None] + corners).reshape(-1, 2)
    shares = np.where(corners, beyond[:, None], 1 - beyond[:, None]).prod(axis=2).ravel()
    kinds, which = np.unique(keys, axis=0, return_inverse=True)
    for number, (size, turn) in enumerate(kinds):
        mine = np.flatnonzero(which.ravel() == number)
        radians = np.deg2rad(turn * _TURN)
        yield np.exp(size * _RATIO) * np.array([np.cos(radians), np.sin(radians)]), mine // len(corners), shares[mine]


def _read(
    picture: WavePicture,
    wave: Floats,
    corners_px: npt.NDArray[Any],
    side_px: int,
    band: tuple[float, float],
    *,
    judge: bool,
) -> tuple[Floats, Floats]:
    """Mean phase gradient in windows, and its quality if it is to be judged, in one band of the bank."""
    signal, later, grid, centre = _demodulated(picture, wave, band, judge=judge)
    windows = _Windows.of(corners_px / picture.px_per_cm / grid, side_px / picture.px_per_cm / grid)
    steps = (signal[:, 1:] * signal[:, :-1].conj(), signal[1:] * signal[:-1].conj())
    gradient = np.stack([windows.mean_angle(step) for step in steps], axis=1) / (2 * np.pi * grid)
    if later is None:
        return centre + gradient, np.zeros(len(corners_px))
    agreeing = windows.sums(windows.cut(later * signal.conj()))
    power = windows.sums(windows.cut(signal.real**2 + signal.imag**2))
    return centre + gradient, np.minimum(1.0, np.abs(agreeing) / np.maximum(power, 1e-30))


def _demodulated(
    picture: WavePicture, wave: Floats, band: tuple[float, float], *, judge: bool
) -> tuple[Complex, Complex | None, Floats, Floats]:
    """Give the signal in a band about a wave on a coarse grid and, to judge it by, what it is two threads on.

    Returns
    -------
    signal, later : (rows, cols) arrays
        Without the carrier.
    grid : (2,) array
        Steps (x, y) of the grid, cm.
    carrier : (2,) array
        Frequency of the carrier.
    """
    rows, columns = picture.transform.shape
    bins = np.array([picture.px_per_cm / columns, picture.px_per_cm / rows])
    density = float(np.hypot(*wave))
    middle = np.rint(wave / bins).astype(int)
    widest = max(band) * density
    half = np.ceil(max(_SPAN * widest, _FINE) / bins).astype(int)
    sides = [fft.next_fast_len(int(2 * n + 1), real=False) for n in half]
    at_x, at_y = (place + np.arange(-(side // 2), side - side // 2) for place, side in zip(middle, sides, strict=True))
    x, y = at_x * bins[0] - wave[0], (at_y * bins[1] - wave[1])[:, None]
    gain, ahead = band_gain(x.astype(np.float32), y.astype(np.float32), wave, band)
    block = picture.transform[np.ix_(at_y % rows, at_x % columns)] * gain
    signal, later = fft.ifft2(fft.ifftshift(block)), None
    if judge:
        turn = (2 * np.pi * _LAG / density) * ahead
        # sine and cosine of float32 take a fraction of the time of a complex exponential
        onward = np.empty(turn.shape, np.complex64)
        onward.real, onward.imag = np.cos(turn), np.sin(turn)
        later = fft.ifft2(fft.ifftshift(block * onward))
    grid = np.array([columns / signal.shape[1], rows / signal.shape[0]]) / picture.px_per_cm
    return signal, later, grid, middle * bins


@dataclass(frozen=True, eq=False)
class _Windows:
    """Windows whose borders lie anywhere between the points of a grid; a point stands for the step that follows it."""

    rows: npt.NDArray[np.intp]
    """(n, k), points of the grid that they touch."""
    cols: npt.NDArray[np.intp]
    weight: npt.NDArray[np.float32]
    """(n, k, k), how much of each step lies inside."""

    @classmethod
    def of(cls, starts: Floats, side: Floats) -> _Windows:
        """From their upper-left corners (x, y), (n, 2), and their sides along x and y, in steps of the grid."""
        parts = []
        for axis in (1, 0):
            first = np.floor(starts[:, axis]).astype(int)
            points = first[:, None] + np.arange(int(np.ceil(side[axis])) + 1)
            begin, end = starts[:, axis, None], starts[:, axis, None] + side[axis]
            parts.append((points, np.clip(np.minimum(points + 1, end) - np.maximum(points, begin), 0, 1)))
        (rows, down), (cols, across) = parts
        return cls(rows, cols, (down[:, :, None] * across[:, None, :]).astype(np.float32))

    def cut(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Values in each window, (n, k, k)."""
        rows, cols = (np.clip(n, 0, side - 1) for n, side in zip((self.rows, self.cols), values.shape, strict=True))
        found: npt.NDArray[Any] = values.ravel().take(rows[:, :, None] * values.shape[1] + cols[:, None, :])
        return found

    def sums(self, cut: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Sum what lies in each window, (n,)."""
        total: npt.NDArray[Any] = np.einsum("nij,nij->n", cut, self.weight)
        return total

    def mean_angle(self, turns: Complex) -> Floats:
        """Mean angle in each window, weighted by amplitude up to half of its mean: no bright patch speaks for it."""
        inside = self.cut(turns)
        amplitude = np.sqrt(np.abs(inside))
        usual = self.sums(amplitude) / self.weight.sum(axis=(1, 2))
        weight = np.minimum(amplitude, 0.5 * usual[:, None, None])
        mean: Floats = self.sums(weight * np.angle(inside)) / np.maximum(self.sums(weight), 1e-30)
        return mean
