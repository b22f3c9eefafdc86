"""True statistics of the threads that cross a crop: the numbers by which cloths of one density differ."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from dl4art.simulation.cloth import Yarns
from dl4art.simulation.families import FamilyCrop
from dl4art.simulation.fields import Array
from dl4art.simulation.threads import Threads
from dl4art.simulation.weave import thread_phases

STATISTICS = (
    "log_density",
    "log_spacing_spread",
    "log_spacing_drift",
    "log_spacing_pairing",
    "spacing_lag",
    "log_wobble",
    "wobble_length",
    "log_width",
    "log_width_spread",
    "log_slub_spread",
    "slub_length",
    "gaps",
    "doubles",
    "crimp",
    "bulge",
)
"""What is known of one thread system in a crop, in the order of `thread_statistics`."""
SAMPLED = STATISTICS[:13]
"""Those that are statistics of a sample of threads; the simulator gives all threads of a cloth one crimp and bulge."""
_EVERY_PX = 6
_SAMPLED_ROWS = slice(_EVERY_PX // 2, None, _EVERY_PX)
_DRIFT = 4  # threads over which the slow drift of the spacing is averaged


def thread_statistics(crop: FamilyCrop) -> Array:
    """Measure the threads that cross a simulated crop.

    Parameters
    ----------
    crop : FamilyCrop
        From `dl4art.simulation.families.draw_family`.

    Returns
    -------
    ndarray of shape (2, len(STATISTICS))
        Of the vertical and of the horizontal threads of the crop as it lies.
    """
    cloth, sheet, picture = crop.scene.sheet.cloth, crop.scene.sheet, crop.picture
    rows, cols = picture.grey.shape
    step = np.float32(1 / picture.px_per_cm)
    y = (np.arange(crop.corner[0], crop.corner[0] + rows, dtype=np.float32) + np.float32(0.5))[:, None] * step
    x = (np.arange(crop.corner[1], crop.corner[1] + cols, dtype=np.float32) + np.float32(0.5))[None] * step
    _, _, along_v, _ = thread_phases(sheet, x, y[_SAMPLED_ROWS])
    _, _, _, along_h = thread_phases(sheet, x[:, _SAMPLED_ROWS], y)
    slant_v, slant_h = (
        np.cos(np.radians(angle.mean())) for angle in (picture.vertical_angle, picture.horizontal_angle)
    )
    found = np.stack(
        [
            _system(
                picture.vertical_phase[_SAMPLED_ROWS],
                along_v,
                threads=sheet.vertical,
                yarns=cloth.vertical,
                log_density=float(np.log(picture.vertical_density.mean())),
                cm_per_px=float(step * slant_v),
            ),
            _system(
                picture.horizontal_phase.T[_SAMPLED_ROWS],
                along_h.T,
                threads=sheet.horizontal,
                yarns=cloth.horizontal,
                log_density=float(np.log(picture.horizontal_density.mean())),
                cm_per_px=float(step * slant_h),
            ),
        ]
    )
    return (found[::-1] if crop.turned else found).astype(np.float32)


def _system(
    phase: Array, along: Array, *, threads: Threads, yarns: Yarns, log_density: float, cm_per_px: float
) -> npt.NDArray[np.float64]:
    """Statistics of one thread system, its threads running down the arrays."""
    numbers = np.arange(np.ceil(phase.min()), np.floor(phase.max()) + 1)
    columns = np.arange(phase.shape[1], dtype=np.float64)
    # where each thread (column) crosses each row of pixels, NaN where it lies outside the crop
    across = np.array([np.interp(numbers, line, columns, np.nan, np.nan) for line in phase])
    places = np.array([np.interp(numbers, line, t, np.nan, np.nan) for line, t in zip(phase, along, strict=True)])
    seen = np.isfinite(across).sum(axis=0) >= min(8, len(phase) // 4)
    across, places, numbers = across[:, seen], places[:, seen], numbers[seen]
    unit = np.exp(-log_density)  # mean spacing, cm
    gaps = np.diff(across, axis=1) * cm_per_px / unit
    gaps = gaps[:, np.isfinite(gaps).any(axis=0)]
    gap = np.nanmean(gaps, axis=0)
    off = gap - gap.mean()
    known = np.isfinite(places)
    wide = threads.width(np.broadcast_to(numbers, places.shape).astype(np.float32), np.nan_to_num(places).astype("f4"))
    width = np.where(known, np.log(wide / unit), np.nan)
    thick = np.nanmean(width, axis=0)
    lag = max(1, round(unit / cm_per_px / _EVERY_PX))
    stray, slub = gaps - gap, width - thick
    window = np.convolve(off, np.ones(_DRIFT) / _DRIFT, mode="valid") if len(off) >= _DRIFT else off[:1] * 0
    return np.array(
        [
            log_density,
            _log(off.std()),
            _log(window.std()),
            _log(abs(np.mean(off * (-1.0) ** np.arange(len(off))))),
            np.mean(off[1:] * off[:-1]) / (off.var() + 1e-6),
            _log(np.sqrt(np.nanmean(stray**2))),
            _lagged(stray, lag),
            np.nanmean(width),
            _log(thick.std()),
            _log(np.sqrt(np.nanmean(slub**2))),
            _lagged(slub, lag),
            np.mean(gap > 1.6),
            np.mean(gap < 0.65),
            yarns.crimp,
            yarns.bulge,
        ]
    )


def _log(spread: float) -> float:
    """Logarithm of a spread in units of the mean; less than a hundredth is not told from none."""
    return float(np.log(spread + 0.01))


def _lagged(values: npt.NDArray[np.floating[Any]], lag: int) -> float:
    """Correlation along the threads at a distance of one spacing."""
    lag = min(lag, len(values) - 1)
    return float(np.nanmean(values[lag:] * values[:-lag]) / (np.nanmean(values**2) + 1e-9))
