"""Plates of one's own as data to learn from: which are of one canvas, their crops framed once, and an honest split."""

from __future__ import annotations

import hashlib
from collections import Counter as Counts
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dl4art.cropping.canvases import SPLITS, without_place
from dl4art.cropping.crops import crop_sized
from dl4art.cropping.plate import PX_PER_CM, Plate
from dl4art.cropping.reading import read_plate
from dl4art.regression.count_plate import Counter
from dl4art.regression.counter import WINDOW
from dl4art.siamese.canvas import counted_densities, readable_crops
from dl4art.siamese.canvas_files import CanvasFiles
from dl4art.siamese.frame import thread_frame
from dl4art.siamese.samples import Frames
from dl4art.utils.arrays import load_arrays
from dl4art.utils.errors import InputError, reason
from dl4art.utils.files import atomic_path, make_folder, sha256
from dl4art.utils.shards import read_shard

CROPS = 30
"""Crops of a plate, if it has as many."""
LEAST_CANVASES, LEAST_PAIRED = 6, 3
"""Canvases without which there is no training, and of these those with two plates: two and one for each split."""
_SHARE = 0.15  # of the canvases that go to 'stop', and as many to 'test'


@dataclass(frozen=True)
class OwnPlate:
    """A plate, or the crops that were cut from it."""

    canvas: str
    name: str
    files: tuple[Path, ...]
    sha256: str
    """Of the files; one plate twice has it twice."""


@dataclass(frozen=True, eq=False)
class FramedPlate:
    """A plate's readable crops in the frames of their threads; none, and a message, where there is no such crop."""

    plate: OwnPlate
    frames: tuple[npt.NDArray[np.float16], ...]
    density: npt.NDArray[np.float32]
    """As counted, th/cm, (n, 2)."""
    message: str = ""

    def __len__(self) -> int:
        return len(self.frames)


Split = Mapping[str, Sequence[FramedPlate]]
"""Plates by the names in `SPLITS`."""


Open = Callable[[Path], Plate]
"""Opens a picture, at the scale that it states or that is stated for it."""


def open_own(file: Path) -> Plate:
    """Open a picture of one's own; crops of 300 px may state no scale."""
    return read_plate(file, assume_crop=True)


def own_plates(canvases: Sequence[CanvasFiles], opened: Open = open_own) -> list[OwnPlate]:
    """Tell which files of canvases are plates, and which are crops of one plate.

    A picture with a side of 3 cm or more is a plate. Of smaller ones those whose names differ only in a last number, or
    in the place that `dl4art.crop` writes, are crops of one plate: crops of one plate share its ground, film and
    exposure, and must not be taken for evidence from two.

    Parameters
    ----------
    canvases : sequence of CanvasFiles
        From `dl4art.siamese.canvas_files.collection_files`.
    opened : callable
        Opens a file.

    Returns
    -------
    list of OwnPlate
        Files that cannot be read are plates here; `frame_plates` says what is wrong with them. Copies are left out.
    """
    found, seen = [], set()
    for canvas in canvases:
        grouped: dict[Path, list[Path]] = {}
        for file in canvas.files:
            try:
                crop = crop_sized(opened(file))
            except Exception:  # what is wrong is said when it is framed
                crop = False
            grouped.setdefault(file.with_name(without_place(file.stem)) if crop else file, []).append(file)
        for name, files in grouped.items():
            hashes = {sha256(file) if file.is_file() else str(file): file for file in files}
            digest = " ".join(sorted(hashes))
            if digest not in seen:
                found.append(OwnPlate(canvas.name, str(name), tuple(hashes.values()), digest))
            seen.add(digest)
    return found


def check_enough(plates: Sequence[OwnPlate], where: str | Path, readable: str = "") -> None:
    """Raise InputError, which says what so few canvases can teach, if there is nothing to train and test on.

    Parameters
    ----------
    plates : sequence of OwnPlate
        The plates.
    where : path
        What to call the collection.
    readable : str
        What to call the plates, such as ``"readable "``.
    """
    counts = Counts(plate.canvas for plate in plates)
    paired = sum(number > 1 for number in counts.values())
    if len(counts) < LEAST_CANVASES:
        raise InputError(
            f"{where}: {len(counts)} canvas{'es' * (len(counts) != 1)} with {readable}plates, and {LEAST_CANVASES} are "
            "the least: two each to learn from, to know when to stop and to test on. Fewer can be compared (python -m "
            "dl4art.compare), but what was learnt from them would be these canvases, and nobody could tell. Add "
            "canvases, a folder each."
        )
    if paired < LEAST_PAIRED:
        which = "no canvas has" if not paired else f"only {paired} of {len(counts)} canvases have"
        raise InputError(
            f"{where}: {which} two {readable}plates, and {LEAST_PAIRED} such canvases are the least: one each to learn "
            "from, to know when to stop and to test on. Crops of one plate share ground, film and exposure: pairs of "
            "them would teach the plate, not the cloth. Canvases of one plate each can teach that cloths differ, not "
            "how one cloth looks twice. Add a second radiograph, or another film of the same canvas that does not "
            "overlap, to each folder."
        )


def frame_plates(
    plates: Sequence[OwnPlate],
    folder: str | Path,
    counter: Counter,
    *,
    crops: int = CROPS,
    seed: int = 0,
    opened: Open = open_own,
    advance: Callable[[int], None] = lambda _plates: None,
) -> list[FramedPlate]:
    """Find, count and frame the readable crops of plates, or read what an earlier call has framed.

    Parameters
    ----------
    plates : sequence of OwnPlate
        From `own_plates`.
    folder : path
        Gets a file for each plate as soon as it is done. It is for one counter, number of crops, seed and scale.
    counter : Counter
        Decides what is readable, and measures the densities.
    crops : int
        Of each plate, at most.
    seed : int
        Of the choice of crops.
    opened : callable
        As for `own_plates`.
    advance : callable
        Told how many plates have just been done.

    Returns
    -------
    list of FramedPlate
        One for each plate, those with nothing readable too.
    """
    folder = Path(folder)
    make_folder(folder)
    found = []
    for plate in plates:
        kept = folder / f"{_key(plate)}.npz"
        if not kept.exists():
            _keep(kept, plate, lambda plate: _readable(plate, opened, counter, crops, seed))
        frames = read_shard(Frames, kept)
        message = str(load_arrays(kept, ["message"])["message"])
        found.append(FramedPlate(plate, tuple(frames.each()) if len(frames) else (), frames.density, message))
        advance(1)
    return found


def split_plates(plates: Sequence[FramedPlate], seed: int = 0) -> dict[str, list[FramedPlate]]:
    """Deal out plates to learn from, to know when to stop, and to test on: whole canvases.

    Parameters
    ----------
    plates : sequence of FramedPlate
        Readable ones, of enough canvases (`check_enough`).
    seed : int
        Of the shuffling.

    Returns
    -------
    dict of str to list
        By the names in `SPLITS`: about 70, 15 and 15 % of the canvases, each with two canvases at least, of which one
        has two plates.
    """
    counts = Counts(plate.plate.canvas for plate in plates)
    rng = np.random.default_rng(seed)
    paired, single = (
        [names[place] for place in rng.permutation(len(names))]
        for names in (
            sorted(name for name, number in counts.items() if number > 1),
            sorted(name for name, number in counts.items() if number == 1),
        )
    )
    held = max(1, round(_SHARE * len(paired)))
    alone = round(_SHARE * len(single))
    if held + alone < 2:
        held, alone = (held, 1) if len(single) >= 2 else (2, 0)
    use = dict.fromkeys(counts, SPLITS[0])
    for place, name in enumerate(SPLITS[1:]):
        chosen = paired[place * held : (place + 1) * held] + single[place * alone : (place + 1) * alone]
        use.update(dict.fromkeys(chosen, name))
    return {name: [plate for plate in plates if use[plate.plate.canvas] == name] for name in SPLITS}


def canvas_rows(split: Split) -> list[tuple[str, int, int, str]]:
    """Canvases, how many plates and crops there are of each, and what they serve, sorted by canvas."""
    rows = []
    for name, plates in split.items():
        for canvas in {plate.plate.canvas for plate in plates}:
            own = [plate for plate in plates if plate.plate.canvas == canvas]
            rows.append((canvas, len(own), sum(len(plate) for plate in own), name))
    return sorted(rows)


def _key(plate: OwnPlate) -> str:
    """Name of a plate's file: short, and another one for other pixels."""
    return hashlib.sha256(plate.sha256.encode()).hexdigest()[:20]


Readable = tuple[Sequence[npt.NDArray[Any]], npt.NDArray[np.float32]]
"""Pictures and their densities, (n, 2)."""


def _keep(kept: Path, plate: OwnPlate, readable: Callable[[OwnPlate], Readable]) -> None:
    """Frame the readable crops of a plate into a file."""
    frames: list[npt.NDArray[np.float16]] = []
    message = ""
    try:
        pixels, density = readable(plate)
        frames = [thread_frame(grey, own).astype(np.float16) for grey, own in zip(pixels, density, strict=True)]
    except Exception as error:  # one bad plate is left out, whatever is wrong with it
        message, density = reason(error, plate.files[0]), np.zeros((0, 2), np.float32)
    with atomic_path(kept) as temporary:
        np.savez(
            temporary,
            pixels=np.concatenate([frame.ravel() for frame in frames] or [np.zeros(0, np.float16)]),
            shapes=np.array([frame.shape for frame in frames], np.int32).reshape(-1, 2),
            density=density,
            message=message,
        )


def _readable(plate: OwnPlate, opened: Open, counter: Counter, crops: int, seed: int) -> Readable:
    pictures = [opened(file) for file in plate.files]
    if not crop_sized(pictures[0]):
        found = readable_crops(pictures[0], counter, count=crops, seed=seed)
        return list(found.pixels), found.counted[:, 0].astype(np.float32)
    chosen = np.random.default_rng(seed).permutation(len(pictures))[:crops]
    grey = [pictures[place].sample() for place in chosen]
    grey = [picture for picture in grey if min(picture.shape) >= WINDOW]
    estimates = counter.predict(grey, px_per_cm=PX_PER_CM) if grey else []
    density = np.array([counted_densities(estimate)[0] for estimate in estimates], np.float32).reshape(-1, 2)
    usable = np.flatnonzero(np.isfinite(density).all(axis=1))
    if not len(usable):
        raise InputError(
            f"{plate.files[0]}: no readable crop among {len(pictures)}. Give sharper ones, of 1 cm or more."
        )
    return [grey[place] for place in usable], density[usable]
