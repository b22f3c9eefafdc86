"""Same cloth? Encoder, pair head, aggregation over pairs of crops, calibration; and weave matching."""

from __future__ import annotations

from importlib import import_module
from typing import Any

# imported when first asked for: the networks bring Keras, the arithmetic does not
_MODULES = {
    "Calibration": "calibration",
    "CanvasRecord": "comparison",
    "Catalogue": "catalogue",
    "CollectionMatches": "weave_collection",
    "Comparison": "comparison",
    "Control": "comparison",
    "EncodedCanvas": "encoded",
    "FabricComparer": "comparer",
    "PairScores": "similarity",
    "WeaveMap": "weave_profiles",
    "WeaveMatch": "weave_match",
    "draw_match": "weave_figure",
    "match_collection": "weave_collection",
    "match_weaves": "weave_match",
    "compare_all": "collection",
    "nearest": "search",
}

__all__ = [
    "Calibration",
    "CanvasRecord",
    "Catalogue",
    "CollectionMatches",
    "Comparison",
    "Control",
    "EncodedCanvas",
    "FabricComparer",
    "PairScores",
    "WeaveMap",
    "WeaveMatch",
    "compare_all",
    "draw_match",
    "match_collection",
    "match_weaves",
    "nearest",
]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"dl4art.siamese.{_MODULES[name]}"), name)
    raise AttributeError(f"module 'dl4art.siamese' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_MODULES])
