"""Files that are written whole or not at all, their hashes, and whether they stay as they are."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dl4art.utils.errors import InputError, OutputError

State = tuple[int, int]
"""Size of a file in bytes, and when it was last changed, in ns."""
_LEFTOVER = re.compile(r"\.dl4art-([0-9a-f]{8})-\w{8}(\..*)?")
_LONGEST_SUFFIX = 24  # of a temporary name: longer ones are no suffixes, but names with dots in them


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`, and rename it to `path` if the block ends well.

    What was written is on the disk before it gets its name, so that a power cut leaves the old file or the new one.

    Parameters
    ----------
    path : path
        The file to write. Its folder must exist.

    Yields
    ------
    Path
        Where to write; it has the last two suffixes of `path` (``.weights.h5``).

    Raises
    ------
    OutputError
        If the file cannot be written there.
    """
    target = Path(path)
    suffix = "".join(target.suffixes[-2:])
    suffix = suffix if len(suffix) <= _LONGEST_SUFFIX else target.suffix[:_LONGEST_SUFFIX]
    try:
        handle, name = tempfile.mkstemp(prefix=temporary_prefix(target), suffix=suffix, dir=target.parent)
        os.close(handle)
    except OSError as error:
        raise _cannot_write(target, error) from error
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes files private; a result is as readable as any other file of this user
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        _synchronise(temporary)
        os.replace(temporary, target)
        with suppress(OSError):  # not every system lets a folder be opened
            _synchronise(target.parent, os.O_RDONLY)
    except OSError as error:
        raise _cannot_write(target, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def temporary_prefix(target: Path) -> str:
    """How names of temporary files for a result begin; `sweep` knows them by it."""
    return f".dl4art-{zlib.crc32(os.fsencode(target.name)):08x}-"


def sweep(result: str | Path, *, beside: bool = False) -> None:
    """Delete what a killed run has left half written: of a file, or of all files in a folder and below it.

    Only for who holds the result (`dl4art.utils.holding.held`): another run may be writing. A folder that is made
    `beside` itself and renamed when it is whole is taken as a file is.
    """
    result = Path(result)
    mine = None if result.is_dir() and not beside else temporary_prefix(result)
    found = result.rglob(".dl4art-*") if mine is None else result.parent.glob(f"{mine}*")
    for path in [path for path in found if _LEFTOVER.fullmatch(path.name)]:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()


def make_folder(path: str | Path) -> None:
    """Make a folder for results, and those above it; OutputError if there can be none."""
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be made ({error.strerror}). Choose another place with -o.") from error


def remove(path: str | Path) -> None:
    """Delete a result if it is there; OutputError if it cannot be deleted."""
    try:
        Path(path).unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be replaced ({error.strerror}). Choose another place with -o.") from error


def sha256(path: str | Path) -> str:
    """SHA-256 of a file's bytes, as hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_state(path: str | Path) -> State | None:
    """Size and time of change of a file; None if it is not there."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):  # ValueError: no name that a file can have
        return None
    return status.st_size, status.st_mtime_ns


def check_unchanged(path: str | Path, before: State | None) -> None:
    """Raise InputError if a file is not as it was before it was read: what was read may be half one, half the other."""
    after = file_state(path)
    if after != before or after is None:
        what = "is gone" if after is None else "has changed"
        raise InputError(f"{path}: {what} since it was begun to be read. Give the same command again once it is there.")


def _cannot_write(target: Path, error: OSError) -> OutputError:
    return OutputError(f"{target}: cannot be written ({error.strerror or error}). Choose another place with -o.")


def _synchronise(path: Path, flags: int = os.O_RDWR) -> None:
    handle = os.open(path, flags | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
