"""Mean thread density from the phase of the threads: demodulate, low-pass, average the phase gradient.

A spectral peak weighs the middle of a window more than its rim and, where spacing varies, follows its strongest lobe.
The gradient of the phase is what thread density is defined by, and it is averaged here over the whole window.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft

# standard deviations of the Gaussian band about a wave, as shares of its frequency: across the threads it must pass
# their changing spacing and stop the diagonal waves of plain weave, 0.7 away; along the threads only their bending
AXIS_BAND = (0.2, 0.08)
# a diagonal wave varies with both systems of threads
DIAGONAL_BAND = (0.25, 0.25)
# the phase is followed as far as it keeps to its own threads, the diagonal waves of another weave included
LOCAL_BAND = (0.25, 0.1)
_ROUNDS = 3


class PhaseSpectrum(NamedTuple):
    """Fourier transform of a normalised picture, padded with zeros against wrapping round."""

    transform: NDArray[np.complex64]
    shape: tuple[int, int]
    px_per_cm: float


def phase_spectrum(normal: NDArray[np.float32], px_per_cm: float) -> PhaseSpectrum:
    """Transform a normalised picture once, for any number of calls of `mean_wave`."""
    height, width = normal.shape
    padded = [fft.next_fast_len(int(1.25 * n), real=False) for n in (height, width)]
    return PhaseSpectrum(fft.fft2(normal, s=padded), (height, width), px_per_cm)


def mean_wave(
    spectrum: PhaseSpectrum, wave: NDArray[np.float64], band: tuple[float, float] = AXIS_BAND
) -> tuple[NDArray[np.float64], float]:
    """Mean phase gradient of the threads near a given wave.

    Parameters
    ----------
    spectrum : PhaseSpectrum
        Of the picture.
    wave : ndarray, shape (2,)
        Where to look: frequency (x, y) in cycles per cm.
    band : tuple of float
        Standard deviations of the band along the wave and across it, as shares of its frequency.

    Returns
    -------
    wave : ndarray, shape (2,)
        Mean gradient of the thread phase, weighted by its amplitude, in cycles per cm; its length is the density.
    quality : float
        0 to 1: how far the phase still agrees with itself two threads on. Noise in the same band comes to about 0.2.
    """
    start = float(np.hypot(*wave))
    quality = 0.0
    for _ in range(_ROUNDS):
        wave, quality = _step(spectrum, wave, band)
        if not 0.7 < float(np.hypot(*wave)) / start < 1.4:
            # ran away to another wave: nothing to hold on to here
            return wave, 0.0
    return wave, quality


def _step(
    spectrum: PhaseSpectrum, wave: NDArray[np.float64], band: tuple[float, float]
) -> tuple[NDArray[np.float64], float]:
    rows, columns = spectrum.transform.shape
    bins = np.array([spectrum.px_per_cm / columns, spectrum.px_per_cm / rows])
    density = float(np.hypot(*wave))
    centre = np.rint(wave / bins).astype(int)
    widest = max(band) * density
    half = np.ceil(3 * widest / bins).astype(int)
    at_x, at_y = (centre[i] + np.arange(-half[i], half[i] + 1) for i in (0, 1))
    x, y = at_x * bins[0] - wave[0], (at_y * bins[1] - wave[1])[:, None]
    gain, ahead = band_gain(x, y, wave, band)
    block = spectrum.transform[np.ix_(at_y % rows, at_x % columns)] * gain

    # two threads on, the phase should have gone round twice
    power = block.real**2 + block.imag**2
    lag = 2 / density
    reach = np.array(spectrum.shape[::-1]) / spectrum.px_per_cm
    overlap = float(np.prod(np.maximum(1 - lag * np.abs(wave / density) / reach, 0.2)))
    turn = np.exp(2j * np.pi * lag * ahead)
    quality = min(1.0, abs(complex((power * turn).sum())) / max(float(power.sum()), 1e-30) / overlap)

    # the block alone is the demodulated signal on a coarse grid; only the part inside the picture counts
    signal = fft.ifft2(fft.ifftshift(block))
    size_y, size_x = signal.shape
    inside_x = int(np.ceil(size_x * spectrum.shape[1] / columns))
    inside_y = int(np.ceil(size_y * spectrum.shape[0] / rows))
    signal = signal[:inside_y, :inside_x]
    grid = np.array([columns / size_x, rows / size_y]) / spectrum.px_per_cm
    offset = np.array(
        [
            _mean_angle(signal[:, 1:] * signal[:, :-1].conj()) / (2 * np.pi * grid[0]),
            _mean_angle(signal[1:] * signal[:-1].conj()) / (2 * np.pi * grid[1]),
        ]
    )
    return centre * bins + offset, quality


def band_gain(
    x: NDArray[Any], y: NDArray[Any], wave: NDArray[np.float64], band: tuple[float, float]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Gain of a Gaussian band about a wave.

    Parameters
    ----------
    x, y : ndarray, shapes (columns,) and (rows, 1)
        Frequencies less the wave's, cycles per cm.
    wave : ndarray, shape (2,)
        Frequency (x, y) in the middle of the band.
    band : tuple of float
        As in `mean_wave`.

    Returns
    -------
    gain, ahead : ndarray, shape (rows, columns), of the type of the frequencies
        The gain, and how far each frequency lies beyond the wave along its direction.
    """
    density = float(np.hypot(*wave))
    # plain numbers, which leave the frequencies the type that they have
    right, down = (wave / density).tolist()
    ahead, aside = x * right + y * down, x * down - y * right
    gain = np.exp(-0.5 * ((ahead / (band[0] * density)) ** 2 + (aside / (band[1] * density)) ** 2))
    return gain, ahead


def thread_phase(
    spectrum: PhaseSpectrum, wave: NDArray[np.float64], step: int, band: tuple[float, float] = LOCAL_BAND
) -> NDArray[np.float64]:
    """Thread phase all over a picture: a mean wave and its smooth deviation.

    The signal is demodulated and its phase differences from one place to the next, which are small, are integrated
    in the sense of least squares (Ghiglia and Romero, J. Opt. Soc. Am. A 11, 1994): no place where the weave fails
    can set the rest off by a whole thread.

    Parameters
    ----------
    spectrum : PhaseSpectrum
        Of the picture.
    wave : ndarray, shape (2,)
        Mean frequency (x, y) of the threads, cycles per cm.
    step : int
        Pixels from one place to the next.
    band : tuple of float
        As in `mean_wave`.

    Returns
    -------
    ndarray, shape (rows, cols)
        Phase in threads at pixels 0, step, 2 step, ..., up to a constant that makes centre-lines (of light threads)
        whole numbers.
    """
    height, width = spectrum.shape
    rows, columns = spectrum.transform.shape
    x = fft.fftfreq(columns, 1 / spectrum.px_per_cm) - wave[0]
    y = (fft.fftfreq(rows, 1 / spectrum.px_per_cm) - wave[1])[:, None]
    gain, _ = band_gain(x, y, wave, band)
    signal = fft.ifft2(spectrum.transform * gain.astype(np.float32))[:height:step, :width:step]
    place_x = np.arange(0, width, step) / spectrum.px_per_cm
    place_y = (np.arange(0, height, step) / spectrum.px_per_cm)[:, None]
    mean = wave[0] * place_x + wave[1] * place_y
    signal = signal * np.exp(-2j * np.pi * mean)
    deviation = _integrated(np.angle(signal[1:] * signal[:-1].conj()), np.angle(signal[:, 1:] * signal[:, :-1].conj()))
    constant = np.angle((signal * np.exp(-1j * deviation)).sum())
    phase: NDArray[np.float64] = mean + (deviation + constant) / (2 * np.pi)
    return phase


def _integrated(down: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the function of mean zero whose differences down and to the right come nearest to the given ones."""
    rows, columns = right.shape[0], down.shape[1]
    source = np.zeros((rows, columns))
    source[:-1] += down
    source[1:] -= down
    source[:, :-1] += right
    source[:, 1:] -= right
    bend_y, bend_x = (2 * np.cos(np.pi * np.arange(n) / n) - 2 for n in (rows, columns))
    bend = bend_y[:, None] + bend_x
    bend[0, 0] = 1.0
    waves = fft.dctn(source, norm="ortho") / bend
    waves[0, 0] = 0.0
    result: NDArray[np.float64] = fft.idctn(waves, norm="ortho")
    return result


def _mean_angle(turns: NDArray[np.complex64]) -> float:
    """Mean angle, weighted by amplitude up to half the median: a bright patch must not speak for the window."""
    weight = np.sqrt(np.abs(turns))
    weight = np.minimum(weight, 0.5 * np.median(weight))
    total = float(weight.sum())
    return float((weight * np.angle(turns)).sum()) / total if total > 0 else 0.0
