"""Whether the threads of a picture are its light lines or its dark ones.

The phase of the threads says where lines lie, not whether they are threads or the gaps between them. Negatives apart,
that depends on the ground: it may fill the gaps, or lie on the threads. But threads pass over and under each other and
gaps do not: folded into one unit of the weave, two threads each way, a picture shows it.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from dl4art.utils.trees import Trees

Floats = npt.NDArray[np.float64]

SIDE = 16
"""Points of the folded unit each way; it is two threads wide and high."""
_BORDER = 20  # pixels that are left out: there the phase is least sure
_HALF = SIDE // 4  # points from a thread to the gap beside it


def folded_unit(normal: npt.NDArray[Any], phases: tuple[Floats, Floats], step: int) -> Floats:
    """Fold a picture into one unit of plain weave, (SIDE, SIDE): along x vertical threads first.

    Parameters
    ----------
    normal : (rows, cols) array
        Normalised picture.
    phases : two arrays
        From `dl4art.regression.phase.thread_phase` with the same `step`: whole numbers on light lines. Vertical,
        horizontal.
    step : int
        Pixels from one value of these to the next.
    """
    places = np.mgrid[: normal.shape[0], : normal.shape[1]] / step
    inside = slice(_BORDER, -_BORDER)
    numbers = [
        np.floor(np.mod(ndimage.map_coordinates(phase, places, order=1, mode="nearest")[inside, inside], 2) * SIDE / 2)
        for phase in phases
    ]
    index = (numbers[0].astype(int) % SIDE * SIDE + numbers[1].astype(int) % SIDE).ravel()
    count = np.bincount(index, minlength=SIDE**2)
    total = np.bincount(index, normal[inside, inside].ravel(), minlength=SIDE**2)
    unit: Floats = (total / np.maximum(count, 1)).reshape(SIDE, SIDE)
    return unit


def tone_features(unit: Floats) -> Floats:
    """Give what tells light threads from dark ones, of the vertical threads of a folded unit; (66,).

    Products of the unit's waves that do not depend on which thread lies over at its corner, and the profiles across the
    threads: of the mean, and of how much it varies along them, which threads do and gaps do not.
    """
    number = np.fft.fftfreq(SIDE, 1 / SIDE)
    middle = np.exp(-1j * np.pi * (number[:, None] + number) / SIDE)  # points are cells, and have their middle
    waves = np.fft.fft2(unit) / SIDE**2 * middle

    def wave(vertical: int, horizontal: int) -> complex:
        return complex(waves[vertical % SIDE, horizontal % SIDE])

    own, other = abs(wave(2, 0)), abs(wave(0, 2))
    size = float(np.hypot(own, other)) + 1e-6
    rising, falling = wave(1, 1), wave(1, -1)
    both = wave(2, 2) + wave(2, -2)
    straight = [
        *(wave(4, 0), wave(0, 4), wave(6, 0), wave(0, 6), wave(2, 2), wave(2, -2), both, wave(4, 4), wave(4, -4)),
        *(wave(4, 2), wave(2, 4), wave(4, 2) + wave(4, -2), wave(2, 4) + wave(-2, 4), (own - other) / size * both),
    ]
    crossed = [
        *(rising * falling, rising * falling.conjugate(), rising * rising, falling * falling),
        *(wave(3, 1) * rising.conjugate(), wave(3, 1) * wave(-1, 1), wave(3, 1) * wave(-1, 1).conjugate()),
        *(wave(1, 3) * rising.conjugate(), wave(1, 3) * falling.conjugate(), wave(3, 1) * falling),
        *(wave(3, -1) * rising, wave(3, 3) * rising.conjugate(), rising * rising * wave(2, 2).conjugate() / size),
    ]
    sizes = [abs(rising) + abs(falling), abs(wave(2, 2)) + abs(wave(2, -2)), abs(wave(4, 0)), abs(wave(0, 4))]
    profiles = [_halved(part) for seen in (unit.T, unit) for part in (seen.mean(axis=0), seen.std(axis=0))]
    thread, gap = [0, -1], [_HALF - 1, _HALF]
    varies = [float(part[thread].mean() - part[gap].mean()) for part in profiles[1::2]]
    values = [
        np.log((own + 1e-3) / (other + 1e-3)),
        *(np.real(straight) / size),
        *(np.real(crossed) / size**2),
        *(np.array([*sizes, *varies, *np.concatenate(profiles)]) / size),
    ]
    found: Floats = np.clip(values, -5, 5)
    return found


def _halved(profile: Floats) -> Floats:
    """Mean of both threads of a unit: which of them is first means nothing."""
    found: Floats = (profile[: SIDE // 2] + profile[SIDE // 2 :]) / 2
    return found


def inverted(unit: Floats) -> Floats:
    """Fold what the negative of a picture would be folded into: other lines are light there."""
    turned: Floats = -np.roll(unit, (_HALF, _HALF), (0, 1))
    return turned


def light_threads(unit: Floats, trees: Trees | None = None) -> tuple[float, float]:
    """Logits that the vertical, and the horizontal, threads are the light lines; a negative's are the opposite.

    Parameters
    ----------
    unit : (SIDE, SIDE) array
        From `folded_unit`.
    trees : Trees, optional
        The shipped ones if left out.
    """
    known = trees or shipped_trees()

    def logit(own: Floats) -> float:
        light, dark = known.logits([tone_features(own), tone_features(inverted(own))]).tolist()
        return float(light - dark) / 2

    return logit(unit), logit(unit.T)


@lru_cache(maxsize=1)
def shipped_trees() -> Trees:
    """Load the trees that dl4art brings."""
    data = files("dl4art.regression").joinpath("trees/tones.npz").read_bytes()
    return load_trees(data)


def load_trees(data: bytes) -> Trees:
    """Read trees from the bytes of an archive that `utils/train_tones.py` has written."""
    with np.load(BytesIO(data), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in Trees.__dataclass_fields__}
    return Trees(**{**arrays, "start": float(arrays["start"])})
