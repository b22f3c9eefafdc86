"""Craquelure and paint loss in photographs of paintings: segmentation and measures.

Photographs are opened by `dl4art.cropping.photographs.read_photograph`. The networks and their losses are in modules of
their own, which bring Keras.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from dl4art.craquelure.islands import IslandSizes
from dl4art.craquelure.labels import read_damage, write_damage
from dl4art.craquelure.measures import DamageMeasures, measure_damage
from dl4art.craquelure.metrics import LineScores, Scores, confusion, line_scores, scores
from dl4art.craquelure.skeleton import skeletonise
from dl4art.craquelure.tophat import TopHat, enhance, side_from_mm, tophat_cracks, tune_tophat

# imported when first asked for: they bring Keras, or Matplotlib
_MODULES = {"SegmentOptions": "segmented", "Segmenter": "segmenter", "segment_photograph": "segmented"}

__all__ = [
    "DamageMeasures",
    "IslandSizes",
    "LineScores",
    "Scores",
    "SegmentOptions",
    "Segmenter",
    "TopHat",
    "confusion",
    "enhance",
    "line_scores",
    "measure_damage",
    "read_damage",
    "scores",
    "segment_photograph",
    "side_from_mm",
    "skeletonise",
    "tophat_cracks",
    "tune_tophat",
    "write_damage",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"dl4art.craquelure.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'dl4art.craquelure' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_MODULES])
