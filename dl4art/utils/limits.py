"""How much a file may ask for before it is opened: small files can claim, or unpack to, more than any memory holds.

Each limit can be set by an environment variable. Nothing heavy is imported here.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

from dl4art.utils.errors import InputError


@dataclass(frozen=True)
class Limit:
    """A limit with the environment variable that sets another."""

    variable: str
    default: float
    unit: str
    """What it counts, by the million."""
    what: str

    def __call__(self) -> int:
        """Give the limit in single units; InputError if the variable holds no number above zero."""
        text = os.environ.get(self.variable, "").strip()
        try:
            value = float(text) if text else self.default
        except ValueError:
            value = math.nan
        if not (math.isfinite(value) and value > 0):
            raise InputError(
                f"{self.variable}={text}: is no number of mega{self.unit}s above zero. Set one, or unset it."
            )
        return int(value * 1e6)

    def check(self, path: str | Path, asked: int, what: str, hint: str = "") -> None:
        """Raise InputError if a file asks for more.

        Parameters
        ----------
        path : path
            The file.
        asked : int
            How many pixels or bytes.
        what : str
            What they are, as in ``"a PNG of 3 x 4 pixels, decoded whole,"``.
        hint : str
            What else can be done about it.
        """
        if asked > self():
            found, most = (f"{min(number, 10**30) / 1e6:,.6g}" for number in (asked, self()))
            raise InputError(
                f"{path}: {what} comes to {found} mega{self.unit}s; the limit is {most}. "
                f"{hint}{' ' if hint else ''}If you know the file and have the memory, set {self.variable} higher."
            )


WHOLE = Limit("DL4ART_WHOLE_MEGAPIXELS", 400, "pixel", "a picture, or a part of it, that must be decoded whole")
"""Pixels of a PNG, a JPEG, a DICOM frame, or a compressed strip or tile of a TIFF."""
PLATE = Limit("DL4ART_PLATE_MEGAPIXELS", 20_000, "pixel", "a TIFF that is read piece by piece")
TEXT = Limit("DL4ART_TEXT_MEGABYTES", 200, "byte", "labels and tables")
ARRAYS = Limit("DL4ART_ARRAY_MEGABYTES", 2_000, "byte", "an unpacked NumPy archive, or weights")
LIMITS = (WHOLE, PLATE, TEXT, ARRAYS)
HELP = "Larger files are refused before they are decoded; environment variables set other limits: " + "; ".join(
    f"{limit.variable}={limit.default:g}, {limit.what}" for limit in LIMITS
)


def check_memory(path: str | Path, needed: int) -> None:
    """Raise InputError if so many bytes are not free, as far as the system tells: killed processes say nothing."""
    free = free_memory()
    if free is not None and needed > free:
        raise InputError(
            f"{path}: reading it takes about {needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB are free. Close "
            "other programs, or convert it to grey, tiled TIFF, which is read piece by piece."
        )


def free_memory() -> int | None:
    """Bytes that a program can still have without swapping, on Linux; None where that is not known."""
    found = [_available(), _left_in_group()]
    return min((value for value in found if value is not None), default=None)


def _available() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        facts = dict(line.split(":", 1) for line in lines)
        return int(facts["MemAvailable"].split()[0]) * 1024
    except (OSError, ValueError, KeyError, IndexError):
        return None


def _left_in_group() -> int | None:
    """Bytes that the control group of a container leaves; what it keeps of files can be dropped."""
    group = Path("/sys/fs/cgroup")
    try:
        most, now = (int((group / f"memory.{name}").read_text(encoding="ascii")) for name in ("max", "current"))
        facts = dict(line.split() for line in (group / "memory.stat").read_text(encoding="ascii").splitlines())
        return most - now + int(facts.get("inactive_file", 0))
    except (OSError, ValueError):
        return None


def read_text(path: str | Path, encoding: str = "utf-8") -> str:
    """Read a text of others whole; InputError above the limit, OSError and ValueError as `Path.read_text`."""
    TEXT.check(path, os.stat(path).st_size, "a text of this size")
    return Path(path).read_text(encoding=encoding)
