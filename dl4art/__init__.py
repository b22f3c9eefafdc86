"""Thread counts, weave maps and canvas comparison from X-ray plates of paintings."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# Public names and the rooms they live in; a room is imported when one of its names is first asked for.
_ROOMS = {
    "FabricComparer": "dl4art.siamese",
    "Plate": "dl4art.cropping",
    "cut_crops": "dl4art.cropping",
    "read_plate": "dl4art.cropping",
    "SpectralCounter": "dl4art.regression",
    "ThreadCounter": "dl4art.regression",
    "ThreadEstimate": "dl4art.regression",
    "Dl4artError": "dl4art.utils",
}

__all__ = [
    "Dl4artError",
    "FabricComparer",
    "Plate",
    "SpectralCounter",
    "ThreadCounter",
    "ThreadEstimate",
    "cut_crops",
    "read_plate",
]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return getattr(import_module(_ROOMS[name]), name)
    raise AttributeError(f"module 'dl4art' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_ROOMS])
