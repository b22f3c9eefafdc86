"""From weights trained on labelled crops to a model folder: calibrated, tested canvas by canvas, with its card."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dl4art import __version__
from dl4art.regression.combined import CombinedCounter
from dl4art.regression.count_file import load_counter
from dl4art.regression.counter import ThreadCounter
from dl4art.regression.evaluation import nmae, relative_errors, score, share_within
from dl4art.regression.fine_tuning import Crops, Tell, build_network, shard_size
from dl4art.regression.labelled import LabelledCrop, canvas_rows, fingerprint
from dl4art.regression.labelled_card import labelled_card
from dl4art.regression.presets import LabelledSettings
from dl4art.regression.release import calibrate_network, write_uncalibrated
from dl4art.regression.samples import simulate_samples
from dl4art.regression.window_counter import ARCHITECTURE, PREPROCESSING, WindowCounter
from dl4art.simulation.readability import READABLE
from dl4art.simulation.samples import Samples
from dl4art.utils.checkpoints import CURVE, save_weights
from dl4art.utils.files import atomic_path, make_folder
from dl4art.utils.models import write_model
from dl4art.utils.provenance import versions

Network = ThreadCounter | WindowCounter
TOLERANCES = (0.25, 0.5, 1.0)
"""Threads per cm within which errors are counted."""
_LEVEL = 0.95
_LEAST = 20  # values from which a half-width of 95 % can be told: one in twenty may lie outside


def finish_labelled(
    settings: LabelledSettings,
    split: Mapping[str, Crops],
    folder: str | Path,
    weights: Path,
    base: str | Path | None = None,
    *,
    workers: int = 2,
    tell: Tell = print,
) -> Path:
    """Make a model folder of a finished training on labelled crops: calibrate, test, write the card.

    Parameters
    ----------
    settings : LabelledSettings
        The recipe that the weights were trained with.
    split : mapping
        Labelled crops by what they serve.
    folder : path
        The training's folder; the model goes into its subfolder ``model``.
    weights : Path
        What `dl4art.regression.fine_tuning.train_labelled` has come to.
    base : path, optional
        Folder of the model that it started from, to compare with; the shipped one if left out.
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
    before: Any = load_counter("network", base)
    facts = {**asdict(settings), "data": fingerprint([crop for crops in split.values() for crop in crops])}
    seen = np.array([crop.density for crop in split["train"]])
    after: Network
    if settings.architecture == "vgg":
        network, config = write_uncalibrated(model, weights, settings.filters, facts)
        # the canvases that told when to stop are the only labelled ones left that it has not learnt from
        network, calibration = calibrate_network(
            network,
            folder / "crops",
            settings.check,
            more=as_samples(split["stop"]),
            aims=before.calibration.finer(seen),
            shard=shard_size(settings),
            workers=workers,
            tell=tell,
        )
        # of the base, or of the simulated crops that both this one and the shipped one have seen
        low, high = before.calibration.densities
        densities = (min(low, math.floor(seen.min())), max(high, math.ceil(seen.max())))
        after = replace(network, calibration=replace(network.calibration, densities=densities))
        calibration["densities"] = list(densities)
    else:
        after, config, calibration = _window_model(settings, split, model, weights, facts)
    write_model(model, config=config, calibration=calibration, card="calibrated, not yet tested\n")
    tell("tests")
    results = {"labelled": {"before": _tested(before, split["test"]), "after": _tested(after, split["test"])}}
    if isinstance(after, ThreadCounter):
        samples = simulate_samples(
            folder / "crops", "test", settings.check, 200, shard=shard_size(settings), workers=workers
        )
        results["simulated"] = {"before": score_simulated(before, samples), "after": score_simulated(after, samples)}
    with atomic_path(folder / "results.json") as path:
        path.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    curve = list(csv.DictReader((folder / CURVE).read_text(encoding="utf-8").splitlines()))
    card = labelled_card(settings, canvas_rows(split), results, curve, before.name)
    write_model(model, config=config, calibration=calibration, card=card)
    return model


def _window_model(
    settings: LabelledSettings, split: Mapping[str, Crops], model: Path, weights: Path, facts: dict[str, Any]
) -> tuple[WindowCounter, dict[str, Any], dict[str, Any]]:
    """Model folder of the upstream's network: weights, and intervals from the canvases that told when to stop."""
    make_folder(model)
    network = build_network(settings)
    network.load_weights(weights)
    save_weights(network, model / "model.weights.h5")
    config = {
        "architecture": ARCHITECTURE,
        "filters": list(settings.filters),
        "window_px": 200,
        "px_per_cm": 200,
        "preprocessing": PREPROCESSING,
        "settings": facts,
        "versions": versions(),
        "dl4art": __version__,
    }
    seen = np.array([crop.density for crop in split["train"]])
    calibration: dict[str, Any] = {
        "half_width": None,
        "densities": [math.floor(seen.min()), math.ceil(seen.max())],
    }
    counter = WindowCounter.from_folder(
        write_model(model, config=config, calibration=calibration, card="not yet calibrated\n")
    )
    truth = _truth(split["stop"])
    half = half_width(relative_errors(counter.presume([crop.grey for crop in split["stop"]]), truth).ravel())
    return replace(counter, half_width=half), config, {**calibration, "half_width": half}


def half_width(errors: npt.NDArray[np.float64]) -> float | None:
    """Split-conformal half-width that covers 95 % of relative errors, (n,); None for fewer than 20 of them."""
    if len(errors) < _LEAST:
        return None
    rank = math.ceil((len(errors) + 1) * _LEVEL)
    return float(np.sort(errors)[rank - 1])


def as_samples(crops: Sequence[LabelledCrop]) -> list[Samples]:
    """Labelled crops in the form of simulated ones, those of one size together, to calibrate on.

    The truth is one cell for each crop; all of them can be read, since a person could.
    """
    sizes = dict.fromkeys(crop.grey.shape for crop in crops)
    groups = [[crop for crop in crops if crop.grey.shape == size] for size in sizes]
    return [
        Samples(
            np.array([_eight_bits(crop.grey) for crop in group]),
            _truth(group).astype(np.float32)[..., None, None],
            np.zeros((len(group), 2), np.float32),
            np.full((len(group), 2), READABLE, np.float32),
            np.ones(len(group), np.bool_),
        )
        for group in groups
    ]


def _eight_bits(grey: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    low, high = grey.min(), grey.max()
    levels: npt.NDArray[np.uint8] = np.rint((grey - low) * (255 / max(float(high - low), 1e-12))).astype(np.uint8)
    return levels


def _truth(crops: Sequence[LabelledCrop]) -> npt.NDArray[np.float64]:
    return np.array([crop.density for crop in crops])


def _tested(counter: Network, crops: Sequence[LabelledCrop]) -> dict[str, Any]:
    """How far a counter is off, canvas by canvas and on all of them; the network alone, and with all that it has."""
    grey, truth = [crop.grey for crop in crops], _truth(crops)
    found = counter.presume(grey)
    estimates = _whole(counter).predict(grey)
    canvases = np.array([crop.canvas for crop in crops])
    by_canvas = {}
    for canvas in sorted(set(canvases.tolist())):
        use = np.flatnonzero(canvases == canvas)
        answered = score([estimates[n] for n in use], [(truth[n, 0], truth[n, 1]) for n in use])
        by_canvas[canvas] = {
            "crops": len(use),
            "vertical_per_cm": float(truth[use, 0].mean()),
            "horizontal_per_cm": float(truth[use, 1].mean()),
            "nmae": nmae(found[use], truth[use]),
            "answered": answered.answered,
            "nmae_answered": answered.nmae,
            "coverage": answered.coverage,
        }
    every = score(estimates, [(v, h) for v, h in truth])
    within = {f"{limit:g}": share_within(found, truth, limit) for limit in TOLERANCES}
    return {"canvases": by_canvas, "nmae": nmae(found, truth), "within": within, "all": every.to_dict()}


def score_simulated(counter: Network, samples: Samples) -> dict[str, Any]:
    """How far a counter is off on simulated windows of the ordinary kinds that can be read."""
    use = (samples.readable >= READABLE).all(axis=1)
    grey, truth = samples.grey[use], samples.density[use].mean(axis=(2, 3)).astype(np.float64)
    answered = score(_whole(counter).predict(grey), [(v, h) for v, h in truth])
    return {"windows": len(grey), "nmae": nmae(counter.presume(grey), truth), "all": answered.to_dict()}


def _whole(counter: Network) -> Any:
    """Give what `python -m dl4art.count` uses: with the spectrum, where the network is such."""
    return CombinedCounter(counter) if isinstance(counter, ThreadCounter) else counter
