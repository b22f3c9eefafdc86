"""The canvases of a catalogue that are most like a new one."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from dl4art.siamese.catalogue import Catalogue, Entry
from dl4art.siamese.collection import PairResult, judged, scores_with
from dl4art.siamese.comparer import FabricComparer
from dl4art.siamese.comparison import MEANINGS
from dl4art.siamese.encoded import EncodedCanvas, pair_cautions
from dl4art.siamese.similarity import evidence

TOP = 10
"""Neighbours, if nothing else is asked for."""
_CANDIDATES = 2  # times as many as are wanted are compared by all of their crops


@dataclass(frozen=True)
class Neighbour:
    """A canvas of the catalogue and what the comparison with it gave."""

    entry: Entry
    result: PairResult
    warnings: tuple[str, ...]
    """What holds of the two together."""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values, those of the result among the others."""
        meaning = MEANINGS[self.result.verdict]
        return {
            "canvas": self.entry.name,
            "collection": self.entry.collection,
            **asdict(self.result),
            "meaning": meaning,
            "warnings": self.warnings,
        }


def nearest(
    comparer: FabricComparer, canvas: EncodedCanvas, catalogue: Catalogue, *, top: int = TOP, content: str = ""
) -> list[Neighbour]:
    """Find the canvases most like one.

    All are ranked by one score of the canvases' mean vectors, which is quick; the best few are compared as
    `FabricComparer.compare` does, and ranked by their similarity.

    Parameters
    ----------
    comparer : FabricComparer
        That encoded all of them.
    canvas : EncodedCanvas
        The new one.
    catalogue : Catalogue
        Where to look.
    top : int
        How many to find.
    content : str
        Key of the new one, under which the catalogue may have it already: it is left out.
    """
    # first, since other programs may write meanwhile
    names = {entry.content: entry for entry in catalogue.entries()}
    means = {key: mean for key, mean in catalogue.means().items() if key in names and key != content}
    if not means:
        return []
    keys = list(means)
    quick = comparer.pair_scores(canvas.mean[None], np.stack([*means.values()])).logits[0]
    likely = [keys[place] for place in np.argsort(-quick, kind="stable")[: _CANDIDATES * top]]
    others = {key: other for key in likely if (other := catalogue.find(key)) is not None}
    scores = dict(zip(others, scores_with(comparer, canvas, [*others.values()]), strict=True))
    best = sorted(others, key=lambda key: -evidence(scores[key]))[:top]
    found = []
    for key in best:
        result = judged(comparer, canvas, others[key], scores[key])
        said = pair_cautions(canvas, others[key], halved=result.halved)
        found.append(Neighbour(names[key], result, tuple(said)))
    return found
