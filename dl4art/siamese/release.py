"""From trained weights to a comparer that can be shipped: calibrated, tested, with its card."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dl4art import __version__
from dl4art.regression.count_plate import Counter
from dl4art.siamese.aggregation import aggregate, areas
from dl4art.siamese.calibration import (
    UNCALIBRATED,
    Array,
    Calibration,
    Densities,
    bolt_limit,
    bolts_apart,
    calibration_error,
    fit_slope,
    quantiles,
    reliability,
    verdict_limits,
)
from dl4art.siamese.canvas import FEWEST
from dl4art.siamese.card import model_card
from dl4art.siamese.comparer import FabricComparer
from dl4art.siamese.false_matches import KEY, matches_of_tests
from dl4art.siamese.held import HeldSet, hold
from dl4art.siamese.losses import evaluate_pairs
from dl4art.siamese.oracle import Oracle, fit_oracle
from dl4art.siamese.pair_calibration import calibrate_doubled, calibrate_spectra, few_crops, known_pair_scores
from dl4art.siamese.samples import simulate_families
from dl4art.siamese.similarity import LEVEL, content_seed, evidence, resampled_evidence
from dl4art.siamese.stability import agreement, stable_crops
from dl4art.siamese.training import ComparerSettings, read_curve
from dl4art.simulation.cloth import Cloth, draw_cloth
from dl4art.simulation.families import FamilySplit
from dl4art.simulation.threads import piece_densities
from dl4art.utils.files import atomic_path, make_folder
from dl4art.utils.models import write_model
from dl4art.utils.provenance import versions

Tell = Callable[[str], None]
TESTS: dict[str, FamilySplit] = {"common family": "test", "held-out family": "held-out"}
VERDICTS = ("compatible", "undecided", "unlike", "excluded")
FEWER = (5, 10, 15, 20)
"""Crops of each canvas with which it is tested besides all."""
_PLATE_CM = 12.0  # of plates that give thirty crops
_ORACLE_FAMILIES = 500  # that the oracle learns from; more make it no better


@dataclass(frozen=True, eq=False)
class Canvas:
    """The readable crops of one held-out plate."""

    family: int
    cloth: int
    vectors: npt.NDArray[np.float32]
    densities: Densities
    seed: int
    counted: Array
    """Densities of the crops and the half-widths of their intervals, (n, 2, 2)."""
    held: HeldSet
    crops: npt.NDArray[np.intp]
    """Their numbers in the held set."""

    @property
    def pixels(self) -> npt.NDArray[np.uint8]:
        """The crops themselves, (n, 300, 300)."""
        return self.held.samples.grey[self.crops]

    def some(self, crops: int) -> Canvas:
        """Take a few of its crops; they are in no order, so that the first ones are any."""
        vectors, counted, numbers = self.vectors[:crops], self.counted[:crops], self.crops[:crops]
        densities = Densities.of(counted[:, 0], counted[:, 1])
        return replace(self, vectors=vectors, densities=densities, counted=counted, crops=numbers)


@dataclass(frozen=True, eq=False)
class KnownPairs:
    """Pairs of canvases of which it is known whether they are one cloth; arrays (n,).

    `low` and `high` are the ends of the interval of the evidence, before calibration.
    """

    same: npt.NDArray[np.bool_]
    evidence: Array
    low: Array
    high: Array
    apart: Array
    doubled: Array


def canvases(held: HeldSet) -> list[Canvas]:
    """Make canvases of the plates of which enough crops can be read, as in a comparison."""
    found = []
    readable = np.isfinite(held.counted).all(axis=(1, 2))
    for plate in np.unique(held.samples.plate):
        crops = np.flatnonzero((held.samples.plate == plate) & readable)
        if len(crops) < FEWEST:
            continue
        first = crops[0]
        found.append(
            Canvas(
                int(held.samples.family[first]),
                int(held.samples.cloth[first]),
                held.vectors[crops],
                Densities.of(held.counted[crops, 0], held.counted[crops, 1]),
                content_seed(held.vectors[crops], 0),
                held.counted[crops],
                held,
                crops,
            )
        )
    return found


def matched(known: list[Canvas]) -> Iterator[tuple[Canvas, Canvas]]:
    """All pairs of canvases in one family: the same cloth, or one of nearly the same densities."""
    for number, first in enumerate(known):
        yield from ((first, second) for second in known[number + 1 :] if second.family == first.family)


def unmatched(known: list[Canvas], each: int = 4, seed: int = 0) -> Iterator[tuple[Canvas, Canvas]]:
    """Each canvas with a few of other families: strangers as one meets them."""
    rng = np.random.default_rng(seed)
    for first in known:
        others = [second for second in known if second.family != first.family]
        for index in rng.permutation(len(others))[:each]:
            yield first, others[index]


def compare_known(comparer: FabricComparer, pairs: Iterable[tuple[Canvas, Canvas]]) -> KnownPairs:
    """Compare pairs of canvases as `FabricComparer.compare` does."""
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    rows = []
    for first, second in pairs:
        scores = comparer.pair_scores(*comparer.meant(first, second))
        low, high = np.quantile(resampled_evidence(scores, (first.seed, second.seed)), tails)
        apart, doubled = (bolts_apart(first.densities, second.densities, doubled=yes) for yes in (False, True))
        rows.append((first.cloth == second.cloth, evidence(scores), low, high, apart, doubled))
    table = np.array(rows, np.float64).reshape(-1, 6)
    return KnownPairs(table[:, 0] > 0, *table[:, 1:].T)


def drifts(known: list[Canvas], count: int = 6000, seed: int = 20266) -> Array:
    """Draw pairs of pieces of one cloth, as large as the plates are, and tell how far they are apart, (count,).

    Their densities are as unsure as those of known canvases, taken at random.
    """
    counted = [canvas.densities for canvas in known]
    unsure = np.array([(d.vertical_half / d.vertical, d.horizontal_half / d.horizontal) for d in counted])
    rng = np.random.default_rng(seed)

    def piece(cloth: Cloth) -> Densities:
        found = np.array(piece_densities(rng, cloth, _PLATE_CM))
        return Densities.of([found], [rng.choice(unsure) * found])

    cloths = (draw_cloth(rng) for _ in range(count))
    return np.array([bolts_apart(piece(cloth), piece(cloth)) for cloth in cloths])


def calibrate(pairs: KnownPairs, crops: int, drifted: npt.ArrayLike) -> Calibration:
    """Fit similarity and limits on canvases that served nothing else.

    Parameters
    ----------
    pairs : KnownPairs
        From `matched`.
    crops : int
        Crops of a canvas.
    drifted : array
        From `drifts`.
    """
    # where a count may have gone wrong, neither densities nor evidence are those of the cloth
    sound = (pairs.apart <= 1) | (pairs.doubled > 1)
    bolt = bolt_limit(pairs.apart[pairs.same & sound], drifted)
    near = pairs.apart <= bolt
    same, other = pairs.same & near, ~pairs.same & near
    slope, intercept = fit_slope(pairs.evidence[same], pairs.evidence[other])
    fitted = replace(UNCALIBRATED, slope=slope, intercept=intercept, bolt=bolt, crops=crops)
    # limits in evidence, which unlike similarity has room at its ends, then carried over
    unlike, compatible = fitted.similarity(verdict_limits(pairs.high[same], pairs.low[other])).tolist()
    similarity = fitted.similarity(pairs.evidence)
    return replace(
        fitted,
        unlike=unlike,
        compatible=compatible,
        same=quantiles(similarity[same]),
        different=quantiles(similarity[other]),
    )


def verdicts(calibration: Calibration, pairs: KnownPairs) -> npt.NDArray[np.str_]:
    """Give the verdict on each of known pairs, (n,), whatever the number of their crops."""
    low, high = calibration.similarity(pairs.low), calibration.similarity(pairs.high)
    found = zip(low, high, pairs.apart, pairs.doubled, strict=True)
    return np.array([calibration.verdict(*values) for values in found], "U10")


def judge(calibration: Calibration, pairs: KnownPairs) -> dict[str, Any]:
    """Tell how often each verdict is given to known pairs, and how their similarities are distributed."""
    given = verdicts(calibration, pairs)
    similarity = calibration.similarity(pairs.evidence)
    result: dict[str, Any] = {}
    for name, chosen in (("same", pairs.same), ("different", ~pairs.same)):
        if not chosen.any():
            continue
        shares = {verdict: float((given[chosen] == verdict).mean()) for verdict in VERDICTS}
        counts, _ = np.histogram(similarity[chosen], bins=10, range=(0, 1))
        spread = np.quantile(similarity[chosen], [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99])
        result[name] = {
            "pairs": int(chosen.sum()),
            **shares,
            "decided": 1 - shares["undecided"],
            "quantiles": spread.tolist(),
            "histogram": counts.tolist(),
        }
    if len(result) == 2:
        from sklearn.metrics import roc_auc_score

        result["auc"] = float(roc_auc_score(pairs.same, pairs.evidence))
        result["reliability"] = reliability(similarity, pairs.same)
        result["calibration_error"] = calibration_error(result["reliability"])
        # both kinds weigh the same, however many there are of each
        result["decided"] = (result["same"]["decided"] + result["different"]["decided"]) / 2
    return result


def evaluate(comparer: FabricComparer, held: HeldSet, oracle: Oracle | None = None) -> dict[str, Any]:
    """Test a calibrated comparer on held-out canvases.

    Parameters
    ----------
    comparer : FabricComparer
        Calibrated.
    held : HeldSet
        From `hold`.
    oracle : Oracle, optional
        What is best possible, from what the simulator knows of the threads.

    Returns
    -------
    dict
        ``pairs`` of crops, for the network and for the ``oracle``; ``canvases`` in one family and ``strangers`` from
        anywhere, with the verdicts; the areas of other ``aggregations`` and ``by_crops`` of each canvas; how often the
        verdict from fewer crops is that from all, ``stability``.
    """
    known = canvases(held)
    pairs = list(matched(known))
    same = [first.cloth == second.cloth for first, second in pairs]

    def scored(chosen: npt.NDArray[np.intp]) -> npt.NDArray[np.float32]:
        scores = comparer.score_looks(held.looks[chosen], held.looks[chosen])
        return np.stack([scores.straight, scores.turned], axis=-1).astype(np.float32)

    whole = compare_known(comparer, pairs)
    result: dict[str, Any] = {
        "pairs": evaluate_pairs(held.samples, scored).to_dict(),
        "canvases": judge(comparer.calibration, whole),
        "strangers": judge(comparer.calibration, compare_known(comparer, unmatched(known))),
    }
    if len(set(same)) == 2:
        result["aggregations"] = areas([aggregate(comparer, *comparer.meant(a, b)) for a, b in pairs], same)
        for crops in FEWER:
            few = [evidence(comparer.pair_scores(*comparer.meant(a.some(crops), b.some(crops)))) for a, b in pairs]
            result.setdefault("by_crops", {})[str(crops)] = areas([{"auc": value} for value in few], same)["auc"]
        result["stability"] = verdict_stability(comparer, pairs, verdicts(comparer.calibration, whole))
    if oracle is not None:
        statistics = held.samples.statistics
        result["oracle"] = evaluate_pairs(held.samples, lambda chosen: oracle.score(statistics[chosen])).to_dict()
    return result


def verdict_stability(
    comparer: FabricComparer, pairs: Sequence[tuple[Canvas, Canvas]], whole: npt.NDArray[np.str_]
) -> dict[str, float]:
    """Tell for numbers of crops how often the verdict from so many of each canvas is that from all, `whole`, (n,).

    Pairs of which a canvas has no more are left out, and numbers for which none are left.
    """
    found = {}
    for crops in FEWER:
        larger = [number for number, pair in enumerate(pairs) if min(len(one.vectors) for one in pair) > crops]
        if larger:
            fewer = compare_known(comparer, [(a.some(crops), b.some(crops)) for a, b in (pairs[i] for i in larger)])
            found[str(crops)] = agreement(whole[larger], verdicts(comparer.calibration, fewer), fewer.same)
    return found


def finish_comparer(
    settings: ComparerSettings,
    folder: str | Path,
    *,
    workers: int = 2,
    tell: Tell = print,
    counter: Counter | None = None,
) -> Path:
    """Make a model folder of a finished training: calibrate, test, write the card.

    Parameters
    ----------
    settings : ComparerSettings
        The recipe that the weights were trained with.
    folder : path
        The training's folder; the model goes into its subfolder ``model``.
    workers : int
        Processes that simulate.
    tell : callable
        Told what goes on.
    counter : Counter, optional
        Decides what is readable, and measures densities; the shipped one if left out.

    Returns
    -------
    Path
        The model folder.
    """
    folder = Path(folder)
    model = folder / "model"
    make_folder(model)
    shutil.copyfile(folder / "model.weights.h5", model / "model.weights.h5")
    config = {
        "architecture": "fully convolutional VGG encoder, one thread direction, and a symmetric pair head",
        "network": asdict(settings.encoder),
        "crop_px": 300,
        "px_per_cm": 200,
        "preprocessing": "local mean and deviation, half-width 2.7 threads; 12 px a thread, without tilt and skew",
        "settings": asdict(settings),
        "versions": versions(),
        "dl4art": __version__,
    }
    write_model(model, config=config, calibration=UNCALIBRATED.to_dict(), card="not yet calibrated\n")
    comparer = FabricComparer.from_pretrained(model)
    if counter is None:
        from dl4art.regression import CombinedCounter

        counter = CombinedCounter.from_pretrained()

    counts: dict[FamilySplit, int] = {"calibrate": 2 * settings.check, "test": settings.check}

    def held(split: FamilySplit) -> HeldSet:
        count = counts.get(split, max(1, settings.check // 2))
        tell(f"{split}: {count} families of cloths")
        samples = simulate_families(folder / "crops", split, count, workers=workers)
        return hold(comparer, counter, samples, folder / f"counted-{split}.npz")

    known_set = held("calibrate")
    known = canvases(known_set)
    crops = int(np.median([len(canvas.vectors) for canvas in known]))
    calibration = calibrate(compare_known(comparer, matched(known)), crops, drifts(known))
    few = few_crops(comparer, known_set)
    calibration = replace(calibration, doubled_odds=calibrate_doubled(comparer, few))
    weight, middle = calibrate_spectra(replace(comparer, calibration=calibration), few)
    pair_same, pair_different = (
        quantiles(values) if len(values) else () for values in known_pair_scores(comparer, known_set)
    )
    calibration = replace(
        calibration,
        spectrum_weight=weight,
        spectrum_middle=middle,
        pair_same=pair_same,
        pair_different=pair_different,
    )
    comparer = replace(comparer, calibration=calibration)
    # usable from here on; the tests take as long again
    write_model(model, config=config, calibration=calibration.to_dict(), card="calibrated, not yet tested\n")
    tell("the oracle")
    enough = min(settings.families, _ORACLE_FAMILIES)
    oracle = fit_oracle(simulate_families(folder / "crops", "train", enough, workers=workers))
    results = {name: evaluate(comparer, held(split), oracle) for name, split in TESTS.items()}
    with atomic_path(folder / "results.json") as path:
        path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    card = model_card(settings, results, calibration, read_curve(folder))
    stable = stable_crops([found.get("stability", {}) for found in results.values()], crops)
    told = calibration.to_dict() | {KEY: matches_of_tests(results)} | stable
    write_model(model, config=config, calibration=told, card=card)
    return model
