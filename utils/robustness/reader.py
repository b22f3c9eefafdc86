"""What a reader is to those who feed it mutants."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robustness.mutation import Mutate, mutate_bytes, unpacked

LIMITS = {
    "DL4ART_WHOLE_MEGAPIXELS": "1",
    "DL4ART_PLATE_MEGAPIXELS": "1",
    "DL4ART_TEXT_MEGABYTES": "1",
    "DL4ART_ARRAY_MEGABYTES": "20",
}
"""Under which mutants are read, so that a bomb of any size shows."""


@dataclass(frozen=True)
class Reader:
    """A reader, the format it reads, and how mutants of it are made."""

    name: str
    format: str
    file: str
    """Name that a mutant gets."""
    samples: Callable[[], list[bytes]]
    read: Callable[[Path], Any]
    mutate: Mutate = mutate_bytes
    slow: bool = False
    """Needs Keras, or takes long: in the long suite only."""
    share: float = 1.0
    """Of the mutants that others get, if it is slow."""


def unzipped(path: Path) -> Path:
    """Give a folder of what a sample holds, its names not believed."""
    folder = path.with_name("unzipped")
    folder.mkdir(exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    try:
        members = unpacked(path.read_bytes())
    except Exception:  # the ZIP is ours, not the format that is tested
        return folder
    for name, data in members.items():
        if "/" not in name and "\x00" not in name and name not in ("", ".", ".."):
            (folder / name).write_bytes(data)
    return folder


def believed(path: Path) -> Path:
    """Give the same for a model, with the hash of its weights as they are now: who means harm mends it."""
    folder = unzipped(path)
    config = folder / "config.json"
    weights = next(folder.glob("model.*"), None)
    if config.exists() and weights is not None:
        with suppress(ValueError, TypeError):
            told = json.loads(config.read_bytes())
            told["sha256"] = hashlib.sha256(weights.read_bytes()).hexdigest()
            config.write_text(json.dumps(told))
    return folder
