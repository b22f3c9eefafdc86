"""Threads per centimetre: the network, the spectral method, both together, with intervals; maps and centre-lines."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from dl4art.regression.combined import CombinedCounter
from dl4art.regression.counter import ThreadCounter
from dl4art.regression.estimate import ThreadEstimate
from dl4art.regression.spectral import SpectralCounter, refine_density, spectral_peaks

# imported when first asked for: reports bring Matplotlib
_MODULES = {
    "MapOptions": "mapped_plate",
    "MapSummary": "map_summary",
    "MappedPlate": "mapped_plate",
    "ThreadMap": "maps",
    "TrackedThreads": "tracking",
    "map_plate": "mapped_plate",
    "map_threads": "maps",
    "read_map": "mapped_plate",
    "summarise": "map_summary",
    "track_threads": "tracking",
}

__all__ = [
    "CombinedCounter",
    "MapOptions",
    "MapSummary",
    "MappedPlate",
    "SpectralCounter",
    "ThreadCounter",
    "ThreadEstimate",
    "ThreadMap",
    "TrackedThreads",
    "map_plate",
    "map_threads",
    "read_map",
    "refine_density",
    "spectral_peaks",
    "summarise",
    "track_threads",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"dl4art.regression.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'dl4art.regression' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_MODULES])
