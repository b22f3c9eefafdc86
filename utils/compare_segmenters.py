"""Train small segmenters alike but for the loss, and alike but for the network, and compare them: two tables.

    python utils/compare_segmenters.py -o runs/segmenters

Writes ``utils/results/segmenters.json`` and ``segmenters.md``. The tables are those of the Res-UNet study of craquelure
and paint loss, remade on simulated paintings of 128 px with small encoders: five losses with one network, and four
networks with one loss. All get the same paintings, seed and processor time (``--minutes``, 20 by default). How many
batches that is for a network is measured before its first training, and written down: the learning rate falls to the
end, so that the end must be known. Paintings that choose the best epoch are looked at outside of that time. The black
top-hat, tuned on these, stands in each table; it knows no losses.

What is measured of one run is on disk before the next begins; an interrupted run goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from dl4art.utils.backend import load_keras

load_keras()
import keras  # noqa: E402 (it is loaded silently first)

from dl4art.craquelure.card import SCORES, score_cells  # noqa: E402
from dl4art.craquelure.losses import LOSSES  # noqa: E402
from dl4art.craquelure.metrics import images_per_second  # noqa: E402
from dl4art.craquelure.networks import build_network  # noqa: E402
from dl4art.craquelure.parts import parameters  # noqa: E402
from dl4art.craquelure.release import by_tophat, judge  # noqa: E402
from dl4art.craquelure.samples import PaintingSamples, simulate_paintings  # noqa: E402
from dl4art.craquelure.segmenter import Segmenter  # noqa: E402
from dl4art.craquelure.tophat import tune_tophat  # noqa: E402
from dl4art.craquelure.training import (  # noqa: E402
    SegmenterSettings,
    WholeBatches,
    WindowBatches,
    check_settings,
    compile_network,
    fit_segmenter,
)
from dl4art.simulation.paintings import CLASSES  # noqa: E402
from dl4art.utils.checkpoints import load_weights  # noqa: E402
from dl4art.utils.files import atomic_path, make_folder  # noqa: E402
from dl4art.utils.fine_tuning import claim, dtype_policy  # noqa: E402
from dl4art.utils.provenance import versions  # noqa: E402
from dl4art.utils.tables import write_json  # noqa: E402

RESULTS = Path(__file__).parent / "results"
NETWORK, LOSS = "res-unet", "mixed2"
"""Network of the first table, and loss of the second: the study's best."""
FILTERS = {
    "res-unet": (16, 16, 32, 64, 128),
    "unet": (16, 32, 64, 128, 256),
    "mc-dm": (16, 32, 64, 96),
    "light": (24, 32, 64, 96, 128),
}
"""Channels: a quarter of the usual ones of the two that are large, half of those of the light one."""
_WARM_UP, _TIMED = 2, 6  # batches
_TUNED_ON = 24  # paintings by which the top-hat is tuned
_PICTURES_TIMED = 12


@dataclass(frozen=True)
class Comparison:
    """What all runs have in common; `settings` says it of a training, but for network, loss and steps."""

    minutes: float = 20.0
    """Processor time of each training."""
    side_px: int = 128
    filters: dict[str, tuple[int, ...]] = field(default_factory=lambda: dict(FILTERS))
    losses: tuple[str, ...] = tuple(LOSSES)
    settings: SegmenterSettings = field(
        default_factory=lambda: SegmenterSettings(
            window_px=128, pictures=2400, stop=80, check=160, epochs=10, batch=8, rate=1e-3, precision="float32"
        )
    )

    def runs(self) -> list[tuple[str, str]]:
        """Network and loss of each run, no run twice."""
        wanted = [(NETWORK, loss) for loss in self.losses] + [(network, LOSS) for network in self.filters]
        return list(dict.fromkeys(wanted))


def measured_steps(settings: SegmenterSettings, train: PaintingSamples, minutes: float) -> dict[str, float]:
    """Find how many batches an epoch may have for a training to take so long, from a few that are thrown away.

    Returns
    -------
    dict
        ``seconds``, processor time of a batch, and ``steps``.
    """
    batches = WindowBatches(train.pictures, train.masks, settings)
    network = _built(settings)
    compile_network(network, settings)
    for index in range(_WARM_UP):
        network.train_on_batch(*batches[index])
    began = time.process_time()
    for index in range(_WARM_UP, _WARM_UP + _TIMED):
        network.train_on_batch(*batches[index])
    seconds = (time.process_time() - began) / _TIMED
    return {"seconds": seconds, "steps": max(1, round(60 * minutes / seconds / settings.epochs))}


def train_and_judge(
    settings: SegmenterSettings, folder: Path, sets: dict[str, PaintingSamples], minutes: float
) -> dict[str, Any]:
    """Train one network with one loss for so many minutes of processor time, and measure it.

    Parameters
    ----------
    settings : SegmenterSettings
        The recipe but for its steps.
    folder : Path
        Of all trainings.
    sets : dict
        Paintings to learn from, to stop and to test on.
    minutes : float
        The budget.

    Returns
    -------
    dict
        JSON values: scores on the test paintings, ``pictures_per_second``, ``parameters`` in millions, ``epochs``,
        ``steps`` and ``processor_minutes``, as measured, the choice of the best epoch included.
    """
    plan = _kept(folder / f"plan-{settings.network}.json", lambda: measured_steps(settings, sets["train"], minutes))
    settings = replace(settings, steps=int(plan["steps"]))
    mine = folder / f"{settings.network}-{settings.loss}"
    make_folder(mine)
    keras.utils.set_random_seed(settings.seed)
    network = _built(settings)
    train, stop = sets["train"], sets["stop"]
    spent = _Spent(mine / "spent.json")
    try:
        weights = fit_segmenter(
            network,
            lambda done: WindowBatches(train.pictures, train.masks, settings, epoch=done),
            WholeBatches(stop.pictures, stop.masks),
            settings,
            mine,
            quiet=True,
        )
    finally:
        total = spent.keep()
    # in float32, and without what the training has added
    network = build_network(settings.network, settings.filters)
    load_weights(network, weights)
    test = sets["test"]
    pictures = [picture[None].astype(np.float32) for picture in test.pictures[:_PICTURES_TIMED]]
    return {
        **judge(Segmenter(network).segment, test),
        "pictures_per_second": images_per_second(network.predict_on_batch, pictures),
        "parameters": parameters(network),
        "epochs": settings.epochs,
        "steps": settings.steps,
        "processor_minutes": total / 60,
    }


def compare(common: Comparison, folder: Path, results: Path, *, workers: int = 2) -> dict[str, Any]:
    """Compare losses and networks.

    Parameters
    ----------
    common : Comparison
        What all runs have in common.
    folder, results : Path
        For paintings and trainings, and for what is found.
    workers : int
        Processes that draw paintings.

    Raises
    ------
    InputError
        If the folder holds a comparison of another kind.
    """
    settings = common.settings
    for network, loss in common.runs():
        check_settings(replace(settings, network=network, filters=common.filters[network], loss=loss))
    make_folder(folder)
    make_folder(results)
    claim(folder, asdict(common))
    sets = {
        name: simulate_paintings(folder / "paintings", name, count, side_px=common.side_px, workers=workers)
        for name, count in (("stop", settings.stop), ("test", settings.check), ("train", settings.pictures))
    }
    found: dict[str, Any] = {"top-hat": _kept(folder / "top-hat.json", lambda: _tophat(sets))}
    for network, loss in common.runs():
        print(f"{network}, {loss}:", flush=True)
        one = replace(settings, network=network, filters=common.filters[network], loss=loss)

        def measured(one: SegmenterSettings = one) -> dict[str, Any]:
            return train_and_judge(one, folder, sets, common.minutes)

        found[f"{network}, {loss}"] = _kept(folder / f"{network}-{loss}.json", measured)
        write_json(results / "segmenters.json", {"settings": asdict(common), "versions": versions(), "found": found})
        with atomic_path(results / "segmenters.md") as path:
            path.write_text(tables(common, found), encoding="utf-8")
    return found


def tables(common: Comparison, found: dict[str, Any]) -> str:
    """Write both tables as Markdown, with the runs that are done."""
    losses = [(loss, f"{NETWORK}, {loss}") for loss in common.losses]
    networks = [(network, f"{network}, {LOSS}") for network in common.filters]
    top_hat = [("black top-hat", "top-hat")]
    return (
        f"Simulated paintings of {common.side_px} px, small encoders, {common.minutes:g} min of processor time each; "
        "the minutes in the table are measured, and hold the choice of the best epoch, too.\n\n"
        f"Losses, with {NETWORK}:\n\n{_table('loss', losses + top_hat, found)}\n"
        f"Networks, with {LOSS}:\n\n{_table('network', networks + top_hat, found)}"
    )


def _table(what: str, rows: Sequence[tuple[str, str]], found: dict[str, Any]) -> str:
    head = [what, *SCORES, "accuracy", "pictures/s", "parameters, M", "batches", "min"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, run in rows:
        if (of := found.get(run)) is None:
            continue
        cells = [f"{of['accuracy']:.3f}", f"{of['pictures_per_second']:.1f}", *[""] * 3]
        if run != "top-hat":
            cells[2:] = [
                f"{of['parameters']:.2f}",
                str(of["epochs"] * of["steps"]),
                f"{of['processor_minutes']:.1f}",
            ]
        lines.append(f"| {name} | {score_cells(of)} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _tophat(sets: dict[str, PaintingSamples]) -> dict[str, Any]:
    crack, stop, test = CLASSES.index("craquelure"), sets["stop"], sets["test"]
    tuned, _ = tune_tophat(list(stop.pictures[:_TUNED_ON]), list(stop.masks[:_TUNED_ON] == crack), light=(False, True))
    segment = by_tophat(tuned)
    speed = images_per_second(segment, list(test.pictures[:_PICTURES_TIMED]))
    return {**judge(segment, test), "pictures_per_second": speed, "top_hat": asdict(tuned)}


def _built(settings: SegmenterSettings) -> keras.Model:
    with dtype_policy(settings.precision):
        return build_network(settings.network, settings.filters)


def _kept(path: Path, make: Any) -> dict[str, Any]:
    """Read what an earlier run has found, or find and write it."""
    if not path.exists():
        write_json(path, make())
    known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return known


class _Spent:
    """Processor time of this process and of what went on before it was interrupted."""

    def __init__(self, path: Path) -> None:
        self.path, self.began = path, time.process_time()
        self.before = float(json.loads(path.read_text(encoding="utf-8"))["seconds"]) if path.exists() else 0.0

    def keep(self) -> float:
        """Write it down, and give it in seconds."""
        total = self.before + time.process_time() - self.began
        write_json(self.path, {"seconds": total})
        return total


def main() -> None:
    """Compare, write and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of paintings and trainings")
    parser.add_argument("--minutes", type=float, default=20.0, help="processor time of each training (default: 20)")
    parser.add_argument("--pictures", type=int, default=2400, help="simulated paintings to learn from (default: 2400)")
    parser.add_argument("--check", type=int, default=160, help="simulated paintings to test on (default: 160)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2, help="processes that draw paintings (default: 2)")
    args = parser.parse_args()
    if not args.minutes > 0:
        parser.error("--minutes: state a number above zero")
    common = Comparison(minutes=args.minutes)
    settings = replace(common.settings, pictures=args.pictures, check=args.check, seed=args.seed)
    common = replace(common, settings=settings)
    found = compare(common, args.output, RESULTS, workers=args.workers)
    print(tables(common, found))


if __name__ == "__main__":
    main()
