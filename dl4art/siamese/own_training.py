"""Fine-tuning of a comparer on plates of one's own: simulated families mixed in, resumable, the best epoch kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
import numpy.typing as npt

from dl4art.siamese.encoder import EncoderSettings, PairNetwork
from dl4art.siamese.frame import on_canvas
from dl4art.siamese.losses import pair_loss
from dl4art.siamese.own_plates import CROPS, FramedPlate, OwnPlate, Split
from dl4art.siamese.samples import frame_families, simulate_families
from dl4art.siamese.training import ComparerSettings, FamilyBatches
from dl4art.simulation.fields import Array
from dl4art.utils.checkpoints import BEST, Checkpoints
from dl4art.utils.files import make_folder
from dl4art.utils.fine_tuning import DATA, claim, dtype_policy, fit, lay_between, start_from

Tell = Callable[[str], None]
SHARD = 5
"""Simulated families in a file: fewer are drawn than for a training from nothing."""
_MEAN = "mean.weights.h5"
_JITTER = 0.05  # of log densities, by which the nearest canvases are found: not always the same ones


@dataclass(frozen=True)
class OwnSettings:
    """How a comparer is fine-tuned on canvases; with the same plates, base and version it remakes the weights."""

    base: str = ""
    """Name of the model whose weights it starts from, with the first digits of their hash."""
    crops: int = CROPS
    """Of each plate, at most."""
    families: int = 60
    """Simulated families of cloths that are mixed in, so that what the base knew is not forgotten."""
    epochs: int = 12
    steps: int = 60
    """Batches of canvases in an epoch, and as many of simulated families."""
    canvases: int = 10
    """Canvases in a batch: one, and those of the nearest densities; two crops of each, of two plates if it has them."""
    simulated: int = 3
    """Families in a batch of these."""
    held: int = 10
    """Batches of canvases, and as many of simulated families, that tell when to stop."""
    rate: float = 2e-4
    """Learning rate of Adam, falling to a hundredth along a cosine."""
    share: float = 0.5
    """How far from the base's weights to the trained ones the result lies, as for a counter."""
    patience: int = 4
    """Epochs without a smaller held-out loss after which it stops."""
    canvas: int = 192
    """Side in pixels of the squares that framed crops are laid on, or cut to: 16 threads."""
    check: int = 12
    """Simulated families that it is tested on, beside the canvases."""
    precision: str = "mixed_bfloat16"
    """Keras' policy while training; comparing is always in float32."""
    seed: int = 0


@dataclass(frozen=True)
class Trained:
    """What a training on canvases has come to."""

    weights: Path
    """They lie between those of the base and of the best epoch, by `OwnSettings.share`."""
    helped: bool
    """Whether their loss on what is held out to know when to stop is less than the base's."""


class CanvasBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of canvases of about the same densities: two crops of each, of two plates where it has two.

    Parameters
    ----------
    plates : sequence of FramedPlate
        Readable ones, of two canvases at least.
    settings : OwnSettings
        The recipe.
    steps : int
        Batches in an epoch.
    seed : int
        Of all that is drawn.
    epoch : int
        Epochs that have been trained already.
    fixed : bool
        The same batches in each epoch: to know when to stop.
    """

    def __init__(
        self,
        plates: Sequence[FramedPlate],
        settings: OwnSettings,
        *,
        steps: int,
        seed: int,
        epoch: int = 0,
        fixed: bool = False,
    ) -> None:
        super().__init__(workers=1)
        self.plates, self.settings, self.steps, self.seed, self.fixed = plates, settings, steps, seed, fixed
        self.epoch = 0 if fixed else epoch
        names = sorted({plate.plate.canvas for plate in plates})
        self.own = [[n for n, plate in enumerate(plates) if plate.plate.canvas == name] for name in names]
        self.paired = np.array([len(own) > 1 for own in self.own])
        means = [np.concatenate([plates[n].density for n in own]).mean(axis=0) for own in self.own]
        # how a plate lies is not known
        self.log_density = np.log(np.sort(np.array(means), axis=1))

    def __len__(self) -> int:
        return self.steps

    def on_epoch_end(self) -> None:
        """Draw other batches in the next epoch."""
        self.epoch += not self.fixed

    def __getitem__(self, index: int) -> tuple[dict[str, Array], npt.NDArray[np.int32]]:
        """Batch number `index`: crops (n, canvas, canvas, 2) and their densities; family, cloth and plate of each."""
        rng = np.random.default_rng([self.seed, self.epoch, index])
        crops, density, labels = [], [], []
        for canvas in self._near(rng):
            own = self.own[canvas]
            for plate in rng.permutation(own)[:2] if len(own) > 1 else own * 2:
                framed = self.plates[int(plate)]
                crop = int(rng.integers(len(framed)))
                upside, mirrored = rng.random(2) < 0.5
                frame = framed.frames[crop][:: -1 if upside else 1, :: -1 if mirrored else 1]
                crops.append(on_canvas(frame, self.settings.canvas, rng))
                density.append(framed.density[crop])
                labels.append((0, canvas, plate))
        return {"crops": np.stack(crops), "density": np.array(density, np.float32)}, np.array(labels, np.int32)

    def _near(self, rng: np.random.Generator) -> list[int]:
        """Choose a canvas of two plates, and those nearest in density: what is easily parted teaches little."""
        known = self.log_density + rng.normal(0, _JITTER, self.log_density.shape)
        first = int(rng.choice(np.flatnonzero(self.paired)))
        order = np.abs(known - known[first]).max(axis=1).argsort()
        return [int(place) for place in order[: self.settings.canvases]]


class Alternating(keras.utils.PyDataset):  # type: ignore[misc]
    """A batch of canvases, then one of simulated families, and so on."""

    def __init__(self, canvases: CanvasBatches, families: FamilyBatches) -> None:
        super().__init__(workers=1)
        self.parts = canvases, families

    def __len__(self) -> int:
        return 2 * len(self.parts[0])

    def on_epoch_end(self) -> None:
        """Pass it on; of families held out to know when to stop the batches stay the same."""
        canvases, families = self.parts
        canvases.on_epoch_end()
        if not canvases.fixed:
            families.on_epoch_end()

    def __getitem__(self, index: int) -> tuple[dict[str, Array], npt.NDArray[np.int32]]:
        """Batch number `index`; of the families only what is known of canvases, too."""
        step, which = divmod(index, 2)
        if which == 0:
            return self.parts[0][step]
        given, known = self.parts[1][step]
        return given, known["labels"]


@keras.saving.register_keras_serializable(package="dl4art")
class PairTrainer(PairNetwork):
    """A comparison that learns from pairs alone: of one's own plates no other truth is known."""

    def call(self, inputs: dict[str, Any], training: bool = False) -> Any:  # type: ignore[override]
        """Logits of all pairs."""
        return super().call(inputs["crops"], inputs["density"], training=training)

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, *_: Any, **__: Any) -> Any:  # noqa: ARG002
        """Pair loss."""
        return pair_loss(y, y_pred)


def data_fingerprint(plates: Sequence[OwnPlate]) -> str:
    """SHA-256 of what a training sees: which pixels are of which canvas."""
    return hashlib.sha256("\n".join(sorted(f"{p.canvas} {p.sha256}" for p in plates)).encode()).hexdigest()


def claim_own(settings: OwnSettings, plates: Sequence[OwnPlate], folder: str | Path, **more: Any) -> None:
    """Write down what is trained in a folder, made if need be; InputError if it is something else than before."""
    make_folder(folder)
    claim(Path(folder), {**asdict(settings), **more, DATA: data_fingerprint(plates)}, "other plates")


def train_own(
    settings: OwnSettings,
    split: Split,
    folder: str | Path,
    network: EncoderSettings,
    base: str | Path,
    *,
    workers: int = 2,
    tell: Tell = print,
    quiet: bool = True,
) -> Trained:
    """Fine-tune a comparer on canvases, or go on with a training that was interrupted.

    Parameters
    ----------
    settings : OwnSettings
        The recipe.
    split : mapping
        Plates to learn from (``train``) and to know when to stop (``stop``).
    folder : path
        `claim_own` has claimed it. Gets the simulated crops, the state after each epoch and ``curve.csv``.
    network : EncoderSettings
        Of the base.
    base : path
        File of the weights to start from.
    workers : int
        Processes that simulate.
    tell : callable
        Told what goes on.
    quiet : bool
        No progress bar.

    Returns
    -------
    Trained
    """
    folder = Path(folder)
    kept = Checkpoints(folder, settings.epochs, patience=settings.patience, seed=settings.seed, tell=tell)
    keras.utils.set_random_seed(settings.seed)
    batches, held = _datasets(settings, split, folder, kept.done, workers=workers, tell=tell)
    if not kept.over:
        with dtype_policy(settings.precision):
            model = PairTrainer(network)
        start_from(model, base)
        steps = settings.epochs * len(batches)
        rate = keras.optimizers.schedules.CosineDecay(settings.rate, steps, alpha=0.01)
        model.compile(keras.optimizers.Adam(rate, clipnorm=1.0))
        kept.restore(model)
        tell(f"{model.count_params()} parameters, {sum(map(len, split['train']))} crops to learn from")
        fit(model, batches, held, kept, quiet=quiet)
    mean = lay_between(lambda: PairNetwork(network), base, folder / BEST, settings.share, folder / _MEAN)
    before, after = (_loss(network, weights, held) for weights in (base, mean))
    tell(f"held out: loss {before:.4f} before, {after:.4f} after")
    if after >= before:
        tell("what was learnt does not help on canvases held out for it: the base's weights are kept")
    return Trained(mean, after < before)


def _loss(network: EncoderSettings, weights: str | Path, held: Any) -> float:
    model = PairTrainer(network)
    model.load_weights(weights)
    model.compile()
    return float(model.evaluate(held, verbose=0, return_dict=True)["loss"])


def _datasets(
    settings: OwnSettings, split: Split, folder: Path, done: int, *, workers: int, tell: Tell
) -> tuple[Alternating, Alternating]:
    """Make the data to learn from and to know when to stop, canvases and simulated families."""
    data = folder / "crops"
    stop = max(settings.simulated, settings.families // 5)
    tell(f"{settings.families} simulated families of cloths are mixed in")
    pairs = []
    parts: tuple[tuple[Literal["train", "stop"], int, int], ...] = (
        ("train", settings.families, settings.steps),
        ("stop", stop, settings.held),
    )
    for what, count, steps in parts:
        fixed = what == "stop"
        families = ComparerSettings(
            batch=settings.simulated, steps=steps, canvas=settings.canvas, seed=settings.seed + 1 + fixed
        )
        made: dict[str, Any] = {"workers": workers, "shard": SHARD}
        samples = simulate_families(data, what, count, **made)
        frames = frame_families(data, what, count, **made)
        pairs.append(
            Alternating(
                CanvasBatches(
                    split[what], settings, steps=steps, seed=settings.seed + 3 + fixed, epoch=done, fixed=fixed
                ),
                FamilyBatches(samples, frames, families, epoch=0 if fixed else done),
            )
        )
    return pairs[0], pairs[1]
