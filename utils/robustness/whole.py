"""Whether a file that stands after a fault is whole, by its kind."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path


def visible(folder: Path) -> list[Path]:
    """List the files in a folder and below it that a person sees."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    ]


def not_whole(path: Path) -> str:
    """Say what is wrong with a file; nothing if it is whole."""
    # SQLite's own journal is there for the next one who opens the catalogue
    if path.name.endswith(".db-journal"):
        return ""
    try:
        _whole(path)
    except Exception as error:
        return f"{path.name} is not whole ({type(error).__name__}: {error})"
    return ""


def _whole(path: Path) -> None:  # noqa: PLR0912 (a branch for each kind)
    kind = path.suffix
    if kind == ".json":
        json.loads(path.read_text(encoding="utf-8"))
    elif kind == ".csv":
        rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))
        if len({*map(len, rows)}) != 1 or not path.read_bytes().endswith(b"\n"):
            raise ValueError("rows of several lengths")
    elif kind == ".tif":
        import tifffile

        tifffile.imread(path)
    elif kind in (".npz", ".zip"):
        with zipfile.ZipFile(path) as archive:
            if bad := archive.testzip():
                raise ValueError(bad)
    elif kind in (".png", ".jpg"):
        from PIL import Image

        with Image.open(path) as picture:
            picture.load()
    elif kind == ".html":
        if not path.read_text(encoding="utf-8").rstrip().endswith("</html>"):
            raise ValueError("it has no end")
    elif kind == ".db":
        with closing(sqlite3.connect(path)) as database:
            if database.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                raise ValueError("integrity check")
    elif kind in (".md", ".txt"):
        if not path.read_text(encoding="utf-8").endswith("\n"):
            raise ValueError("it has no end")
    elif kind == ".h5":
        import h5py

        with h5py.File(path) as weights:
            weights.visititems(lambda _, item: item[()] if isinstance(item, h5py.Dataset) else None)
    elif kind == ".bin":
        # windows of pictures, cut anew by the next run
        if not path.stat().st_size:
            raise ValueError("it is empty")
    else:
        raise ValueError("a file of no known kind")
