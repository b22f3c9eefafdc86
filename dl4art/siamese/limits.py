"""What limits a comparison: how well cloths are told apart on pictures of each quality, and what else it looks at.

The oracle knows each thread; a picture shows threads through noise and unsharpness. Areas in bands of both say what the
pictures withhold, and canvases that share everything but the cloth whether a network takes that for the cloth.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from dl4art.regression.count_plate import Counter
from dl4art.siamese.canvas import FEWEST, asked_densities
from dl4art.siamese.comparer import FabricComparer
from dl4art.siamese.held import look_in_families
from dl4art.siamese.looks import Looks
from dl4art.siamese.samples import FamilySamples, gather_samples
from dl4art.siamese.similarity import evidence
from dl4art.simulation.families import FamilyPlan, draw_family, draw_shared_family
from dl4art.simulation.statistics import STATISTICS

NOISE_BANDS = (1.5, 2.0, 3.0, 5.0, 8.0, np.inf)
"""Contrast-to-noise ratios of the worse crop of a pair; less than the first is not drawn."""
BLUR_BANDS = (0.0, 1.0, 2.0, 3.0, 5.0)
"""Unsharpness of the film of the less sharp crop of a pair, px at 200 px/cm."""
COUNT_BANDS = (0.0, 0.01, 0.03, 0.06, 0.15, np.inf)
"""Errors of the densities by which the worse crop of a pair is looked at, the larger of both directions, as shares."""


@dataclass(frozen=True, eq=False)
class SeenFamilies:
    """Crops of families with how well their weave can be seen; arrays (n,)."""

    samples: FamilySamples
    ratio: npt.NDArray[np.float32]
    """Contrast-to-noise ratio of the worse thread direction."""
    blur: npt.NDArray[np.float32]
    plates: int
    """Plates of each cloth."""


def draw_seen(numbers: Sequence[int], plan: FamilyPlan, *, shared: bool = False) -> SeenFamilies:
    """Draw families of the test split; `shared` ones lie under the same radiographs, cloth for cloth."""
    draw = draw_shared_family if shared else draw_family
    drawn = [(family, crop) for family in numbers for crop in draw("test", family, plan)]
    return SeenFamilies(
        gather_samples(drawn, plan),
        np.array([min(crop.readable) for _, crop in drawn], np.float32),
        np.array([crop.scene.radiograph.film.blur for _, crop in drawn], np.float32),
        plan.plates,
    )


def look_at(comparer: FabricComparer, counter: Counter, samples: FamilySamples) -> tuple[Looks, Looks]:
    """Look at crops as they are counted, and by their true densities, which nobody has."""
    grey = samples.grey.astype(np.float32)
    counted, guessed = asked_densities(counter, [*grey])
    true = _true_densities(samples)
    return look_in_families(comparer, samples, (counted[:, 0], guessed)), look_in_families(
        comparer, samples, (true, np.stack([true, true], axis=1))
    )


def area_by_quality(
    comparer: FabricComparer, seen: SeenFamilies, looks: Looks, density: npt.NDArray[np.floating[Any]]
) -> dict[str, Any]:
    """Areas under the ROC curve for pairs of crops of one family, from two plates: all, and in bands of quality.

    Parameters
    ----------
    comparer, seen, looks
        What is tested, the crops, and how they look.
    density : (n, 2) array
        Their densities as counted, th/cm, by whose errors pairs are put into bands.

    Returns
    -------
    dict
        ``all``, ``pairs``, and under ``noise``, ``blur`` and ``count`` lists of ``from``, ``to``, ``pairs``, ``auc``;
        None for the end of the last band, and for the area where a band has pairs of one kind only.
    """
    wrong = np.abs(density / _true_densities(seen.samples) - 1).max(axis=1)
    tables = []
    for family in np.unique(seen.samples.family):
        mine = np.flatnonzero(seen.samples.family == family)
        plate, cloth = seen.samples.plate[mine], seen.samples.cloth[mine]
        once = plate[:, None] < plate
        columns = (
            comparer.score_looks(looks[mine], looks[mine]).logits,
            cloth[:, None] == cloth,
            np.minimum.outer(seen.ratio[mine], seen.ratio[mine]),
            np.maximum.outer(seen.blur[mine], seen.blur[mine]),
            np.maximum.outer(wrong[mine], wrong[mine]),
        )
        tables.append(np.stack([column[once] for column in columns]))
    scores, same, ratio, blur, off = np.concatenate(tables, axis=1)

    def bands(values: npt.NDArray[Any], edges: Sequence[float]) -> list[dict[str, Any]]:
        found = []
        for low, high in pairwise(edges):
            chosen = (values >= low) & (values < high)
            area = _auc(same[chosen], scores[chosen])
            end = float(high) if np.isfinite(high) else None
            found.append({"from": float(low), "to": end, "pairs": int(chosen.sum()), "auc": area})
        return found

    return {
        "all": _auc(same, scores),
        "pairs": len(scores),
        "noise": bands(ratio, NOISE_BANDS),
        "blur": bands(blur, BLUR_BANDS),
        "count": bands(off, COUNT_BANDS),
    }


def confounded_area(comparer: FabricComparer, seen: SeenFamilies, looks: Looks) -> dict[str, Any]:
    """Areas for one cloth under other radiographs against other cloths under the same: crops, and canvases of all.

    Parameters
    ----------
    comparer : FabricComparer
        What is tested.
    seen : SeenFamilies
        Drawn with `shared`, so that plates of one number within a family have one radiograph.
    looks : Looks
        Of its crops.
    """
    samples = seen.samples
    crop_scores, crop_same, canvas_scores, canvas_same = [], [], [], []
    for first, second in combinations(np.unique(samples.plate), 2):
        one, other = (np.flatnonzero(samples.plate == plate) for plate in (first, second))
        if samples.family[one[0]] != samples.family[other[0]]:
            continue
        same = bool(samples.cloth[one[0]] == samples.cloth[other[0]])
        if same == (first % seen.plates == second % seen.plates):
            continue
        scores = comparer.score_looks(looks[one], looks[other]).logits
        crop_scores.append(scores.ravel())
        crop_same.append(np.full(scores.size, same))
        # a canvas is what can be counted of it
        read = [np.flatnonzero(~looks.doubtful[crops]) for crops in (one, other)]
        if min(map(len, read)) >= FEWEST:
            views = [looks.views[0][crops[part]] for crops, part in zip((one, other), read, strict=True)]
            canvas_scores.append(evidence(comparer.pair_scores(*views)))
            canvas_same.append(same)
    return {
        "crops": _auc(np.concatenate(crop_same), np.concatenate(crop_scores)),
        "canvases": _auc(np.array(canvas_same), np.array(canvas_scores)),
        "pairs": len(canvas_same),
    }


def _true_densities(samples: FamilySamples) -> npt.NDArray[np.float64]:
    """Of the threads in the crops themselves, (n, 2), th/cm."""
    return np.exp(samples.statistics[..., STATISTICS.index("log_density")].astype(np.float64))


def _auc(same: npt.NDArray[Any], scores: npt.NDArray[Any]) -> float | None:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(same, scores)) if len(np.unique(same)) == 2 else None
