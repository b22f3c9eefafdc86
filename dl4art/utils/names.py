"""Names of files that every system takes, made from names of which only one system need have heard."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Container, Mapping, Sequence
from pathlib import Path, PurePath

_RESERVED = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"} | {
    f"{device}{digit}" for device in ("COM", "LPT") for digit in "123456789\u00b9\u00b2\u00b3"
}
_STRANGE = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
_EDGES = " ."  # Windows drops them at the end, and a dot in front hides a file
_FORMULA = "=+-@'"  # a spreadsheet would run a name that begins so
_LONGEST_BYTES = 200  # of 255 that file systems take, so that an ending has room


def safe_name(name: str) -> str:
    """Give a name that Windows, macOS and Linux all take for a file, as near to `name` as can be.

    Signs with a meaning in paths become ``_``, dots and blanks at the end go, what Windows reserves for devices
    (``CON``, ``nul.tif``) gets a ``_`` in front, and what is too long is cut.
    """
    safe = _STRANGE.sub("_", name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
    safe = safe.encode()[:_LONGEST_BYTES].decode("utf-8", "ignore").rstrip(". ")
    # Windows looks at what stands before the first dot
    if not safe.strip(". ") or safe.partition(".")[0].rstrip().upper() in _RESERVED:
        safe = f"_{safe}"
    return safe


def clean_name(text: str, longest: int = 80) -> str:
    """Make a name for a file or folder from any text, such as a title in a table of others.

    Parameters
    ----------
    text : str
        Anything.
    longest : int
        Bytes in UTF-8 that it may have.

    Returns
    -------
    str
        A `safe_name` with no sign that cannot be seen, and with nothing in front that would hide it or make a formula
        of it. Accents stay.
    """
    text = unicodedata.normalize("NFC", text)
    text = _STRANGE.sub("_", "".join(sign if sign.isprintable() else "_" for sign in text))
    text = text.lstrip(_EDGES + _FORMULA).encode()[:longest].decode(errors="ignore").rstrip(_EDGES)
    return safe_name(text).encode()[:longest].decode(errors="ignore").rstrip(_EDGES)


def safe_path(path: PurePath) -> PurePath:
    """Give a relative path of such names."""
    return PurePath(*map(safe_name, path.parts))


def free_name(name: str, taken: Container[str]) -> str:
    """Give a safe name that is not among those taken, which are in lower case: file systems may not tell cases apart.

    A number is added where two meet.
    """
    safe = safe_name(name)
    found, number = safe, 1
    while found.lower() in taken:
        number += 1
        found = f"{safe}-{number}"
    return found


def names_for(files: Sequence[Path], kept: Mapping[str, str]) -> list[str]:
    """Name results after their files, no name twice.

    Parameters
    ----------
    files : sequence of Path
        The files.
    kept : mapping of str to str
        Names that an earlier run has given, by absolute paths: they stay, whichever files there are now.
    """
    taken = {name.lower() for name in kept.values()}
    names = []
    for path in files:
        name = kept.get(os.path.abspath(path)) or free_name(path.stem, taken)
        taken.add(name.lower())
        names.append(name)
    return names
