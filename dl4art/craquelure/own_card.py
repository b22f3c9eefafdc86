"""The model card of a segmenter that was trained on photographs of one's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from dl4art import __version__
from dl4art.craquelure.card import SCORES, score_cells
from dl4art.simulation.paintings import CLASSES
from dl4art.utils.tables import terminal_text

if TYPE_CHECKING:
    from dl4art.craquelure.own_pictures import LabelledPhotograph
    from dl4art.craquelure.own_training import OwnSettings

_CARD = """---
summary: Craquelure and paint loss in photographs of paintings, learnt from {count} labelled photographs
authors: whose photographs these are; dl4art trained it
licence: that of the photographs
base_model: {base}
tags: [painting, photograph, craquelure, paint loss, segmentation]
---

# Segmenter of craquelure and paint loss, trained on labelled photographs

Gives every pixel of a photograph of a painting a class: {classes}. The network is `{network}` of
`dl4art.craquelure.networks`, started from {base}.

**{outcome}**

## Data

Photographs with labels that a person has drawn, split by photograph: {train} to learn from, {held} held out. Slices of
{window} px were cut from them, shifted and varied anew in each epoch.

| photograph | size in px | craquelure % | loss % | for |
|---|---|---|---|---|
{pictures}
{left_out}
## Recipe

dl4art {version}; the encoder was frozen in the first {frozen} of {epochs} epochs:

{settings}

## What it was tested on

The photographs held out, as a whole and one by one: before the training ({before}), after it, and the black top-hat,
tuned on those to learn from. IoU, and precision, recall and F1 of craquelure, by pixels; lines: F1 of the centre-lines
of cracks within 3 px; false: share of the pixels called crack in photographs that show none. The top-hat knows no
losses, so that its mean IoU means little.

| {head} |
|{rule}
{scores}

## Limits

- The photographs held out have also chosen the epoch, so that the figures after the training are somewhat too good.
- {held} photographs held out say little of others: of another painting, camera or light.
- Two photographs of one painting count as two here. If it lies on both sides of the split, the figures are too good.
- Labels drawn by one person hold what that person took for cracks and losses.

## Learning curve

On slices, each counted as often as it was cut.

| {curve_head} |
|{curve_rule}
{curve}
"""


def own_card(
    settings: OwnSettings,
    split: Mapping[str, Sequence[LabelledPhotograph]],
    results: Mapping[str, Mapping[str, Any]],
    *,
    outcome: str,
    before: str,
    frozen: int,
    curve: Sequence[Mapping[str, float]],
    left_out: Sequence[tuple[str, str]] = (),
) -> str:
    """Write the card.

    Parameters
    ----------
    settings : OwnSettings
        The recipe.
    split : mapping
        Photographs by what they served.
    results : mapping
        By method, ``all`` and ``pictures`` by name; see `dl4art.craquelure.release.judge`.
    outcome : str
        Whether it helped, in a sentence.
    before : str
        What it is compared with.
    frozen : int
        Epochs with a frozen encoder.
    curve : sequence of mappings
        Epochs of the training.
    left_out : sequence of (str, str)
        Photographs that could not be read, and why.

    Returns
    -------
    str
        Markdown.
    """
    words = {"train": "learning", "held": "held out"}
    items = sorted((item.name, item, words[use]) for use, part in split.items() for item in part)
    names = [name for name in curve[0] if name != "epoch"]
    sets = ["", *results["after"]["pictures"]]
    found = {name: {"": of["all"], **of["pictures"]} for name, of in results.items()}
    head = ["photograph", "method", *SCORES]
    return _CARD.format(
        count=len(items),
        train=len(split["train"]),
        held=len(split["held"]),
        base=settings.base or "nothing",
        classes=", ".join(CLASSES),
        network=settings.network,
        outcome=outcome,
        window=settings.window_px,
        pictures=_rows(
            (
                _cell(name),
                f"{item.mask.shape[1]} x {item.mask.shape[0]}",
                *(f"{100 * float((item.mask == number).mean()):.2f}" for number in (1, 2)),
                use,
            )
            for name, item, use in items
        ),
        left_out="\nLeft out:\n\n" + "\n".join(f"- {_cell(n)}: {_cell(why)}" for n, why in left_out) + "\n"
        if left_out
        else "",
        version=__version__,
        frozen=frozen,
        epochs=settings.epochs,
        settings="\n".join(f"- `{name}`: {value}" for name, value in asdict(settings).items()),
        before=before,
        head=" | ".join(head),
        rule="---|" * len(head),
        scores=_rows(
            (_cell(name) or "all", method, score_cells(of[name])) for name in sets for method, of in found.items()
        ),
        curve_head=" | ".join(["epoch", *names]),
        curve_rule="---|" * (1 + len(names)),
        curve=_rows([int(row["epoch"]) + 1, *(f"{row[name]:.4g}" for name in names)] for row in curve),
    )


def _cell(text: str) -> str:
    return " ".join(terminal_text(text).split()).replace("|", "\\|")


def _rows(rows: Iterable[Iterable[Any]]) -> str:
    return "\n".join(f"| {' | '.join(str(cell) for cell in row)} |" for row in rows)
