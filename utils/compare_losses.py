"""Train small comparers alike but for the loss, and compare the losses, and ways to join the scores of many pairs.

    python utils/compare_losses.py -o runs/losses

Writes ``siamese/results/losses.json`` and ``losses.md``. Each loss in `dl4art.siamese.losses.LOSSES` gets the same
families, batches, steps and seed, and warm trunk; what is compared is measured on families of the calibration split, so
that whoever chooses by it has not looked at the tests. Frames are those of the true densities but for an error such as
a counter makes, for the pictures are not counted. Scores of a triplet or contrastive loss are no log odds: what ways of
joining take for a bound or a probability means less there.

Cost with the numbers below, in processor time: 6 minutes to draw the families, which all losses share (0.85 s for one
to train on, 3.1 s for one to measure on, measured), and about 10 for each loss (0.9 s a batch, measured; encoding,
reckoned): half an hour or so in all on two quiet cores. An interrupted run goes on where it was.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from dl4art.siamese import FabricComparer
from dl4art.siamese.aggregation import aggregate, areas
from dl4art.siamese.calibration import UNCALIBRATED
from dl4art.siamese.encoder import PairNetwork, encode_frames
from dl4art.siamese.losses import LOSSES, evaluate_pairs, scorer
from dl4art.siamese.samples import FamilySamples, Frames, frame_families, simulate_families
from dl4art.siamese.training import ComparerSettings, build_comparison, train_comparer
from dl4art.simulation.families import FamilyPlan
from dl4art.utils.files import atomic_path
from dl4art.utils.models import write_model
from dl4art.utils.provenance import versions

RESULTS = Path(__file__).parents[1] / "siamese" / "results"
PLAN = FamilyPlan(cloths=4, plates=2, crops=10, size_px=300)
"""What is drawn of each family that losses are compared on."""
Start = Callable[[ComparerSettings], PairNetwork]


def train_and_judge(
    settings: ComparerSettings,
    folder: Path,
    held: tuple[FamilySamples, Frames],
    *,
    workers: int,
    start: Start = build_comparison,
) -> dict[str, Any]:
    """Train with one loss, and measure it.

    Parameters
    ----------
    settings : ComparerSettings
        The recipe.
    folder : Path
        Of all trainings: that of this loss lies in it, beside the crops that all share.
    held : FamilySamples, Frames
        What it is measured on.
    workers : int
        Processes that simulate.
    start : callable
        Builds the networks.

    Returns
    -------
    dict
        Areas under the ROC curve: ``pairs`` of crops, and ``canvases`` by the way of joining their scores.
    """
    mine = folder / settings.loss.replace(" ", "-")
    weights = train_comparer(settings, mine, workers=workers, start=start, crops=folder / "crops")
    model = mine / "model"
    model.mkdir(exist_ok=True)
    (model / "model.weights.h5").write_bytes(weights.read_bytes())
    write_model(model, config={"network": asdict(settings.encoder)}, calibration=UNCALIBRATED.to_dict(), card="small\n")
    comparer = FabricComparer.from_pretrained(model)
    samples, frames = held
    vectors = encode_frames(comparer.encoder, frames.each(), frames.density)
    pairs = evaluate_pairs(samples, scorer(vectors, comparer.head))
    plates = [np.flatnonzero(samples.plate == plate) for plate in np.unique(samples.plate)]
    rows, same = [], []
    for a, b in combinations(plates, 2):
        if samples.family[a[0]] == samples.family[b[0]]:
            rows.append(aggregate(comparer, vectors[a], vectors[b]))
            same.append(bool(samples.cloth[a[0]] == samples.cloth[b[0]]))
    return {"pairs": pairs.to_dict(), "canvases": areas(rows, same)}


def table(found: dict[str, dict[str, Any]]) -> str:
    """Write the areas as Markdown."""
    ways = list(next(iter(found.values()))["canvases"])
    head = ["loss", "pairs of crops", "strangers of any density", *(f"canvases, {way}" for way in ways)]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for loss, areas_ in found.items():
        pairs, canvases = areas_["pairs"], areas_["canvases"]
        numbers = [pairs["pair_auc"], pairs["open_auc"], *(canvases[way] for way in ways)]
        lines.append(f"| {loss} | " + " | ".join(f"{number:.3f}" for number in numbers) + " |")
    return "\n".join(lines) + "\n"


def compare(
    settings: ComparerSettings,
    folder: Path,
    results: Path,
    *,
    losses: Sequence[str] = tuple(LOSSES),
    plan: FamilyPlan = PLAN,
    workers: int = 2,
    shard: int = 4,
    start: Start = build_comparison,
) -> dict[str, dict[str, Any]]:
    """Compare losses; what is measured of one is written before the next begins.

    Parameters
    ----------
    settings : ComparerSettings
        The recipe of all; its `check` families are measured on.
    folder, results : Path
        For the trainings, and for what is found.
    losses : sequence of str
        Names in `LOSSES`.
    plan, shard : FamilyPlan, int
        What is drawn of the families that are measured on, and how many lie in a file.
    workers, start
        As for `train_and_judge`.
    """
    held = (
        simulate_families(folder / "held", "calibrate", settings.check, plan, workers=workers, shard=shard),
        frame_families(folder / "held", "calibrate", settings.check, plan, workers=workers, shard=shard),
    )
    found: dict[str, dict[str, Any]] = {}
    told = {name: value for name, value in asdict(settings).items() if name != "loss"}
    told |= {"plan": asdict(plan), "versions": versions()}
    for loss in losses:
        print(f"{loss}:")
        found[loss] = train_and_judge(replace(settings, loss=loss), folder, held, workers=workers, start=start)
        texts = {"losses.json": json.dumps({"settings": told, "losses": found}, indent=2) + "\n"}
        for name, text in {**texts, "losses.md": table(found)}.items():
            with atomic_path(results / name) as temporary:
                temporary.write_text(text, encoding="utf-8")
    return found


def main() -> None:
    """Compare, write and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of the trainings")
    parser.add_argument("--families", type=int, default=300, help="trained on (default: 300)")
    parser.add_argument("--stop", type=int, default=40, help="by which the best epoch is chosen (default: 40)")
    parser.add_argument("--epochs", type=int, default=5, help="of --steps batches each (default: 5)")
    parser.add_argument("--steps", type=int, default=100, help="batches in an epoch (default: 100)")
    parser.add_argument("--check", type=int, default=24, help="families measured on (default: 24)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2, help="processes that simulate (default: 2)")
    args = parser.parse_args()
    settings = ComparerSettings(
        families=args.families,
        stop=args.stop,
        epochs=args.epochs,
        steps=args.steps,
        check=args.check,
        seed=args.seed,
    )
    print(table(compare(settings, args.output, RESULTS, workers=args.workers)))


if __name__ == "__main__":
    main()
