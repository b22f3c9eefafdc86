"""Training of networks that tell from a window which class a picture is of."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import keras
import numpy as np
import numpy.typing as npt
from PIL import Image

from dl4art.utils.errors import Dl4artError
from dl4art.utils.progress import progress
from dl4art.utils.window_classifier import ANSWERED
from dl4art.utils.windows import Pixels, Windows


@dataclass(frozen=True)
class Recipe:
    """How a network learns from windows."""

    epochs: int = 20
    draws: int = 0
    """Windows seen in an epoch; as many as there are if zero."""
    batch: int = 64
    optimizer: Literal["sgd", "rmsprop", "adamw"] = "adamw"
    rate: float = 1e-3
    """Learning rate at its height, from which it falls along a cosine."""
    loss: Literal["categorical", "binary"] = "categorical"
    """Cross-entropy over the classes, or of each class against the rest."""
    smoothing: float = 0.0
    """Share of the probability that the truth leaves to all classes."""
    degrees: float = 0.0
    """Windows are turned at random by up to so many degrees."""
    flips: bool = True
    """Windows are mirrored left to right at random."""
    turns: bool = False
    """They are mirrored top to bottom and transposed, too."""


class Draws(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of windows, as many of each class, in each epoch drawn and varied anew.

    Parameters
    ----------
    windows : Windows
        To draw from.
    labels : sequence of int
        Class of each picture; the number of a picture is `Windows.picture`.
    classes : int
        How many.
    recipe : Recipe
        How many, and how they are varied.
    seed : int
        Of drawing and varying.
    epoch : int
        Epochs that have been trained already.
    """

    def __init__(
        self, windows: Windows, labels: Sequence[int], classes: int, recipe: Recipe, *, seed: int, epoch: int = 0
    ) -> None:
        super().__init__(workers=1)
        self.windows, self.recipe, self.seed, self.epoch = windows, recipe, seed, epoch
        label = np.array(labels, np.intp)[windows.picture]
        self.own = [np.flatnonzero(label == number) for number in range(classes)]

    def __len__(self) -> int:
        return math.ceil((self.recipe.draws or len(self.windows)) / self.recipe.batch)

    def on_epoch_end(self) -> None:
        """Draw others in the next epoch."""
        self.epoch += 1

    def __getitem__(self, index: int) -> tuple[Pixels, npt.NDArray[np.float32]]:
        """Batch number `index`: windows (n, side, side, channels) and their classes, (n, classes)."""
        rng = np.random.default_rng([self.seed, self.epoch, index])
        classes = len(self.own)
        # the classes in turn, so that none is more frequent than another
        labels = (rng.integers(classes) + np.arange(self.recipe.batch)) % classes
        chosen = [int(rng.choice(self.own[label])) for label in labels]
        pixels = np.stack([vary(self.windows.window(number), self.recipe, rng) for number in chosen])
        return pixels, np.eye(classes, dtype=np.float32)[labels]


class InOrder(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of windows as they are, in order; arguments as for `Draws`."""

    def __init__(self, windows: Windows, labels: Sequence[int], classes: int) -> None:
        super().__init__(workers=1)
        self.windows = windows
        self.truth = np.eye(classes, dtype=np.float32)[np.array(labels, np.intp)[windows.picture]]

    def __len__(self) -> int:
        return math.ceil(len(self.windows) / ANSWERED)

    def __getitem__(self, index: int) -> tuple[Pixels, npt.NDArray[np.float32]]:
        """Batch number `index`, see `Draws`."""
        start, stop = ANSWERED * index, ANSWERED * (index + 1)
        return self.windows.batch(start, stop), self.truth[start:stop]


def vary(window: Pixels, recipe: Recipe, rng: np.random.Generator) -> Pixels:
    """Mirror and turn a window, (side, side, channels), at random as the recipe says."""
    if recipe.flips and rng.random() < 0.5:
        window = window[:, ::-1]
    if recipe.turns:
        if rng.random() < 0.5:
            window = window[::-1]
        if rng.random() < 0.5:
            window = window.transpose(1, 0, 2)
    if recipe.degrees:
        window = turned(window, float(rng.uniform(-recipe.degrees, recipe.degrees)))
    return window


def turned(window: Pixels, degrees: float) -> Pixels:
    """Turn a window about its middle; what comes in from outside is its mirror image."""
    side = len(window)
    margin = min(side, math.ceil(side * 0.25))
    wide = np.pad(window, ((margin, margin), (margin, margin), (0, 0)), mode="symmetric")
    channels = [
        np.asarray(Image.fromarray(np.ascontiguousarray(wide[..., n])).rotate(degrees, Image.Resampling.BILINEAR))
        for n in range(window.shape[-1])
    ]
    return np.stack(channels, axis=-1)[margin : margin + side, margin : margin + side]


def trainer(build: Callable[[int], keras.Model], recipe: Recipe) -> Callable[..., Any]:
    """Give what `dl4art.utils.class_training.Plan` needs to train networks that are built for a number of classes."""

    def train(windows: Windows, labels: Sequence[int], classes: int, **more: Any) -> Any:
        return train_on_windows(lambda: build(classes), windows, labels, classes, recipe, **more)

    return train


def compile_network(network: keras.Model, recipe: Recipe, steps: int) -> None:
    """Compile a network whose answers are probabilities (n, classes), for so many steps."""
    rate = keras.optimizers.schedules.CosineDecay(recipe.rate, max(1, steps), alpha=0.01)
    optimizers: dict[str, Callable[[], Any]] = {
        "sgd": lambda: keras.optimizers.SGD(rate, momentum=0.9),
        "rmsprop": lambda: keras.optimizers.RMSprop(rate),
        "adamw": lambda: keras.optimizers.AdamW(rate, weight_decay=1e-2),
    }
    losses = {"categorical": keras.losses.CategoricalCrossentropy, "binary": keras.losses.BinaryCrossentropy}
    loss = losses[recipe.loss](label_smoothing=recipe.smoothing)
    network.compile(optimizers[recipe.optimizer](), loss=loss, metrics=[keras.metrics.CategoricalAccuracy("accuracy")])


class _Watch(keras.callbacks.Callback):  # type: ignore[misc]
    """Tells how far a training has come, and stops it where it leads nowhere."""

    def __init__(self, advance: Callable[[int], None]) -> None:
        super().__init__()
        self.advance, self.epoch = advance, 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Count."""
        self.epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Tell, and check the loss."""
        self.advance(1)
        if not math.isfinite((logs or {}).get("loss", 0.0)):
            raise Dl4artError(
                f"the loss is no number any more in epoch {self.epoch + 1}. Train with another --seed in another "
                "folder, or with a lower --rate."
            )


def train_on_windows(
    build: Callable[[], keras.Model],
    windows: Windows,
    labels: Sequence[int],
    classes: int,
    recipe: Recipe,
    *,
    seed: int,
    held: Windows | None = None,
    what: str = "training",
    quiet: bool = True,
) -> tuple[keras.Model, dict[str, list[float]]]:
    """Build a network and train it; the same seed gives the same network.

    Parameters
    ----------
    build : callable
        Builds the network, from pixels (n, side, side, channels) to probabilities (n, classes).
    windows : Windows
        To learn from.
    labels : sequence of int
        Class of each picture.
    classes : int
        How many.
    recipe : Recipe
        How.
    seed : int
        Of everything.
    held : Windows, optional
        What the learning curve shows beside them. Nothing is learnt from it, nor chosen by it.
    what : str
        What the progress bar says.
    quiet : bool
        No progress bar.

    Returns
    -------
    network : keras.Model
        After the last epoch.
    curve : dict
        Loss and accuracy after each epoch.

    Raises
    ------
    Dl4artError
        If the loss is no number any more.
    """
    keras.utils.set_random_seed(seed)
    network = build()
    draws = Draws(windows, labels, classes, recipe, seed=seed)
    compile_network(network, recipe, recipe.epochs * len(draws))
    known = InOrder(held, labels, classes) if held is not None and len(held) else None
    with progress(recipe.epochs * len(draws), what, quiet=quiet) as advance:
        history = network.fit(
            draws,
            epochs=recipe.epochs,
            shuffle=False,
            validation_data=known,
            verbose=0,
            callbacks=[_Watch(advance)],
        ).history
    return network, {name: [float(value) for value in values] for name, values in history.items()}
