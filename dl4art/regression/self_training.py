"""A counter refined on plates that nobody has labelled, and left as it is where that does not help."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dl4art.regression.counter import ThreadCounter
from dl4art.regression.evaluation import nmae
from dl4art.regression.fine_tuning import CROP, OTHER_WEAVES, SHARD, shard_size, stop_windows, train_labelled
from dl4art.regression.labelled_release import score_simulated
from dl4art.regression.network import WINDOW
from dl4art.regression.presets import Base, LabelledSettings
from dl4art.regression.pseudo_labels import as_labelled, disagreement, keep_pseudo_labels
from dl4art.regression.release import calibrate_network, write_uncalibrated
from dl4art.regression.samples import simulate_samples
from dl4art.regression.self_training_card import self_training_card
from dl4art.regression.unlabelled import Unlabelled, UnlabelledCrop, fingerprint
from dl4art.simulation.readability import READABLE
from dl4art.simulation.samples import Samples, Split
from dl4art.utils.checkpoints import CURVE
from dl4art.utils.files import atomic_path, make_folder
from dl4art.utils.models import write_model
from dl4art.utils.progress import progress

Tell = Callable[[str], None]
Numbers = npt.NDArray[np.intp]
LEAST = 12
"""Sure crops to learn from without which nothing is learnt; a quarter as many must be sure of those held out."""
AS_USUAL = 1.5
"""A counter that is no farther from its pseudo-labels than so many times as on simulated crops knows such cloth."""
HELPS = 0.9
"""Share of the disagreement before that may be left."""
FORGETS = 1.25
"""Times the error on simulated windows before that is too much."""


@dataclass(eq=False)
class Outcome:
    """What has come of it; the card and ``results.json`` tell it."""

    files: int
    crops: int
    sure: int
    """Crops that the base is sure of, in both directions."""
    learnt_from: int
    held_out: int
    """Sure ones by which it was judged."""
    disagreement: dict[str, float] = field(default_factory=dict)
    """With pseudo-labels of the base: ``before`` and ``after`` on what was held out, ``simulated`` before."""
    simulated: dict[str, float] = field(default_factory=dict)
    """NMAE on simulated windows held out to judge by, ``before`` and ``after``."""
    tested: dict[str, Any] = field(default_factory=dict)
    """The same on others, by which nothing was judged."""
    kept: str = ""
    """Why the base is kept; empty where it is not."""


def refine_counter(
    settings: LabelledSettings,
    data: Unlabelled,
    folder: str | Path,
    base: Base,
    *,
    workers: int = 2,
    tell: Tell = print,
    quiet: bool = True,
) -> Path:
    """Refine a counter on unlabelled crops, or go on with what was interrupted.

    The crops of which it is sure at some scale (`dl4art.regression.pseudo_labels`) are its labels at all scales;
    simulated crops are mixed in. The base is kept where the counter knows such cloth already, where it is sure of too
    little, where it does not come nearer to what it is sure of on crops held out, or where it forgets what it knew.

    Parameters
    ----------
    settings : LabelledSettings
        Preset ``unlabelled``.
    data : Unlabelled
        The crops.
    folder : path
        Gets pseudo-labels, simulated crops and the state after each epoch; the model goes into its subfolder ``model``.
    base : Base
        Of architecture ``vgg``.
    workers : int
        Processes that simulate.
    tell : callable
        Told what goes on.
    quiet : bool
        No progress bar.

    Returns
    -------
    Path
        The model folder. If the base is kept it holds the base's weights and calibration, and the card says why.
    """
    folder = Path(folder)
    model = folder / "model"
    make_folder(model)
    before = ThreadCounter.from_pretrained(base.folder.path)
    with progress(len(data.crops), "reading crops in all views", quiet=quiet) as advance:
        labels = keep_pseudo_labels(before, data.crops, folder / "pseudo-labels", _in_differences(advance))
    learn, held = (part[labels.sure[part]] for part in data.split(settings.seed))
    found = Outcome(data.files, len(data.crops), int(labels.sure.sum()), len(learn), len(held))
    tell(f"{found.sure} of {found.crops} crops of {found.files} files are read surely")
    facts = {**asdict(settings), "data": fingerprint(data.crops)}
    after = None

    def simulated(split: Split, count: int, size_px: int, other_weaves: float = 0.0) -> Samples:
        shard = shard_size(settings)
        return simulate_samples(
            folder / "crops", split, count, size_px, shard=shard, other_weaves=other_weaves, workers=workers
        )

    def apart(counter: ThreadCounter) -> float:
        return disagreement(counter, [data.crops[n].grey for n in held], labels.density[held])

    def usual() -> float:
        # on the first of those that are mixed in
        samples = simulated("train", min(SHARD, settings.crops), CROP, OTHER_WEAVES)
        known = [UnlabelledCrop(str(n), samples.grey[n], str(n)) for n in _readable(samples)]
        if not known:
            return 0.0
        own = keep_pseudo_labels(before, known, folder / "pseudo-labels")
        sure = np.flatnonzero(own.sure)
        return disagreement(before, [known[n].grey for n in sure], own.density[sure]) if len(sure) else 0.0

    if not _nothing_to_learn(found, before, apart, usual):
        split = {
            "train": as_labelled(before, data.crops, labels, learn.tolist()),
            "stop": as_labelled(before, data.crops, labels, held.tolist()),
        }
        weights = train_labelled(
            settings, split, folder, base=base.folder.weights, workers=workers, tell=tell, quiet=quiet
        )
        after, config = write_uncalibrated(model, weights, settings.filters, facts)
        stop = stop_windows(settings, folder, workers)
        _judge(found, (before, after), apart, stop)
    if after is None or found.kept:
        tell(f"the base is kept: {found.kept}")
        with atomic_path(model / "model.weights.h5") as path:
            shutil.copyfile(base.folder.weights, path)
        config, calibration = base.folder.config, base.folder.calibration
    else:
        after, calibration = calibrate_network(
            after,
            folder / "crops",
            settings.check,
            aims=before.calibration.finer(labels.density[learn]),
            shard=shard_size(settings),
            workers=workers,
            tell=tell,
        )
        # nobody has counted there: what lies outside the base's range stays remarked on
        calibration["densities"] = list(before.calibration.densities)
        write_model(model, config=config, calibration=calibration, card="calibrated, not yet tested\n")
        tell("tests")
        samples = simulated("test", settings.check, WINDOW)
        found.tested = {when: score_simulated(counter, samples) for when, counter in _named((before, after))}
    with atomic_path(folder / "results.json") as path:
        path.write_text(json.dumps(asdict(found), indent=2) + "\n", encoding="utf-8")
    card = self_training_card(settings, asdict(found), _curve(folder), data.left_out)
    write_model(model, config=config, calibration=calibration, card=card)
    return model


def _in_differences(advance: Callable[[int], None]) -> Callable[[int], None]:
    """Pass on by how many more are ready, to what is told how many are."""
    ready = 0

    def tell(now: int) -> None:
        nonlocal ready
        advance(now - ready)
        ready = now

    return tell


def _named(counters: tuple[ThreadCounter, ThreadCounter]) -> zip[tuple[str, ThreadCounter]]:
    return zip(("before", "after"), counters, strict=True)


def _nothing_to_learn(
    found: Outcome, before: ThreadCounter, apart: Callable[[ThreadCounter], float], usual: Callable[[], float]
) -> bool:
    """Say before any training why there would be no use in it."""
    if found.learnt_from < LEAST or found.held_out < LEAST // 4:
        found.kept = (
            f"of {found.crops} crops the counter is sure of {found.sure}, and at least {LEAST} to learn from and "
            f"{LEAST // 4} to judge by are needed. Give more plates, or label crops (python -m dl4art.label)"
        )
        return True
    found.disagreement = {"simulated": usual(), "before": apart(before)}
    limit = AS_USUAL * found.disagreement["simulated"]
    if found.disagreement["before"] <= limit:
        found.kept = (
            f"what it says of these plates is {found.disagreement['before']:.1%} from what it is surest of, and up to "
            f"{limit:.1%} is usual on cloths that it was trained on: it knows such cloth already"
        )
    return bool(found.kept)


def _judge(
    found: Outcome,
    counters: tuple[ThreadCounter, ThreadCounter],
    apart: Callable[[ThreadCounter], float],
    stop: Samples,
) -> None:
    """Decide whether it has helped, by crops and simulated windows held out."""
    found.disagreement["after"] = apart(counters[1])
    seen = _readable(stop)
    truth = stop.density[seen].mean(axis=(2, 3))
    found.simulated = {when: nmae(counter.presume(stop.grey[seen]), truth) for when, counter in _named(counters)}
    if found.disagreement["after"] > HELPS * found.disagreement["before"]:
        found.kept = (
            f"what it says of crops held out is {found.disagreement['after']:.1%} from what the base is surest of, and "
            f"{found.disagreement['before']:.1%} before learning: that does not help"
        )
    elif found.simulated["after"] > FORGETS * found.simulated["before"]:
        found.kept = (
            f"its error on simulated windows has risen from {found.simulated['before']:.2%} to "
            f"{found.simulated['after']:.2%}: it forgets what it knew"
        )


def _readable(samples: Samples) -> Numbers:
    """Numbers of crops in plain weave that can be read both ways."""
    return np.flatnonzero((samples.readable >= READABLE).all(axis=1) & samples.plain)


def _curve(folder: Path) -> list[dict[str, str]]:
    path = folder / CURVE
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines())) if path.exists() else []
