"""Training of the thread counter on simulated crops: resumable, the best epoch kept, one command."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from dl4art.regression.losses import LOCAL, window_loss, window_nmae
from dl4art.regression.network import STRIDE, WINDOW, build_trainer, build_trunk
from dl4art.regression.preprocess import normalise
from dl4art.regression.samples import simulate_samples
from dl4art.simulation.readability import READABLE
from dl4art.simulation.samples import CELL, Samples, Split
from dl4art.utils.checkpoints import BEST, Checkpoints
from dl4art.utils.files import make_folder
from dl4art.utils.fine_tuning import claim, dtype_policy, fit
from dl4art.utils.shards import join_shards

_CELLS = WINDOW // CELL
_LOCAL_CELLS = 8  # local densities are means over 64 px
_SIDE = 14


@dataclass(frozen=True)
class TrainingSettings:
    """The recipe of a counter; with the package's version it remakes the weights."""

    crops: int = 24000
    """Simulated crops of 240 px to draw, each from its own canvas."""
    other_weaves: float = 0.1
    """Share of crops in twill or basket weave: it is to be counted too where the flag fails."""
    chequered: int = 6000
    """Crops besides in which one thread system shows and the other hardly."""
    chequered_from: int = 15
    """Epoch (from zero) from which on these are drawn too: the commoner ones are learnt first."""
    epochs: int = 80
    draws: int = 12800
    """Windows seen in an epoch."""
    batch: int = 64
    rate: float = 2e-3
    """Learning rate of Adam, falling to a hundredth along a cosine."""
    again: int = 60
    """Epoch (from zero) at which it rises again, to half its height, and falls along a second cosine; 0 for never."""
    check: int = 1000
    """Windows to test on; five times as many to calibrate on."""
    precision: str = "mixed_bfloat16"
    """Keras' policy while training: half the time where the processor has bfloat16; counting is always in float32."""
    seed: int = 1
    filters: tuple[int, ...] = (32, 32, 48, 64, 96)


class Cosines(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    """Learning rate at a step: one cosine, or two after each other."""

    def __init__(self, settings: TrainingSettings, steps: int) -> None:
        first = settings.again if 0 < settings.again < settings.epochs else settings.epochs
        cosine = keras.optimizers.schedules.CosineDecay
        self.turn = first * steps
        self.first = cosine(settings.rate, self.turn, alpha=0.01)
        self.second = cosine(settings.rate / 2, max(1, settings.epochs - first) * steps, alpha=0.01)

    def __call__(self, step: Any) -> Any:
        """Give the rate."""
        step = keras.ops.cast(step, "float32")
        return keras.ops.where(step < self.turn, self.first(step), self.second(step - self.turn))


class Windows(keras.utils.PyDataset):  # type: ignore[misc]
    """Windows cut at random from simulated crops, in one of the eight positions of a square, either direction.

    Parameters
    ----------
    samples : Samples
        Crops of at least `WINDOW` px.
    batch, draws, seed : int
        Windows in a batch and in an epoch; with `draws` zero each crop once, unturned, both directions.
    later : (int, int), optional
        Crops from this number on are drawn from that epoch on.
    epoch : int
        Epochs that have been trained already.
    """

    def __init__(
        self,
        samples: Samples,
        *,
        batch: int,
        draws: int = 0,
        seed: int = 0,
        later: tuple[int, int] | None = None,
        epoch: int = 0,
    ) -> None:
        super().__init__(workers=1)
        self.samples, self.batch, self.draws, self.seed, self.epoch = samples, batch, draws, seed, epoch
        self.later = later or (len(samples), 0)
        self.normal = np.empty(samples.grey.shape, np.float16)
        for start in range(0, len(samples), 200):
            self.normal[start : start + 200] = [normalise(crop) for crop in samples.grey[start : start + 200]]
        self.items = np.stack(np.divmod(np.arange(2 * len(samples)), 2), axis=1)
        if draws:
            # what cannot be read teaches little but that it cannot: one in four is enough
            readable = samples.readable[self.items[:, 0], self.items[:, 1]] > READABLE / 2
            self.items = self.items[readable | (np.arange(len(self.items)) % 4 == 0)]

    def __len__(self) -> int:
        return math.ceil((self.draws or len(self.items)) / self.batch)

    def on_epoch_end(self) -> None:
        """Draw other windows in the next epoch."""
        self.epoch += 1

    def __getitem__(self, index: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Batch number `index`: pictures (n, 200, 200, 1) and the truth that `losses.window_loss` takes."""
        if not self.draws:
            chosen = self.items[index * self.batch : (index + 1) * self.batch]
            made = [self._window(sample, direction, 0, 0, (False, False)) for sample, direction in chosen]
        else:
            rng = np.random.default_rng([self.seed, self.epoch, index])
            crops, epoch = self.later
            count = len(self.items) if self.epoch >= epoch else int(np.searchsorted(self.items[:, 0], crops))
            chosen = self.items[rng.integers(0, count, self.batch)]
            room = (self.samples.grey.shape[1] - WINDOW) // CELL + 1
            shifts, flips = rng.integers(0, room, (self.batch, 2)), rng.random((self.batch, 2)) < 0.5
            made = [
                self._window(sample, direction, down, right, flip)
                for (sample, direction), (down, right), flip in zip(chosen, shifts, flips, strict=True)
            ]
        pictures, truths = zip(*made, strict=True)
        return np.array(pictures, np.float32)[..., None], np.array(truths, np.float32)

    def _window(self, sample: int, direction: int, down: int, right: int, flip: Any) -> tuple[Any, Any]:
        """One window; direction 1 is the transposed crop, whose vertical threads are the horizontal ones."""
        samples = self.samples
        picture = self.normal[sample, down * CELL : down * CELL + WINDOW, right * CELL : right * CELL + WINDOW]
        cells = samples.density[sample, direction, down : down + _CELLS, right : right + _CELLS]
        angle = samples.angle[sample, direction] / 10
        if direction == 1:
            picture, cells, angle = picture.T, cells.T, -angle
        for axis in (0, 1):
            if flip[axis]:
                picture, cells, angle = np.flip(picture, axis), np.flip(cells, axis), -angle
        return picture, truth_row(cells, float(samples.readable[sample, direction]), angle)


def truth_row(cells: npt.NDArray[np.floating[Any]], contrast: float, angle: float) -> list[float]:
    """Truth of a window in the form that `losses.window_loss` takes.

    Parameters
    ----------
    cells : (25, 25) array
        Mean density in each cell of `CELL` px, th/cm.
    contrast : float
        Contrast-to-noise ratio; from `READABLE` on the window is readable.
    angle : float
        Mean angle of the threads in tens of degrees.
    """
    # means over squares of 64 px, from a table of sums
    sums = np.pad(cells.astype(np.float64).cumsum(0).cumsum(1), ((1, 0), (1, 0)))
    k = _LOCAL_CELLS
    local = (sums[k:, k:] - sums[:-k, k:] - sums[k:, :-k] + sums[:-k, :-k]) / k**2
    local = local[2 : 2 + _SIDE, 2 : 2 + _SIDE]
    return [*local.ravel(), cells.mean(), min(1.0, contrast / READABLE), angle]


def train_counter(
    settings: TrainingSettings, folder: str | Path, *, workers: int = 2, tell: Callable[[str], None] = print
) -> Path:
    """Train a counter, or go on with a training that was interrupted.

    Parameters
    ----------
    settings : TrainingSettings
        The recipe.
    folder : path
        Gets the simulated crops, the state after each epoch, ``curve.csv`` and the best epoch's ``model.weights.h5``.
    workers : int
        Processes that simulate.
    tell : callable
        Told what goes on.

    Returns
    -------
    Path
        The weights of the best epoch.

    Raises
    ------
    InputError
        If the folder holds a training with other settings; another number of epochs alone is not refused.
    """
    folder = Path(folder)
    data = folder / "crops"
    make_folder(data)
    # a training may go on for longer than was said at first
    claim(folder, asdict(settings), free=("epochs",))

    def drawn(ready: int) -> None:
        tell(f"{ready} crops are ready")

    stop = simulate_samples(data, "stop", 1000, WINDOW, workers=workers, done=drawn)
    wanted: tuple[tuple[Split, int], ...] = (("train", settings.crops), ("chequered", settings.chequered))
    parts = [
        simulate_samples(data, split, count, 240, other_weaves=settings.other_weaves, workers=workers, done=drawn)
        for split, count in wanted
        if count
    ]
    keras.utils.set_random_seed(settings.seed)
    kept = Checkpoints(folder, settings.epochs, seed=settings.seed, tell=tell)
    windows = Windows(
        join_shards(Samples, parts),
        batch=settings.batch,
        draws=settings.draws,
        seed=settings.seed,
        later=(len(parts[0]), settings.chequered_from),
        epoch=kept.done,
    )
    with dtype_policy(settings.precision):
        trunk = build_trunk(settings.filters)
        trainer = build_trainer(trunk)
    schedule = Cosines(settings, len(windows))
    trainer.compile(keras.optimizers.Adam(schedule, clipnorm=1.0), loss=window_loss, metrics=[window_nmae])
    tell(f"{trunk.count_params()} parameters, {len(windows.items)} thread systems")
    if not kept.over:
        kept.restore(trainer)
        fit(trainer, windows, Windows(stop, batch=200), kept, quiet=True)
    return folder / BEST


__all__ = ["LOCAL", "STRIDE", "TrainingSettings", "Windows", "train_counter"]
