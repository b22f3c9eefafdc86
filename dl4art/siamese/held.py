"""Held-out crops, counted and looked at: what a comparer is calibrated and tested on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dl4art.regression.count_plate import Counter
from dl4art.siamese.calibration import Array
from dl4art.siamese.canvas import asked_densities
from dl4art.siamese.comparer import FabricComparer
from dl4art.siamese.looks import Looks, join_looks
from dl4art.siamese.samples import FamilySamples
from dl4art.utils.arrays import load_arrays
from dl4art.utils.files import atomic_path

_AT_ONCE = 160  # crops in memory as floats


@dataclass(frozen=True, eq=False)
class HeldSet:
    """Held-out crops, how they look, and what `counted_densities` says of each, (n, 2, 2)."""

    samples: FamilySamples
    looks: Looks
    counted: Array

    @property
    def vectors(self) -> npt.NDArray[np.float32]:
        """Of the crops in the frames of the first guess of their densities, (n, 2, d)."""
        return self.looks.views[0]


def hold(comparer: FabricComparer, counter: Counter, samples: FamilySamples, kept: Path) -> HeldSet:
    """Count and encode held-out crops; the counts wait in a file, since they take longest."""
    counted, density = _counted(counter, samples, kept)
    return HeldSet(samples, look_in_families(comparer, samples, (counted[:, 0], density)), counted)


def look_in_families(comparer: FabricComparer, samples: FamilySamples, counts: tuple[Array, Array]) -> Looks:
    """Look at crops in all the ways that count for pairs within a family; `counts` as for `FabricComparer.look`."""
    looks = []
    for family in np.unique(samples.family):
        mine = np.flatnonzero(samples.family == family)
        beside = counts[1][mine, 0]
        for start in range(0, len(mine), _AT_ONCE):
            part = mine[start : start + _AT_ONCE]
            grey = samples.grey[part]
            seen = comparer.look(grey, counts=(counts[0][part], counts[1][part]))
            looks.append((part, comparer.double(seen, grey, beside)))
    order = np.argsort(np.concatenate([part for part, _ in looks]), kind="stable")
    return join_looks([seen for _, seen in looks])[order]


def _counted(counter: Counter, samples: FamilySamples, kept: Path) -> tuple[Array, Array]:
    """Give the `asked_densities` of crops, from the file where they are kept."""
    made_by = f"{getattr(counter, 'name', type(counter).__name__)}, {len(samples)} crops"
    if kept.exists():
        found = load_arrays(kept, ["made_by", "counted", "density"])
        if str(found["made_by"]) == made_by:
            return found["counted"], found["density"]
    asked = []
    for start in range(0, len(samples), _AT_ONCE):
        pictures = [*samples.grey[start : start + _AT_ONCE].astype(np.float32)]
        asked.append(asked_densities(counter, pictures))
    counts = np.concatenate([counted for counted, _ in asked]), np.concatenate([guessed for _, guessed in asked])
    with atomic_path(kept) as temporary:
        np.savez(temporary, counted=counts[0], density=counts[1], made_by=made_by)
    return counts
