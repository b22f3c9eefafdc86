"""Plain weave or another: what the crossings say once the threads themselves are known.

A weave repeats: plain weave every two threads, twill every three or four, basket every four. In a frame whose axes
are the thread phases, so that uneven yarn does not matter, power can lie only at odd halves in plain weave, at thirds
or quarters along one diagonal in twill, along both in basket. Crossings are small against threads, so that the power
lies at many such places, far out too: at 1/4 and 3/4 of the threads' frequency as well as at 5/4 and 7/4.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from dl4art.regression.phase import phase_spectrum, thread_phase
from dl4art.regression.spectrum import normalise

FEATURES = 19
"""Number of `weave_features` of one repeat in one sense."""
# places in a period of the finer threads
_PLACES = 4
_BLUR = 0.4  # of the picture before it is sampled there, as a share of the step
# fractions of the threads' frequency at which a twill of three, and one of four, has power
_REPEATS = ((1 / 3, 2 / 3, 4 / 3, 5 / 3), (1 / 4, 3 / 4, 5 / 4, 7 / 4))
# they lie 1/3 and 1/4 from a whole number, now above and now below it; two on one side make the one diagonal, one on
# either side the other
_ALONG = np.multiply.outer([1, -1, 1, -1], [1, -1, 1, -1]) < 0
# fractions of the threads themselves, of their pairs, and of plain weave
_THREADS = (0.0, 1 / 2, 1.0, 3 / 2)
# fractions at which no weave has power: what lies there is noise
_BETWEEN = (4.6 / 12, 5 / 12, 6.8 / 12, 7.2 / 12)
_FLOOR = -0.5  # logarithm of power over noise below which it is all one
_STRONGEST = 4


def weave_features(
    picture: NDArray[Any], px_per_cm: float, density: NDArray[Any], tilt: NDArray[Any]
) -> NDArray[np.float64]:
    """Power of a picture where twill, and where plain weave, would have it, in units of the noise between.

    Parameters
    ----------
    picture : ndarray, shape (h, w)
        Grey values, positive or negative.
    px_per_cm : float
        Scale in pixels per centimetre.
    density, tilt : arrays, shape (2,)
        Of the vertical and the horizontal threads, th/cm and degrees counter-clockwise.

    Returns
    -------
    ndarray, shape (2, 2, 19)
        For a repeat of three threads and of four, in either sense: one; then natural logarithms: the ten pairs of its
        fractions, the strongest few of its places, the mean of its mirror image, of the other repeat in the same
        sense and of that one's mirror image; plain weave (two), the threads themselves, threads in pairs.
        A mirrored picture has its senses swapped; a transposed or an inverted one has the same.
    """
    normal = normalise(picture, px_per_cm)
    step = max(1, int(px_per_cm / (_PLACES * float(max(density)))))
    phases = phase_spectrum(normal, px_per_cm)
    turn_v, turn_h = np.deg2rad(tilt)
    waves = (
        density[0] * np.array([np.cos(turn_v), -np.sin(turn_v)]),
        density[1] * np.array([np.sin(turn_h), np.cos(turn_h)]),
    )
    vertical, horizontal = (thread_phase(phases, wave, step).ravel() for wave in waves)
    sampled = ndimage.gaussian_filter(normal, _BLUR * step)[::step, ::step]
    fade_y, fade_x = (np.sin(np.pi * (np.arange(0, n, step) + 0.5) / n) for n in normal.shape)
    signal = (sampled * fade_y[:, None] * fade_x).ravel()

    # the mean of what is spread exponentially, from its median, which a peak nearby cannot spoil
    noise = np.median(_powers(signal, vertical, horizontal, _BETWEEN)) / np.log(2)

    def logarithms(fractions: tuple[float, ...]) -> NDArray[np.float64]:
        ratio = _powers(signal, vertical, horizontal, fractions) / max(noise, 1e-30)
        above: NDArray[np.float64] = np.log(np.maximum(ratio, np.exp(_FLOOR)))
        return above

    twills = []
    for fractions in _REPEATS:
        rising, falling = logarithms(fractions)
        twills.append([np.where(_ALONG, rising, falling), np.where(_ALONG, falling, rising)])
    means = np.mean(twills, axis=(2, 3))
    threads = logarithms(_THREADS).mean(axis=0)
    threads = (threads + threads.T) / 2
    common = [threads[1, 1], threads[1, 3], threads[2, 0], threads[1, 0]]
    pairs = np.triu_indices(4)

    def features(repeat: int, sense: int) -> list[float]:
        own = twills[repeat][sense]
        others = [means[repeat, 1 - sense], means[1 - repeat, sense], means[1 - repeat, 1 - sense]]
        return [1.0, *((own + own.T) / 2)[pairs], np.sort(own, axis=None)[-_STRONGEST:].mean(), *others, *common]

    return np.array([[features(repeat, sense) for sense in (0, 1)] for repeat in (0, 1)])


def weave_logit(features: NDArray[Any], weights: ArrayLike) -> NDArray[np.float64]:
    """Logit of another weave than plain: the logits of the two repeats in either sense, taken together.

    Parameters
    ----------
    features : ndarray, shape (..., 2, 2, k)
        From `weave_features`.
    weights : array_like, shape (2, k)
        For either repeat.

    Returns
    -------
    ndarray, shape (...)
    """
    each = np.einsum("...rsk,rk->...rs", features, np.asarray(weights))
    total: NDArray[np.float64] = np.logaddexp.reduce(each, axis=(-2, -1))
    return total


def _powers(
    signal: NDArray[np.float64],
    vertical: NDArray[np.float64],
    horizontal: NDArray[np.float64],
    fractions: tuple[float, ...],
) -> NDArray[np.float64]:
    """Power at fractions a of the vertical and b of the horizontal phase, (2, k, k): at (a, b), then at (a, -b)."""
    across, down = (np.exp(2j * np.pi * np.multiply.outer(fractions, phase)) for phase in (vertical, horizontal))
    across *= signal
    power: NDArray[np.float64] = np.abs(np.stack([across @ down.T, across @ down.conj().T])) ** 2
    return power
