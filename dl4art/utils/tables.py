"""Tables of results: CSV and JSON files, written whole or not at all, and a small table for the eye."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from dl4art.utils.errors import OutputError
from dl4art.utils.files import atomic_path

FORMATS = ("csv", "json")

# A spreadsheet runs a cell that begins like this as a formula, wherever the cell came from.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def write_csv(path: str | Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows as CSV (UTF-8, comma, one header line), whole or not at all.

    Missing values and None become empty cells. Text that a spreadsheet would take for a formula is given a leading
    apostrophe; line breaks become spaces.

    Parameters
    ----------
    path : path
        The file to write.
    columns : sequence of str
        Header; also which keys of the rows are written, in which order.
    rows : iterable of mappings
        One per line.

    Raises
    ------
    OutputError
        If the file cannot be written there.
    """
    with atomic_path(path) as temporary, open(temporary, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(map(_cell, columns))
        writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)


def write_json(path: str | Path, document: Mapping[str, Any]) -> None:
    """Write a document as JSON (UTF-8), whole or not at all; OutputError if it cannot be written there."""
    with atomic_path(path) as temporary, open(temporary, "w", encoding="utf-8") as file:
        file.write(plain_text(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)) + "\n")


def result_paths(output: str | Path, formats: Sequence[str] | None = None) -> dict[str, Path]:
    """Where each format of a result goes.

    Parameters
    ----------
    output : path
        As the user gave it, ending in ``.csv``, ``.json`` or neither; a name without ending is given one.
    formats : sequence of str, optional
        ``csv``, ``json`` or both; what the ending says if left out, else CSV.

    Returns
    -------
    dict
        Format to path, in the order of `FORMATS`.

    Raises
    ------
    OutputError
        If it is a folder, or has an ending that promises another format.
    """
    path = Path(output)
    if path.is_dir():
        raise OutputError(f"{path}: is a folder. Give the name of a file with -o, e.g. {path / 'result.csv'}.")
    ending = path.suffix.lower().removeprefix(".")
    if ending and ending not in FORMATS:
        raise OutputError(f"{path}: results are written as .csv or .json. Choose a name that ends so.")
    wanted = formats or [ending or "csv"]
    return {name: path if name == ending else path.with_suffix(f".{name}") for name in FORMATS if name in wanted}


def check_output(path: str | Path) -> None:
    """Raise OutputError if a file could not be written at `path`: to be asked before the work, not after it."""
    path = Path(path)
    if not path.parent.is_dir():
        raise OutputError(f"{path}: the folder {path.parent} does not exist. Make it first, or choose another with -o.")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise OutputError(f"{path}: you may not write in {path.parent}. Choose another place with -o.")


def text_table(rows: Sequence[Sequence[str]], numeric: Iterable[int] = ()) -> str:
    """Lay out rows of text in columns for a terminal.

    Parameters
    ----------
    rows : sequence of sequences of str
        The first is the header. All have the same length. Signs that would steer the terminal are left out.
    numeric : iterable of int
        Columns to be aligned to the right.

    Returns
    -------
    str
        Lines without trailing blanks, joined by newlines.
    """
    right = set(numeric)
    rows = [[" ".join(terminal_text(text).splitlines()) for text in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            text.rjust(width) if place in right else text.ljust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def plain_text(text: str) -> str:
    """Text that UTF-8 can hold: bytes of a file name that are no UTF-8 become question marks."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def terminal_text(text: str) -> str:
    """Text of others as a terminal may have it: nothing in it that steers the terminal or hides what it says."""
    return "".join(sign for sign in plain_text(text) if sign in "\n\t" or sign.isprintable())


def _cell(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = plain_text(value)
    # some programs cut off blanks before they look
    guarded = f"'{text}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA) else text
    return " ".join(guarded.splitlines())
