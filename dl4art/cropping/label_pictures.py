"""Which labels there are in a folder, and which picture each of them belongs to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PureWindowsPath

from dl4art.cropping.plate import PX_PER_CM
from dl4art.cropping.reading import read_plate
from dl4art.cropping.shapes import Drawing
from dl4art.utils.cli import PICTURES
from dl4art.utils.errors import InputError
from dl4art.utils.files import sha256

_ARCHIVES = ("_V.npz", "_H.npz")


def label_stems(files: Sequence[Path]) -> dict[Path, bool]:
    """Crops that have labels, as paths without suffix, and whether these were drawn: a labelme file, not archives."""
    archives = dict.fromkeys(archive_stems(files), False)
    return archives | {path.with_suffix(""): True for path in files if path.suffix.lower() == ".json"}


def archive_stems(files: Sequence[Path]) -> list[Path]:
    """Crops that have an archive or two, as paths without suffix, sorted."""
    return sorted({path.with_name(path.name[: -len("_V.npz")]) for path in files if path.name.endswith(_ARCHIVES)})


class LabelledOnce:
    """Pictures whose labels are known: one that is labelled twice would be learnt from, and tested on, too."""

    def __init__(self) -> None:
        self._labels: dict[str, Path] = {}

    def add(self, labels: Path, picture: Path) -> None:
        """Remember whose labels these are; InputError if the picture, or a copy of it, has others."""
        other = self._labels.setdefault(sha256(picture), labels)
        if other != labels:
            raise InputError(f"{labels}: belongs to the same picture as {other}, or to a copy of it. Keep one of them.")


def find_picture(path: Path, drawing: Drawing, root: Path) -> Path:
    """Crop that a labelme file belongs to.

    Raises
    ------
    InputError
        If the file names a picture outside `root`, or one that is not there, cannot be read or has another size.
    """
    picture = named_picture(path, drawing, root)
    size = read_plate(picture, PX_PER_CM).shape
    if size != drawing.size:
        raise InputError(
            f"{path}: drawn on a picture of {drawing.size[1]} x {drawing.size[0]} px, and {drawing.image} has {size[1]}"
            f" x {size[0]} px: labels of another picture? Draw them on this one."
        )
    return picture


def named_picture(path: Path, drawing: Drawing, root: Path) -> Path:
    """Picture that a labelme file names, whatever is in it.

    Raises
    ------
    InputError
        If the file names none, one outside `root`, one that is not there, or another than that of its name beside it.
    """
    # labelme on Windows writes backslashes
    named = PureWindowsPath(drawing.image)
    if not drawing.image:
        raise InputError(
            f"{path}: field 'imagePath' is missing. Open the picture with labelme and save its labels again."
        )
    picture = path.parent / named.as_posix()
    if named.drive or named.root or not picture.resolve().is_relative_to(root.resolve()):
        raise InputError(
            f"{path}: field 'imagePath' is {drawing.image!r}, outside the folder {root}. Put the labels beside their "
            "picture, or name the folder that holds both."
        )
    if not picture.is_file():
        raise InputError(f"{path}: field 'imagePath' is {drawing.image!r}, and there is no such picture. Put it there.")
    # copied from another crop's labels, or saved under another name
    beside = [place for suffix in PICTURES if (place := path.with_suffix(suffix)).is_file()]
    if beside and not any(place.samefile(picture) for place in beside):
        raise InputError(
            f"{path}: field 'imagePath' is {drawing.image!r}, and {beside[0].name} lies beside it: labels of another "
            f"picture? Draw them on {beside[0].name}, or name the file after its picture."
        )
    return picture
