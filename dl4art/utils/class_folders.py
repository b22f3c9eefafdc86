"""Pictures in a folder for each class: which there are, what belongs together, and what is wrong with them.

::

    folder/CLASS/picture.jpg                a picture; NAME_1.jpg and NAME_2.jpg belong together
    folder/CLASS/GROUP/picture.jpg          pictures that belong together, such as views of one painting
    folder/train/CLASS/..., test/CLASS/...  what to learn from and what to test on, chosen already
    folder/groups.csv                       file,group: which pictures belong together, where names do not say it

What a picture is, and how it is read, the caller knows.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dl4art.utils.cli import gather
from dl4art.utils.errors import Dl4artError, InputError, reason
from dl4art.utils.files import State, check_unchanged, file_state
from dl4art.utils.limits import read_text

PHOTOGRAPHS = (".tif", ".tiff", ".png", ".jpg", ".jpeg")
"""Suffixes of the pictures that are looked for in a folder."""
GROUPS = "groups.csv"
COLUMNS = ("file", "group")
Grouping = Literal["name", "picture"]
"""What belongs together where neither a folder nor `GROUPS` says it: equal names before the last number, or nothing."""
SPLITS = ("train", "test")
_NUMBER = re.compile(r"[_-]\d+$")


@dataclass(frozen=True)
class ClassedPicture:
    """A picture and its class.

    Attributes
    ----------
    path : Path
        The file.
    label : str
        Its class.
    group : str
        What it belongs to; the name of its class is part of it.
    split : str
        ``train`` or ``test`` where the folder says it; else empty.
    sha256 : str
        Of what it shows.
    state : tuple of (int, int) or None
        Of the file, before that was read, for `check_pictures`; None if it is of no interest.
    """

    path: Path
    label: str
    group: str
    split: str
    sha256: str
    state: State | None = None


@dataclass(frozen=True)
class ClassFolders:
    """What was found in a folder of classes.

    Attributes
    ----------
    folder : Path
        The folder.
    classes : tuple of str
        In alphabetical order.
    pictures : tuple of ClassedPicture
        Class by class, names in order, numbers in them as numbers.
    left_out : tuple of (Path, str)
        Files that are not used, and why.
    """

    folder: Path
    classes: tuple[str, ...]
    pictures: tuple[ClassedPicture, ...]
    left_out: tuple[tuple[Path, str], ...]

    @property
    def labels(self) -> list[int]:
        """Number of the class of each picture."""
        return [self.classes.index(picture.label) for picture in self.pictures]

    @property
    def groups(self) -> list[str]:
        """Group of each picture."""
        return [picture.group for picture in self.pictures]

    def rows(self) -> list[tuple[str, str, str]]:
        """Name, number of pictures and number of groups of each class, as text."""
        pictures = Counter(picture.label for picture in self.pictures)
        groups = Counter(label for label, _ in {(picture.label, picture.group) for picture in self.pictures})
        return [(name, str(pictures[name]), str(groups[name])) for name in self.classes]


def read_class_folders(
    folder: str | Path,
    fingerprint: Callable[[Path], str],
    *,
    grouping: Grouping = "name",
    leave: Sequence[Path] = (),
    advance: Callable[[int], None] = lambda _: None,
) -> ClassFolders:
    """List the pictures of a folder with a folder for each class.

    Parameters
    ----------
    folder : path
        See the module.
    fingerprint : callable
        Reads a picture to its end and gives a text that is equal for two files that show the same; raises an error if
        the file is damaged.
    grouping : {'name', 'picture'}
        What belongs together where neither a folder nor ``groups.csv`` says it.
    leave : sequence of Path
        Folders in it that are not looked into, such as that of the results.
    advance : callable
        Called with 1 after each picture.

    Returns
    -------
    ClassFolders

    Raises
    ------
    InputError
        If there are fewer than two classes, a class has fewer than two pictures, the same picture is in two classes or
        in both ``train`` and ``test``, or ``groups.csv`` cannot be right.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder. Give the folder that has a folder for each class.")
    left = {path.resolve() for path in leave}
    files = [file for file in _files(folder, left) if not left & {*file[2].resolve().parents}]
    listed = _listed_groups(folder)
    pictures: list[ClassedPicture] = []
    left_out = [(path, "lies in no folder of a class") for path in _loose(folder)]
    seen: dict[str, ClassedPicture] = {}
    for split, label, path in files:
        state = file_state(path)
        try:
            content = fingerprint(path)
        except (Dl4artError, OSError) as error:
            left_out.append((path, reason(error, path)))
            continue
        finally:
            advance(1)
        place = path.relative_to(folder)
        group = _group(place, label, bool(split), listed, grouping)
        picture = ClassedPicture(path, label, group, split, content, state)
        if (twin := seen.setdefault(content, picture)) is picture:
            pictures.append(picture)
        else:
            _check_twins(twin, picture)
            left_out.append((path, f"shows the same as {twin.path}"))
    classes = tuple(sorted({label for _, label, _ in files}))
    found = ClassFolders(folder, classes, tuple(pictures), tuple(left_out))
    _check_classes(found)
    _check_splits(found, grouping)
    return found


def check_pictures(found: ClassFolders) -> None:
    """Raise InputError if a picture is another than when the folder was read: what is learnt must be what was split."""
    for picture in found.pictures:
        if picture.state is not None:
            check_unchanged(picture.path, picture.state)


def natural_order(name: str | Path) -> list[tuple[int, str]]:
    """Key that sorts names by the numbers in them: ``a2`` before ``a10``."""
    parts = re.split(r"(\d+)", str(name).casefold())
    return [(int(part), "") if place % 2 else (0, part) for place, part in enumerate(parts)]


def _folders(folder: Path, left: set[Path]) -> list[Path]:
    found = (path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    return sorted(path for path in found if path.resolve() not in left)


def _files(folder: Path, left: set[Path]) -> Iterator[tuple[str, str, Path]]:
    """Split, class and path of each picture."""
    inside = _folders(folder, left)
    split = {path.name.lower() for path in inside} == {*SPLITS}
    tops = [(path.name.lower(), path) for path in reversed(inside)] if split else [("", folder)]
    for name, top in tops:
        for place in _folders(top, left):
            try:
                files = gather([place], PHOTOGRAPHS)
            except InputError as error:
                raise InputError(
                    f"{error}. Each folder stands for a class: put pictures into it, or take it away."
                ) from None
            # as file systems differ in how they write accents
            label = unicodedata.normalize("NFC", place.name)
            yield from ((name, label, path) for path in sorted(files, key=natural_order))


def _loose(folder: Path) -> list[Path]:
    return sorted(
        path
        for path in folder.iterdir()
        if path.is_file() and path.suffix.lower() in PHOTOGRAPHS and not path.name.startswith(".")
    )


def _listed_groups(folder: Path) -> dict[Path, str]:
    """Read which group each file belongs to, relative to the folder, from its table; empty if there is none."""
    table = folder / GROUPS
    if not table.exists():
        return {}
    try:
        text = read_text(table, "utf-8-sig")
        # where the comma is the decimal sign, spreadsheets write semicolons
        separator = max(",;\t", key=text.partition("\n")[0].count)
        rows = csv.DictReader(text.splitlines(), delimiter=separator)
        lines = list(rows)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{table}: cannot be read as a table in UTF-8 ({error}).") from error
    if missing := {*COLUMNS} - {*(rows.fieldnames or ())}:
        raise InputError(
            f"{table}: has no column {' and no column '.join(sorted(missing))}. A line for each picture is needed, "
            f"with the header {','.join(COLUMNS)}."
        )
    groups: dict[Path, str] = {}
    for number, row in enumerate(lines, start=2):
        name, group = ((row[column] or "").strip() for column in COLUMNS)
        if not (name and group):
            raise InputError(f"{table}: line {number} has no {'group' if name else 'file'}. Give it one, or delete it.")
        if not _is_file(folder / name):
            raise InputError(
                f"{table}: line {number} names {name}, which is not in {folder}. Correct it, or delete it."
            )
        groups[Path(name)] = group
    return groups


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # no name that a file can have
        return False


def _group(place: Path, label: str, split: bool, listed: dict[Path, str], grouping: Grouping) -> str:
    if place in listed:
        return f"{label}/{listed[place]}"
    inner = Path(*place.parts[1 + split :])
    if inner.parent != Path("."):
        return f"{label}/{inner.parent.as_posix()}"
    return f"{label}/{(_NUMBER.sub('', inner.stem) or inner.stem) if grouping == 'name' else inner.name}"


def _check_twins(one: ClassedPicture, other: ClassedPicture) -> None:
    """Refuse a picture that would be learnt as two things, or learnt and tested on."""
    for what, first, second in (("class", one.label, other.label), ("part", one.split, other.split)):
        if first != second:
            raise InputError(
                f"{other.path}: shows the same as {one.path}, and a picture can be in one {what} only ({first} or "
                f"{second}). Delete one of them."
            )


def _check_classes(found: ClassFolders) -> None:
    if not found.classes:
        raise InputError(f"{found.folder}: has no folder of a class. Make one for each class, with its pictures in it.")
    for split in {picture.split for picture in found.pictures} or {""}:
        part = found.folder / split
        count = Counter(picture.label for picture in found.pictures if picture.split == split)
        least = 1 if split == "test" else 2
        for name in found.classes:
            if count[name] < least:
                raise InputError(
                    f"{part / name}: {count[name]} picture{'s' if count[name] != 1 else ''} to use in class {name}"
                    f"{_lost(found, part, name)}, and at least {least} are needed. Add pictures, or take the class "
                    "away."
                )
    if len(found.classes) == 1:
        raise InputError(
            f"{found.folder}: only one class ({found.classes[0]}), and there is nothing to tell it from. Add a folder "
            "for each other class."
        )


def _lost(found: ClassFolders, part: Path, name: str) -> str:
    """Say how many files of a class were left out, and what is wrong with the first."""
    lost = [
        (path, why)
        for path, why in found.left_out
        if part in path.parents and unicodedata.normalize("NFC", path.relative_to(part).parts[0]) == name
    ]
    if not lost:
        return ""
    (path, why), count = lost[0], len(lost)
    files = f"{count} files were left out, the first," if count > 1 else "one file was left out,"
    return f" ({files} {path.name}: {why.removesuffix('.')})"


def _check_splits(found: ClassFolders, grouping: Grouping) -> None:
    parts = [{p.group for p in found.pictures if p.split == split} for split in SPLITS]
    if both := sorted(parts[0] & parts[1]):
        by_name = grouping == "name"
        names, apart = (", as equal names before the last number say", ", or add --apart") if by_name else ("", "")
        raise InputError(
            f"{found.folder}: {both[0]} is in both train and test ({len(both)} such in all{names}), and what is learnt "
            f"from pictures that belong together cannot be tested on them. Move them, or give them names of their "
            f"own{apart}."
        )
