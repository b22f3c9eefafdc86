"""What a compared collection leaves: tables, pictures and one document; and what is said of it on the screen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from scipy.cluster import hierarchy

from dl4art.siamese.collection import VERDICTS, AllPairs, cluster, groups, linked
from dl4art.siamese.collection_encoding import FailedPlate, KeptCanvas
from dl4art.siamese.collection_figures import draw_matrix, draw_tree
from dl4art.siamese.comparison import limits_of
from dl4art.siamese.encoded import own_cautions, pair_cautions
from dl4art.siamese.false_matches import Expected, expected_matches
from dl4art.siamese.stability import CropNeeds
from dl4art.utils import tables
from dl4art.utils.files import atomic_path
from dl4art.utils.pages import png

NEIGHBOURS = 10
_PAIR_COLUMNS = ("similarity", "low", "high", "verdict", "apart", "turned", "halved", "compared", "remarks")


@dataclass(frozen=True, eq=False)
class ComparedCollection:
    """A collection with all of its pairs."""

    canvases: Sequence[KeptCanvas]
    failed: Sequence[FailedPlate]
    pairs: AllPairs
    calibration: dict[str, Any]
    """Of the model folder."""
    needs: CropNeeds
    """How many crops of each canvas a verdict needs."""

    @property
    def names(self) -> list[str]:
        """Of the canvases."""
        return [canvas.name for canvas in self.canvases]

    @cached_property
    def tree(self) -> Any:
        """Average linkage."""
        return cluster(self.pairs)

    @cached_property
    def order(self) -> list[int]:
        """Of the canvases in the pictures: alike ones side by side."""
        return [int(place) for place in hierarchy.leaves_list(self.tree)]

    @cached_property
    def groups(self) -> list[list[int]]:
        """Canvases that hang together."""
        return groups(self.pairs)

    @cached_property
    def expected(self) -> Expected:
        """False matches."""
        count = len(self.pairs)
        ways = count * (count - 1) // 2
        return expected_matches(self.calibration, ways, ways - int(self.pairs.has("excluded").sum()) // 2)

    @cached_property
    def verdicts(self) -> dict[str, int]:
        """How many pairs are given each."""
        return {verdict: int(self.pairs.has(verdict).sum()) // 2 for verdict in VERDICTS}

    @cached_property
    def remarks(self) -> list[str]:
        """What a person should know of canvases, and of pairs that are not what they seem; scales are in pairs.csv."""
        own = [text for canvas in self.canvases for text in own_cautions(canvas.encoded, self.needs)]
        together = [text for a, b in self.pairs.each() for text in self.of_pair(a, b) if "px/cm" not in text]
        scales = sorted({canvas.encoded.record.px_per_cm for canvas in self.canvases})
        resampled = [f"the plates have {scales[0]:g} to {scales[-1]:g} px/cm: all were resampled to one scale, and a "
                     "difference in sharpness may be left"] if scales[-1] / scales[0] > 1.01 else []  # fmt: skip
        return [*together, *resampled, *own]

    def of_pair(self, a: int, b: int) -> list[str]:
        """Say what a person should know of a pair."""
        first, second = (self.canvases[place].encoded for place in (a, b))
        return pair_cautions(first, second, halved=bool(self.pairs.halved[a, b]))

    def row(self, a: int, b: int) -> dict[str, Any]:
        """All that is found out about a pair; None where there is no interval."""
        found = asdict(self.pairs.pair(a, b))
        wholly = bool(np.isfinite(found["low"]))
        remarks = "; ".join(self.of_pair(a, b))
        if not wholly:
            found |= {"low": None, "high": None}
        return found | {"compared": "all crops" if wholly else "mean vectors", "remarks": remarks}


def write_collection(folder: Path, found: ComparedCollection, about: dict[str, Any]) -> None:
    """Write all files of a compared collection, each whole or not at all, the document last.

    Parameters
    ----------
    folder : Path
        Where they go; it must exist.
    found : ComparedCollection
        The collection.
    about : dict
        Its provenance, from `dl4art.utils.provenance.provenance`.
    """
    names, pairs = found.names, found.pairs
    similarity = pairs.similarity.round(6).tolist()
    # no canvas is called nothing, so that the column of names has a name of its own
    matrix = (dict(zip(("", *names), (name, *row), strict=True)) for name, row in zip(names, similarity, strict=True))
    tables.write_csv(folder / "matrix.csv", ("", *names), matrix)
    tables.write_csv(folder / "pairs.csv", ("a", "b", *_PAIR_COLUMNS), _pair_rows(found))
    tables.write_csv(folder / "neighbours.csv", ("canvas", "rank", "neighbour", *_PAIR_COLUMNS), _neighbour_rows(found))
    for name, figure in (
        ("matrix.png", draw_matrix(pairs, names, found.order)),
        ("dendrogram.png", draw_tree(found.tree, names, found.groups)),
    ):
        with atomic_path(folder / name) as temporary:
            temporary.write_bytes(png(figure, dpi=150))
    tables.write_json(folder / "collection.json", about | _document(found))


def _pair_rows(found: ComparedCollection) -> Iterator[dict[str, Any]]:
    for a, b in found.pairs.each():
        yield {"a": found.names[a], "b": found.names[b], **found.row(a, b)}


def _neighbour_rows(found: ComparedCollection) -> Iterator[dict[str, Any]]:
    for place, name in enumerate(found.names):
        for rank, other in enumerate(found.pairs.nearest(place, NEIGHBOURS), start=1):
            yield {"canvas": name, "rank": rank, "neighbour": found.names[other], **found.row(place, other)}


def _document(found: ComparedCollection) -> dict[str, Any]:
    names = found.names
    return {
        "canvases": [
            {
                "name": canvas.name,
                "files": [str(file) for file in canvas.files],
                **{name: value for name, value in asdict(canvas.encoded.record).items() if name != "positions_cm"},
                "notes": canvas.encoded.notes,
            }
            for canvas in found.canvases
        ],
        "failed": [asdict(plate) for plate in found.failed],
        "verdicts": found.verdicts,
        "groups": [
            {
                "canvases": [names[place] for place in group],
                "compatible_with_some": [names[place] for place in linked(found.pairs, group)],
            }
            for group in found.groups
        ],
        "order": [names[place] for place in found.order],
        "expected_false_matches": found.expected.to_dict(),
        "warnings": found.remarks,
        "limits": limits_of(found.calibration),
    }
