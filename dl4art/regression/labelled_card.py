"""The model card of a counter that was trained on labelled crops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from dl4art import __version__
from dl4art.regression.presets import LabelledSettings

_CARD = """---
summary: Threads per centimetre of plain-weave canvas, trained on {train} labelled crops
authors: who labelled the crops; dl4art trained it
licence: that of the crops
base_model: {base}
tags: [canvas, radiography, thread counting, regression]
---

# Thread counter trained on labelled crops

{what}

## Data

Labelled crops, split by canvas: {train} to learn from, {stop} to know when to stop{calibrated}, {test} to test on.
{mixed}

| canvas | crops | for |
|---|---|---|
{canvases}

## Recipe

dl4art {version}:

{settings}

## Error on the test canvases

Nothing was learnt from these canvases, and nothing was decided by them. "Before" is {before}. NMAE is the mean relative
error of the network alone on all crops; "answered" are the crops that `dl4art.count` gives an estimate for, with the
NMAE of these.

| canvas | crops | vertical, horizontal per cm | NMAE before | NMAE after | answered before | answered after |
|---|---|---|---|---|---|---|
{errors}

Share of densities within a tolerance, network alone:

| within, th/cm | before | after |
|---|---|---|
{tolerance}
{simulated}
## Limits

Plain weave; single cloths. What it is worth on other canvases than these, nobody has tested.{limits}

## Learning curve

| {head} |
|{rule}
{curve}
"""
_WHAT = {
    "vgg": "The small fully convolutional VGG regression of the shipped counter (windows of 1 cm at 200 px/cm, locally "
    "normalised, half-width 32 px), trained with the normalised mean absolute error (NMAE) and more.",
    "vgg-inception": "The upstream project's inception VGG regression (windows of 1 cm at 200 px/cm; histogram of the "
    "whole crop equalised, each window stretched to 0 to 1), trained with the normalised mean absolute error (NMAE).",
}


def labelled_card(
    settings: LabelledSettings,
    canvases: Sequence[tuple[str, int, str]],
    results: Mapping[str, Any],
    curve: Sequence[Mapping[str, str]],
    before: str,
) -> str:
    """Write the card.

    Parameters
    ----------
    settings : LabelledSettings
        The recipe.
    canvases : sequence of (str, int, str)
        Each canvas, its number of crops, and what they served.
    results : mapping
        What `dl4art.regression.labelled_release.finish_labelled` has measured.
    curve : sequence of mappings
        Rows of ``curve.csv``.
    before : str
        Name of the model that the results compare with.

    Returns
    -------
    str
        Markdown.
    """
    vgg = settings.architecture == "vgg"
    counts = {name: sum(number for _, number, split in canvases if split == name) for name in ("train", "stop", "test")}
    old, new = results["labelled"]["before"], results["labelled"]["after"]
    names = [name for name in curve[0] if name != "epoch"]
    return _CARD.format(
        **counts,
        base=settings.base or "none",
        what=_WHAT[settings.architecture],
        calibrated=" and to calibrate on" + (", beside simulated ones" if vgg else ""),
        mixed=f"{settings.crops} simulated crops of 304 px were mixed in, each from a canvas of its own."
        if settings.crops
        else "No simulated crops.",
        canvases=_rows(canvases),
        version=__version__,
        settings="\n".join(f"- `{name}`: {value}" for name, value in asdict(settings).items()),
        before=before,
        errors=_rows(_errors(old, new)),
        tolerance=_rows(
            (limit, f"{old['within'][limit]:.1%}", f"{share:.1%}") for limit, share in new["within"].items()
        ),
        simulated=_simulated(results.get("simulated")),
        limits=""
        if vgg
        else " It refuses nothing: what cannot be read gets a number, too. Its intervals are one share of the density "
        "for all crops.",
        head=" | ".join(["epoch", *names]),
        rule="---|" * (1 + len(names)),
        curve=_rows([int(row["epoch"]) + 1, *(f"{float(row[name]):.4f}" for name in names)] for row in curve),
    )


def _errors(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    def answered(row: Mapping[str, Any]) -> str:
        return f"{row['answered']}, {row['nmae_answered']:.2%}" if row["answered"] else "0"

    return [
        (
            canvas,
            row["crops"],
            f"{row['vertical_per_cm']:.1f}, {row['horizontal_per_cm']:.1f}",
            f"{old['canvases'][canvas]['nmae']:.2%}",
            f"{row['nmae']:.2%}",
            answered(old["canvases"][canvas]),
            answered(row),
        )
        for canvas, row in new["canvases"].items()
    ]


def _simulated(results: Mapping[str, Any] | None) -> str:
    if results is None:
        return ""
    old, new = results["before"], results["after"]
    return (
        f"\nOn {new['windows']} readable windows of simulated canvases of the ordinary kinds NMAE was {old['nmae']:.2%}"
        f" before and is {new['nmae']:.2%} after (network alone).\n"
    )


def _rows(rows: Any) -> str:
    return "\n".join(f"| {' | '.join(str(cell) for cell in row)} |" for row in rows)
