"""From trained weights to a model that can be shipped: calibrated, tested, with its card."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dl4art import __version__
from dl4art.regression.calibration import Calibration, flag_threshold, interval_curve, refusal_threshold
from dl4art.regression.card import model_card
from dl4art.regression.counter import CombinedCounter, Readings, ThreadCounter, combine, refined
from dl4art.regression.estimate import ThreadEstimate
from dl4art.regression.evaluation import Scores, score
from dl4art.regression.samples import simulate_samples
from dl4art.regression.spectral import SpectralCounter
from dl4art.regression.training import TrainingSettings
from dl4art.simulation.readability import READABLE
from dl4art.simulation.samples import Samples
from dl4art.utils.models import write_model
from dl4art.utils.provenance import versions

Tell = Callable[[str], None]
_UNCALIBRATED = Calibration(((-7.0, 2.0), (0.002, 5.0)), ((-7.0, 2.0), (0.002, 5.0)), 2.0, 9.0, 1.0, 0.08, 0.5)
CROP = 304
"""Side in pixels of the 1.5 cm crops that are calibrated and tested on beside windows of 1 cm."""


@dataclass(frozen=True, eq=False)
class _Held:
    """Held-out crops, what the network reads in them, and the truth."""

    samples: Samples
    reading: Readings
    refined: tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]
    """Densities and qualities of the spectrum near the network's, each (n, 2)."""

    @property
    def truth(self) -> npt.NDArray[np.float32]:
        means: npt.NDArray[np.float32] = self.samples.density.mean(axis=(2, 3))
        return means

    @property
    def readable(self) -> npt.NDArray[np.bool_]:
        return self.samples.readable >= READABLE


def _hold(network: ThreadCounter, samples: Samples) -> _Held:
    reading = network.read(samples.grey)
    peaks = [refined(picture, part) for picture, part in zip(samples.grey, reading.each(), strict=True)]
    return _Held(samples, reading, (np.array([p[0] for p in peaks]), np.array([p[1] for p in peaks])))


def calibrate(held: Sequence[_Held]) -> Calibration:
    """Fit all that is calibrated, on simulated canvases that served nothing else.

    Parameters
    ----------
    held : sequence
        Held-out crops: windows of 1 cm, and crops of 1.5 cm.
    """
    plain = [np.repeat(part.samples.plain[:, None], 2, axis=1) for part in held]
    log_error = np.concatenate([part.reading.log_error[use] for part, use in zip(held, plain, strict=True)])
    truth = np.concatenate([part.truth[use] for part, use in zip(held, plain, strict=True)])
    density = np.concatenate([part.reading.density[use] for part, use in zip(held, plain, strict=True)])
    found = np.concatenate([part.refined[0][use] for part, use in zip(held, plain, strict=True)])
    quality = np.concatenate([part.refined[1][use] for part, use in zip(held, plain, strict=True)])
    logits = np.concatenate([part.reading.other_weave[part.samples.plain] for part in held])
    error = np.abs(density / truth - 1)
    base = replace(_UNCALIBRATED, no_estimate=refusal_threshold(log_error, error), other_weave=flag_threshold(logits))
    kept = log_error <= base.no_estimate
    tried = {}
    for share in (0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5):
        for agreement in (0.02, 0.04, 0.08):
            trial = replace(base, spectral_share=share, agreement=agreement)
            together, _ = combine(density, log_error, found, quality, trial)
            tried[share, agreement] = float(np.abs(together / truth - 1)[kept].mean())
    share, agreement = min(tried, key=lambda key: tried[key])
    base = replace(base, spectral_share=share, agreement=agreement)
    together, doubt = combine(density, log_error, found, quality, base)
    off = np.abs(together / truth - 1)
    return replace(
        base,
        network=interval_curve(log_error[kept], error[kept]),
        combined=interval_curve(doubt[kept], off[kept]),
    )


def _pairs(held: _Held, use: npt.NDArray[np.bool_]) -> list[tuple[float, float]]:
    return [(float(v), float(h)) for v, h in held.truth[use]]


def _scores(estimates: list[ThreadEstimate], held: _Held) -> dict[str, Any]:
    """Scores on crops readable both ways, and what became of the others."""
    use: npt.NDArray[np.bool_] = np.asarray(held.readable.all(axis=1))
    readable: Scores = score([e for e, yes in zip(estimates, use, strict=True) if yes], _pairs(held, use))
    rest = [e for e, yes in zip(estimates, use, strict=True) if not yes]
    other: Scores = score(rest, _pairs(held, ~use))
    return {"readable": readable.to_dict(), "others": other.to_dict()}


def evaluate(network: ThreadCounter, held: dict[str, _Held]) -> dict[str, Any]:
    """Score the network, the spectral method and both together on held-out sets of crops.

    Returns
    -------
    dict
        For each set and method: scores on crops that are readable both ways, and on the others; for the spectral
        method also those at the coverage of the combined one, its least certain answers left out.
    """
    result: dict[str, Any] = {}
    for name, part in held.items():
        pictures = part.samples.grey
        combined = CombinedCounter(network).predict(pictures)
        result[name] = {
            "combined": _scores(combined, part),
            "network": _scores(network.predict(pictures), part),
            "spectral": _scores(SpectralCounter(reading="peak").predict(pictures), part),
            "spectral, phase reading": _scores(SpectralCounter().predict(pictures), part),
        }
        flagged = [e.status == "ok" and "twill" in e.message for e in combined]
        answered = [e.status == "ok" for e in combined]
        result[name]["flagged"] = sum(flagged) / max(1, sum(answered))
    return result


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
    model.mkdir(exist_ok=True)
    shutil.copyfile(folder / "model.weights.h5", model / "model.weights.h5")
    config = {
        "architecture": "fully convolutional VGG regression",
        "filters": list(settings.filters),
        "window_px": 200,
        "px_per_cm": 200,
        "preprocessing": "local mean and deviation, half-width 32 px",
        "settings": asdict(settings),
        "versions": versions(),
        "dl4art": __version__,
    }
    write_model(model, config=config, calibration=_UNCALIBRATED.to_dict(), card="not yet calibrated\n")
    network = ThreadCounter.from_pretrained(model)

    def held(split: Any, count: int, size: int, other_weaves: float = 0.0) -> _Held:
        tell(f"{split}: {count} crops of {size} px")
        samples = simulate_samples(folder / "crops", split, count, size, other_weaves=other_weaves, workers=workers)
        return _hold(network, samples)

    check = settings.check
    calibration = calibrate([held("calibrate", check, 200, 0.15), held("calibrate", check // 2, CROP, 0.15)])
    network = replace(network, calibration=calibration)
    results = evaluate(
        network,
        {
            "windows of 1 cm": held("test", check, 200),
            "crops of 1.5 cm": held("test", check // 2, CROP),
            "held-out family, 1 cm": held("held-out", check // 2, 200),
            "twill, 1 cm": held("twill", check // 4, 200),
        },
    )
    (folder / "results.json").write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    curve = list(csv.DictReader((folder / "curve.csv").read_text(encoding="utf-8").splitlines()))
    card = model_card(settings, results, curve, READABLE)
    write_model(model, config=config, calibration=calibration.to_dict(), card=card)
    return model
