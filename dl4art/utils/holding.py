"""One run at a time for one result: who comes second is told who holds it.

The operating system holds the lock and lets go of it when the process ends, however it ends, so that none is left over
after a kill or a power cut.
"""

from __future__ import annotations

import json
import logging
import os
import platform
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from dl4art.utils.errors import OutputError
from dl4art.utils.files import sweep
from dl4art.utils.journal import journal_path

_log = logging.getLogger(__name__)
_FAR = 1 << 30  # Windows lets nobody read the bytes that are locked, so that they lie beyond those that are written


@contextmanager
def held(result: str | Path, *, beside: bool = False) -> Iterator[None]:
    """Hold a result for this run alone, and clear away what a killed run has left half written.

    Parameters
    ----------
    result : path
        A file, which need not be there, or a folder that is there. A hidden file, ``.NAME.lock`` beside the one or
        ``.dl4art.lock`` in the other, says who holds it.
    beside : bool
        The result is a folder that gets its name once it is whole, so that nothing may lie in it before.

    Raises
    ------
    OutputError
        If another run holds it, with its command, process and machine; or if nothing can be written there.
    """
    result = Path(result)
    inside = result.is_dir() and not beside
    path = result / ".dl4art.lock" if inside else result.with_name(f".{result.name}.lock")
    file = _taken(path, result)
    try:
        # the journal of a file lies beside it, under a name of its own
        sweep(result, beside=beside)
        if not inside:
            sweep(journal_path(result), beside=True)
        yield
    finally:
        # first the name, then the lock: who waits for it finds another file there, and tries again
        if sys.platform != "win32":
            with suppress(OSError):
                path.unlink()
        file.close()
        if sys.platform == "win32":
            with suppress(OSError):
                path.unlink()


def _taken(path: Path, result: Path) -> IO[str]:
    while True:
        try:
            file = open(path, "a+", encoding="utf-8")  # noqa: SIM115 (closed by who holds it)
        except OSError as error:
            raise OutputError(
                f"{result}: nothing can be written there ({error.strerror}). Choose another place with -o."
            ) from error
        try:
            _lock(file)
        except BlockingIOError as error:
            with file:
                raise OutputError(
                    f"{result}: {_holder(file)}. Wait for it, or choose another place with -o."
                ) from error
        except OSError as error:
            _log.info("%s: this file system has no locks (%s); take care that one run writes there", result, error)
        with suppress(OSError):
            if os.path.samestat(os.fstat(file.fileno()), os.stat(path)):
                return _signed(file)
        file.close()  # whoever held it has just let go of it and deleted it


def _signed(file: IO[str]) -> IO[str]:
    """Write down who holds it."""
    words = [*map(os.path.basename, sys.argv[:1]), *sys.argv[1:]]
    who = {"process": os.getpid(), "machine": platform.node(), "command": shlex.join(words)}
    with suppress(OSError):  # on a full disk the lock holds without a name
        file.truncate(0)
        file.write(json.dumps({**who, "since": datetime.now().astimezone().isoformat(timespec="seconds")}) + "\n")
        file.flush()
    return file


def _holder(file: IO[str]) -> str:
    try:
        file.seek(0)
        who: dict[str, Any] = json.loads(file.read(4096))
        told = f"process {who['process']} on {who['machine']} since {who['since']} ({who['command']})"
    except (OSError, ValueError, KeyError, TypeError):
        told = "a process that does not say which"
    return f"another run is writing there: {told}"


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[str]) -> None:
        file.seek(_FAR)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(*error.args) from error
        finally:
            file.seek(0)
else:
    import fcntl

    def _lock(file: IO[str]) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
