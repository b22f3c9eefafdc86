"""When the weave of a simulated crop can be read at all: contrast against noise at the threads' own places.

The rule and its threshold were fixed by looking at crops sorted by it, before any network was trained.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dl4art.simulation.fields import Array
from dl4art.simulation.render import Picture

READABLE = 1.5
"""Contrast-to-noise ratio from which on a direction of a window counts as readable."""
BLOCK = 40
"""Side in pixels of the blocks in which contrast and noise are compared."""
_FLOOR = 0.004
"""Noise that any file has: a grey step of 8 bits."""


def _block_means(values: npt.NDArray[np.complex64]) -> npt.NDArray[np.complex64]:
    rows, cols = values.shape[0] // BLOCK, values.shape[1] // BLOCK
    cut = values[: rows * BLOCK, : cols * BLOCK]
    means: npt.NDArray[np.complex64] = cut.reshape(rows, BLOCK, cols, BLOCK).mean(axis=(1, 3))
    return means


def _flat(values: Array) -> Array:
    """Values less the mean of their block."""
    rows, cols = values.shape[0] // BLOCK, values.shape[1] // BLOCK
    cut = values[: rows * BLOCK, : cols * BLOCK].reshape(rows, BLOCK, cols, BLOCK)
    flat: Array = (cut - cut.mean(axis=(1, 3), keepdims=True)).reshape(rows * BLOCK, cols * BLOCK)
    return flat


def _wave(angle: Array) -> npt.NDArray[np.complex64]:
    # sine and cosine of float32 take a tenth of the time of a complex exponential
    wave = np.empty(angle.shape, np.complex64)
    wave.real, wave.imag = np.cos(angle), np.sin(angle)
    return wave


def contrast_to_noise(picture: Picture) -> tuple[float, float]:
    """Contrast-to-noise ratio of the vertical and the horizontal threads.

    The weave's own part of the picture (the picture less the same one without weave) is multiplied by waves that
    follow the true thread phases and averaged over blocks of 2 mm; the same is done with the rest of the picture.
    Waves are tried along each system and along the diagonals of plain weave, where a chequered cloth has its energy.
    The ratio reported is the one that seven blocks in ten reach.

    Parameters
    ----------
    picture : Picture
        A simulated crop of at least 40 px a side.

    Returns
    -------
    (float, float)
        Ratio for the vertical and for the horizontal threads.
    """
    weave, rest = _flat(picture.grey - picture.background), _flat(picture.background)
    rows, cols = weave.shape
    half_v, half_h = (
        _wave(np.float32(np.pi) * phase[:rows, :cols]) for phase in (picture.vertical_phase, picture.horizontal_phase)
    )
    diagonals = (half_v * half_h, half_v * half_h.conj())

    def power(values: Array, own: npt.NDArray[np.complex64]) -> npt.NDArray[np.float32]:
        straight = np.abs(_block_means(values * own * own)) ** 2
        crossed = [np.abs(_block_means(values * wave)) ** 2 for wave in diagonals]
        total: npt.NDArray[np.float32] = straight + (crossed[0] + crossed[1]) / 2
        return total

    def ratio(own: npt.NDArray[np.complex64]) -> float:
        noise = np.sqrt(power(rest, own).mean() + _FLOOR**2 / 40)
        return float(np.quantile(np.sqrt(power(weave, own)), 0.3) / noise)

    return ratio(half_v), ratio(half_h)
