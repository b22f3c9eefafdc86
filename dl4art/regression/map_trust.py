"""Which cells of a map are to be believed: by what was read there, and by whether their neighbours read the same.

Cloth changes slowly, and a wrong reading seldom agrees with those about it. The density of a cell is its own all the
same: neighbours decide whether it is shown, never what it says.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from dl4art.regression.calibration import Curve, Floats, check_curve, fit_doubt, fit_logit, interval_curve
from dl4art.regression.combined import Evidence, combine, evidence_features
from dl4art.regression.counter import Array, Readings, ThreadCounter
from dl4art.utils.errors import ModelError

RIGHT = 0.05
"""Relative error up to which a density counts as right."""
SURE = 0.8
"""A cell is shown if at least so many of those like it are right in both directions."""
_ALIKE = 0.04  # difference from a neighbour, as a share, that is no contradiction
_APART_CM, _REACH = 0.5, 2  # neighbours lie so far apart, and there are so many each way
_AT_ONCE = 20_000  # cells whose neighbours are in memory together
_OPEN = 1.0  # neighbours' worth of doubt whether they agree, where there are few


@dataclass(frozen=True)
class MapCalibration:
    """What readings are worth in a map, learnt on simulated plates; in ``calibration.json`` under ``map``."""

    spectral_share: float
    """Weight of the phase's density at quality one."""
    agreement: float
    """Relative difference up to which phase and network are averaged."""
    trust: tuple[float, ...]
    """Weights of `cell_features` in the logit of a density being right."""
    doubt: tuple[float, ...]
    """Weights of `cell_features` in the log of its error."""
    widths: Curve
    """That log, and the half-width of the 95 % interval as a share of the density."""

    def half_width(self, known: Floats) -> Array:
        """Half-widths of the 95 % intervals, as shares of the density, from `cell_features`."""
        knots, widths = self.widths
        half: Array = np.exp(np.interp(known @ np.array(self.doubt), knots, np.log(widths))).astype(np.float32)
        return half

    def shown(self, known: Floats) -> npt.NDArray[np.bool_]:
        """Cells (n,) that are believed in both directions, from their features (n, 2, k)."""
        limit = np.log(SURE / (1 - SURE))
        return np.asarray((known @ np.array(self.trust) >= limit).all(axis=1))

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> MapCalibration:
        """Read what `to_dict` gave; KeyError, TypeError or ValueError if it is something else."""

        def read(value: Any) -> Any:
            return tuple(read(part) for part in value) if isinstance(value, (list, tuple)) else float(value)

        found = cls(**{field.name: read(values[field.name]) for field in fields(cls)})
        check_curve("widths", found.widths)
        if len(found.trust) != len(found.doubt):
            raise ValueError("trust and doubt have other weights than each other")
        return found


def map_calibration(network: ThreadCounter) -> MapCalibration:
    """Give what a network's readings are worth in a map; ModelError if that was never learnt."""
    try:
        return MapCalibration.from_dict(network.folder.calibration["map"])
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ModelError(f"{network.folder.path}: has no calibration for maps. Take the shipped model.") from error


def cell_features(
    reading: Readings,
    evidence: Evidence,
    density: Array,
    tilt: Array,
    *,
    usable: npt.NDArray[np.bool_],
    step_cm: float,
) -> Floats:
    """Give what speaks for the densities of a map, (n, 2, k).

    Parameters
    ----------
    reading, evidence : Readings, Evidence
        From `dl4art.regression.maps.look_everywhere`, n cells row after row.
    density, tilt : (n, 2) arrays
        What would be shown.
    usable : (ny, nx) array of bool
        Cells that may speak for their neighbours.
    step_cm : float
        Distance of cells.
    """
    own = evidence_features(reading, evidence)
    blank = np.broadcast_to(evidence.blank[:, None, None], (*own.shape[:2], 1))
    shape = (*usable.shape, 2)
    about = neighbourhood(
        np.log(density).reshape(shape), tilt.reshape(shape), evidence.quality.reshape(shape), usable, step_cm
    )
    return np.concatenate([own, blank, about.reshape(*own.shape[:2], -1)], axis=-1)


def neighbourhood(
    log_density: Array, tilt: Array, quality: Array, usable: npt.NDArray[np.bool_], step_cm: float
) -> Floats:
    """Tell how the cells of a map agree with those within 1 cm of them, (ny, nx, 2, 3).

    Parameters
    ----------
    log_density, tilt, quality : (ny, nx, 2) arrays
        Of the cells; clearer neighbours count more.
    usable : (ny, nx) array of bool
        Cells that count.
    step_cm : float
        Distance of cells.

    Returns
    -------
    array
        Share of the neighbours that agree; log of the difference from their middle; log of how far the tilt strays from
        theirs, in degrees.
    """
    every = max(1, round(_APART_CM / step_cm))
    steps = [every * step for step in range(-_REACH, _REACH + 1)]
    places = [(down, right) for down in steps for right in steps if down or right]
    weights = usable[..., None] * (quality + 0.05)
    border = [(every * _REACH,) * 2] * 2 + [(0, 0)]
    padded = [np.pad(values, border) for values in (log_density, tilt, weights)]
    found = np.empty((*log_density.shape, 3))
    rows, cols = usable.shape
    band = max(1, _AT_ONCE // cols)
    for start in range(0, rows, band):
        part = slice(start, min(start + band, rows))
        densities, tilts, weight = (_moved(values, part, cols, places) for values in padded)
        alike = np.abs(densities - log_density[part][..., None]) < _ALIKE
        agreeing = ((weight * alike).sum(-1) + 0.5 * _OPEN) / (weight.sum(-1) + _OPEN)
        alone = weight.sum(-1) <= 0
        apart = np.where(alone, 0.0, np.abs(_middle(densities, weight) - log_density[part]))
        turned = np.where(alone, 0.0, np.abs(_middle(tilts, weight) - tilt[part]))
        # what is far off is no worse than what is merely off
        limited = np.log(np.minimum(apart, 0.5) + 0.01), np.log(np.minimum(turned, 10.0) + 0.3)
        found[part] = np.stack([agreeing, *limited], axis=-1)
    return found


def _moved(padded: npt.NDArray[Any], part: slice, cols: int, places: list[tuple[int, int]]) -> Floats:
    """Values of the neighbours of some rows of cells, (rows, cols, 2, len(places)); zero beyond the map."""
    reach = max(down for down, _ in places)
    moved = [
        padded[part.start + reach + down : part.stop + reach + down, reach + right : reach + right + cols]
        for down, right in places
    ]
    return np.stack(moved, axis=-1)


def _middle(values: Floats, weights: Floats) -> Floats:
    """Weighted median along the last axis."""
    order = np.argsort(values, axis=-1)
    summed = np.cumsum(np.take_along_axis(weights, order, axis=-1), axis=-1)
    half = np.argmax(summed >= 0.5 * summed[..., -1:], axis=-1)
    chosen = np.take_along_axis(order, half[..., None], axis=-1)
    found: Floats = np.take_along_axis(values, chosen, axis=-1)[..., 0]
    return found


@dataclass(frozen=True, eq=False)
class ReadMap:
    """What was read all over one plate whose threads are known, n cells row after row."""

    reading: Readings
    evidence: Evidence
    tilt: Array
    usable: npt.NDArray[np.bool_]
    """(ny, nx), cells that are neither unusable nor clipped."""
    step_cm: float
    true_density: Floats
    """(n, 2), NaN where there is no one cloth."""


def fit_map(plates: list[ReadMap]) -> MapCalibration:
    """Calibrate maps on plates that served nothing else."""
    cells = [plate.usable.ravel() for plate in plates]
    truth = np.concatenate([plate.true_density[use] for plate, use in zip(plates, cells, strict=True)])

    def off(trial: MapCalibration) -> Floats:
        density = [combine(plate.reading.density, plate.evidence, trial) for plate in plates]
        found = np.concatenate([part[use] for part, use in zip(density, cells, strict=True)])
        # where there is no cloth, whatever is said is wrong
        error: Floats = np.nan_to_num(np.abs(found / truth - 1), nan=1.0)
        return error

    trials = [
        MapCalibration(share, agreement, (), (), ((), ()))
        for share in (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5)
        for agreement in (0.02, 0.04, 0.06, 0.08)
    ]
    best = min(trials, key=lambda trial: float(np.minimum(off(trial), RIGHT).mean()))
    known = np.concatenate([_known(plate, best)[use] for plate, use in zip(plates, cells, strict=True)])
    error = off(best)
    flat = known.reshape(-1, known.shape[-1])
    fitted = MapCalibration(
        best.spectral_share, best.agreement, fit_logit(flat, error.ravel() <= RIGHT), (0.0,) * flat.shape[1], ((), ())
    )
    shown = fitted.shown(known)
    if not shown.any():  # as after a training that was a mere try
        shown[:] = True
    seen, wrong = known[shown].reshape(-1, known.shape[-1]), error[shown].ravel()
    doubt = fit_doubt(seen, wrong)
    widths = interval_curve(seen @ np.array(doubt), wrong)
    return MapCalibration(fitted.spectral_share, fitted.agreement, fitted.trust, doubt, widths)


def _known(plate: ReadMap, calibration: MapCalibration) -> Floats:
    density = combine(plate.reading.density, plate.evidence, calibration)
    return cell_features(plate.reading, plate.evidence, density, plate.tilt, usable=plate.usable, step_cm=plate.step_cm)
