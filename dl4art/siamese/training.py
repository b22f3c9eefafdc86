"""Training of the comparer on simulated families of cloths: resumable, the best epoch kept, one command."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from dl4art.regression.preprocess import normalise
from dl4art.siamese.encoder import EncoderSettings, PairNetwork, encode, warm_start
from dl4art.siamese.losses import evaluate_pairs, pair_loss, scorer, statistics_loss
from dl4art.siamese.samples import PLANS, FamilySamples, simulate_families
from dl4art.simulation.fields import Array
from dl4art.simulation.statistics import STATISTICS
from dl4art.utils.files import atomic_path

_WARM_UP = 200  # steps until the learning rate has risen to its height


@dataclass(frozen=True)
class ComparerSettings:
    """The recipe of a comparer; with the package's version it remakes the weights."""

    families: int = 600
    """Families of cloths to draw; what is drawn of each stands in `dl4art.siamese.samples.PLANS`."""
    stop: int = 60
    """Families by which the best epoch is chosen."""
    epochs: int = 20
    steps: int = 280
    """Batches in an epoch."""
    batch: int = 5
    """Families in a batch, two plates of each of their cloths."""
    window: int = 200
    """Side in pixels of the windows cut from the crops."""
    rate: float = 1.5e-3
    """Learning rate of Adam, falling to a hundredth along a cosine."""
    statistics: float = 1.0
    """Weight of telling the true statistics of the threads beside telling cloths apart."""
    check: int = 40
    """Families to calibrate on, and as many to test on."""
    counter: str = "threads"
    """Counter whose trunk the encoder begins with; none if empty."""
    precision: str = "mixed_bfloat16"
    """Keras' policy while training; comparing is always in float32."""
    seed: int = 1
    encoder: EncoderSettings = field(default_factory=EncoderSettings)


def normal_pictures(grey: npt.NDArray[np.uint8]) -> npt.NDArray[np.float16]:
    """Normalise crops (n, rows, cols) one by one, to half precision to save memory."""
    normal = np.empty(grey.shape, np.float16)
    for number, crop in enumerate(grey):
        normal[number] = normalise(crop)
    return normal


class FamilyBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of a few families: two plates of each cloth, a window of each crop, flipped at random.

    Parameters
    ----------
    samples : FamilySamples
        Crops of at least `window` px.
    settings : ComparerSettings
        The recipe.
    epoch : int
        Epochs that have been trained already.
    """

    def __init__(self, samples: FamilySamples, settings: ComparerSettings, *, epoch: int = 0) -> None:
        super().__init__(workers=1)
        self.settings, self.epoch = settings, epoch
        self.normal = normal_pictures(samples.grey)
        self.labels = np.stack([samples.family, samples.cloth, samples.plate], axis=1).astype(np.int32)
        mean, spread = samples.statistics.mean(axis=(0, 1)), samples.statistics.std(axis=(0, 1))
        self.statistics = np.clip((samples.statistics - mean) / (spread + 1e-6), -4, 4).astype(np.float32)
        self.families = np.unique(samples.family)

    def __len__(self) -> int:
        return self.settings.steps

    def on_epoch_end(self) -> None:
        """Draw other batches in the next epoch."""
        self.epoch += 1

    def __getitem__(self, index: int) -> tuple[Array, dict[str, npt.NDArray[Any]]]:
        """Batch number `index`: pictures (n, window, window, 1), and labels and statistics of their crops."""
        rng = np.random.default_rng([self.settings.seed, self.epoch, index])
        chosen = np.array([crop for family in self._families(index) for crop in self._crops(rng, family)])
        side = self.settings.window
        shifts = rng.integers(0, self.normal.shape[1] - side + 1, (len(chosen), 2))
        flips = rng.random((len(chosen), 2)) < 0.5
        pictures = np.empty((len(chosen), side, side, 1), np.float32)
        for number, (crop, (down, right), (upside, mirrored)) in enumerate(zip(chosen, shifts, flips, strict=True)):
            window = self.normal[crop, down : down + side, right : right + side]
            pictures[number, ..., 0] = window[:: -1 if upside else 1, :: -1 if mirrored else 1]
        return pictures, {"labels": self.labels[chosen], "statistics": self.statistics[chosen]}

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

    def __init__(self, comparison: PairNetwork, weight: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.comparison, self.weight = comparison, weight
        self.teller = layers.Dense(len(STATISTICS), dtype="float32", name="teller")
        self.teller.build((None, None, comparison.head.size))
        self.pair_tracker = keras.metrics.Mean(name="pairs")
        self.told_tracker = keras.metrics.Mean(name="told")
        self.built = True

    def call(self, pictures: Any, training: bool = False) -> dict[str, Any]:
        """Logits of all pairs, and the statistics told of each crop."""
        vectors = self.comparison.embed(pictures, training=training)
        return {"logits": self.comparison.head(vectors, vectors), "told": self.teller(vectors)}

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *_: Any, **__: Any) -> Any:  # noqa: ARG002
        """Pair loss and, with its weight, that of the statistics."""
        pairs = pair_loss(y["labels"], y_pred["logits"])
        told = statistics_loss(y["statistics"], y_pred["told"])
        self.pair_tracker.update_state(pairs)
        self.told_tracker.update_state(told)
        return pairs + self.weight * told


class _Judge(keras.callbacks.Callback):  # type: ignore[misc]
    """After each epoch: areas on held-out families into the logs, the best epoch's weights into a file."""

    def __init__(self, comparison: PairNetwork, held: FamilySamples, folder: Path, tell: Callable[[str], None]) -> None:
        super().__init__()
        self.comparison, self.held, self.tell = comparison, held, tell
        self.normal = normal_pictures(held.grey)
        self.path = folder / "model.weights.h5"
        self.best = max((float(row["val_pair_auc"]) for row in read_curve(folder)), default=0.0)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs = {} if logs is None else logs
        vectors = encode_all(self.comparison.encoder, self.normal)
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


def encode_all(encoder: keras.Model, normal: npt.NDArray[Any], batch: int = 50) -> Array:
    """Encode many normalised crops, (n, rows, cols) to (n, 2, d)."""
    parts = [normal[start : start + batch].astype(np.float32) for start in range(0, len(normal), batch)]
    return np.concatenate([encode(encoder, part) for part in parts])


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

    Returns
    -------
    Path
        The weights of the best epoch.
    """
    folder = Path(folder)
    data = folder / "crops"
    data.mkdir(parents=True, exist_ok=True)
    with atomic_path(folder / "settings.json") as path:
        path.write_text(json.dumps(asdict(settings), indent=2))

    def drawn(ready: int) -> None:
        tell(f"{ready} families are ready")

    stop = simulate_families(data, "stop", settings.stop, workers=workers, done=drawn)
    train = simulate_families(data, "train", settings.families, workers=workers, done=drawn)
    keras.utils.set_random_seed(settings.seed)
    batches = FamilyBatches(train, settings, epoch=len(read_curve(folder)))
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(settings.precision)
    try:
        comparison = start(settings)
        trainer = ComparerTrainer(comparison, settings.statistics)
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
            _Judge(comparison, stop, folder, tell),
            keras.callbacks.CSVLogger(folder / "curve.csv", append=True),
        ],
    )
    return folder / "model.weights.h5"


__all__ = ["PLANS", "ComparerSettings", "ComparerTrainer", "FamilyBatches", "train_comparer"]
