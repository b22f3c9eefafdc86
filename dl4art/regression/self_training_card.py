"""The model card of a counter that was refined on plates without labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from dl4art import __version__
from dl4art.regression.presets import LabelledSettings

_CARD = """---
summary: Threads per centimetre of plain-weave canvas, refined on {crops} crops without labels
authors: dl4art, on plates of whoever ran it
licence: that of the plates
base_model: {base}
tags: [canvas, radiography, thread counting, regression, self-training]
---

# Thread counter refined without labels

{outcome}

## Data

{crops} crops of {files} files, without labels. Each was read at five scales, upright and turned by a half; {sure} are
sure in both directions, since the counter trusts itself at some scale and the scales agree. Of these {learnt_from} were
learnt from, with what the sure scales say as their labels, and {held_out} were held out; both are of the same plates.
{left_out}
## Whether it helped

No one has counted these plates, so that nobody knows the error on them. What can be known is how far the counter
is, at a crop's own scale, from what it is sure of at the scales at which it is surest; and its error on simulated
canvases.

| | before | after |
|---|---|---|
{figures}

## Limits

- Where the counter is wrong and sure of it at every scale, as when it takes two threads for one, it has learnt that.
- Intervals and refusals are calibrated on simulated canvases. Densities outside {base}'s range are remarked on as
  before: agreement is no count.
- It is for the canvases at hand. What it is worth on others, nobody has tested.
- Plain weave; single cloths.

## Recipe

dl4art {version}:

{settings}
{curve}"""


def self_training_card(
    settings: LabelledSettings,
    found: Mapping[str, Any],
    curve: Sequence[Mapping[str, str]],
    left_out: Sequence[tuple[str, str]],
) -> str:
    """Write the card.

    Parameters
    ----------
    settings : LabelledSettings
        The recipe.
    found : mapping
        Fields of `dl4art.regression.self_training.Outcome`.
    curve : sequence of mappings
        Rows of ``curve.csv``; none if nothing was trained.
    left_out : sequence of (str, str)
        Files that could not be used, and why.

    Returns
    -------
    str
        Markdown.
    """
    outcome = (
        f"**These are the weights of {settings.base}, as they were**: {found['kept']}."
        if found["kept"]
        else f"{settings.base}, trained on with labels that it gave itself where it was sure, and with "
        f"{settings.crops} simulated crops so that nothing is forgotten. The weights lie {settings.share:g} of the way "
        "to the trained ones."
    )
    return _CARD.format(
        **{name: found[name] for name in ("crops", "files", "sure", "learnt_from", "held_out")},
        base=settings.base,
        outcome=outcome,
        left_out="\nLeft out:\n\n" + "\n".join(f"- {name}: {why}" for name, why in left_out) + "\n" if left_out else "",
        figures="\n".join(_figures(found)),
        version=__version__,
        settings="\n".join(f"- `{name}`: {value}" for name, value in asdict(settings).items()),
        curve=_curve(curve),
    )


def _figures(found: Mapping[str, Any]) -> list[str]:
    apart, simulated, tested = found["disagreement"], found["simulated"], found["tested"]
    rows = [("from the pseudo-labels of crops held out", apart)] if apart else []
    rows += [("NMAE, simulated windows held out to judge by", simulated)] if simulated else []
    if tested:
        nmae = {when: values["nmae"] for when, values in tested.items()}
        rows.append((f"NMAE, {tested['after']['windows']} other simulated windows, for test alone", nmae))
    return [
        f"| {name} | "
        + " | ".join(f"{values[when]:.2%}" if when in values else "" for when in ("before", "after"))
        + " |"
        for name, values in rows
    ]


def _curve(curve: Sequence[Mapping[str, str]]) -> str:
    if not curve:
        return ""
    names = [name for name in curve[0] if name != "epoch"]
    rows = [
        f"| {int(row['epoch']) + 1} | " + " | ".join(f"{float(row[name]):.4f}" for name in names) + " |"
        for row in curve
    ]
    head = " | ".join(["epoch", *names])
    return "\n".join(["\n## Learning curve\n", f"| {head} |", f"|{'---|' * (1 + len(names))}", *rows, ""])
