"""Labelled photographs: a folder in which people have drawn cracks and losses, and its split by picture."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import PngImagePlugin

from dl4art.craquelure.labels import read_damage
from dl4art.craquelure.metrics import Labels, check_labels
from dl4art.cropping.label_pictures import named_picture
from dl4art.cropping.photographs import read_photograph
from dl4art.cropping.shapes import read_drawing
from dl4art.utils.errors import InputError, reason
from dl4art.utils.files import check_unchanged, file_state, sha256
from dl4art.utils.limits import WHOLE, check_memory

MASK = "_mask"
"""Names of mask pictures end so, before their suffix."""
HELD = 0.1
"""Share of the pictures that is held out."""
_SUMMARY = "summary.json"  # beside a damage.json: numbers, no labels
_TOLD = 3  # faults that an error names
_BYTES = 4  # a pixel with its class


@dataclass(frozen=True, eq=False)
class LabelledPhotograph:
    """A photograph and the classes of its pixels."""

    name: str
    """Relative to the folder of all."""
    picture: npt.NDArray[np.uint8]
    """(h, w, 3)"""
    mask: npt.NDArray[np.uint8]
    """Numbers of `dl4art.simulation.paintings.CLASSES`, (h, w)."""
    sha256: str
    """Of the file of the photograph and that of its labels."""


@dataclass(frozen=True, eq=False)
class OwnPictures:
    """What a folder of labelled photographs holds."""

    found: tuple[LabelledPhotograph, ...]
    """In the order of their names."""
    left_out: tuple[tuple[str, str], ...]
    """Photographs that cannot be read, and why."""
    unlabelled: int
    """Pictures that no labels belong to."""


def read_own(files: Sequence[Path], root: Path) -> OwnPictures:
    """Read the labelled photographs of a folder.

    Labels are a labelme file (``NAME.json`` beside ``NAME.jpg``, or any that names its picture, such as the
    ``damage.json`` of ``python -m dl4art.segment``), or a picture ``NAME_mask.png`` of the photograph's size whose
    pixels are the numbers of the classes. A photograph that is damaged is left out, and said so.

    Parameters
    ----------
    files : sequence of Path
        All pictures and JSON files in the folder.
    root : Path
        The folder. Labels must not name a picture outside it.

    Raises
    ------
    InputError
        If labels cannot be used (the message names them), or there are fewer than two photographs with labels.
    """
    found: list[LabelledPhotograph] = []
    left_out, faults = [], []
    labels: dict[Path, Path] = {}
    seen: dict[str, str] = {}
    for drawn in sorted(_labels(files)):
        try:
            path = _picture_of(drawn, files, root)
            if (other := labels.setdefault(path.resolve(), drawn)) != drawn:
                raise InputError(f"{drawn}: labels {path.name}, and so does {other}. Leave one of them there.")
            states = {file: file_state(file) for file in (path, drawn)}
            try:
                picture = _colours(path)
            except Exception as error:  # one bad photograph is left out, whatever is wrong with it
                left_out.append((_name(path, root), reason(error, path)))
                continue
            mask = _mask(drawn, (picture.shape[0], picture.shape[1]))
            name, bytes_ = _name(path, root), sha256(path)
            if (twin := seen.setdefault(bytes_, name)) != name:
                raise InputError(
                    f"{path}: is the same photograph as {twin}, and may end up on both sides of the split. Take one of "
                    "them away."
                )
            digest = hashlib.sha256(f"{bytes_}{sha256(drawn)}".encode()).hexdigest()
            # its hash is to be that of what was read
            for file, state in states.items():
                check_unchanged(file, state)
            found.append(LabelledPhotograph(name, picture, mask, digest))
        except Exception as error:  # all that is wrong is to be known at once
            faults.append(f"{drawn}: {reason(error, drawn).rstrip('.')}.")
    if faults:
        more = f" And {len(faults) - _TOLD} more." if len(faults) > _TOLD else ""
        raise InputError(f"{' '.join(faults[:_TOLD])}{more} Mend these labels, or take them out of the folder.")
    if len(found) < 2:
        which = "only one photograph" if found else "no photograph"
        lost = f" ({len(left_out)} cannot be read: {left_out[0][0]}: {left_out[0][1]})" if left_out else ""
        raise InputError(
            f"{root}: {which} with labels{lost}. At least two are needed, one to learn from and one to be held out; "
            "label them with labelme (craquelure as line strips or polygons, loss as polygons), or correct what python "
            "-m dl4art.segment has written."
        )
    known = {*labels, *(drawn.resolve() for drawn in labels.values())}
    # overlay and classes that lie beside a damage.json are results
    without = [path for path in _pictures(files) if path.resolve() not in known]
    unlabelled = sum(not (path.parent / "damage.json").exists() for path in without)
    found.sort(key=lambda photograph: photograph.name)
    return OwnPictures(tuple(found), tuple(left_out), unlabelled)


def split_pictures(found: Sequence[LabelledPhotograph], seed: int = 1) -> dict[str, list[LabelledPhotograph]]:
    """Deal out photographs to learn from (``train``) and to hold out (``held``), nine to one and each at least one."""
    count = max(1, round(HELD * len(found)))
    held = set(np.random.default_rng(seed).permutation(len(found))[:count].tolist())
    return {
        "train": [photograph for place, photograph in enumerate(found) if place not in held],
        "held": [found[place] for place in sorted(held)],
    }


def picture_rows(split: dict[str, list[LabelledPhotograph]]) -> list[tuple[str, str, str]]:
    """Names, sizes and use of all photographs, sorted by name."""
    words = {"train": "learning", "held": "held out"}
    return sorted(
        (item.name, f"{item.mask.shape[1]} x {item.mask.shape[0]}", words[use])
        for use, items in split.items()
        for item in items
    )


def fingerprint(found: Sequence[LabelledPhotograph]) -> str:
    """SHA-256 of what a training sees: names, photographs and labels."""
    lines = sorted(f"{item.name} {item.sha256}" for item in found)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def slices(
    found: Sequence[LabelledPhotograph], side_px: int, margin_px: int = 0
) -> tuple[list[npt.NDArray[np.uint8]], list[npt.NDArray[np.uint8]]]:
    """Cut photographs and their masks into squares that cover them, as even as can be; no pixel is copied.

    Parameters
    ----------
    found : sequence of LabelledPhotograph
        The photographs.
    side_px : int
        Side of a square; what is smaller stays as small, for `dl4art.craquelure.augment.cut_window` to mirror.
    margin_px : int
        By how much squares reach farther on all sides where there is something, for windows to be shifted in them.
    """
    pictures, masks = [], []
    for item in found:
        height, width = item.mask.shape
        for top in _starts(height, side_px):
            for left in _starts(width, side_px):
                place = tuple(slice(max(0, start - margin_px), start + side_px + margin_px) for start in (top, left))
                pictures.append(item.picture[place])
                masks.append(item.mask[place])
    return pictures, masks


def _starts(length: int, side: int) -> list[int]:
    count = -(-length // side)
    starts: list[int] = np.linspace(0, max(0, length - side), count).astype(int).tolist()
    return starts


def _name(path: Path, root: Path) -> str:
    return Path(os.path.relpath(path, root)).as_posix()


def _labels(files: Sequence[Path]) -> Iterator[Path]:
    for path in files:
        if path.suffix.lower() == ".json":
            if not (path.name == _SUMMARY and path.with_name("damage.json") in files):
                yield path
        elif path.stem.endswith(MASK) and path.suffix.lower() == ".png":
            yield path


def _pictures(files: Sequence[Path]) -> list[Path]:
    return [path for path in files if path.suffix.lower() != ".json" and not path.stem.endswith(MASK)]


def _picture_of(drawn: Path, files: Sequence[Path], root: Path) -> Path:
    """Photograph that labels belong to: that of their name, else the one that they name."""
    is_mask = drawn.suffix.lower() != ".json"
    stem = drawn.stem.removesuffix(MASK) if is_mask else drawn.stem
    beside = [path for path in _pictures(files) if path.stem == stem and path.parent == drawn.parent]
    if len(beside) == 1:
        return beside[0]
    if is_mask:
        what = f"{len(beside)} photographs are" if beside else "no photograph is"
        raise InputError(f"{drawn}: {what} called {stem} beside it. Put the one that it is the mask of there.")
    return named_picture(drawn, read_drawing(drawn, "labels"), root)


def _colours(path: Path) -> npt.NDArray[np.uint8]:
    """Read a photograph whole."""
    photograph = read_photograph(path)
    height, width = photograph.shape
    WHOLE.check(path, height * width, "a photograph to learn from, which is read whole,", "Cut out parts of it.")
    check_memory(path, _BYTES * height * width)
    return np.ascontiguousarray(photograph.read(0, height, 0, width))


def _mask(drawn: Path, shape: tuple[int, int]) -> npt.NDArray[np.uint8]:
    if drawn.suffix.lower() == ".json":
        return read_damage(drawn, shape=shape)
    mask: Labels = check_labels(_numbers(drawn), str(drawn), shape=shape)
    return mask.astype(np.uint8, copy=False)


def _numbers(path: Path) -> npt.NDArray[Any]:
    """Read the numbers that a mask picture stores; those of a palette, not its colours."""
    try:
        # not by Image.open, whose limit of size is not ours
        with PngImagePlugin.PngImageFile(path) as image:
            WHOLE.check(path, image.width * image.height, "a mask, decoded whole,")
            if image.mode not in {"1", "L", "P", "I", "I;16"}:
                raise InputError(
                    f"{path}: a picture in colour ({image.mode}). Save the numbers of the classes, 0 background, 1 "
                    "craquelure, 2 loss, in one channel."
                )
            return np.array(image)
    except InputError:
        raise
    except Exception as error:  # Pillow fails in many ways over damaged bytes
        raise InputError(f"{path}: cannot be read as a picture ({error}). Save the mask again as PNG.") from error
