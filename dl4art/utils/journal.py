"""What is done is written down as it is done, so that an interrupted run loses nothing and the next one goes on."""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType, UnionType
from typing import IO, Any, Self

from dl4art.utils.errors import InputError, OutputError
from dl4art.utils.files import State, atomic_path, file_state, sha256
from dl4art.utils.names import safe_name

_log = logging.getLogger(__name__)
Kind = type | UnionType | tuple[type, ...]
Shape = Mapping[str, Kind]
"""Of each value of a row: its type, ``list`` for one of text, or the types of a list that is as long."""


class Journal:
    """A file with one line per finished input: ``.NAME.journal.jsonl`` beside a file, ``.journal.jsonl`` in a folder.

    The first line holds the parameters of the run. The next run for the same result takes over the rows if it has the
    same parameters, and says so; else it is refused. A row is taken over only for an input of the same content: the
    size and the time of change that it had, or else the same SHA-256. Every line is on the disk (flushed and
    synchronised) when `begin` or `add` returns. To be used as a context manager.

    Parameters
    ----------
    result : path
        The file or folder that the rows are for; it must be held (`dl4art.utils.holding.held`).
    parameters : mapping
        All that changes the results: JSON values only.
    row : mapping, optional
        What a row is made of, see `Shape`; rows that are not are done again.

    Raises
    ------
    InputError
        If there are rows of a run with other parameters.
    OutputError
        If the journal cannot be read or written.
    """

    def __init__(self, result: str | Path, parameters: Mapping[str, Any], *, row: Shape | None = None) -> None:
        self.path = journal_path(result)
        self._shape = row
        self._result = Path(result)
        self._parameters = json.loads(json.dumps(parameters))
        self._lines = self._take_over()
        self._seen: dict[str, State | None] = {}
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        # rewritten rather than appended to: the last line of a run that was killed may be half a line
        with atomic_path(self.path) as temporary, open(temporary, "w", encoding="utf-8") as file:
            file.write(json.dumps({"parameters": self._parameters}) + "\n")
            file.writelines(json.dumps(line) + "\n" for line in self._lines.values())
        try:
            self._file = open(self.path, "a", encoding="utf-8")
        except OSError as error:
            raise self._cannot_write(error) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # of a disk that is full; what could be written is there
            if self._file is not None:
                self._file.close()
            if not self._lines:  # nothing to go on from
                self.path.unlink(missing_ok=True)

    def row(self, source: str | Path) -> dict[str, Any] | None:
        """Return the row that is kept for an input, or None if there is none or the input is another now.

        To be asked before the input is read: what `add` keeps is for the input as it was then.
        """
        key = _source(source)
        state = self._seen[key] = file_state(source)
        line = self._lines.get(key)
        if line is None or line["row"] is None or state is None or not _same(source, state, line):
            return None
        row: dict[str, Any] = line["row"]
        return row

    def kept(self, sources: Iterable[Path]) -> dict[Path, dict[str, Any]]:
        """Rows of the inputs that are done, whose key ``file`` is the path by which they are named now; see `row`."""
        found = {source: self.row(source) for source in sources}
        return {source: row | {"file": str(source)} for source, row in found.items() if row is not None}

    def rows(self) -> dict[str, dict[str, Any]]:
        """Rows of all inputs that were begun, by their absolute paths; empty for those that were not finished."""
        return {source: line["row"] or {} for source, line in self._lines.items()}

    def names(self) -> dict[str, str]:
        """Names under which results are kept, by the absolute paths of their inputs.

        Only names that this program gives: another one, in a journal of a stranger, could lead out of the folder.
        """
        named = {source: line.get("name") for source, line in self._lines.items()}
        return {source: name for source, name in named.items() if name and safe_name(name) == name}

    def unfinished(self, source: str | Path) -> bool:
        """Whether an input was begun, and not finished."""
        line = self._lines.get(_source(source))
        return line is not None and line["row"] is None

    def begin(self, source: str | Path, name: str, *, fresh: bool = False) -> None:
        """Write down that an input is begun whose results go by a name.

        Parameters
        ----------
        source : path
            The input.
        name : str
            How names of its results begin.
        fresh : bool
            There is no result of that name.

        Raises
        ------
        InputError
            If results of the input go by that name already, and it has changed since.
        OutputError
            If the disk does not take it.
        """
        state = file_state(source)
        before = self._lines.get(_source(source))
        if before is not None and before.get("name") == name and not fresh:
            if state is None or not _same(source, state, before):
                raise InputError(
                    f"{source}: has changed since its results, {name}, were written to {self._result}. Choose another "
                    "folder with -o, so that old and new ones are not mixed."
                )
            return
        self._write(source, {"state": state, "sha256": _hash(source), "name": name, "row": None})

    def keep_name(self, source: str | Path, name: str) -> None:
        """Write down by which name the results of an input go, without reading it; OutputError as `begin`."""
        if self.names().get(_source(source)) != name:
            self._write(source, {"state": None, "sha256": None, "name": name, "row": None})

    def add(self, source: str | Path, row: Mapping[str, Any], *, content: str | None = None) -> None:
        """Keep the row of a finished input; OutputError if the disk does not take it.

        Parameters
        ----------
        source : path
            The input.
        row : mapping
            JSON values.
        content : str, optional
            SHA-256 of the input, if that is known.
        """
        key = _source(source)
        begun = self._lines.get(key, {})
        state = self._seen.get(key) or file_state(source)
        known = content or begun.get("sha256") or _hash(source)
        self._write(source, {"state": state, "sha256": known, "name": begun.get("name"), "row": dict(row)})

    def _write(self, source: str | Path, facts: dict[str, Any]) -> None:
        if self._file is None or self._file.closed:
            raise RuntimeError("a journal takes rows only inside its with block")
        line = json.loads(json.dumps({"source": _source(source), **facts}))
        try:
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._cannot_write(error) from error
        self._lines[line["source"]] = line

    @staticmethod
    def discard(result: str | Path) -> None:
        """Delete the journal of a result, once that is written; it must not be open."""
        with suppress(OSError):  # one that stays costs the next run nothing
            journal_path(result).unlink()

    def _take_over(self) -> dict[str, dict[str, Any]]:
        try:
            header, *lines = map(_parsed, self.path.read_text(encoding="utf-8").splitlines())
        except (FileNotFoundError, ValueError):  # ValueError: the file is empty
            return {}
        except OSError as error:
            raise self._cannot_write(error) from error
        kept = {line["source"]: line for line in lines if _whole(line) and self._fits(line["row"])}
        if kept and header.get("parameters") != self._parameters:
            before = header.get("parameters")
            other = differences(before if isinstance(before, dict) else {}, self._parameters)
            raise InputError(
                f"{self._result}: {_inputs(len(kept))} done there with other settings ({'; '.join(other)}). Give the "
                f"command that began it, to go on; or choose another place with -o; or, to begin anew, delete "
                f"{self.path if self.path.parent == self._result.parent else self._result}."
            )
        if done := sum(line["row"] is not None for line in kept.values()):
            _log.warning("going on with an interrupted run: %d rows are done (%s)", done, self.path)
        return kept

    def _fits(self, row: Mapping[str, Any] | None) -> bool:
        if row is None or self._shape is None:
            return True
        return row.keys() == self._shape.keys() and all(_is(row[name], kind) for name, kind in self._shape.items())

    def _cannot_write(self, error: OSError) -> OutputError:
        return OutputError(f"{self.path}: cannot be written ({error.strerror or error}). Choose another place with -o.")


def content_key(path: str | Path) -> dict[str, Any]:
    """Tell what makes a file the same one later: JSON values for `same_content`, to be asked before it is read."""
    state = file_state(path)
    return {"state": None if state is None else list(state), "sha256": _hash(path)}


def same_content(path: str | Path, key: Mapping[str, Any]) -> bool:
    """Whether a file has the content of which `content_key` was asked; it is read only if its time is another."""
    state = file_state(path)
    return state is not None and _same(path, state, key)


def journal_path(result: str | Path) -> Path:
    """Where the journal of a result is."""
    result = Path(result)
    return result / ".journal.jsonl" if result.is_dir() else result.with_name(f".{result.name}.journal.jsonl")


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Say in which of their values two sets of parameters differ: ``"seed 1, not 2"``."""
    names = dict.fromkeys([*now, *before])
    return [
        f"{name} {before.get(name)!r}, not {now.get(name)!r}" for name in names if before.get(name) != now.get(name)
    ]


def _inputs(count: int) -> str:
    return "1 input is" if count == 1 else f"{count} inputs are"


def _source(source: str | Path) -> str:
    return os.path.abspath(source)


def _same(source: str | Path, state: State, line: Mapping[str, Any]) -> bool:
    """Whether an input is what it was: a copy of it has another time of change, and the same content."""
    before, content = line.get("state"), line.get("sha256")
    if before == list(state):
        return True
    same_size = isinstance(before, list) and before[:1] == [state[0]]
    return same_size and content is not None and content == _hash(source)


def _hash(source: str | Path) -> str | None:
    try:
        return sha256(source)
    except (OSError, ValueError):  # ValueError: no name that a file can have
        return None


def _parsed(line: str) -> dict[str, Any]:
    try:
        parsed = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _is(value: Any, kind: Kind) -> bool:
    if isinstance(kind, tuple):
        return isinstance(value, list) and len(value) == len(kind) and all(map(_is, value, kind))
    if isinstance(value, float) and not math.isfinite(value):
        return False
    return isinstance(value, kind) and (not isinstance(value, list) or all(isinstance(part, str) for part in value))


def _whole(line: Mapping[str, Any]) -> bool:
    """Whether a line is one that `Journal` writes."""
    return (
        isinstance(line.get("source"), str)
        and isinstance(line.get("row", 0), dict | None)
        and isinstance(line.get("name", 0), str | None)
        and isinstance(line.get("sha256", 0), str | None)
        and (line.get("state", 0) is None or (isinstance(line.get("state"), list) and len(line["state"]) == 2))
    )
