"""Training of the comparer on simulated families of cloths: resumable, the best epoch kept, one command."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from dl4art.siamese.encoder import EncoderSettings, PairNetwork, encode_frames, warm_start
from dl4art.siamese.frame import on_canvas
from dl4art.siamese.losses import LOSSES, evaluate_pairs, scorer, statistics_loss
from dl4art.siamese.samples import FamilySamples, Frames, frame_families, simulate_families
from dl4art.simulation.fields import Array
from dl4art.simulation.statistics import STATISTICS
from dl4art.utils.errors import InputError
from dl4art.utils.files import atomic_path, make_folder
from dl4art.utils.fine_tuning import claim

_WARM_UP = 200  # steps until the learning rate has risen to its height
_TOLD = [index for index, name in enumerate(STATISTICS) if name != "log_density"]  # that is known beforehand


@dataclass(frozen=True)
class ComparerSettings:
    """The recipe of a comparer; with the package's version it remakes the weights."""

    families: int = 1800
    """Families of cloths to draw; what is drawn of each stands in `dl4art.siamese.samples.PLANS`."""
    stop: int = 60
    """Families by which the best epoch is chosen."""
    epochs: int = 34
    steps: int = 280
    """Batches in an epoch."""
    batch: int = 5
    """Families in a batch, two plates of each of their cloths."""
    canvas: int = 192
    """Side in pixels of the squares that framed crops are laid on, or cut to: 16 threads."""
    rate: float = 1.5e-3
    """Learning rate of Adam, falling to a hundredth along a cosine."""
    loss: str = "pair cross-entropy"
    """Of telling cloths apart; one of `dl4art.siamese.losses.LOSSES`."""
    statistics: float = 1.0
    """Weight of telling the true statistics of the threads beside telling cloths apart."""
    check: int = 20
    """Families to test on; twice as many to calibrate on."""
    counter: str = "threads"
    """Counter whose trunk the encoder begins with; none if empty."""
    precision: str = "mixed_bfloat16"
    """Keras' policy while training; comparing is always in float32."""
    seed: int = 1
    encoder: EncoderSettings = field(default_factory=EncoderSettings)


class FamilyBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of a few families: a crop from two plates of each cloth, flipped at random.

    Parameters
    ----------
    samples : FamilySamples
        Crops of simulated cloths.
    frames : Frames
        The same in the frames of their threads.
    settings : ComparerSettings
        The recipe.
    epoch : int
        Epochs that have been trained already.
    """

    def __init__(self, samples: FamilySamples, frames: Frames, settings: ComparerSettings, *, epoch: int = 0) -> None:
        super().__init__(workers=1)
        self.settings, self.epoch = settings, epoch
        self.frames, self.density = frames.each(), frames.density
        self.labels = np.stack([samples.family, samples.cloth, samples.plate], axis=1).astype(np.int32)
        told = samples.statistics[..., _TOLD]
        mean, spread = told.mean(axis=(0, 1)), told.std(axis=(0, 1))
        self.statistics = np.clip((told - mean) / (spread + 1e-6), -4, 4).astype(np.float32)
        self.families = np.unique(samples.family)

    def __len__(self) -> int:
        return self.settings.steps

    def on_epoch_end(self) -> None:
        """Draw other batches in the next epoch."""
        self.epoch += 1

    def __getitem__(self, index: int) -> tuple[dict[str, Array], dict[str, npt.NDArray[Any]]]:
        """Batch number `index`: crops (n, canvas, canvas, 2) and their densities; their labels and statistics."""
        rng = np.random.default_rng([self.settings.seed, self.epoch, index])
        chosen = np.array([crop for family in self._families(index) for crop in self._crops(rng, family)])
        crops = []
        for number in chosen:
            upside, mirrored = rng.random(2) < 0.5
            frame = self.frames[number][:: -1 if upside else 1, :: -1 if mirrored else 1]
            crops.append(on_canvas(frame, self.settings.canvas, rng))
        known = {"labels": self.labels[chosen], "statistics": self.statistics[chosen]}
        return {"crops": np.stack(crops), "density": self.density[chosen]}, known

    def _families(self, index: int) -> npt.NDArray[np.int32]:
        """Families of a batch; they come round in a new order each time all (but a rest) have been seen."""
        batch = min(self.settings.batch, len(self.families))
        turn, place = divmod(self.epoch * self.settings.steps + index, len(self.families) // batch)
        order = np.random.default_rng([self.settings.seed, turn]).permutation(self.families)
        return order[place * batch : (place + 1) * batch]

    def _crops(self, rng: np.random.Generator, family: int) -> list[int]:
        """One crop from each of two plates of each cloth of a family."""
        mine = np.flatnonzero(self.labels[:, 0] == family)
        chosen: list[int] = []
        for cloth in np.unique(self.labels[mine, 1]):
            of_cloth = mine[self.labels[mine, 1] == cloth]
            plates = np.unique(self.labels[of_cloth, 2])
            for plate in rng.permutation(plates)[:2]:
                chosen.append(int(rng.choice(of_cloth[self.labels[of_cloth, 2] == plate])))
        return chosen


@keras.saving.register_keras_serializable(package="dl4art")
class ComparerTrainer(keras.Model):  # type: ignore[misc]
    """A comparison and, for training only, a layer that tells the statistics of the threads from a vector."""

    def __init__(self, comparison: PairNetwork, weight: float, loss: str = "pair cross-entropy", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.comparison, self.weight, self.pair_loss = comparison, weight, LOSSES[loss]
        self.teller = layers.Dense(len(_TOLD), dtype="float32", name="teller")
        self.teller.build((None, None, comparison.head.size))
        self.pair_tracker = keras.metrics.Mean(name="pairs")
        self.told_tracker = keras.metrics.Mean(name="told")
        self.built = True

    def call(self, inputs: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """Logits of all pairs, and the statistics told of each crop."""
        vectors = self.comparison.embed(inputs["crops"], inputs["density"], training=training)
        return {"logits": self.comparison.head(vectors, vectors), "told": self.teller(vectors)}

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *_: Any, **__: Any) -> Any:  # noqa: ARG002
        """Pair loss and, with its weight, that of the statistics."""
        pairs = self.pair_loss(y["labels"], y_pred["logits"])
        told = statistics_loss(y["statistics"], y_pred["told"])
        self.pair_tracker.update_state(pairs)
        self.told_tracker.update_state(told)
        return pairs + self.weight * told


class _Judge(keras.callbacks.Callback):  # type: ignore[misc]
    """After each epoch: areas on held-out families into the logs, the best epoch's weights into a file."""

    def __init__(
        self,
        comparison: PairNetwork,
        held: FamilySamples,
        frames: Frames,
        folder: Path,
        tell: Callable[[str], None],
    ) -> None:
        super().__init__()
        self.comparison, self.held, self.tell = comparison, held, tell
        self.frames, self.density = frames.each(), frames.density
        self.path = folder / "model.weights.h5"
        self.best = max((float(row["val_pair_auc"]) for row in read_curve(folder)), default=0.0)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs = {} if logs is None else logs
        vectors = encode_frames(self.comparison.encoder, self.frames, self.density)
        results = evaluate_pairs(self.held, scorer(vectors, self.comparison.head))
        logs["val_pair_auc"], logs["val_open_auc"] = results.pair_auc, results.open_auc
        if results.pair_auc > self.best:
            self.best = results.pair_auc
            with atomic_path(self.path) as temporary:
                # the comparison alone: neither optimizer nor what was only for training
                weights = temporary.with_suffix(".weights.h5")
                self.comparison.save_weights(weights)
                weights.replace(temporary)
        self.tell(
            f"epoch {epoch + 1}: loss {logs.get('loss', 0):.4f} (pairs {logs.get('pairs', 0):.4f}, statistics "
            f"{logs.get('told', 0):.4f}), held out: AUC {results.pair_auc:.4f}, {results.open_auc:.4f}"
        )


def read_curve(folder: str | Path) -> list[dict[str, str]]:
    """Rows of a training's ``curve.csv``, one for each epoch; none before the first."""
    path = Path(folder) / "curve.csv"
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def build_comparison(settings: ComparerSettings) -> PairNetwork:
    """Build the networks, the trunk warm from a counter's."""
    comparison = PairNetwork(settings.encoder)
    if settings.counter:
        from dl4art.regression.counter import ThreadCounter

        warm_start(comparison.encoder, ThreadCounter.from_pretrained(settings.counter).trunk)
    return comparison


def train_comparer(
    settings: ComparerSettings,
    folder: str | Path,
    *,
    workers: int = 2,
    tell: Callable[[str], None] = print,
    start: Callable[[ComparerSettings], PairNetwork] = build_comparison,
    crops: str | Path | None = None,
) -> Path:
    """Train a comparer, or go on with a training that was interrupted.

    Parameters
    ----------
    settings : ComparerSettings
        The recipe.
    folder : path
        Gets the simulated crops, the state after each epoch, ``curve.csv`` and the best epoch's ``model.weights.h5``.
    workers : int
        Processes that simulate.
    tell : callable
        Told what goes on.
    start : callable
        Builds the networks before the first epoch.
    crops : path, optional
        Where the simulated crops lie, for trainings that share them; in the folder if left out.

    Returns
    -------
    Path
        The weights of the best epoch.
    """
    folder = Path(folder)
    if settings.loss not in LOSSES:
        raise InputError(f"{settings.loss!r}: no loss of that name. Take one of {', '.join(LOSSES)}.")
    data = folder / "crops" if crops is None else Path(crops)
    for needed in (folder, data):
        make_folder(needed)
    # a training may go on for longer than was said at first
    claim(folder, asdict(settings), free=("epochs",))

    def drawn(ready: int) -> None:
        tell(f"{ready} families are ready")

    stop = simulate_families(data, "stop", settings.stop, workers=workers, done=drawn)
    train = simulate_families(data, "train", settings.families, workers=workers, done=drawn)
    tell("crops are brought into the frames of their threads")
    stop_frames = frame_families(data, "stop", settings.stop, workers=workers)
    frames = frame_families(data, "train", settings.families, workers=workers)
    keras.utils.set_random_seed(settings.seed)
    batches = FamilyBatches(train, frames, settings, epoch=len(read_curve(folder)))
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(settings.precision)
    try:
        comparison = start(settings)
        trainer = ComparerTrainer(comparison, settings.statistics, settings.loss)
    finally:
        keras.config.set_dtype_policy(before)
    # the top is new and the trunk is not: a slow start keeps what the trunk knows
    schedule = keras.optimizers.schedules.CosineDecay(
        0.1 * settings.rate,
        max(1, settings.epochs * settings.steps - _WARM_UP),
        alpha=0.01,
        warmup_target=settings.rate,
        warmup_steps=_WARM_UP,
    )
    trainer.compile(keras.optimizers.Adam(schedule, clipnorm=1.0))
    tell(f"{comparison.count_params()} parameters, {len(np.unique(train.cloth))} cloths, {len(train)} crops")
    trainer.fit(
        batches,
        epochs=settings.epochs,
        verbose=0,
        callbacks=[
            keras.callbacks.BackupAndRestore(folder / "state", delete_checkpoint=False),
            _Judge(comparison, stop, stop_frames, folder, tell),
            keras.callbacks.CSVLogger(folder / "curve.csv", append=True),
        ],
    )
    return folder / "model.weights.h5"


__all__ = ["ComparerSettings", "ComparerTrainer", "FamilyBatches", "train_comparer"]
