"""Plain weave or another: what the crossings say once the threads themselves are known.

A weave repeats: plain weave every two threads, twill every three or four, basket every four. In a frame whose axes
are the thread phases, so that uneven yarn does not matter, power can lie only at the fractions 1/2 of plain weave, at
thirds or quarters along one diagonal of twill, at odd quarters along both of basket. Where it lies decides; the
threads themselves, at whole numbers, do not.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dl4art.regression.phase import phase_spectrum, thread_phase
from dl4art.regression.spectrum import normalise

FEATURES = 6
"""Number of `weave_features`."""
# fractions of the two phases at which no weave puts power: what lies there is noise
_BETWEEN = (4.6 / 12, 5 / 12, 6.8 / 12, 7.2 / 12)
# places in a period of the finer threads, three quarters of whose frequency must be seen in both directions together
_PLACES = 3
# twill over thirds (2/1) or quarters (2/2, 3/1)
_TWILLS = (1 / 3, 1 / 4)
_BASKET = ((1, 1), (1, -1), (3, 1), (3, -1), (1, 3), (1, -3))


def weave_features(
    picture: NDArray[Any], px_per_cm: float, density: NDArray[Any], tilt: NDArray[Any]
) -> NDArray[np.float64]:
    """Power of a picture at the fractions of other weaves and of plain weave, in units of the noise between them.

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
    ndarray, shape (6,)
        One; then natural logarithms: the likeliest twill, that twill mirrored, basket, plain weave, and half of either
        thread system's frequency (threads in pairs).
    """
    normal = normalise(picture, px_per_cm)
    step = max(1, int(px_per_cm / (_PLACES * float(max(density)))))
    phases = phase_spectrum(normal, px_per_cm)
    turn_v, turn_h = np.deg2rad(tilt)
    waves = (
        density[0] * np.array([np.cos(turn_v), -np.sin(turn_v)]),
        density[1] * np.array([np.sin(turn_h), np.cos(turn_h)]),
    )
    rows, columns = (n // step for n in normal.shape)
    vertical, horizontal = (thread_phase(phases, wave, step)[:rows, :columns] for wave in waves)
    blocks = normal[: rows * step, : columns * step].reshape(rows, step, columns, step).mean(axis=(1, 3))
    fade_y, fade_x = (np.sin(np.pi * (np.arange(n) + 0.5) / n) for n in (rows, columns))
    signal = blocks * fade_y[:, None] * fade_x

    def power(across: float, down: float) -> float:
        return float(abs((signal * np.exp(2j * np.pi * (across * vertical + down * horizontal))).sum()) ** 2)

    noise = float(np.median([power(a, sign * b) for a in _BETWEEN for b in _BETWEEN for sign in (1, -1)]))

    def strength(*places: tuple[float, float]) -> float:
        ratios = [power(*place) / max(noise, 1e-30) for place in places]
        return float(np.mean([max(-1.0, np.log(max(ratio, 1e-9) / 2)) for ratio in ratios]))

    def twill(part: float, sense: int) -> float:
        rest = 1 - part
        return strength((part, -sense * part), (part, sense * rest), (rest, -sense * rest), (rest, sense * part))

    twills = {(part, sense): twill(part, sense) for part in _TWILLS for sense in (1, -1)}
    part, sense = max(twills, key=lambda key: twills[key])
    return np.array(
        [
            1.0,
            twills[part, sense],
            twills[part, -sense],
            strength(*((a / 4, b / 4) for a, b in _BASKET)),
            strength((0.5, 0.5), (0.5, -0.5)),
            strength((0.5, 0.0), (0.0, 0.5)),
        ]
    )
