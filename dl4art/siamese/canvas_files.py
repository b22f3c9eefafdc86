"""Which files show which canvas: a folder with a file or a folder for each, or a table that says it.

Nothing heavy is imported here: a wrong collection must be told at once.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dl4art.utils.cli import PICTURES, gather
from dl4art.utils.errors import InputError
from dl4art.utils.limits import read_text

COLUMNS = ("canvas", "file")
"""Of a table that groups plates to canvases."""


@dataclass(frozen=True)
class CanvasFiles:
    """A canvas and the files of its plates."""

    name: str
    files: tuple[Path, ...]


def collection_files(source: str | Path, leave: Sequence[Path] = (), *, least: int = 2) -> list[CanvasFiles]:
    """List the canvases of a collection by name.

    Parameters
    ----------
    source : path
        A folder, in which each picture is a canvas and each folder with pictures in it is one of several plates; or a
        CSV file with the columns `canvas` and `file`, files relative to it.
    leave : sequence of Path
        Folders in it that are not looked into, such as that of the results.
    least : int
        Canvases to compare: two. Zero leaves it to the caller what so few are good for.

    Raises
    ------
    InputError
        If it is neither, or has fewer canvases.
    """
    source = Path(source)
    found = _in_folder(source, leave) if source.is_dir() else _in_table(source)
    if len(found) < least:
        only = f"only one canvas ({found[0].name})" if found else "no canvas"
        raise InputError(
            f"{source}: {only} in this collection, and two are needed. Give each canvas a file or a folder of its own; "
            "a single one is compared with a catalogue by --against."
        )
    return sorted(found, key=lambda canvas: canvas.name)


def _in_folder(folder: Path, leave: Sequence[Path]) -> list[CanvasFiles]:
    left = {path.resolve() for path in leave}
    inside = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".") and path.resolve() not in left]
    # the shorter name where it is one canvas's alone
    stems = [path.name if path.is_dir() else path.stem for path in inside if _shows(path)]
    return [
        CanvasFiles(path.stem if path.is_file() and stems.count(path.stem) == 1 else path.name, tuple(gather([path])))
        for path in inside
        if _shows(path)
    ]


def _shows(path: Path) -> bool:
    if path.is_file():
        return path.suffix.lower() in PICTURES
    try:
        return bool(gather([path]))
    except InputError:  # a folder without pictures
        return False


def _in_table(table: Path) -> list[CanvasFiles]:
    try:
        text = read_text(table, "utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{table}: cannot be read as a table in UTF-8 ({error}).") from error
    head = text.partition("\n")[0]
    # where the comma is the decimal sign, spreadsheets write semicolons
    separator = max(",;\t", key=head.count)
    reader = csv.DictReader(text.splitlines(), delimiter=separator)
    try:
        rows, names = list(reader), reader.fieldnames or ()
    except csv.Error as error:
        raise InputError(f"{table}: cannot be read after line {reader.line_num} ({error}). Save it again.") from error
    if missing := set(COLUMNS) - set(names):
        raise InputError(
            f"{table}: has no column {' and no column '.join(sorted(missing))}. A line for each plate is needed, with "
            f"the header {','.join(COLUMNS)}."
        )
    grouped: dict[str, dict[Path, None]] = {}
    for number, row in enumerate(rows, start=2):
        name, file = ((row[column] or "").strip() for column in COLUMNS)
        if not (name and file):
            raise InputError(
                f"{table}: line {number} has no {'file' if name else 'canvas'}. Give it one, or delete it."
            )
        grouped.setdefault(name, {})[table.parent / file] = None
    return [CanvasFiles(name, tuple(files)) for name, files in grouped.items()]
