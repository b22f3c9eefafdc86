"""Rows that are done wait here until the result is written, so that an interrupted run loses nothing."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from dl4art.utils.errors import OutputError
from dl4art.utils.files import atomic_path

_log = logging.getLogger(__name__)


class Journal:
    """A file ``.NAME.journal.jsonl`` beside the result ``NAME``, with one line per finished input.

    The first line holds the parameters of the run. The next run for the same result takes over the rows if it has the
    same parameters, and says so; else it says that it discards them. A row is taken over only while its input has the
    size and the time of change that it had. Every row is on the disk (flushed and synchronised) when `add` returns. To
    be used as a context manager.

    Parameters
    ----------
    result : path
        The result file that the rows are for.
    parameters : mapping
        All that changes the numbers: JSON values only.
    refuse : bool
        Refuse other parameters than those of an interrupted run, rather than discard its rows: for results that lie in
        files of their own already.

    Raises
    ------
    OutputError
        If the journal cannot be written, or is of a run with other parameters and `refuse` is set.
    """

    def __init__(self, result: str | Path, parameters: Mapping[str, Any], *, refuse: bool = False) -> None:
        self.path, self._refuse = _path(result), refuse
        self._parameters = json.loads(json.dumps(parameters))
        self._lines = self._take_over()
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
        if self._file is not None:
            self._file.close()
        if not self._lines:  # nothing to go on from
            self.path.unlink(missing_ok=True)

    def row(self, source: str | Path) -> dict[str, Any] | None:
        """Return the row that is kept for an input, or None if there is none or the input has changed since."""
        line = self._lines.get(str(source))
        if line is None or line["state"] != _state(source):
            return None
        row: dict[str, Any] = line["row"]
        return row

    def add(self, source: str | Path, row: Mapping[str, Any]) -> None:
        """Keep the row of a finished input; OutputError if the disk does not take it."""
        if self._file is None or self._file.closed:
            raise RuntimeError("a journal takes rows only inside its with block")
        line = {"source": str(source), "state": _state(source), "row": dict(row)}
        try:
            self._file.write(json.dumps(line) + "\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._cannot_write(error) from error
        self._lines[str(source)] = line

    @staticmethod
    def discard(result: str | Path) -> None:
        """Delete the journal of a result, once that is written; it must not be open."""
        with suppress(FileNotFoundError):
            _path(result).unlink()

    def _take_over(self) -> dict[str, dict[str, Any]]:
        try:
            header, *lines = map(_parsed, self.path.read_text(encoding="utf-8").splitlines())
        except (FileNotFoundError, ValueError):  # ValueError: the file is empty
            return {}
        except OSError as error:
            raise self._cannot_write(error) from error
        kept = {line["source"]: line for line in lines if line.keys() >= {"source", "state", "row"}}
        before = header.get("parameters")
        if kept and self._refuse and isinstance(before, dict) and before != self._parameters:
            other = [name for name in {**before, **self._parameters} if before.get(name) != self._parameters.get(name)]
            raise OutputError(
                f"{self.path.parent}: holds {len(kept)} results of an interrupted run with "
                f"{', '.join(f'{name} {before.get(name)}' for name in other)}, now "
                f"{', '.join(f'{name} {self._parameters.get(name)}' for name in other)}. Say the same as then, choose "
                f"another folder with -o, or delete {self.path}."
            )
        if before != self._parameters:
            _log.warning("%d rows of an interrupted run with other settings are discarded", len(kept))
            return {}
        if kept:
            _log.warning("going on with an interrupted run: %d rows are done (%s)", len(kept), self.path)
        return kept

    def _cannot_write(self, error: OSError) -> OutputError:
        return OutputError(f"{self.path}: cannot be written ({error.strerror}). Choose another place with -o.")


def _path(result: str | Path) -> Path:
    result = Path(result)
    return result.with_name(f".{result.name}.journal.jsonl")


def _parsed(line: str) -> dict[str, Any]:
    try:
        parsed = json.loads(line)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _state(source: str | Path) -> list[int] | None:
    try:
        status = os.stat(source)
    except OSError:
        return None
    return [status.st_size, status.st_mtime_ns]
