"""Training of the demonstration weights: on simulated networks of cracks of four kinds, resumable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from dl4art import __version__
from dl4art.craquelure.regions import (
    KIND,
    SIDE,
    Element,
    RegionNetwork,
    build_region_network,
    enhanced_picture,
    region_config,
)
from dl4art.simulation.crack_kinds import REGIONS
from dl4art.simulation.paintings import PaintingSplit, draw_painting
from dl4art.utils.checkpoints import BEST, Checkpoints, load_weights
from dl4art.utils.evaluation import Answer, Evaluation
from dl4art.utils.files import make_folder
from dl4art.utils.fine_tuning import claim, fit
from dl4art.utils.holding import held
from dl4art.utils.provenance import versions
from dl4art.utils.shards import make_shards
from dl4art.utils.window_classifier import WindowClassifier, save_classifier
from dl4art.utils.window_training import Draws, InOrder, Recipe, compile_network
from dl4art.utils.windows import InMemory, Windows, cut_windows, random_places

Tell = Callable[[str], None]
SHARD = 40
"""Pictures in a file."""
NOTE = "demonstration: trained on simulated crack networks, not on photographs of paintings"
_RECIPE = Recipe(epochs=16, draws=3072, batch=32, rate=2e-3, smoothing=0.05, turns=True)
_CARD = """---
summary: Demonstration of craquelure by region, trained on simulated crack networks
authors: the dl4art developers
licence: BSD-3-Clause
base_model: none
tags: [painting, photograph, craquelure, demonstration]
---

# Craquelure by region: a demonstration

Tells four kinds of craquelure apart: {classes}. **It was trained on simulated crack networks, not on photographs of
paintings**: what it says of a painting is no evidence of where that was made. Real use means training on real
photographs, `python -m dl4art.train craquelure --data FOLDER -o OUT`.

The four kinds are drawn after the words in which Bucklow describes them (The Description of Craquelure Patterns,
Studies in Conservation 42, 1997): Italian and Flemish panels, Dutch and French canvases. Sizes and spreads are our own.
As in the study of four regions, the photograph is enhanced by the top-hat (a square of {element} px, cracks darker and
lighter than the paint) and given to a CNN with max-pooling, {parameters} parameters, window by window of {side} px.

## Recipe

`python -m dl4art.train craquelure -o runs/regions` with dl4art {version}:

{settings}

## What it was tested on

{pictures} simulated paintings of {test_px} px, none of them trained on, averaged over windows:

```
{report}
```

## Limits

- Simulated paintings are no real ones, and real schools are not as different as four descriptions.
- Islands of 14 to 120 px were trained on. Enlarge or reduce photographs that show them otherwise.
- One of the four is named whatever the photograph shows, also where it shows no craquelure.
"""


@dataclass(frozen=True)
class RegionSettings:
    """The recipe of the demonstration weights; with the package's version it remakes them."""

    pictures: int = 2000
    """Simulated paintings to train on."""
    stop: int = 160
    """Paintings by which the best epoch is chosen."""
    check: int = 240
    """Paintings to test on."""
    train_px: int = 288
    """Side of the paintings to train on."""
    test_px: int = 384
    """Side of those to test on: several windows each."""
    cuts: int = 2
    """Windows of each painting to learn from."""
    side: int = SIDE
    seed: int = 1
    recipe: Recipe = field(default_factory=lambda: _RECIPE)
    network: RegionNetwork = field(default_factory=RegionNetwork)
    element: Element = field(default_factory=Element)


@dataclass(frozen=True, eq=False)
class RegionSamples:
    """Simulated paintings seen through the top-hat."""

    enhanced: npt.NDArray[np.uint8]
    """(n, s, s, 2)"""
    region: npt.NDArray[np.int8]
    """Place of the kind in `REGIONS`, (n,)."""

    def __len__(self) -> int:
        return len(self.enhanced)


def draw_region_samples(numbers: range, split: PaintingSplit, side_px: int, element_px: int) -> RegionSamples:
    """Draw paintings by their numbers in a split, the four kinds in turn."""
    region = [number % len(REGIONS) for number in numbers]
    drawn = [
        draw_painting(split, number, (side_px, side_px), kind=REGIONS[kind])
        for number, kind in zip(numbers, region, strict=True)
    ]
    enhanced = [enhanced_picture(painting.picture, element_px) for painting in drawn]
    return RegionSamples(np.stack(enhanced), np.array(region, np.int8))


def simulate_regions(
    folder: Path, split: PaintingSplit, count: int, side_px: int, element_px: int, *, workers: int, tell: Tell
) -> RegionSamples:
    """Draw such paintings, or read those that an earlier call has drawn."""
    draw = partial(draw_region_samples, split=split, side_px=side_px, element_px=element_px)
    name = f"regions-{split}-{side_px}-{element_px}"
    told = lambda ready: tell(f"{min(ready, count)} of {count} paintings are ready")  # noqa: E731
    return make_shards(RegionSamples, draw, folder, name, count, shard=min(SHARD, count), workers=workers, done=told)


def train_regions(
    settings: RegionSettings, folder: str | Path, *, workers: int = 2, tell: Tell = print, quiet: bool = True
) -> Path:
    """Train the demonstration weights, or go on with a training that was interrupted.

    Parameters
    ----------
    settings : RegionSettings
        The recipe.
    folder : path
        Gets the simulated paintings, the state after each epoch, ``curve.csv`` and the model folder ``regions``.
    workers : int
        Processes that simulate.
    tell : callable
        Told what goes on.
    quiet : bool
        No progress bar.

    Returns
    -------
    Path
        The model folder.

    Raises
    ------
    InputError
        If the folder holds a training with other settings.
    Dl4artError
        If the loss is no number any more.
    OutputError
        If something cannot be written.
    """
    folder = Path(folder)
    make_folder(folder)
    with held(folder):
        return _train(settings, folder, workers=workers, tell=tell, quiet=quiet)


def _train(settings: RegionSettings, folder: Path, *, workers: int, tell: Tell, quiet: bool) -> Path:
    claim(folder, asdict(settings))
    kept = Checkpoints(folder, settings.recipe.epochs, seed=settings.seed, tell=tell)
    keras.utils.set_random_seed(settings.seed)
    network = build_region_network(settings.network, len(REGIONS))

    def simulate(split: PaintingSplit, count: int, side: int) -> RegionSamples:
        return simulate_regions(
            folder / "paintings", split, count, side, settings.element.px, workers=workers, tell=tell
        )

    if not kept.over:
        train = simulate("train", settings.pictures, settings.train_px)
        stop = simulate("stop", settings.stop, settings.train_px)
        draws = Draws(
            _windows(train, settings, settings.cuts),
            train.region.tolist(),
            len(REGIONS),
            settings.recipe,
            seed=settings.seed,
            epoch=kept.done,
        )
        stopping = InOrder(_windows(stop, settings, 1), stop.region.tolist(), len(REGIONS))
        compile_network(network, settings.recipe, settings.recipe.epochs * len(draws))
        kept.restore(network)
        fit(network, draws, stopping, kept, quiet=quiet)
    load_weights(network, folder / BEST)
    classifier = WindowClassifier(network, REGIONS, settings.side)
    evaluation = judge_regions(classifier, simulate("test", settings.check, settings.test_px))
    tell(f"simulated paintings never trained on: accuracy {evaluation.accuracies[0]:.3f}")
    target = folder / "regions"
    config = {
        **region_config("cnn", settings.element, settings.network),
        "note": NOTE,
        "recipe": asdict(settings),
        "versions": versions(),
    }
    card = _CARD.format(
        classes=", ".join(REGIONS),
        element=settings.element.px,
        parameters=network.count_params(),
        side=settings.side,
        version=__version__,
        settings="\n".join(f"- `{name}`: {value}" for name, value in asdict(settings).items()),
        pictures=len(evaluation.labels),
        test_px=settings.test_px,
        report=evaluation.report_text(),
    )
    save_classifier(classifier, target, kind=KIND, config=config, tests=evaluation.to_dict(), card=card)
    return target


def judge_regions(classifier: WindowClassifier, samples: RegionSamples) -> Evaluation:
    """Ask a classifier of simulated paintings, each averaged over its windows."""
    answers = [classifier.classify(InMemory(picture)).probability for picture in samples.enhanced]
    labels = samples.region.tolist()
    names = [str(number) for number in range(len(labels))]
    return Evaluation(classifier.classes, labels, names, [Answer(np.arange(len(labels)), np.stack(answers))])


def _windows(samples: RegionSamples, settings: RegionSettings, cuts: int) -> Windows:
    rng = np.random.default_rng([settings.seed, 2, cuts])
    pictures = map(InMemory, samples.enhanced)
    return cut_windows(((p, random_places(p.shape, settings.side, cuts, rng)) for p in pictures), settings.side)
