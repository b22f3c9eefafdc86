"""Files that are written whole or not at all, and their hashes."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dl4art.utils.errors import OutputError


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `path`, and rename it to `path` if the block ends well.

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
    try:
        suffix = "".join(target.suffixes[-2:])
        handle, name = tempfile.mkstemp(prefix=f".{target.stem}-", suffix=suffix, dir=target.parent)
        os.close(handle)
    except OSError as error:
        raise OutputError(f"{target}: cannot be written ({error.strerror}). Choose another place with -o.") from error
    temporary = Path(name)
    try:
        yield temporary
        # mkstemp makes files private; a result is as readable as any other file of this user
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        os.replace(temporary, target)
    except OSError as error:
        raise OutputError(f"{target}: cannot be written ({error.strerror}). Choose another place with -o.") from error
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def make_folder(path: str | Path) -> None:
    """Make a folder for results, and those above it; OutputError if there can be none."""
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: cannot be made ({error.strerror}). Choose another place with -o.") from error


def sha256(path: str | Path) -> str:
    """SHA-256 of a file's bytes, as hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
