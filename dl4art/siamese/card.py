"""The model card of a comparer, written from what its training and its tests left on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from dl4art import __version__
from dl4art.siamese.calibration import WARP_LIMIT, WEFT_LIMIT, Calibration

if TYPE_CHECKING:
    from dl4art.siamese.training import ComparerSettings

_CARD = """---
summary: Whether two plain-weave canvases could be one cloth, from crops of their radiographs
authors: the dl4art developers
licence: BSD-3-Clause
base_model: the shipped thread counter (its trunk is where training begins)
tags: [canvas, radiography, fabric comparison, Siamese network]
---

# Fabric comparer

A crop of 1.5 cm at 200 px/cm is counted, and its threads are brought upright and to one period (12 px): cloths that are
to be told apart have nearly the same densities, so that the weave is compared and not its size. An encoder turns the
framed crop, locally normalised (half-width 2.7 threads), into two short vectors, one for each thread direction: pooled
features of the counter's convolutions, and of the phase of the threads; the density is the last number of each. A small
symmetric head scores two crops on their vectors, straight and turned by a quarter. The mean log odds over all pairs of
crops of two canvases, at one alignment for all of them, become a similarity from 0 to 1 with a 95 % interval (bootstrap
over the crops of both) and a verdict. A pair with a crop that cannot be counted, which no canvas' similarity contains,
is scored in two frames, and to its log odds is added {weight:.2f} times what the cosine of both crops' plain spectra
exceeds {middle:.2f} by. Where twice a counted density of the one crop is about that of the other, and the other
densities agree, soft films may have made two threads look like one: such a pair is scored by the doubled density as
well, less {doubled:.2f} log odds, and the higher score counts. So are canvases, but no verdict rests on it. Comparing
fabrics by a Siamese network and by many pairs is the idea of Murillo-Fuentes, Olmos and Alba-Carcelen (arXiv
2506.20272), of which only the abstract was known to us: network, losses and aggregation are our own design, with
figures of their own.

## Data

Simulated canvases only: {families} families of cloths whose densities lie within 0.5 th/cm of each other in both
directions, so that a thread count cannot part them; each cloth under several plates with ground, paint, film, exposure
and quarter turn of their own (`dl4art.simulation.families`). Stopping, calibration and tests used families of other
seeds; the held-out family (a scraped ground, clumped grain, plied yarn) was never trained on. While training, crops are
framed by their true densities but for an error such as a counter makes; in all tests by what the shipped counter says
of them, and where it gives no estimate by its guess. No picture of a real canvas was used.

## Recipe

`python -m dl4art.train comparer -o runs/fabrics` with dl4art {version}, seed {seed}:

{settings}

## What it was tested on

Area under the ROC curve, same cloth under two plates against other cloth of nearly the same densities. The oracle is
what a classifier makes of the true statistics of the same threads; the network cannot be expected to do better.

| set | pairs of crops | AUC | oracle | AUC, strangers of any density | pairs of canvases | AUC |
|---|---|---|---|---|---|---|
{areas}

{beside}## Verdicts

Calibrated on other simulated canvases: `unlike` where the interval ends below {unlike:.3f}, `compatible` where it
begins above {compatible:.3f}, `excluded` where the densities differ by more than {bolt:.2f} times what one bolt shows
by rule of thumb ({warp:g} th/cm in one direction and {weft:g} in the other), in whichever alignment is nearer. Canvases
had about {crops} crops; with fewer than {enough} of either the network's verdict stays undecided.

| set | canvases | pairs | compatible | undecided | unlike | excluded |
|---|---|---|---|---|---|---|
{verdicts}

Decided, canvases of one cloth and of others of the same densities weighing alike: {decided}.

## Similarities of known canvases

| set | canvases | 1 % | 5 % | 25 % | median | 75 % | 95 % | 99 % |
|---|---|---|---|---|---|---|---|---|
{quantiles}

Pairs of canvases in each tenth of the scale, from 0 to 1:

| set | canvases | {tenths} |
|---|---|{rules}|
{histograms}

## Limits

- Calibrated on simulated canvases, not yet on real ones. Real radiographs differ from simulated ones in ways that
  nobody has listed.
- What all crops of a plate share, ground, film and exposure, no interval over crops can see.
- `compatible` is no proof: nothing that was looked at speaks against one cloth, and another cloth from the same loom
  may look the same. `unlike` and `excluded` hold for the parts of the canvases that were compared.
- Plain weave; single cloths; no less than four readable crops.

## Learning curve

AUC of pairs of crops on families held out for stopping, with strangers of the same densities and of any.

| epoch | loss | AUC | AUC, any density |
|---|---|---|---|
{curve}
"""
_KINDS = {
    ("canvases", "same"): "one cloth",
    ("canvases", "different"): "others, same densities",
    ("strangers", "different"): "others, any densities",
}


def model_card(
    settings: ComparerSettings,
    results: Mapping[str, Mapping[str, Any]],
    calibration: Calibration,
    curve: Sequence[Mapping[str, str]],
) -> str:
    """Write the card.

    Parameters
    ----------
    settings : ComparerSettings
        The recipe.
    results : mapping
        From `release.evaluate`, by the name of the set.
    calibration : Calibration
        Its limits are told.
    curve : sequence of mappings
        Rows of ``curve.csv``.

    Returns
    -------
    str
        Markdown.
    """
    known = [
        (f"| {name} | {kind} |", found[group][side])
        for name, found in results.items()
        for (group, side), kind in _KINDS.items()
        if side in found[group]
    ]
    edges = [f"{edge / 10:g}" for edge in range(11)]
    return _CARD.format(
        families=settings.families,
        version=__version__,
        seed=settings.seed,
        settings="\n".join(f"- `{name}`: {value}" for name, value in asdict(settings).items()),
        areas="\n".join(_areas(name, found) for name, found in results.items()),
        beside=_beside(results),
        unlike=calibration.unlike,
        compatible=calibration.compatible,
        bolt=calibration.bolt,
        warp=WARP_LIMIT,
        weft=WEFT_LIMIT,
        crops=calibration.crops,
        enough=calibration.enough,
        weight=calibration.spectrum_weight,
        middle=calibration.spectrum_middle,
        doubled=-calibration.doubled_odds,
        verdicts="\n".join(f"{head} {_shares(values)} |" for head, values in known),
        decided=", ".join(f"{found['canvases'].get('decided', 0):.0%} ({name})" for name, found in results.items()),
        quantiles="\n".join(f"{head} {_joined(values['quantiles'], '.3f')} |" for head, values in known),
        tenths=" | ".join(f"{low}-{high}" for low, high in pairwise(edges)),
        rules="---|" * 9 + "---",
        histograms="\n".join(f"{head} {_joined(values['histogram'], 'd')} |" for head, values in known),
        curve="\n".join(_epoch(row) for row in curve[:: max(1, len(curve) // 20)]),
    )


def _areas(name: str, found: Mapping[str, Any]) -> str:
    pairs, oracle = found["pairs"], found.get("oracle")
    best = f"{oracle['pair_auc']:.3f}" if oracle else "not measured"
    canvases = found["canvases"]
    count = sum(canvases[side]["pairs"] for side in ("same", "different") if side in canvases)
    area = f"{canvases['auc']:.3f}" if "auc" in canvases else ""
    return (
        f"| {name} | {pairs['pairs']} | {pairs['pair_auc']:.3f} | {best} | {pairs['open_auc']:.3f} | {count} | {area} |"
    )


def _beside(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Make tables of aggregations, of numbers of crops, and of how far similarities are probabilities."""
    told = {name: found for name, found in results.items() if "aggregations" in found}
    if not told:
        return ""
    heads, rule = " | ".join(told), "---|" * len(told)

    def rows(values: Sequence[Mapping[str, float]]) -> str:
        return "\n".join(f"| {key} | {_joined([each[key] for each in values], '.3f')} |" for key in values[0])

    ways, crops = (rows([found[key] for found in told.values()]) for key in ("aggregations", "by_crops"))
    parts = [
        "AUC of canvases by the way in which the scores of their pairs are joined, and by the number of crops:\n",
        f"| way | {heads} |\n|---|{rule}\n{ways}\n",
        f"| crops of each | {heads} |\n|---|{rule}\n{crops}\n",
    ]
    stable = [found["stability"] for found in told.values() if found.get("stability")]
    if len(stable) == len(told):
        # a set of small canvases lacks the larger numbers
        numbers = [crops for crops in stable[0] if all(crops in each for each in stable)]
        lines = "\n".join(f"| {crops} | {_joined([each[crops] for each in stable], '.1%')} |" for crops in numbers)
        parts += [
            "How often the verdict from fewer crops is that from all, both kinds weighing alike:\n",
            f"| crops of each | {heads} |\n|---|{rule}\n{lines}\n",
        ]
    for name, found in told.items():
        steps = found["canvases"]["reliability"]
        lines = "\n".join(f"| {weight:.3f} | {mean:.3f} | {share:.3f} |" for weight, mean, share in steps)
        error = found["canvases"]["calibration_error"]
        parts.append(
            f"Reliability, {name}: expected calibration error {error:.3f}, canvases of one cloth and of others of the "
            "same densities\nweighing alike.\n"
        )
        parts.append(f"| weight | mean similarity | share of one cloth |\n|---|---|---|\n{lines}\n")
    return "\n".join(parts) + "\n"


def _shares(values: Mapping[str, Any]) -> str:
    shares = [f"{values[verdict]:.1%}" for verdict in ("compatible", "undecided", "unlike", "excluded")]
    return " | ".join([str(values["pairs"]), *shares])


def _joined(values: Sequence[float], form: str) -> str:
    return " | ".join(format(value, form) for value in values)


def _epoch(row: Mapping[str, str]) -> str:
    values = (float(row[key]) for key in ("loss", "val_pair_auc", "val_open_auc"))
    return f"| {int(row['epoch']) + 1} | " + " | ".join(f"{value:.4f}" for value in values) + " |"
