"""Crops of plates that nobody has labelled, to learn from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dl4art.cropping.crops import crop_positions, crop_sized, iterate_crops
from dl4art.cropping.plate import Plate
from dl4art.cropping.reading import read_plate
from dl4art.regression.counter import WINDOW
from dl4art.utils.errors import InputError, reason
from dl4art.utils.files import sha256

MOST = 600
"""Crops of all plates together, at most: more are not needed, and all are in memory."""
_OF_A_PLATE = (4, 60)  # at least and at most, as MOST allows
_HELD = 0.25  # share of crops by which it is judged whether learning helped


@dataclass(frozen=True, eq=False)
class UnlabelledCrop:
    """A crop at 200 px/cm."""

    name: str
    """Of its file, with its number there."""
    grey: npt.NDArray[Any]
    sha256: str
    """Of its file."""


@dataclass(frozen=True, eq=False)
class Unlabelled:
    """All crops that were found, and what was left out."""

    crops: tuple[UnlabelledCrop, ...]
    left_out: tuple[tuple[str, str], ...]
    """Names of files, and why."""

    @property
    def files(self) -> int:
        """Files that crops are from."""
        return len({crop.sha256 for crop in self.crops})

    def split(self, seed: int = 0) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Numbers of the crops to learn from, and of those by which it is judged whether that helped.

        Both are of all plates: what is learnt is for the canvas at hand, and says nothing of another.
        """
        order = np.random.default_rng(seed).permutation(len(self.crops))
        held = max(1, round(_HELD * len(order)))
        return np.sort(order[held:]), np.sort(order[:held])


def fingerprint(crops: Sequence[UnlabelledCrop]) -> str:
    """SHA-256 of what is learnt from."""
    return hashlib.sha256("\n".join(f"{crop.name} {crop.sha256}" for crop in crops).encode()).hexdigest()


def open_unlabelled(file: Path) -> Plate:
    """Open a plate or a crop; a crop of 300 px may state no scale."""
    return read_plate(file, assume_crop=True)


def read_unlabelled(
    files: Sequence[Path], opened: Callable[[Path], Plate] = open_unlabelled, *, seed: int = 0
) -> Unlabelled:
    """Cut crops of 1.5 cm at random places out of plates; a picture with no side of 3 cm is taken as it is.

    Parameters
    ----------
    files : sequence of Path
        Plates and crops; a copy counts once.
    opened : callable
        Opens a file.
    seed : int
        Of the places.

    Raises
    ------
    InputError
        If there is no crop in any of them.
    """
    least, most = _OF_A_PLATE
    count = min(most, max(least, MOST // max(1, len(files))))
    crops: list[UnlabelledCrop] = []
    left_out = []
    seen = set()
    for file in files:
        try:
            digest = sha256(file)
            if digest not in seen:
                pictures = _cut(opened(file), count, seed)
                crops += [UnlabelledCrop(f"{file.name} {n}", grey, digest) for n, grey in enumerate(pictures)]
            seen.add(digest)
        except Exception as error:  # one bad file is left out, whatever is wrong with it
            left_out.append((str(file), reason(error, file)))
    if not crops:
        what = "; ".join(f"{name}: {why}" for name, why in left_out[:3])
        raise InputError(f"no crop could be read of {len(files)} files. {what}")
    return Unlabelled(tuple(crops), tuple(left_out))


def _cut(plate: Plate, count: int, seed: int) -> list[npt.NDArray[Any]]:
    if not crop_sized(plate):
        return list(iterate_crops(plate, crop_positions(plate, count=count, seed=seed)))
    grey = plate.sample()
    if min(grey.shape) < WINDOW:
        width, height = plate.size_cm
        raise InputError(
            f"{plate.path}: {width:.2f} x {height:.2f} cm are smaller than a window of 1 cm. Give a larger crop, or "
            "check the scale."
        )
    return [grey]
