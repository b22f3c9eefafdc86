"""File names made from text of others: the same on every system, and never a way out of a folder."""

from __future__ import annotations

import unicodedata

_FORBIDDEN = frozenset('<>:"/\\|?*')  # on Windows; the slash everywhere
_EDGES = " ."  # Windows drops them at the end, and a dot in front hides a file
_FORMULA = "=+-@'"  # a spreadsheet would run a name that begins so
_RESERVED = {"con", "prn", "aux", "nul"} | {f"{port}{number}" for port in ("com", "lpt") for number in "0123456789¹²³"}
LONGEST = 80
"""Bytes of a name, far below what file systems take, since endings and folders come to it."""


def safe_name(text: str, longest: int = LONGEST) -> str:
    """Make a name for a file or folder that Windows, macOS and Linux all take.

    Parameters
    ----------
    text : str
        Anything.
    longest : int
        Bytes in UTF-8 that it may have.

    Returns
    -------
    str
        One part of a path, never empty: no separator, no sign that cannot be seen, no name of a device. Accents stay.
        A name that is safe already is given back as it is.
    """
    text = unicodedata.normalize("NFC", text)
    text = "".join("_" if sign in _FORBIDDEN or not sign.isprintable() else sign for sign in text)
    text = text.lstrip(_EDGES + _FORMULA).encode()[:longest].decode(errors="ignore").rstrip(_EDGES)
    if text.partition(".")[0].rstrip().lower() in _RESERVED:
        text = f"_{text}".encode()[:longest].decode(errors="ignore").rstrip(_EDGES)
    return text or "_"
