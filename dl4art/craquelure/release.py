"""From trained weights to a segmenter that can be shipped: tested beside the top-hat, with its card."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from dl4art.craquelure.card import model_card
from dl4art.craquelure.metrics import confusion, images_per_second, line_scores, scores
from dl4art.craquelure.networks import build_network
from dl4art.craquelure.parts import parameters
from dl4art.craquelure.samples import PaintingSamples, simulate_paintings
from dl4art.craquelure.segmenter import Segmenter, save_segmenter
from dl4art.craquelure.tophat import TopHat, tophat_cracks, tune_tophat
from dl4art.craquelure.training import SegmenterSettings
from dl4art.simulation.paintings import CLASSES, PaintingSplit
from dl4art.utils.checkpoints import BEST, Checkpoints, load_weights
from dl4art.utils.provenance import versions

Tell = Callable[[str], None]
Segment = Callable[[npt.NDArray[np.uint8]], npt.NDArray[np.uint8]]
TESTS: dict[str, PaintingSplit] = {"kinds of the training": "test", "held-out kind": "held-out"}
_CRACK = CLASSES.index("craquelure")
_TUNED_ON = 24  # pictures by which the top-hat is tuned: it has three settings
_RIVAL = "unet"
"""Network beside which the speed is measured."""
_TIMED, _TIMED_RIVAL = 9, 3  # pictures, the first one for warming up


def finish_segmenter(
    settings: SegmenterSettings,
    folder: str | Path,
    *,
    workers: int = 2,
    tell: Tell = print,
    paintings: str | Path | None = None,
) -> Path:
    """Test trained weights on paintings that they were not trained on, and write the model folder.

    Parameters
    ----------
    settings : SegmenterSettings
        The recipe.
    folder : path
        Of the training; gets the folder ``segmenter``.
    workers : int
        Processes that draw paintings.
    tell : callable
        Told what goes on.
    paintings : path, optional
        Where the simulated paintings lie; in the folder if left out.

    Returns
    -------
    Path
        The model folder.
    """
    folder = Path(folder)
    data = folder / "paintings" if paintings is None else Path(paintings)
    filters = settings.filters or None
    network = build_network(settings.network, filters)
    load_weights(network, folder / BEST)

    stop = simulate_paintings(data, "stop", settings.stop, workers=workers)
    top_hat, _ = tune_tophat(
        list(stop.pictures[:_TUNED_ON]), list(stop.masks[:_TUNED_ON] == _CRACK), light=(False, True)
    )
    tell(f"the top-hat is tuned: {top_hat}")
    sets = {name: simulate_paintings(data, split, settings.check, workers=workers) for name, split in TESTS.items()}
    methods = {"segmenter": Segmenter(network).segment, "top-hat": by_tophat(top_hat)}
    results: dict[str, dict[str, Any]] = {}
    for name, samples in sets.items():
        found = {method: judge(segment, samples) for method, segment in methods.items()}
        results[name] = {"pictures": len(samples), **found}
        told = (
            f"{method}: mean IoU {of['mean_iou']:.3f}, craquelure F1 {of['craquelure']['f1']:.3f}, "
            f"lines {of['line_f1'] or 0:.3f}"
            for method, of in found.items()
        )
        tell(f"{name}: {'; '.join(told)}")
    pictures = next(iter(sets.values())).pictures
    speed = {
        "segmenter": _speed(network, pictures, _TIMED),
        _RIVAL: _speed(build_network(_RIVAL), pictures, _TIMED_RIVAL),
    }
    tell(f"pictures of {pictures.shape[1]} px in a second: {speed['segmenter']:.1f}, U-Net {speed['unet']:.1f}")

    recipe = {**asdict(settings), "versions": versions()}
    tests = {"paintings": results, "top_hat": asdict(top_hat), "images_per_second": speed}
    curve = Checkpoints(folder, settings.epochs).rows
    card = model_card(settings, parameters(network), results=results, top_hat=top_hat, speed=speed, curve=curve)
    target = folder / "segmenter"
    save_segmenter(network, target, name=settings.network, filters=filters, recipe=recipe, tests=tests, card=card)
    return target


def judge(segment: Segment, samples: PaintingSamples) -> dict[str, Any]:
    """Score a method on paintings with known damage.

    Parameters
    ----------
    segment : callable
        From a picture (h, w, 3) to its classes (h, w).
    samples : PaintingSamples
        The paintings.

    Returns
    -------
    dict
        JSON values: ``accuracy``, ``mean_iou``, for each class ``precision``, ``recall``, ``f1``, ``iou`` (counted over
        the pixels of all paintings; None where nothing can be said), ``line_f1`` (centre-lines within 3 px, mean over
        the paintings that show cracks) and ``false_cracks`` (share of the pixels called cracks in paintings that show
        none; None without such).
    """
    return judge_answers(samples.masks, map(segment, samples.pictures))


def judge_answers(truths: Iterable[npt.NDArray[np.uint8]], answers: Iterable[npt.NDArray[np.uint8]]) -> dict[str, Any]:
    """Score answers of shape (h, w) by the truths of the same pictures; values as of `judge`."""
    counts, lines, false = np.zeros((len(CLASSES), len(CLASSES)), np.int64), [], []
    for mask, said in zip(truths, answers, strict=True):
        counts += confusion(mask, said)
        if (cracks := mask == _CRACK).any():
            lines.append(line_scores(cracks, said == _CRACK).f1)
        else:
            false.append(float((said == _CRACK).mean()))
    found = scores(counts)
    return {
        "accuracy": found.accuracy,
        "mean_iou": found.mean_iou,
        **{name: _known(asdict(rows)) for name, rows in found.classes.items()},
        "line_f1": float(np.mean(lines)) if lines else None,
        "false_cracks": float(np.mean(false)) if false else None,
    }


def _known(values: dict[str, float]) -> dict[str, float | None]:
    """Give None for what nothing can be said of: JSON has no other word for it."""
    return {name: None if math.isnan(value) else value for name, value in values.items()}


def by_tophat(settings: TopHat) -> Segment:
    """Give the classes that a top-hat finds: cracks, and nothing of losses."""

    def segment(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        return np.where(tophat_cracks(picture, settings), _CRACK, 0).astype(np.uint8)

    return segment


def _speed(network: keras.Model, pictures: npt.NDArray[np.uint8], count: int) -> float:
    """Pictures that a network answers in a second, one after another."""
    chosen = [picture[None].astype(np.float32) for picture in pictures[:count]]
    return images_per_second(network.predict_on_batch, chosen)
