"""What the scores of single pairs of crops are worth, learnt on held-out crops: doubled densities, plain spectra."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from dl4art.siamese.calibration import Array, fit_doubled, fit_spectra
from dl4art.siamese.comparer import FabricComparer
from dl4art.siamese.held import HeldSet
from dl4art.siamese.looks import agree
from dl4art.siamese.samples import FamilySamples
from dl4art.siamese.similarity import best_of


def few_crops(comparer: FabricComparer, held: HeldSet, each: int = 3) -> HeldSet:
    """Take a few crops of each plate, and look at them beside all the others, of any family."""
    plates = held.samples.plate
    chosen = np.concatenate([np.flatnonzero(plates == plate)[:each] for plate in np.unique(plates)])
    samples, looks = held.samples.take(chosen), held.looks[chosen]
    return HeldSet(samples, comparer.double(looks, samples.grey, looks.density), held.counted[chosen])


def calibrate_doubled(comparer: FabricComparer, few: HeldSet) -> float:
    """Find what is to be taken off the log odds of two crops where a density is doubled; see `few_crops`."""
    looks = few.looks
    bare = replace(comparer, calibration=replace(comparer.calibration, doubled_odds=0.0))
    tables = [*bare.doubled_scores(looks, looks)]
    if not tables:
        return 0.0
    odds = best_of(tables).logits
    odds = np.maximum(odds, odds.T)
    same, near, far = _kinds(few.samples)
    only = ~agree(looks.density, looks.density) & np.isfinite(odds)
    totals = (int(same.sum()), int(near.sum()), int(far.sum()))
    return fit_doubled(odds[same & only], odds[near & only], odds[far & only], totals)


def _kinds(samples: FamilySamples) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Pairs of crops from two plates, each once, (n, n): of one cloth, of two in a family, of two families."""
    once = np.triu(samples.plate[:, None] != samples.plate, 1)
    one, near = (label[:, None] == label for label in (samples.cloth, samples.family))
    return once & one, once & near & ~one, once & ~near


def calibrate_spectra(comparer: FabricComparer, few: HeldSet) -> tuple[float, float]:
    """Find what the spectra of crops that cannot be counted are worth; see `few_crops`."""
    samples, looks = few.samples, few.looks
    bare = replace(comparer, calibration=replace(comparer.calibration, spectrum_weight=0.0))
    scores = bare.score_looks(looks, looks)
    odds = np.stack([scores.straight, scores.turned])
    cosines = np.stack([looks.spectra[:, 0] @ looks.spectra[:, way].T for way in (0, 1)])
    pairs = looks.doubtful[:, None] | looks.doubtful
    same, near, far = _kinds(samples)
    # two cloths lie to each other in no way that were the right one
    any_way = np.random.default_rng(0).integers(2, size=pairs.shape)
    way = np.where(samples.cloth[:, None] == samples.cloth, samples.turned[:, None] != samples.turned, any_way)[None]
    values = np.stack([np.take_along_axis(part, way, axis=0)[0] for part in (odds, cosines)], axis=-1)
    return fit_spectra(values[pairs & same], values[pairs & near], values[pairs & far])


def known_pair_scores(comparer: FabricComparer, held: HeldSet) -> tuple[Array, Array]:
    """Log odds of pairs of crops that can be counted, from two plates of a family: of one cloth, and of two."""
    samples, readable = held.samples, np.isfinite(held.counted).all(axis=(1, 2))
    same, different = [], []
    for family in np.unique(samples.family):
        mine = np.flatnonzero((samples.family == family) & readable)
        logits = comparer.pair_scores(held.vectors[mine], held.vectors[mine]).logits
        plate, cloth = samples.plate[mine], samples.cloth[mine]
        once, one = plate[:, None] < plate, cloth[:, None] == cloth
        same.append(logits[once & one])
        different.append(logits[once & ~one])
    return np.concatenate(same), np.concatenate(different)
