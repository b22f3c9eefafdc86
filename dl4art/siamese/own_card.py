"""The model card of a comparer that was fine-tuned on plates of one's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from dl4art import __version__

if TYPE_CHECKING:
    from dl4art.siamese.own_training import OwnSettings

_CARD = """---
summary: Whether two plain-weave canvases could be one cloth, fine-tuned on {train} canvases
authors: whose plates these are; dl4art trained it
licence: that of the plates
base_model: {base}
tags: [canvas, radiography, fabric comparison, Siamese network]
---

# Fabric comparer fine-tuned on canvases

The encoder and the head of {base}, trained on with its loss (cross-entropy over pairs of crops of two plates; pairs of
crops of one plate are left out, since they look alike for reasons that are not the cloth). {outcome}

## Data

Readable crops of 1.5 cm of each plate, at most {crops}, counted and framed once. The canvases are split: {train} to
learn from, {stop} to know when to stop, {test} to test on. {families} simulated families of cloths were mixed in.

| canvas | plates | crops | for |
|---|---|---|---|
{canvases}
{left_out}
## Recipe

dl4art {version}:

{settings}

## How well cloths are told apart

Area under the ROC curve (AUC) of one cloth under two plates against other cloths, on the {test} canvases held out and
on simulated families of nearly the same densities, none of which was learnt from. Log odds are medians over pairs of
crops.

| set | pairs of crops | AUC before | AUC after | pairs of plates | AUC before | AUC after |
|---|---|---|---|---|---|---|
{areas}

| set | log odds of one cloth, before and after | of others, before and after |
|---|---|---|
{odds}

## Verdicts

{calibrated}

## Limits

- {test} canvases are few: an AUC over their pairs says little of others, and pairs that share a canvas are not
  independent of each other.
- Canvases whose densities differ are told apart by these alone; only the simulated families leave that out.
- Plates of one canvas that were exposed together share more than the cloth.
- Plain weave; single cloths; no less than four readable crops.

## Learning curve

| {head} |
|{rule}
{curve}
"""
_NAMES = {"own": "canvases held out", "simulated": "simulated families"}


def own_card(
    settings: OwnSettings,
    canvases: Sequence[tuple[str, int, int, str]],
    results: Mapping[str, Any],
    curve: Sequence[Mapping[str, str]],
    left_out: Sequence[tuple[str, str]],
) -> str:
    """Write the card.

    Parameters
    ----------
    settings : OwnSettings
        The recipe.
    canvases : sequence of (str, int, int, str)
        Each canvas, its numbers of plates and crops, and what they served.
    results : mapping
        What `dl4art.siamese.own_release.finish_own` has measured.
    curve : sequence of mappings
        Rows of ``curve.csv``.
    left_out : sequence of (str, str)
        Plates that could not be used, and why.

    Returns
    -------
    str
        Markdown.
    """
    counts = {name: sum(use == name for *_, use in canvases) for name in ("train", "stop", "test")}
    before, after, helped = results["before"], results["after"], results["helped"]
    names = [name for name in curve[0] if name != "epoch"]
    return _CARD.format(
        **counts,
        base=settings.base,
        outcome=f"The weights lie {settings.share:g} of the way from the base's to the trained ones."
        if helped
        else "What was learnt did not help on the canvases that told when to stop: **these are the base's weights**.",
        crops=settings.crops,
        families=settings.families,
        canvases=_rows(canvases),
        left_out="\nLeft out:\n\n" + "\n".join(f"- {name}: {why}" for name, why in left_out) + "\n" if left_out else "",
        version=__version__,
        settings="\n".join(f"- `{name}`: {value}" for name, value in asdict(settings).items()),
        areas=_rows(
            (
                told,
                before[name]["pairs"],
                *(f"{tested[name]['pair_auc']:.3f}" for tested in (before, after)),
                before[name]["canvases"],
                *(f"{tested[name]['canvas_auc']:.3f}" for tested in (before, after)),
            )
            for name, told in _NAMES.items()
        ),
        odds=_rows(
            (
                told,
                *(_both(before[name]["log_odds"][kind], after[name]["log_odds"][kind]) for kind in ("same", "other")),
            )
            for name, told in _NAMES.items()
        ),
        calibrated=f"Similarity and verdicts are calibrated as those of {settings.base}, on simulated canvases. "
        + (
            "Nobody has calibrated them for these weights: so few canvases cannot tell what one pair in 250 looks like."
            if helped
            else "They hold as they did, since the weights are the same."
        ),
        head=" | ".join(["epoch", *names]),
        rule="---|" * (1 + len(names)),
        curve=_rows([int(row["epoch"]) + 1, *(f"{float(row[name]):.4f}" for name in names)] for row in curve),
    )


def _both(before: float, after: float) -> str:
    return f"{before:.2f}, {after:.2f}"


def _rows(rows: Iterable[Iterable[Any]]) -> str:
    return "\n".join(f"| {' | '.join(str(cell) for cell in row)} |" for row in rows)
