"""Pieces cut from simulated bolts, as weave maps: neighbours that share threads, and strangers of equal statistics.

The geometry is that of the simulator: threads laid over a bolt, turned, pulled and cusped in each canvas by itself. No
picture is rendered and none is read; what reading adds is drawn as errors of cells.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from dl4art.siamese.weave_profiles import WeaveMap
from dl4art.simulation.cloth import Cloth, Yarns, draw_cloth
from dl4art.simulation.fields import draw_field
from dl4art.simulation.threads import Threads, lay_threads, smooth
from dl4art.simulation.weave import Sheet, thread_phases

Floats = npt.NDArray[np.float64]

SIDES_CM = (35.0, 65.0)
"""Sides of the pieces."""
ERRORS = (0.005, 0.04)
"""Standard deviation of a cell's error, as a share of the density: of good maps and of poor ones."""
_MARGIN_CM = 6.0
DRIFT = 0.15
"""How far the spacing changes from one piece of a bolt to the next, in units of what they share."""
_STRETCH = 0.006  # by moisture and tension, standard deviation
_LEAN = np.deg2rad(0.8)
_BLANK = 0.15  # share of a map that cannot be read, at most
_WINDOW_CM = 1.0


def draw_pair(
    rng: np.random.Generator,
    *,
    related: bool,
    overlap_cm: float = 25.0,
    step_cm: float = 0.5,
    drift: float = DRIFT,
) -> tuple[WeaveMap, WeaveMap]:
    """Draw two canvases.

    Parameters
    ----------
    rng : Generator
        Source of randomness.
    related : bool
        Whether they are cut from one bolt, one above the other, so that vertical threads run through both. Else they
        are cut from two bolts of the same yarns and density. Horizontal threads are never shared.
    overlap_cm : float
        Across how much of each the shared threads lie, at its right and at its left edge.
    step_cm : float
        Distance of the cells.
    drift : float
        How far the spacing changes from one piece to the next, in units of what they share.

    Returns
    -------
    (WeaveMap, WeaveMap)
        The second may be mirrored, either way.
    """
    cloth = draw_cloth(rng)
    sizes = rng.uniform(*SIDES_CM, (2, 2))
    left = sizes[0, 0] - overlap_cm
    width = left + sizes[1, 0]
    bolt = _bolt(rng, cloth.vertical, width)
    other = bolt if related else _bolt(rng, cloth.vertical, width)
    first, second = (
        _piece(rng, cloth, (threads - start, drift), size, step_cm)
        for threads, start, size in ((bolt, 0.0, sizes[0]), (other, left, sizes[1]))
    )
    down, across = (slice(None, None, int(rng.choice([-1, 1]))) for _ in range(2))
    turned = replace(second, vertical=second.vertical[down, across], horizontal=second.horizontal[down, across])
    return first, turned


def _bolt(rng: np.random.Generator, yarns: Yarns, width: float) -> Floats:
    return lay_threads(rng, yarns, (-_MARGIN_CM, width + _MARGIN_CM), (0.0, 0.1)).centres.astype(float)


def _piece(
    rng: np.random.Generator, cloth: Cloth, threads: tuple[Floats, float], size: Floats, step: float
) -> WeaveMap:
    """Cut a piece with vertical threads at these places, which drift so far, and map it."""
    width, height = (float(side) for side in size)
    vertical = _threads(_pulled(rng, *threads, width / 2))
    horizontal = _threads(_pulled(rng, _bolt(rng, cloth.horizontal, height), 0.0, height / 2))
    tilt, skew = rng.normal(0, _LEAN, 2)
    scale = float(rng.uniform(0.8, 5))
    pull = float(rng.uniform(0, 0.03))
    sheet = Sheet(
        cloth,
        vertical,
        horizontal,
        tilt,
        tilt + skew,
        ((draw_field(rng, (width, height), scale), pull), (draw_field(rng, (width, height), scale), pull)),
        cusping=float(rng.uniform(0.05, 0.3)),
        cusp_pitch=float(rng.uniform(5, 12)),
        size_cm=(width, height),
        hair=draw_field(rng, (width, height), 5.0),
        hairiness=0.0,
    )
    half = _WINDOW_CM / 2
    x, y = (np.arange(step / 2, side, step, dtype=np.float32) for side in (width, height))
    columns, rows = np.meshgrid(x, y)

    def phase(dx: float, dy: float) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        return thread_phases(sheet, columns + np.float32(dx), rows + np.float32(dy))[:2]

    counted = phase(half, 0)[0] - phase(-half, 0)[0], phase(0, half)[1] - phase(0, -half)[1]
    errors = np.exp(rng.uniform(*np.log(ERRORS)))
    blank = _speckle(rng, columns.shape, 3.0 / step)
    hidden = blank > np.quantile(blank, 1 - rng.uniform(0, _BLANK))
    maps = []
    for density, yarns in zip(counted, (cloth.vertical, cloth.horizontal), strict=True):
        error = _speckle(rng, density.shape, _WINDOW_CM / step) * errors * yarns.density
        maps.append(np.where(hidden, np.nan, density / _WINDOW_CM + error).astype(np.float32))
    return WeaveMap(maps[0], maps[1], step)


def _pulled(rng: np.random.Generator, centres: Floats, drift: float, middle: float) -> Floats:
    """Thread positions in one canvas: a spacing somewhat of its own, stretched about the middle."""
    spacing = np.diff(centres)
    mean = float(spacing.mean())
    per_cm = max(1, round(1 / mean))
    uneven = float(np.std(ndimage.uniform_filter1d(spacing, per_cm)))
    own = smooth(rng.standard_normal(len(spacing)), rng.uniform(0.5, 2.0) / mean, 0)
    moved = centres + np.concatenate([[0.0], np.cumsum(own * uneven * drift)])
    moved -= np.interp(middle, centres, moved) - middle
    pulled: Floats = (moved - middle) * (1 + rng.normal(0, _STRETCH)) + middle
    return pulled


def _threads(centres: Floats) -> Threads:
    """Threads that run straight; how they stray within a window is part of a cell's error."""
    still = np.zeros((len(centres), 2), np.float32)
    return Threads(centres.astype(np.float32), still, 1.0, still, 1.0, np.arange(len(centres), dtype=np.int32), 0.0)


def _speckle(rng: np.random.Generator, shape: tuple[int, ...], size: float) -> Floats:
    """Noise of deviation one, the mean over squares of so many cells."""
    noise = ndimage.uniform_filter(rng.standard_normal(shape), max(1, round(size)), mode="wrap")
    result: Floats = noise / noise.std()
    return result
