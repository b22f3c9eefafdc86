"""Centre-lines of the threads of a picture, from their phase near the counted density.

The threads are demodulated about their counted wave; where the phase comes round, a thread lies. Which phase that is,
the light lines' or the dark ones', `dl4art.regression.tones` tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from dl4art.cropping.labels import ThreadLabels
from dl4art.cropping.plate import PX_PER_CM
from dl4art.cropping.threads import Polyline, join_crossings, phase_crossings
from dl4art.regression.local_phase import level_waves, upright_waves
from dl4art.regression.phase import phase_spectrum, thread_phase
from dl4art.regression.preprocess import normalise
from dl4art.regression.tones import folded_unit, light_threads

_STEP = 4  # pixels from one value of the phase to the next


@dataclass(frozen=True, eq=False)
class TrackedThreads:
    """Threads of a picture.

    Attributes
    ----------
    labels : ThreadLabels
        Centre-lines, in px of the picture.
    light : (bool, bool)
        Whether the vertical, and the horizontal, threads are its light lines.
    sure : (float, float)
        How sure that is, 0.5 to 1. If it is wrong, every line of the direction lies half a spacing off.
    """

    labels: ThreadLabels
    light: tuple[bool, bool]
    sure: tuple[float, float]


def track_threads(
    picture: npt.NDArray[Any],
    vertical: float,
    horizontal: float,
    *,
    vertical_tilt: float = 0.0,
    horizontal_tilt: float = 0.0,
    light: bool | None = None,
) -> TrackedThreads:
    """Find the centre-lines of all threads in a picture.

    Parameters
    ----------
    picture : (rows, cols) array
        Grey picture at 200 px/cm, negative or positive, at least 1 cm a side.
    vertical, horizontal : float
        Densities, th/cm, as counted.
    vertical_tilt, horizontal_tilt : float
        Degrees counter-clockwise, as counted.
    light : bool, optional
        Whether the threads are the light lines, if you know it; found by itself if left out.

    Returns
    -------
    TrackedThreads
    """
    normal = normalise(np.asarray(picture, np.float32))
    spectrum = phase_spectrum(normal, PX_PER_CM)
    waves = upright_waves(vertical, vertical_tilt), level_waves(horizontal, horizontal_tilt)
    phases = [thread_phase(spectrum, wave, _STEP) for wave in waves]
    logits = light_threads(folded_unit(normal, (phases[0], phases[1]), _STEP))
    are_light = [logit > 0 if light is None else light for logit in logits]
    sure = [1 / (1 + np.exp(-abs(logit))) if light is None else 1.0 for logit in logits]
    shape = normal.shape[0], normal.shape[1]
    lines = [
        _lines(phase if axis == 0 else phase.T, is_light, shape if axis == 0 else shape[::-1])
        for axis, (phase, is_light) in enumerate(zip(phases, are_light, strict=True))
    ]
    labels = ThreadLabels.ordered(lines[0], [line[:, ::-1] for line in lines[1]], shape)
    return TrackedThreads(labels, (are_light[0], are_light[1]), (float(sure[0]), float(sure[1])))


def _lines(phase: npt.NDArray[np.float64], light: bool, shape: tuple[int, int]) -> list[Polyline]:
    """Centre-lines of upright threads, points (x, y) in px, one every few rows."""
    rows, cols = shape
    across = np.arange(cols) / _STEP
    along = np.arange(0, rows, _STEP, dtype=np.float64)
    places = np.meshgrid(along / _STEP, across, indexing="ij")
    fine = ndimage.map_coordinates(phase, places, order=1, mode="nearest") + (0.0 if light else 0.5)
    # a thread that seems to turn back is noise: phase rises across the threads
    fine = np.maximum.accumulate(fine, axis=1)
    return join_crossings([phase_crossings(fine, along + 0.5)], _STEP)
