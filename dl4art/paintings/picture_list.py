"""Tables of pictures to gather: which address, which class, under which name."""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from dl4art.utils.errors import InputError
from dl4art.utils.limits import read_text
from dl4art.utils.names import clean_name

ENDINGS = {"JPEG": ".jpg", "PNG": ".png", "TIFF": ".tif"}
"""Kinds of files that are gathered."""
_ADDRESSES = {"url": False, "iiif": True, "iiifurl": True}
_OTHERS = {"licence": ("licence", "license", "rights"), "source": ("source", "page")}
_KNOWN_ENDINGS = (".jpg", ".jpeg", ".png", ".tif", ".tiff")


@dataclass(frozen=True)
class ListedPicture:
    """One row of a table.

    Attributes
    ----------
    row : int
        Its line in the table; the header is line 1.
    label, painting : str
        Its class; what it is a view of, empty if the table does not say.
    address : str
        Of the picture, or of the image service that has it.
    iiif : bool
        Whether it is an image service.
    source, licence : str
        Where it is described and what may be done with it, as the table says.
    place : str
        Path in the folder, without ending: ``CLASS/NAME`` or ``CLASS/PAINTING/NAME``, safe on every system.
    """

    row: int
    label: str
    painting: str
    address: str
    iiif: bool
    source: str
    licence: str
    place: str


def read_list(path: str | Path, taken: Mapping[str, str] | None = None) -> list[ListedPicture]:
    """Read a table of pictures.

    The table is CSV in UTF-8 with commas, semicolons or tabs. Columns: ``class``; ``url`` (a picture) or ``iiif`` (an
    image service), or both, one filled in each row; and if wanted ``name`` (of the file), ``painting`` (what several
    pictures are views of), ``source`` and ``licence``. Others are passed over.

    Parameters
    ----------
    path : path
        The table.
    taken : mapping, optional
        Addresses of pictures gathered before, by their places, which they keep.

    Returns
    -------
    list of ListedPicture

    Raises
    ------
    InputError
        If it cannot be read, lacks a column or a value, puts one address in two classes, or names two classes that
        would share a folder.
    """
    columns, rows = _rows(Path(path))
    if "class" not in columns or not _ADDRESSES.keys() & {*columns}:
        raise InputError(
            f"{path}: has the columns {', '.join(columns)}; needed are class, and url (addresses of pictures) or iiif "
            "(addresses of image services)."
        )
    pictures = [_picture(path, number, row) for number, row in enumerate(rows, start=2) if any(row.values())]
    if not pictures:
        raise InputError(f"{path}: no rows below the header. Name at least one picture.")
    _check(path, pictures)
    return _with_places(pictures, taken or {})


def _rows(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    try:
        # not split into lines here: a quoted cell may hold some
        text = read_text(path, "utf-8-sig")
        separator = max(",;\t", key=text.partition("\n")[0].count)
        cells = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read as a table ({error}). Save it as CSV in UTF-8.") from error
    header = [name.strip().lower() for name in cells[0]] if cells else []
    return header, [dict(zip(header, map(str.strip, row), strict=False)) for row in cells[1:]]


def _picture(path: str | Path, number: int, row: dict[str, str]) -> ListedPicture:
    addresses = [(row[name], iiif) for name, iiif in _ADDRESSES.items() if row.get(name)]
    label = row.get("class", "")
    if not label or len(addresses) != 1:
        what = "no class" if not label else f"{len(addresses) or 'no'} address{'es' if addresses else ''}"
        raise InputError(f"{path}: row {number} has {what}. Give each row a class, and one of url and iiif.")
    address, iiif = addresses[0]
    painting = row.get("painting", "")
    name = _stem(row.get("name") or _last_part(address, iiif))
    place = "/".join(clean_name(part) for part in (label, painting, name) if part)
    source, licence = (next((row[name] for name in names if row.get(name)), "") for names in (
        _OTHERS["source"], _OTHERS["licence"]))  # fmt: skip
    return ListedPicture(number, label, painting, address, iiif, source, licence, place)


def _last_part(address: str, iiif: bool) -> str:
    try:
        path = urlsplit(address).path
    except ValueError:  # said when it is asked for
        return "picture"
    path = path.rstrip("/").removesuffix("/info.json") if iiif else path
    return unquote(PurePosixPath(path).name) or "picture"


def _stem(name: str) -> str:
    ending = PurePosixPath(name).suffix
    return name.removesuffix(ending) if ending.lower() in _KNOWN_ENDINGS else name


def _check(path: str | Path, pictures: Sequence[ListedPicture]) -> None:
    first: dict[str, ListedPicture] = {}
    folders: dict[str, str] = {}
    for picture in pictures:
        before = first.setdefault(picture.address, picture)
        if before is not picture:
            what = f"in class {picture.label}" if before.label == picture.label else (
                f"in the classes {before.label} and {picture.label}"
            )  # fmt: skip
            raise InputError(
                f"{path}: rows {before.row} and {picture.row} have the same address, {what}. Delete one of them."
            )
        other = folders.setdefault(picture.place.partition("/")[0].casefold(), picture.label)
        if other != picture.label:
            raise InputError(
                f"{path}: row {picture.row}: the classes {other!r} and {picture.label!r} would share a folder. Spell "
                "them alike, or so that they differ in letters or digits."
            )


def _with_places(pictures: Sequence[ListedPicture], taken: Mapping[str, str]) -> list[ListedPicture]:
    """Tell pictures of one name apart by their addresses, so that it does not matter which else are in the table."""
    known = {(address, place.partition("/")[0]): place for place, address in taken.items()}
    names = Counter(picture.place.casefold() for picture in pictures)
    owners = {place.casefold(): address for place, address in taken.items()}
    placed = []
    for picture in pictures:
        place = known.get((picture.address, picture.place.partition("/")[0]))
        if place is None:
            place = picture.place
            if names[place.casefold()] > 1 or owners.get(place.casefold(), picture.address) != picture.address:
                # not digits alone, which would say that the pictures are views of one painting
                place += f"-x{hashlib.sha256(picture.address.encode()).hexdigest()[:10]}"
        placed.append(ListedPicture(**{**vars(picture), "place": place}))
    return placed
