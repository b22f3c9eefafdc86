"""Training of segmenters: on simulated paintings by one command, or on any pictures; resumable, best epoch kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt

from dl4art.craquelure.augment import Augmentation, Mask, augmented, cut_window
from dl4art.craquelure.losses import LOSSES
from dl4art.craquelure.networks import NETWORKS, build_network
from dl4art.craquelure.samples import simulate_paintings
from dl4art.simulation.paintings import CLASSES
from dl4art.utils.checkpoints import BEST, Checkpoints
from dl4art.utils.errors import InputError
from dl4art.utils.files import make_folder
from dl4art.utils.fine_tuning import claim, dtype_policy, fit

Tell = Callable[[str], None]
Batch = tuple[npt.NDArray[np.float32], npt.NDArray[np.int32]]
MONITOR = "val_mean_iou"
"""What the best epoch is chosen by."""
_WARM_UP = 100  # steps until the learning rate has risen to its height
_HELD_BATCH = 4


@dataclass(frozen=True)
class SegmenterSettings:
    """The recipe of a segmenter; with the package's version it remakes the weights."""

    network: str = "light"
    """One of `dl4art.craquelure.networks.NETWORKS`."""
    filters: tuple[int, ...] = ()
    """Channels of its levels; the usual ones if empty."""
    pictures: int = 7200
    """Simulated paintings to train on."""
    stop: int = 80
    """Paintings by which the best epoch is chosen."""
    check: int = 160
    """Paintings to test on, of the kinds of the training and of held-out ones each."""
    window_px: int = 128
    """Side of the windows that are cut from the pictures."""
    batch: int = 16
    epochs: int = 24
    steps: int = 400
    """Batches in an epoch."""
    rate: float = 2e-3
    """Learning rate of Adam at its height; the study of transfer learning has 1e-4, falling to 1e-6."""
    last_rate: float = 1e-5
    """What it falls to along a cosine."""
    loss: str = "mixed2"
    """One of `dl4art.craquelure.losses.LOSSES`."""
    precision: str = "mixed_bfloat16"
    """Keras' policy while training; segmenting is always in float32."""
    seed: int = 1
    augmentation: Augmentation = field(default_factory=Augmentation)


class WindowBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of windows cut from pictures anywhere, and varied.

    Parameters
    ----------
    pictures : sequence of ndarray of uint8, shape (h, w, 3)
        Photographs, each of its own size or all in one array.
    masks : sequence of ndarray of uint8, shape (h, w)
        Numbers of the classes of their pixels.
    settings : SegmenterSettings
        The recipe.
    epoch : int
        Epochs that have been trained already.
    """

    def __init__(
        self,
        pictures: Sequence[npt.NDArray[np.uint8]] | npt.NDArray[np.uint8],
        masks: Sequence[Mask] | Mask,
        settings: SegmenterSettings,
        *,
        epoch: int = 0,
    ) -> None:
        super().__init__(workers=1)
        self.pictures, self.masks, self.settings, self.epoch = pictures, masks, settings, epoch

    def __len__(self) -> int:
        return self.settings.steps

    def on_epoch_end(self) -> None:
        """Draw other windows in the next epoch."""
        self.epoch += 1

    def __getitem__(self, index: int) -> Batch:
        """Batch number `index`: windows (n, s, s, 3) with values 0 to 255, and their classes (n, s, s)."""
        known, side = self.settings, self.settings.window_px
        rng = np.random.default_rng([known.seed, self.epoch, index])
        windows = np.empty((known.batch, side, side, 3), np.float32)
        classes = np.empty((known.batch, side, side), np.int32)
        for place, number in enumerate(self._numbers(index)):
            window, mask = cut_window(rng, self.pictures[number], self.masks[number], side)
            windows[place], classes[place] = augmented(rng, window, mask, known.augmentation)
        return windows, classes

    def _numbers(self, index: int) -> npt.NDArray[np.intp]:
        """Pictures of a batch; they come round in a new order each time all have been seen."""
        known, count = self.settings, len(self.pictures)
        first = (self.epoch * known.steps + index) * known.batch
        places = np.arange(first, first + known.batch)
        orders = {
            turn: np.random.default_rng([known.seed, turn]).permutation(count)
            for turn in range(first // count, places[-1] // count + 1)
        }
        return np.array([orders[place // count][place % count] for place in places.tolist()])


class WholeBatches(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of whole pictures, as they are: what tells how good a network is.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (n, h, w, 3)
        Of sides that are multiples of the network's stride.
    masks : ndarray of uint8, shape (n, h, w)
        Numbers of the classes of their pixels.
    """

    def __init__(self, pictures: npt.NDArray[np.uint8], masks: Mask) -> None:
        super().__init__(workers=1)
        self.pictures, self.masks = pictures, masks

    def __len__(self) -> int:
        return math.ceil(len(self.pictures) / _HELD_BATCH)

    def __getitem__(self, index: int) -> Batch:
        """Batch number `index`: pictures (n, h, w, 3) and classes (n, h, w)."""
        part = slice(_HELD_BATCH * index, _HELD_BATCH * (index + 1))
        return self.pictures[part].astype(np.float32), self.masks[part].astype(np.int32)


def check_settings(settings: SegmenterSettings) -> None:
    """Raise InputError if a recipe cannot be followed."""
    if settings.network not in NETWORKS:
        raise InputError(f"{settings.network!r}: no network of that name. Take one of {', '.join(NETWORKS)}.")
    if settings.loss not in LOSSES:
        raise InputError(f"{settings.loss!r}: no loss of that name. Take one of {', '.join(LOSSES)}.")
    for name in ("pictures", "stop", "check", "window_px", "batch", "epochs", "steps"):
        if getattr(settings, name) < 1:
            raise InputError(f"{name} is {getattr(settings, name)}; state a whole number of at least 1.")
    # the coarsest level of a network has half the pixels of the one before; a stem or pooling makes one more of them
    multiple = 2 ** len(NETWORKS[settings.network][1])
    if settings.window_px % multiple:
        raise InputError(f"window_px is {settings.window_px}; {settings.network} needs a multiple of {multiple}.")


def compile_network(network: keras.Model, settings: SegmenterSettings) -> None:
    """Give a network the recipe's loss and optimiser, the learning rate rising shortly and then falling to the end."""
    total = settings.epochs * settings.steps
    schedule = keras.optimizers.schedules.CosineDecay(
        0.1 * settings.rate,
        max(1, total - _WARM_UP),
        alpha=settings.last_rate / settings.rate,
        warmup_target=settings.rate,
        warmup_steps=min(_WARM_UP, total),
    )
    # counted in training too, and not for nothing: one of them is enough
    metric = keras.metrics.MeanIoU(num_classes=len(CLASSES), sparse_y_pred=False, name="mean_iou")
    network.compile(keras.optimizers.Adam(schedule, clipnorm=1.0), loss=LOSSES[settings.loss], metrics=[metric])


def fit_segmenter(
    network: keras.Model,
    data: Callable[[int], keras.utils.PyDataset],
    held: keras.utils.PyDataset,
    settings: SegmenterSettings,
    folder: str | Path,
    *,
    tell: Tell = print,
    quiet: bool = False,
) -> Path:
    """Train a network on any pictures, or go on with a training that was interrupted.

    Parameters
    ----------
    network : keras.Model
        From `dl4art.craquelure.networks.build_network`; it is compiled here.
    data : callable
        From the number of epochs that are done to batches of pictures, (n, h, w, 3) of float32, 0 to 255, and their
        classes, (n, h, w) of whole numbers.
    held : PyDataset
        The same of pictures held out; the mean IoU on them chooses the best epoch.
    settings : SegmenterSettings
        The recipe.
    folder : path
        Gets the state after each epoch, ``curve.csv`` and the best epoch's ``model.weights.h5``; see `Checkpoints`.
    tell : callable
        Told what goes on.
    quiet : bool
        No progress bar.

    Returns
    -------
    Path
        The weights of the best epoch.
    """
    folder = Path(folder)
    make_folder(folder)
    kept = Checkpoints(folder, settings.epochs, seed=settings.seed, monitor=MONITOR, large=True, tell=tell)
    compile_network(network, settings)
    if not kept.over:
        kept.restore(network)
        fit(network, data(kept.done), held, kept, quiet=quiet)
    return folder / BEST


def train_segmenter(
    settings: SegmenterSettings,
    folder: str | Path,
    *,
    workers: int = 2,
    tell: Tell = print,
    quiet: bool = False,
    paintings: str | Path | None = None,
) -> Path:
    """Train a segmenter on simulated paintings, or go on with a training that was interrupted.

    Parameters
    ----------
    settings : SegmenterSettings
        The recipe.
    folder : path
        Gets the simulated paintings and what `fit_segmenter` leaves.
    workers : int
        Processes that draw paintings.
    tell : callable
        Told what goes on.
    quiet : bool
        No progress bar.
    paintings : path, optional
        Where the simulated paintings lie, for trainings that share them; in the folder if left out.

    Returns
    -------
    Path
        The weights of the best epoch.

    Raises
    ------
    InputError
        If the recipe cannot be followed, or the folder holds a training by another one.
    """
    check_settings(settings)
    folder = Path(folder)
    make_folder(folder)
    # more or fewer pictures to test on change nothing in the weights
    claim(folder, {name: value for name, value in asdict(settings).items() if name != "check"})
    data = folder / "paintings" if paintings is None else Path(paintings)

    def drawn(ready: int) -> None:
        tell(f"{ready} paintings are ready")

    held = simulate_paintings(data, "stop", settings.stop, workers=workers, done=drawn)
    train = simulate_paintings(data, "train", settings.pictures, workers=workers, done=drawn)
    keras.utils.set_random_seed(settings.seed)
    with dtype_policy(settings.precision):
        network = build_network(settings.network, settings.filters or None)
    tell(f"{network.name}: {network.count_params()} parameters, {len(train)} paintings")
    return fit_segmenter(
        network,
        lambda done: WindowBatches(train.pictures, train.masks, settings, epoch=done),
        WholeBatches(held.pictures, held.masks),
        settings,
        folder,
        tell=tell,
        quiet=quiet,
    )
