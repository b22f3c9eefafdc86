"""Pictures by class, gathered from the addresses in a table, each with its source and licence beside it."""

from __future__ import annotations

import csv
import hashlib
import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from PIL import Image

from dl4art.paintings.download import Answer, Fetcher
from dl4art.paintings.iiif import ServedPicture, find_picture
from dl4art.paintings.picture_list import ENDINGS, ListedPicture, read_list
from dl4art.utils.errors import Dl4artError, InputError, OutputError, reason
from dl4art.utils.files import atomic_path, make_folder, sha256
from dl4art.utils.holding import held
from dl4art.utils.journal import Journal
from dl4art.utils.limits import read_text
from dl4art.utils.tables import write_csv

SOURCES = "sources.csv"
"""Name of the table beside the pictures."""
COLUMNS = (
    "file",
    "status",
    "class",
    "painting",
    "address",
    "source",
    "licence",
    "attribution",
    "width_px",
    "height_px",
    "bytes",
    "sha256",
    "gathered",
    "asked_px",
    "message",
)
_LATER = {"asked_px"}
"""Columns that tables of earlier versions may lack."""
LARGEST_PX = 150_000_000
IIIF_PX = 1024
_ACCEPT = "image/jpeg, image/png, image/tiff"
_UNNAMED = ("", "application/octet-stream", "binary/octet-stream")

Row = dict[str, Any]


def gather_pictures(
    table: str | Path,
    folder: str | Path,
    fetcher: Fetcher,
    *,
    px: int = IIIF_PX,
    begin: Callable[[int], Callable[[int], None]] = lambda _: lambda _: None,
) -> list[Row]:
    """Download the pictures of a table into ``folder/CLASS/``, and write ``folder/sources.csv``.

    Pictures that an earlier run has gathered, and that have not been changed since, are kept; the others are asked for
    again. An interrupted run loses at most one picture. No file of others is written over, and pictures from image
    services are all of one size.

    Parameters
    ----------
    table : path
        See `picture_list.read_list`.
    folder : path
        Is made if there is none.
    fetcher : Fetcher
        Asks the servers.
    px : int
        Longer side of the pictures from image services.
    begin : callable
        Told how many pictures there are before the first is asked for; gives what is called with 1 after each.

    Returns
    -------
    list of dict
        One row per picture with the keys `COLUMNS`; ``status`` is ``ok``, ``kept`` or ``failed``. In the file a picture
        that was kept is ``ok`` too.

    Raises
    ------
    InputError
        If the table cannot be right, or the folder has pictures from image services that are of another size.
    OutputError
        If the folder cannot be written, or another run is gathering into it.
    """
    folder = Path(folder)
    read_list(table)  # one that cannot be right is told before there is a folder
    make_folder(folder)
    with held(folder), Journal(folder / SOURCES, {"pictures": "by address"}) as journal:
        known = {row["address"]: row for row in (*_earlier(folder), *_unfinished(folder, journal))}
        places = {Path(row["file"]).with_suffix("").as_posix(): address for address, row in known.items()}
        pictures = read_list(table, places)
        _check_size(folder, pictures, known, px)
        rows: list[Row] = []
        advance = begin(len(pictures))
        for picture in pictures:
            before = known.get(picture.address)
            if before is not None and _same_class(before["file"], picture.place):
                rows.append({**before, "status": "kept"})
            else:
                rows.append(_gather(picture, folder, fetcher, px, journal))
                if rows[-1]["status"] == "ok":
                    journal.add(folder / rows[-1]["file"], rows[-1], content=rows[-1]["sha256"])
            advance(1)
    now = {row.get("file") for row in rows}
    # pictures of other tables stay, and so does what is known of them
    others = [row for row in known.values() if row["file"] not in now]
    write_csv(folder / SOURCES, COLUMNS, others + [{**row, "status": _lasting(row["status"])} for row in rows])
    Journal.discard(folder / SOURCES)
    return rows


def _lasting(status: str) -> str:
    return "ok" if status == "kept" else status


def _same_class(file: str, place: str) -> bool:
    """Whether two paths lie in the folder of one class, which stands for its name: spreadsheets may not keep that."""
    return file.partition("/")[0] == place.partition("/")[0]


def _unfinished(folder: Path, journal: Journal) -> list[Row]:
    """Rows of an interrupted run whose pictures are still there, as they were."""
    rows = [row for row in journal.rows().values() if {*COLUMNS} - _LATER <= row.keys()]
    # its time of change spares reading it
    return [row for row in rows if (path := _place(folder, row)) and (journal.row(path) == row or _still(folder, row))]


def _check_size(folder: Path, pictures: Sequence[ListedPicture], known: Mapping[str, Row], px: int) -> None:
    """Raise InputError if pictures from image services would be of two sizes."""
    sizes = {str(row.get("asked_px") or px) for row in known.values()}
    if any(picture.iiif for picture in pictures) and (others := sorted(sizes - {str(px)})):
        raise InputError(
            f"{folder}: holds pictures gathered with other settings (--px {others[0]}, not {px}). Give --px "
            f"{others[0]}, or choose another folder with -o."
        )


def _earlier(folder: Path) -> list[Row]:
    """Rows of an earlier run whose pictures are still there, as they were."""
    path = folder / SOURCES
    if not path.exists():
        return []
    try:
        rows: list[Row] = [dict(row) for row in csv.DictReader(io.StringIO(read_text(path), newline=""))]
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(
            f"{path}: cannot be read ({error}). Move it away, or choose another folder with -o."
        ) from error
    if rows and not {*COLUMNS} - _LATER <= rows[0].keys():
        raise InputError(f"{path}: is no table of this program. Move it away, or choose another folder with -o.")
    return [row for row in rows if row["status"] == "ok" and _still(folder, row)]


def _still(folder: Path, row: Row) -> bool:
    """Whether the picture of a row is in the folder and has not been changed."""
    path = _place(folder, row)
    return path is not None and sha256(path) == row["sha256"]


def _place(folder: Path, row: Row) -> Path | None:
    """Give the file of a row, if it is one in the folder."""
    if not all(isinstance(row[name], str) for name in ("file", "address", "class")):
        return None
    try:
        path = folder / row["file"]
        return path if folder.resolve() in path.resolve().parents and path.is_file() else None
    except (OSError, ValueError):  # no name that a file can have
        return None


def _gather(picture: ListedPicture, folder: Path, fetcher: Fetcher, px: int, journal: Journal) -> Row:
    row: Row = {
        "class": picture.label,
        "painting": picture.painting,
        "address": picture.address,
        "source": picture.source,
        "licence": picture.licence,
    }
    try:
        served = find_picture(fetcher, picture.address, px) if picture.iiif else ServedPicture(picture.address, "", "")
        answer = fetcher.fetch(served.address, _ACCEPT)
        kind, (width, height) = check_picture(answer)
        place = f"{picture.place}{ENDINGS[kind]}"
        _keep(folder / place, answer.data, journal)
    except OutputError:
        raise
    except Dl4artError as error:
        return {**row, "status": "failed", "message": reason(error, Path(picture.address))}
    licence = picture.licence or served.licence
    return {
        **row,
        "file": place,
        "status": "ok",
        "licence": licence,
        "attribution": served.attribution,
        "width_px": width,
        "height_px": height,
        "bytes": len(answer.data),
        "sha256": hashlib.sha256(answer.data).hexdigest(),
        "gathered": datetime.now(UTC).isoformat(timespec="seconds"),
        "asked_px": px if picture.iiif else None,
        "message": "" if licence else "no licence is stated: ask before you pass it on",
    }


def check_picture(answer: Answer) -> tuple[str, tuple[int, int]]:
    """Open what was sent, to its last line, and tell its kind, width and height.

    Raises
    ------
    InputError
        If it is called something else, is damaged, or is no JPEG, PNG or TIFF.
    """
    if not answer.kind.startswith("image/") and answer.kind not in _UNNAMED:
        raise InputError(f"the server sends {answer.kind}, not a picture. Open the address in a browser, and check it.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(answer.data), formats=list(ENDINGS)) as image:
                if image.width * image.height > LARGEST_PX:
                    raise InputError(
                        f"{image.width} x {image.height} px, above the limit of {LARGEST_PX / 1e6:g} million."
                    )
                image.load()
                return str(image.format), image.size
    except InputError:
        raise
    except Exception as error:  # damaged bytes make the parsers fail in any way
        raise InputError(f"what was sent is no whole JPEG, PNG or TIFF ({error}). Try again later.") from error


def _keep(path: Path, data: bytes, journal: Journal) -> None:
    make_folder(path.parent)
    # what a killed run has begun is ours, though it may not have come to writing down the rest about it
    if path.exists() and not journal.unfinished(path) and sha256(path) != hashlib.sha256(data).hexdigest():
        raise InputError(f"{path} is there already and shows something else. Move it away, or choose another folder.")
    journal.begin(path, path.name, fresh=True)
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def summary(rows: Sequence[Row]) -> list[tuple[str, ...]]:
    """Count by class what was gathered, kept and failed; the header comes first."""
    statuses = ("ok", "kept", "failed")
    counts = {row["class"]: [0, 0, 0] for row in rows}
    for row in rows:
        counts[row["class"]][statuses.index(row["status"])] += 1
    return [("class", "gathered", "kept", "failed"), *((name, *map(str, count)) for name, count in counts.items())]
