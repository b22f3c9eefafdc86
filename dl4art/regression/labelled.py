"""Labelled crops: pictures in which people have drawn the threads, and what is true of them everywhere."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dl4art.cropping.canvases import SPLITS, canvas_of, split_canvases
from dl4art.cropping.label_check import check_inside
from dl4art.cropping.label_pictures import LabelledOnce, find_picture, label_stems
from dl4art.cropping.labels import ThreadLabels, read_labelme, read_masks
from dl4art.cropping.plate import PX_PER_CM, Plate
from dl4art.cropping.reading import read_plate
from dl4art.cropping.shapes import read_drawing
from dl4art.cropping.threads import DIRECTIONS, phase_gradient
from dl4art.simulation.readability import READABLE
from dl4art.utils.errors import InputError, reason
from dl4art.utils.files import sha256

WINDOW = 200
CELL = 4
"""Side in pixels of the cells over which gradients are kept: finer than the threads lie."""
_UNLABELLED = 0.05  # of a crop's rows (columns) may be crossed by no two threads, and then take their neighbours'
_TOLD = 3  # files that an error names


@dataclass(frozen=True, eq=False)
class LabelledCrop:
    """A crop and its threads, at 200 px/cm."""

    name: str
    """Relative to the folder of all crops, without suffix."""
    canvas: str
    grey: npt.NDArray[Any]
    """Grey values in the units of the file, (h, w)."""
    gradient: npt.NDArray[np.float32]
    """Gradient of the thread phase of the vertical and of the horizontal threads, to the right and down, in threads
    per px, means over cells of k px, (2, 2, h / k, w / k). Its length is the density; it is what can be warped along
    with the picture."""
    density: tuple[float, float]
    """Densities of the vertical and the horizontal threads of the whole crop, threads per cm."""
    sha256: str
    """Of the picture's and the labels' files."""
    contrast: tuple[float, float] = (READABLE, READABLE)
    """Contrast-to-noise ratio of both thread systems: what a person could draw can be read."""


def read_labelled(files: Sequence[Path], root: Path) -> list[LabelledCrop]:
    """Read the labelled crops of a folder.

    A crop's labels are a labelme file (``NAME.json``) or archives of masks (``NAME_V.npz`` and ``NAME_H.npz``, the
    picture beside them); where there are both, the labelme file. Pictures without labels are left out.

    Parameters
    ----------
    files : sequence of Path
        All files in the folder.
    root : Path
        The folder. Labels must not name a picture outside it; which canvas a crop is of, its path tells
        (`dl4art.cropping.canvases.canvas_of`).

    Returns
    -------
    list of LabelledCrop
        In the order of their names.

    Raises
    ------
    InputError
        If there are no labels, or some cannot be used, or two are of one picture; the message names these.
    """
    pictures = {path.with_suffix(""): path for path in files if path.suffix.lower() not in (".npz", ".json")}
    crops, problems, once = [], [], LabelledOnce()
    for stem, drawn in sorted(label_stems(files).items()):
        try:
            crops.append(_read(stem, root, None if drawn else pictures.get(stem), once))
        except Exception as error:  # all that is wrong is to be known at once, whatever it is
            where = stem.with_name(f"{stem.name}.json") if drawn else stem
            problems.append(f"{where}: {reason(error, where).rstrip('.')}.")
    if problems:
        more = f" And {len(problems) - _TOLD} more." if len(problems) > _TOLD else ""
        raise InputError(
            f"{' '.join(problems[:_TOLD])}{more} Mend these labels, or take them out of the folder; python -m "
            f"dl4art.label {root} --check lists what is wrong."
        )
    if not crops:
        raise InputError(f"{root}: no labelled crops in this folder. Draw threads with python -m dl4art.label.")
    return crops


def split_crops(crops: Sequence[LabelledCrop], seed: int = 0) -> dict[str, list[LabelledCrop]]:
    """Deal out labelled crops to learn from, to know when to stop, and to test on: whole canvases.

    Parameters
    ----------
    crops : sequence of LabelledCrop
        The crops.
    seed : int
        Of the shuffling; the split is that of ``python -m dl4art.crop --pack`` with the same seed.

    Returns
    -------
    dict of str to list
        By the names in `SPLITS`, none of them empty.

    Raises
    ------
    InputError
        If the crops are of fewer than three canvases.
    """
    counts = Counter(crop.canvas for crop in crops)
    if len(counts) < len(SPLITS):
        which = "one canvas" if len(counts) == 1 else f"{len(counts)} canvases"
        raise InputError(
            f"all {len(crops)} labelled crops are of {which} ({', '.join(sorted(counts))}), so that no honest split is "
            "possible: one canvas to learn from, one to know when to stop and one to test on are the least. If they "
            "are of more, put the crops of each canvas into a folder of its own."
        )
    splits = split_canvases(counts, seed)
    return {name: [crop for crop in crops if splits[crop.canvas] == name] for name in SPLITS}


def canvas_rows(split: Mapping[str, Sequence[LabelledCrop]]) -> list[tuple[str, int, str]]:
    """Canvases, how many crops there are of each, and what they serve, sorted by canvas."""
    counts = Counter((crop.canvas, name) for name, crops in split.items() for crop in crops)
    return [(canvas, number, name) for (canvas, name), number in sorted(counts.items())]


def fingerprint(crops: Sequence[LabelledCrop]) -> str:
    """SHA-256 of what a training sees: names, pictures and labels of all crops."""
    lines = sorted(f"{crop.name} {crop.canvas} {crop.sha256}" for crop in crops)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _read(stem: Path, root: Path, picture: Path | None, once: LabelledOnce) -> LabelledCrop:
    """Read one crop; without its `picture`, labels are a labelme file that names it."""
    if picture is None and not (drawn := stem.with_name(f"{stem.name}.json")).exists():
        raise InputError(f"{stem}: archives of masks without a picture. Put {stem.name}.tif beside them.")
    if picture is None:
        labels, labelled = read_labelme(drawn), [drawn]
        picture = find_picture(drawn, read_drawing(drawn, "labels"), root)
        check_inside(drawn, labels)
    else:
        labels, labelled = read_masks(stem), [stem.with_name(f"{stem.name}{end}") for end in ("_V.npz", "_H.npz")]
    plate = read_plate(picture, assume_crop=True)
    if plate.shape != labels.shape:
        raise InputError(
            f"{picture} has {plate.shape[1]} x {plate.shape[0]} px, and its labels {labels.shape[1]} x "
            f"{labels.shape[0]}: labels of another picture? Draw them on this one."
        )
    grey = plate.sample()
    if min(grey.shape) < WINDOW:
        raise InputError(
            f"{picture}: shows {grey.shape[1] / PX_PER_CM:.2f} x {grey.shape[0] / PX_PER_CM:.2f} cm, and at least 1 x 1"
            " cm is needed. Cut larger crops, or check the scale."
        )
    gradient = _gradient(labels, plate, (grey.shape[0], grey.shape[1]))
    # or one canvas might be learnt from and tested on
    once.add(labelled[0], picture)
    name = stem.relative_to(root)
    digest = hashlib.sha256("".join(sha256(path) for path in (picture, *labelled)).encode()).hexdigest()
    vertical, horizontal = np.hypot(gradient[:, 0], gradient[:, 1]).mean(axis=(1, 2)) * PX_PER_CM
    means = _cell_means(gradient).astype(np.float32)
    return LabelledCrop(name.as_posix(), canvas_of(name), grey, means, (float(vertical), float(horizontal)), digest)


def _cell_means(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Means over cells of `CELL` px, (..., h, w); the last ones of a row or column may be smaller."""
    for axis in (-2, -1):
        starts = np.arange(0, values.shape[axis], CELL)
        count = np.diff(starts, append=values.shape[axis])
        values = np.add.reduceat(values, starts, axis=axis) / (count[:, None] if axis == -2 else count)
    return values


def _gradient(labels: ThreadLabels, plate: Plate, shape: tuple[int, int]) -> npt.NDArray[Any]:
    """Gradients of both thread phases at 200 px/cm, (2, 2, h, w)."""
    scale = np.array([PX_PER_CM / plate.px_per_cm_x, PX_PER_CM / plate.px_per_cm_y])
    found = []
    for axis, direction in enumerate(DIRECTIONS):
        lines = [line * scale for line in getattr(labels, direction)]
        if len(lines) < 2:
            raise InputError(
                f"{len(lines) or 'no'} {direction} thread{'s' * (len(lines) != 1)}, and at least two are needed. Draw "
                "all threads of both directions"
            )
        gradient = phase_gradient(lines, shape, direction=direction)
        # along the threads: rows of vertical ones, columns of horizontal ones
        along = np.moveaxis(gradient, 1 + axis, 0)
        known = np.flatnonzero(np.isfinite(along).all(axis=(1, 2)))
        if len(known) < (1 - _UNLABELLED) * len(along):
            raise InputError(
                f"the {direction} threads are not drawn all over the crop: {1 - len(known) / len(along):.0%} of it is "
                "crossed by no two of them. Draw them all"
            )
        nearest = known[np.abs(np.arange(len(along))[:, None] - known).argmin(axis=1)]
        found.append(np.moveaxis(along[nearest], 0, 1 + axis))
    return np.stack(found)
