"""From weights trained on photographs of one's own to a segmenter: compared with where it began, with its card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dl4art.craquelure.networks import build_network
from dl4art.craquelure.own_card import own_card
from dl4art.craquelure.own_pictures import LabelledPhotograph, fingerprint, slices
from dl4art.craquelure.own_training import Start, frozen_epochs
from dl4art.craquelure.release import Segment, by_tophat, judge_answers
from dl4art.craquelure.segmenter import Segmenter, save_segmenter
from dl4art.craquelure.tophat import TopHat, tune_tophat
from dl4art.craquelure.training import Tell
from dl4art.simulation.paintings import CLASSES
from dl4art.utils.checkpoints import BEST, Checkpoints, load_weights
from dl4art.utils.provenance import versions
from dl4art.utils.tables import write_json

_CRACK = CLASSES.index("craquelure")
_TUNED_ON = 12  # slices by which the top-hat is tuned
NOTHING = "background everywhere"
"""What a network from nothing is compared with."""


@dataclass(frozen=True)
class Finished:
    """A model folder, and whether anything was learnt."""

    model: Path
    rose: bool
    """Whether the mean IoU on the photographs held out is higher than before."""
    outcome: str
    """That in a sentence."""


def finish_own_segmenter(
    start: Start,
    split: Mapping[str, Sequence[LabelledPhotograph]],
    folder: str | Path,
    *,
    left_out: Sequence[tuple[str, str]] = (),
    tell: Tell = print,
) -> Finished:
    """Test the best epoch on the photographs held out, beside what it started from and the top-hat, and write a model.

    Parameters
    ----------
    start : Start
        What the training started from.
    split : mapping
        Photographs by what they serve; see `dl4art.craquelure.own_training.train_own_segmenter`.
    folder : path
        Of the training; gets ``results.json`` and the model folder ``segmenter``. If the training did not help, and
        there was a segmenter before, the model has that one's weights.
    left_out : sequence of (str, str)
        Photographs that could not be read, and why, for the card.
    tell : callable
        Told what goes on.
    """
    folder, settings = Path(folder), start.settings
    filters = settings.filters or None
    trained = build_network(settings.network, filters)
    load_weights(trained, folder / BEST)
    methods: dict[str, Segment] = {
        "before": start.before.segment if start.before else lambda picture: np.zeros(picture.shape[:2], np.uint8),
        "after": Segmenter(trained).segment,
    }
    top_hat = _tuned(split["train"], settings.window_px)
    if top_hat is not None:
        methods["top-hat"] = by_tophat(top_hat)
    tell("tests")
    held = split["held"]
    answers = {name: [segment(item.picture) for item in held] for name, segment in methods.items()}
    results: dict[str, Any] = {
        name: {
            "all": judge_answers([item.mask for item in held], said),
            "pictures": {item.name: judge_answers([item.mask], [one]) for item, one in zip(held, said, strict=True)},
        }
        for name, said in answers.items()
    }
    before, after = (results[name]["all"]["mean_iou"] for name in ("before", "after"))
    rose = bool(after > before)
    outcome = _outcome(before, after, start)
    write_json(folder / "results.json", {"rose": rose, **results})
    everything = [item for part in split.values() for item in part]
    recipe = {**asdict(settings), "data": fingerprint(everything), "versions": versions()}
    tests = {"photographs": results, "rose": rose, **({"top_hat": asdict(top_hat)} if top_hat else {})}
    card = own_card(
        settings,
        split,
        results,
        outcome=outcome,
        before=start.before.name if start.before else NOTHING,
        frozen=frozen_epochs(start),
        curve=Checkpoints(folder, settings.epochs).rows,
        left_out=left_out,
    )
    network = trained if rose or start.before is None else start.before.network
    model = folder / "segmenter"
    save_segmenter(network, model, name=settings.network, filters=filters, recipe=recipe, tests=tests, card=card)
    return Finished(model, rose, outcome)


def _outcome(before: float, after: float, start: Start) -> str:
    numbers = f"{before:.3f} before and {after:.3f} after, on the photographs held out"
    if after > before:
        return f"mean IoU {numbers}"
    kept = " The model has the weights that it started from." if start.before else ""
    return f"The mean IoU did not rise: {numbers}. Nothing was learnt that helps.{kept}"


def _tuned(photographs: Sequence[LabelledPhotograph], side_px: int) -> TopHat | None:
    """Tune the top-hat on slices with cracks, dark or light; None if there are none."""
    pairs = [pair for pair in zip(*slices(photographs, side_px), strict=True) if (pair[1] == _CRACK).any()]
    if not pairs:
        return None
    chosen = [pairs[place] for place in np.unique(np.linspace(0, len(pairs) - 1, _TUNED_ON).astype(int))]
    pictures, masks = zip(*chosen, strict=True)
    return tune_tophat(pictures, [mask == _CRACK for mask in masks], light=(False, True))[0]
