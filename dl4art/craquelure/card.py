"""The model card of a segmenter, written from what its training and its tests left on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from dl4art import __version__
from dl4art.craquelure.tophat import TopHat
from dl4art.simulation.crack_kinds import KINDS
from dl4art.simulation.paintings import CLASSES, HELD_OUT_KINDS

if TYPE_CHECKING:
    from dl4art.craquelure.training import SegmenterSettings

_CARD = """---
summary: Craquelure and paint loss in photographs of paintings, pixel by pixel
authors: the dl4art developers
licence: BSD-3-Clause
base_model: none
tags: [painting, photograph, craquelure, paint loss, segmentation]
---

# Segmenter of craquelure and paint loss

Gives every pixel of a photograph of a painting a class: {classes}. The network is `{network}` of
`dl4art.craquelure.networks`, {millions:.2f} million parameters. Three classes, networks and losses follow the Res-UNet
study of craquelure and paint loss on polychrome paintings; figures and weights are our own.

## Data

Simulated paintings only: {pictures} photographs of 256 px a side (`dl4art.simulation.paintings`), of craquelure of the
kinds {kinds}, with hairlines, branches, islands and cupping, dark or light; with losses down to ground or canvas; on
panel and canvas, with strokes of the brush, drawn lines, letters and specks that are no damage; under differing light,
blur, noise, sharpening and compression. Some paintings show no damage. A crack is labelled where it covers the pixel,
but for hairlines, which are labelled 2.5 px wide; what cannot be told from the noise and roughness around it is not.
A loss is labelled where its blurred picture is more ground than paint, if it differs from the paint around it.
Stopping and tests used paintings of other seeds; the kind {held_out} was never trained on. No photograph of a real
painting was used.

## Recipe

`python -m dl4art.train segmenter -o runs/segmenter` with dl4art {version}, seed {seed}:

{settings}

## What it was tested on

IoU, and precision, recall and F1 of craquelure, by pixels; lines: F1 of the centre-lines of cracks within 3 px, mean
over the paintings that show cracks; false: share of the pixels called crack in paintings that show none. The black
top-hat was tuned on paintings held out for stopping ({top_hat}); it knows no losses, so that its mean IoU means little.

{head}
|---|---|---|---|---|---|---|---|---|---|---|---|
{scores}

Pictures of 256 px in a second, one after another, in one run: {speed:.1f}, of a U-Net {rival:.1f}
({times:.1f} times as many).

## Limits

- Simulated paintings are no real ones: look at the overlay before using a number.
- Cracks between about 1 and 8 px wide were trained on. Enlarge or reduce photographs that show them otherwise.
- Brush strokes, drawn lines and edges of canvas threads may pass for cracks, and retouched losses for paint.
- Loss means that ground or support lies bare in another colour than the paint around it.

## Learning curve

| epoch | loss | mean IoU | loss, stop | mean IoU, stop |
|---|---|---|---|---|
{curve}
"""
SCORES = ("mean IoU", *(f"IoU {name}" for name in CLASSES), "precision", "recall", "F1", "lines", "false")
"""Heads of the columns of `score_cells`."""
_HEAD = ("set", "paintings", "method", *SCORES)
_CURVE = ("loss", "mean_iou", "val_loss", "val_mean_iou")


def model_card(
    settings: SegmenterSettings,
    parameters: float,
    *,
    results: Mapping[str, Mapping[str, Any]],
    top_hat: TopHat,
    speed: Mapping[str, float],
    curve: Sequence[Mapping[str, float]],
) -> str:
    """Write the card.

    Parameters
    ----------
    settings : SegmenterSettings
        The recipe.
    parameters : float
        Of the network, in millions.
    results : mapping
        From `release.judge`, by the name of the set and of the method.
    top_hat : TopHat
        As tuned.
    speed : mapping
        Pictures in a second of ``segmenter`` and ``unet``.
    curve : sequence of mappings
        Epochs of the training.

    Returns
    -------
    str
        Markdown.
    """
    return _CARD.format(
        classes=", ".join(CLASSES),
        network=settings.network,
        millions=parameters,
        pictures=settings.pictures,
        kinds=", ".join(kind for kind in KINDS if kind not in HELD_OUT_KINDS),
        held_out=" and ".join(HELD_OUT_KINDS),
        version=__version__,
        seed=settings.seed,
        settings="\n".join(f"- `{name}`: {value}" for name, value in asdict(settings).items()),
        top_hat=", ".join(f"{name} {value}" for name, value in asdict(top_hat).items()),
        head=f"| {' | '.join(_HEAD)} |",
        scores="\n".join(
            f"| {name} | {found['pictures']} | {method} | {score_cells(found[method])} |"
            for name, found in results.items()
            for method in ("segmenter", "top-hat")
        ),
        speed=speed["segmenter"],
        rival=speed["unet"],
        times=speed["segmenter"] / speed["unet"],
        curve="\n".join(
            f"| {int(row['epoch']) + 1} | {' | '.join(f'{float(row[name]):.4f}' for name in _CURVE)} |" for row in curve
        ),
    )


def score_cells(found: Mapping[str, Any]) -> str:
    """Cells of a row of Markdown with what `dl4art.craquelure.release.judge` has found."""
    cracks = found["craquelure"]
    values = [
        found["mean_iou"],
        *(found[name]["iou"] for name in CLASSES),
        *(cracks[name] for name in ("precision", "recall", "f1")),
        found["line_f1"],
        found["false_cracks"],
    ]
    return " | ".join("none" if value is None else f"{value:.3f}" for value in values)
