"""From trained weights to a model that can be shipped: calibrated, tested, with its card."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dl4art import __version__
from dl4art.regression.calibration import (
    Calibration,
    Curve,
    fit_doubt,
    fit_logit,
    fit_weave,
    flag_threshold,
    interval_curve,
    legible_threshold,
    refusal_limit,
    shortfall,
)
from dl4art.regression.card import model_card
from dl4art.regression.choice import choose, fit_choice
from dl4art.regression.combined import (
    FINENESS,
    CombinedCounter,
    Evidence,
    combine,
    doubt_features,
    legibility,
    opinions_of,
)
from dl4art.regression.counter import Readings, ThreadCounter
from dl4art.regression.estimate import ThreadEstimate
from dl4art.regression.evaluation import Scores, score
from dl4art.regression.legibility import CLIPPED
from dl4art.regression.map_plates import read_plates
from dl4art.regression.map_trust import fit_map
from dl4art.regression.network import build_trainer, build_trunk
from dl4art.regression.samples import SHARD, made_finer, simulate_samples
from dl4art.regression.spectral import SpectralCounter
from dl4art.regression.training import TrainingSettings
from dl4art.regression.weave import FEATURES, weave_logit
from dl4art.simulation.readability import READABLE
from dl4art.simulation.samples import Samples, Split
from dl4art.utils.checkpoints import save_weights
from dl4art.utils.files import atomic_path, make_folder
from dl4art.utils.models import write_model
from dl4art.utils.provenance import versions
from dl4art.utils.trees import fit_trees

Tell = Callable[[str], None]
_ANY: Curve = ((-7.0, 2.0), (0.002, 5.0))
_UNCALIBRATED = Calibration(
    network=_ANY,
    combined=_ANY,
    network_limit=2.0,
    combined_limit=2.0,
    network_readable=-20.0,
    legibility=(0.0, 1.0, 0.0),
    legible=-20.0,
    twill=((0.0,) * FEATURES,) * 2,
    other_weave=20.0,
    spectral_share=1.0,
    agreement=0.08,
    doubt=(0.0, 1.0, 0.0, 0.0, 0.0, 0.0),
    choice=fit_trees(np.zeros((1, 1)), np.array([True])),
)
_SEEN, _READ = tuple(Evidence.__dataclass_fields__), tuple(Readings.__dataclass_fields__)
CROP = 304
"""Side in pixels of the 1.5 cm crops that are calibrated and tested on beside windows of 1 cm."""
_FOLDS = 5
_CROPS_A_PLATE = 25  # crops that are checked on for each plate that maps are calibrated on


@dataclass(frozen=True, eq=False)
class _Held:
    """Held-out crops, what the network reads in them, and the truth."""

    samples: Samples
    reading: Readings
    evidence: Evidence
    canvas: npt.NDArray[np.intp]
    """Numbers of the canvases, (n,)."""

    @property
    def truth(self) -> npt.NDArray[np.float32]:
        means: npt.NDArray[np.float32] = self.samples.density.mean(axis=(2, 3))
        return means

    @property
    def readable(self) -> npt.NDArray[np.bool_]:
        return self.samples.readable >= READABLE


def _hold(network: ThreadCounter, samples: Samples, canvas: npt.NDArray[np.intp] | None = None) -> _Held:
    numbers = np.arange(len(samples)) if canvas is None else canvas
    return _Held(samples, *CombinedCounter(network).look(samples.grey), numbers)


def calibrate(held: Sequence[_Held]) -> Calibration:
    """Fit all that is calibrated, on simulated canvases that served nothing else.

    Parameters
    ----------
    held : sequence
        Held-out crops: first the windows of 1 cm that a promise is kept on, then others.
    """
    return replace(_trusted(held), **_flag(held))


def _trusted(held: Sequence[_Held]) -> Calibration:
    """Fit what is to be believed, refused and allowed for; not the flag for other weaves."""

    def plain(values: Callable[[_Held], npt.NDArray[Any]]) -> npt.NDArray[Any]:
        return np.concatenate([values(part)[part.samples.plain] for part in held])

    truth, readable = plain(lambda part: part.truth), plain(lambda part: part.readable)
    reading = Readings(*(plain(attrgetter(f"reading.{name}")) for name in _READ))
    evidence = Evidence(*(plain(attrgetter(f"evidence.{name}")) for name in _SEEN))
    shows = legibility(reading, evidence)
    weights = fit_logit(shows.reshape(-1, 3), readable.ravel())
    base = replace(
        _UNCALIBRATED,
        network_readable=legible_threshold(reading.readable[readable]),
        legibility=weights,
        legible=legible_threshold((shows @ np.array(weights))[readable]),
    )
    legible = (shows @ np.array(weights) >= base.legible).all(axis=1) & (evidence.clipped <= CLIPPED)
    both = legible & readable.all(axis=1)

    def off(trial: Calibration) -> npt.NDArray[Any]:
        error: npt.NDArray[Any] = np.abs(combine(reading.density, evidence, trial) / truth - 1)
        return error

    trials = [
        replace(base, spectral_share=share, agreement=agreement)
        for share in (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0)
        for agreement in (0.02, 0.04, 0.06, 0.08)
    ]
    best = min(trials, key=lambda trial: shortfall(off(trial)[both], truth[both]))
    opinions = opinions_of(reading, evidence, best)
    trees, logits = fit_choice(opinions, truth, plain(attrgetter("canvas")))
    density, logit = choose(opinions.candidates, logits, FINENESS)
    alone, together = np.abs(reading.density / truth - 1), np.abs(density / truth - 1)
    known = doubt_features(reading, evidence, logit)
    best = replace(
        best, choice=trees, doubt=fit_doubt(known[legible].reshape(-1, known.shape[-1]), together[legible].ravel())
    )
    promised = both & (np.arange(len(both)) < held[0].samples.plain.sum())
    log_error, doubt = reading.log_error, known @ np.array(best.doubt)
    best = replace(
        best,
        network_limit=refusal_limit(
            log_error[promised], alone[promised], truth[promised], mean=0.02, within_half=0.9, within_one=0.97
        ),
        combined_limit=refusal_limit(-logit[promised], together[promised], truth[promised]),
    )
    by_network = legible & (log_error <= best.network_limit).all(axis=1)
    by_both = legible & (-logit <= best.combined_limit).all(axis=1)
    return replace(
        best,
        network=interval_curve(log_error[by_network].ravel(), alone[by_network].ravel()),
        combined=interval_curve(doubt[by_both].ravel(), together[by_both].ravel()),
    )


def _flag(held: Sequence[_Held]) -> dict[str, Any]:
    """Weights and limit of the flag for other weaves, from crops that are readable both ways."""
    use = [part.readable.all(axis=1) for part in held]
    weave = np.concatenate([part.evidence.weave[yes] for part, yes in zip(held, use, strict=True)])
    other = np.concatenate([~part.samples.plain[yes] for part, yes in zip(held, use, strict=True)])
    # the limit comes from plain crops that the weights have not seen
    fold = np.arange(len(other)) % _FOLDS
    unseen = [
        weave_logit(weave[(fold == part) & ~other], fit_weave(weave[fold != part], other[fold != part]))
        for part in range(_FOLDS)
    ]
    return {"twill": fit_weave(weave, other), "other_weave": flag_threshold(np.concatenate(unseen))}


def _pairs(held: _Held, use: npt.NDArray[np.bool_]) -> list[tuple[float, float]]:
    return [(float(v), float(h)) for v, h in held.truth[use]]


def _scores(estimates: Sequence[ThreadEstimate], held: _Held) -> dict[str, Any]:
    """Scores on crops readable both ways, and what became of the others."""
    use: npt.NDArray[np.bool_] = np.asarray(held.readable.all(axis=1))
    readable: Scores = score([e for e, yes in zip(estimates, use, strict=True) if yes], _pairs(held, use))
    rest = [e for e, yes in zip(estimates, use, strict=True) if not yes]
    other: Scores = score(rest, _pairs(held, ~use))
    return {"readable": readable.to_dict(), "others": other.to_dict()}


def _surest(estimates: Sequence[ThreadEstimate], held: _Held, count: int) -> list[ThreadEstimate]:
    """Keep that many answers on readable crops, those with the narrowest intervals, and withhold the rest."""

    def width(estimate: ThreadEstimate) -> float:
        values = estimate.to_dict()
        shares = [
            (values[f"{name}_high"] - values[f"{name}_low"]) / values[f"{name}_per_cm"]
            for name in ("vertical", "horizontal")
            if estimate.status == "ok"
        ]
        return max(shares, default=np.inf)

    readable: npt.NDArray[np.bool_] = np.asarray(held.readable.all(axis=1))
    widths = sorted(width(e) for e, yes in zip(estimates, readable, strict=True) if yes)
    limit = widths[count - 1] if count else -1.0
    return [e if width(e) <= limit else ThreadEstimate("no-estimate") for e in estimates]


def evaluate(network: ThreadCounter, sets: Mapping[str, Samples]) -> dict[str, Any]:
    """Score the network, the spectral method and both together on sets of simulated crops.

    Parameters
    ----------
    network : ThreadCounter
        Calibrated.
    sets : mapping
        Crops by the name of the set.

    Returns
    -------
    dict
        For each set and method: scores on crops that are readable both ways, and on the others; the spectral method
        at its own coverage, and made to answer as many readable crops as both together do. ``flagged`` is the share
        of readable crops that were taken for another weave than plain.
    """
    result: dict[str, Any] = {}
    for name, samples in sets.items():
        held = _hold(network, samples)
        readings = list(held.reading.each())
        both = CombinedCounter(network)
        combined = both.judge(held.reading, held.evidence)
        scores = _scores(combined, held)
        methods = {"combined": scores, "network": _scores([network.judge(reading) for reading in readings], held)}
        for reading in ("peak", "phase"):
            spectral = SpectralCounter(reading=reading)
            peaks = [spectral.peaks(picture, 200.0) for picture in samples.grey]
            methods[f"spectral, {reading}"] = _scores([spectral.judge(*pair) for pair in peaks], held)
            forced = replace(spectral, min_quality=0.01, min_octave=-np.inf)
            same = _surest([forced.judge(*pair) for pair in peaks], held, scores["readable"]["answered"])
            methods[f"spectral, {reading}, same coverage"] = _scores(same, held)
        readable = held.readable.all(axis=1)
        flagged = ["twill" in e.message for e, yes in zip(combined, np.asarray(readable), strict=True) if yes]
        result[name] = {**methods, "flagged": sum(flagged) / max(1, len(flagged))}
    return result


def drawn_sets(folder: str | Path, check: int, *, workers: int = 2, tell: Tell = print) -> dict[str, Samples]:
    """Draw the crops that counters are tested on, or read them if they lie in `folder`."""

    def drawn(split: Split, count: int, size: int) -> Samples:
        tell(f"{split}: {count} crops of {size} px")
        return simulate_samples(folder, split, count, size, workers=workers)

    return {
        "windows of 1 cm": drawn("test", check, 200),
        "crops of 1.5 cm": drawn("test", check // 2, CROP),
        "chequered, 1 cm": drawn("chequered-test", check // 4, 200),
        "held-out family, 1 cm": drawn("held-out", check // 2, 200),
        "twill, 1.5 cm": drawn("twill", check // 2, CROP),
    }


def write_uncalibrated(
    model: Path, weights: Path, filters: tuple[int, ...], settings: Mapping[str, Any]
) -> tuple[ThreadCounter, dict[str, Any]]:
    """Make a model folder of trained weights, without the state of the optimiser; give its counter and configuration.

    Parameters
    ----------
    model : Path
        The folder.
    weights : Path
        What the training has kept.
    filters : tuple of int
        Of the network.
    settings : mapping
        How it was trained, JSON values.
    """
    make_folder(model)
    trainer = build_trainer(build_trunk(filters))
    trainer.load_weights(weights)
    save_weights(trainer, model / "model.weights.h5")
    config = {
        "architecture": "fully convolutional VGG regression",
        "filters": list(filters),
        "window_px": 200,
        "px_per_cm": 200,
        "preprocessing": "local mean and deviation, half-width 32 px",
        "settings": dict(settings),
        "versions": versions(),
        "dl4art": __version__,
    }
    write_model(model, config=config, calibration=_UNCALIBRATED.to_dict(), card="not yet calibrated\n")
    return ThreadCounter.from_pretrained(model), config


def calibrate_network(
    network: ThreadCounter,
    folder: str | Path,
    check: int,
    *,
    more: Sequence[Samples] = (),
    aims: npt.ArrayLike = (),
    shard: int = SHARD,
    workers: int = 2,
    tell: Tell = print,
) -> tuple[ThreadCounter, dict[str, Any]]:
    """Calibrate a counter on simulated canvases that served nothing else.

    Parameters
    ----------
    network : ThreadCounter
        Whatever its calibration is.
    folder : path
        Gets the simulated crops.
    check : int
        Windows; five times as many are drawn, and crops and plates in proportion.
    more : sequence of Samples
        Other held-out crops to calibrate on besides.
    aims : (k,) array
        Densities, th/cm, that the counter has learnt and simulated cloths do not reach: some of these are made as fine,
        since what is calibrated would otherwise never have seen such densities.
    shard : int
        Crops in a file.
    workers, tell
        As in `finish_model`.

    Returns
    -------
    ThreadCounter
        Calibrated for crops.
    dict
        What belongs into ``calibration.json``: the same, and what is true of maps.
    """

    def held(split: Split, count: int, size: int) -> _Held:
        tell(f"{split}: {count} crops of {size} px")
        samples = simulate_samples(folder, split, count, size, other_weaves=0.25, shard=shard, workers=workers)
        return _hold(network, samples)

    parts = [held("calibrate", 5 * check, 200), held("calibrate", 2 * check, CROP)]
    finer, canvas = made_finer(parts[-1].samples, aims)
    if len(finer):
        tell(f"calibrate: {len(finer)} of these made finer")
        parts.append(_hold(network, finer, canvas))
    parts += [held("chequered-calibrate", check // 2, 200), held("twill-calibrate", check, CROP)]
    parts += [_hold(network, samples) for samples in more]
    network = replace(network, calibration=calibrate(parts))
    tell("the same, for maps")
    in_maps = fit_map(read_plates(network, folder, "calibrate", max(2, check // _CROPS_A_PLATE)))
    return network, {**network.calibration.to_dict(), "map": in_maps.to_dict()}


def finish_model(settings: TrainingSettings, folder: str | Path, *, workers: int = 2, tell: Tell = print) -> Path:
    """Make a model folder of a finished training: calibrate, test, write the card.

    Parameters
    ----------
    settings : TrainingSettings
        The recipe that the weights were trained with.
    folder : path
        The training's folder; the model goes into its subfolder ``model``.
    workers : int
        Processes that simulate.
    tell : callable
        Told what goes on.

    Returns
    -------
    Path
        The model folder.
    """
    folder = Path(folder)
    model = folder / "model"
    network, config = write_uncalibrated(model, folder / "model.weights.h5", settings.filters, asdict(settings))
    network, calibration = calibrate_network(network, folder / "crops", settings.check, workers=workers, tell=tell)
    # usable from here on; the tests take longer than the calibration
    write_model(model, config=config, calibration=calibration, card="calibrated, not yet tested\n")
    results = evaluate(network, drawn_sets(folder / "crops", settings.check, workers=workers, tell=tell))
    with atomic_path(folder / "results.json") as path:
        path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    curve = list(csv.DictReader((folder / "curve.csv").read_text(encoding="utf-8").splitlines()))
    card = model_card(settings, results, curve, READABLE)
    write_model(model, config=config, calibration=calibration, card=card)
    return model
