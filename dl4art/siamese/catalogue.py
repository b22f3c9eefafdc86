"""Encoded canvases kept in one SQLite file, so that a plate is encoded once and a search reads no plate at all.

A catalogue belongs to one model and one set of parameters, since only what was encoded alike can be compared. It may
lie on a network share and be written by several programs at a time: SQLite's rollback journal (a write-ahead log fails
there), short transactions, and patience where another one writes.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from dl4art.siamese.comparison import CanvasRecord, Control
from dl4art.siamese.encoded import EncodedCanvas
from dl4art.utils.errors import InputError, OutputError
from dl4art.utils.tables import plain_text

FORMAT = 1
"""Of the tables; raised when they change."""
_MARK = 0x444C3461  # SQLite's application id: a database of ours, not some other program's
_PATIENCE_S = 60.0  # how long to wait for another program that writes
_TABLES = """
CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE encodings (content TEXT PRIMARY KEY, mean BLOB NOT NULL, mean_checksum INTEGER NOT NULL,
    about TEXT NOT NULL, vectors BLOB NOT NULL, counted BLOB NOT NULL, checksum INTEGER NOT NULL);
CREATE TABLE canvases (collection TEXT, name TEXT, content TEXT NOT NULL, PRIMARY KEY (collection, name));
"""
_STATEMENTS = [statement.strip() for statement in _TABLES.split(";") if statement.strip()]


@dataclass(frozen=True)
class Entry:
    """A canvas that a catalogue can find."""

    collection: str
    """The folder or file that names it."""
    name: str
    content: str
    """Key of its encoding."""


class Catalogue:
    """Encoded plates and canvases in a file. To be used as a context manager.

    Parameters
    ----------
    path : path
        The file.
    settings : mapping of str to JSON values
        Model and parameters: all that an encoding depends on besides the plate.
    create : bool
        Make the file if it is not there.

    Raises
    ------
    InputError
        If the file is damaged, is no catalogue, or was made with other settings or by another version.
    OutputError
        If it cannot be made or written.
    """

    def __init__(self, path: str | Path, settings: Mapping[str, Any], *, create: bool = True) -> None:
        self.path = Path(path)
        if not create and not self.path.is_file():
            raise InputError(f"{self.path}: no such catalogue. Comparing a collection makes one.")
        with self._told():
            mode = "rwc" if create else "rw"
            self._database = sqlite3.connect(
                f"{self.path.absolute().as_uri()}?mode={mode}", uri=True, timeout=_PATIENCE_S, isolation_level=None
            )
        try:
            self._check({name: json.dumps(value, sort_keys=True) for name, value in settings.items()}, create)
        except BaseException:
            self._database.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def find(self, content: str) -> EncodedCanvas | None:
        """Return what is kept under a key, or None."""
        rows = self._read("SELECT about, vectors, counted, checksum FROM encodings WHERE content = ?", content)
        if not rows:
            return None
        with self._meant():
            return _decoded(*rows[0])

    def keep(self, content: str, canvas: EncodedCanvas) -> None:
        """Keep an encoded plate or canvas under a key; it is on the disk when this returns."""
        about = json.dumps(
            {
                "record": asdict(canvas.record),
                "content_seed": canvas.content_seed,
                "notes": canvas.notes,
                "counter": canvas.counter,
                "seed": canvas.seed,
            }
        )
        blobs = canvas.vectors.astype("<f4").tobytes(), canvas.counted.astype("<f8").tobytes()
        mean = canvas.mean.astype("<f4").tobytes()
        row = (content, mean, zlib.crc32(mean), about, *blobs, _checksum(about, *blobs))
        with self._told(), self._transaction():
            self._database.execute("INSERT OR REPLACE INTO encodings VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def enter(self, collection: str, contents: Mapping[str, str]) -> None:
        """Let the canvases of a collection be found, keys by name, and no others that it had before."""
        rows = [(plain_text(collection), plain_text(name), content) for name, content in contents.items()]
        with self._told(), self._transaction():
            self._database.execute("DELETE FROM canvases WHERE collection = ?", (plain_text(collection),))
            self._database.executemany("INSERT INTO canvases VALUES (?, ?, ?)", rows)

    def entries(self) -> list[Entry]:
        """All canvases by name; what is in several collections, or twice in one, counts once."""
        # SQLite takes the other columns from the row of the minimum
        rows = self._read(
            "SELECT collection, min(name), content FROM canvases JOIN encodings USING (content) GROUP BY content"
        )
        with self._meant():
            return sorted((Entry(*row) for row in rows), key=lambda entry: (entry.name, entry.collection))

    def means(self) -> dict[str, npt.NDArray[np.float32]]:
        """Mean vectors of all canvases, (2, d), by key: what a search reads of each."""
        rows = self._read(
            "SELECT content, mean, mean_checksum FROM encodings WHERE content IN (SELECT content FROM canvases) "
            "ORDER BY content"
        )
        with self._meant():
            if any(zlib.crc32(mean) != checksum for _, mean, checksum in rows):
                raise ValueError("what is read is not what was written")
            return {content: np.frombuffer(mean, "<f4").reshape(2, -1) for content, mean, _ in rows}

    def _check(self, settings: Mapping[str, str], create: bool) -> None:
        with self._told():
            # what a schema of others' making says is never run
            self._database.execute("PRAGMA trusted_schema = OFF")
            self._database.execute("PRAGMA cell_size_check = ON")
            if create:
                self._found(settings)
            mark, version = (
                self._database.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
            )
        if mark != _MARK:
            raise InputError(f"{self.path}: is no catalogue of dl4art. Choose another file with --catalogue.")
        if version != FORMAT:
            raise InputError(
                f"{self.path}: was made by another version of dl4art (format {version}, this one reads {FORMAT}). "
                "Choose another file with --catalogue, in which the plates are encoded anew."
            )
        # of tables of other names and of views, which may have no end, nothing is read
        found = self._read("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        ours = {("table", statement.split()[2], statement) for statement in _STATEMENTS}
        if {*found} != ours:
            raise self._damaged("its tables are not those of a catalogue")
        kept = {str(name): value for name, value in self._read("SELECT name, value FROM settings")}
        other = [
            f"{name} {kept.get(name, 'none')} there and {settings.get(name, 'none')} here"
            for name in sorted(kept.keys() | settings.keys())
            if kept.get(name) != settings.get(name)
        ]
        if other:
            raise InputError(
                f"{self.path}: was made with another model or other parameters ({'; '.join(other)}). Ask for the same "
                "ones, or choose another file, in which the plates are encoded anew."
            )

    def _found(self, settings: Mapping[str, str]) -> None:
        """Make the tables of an empty file; of two programs that do so at a time, the first one's settings hold."""
        with self._transaction():
            if self._database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                return
            for statement in _STATEMENTS:
                self._database.execute(statement)
            self._database.execute(f"PRAGMA application_id = {_MARK}")
            self._database.execute(f"PRAGMA user_version = {FORMAT}")
            self._database.executemany("INSERT INTO settings VALUES (?, ?)", settings.items())

    def _read(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        with self._told():
            return self._database.execute(query, values).fetchall()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        # at once for writing: two that begin by reading would wait for each other
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._database.in_transaction:  # SQLite ends some by itself, as when the disk is full
                self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say what SQLite has to say in sentences of ours."""
        try:
            yield
        except sqlite3.OperationalError as error:
            # busy, full, read-only, no such folder; "no such table" is a file of another program's
            if "no such table" in str(error):
                raise InputError(f"{self.path}: is no catalogue of dl4art ({error}). Choose another file.") from error
            raise OutputError(
                f"{self.path}: cannot be used as a catalogue ({error}). Is it free, its folder there and the disk not "
                "full? Or choose another file with --catalogue."
            ) from error
        except sqlite3.DatabaseError as error:
            raise self._damaged(str(error)) from error

    @contextmanager
    def _meant(self) -> Iterator[None]:
        """Say what cannot be made of what was read: SQLite takes any value in any column."""
        try:
            yield
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
            raise self._damaged(str(error)) from error

    def _damaged(self, what: str) -> InputError:
        return InputError(
            f"{self.path}: is damaged, or no catalogue ({what}). Delete it, or choose another file with --catalogue: "
            "the plates are then encoded anew."
        )


def _decoded(about: str, vectors: bytes, counted: bytes, checksum: int) -> EncodedCanvas:
    if _checksum(about, vectors, counted) != checksum:
        raise ValueError("what is read is not what was written")
    told = json.loads(about)
    # all vectors of a model are as long as each other
    densities = np.frombuffer(counted, "<f8").reshape(-1, 2, 2)
    record = told["record"]
    places = tuple((float(x), float(y)) for x, y in record["positions_cm"])
    numbers = {name: value for name, value in record.items() if name not in ("file", "sha256", "scale_source")}
    for name, value in {**numbers, **record["control"], "seed": told["seed"]}.items():
        if name not in ("positions_cm", "control") and not isinstance(value, int | float):
            raise TypeError(f"{name} is no number")
    return EncodedCanvas(
        CanvasRecord(**{**record, "positions_cm": places, "control": Control(**record["control"])}),
        np.frombuffer(vectors, "<f4").reshape(len(densities), 2, -1),
        densities,
        int(told["content_seed"]),
        tuple(map(str, told["notes"])),
        str(told["counter"]),
        told["seed"],
    )


def renamed(canvas: EncodedCanvas, file: str) -> EncodedCanvas:
    """Give the same under another name: what a plate shows is kept, and it may have been moved since."""
    return replace(canvas, record=replace(canvas.record, file=file))


def _checksum(about: str, *blobs: bytes) -> int:
    found = zlib.crc32(about.encode())
    for blob in blobs:
        found = zlib.crc32(blob, found)
    return found
