"""The model card of a counter, written from what its training and its tests left on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from dl4art import __version__
from dl4art.regression.training import TrainingSettings

_HEAD = """---
summary: Threads per centimetre of plain-weave canvas in radiographs, both directions, with intervals
authors: the dl4art developers
licence: BSD-3-Clause
base_model: none
tags: [canvas, radiography, thread counting, regression]
---

# Thread counter

A small fully convolutional VGG regression trained with the normalised mean absolute error (NMAE). It looks at windows
of 1 cm at 200 px/cm, locally normalised (half-width 32 px), one thread direction at a time; horizontal threads are the
vertical ones of the transposed picture.

## Data

Simulated canvases only: {crops} crops of 240 px, each from a canvas of its own, {other:.0%} of them twill or basket,
and {chequered} more in which one thread system shows and the other hardly.
Densities 5 to 26 th/cm, tilts to 20 degrees, ground, paint, damage, film and scanner drawn at random
(`dl4art.simulation`). Stopping, calibration and tests used canvases of other seeds; the held-out family (a scraped
ground, clumped grain, plied yarn) was never trained on. No picture of a real canvas was used.

## Recipe

`python -m dl4art.train counter -o runs/threads` with dl4art {version}:

{settings}

## What it was tested on

Readable means a contrast-to-noise ratio of at least {readable:g} in both directions, as the simulator measures it; the
rule was fixed before training. Errors are relative to the true density; coverage is that of the 95 % intervals.

| set | method | crops | answered | NMAE | median | within 0.5 th/cm | within 1 th/cm | coverage |
|---|---|---|---|---|---|---|---|---|
{table}

Flagged as another weave than plain: {flags}.

Of the crops that are *not* readable by that rule, {unread}.

## Limits

Plain weave; single cloths. Intervals and refusals are calibrated on simulated canvases, not yet on real ones. Real
radiographs differ from simulated ones in ways that nobody has listed.

## Learning curve

| epoch | loss | NMAE | loss, held out | NMAE, held out |
|---|---|---|---|---|
{curve}
"""


def model_card(
    settings: TrainingSettings, results: Mapping[str, Any], curve: Sequence[Mapping[str, str]], readable: float
) -> str:
    """Write the card.

    Parameters
    ----------
    settings : TrainingSettings
        The recipe.
    results : mapping
        From `release.evaluate`.
    curve : sequence of mappings
        Rows of ``curve.csv``.
    readable : float
        The simulator's threshold for a readable crop.

    Returns
    -------
    str
        Markdown.
    """
    lines, flags, unread = [], [], []
    for name, methods in results.items():
        for method, scores in methods.items():
            if method == "flagged":
                flags.append(f"{scores:.1%} of {name}")
                continue
            lines.append(_line(name, method, scores["readable"]))
            if method == "combined" and scores["others"]["cases"]:
                others = scores["others"]
                unread.append(
                    f"{others['answered'] / others['cases']:.0%} of {name} got an estimate all the same "
                    f"(median error {others['median_error']:.1%}, coverage {others['coverage']:.0%})"
                )
    return _HEAD.format(
        crops=settings.crops,
        chequered=settings.chequered,
        other=settings.other_weaves,
        version=__version__,
        settings="\n".join(f"- `{name}`: {value}" for name, value in asdict(settings).items()),
        readable=readable,
        table="\n".join(lines),
        flags=", ".join(flags),
        unread="; ".join(unread),
        curve="\n".join(_epoch(row) for row in curve[:: max(1, len(curve) // 20)]),
    )


def _line(name: str, method: str, s: Mapping[str, Any]) -> str:
    shares = f"{s['within_half']:.1%} | {s['within_one']:.1%} | {s['coverage']:.1%}"
    return (
        f"| {name} | {method} | {s['cases']} | {s['answered']} | {s['nmae']:.2%} | {s['median_error']:.2%} | {shares} |"
    )


def _epoch(row: Mapping[str, str]) -> str:
    values = (float(row[key]) for key in ("loss", "window_nmae", "val_loss", "val_window_nmae"))
    return f"| {int(row['epoch']) + 1} | " + " | ".join(f"{value:.4f}" for value in values) + " |"
