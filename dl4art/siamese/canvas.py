"""The crops that speak for a canvas: on usable ground, side by side, and readable to the thread counter."""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dl4art.cropping.crops import CROP_CM, crop_positions, iterate_crops
from dl4art.cropping.plate import PX_PER_CM, Plate
from dl4art.regression.count_plate import Counter
from dl4art.regression.estimate import ThreadEstimate
from dl4art.regression.spectral import spectral_peaks
from dl4art.siamese.calibration import Densities
from dl4art.utils.errors import InputError

CROPS = 30
"""Crops of a canvas, if nothing else is asked for."""
FEWEST = 4
"""Fewer say too little, and cannot be halved for the control."""
_PATIENCE = 12  # times as many crops as are wanted are looked at, at most
_BATCH = 16
_POSSIBLE = (3.0, 40.0)  # densities of cloth, th/cm, with room


@dataclass(frozen=True, eq=False)
class CanvasCrops:
    """Readable crops of one plate that do not overlap, in random order.

    Attributes
    ----------
    pixels : array (n, 300, 300), float32
        Grey values at 200 px/cm.
    positions_cm : array (n, 2)
        Upper-left corners, x and y.
    counted : array (n, 2, 2)
        Of each its `counted_densities`.
    looked_at : int
        How many crops were counted to find them.
    remarks : tuple of str
        What the counter remarked on.
    """

    pixels: npt.NDArray[np.float32]
    positions_cm: npt.NDArray[np.float64]
    counted: npt.NDArray[np.float64]
    looked_at: int
    remarks: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def densities(self) -> Densities:
        """Of all crops together."""
        return Densities.of(self.counted[:, 0], self.counted[:, 1])


def readable_crops(
    plate: Plate,
    counter: Counter,
    *,
    count: int = CROPS,
    seed: int = 0,
    advance: Callable[[int], None] = lambda _crops: None,
) -> CanvasCrops:
    """Cut readable crops of 1.5 cm out of a plate.

    They are taken from a grid, in random order, until there are enough; the plate is never in memory as a whole.

    Parameters
    ----------
    plate : Plate
        The plate.
    counter : Counter
        Decides what is readable, and measures the densities.
    count : int
        How many crops are wanted, at least `FEWEST`; fewer come back where the plate has fewer.
    seed : int
        Of the random order.
    advance : callable
        Told how many crops have just been found.

    Raises
    ------
    InputError
        If fewer than `FEWEST` crops are readable, the plate is too small, or it cannot be read.
    """
    if count < FEWEST:
        raise InputError(f"{count} crops of a canvas are too few to compare it. Ask for at least {FEWEST}.")
    places = np.random.default_rng(seed).permutation(crop_positions(plate))
    found: list[tuple[npt.NDArray[np.float64], npt.NDArray[np.float32], ThreadEstimate]] = []
    skipped: list[ThreadEstimate] = []
    looked_at = 0
    for start in range(0, min(len(places), _PATIENCE * count), _BATCH):
        batch = places[start : start + _BATCH]
        pictures = _cut(plate, batch)
        estimates = counter.predict(pictures, px_per_cm=PX_PER_CM)
        before, looked_at = len(found), looked_at + len(batch)
        for place, picture, estimate in zip(batch, pictures, estimates, strict=True):
            if estimate.status != "ok":
                skipped.append(estimate)
            elif len(found) < count:
                found.append((place, picture, estimate))
        advance(len(found) - before)
        if len(found) == count:
            break
    if len(found) < FEWEST:
        raise InputError(_too_few(plate, len(found), looked_at, skipped))
    positions, pixels, used = zip(*found, strict=True)
    counted = np.array([counted_densities(estimate) for estimate in used])
    remarks = _remarks(used, skipped, wanted=count)
    return CanvasCrops(np.stack(pixels), np.stack(positions), counted, looked_at, remarks)


def counted_densities(estimate: ThreadEstimate) -> npt.NDArray[np.float64]:
    """Vertical and horizontal density of one crop, and below them the half-widths of their intervals; NaN for none."""
    e = estimate
    table = np.array(
        [
            (e.vertical_per_cm, e.horizontal_per_cm),
            (e.vertical_low, e.horizontal_low),
            (e.vertical_high, e.horizontal_high),
        ],
        np.float64,
    )
    # a counter without intervals states no doubt
    return np.stack([table[0], np.nan_to_num((table[2] - table[1]) / 2)])


def asked_densities(
    counter: Counter, pictures: Sequence[npt.NDArray[Any]]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Ask a counter for the densities of crops at 200 px/cm.

    Returns
    -------
    counted : (n, 2, 2) array
        `counted_densities` of each.
    guessed : (n, 2, 2) array
        Densities by which they can be looked at, th/cm: a first guess and a second. Both are the estimate, where the
        counter gives one. Where it does not, they are what it thinks likeliest and next likeliest; of a counter that
        makes one guess the second is the spectrum's, of one that makes none both are.
    """
    estimates = counter.predict(pictures, px_per_cm=PX_PER_CM)
    counted = np.array([counted_densities(estimate) for estimate in estimates]).reshape(-1, 2, 2)
    guessed = np.stack([counted[:, 0], counted[:, 0]], axis=1)
    refused = np.flatnonzero(np.isnan(counted[:, 0]).any(axis=1)).tolist()
    if refused:
        hidden = [pictures[index] for index in refused]
        if guesses := getattr(counter, "guesses", None):
            both = guesses(hidden)
        else:
            both = getattr(counter, "presume", spectral_densities)(hidden), spectral_densities(hidden)
        guessed[refused] = np.stack(both, axis=1)
    return counted, guessed


def spectral_densities(pictures: Sequence[npt.NDArray[Any]]) -> npt.NDArray[np.float64]:
    """Densities of crops by their spectrum alone, (n, 2), th/cm; 12 where nothing stands out of it."""
    peaks = [spectral_peaks(picture, PX_PER_CM, reading="phase") for picture in pictures]
    found = np.array([(vertical.density, horizontal.density) for vertical, horizontal in peaks]).reshape(-1, 2)
    # a phase that ran away ends anywhere
    with np.errstate(invalid="ignore"):
        return np.where((found > _POSSIBLE[0]) & (found < _POSSIBLE[1]), found, 12.0)


def _cut(plate: Plate, places: npt.NDArray[np.float64]) -> list[npt.NDArray[np.float32]]:
    """Cut crops from top to bottom, so that no strip of a file is decoded more often than need be."""
    order = np.lexsort((places[:, 0], places[:, 1]))
    pictures: list[Any] = [None] * len(places)
    for index, picture in zip(order, iterate_crops(plate, places[order]), strict=True):
        pictures[index] = picture
    return pictures


def _too_few(plate: Plate, found: int, looked_at: int, skipped: Sequence[ThreadEstimate]) -> str:
    readable = "no readable crop" if not found else f"only {found} readable crop{'s' if found > 1 else ''}"
    return (
        f"{plate.path}: {readable} of {CROP_CM:g} cm among {looked_at} looked at, and at least {FEWEST} are needed"
        f"{_reasons(skipped)}. Give a larger part of the canvas, or a sharper scan of it."
    )


def _remarks(used: Sequence[ThreadEstimate], skipped: Sequence[ThreadEstimate], wanted: int) -> tuple[str, ...]:
    said = Counts(estimate.message for estimate in used if estimate.message)
    remarks = [f"in {times} of {len(used)} crops: {message}" for message, times in said.most_common(3)]
    if len(used) < wanted:
        remarks.insert(0, f"{len(used)} crops used where {wanted} were asked for: there are no more readable ones")
    if len(skipped) > len(used):
        remarks.append(f"{len(skipped)} of {len(skipped) + len(used)} crops were left out{_reasons(skipped)}")
    return tuple(remarks)


def _reasons(skipped: Sequence[ThreadEstimate]) -> str:
    said = Counts(estimate.message for estimate in skipped if estimate.message)
    return "".join(f"; {times}: {message}" for message, times in said.most_common(3))
