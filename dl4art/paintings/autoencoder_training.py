"""Teaching an autoencoder on any pictures, without labels; what is done is on disk after each epoch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from dl4art import __version__
from dl4art.paintings.autoencoder import RATES, SIZES, STRIDE, Loss, Unpooling, build_autoencoder, reconstruction_loss
from dl4art.paintings.standard import Fit, Pictures
from dl4art.utils.checkpoints import BEST, Checkpoints, load_weights, save_weights
from dl4art.utils.errors import InputError, ModelError
from dl4art.utils.files import make_folder
from dl4art.utils.fine_tuning import DATA, claim, fit
from dl4art.utils.holding import held
from dl4art.utils.models import ModelFolder, open_model, write_model

KIND = "autoencoder"
_STOP_STEPS = 8
LEAST_PX = 32
FEWEST = 4
"""Pictures that are needed."""
Tell = Callable[[str], None]


@dataclass(frozen=True)
class AutoencoderSettings:
    """How an autoencoder is taught.

    Attributes
    ----------
    filters : (int, int)
        Of its two convolutions; see `autoencoder.SIZES`.
    unpooling, loss : str
        See `autoencoder.build_autoencoder` and `autoencoder.reconstruction_loss`.
    px, fit
        See `standard.standardise`; `px` is a multiple of 4.
    side : int
        Of the squares that it learns from, see `Squares`; at most `px`.
    epochs, steps, batch : int
        Batches of so many squares, so many in an epoch.
    rate : float
        Of Adam, at its height; it falls along a cosine. See `autoencoder.RATES`.
    patience : int
        Epochs without a better reconstruction of the pictures held out after which to stop.
    held : float
        Share of the pictures that is held out.
    seed : int
        Of the weights and of the order of the pictures.
    """

    filters: tuple[int, int] = SIZES["thin"]
    unpooling: Unpooling = "upsampling"
    loss: Loss = "mse"
    px: int = 256
    fit: Fit = "pad"
    side: int = 32
    epochs: int = 25
    steps: int = 100
    batch: int = 16
    rate: float = RATES["thin"]
    patience: int = 8
    held: float = 0.1
    seed: int = 0


class Squares(keras.utils.PyDataset):  # type: ignore[misc]
    """Squares cut from pictures at random, mirrored at random, to be reconstructed.

    What a batch holds depends on seed, epoch and its number alone. The network is convolutional, so that what it learns
    on squares holds for whole pictures, and many small steps teach it sooner than few large ones.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (n, px, px, 3)
        To cut from.
    side : int
        Of the squares.
    batch, steps : int
        Squares at a time, and how often in an epoch.
    seed, epoch : int
        Of the draws.
    fixed : bool
        The same squares in each epoch.
    """

    def __init__(
        self, pictures: Pictures, side: int, *, batch: int, steps: int, seed: int, epoch: int = 0, fixed: bool = False
    ) -> None:
        super().__init__(workers=1)
        self.pictures, self.side, self.batch, self.steps = pictures, side, batch, steps
        self.seed, self.epoch, self.fixed = seed, epoch, fixed

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, number: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Batch `number`, twice."""
        rng = np.random.default_rng([self.seed, self.epoch, number])
        chosen = rng.integers(len(self.pictures), size=self.batch)
        tops, lefts = rng.integers(self.pictures.shape[1] - self.side + 1, size=(2, self.batch))
        cut = zip(chosen, tops, lefts, rng.choice([-1, 1], self.batch), strict=True)
        squares = np.stack([
            self.pictures[which, top : top + self.side, left : left + self.side][:, ::way]
            for which, top, left, way in cut
        ]).astype(np.float32)  # fmt: skip
        return squares, squares

    def on_epoch_end(self) -> None:
        """Cut others in the next epoch."""
        self.epoch += not self.fixed


def hold_out(groups: Sequence[str], share: float, seed: int) -> npt.NDArray[np.bool_]:
    """Choose whole groups at random until they have about `share` of all members, one group at least.

    Returns
    -------
    ndarray of bool, shape (n,)
        Whether each member is held out.
    """
    names, place, counts = np.unique(np.array(groups), return_inverse=True, return_counts=True)
    order = np.random.default_rng([seed, 7]).permutation(len(names))
    before = np.cumsum(counts[order]) - counts[order]
    chosen = order[before < share * len(groups)]
    held: npt.NDArray[np.bool_] = np.isin(place, chosen[: max(1, len(names) - 1)])
    return held


def train_autoencoder(
    settings: AutoencoderSettings,
    pictures: Pictures,
    groups: Sequence[str],
    folder: str | Path,
    *,
    fingerprint: str,
    tell: Tell = lambda _: None,
    quiet: bool = True,
) -> ModelFolder:
    """Teach an autoencoder, and save it as ``folder/model``.

    Parameters
    ----------
    settings : AutoencoderSettings
        How.
    pictures : ndarray of uint8, shape (n, px, px, 3)
        What to learn from; no labels are needed.
    groups : sequence of str
        What each picture is a view of; none is both learnt from and held out.
    folder : path
        Of the training; it goes on if it was interrupted.
    fingerprint : str
        Of the pictures.
    tell : callable
        Told what happens.
    quiet : bool
        No progress bar.

    Returns
    -------
    ModelFolder

    Raises
    ------
    InputError
        If there are too few pictures, their size does not fit, or the folder holds another training.
    """
    folder = Path(folder)
    check_enough(settings, len({*groups}))
    make_folder(folder)
    with held(folder):
        return _train(settings, pictures, groups, folder, fingerprint=fingerprint, tell=tell, quiet=quiet)


def _train(
    settings: AutoencoderSettings,
    pictures: Pictures,
    groups: Sequence[str],
    folder: Path,
    *,
    fingerprint: str,
    tell: Tell,
    quiet: bool,
) -> ModelFolder:
    claim(folder, {**asdict(settings), DATA: fingerprint}, "other pictures")
    kept = Checkpoints(folder, settings.epochs, patience=settings.patience, seed=settings.seed, tell=tell)
    out = hold_out(groups, settings.held, settings.seed)
    if not kept.over:
        keras.utils.set_random_seed(settings.seed)
        network, _ = build_autoencoder(settings.filters, settings.unpooling)
        rate = keras.optimizers.schedules.CosineDecay(settings.rate, settings.epochs * settings.steps, alpha=0.01)
        network.compile(keras.optimizers.Adam(rate), loss=reconstruction_loss(settings.loss), metrics=[squared_error])
        kept.restore(network)
        tell(f"autoencoder: {network.count_params()} parameters, {int((~out).sum())} pictures to learn from")
        cut: dict[str, Any] = {"batch": settings.batch, "seed": settings.seed}
        data = Squares(pictures[~out], settings.side, steps=settings.steps, epoch=kept.done, **cut)
        stop = Squares(pictures[out], settings.side, steps=_STOP_STEPS, fixed=True, **cut)
        fit(network, data, stop, kept, quiet=quiet)
    network, _ = build_autoencoder(settings.filters, settings.unpooling)
    load_weights(network, folder / BEST)
    return save_autoencoder(settings, network, folder / "model", kept.rows[kept.best], int((~out).sum()))


def check_enough(settings: AutoencoderSettings, paintings: int) -> None:
    """Raise InputError if there are too few paintings, or the settings allow no squares."""
    if paintings < FEWEST:
        raise InputError(f"{paintings} paintings to learn from, and at least {FEWEST} are needed. Add pictures.")
    for name, side in (("px", settings.px), ("side", settings.side)):
        if side % STRIDE or not LEAST_PX <= side <= settings.px:
            raise InputError(f"{name}: {side} is not a multiple of {STRIDE} from {LEAST_PX} to {settings.px}.")


def squared_error(true: Any, shown: Any) -> Any:
    """Mean squared error of each picture on a scale of 0 to 1, whatever the loss."""
    return ops.mean(ops.square((true - shown) / 255), axis=(1, 2, 3))


def save_autoencoder(
    settings: AutoencoderSettings, network: keras.Model, folder: str | Path, best: Mapping[str, float], count: int
) -> ModelFolder:
    """Write a model folder; OutputError if it cannot be written.

    Parameters
    ----------
    settings : AutoencoderSettings
        How it was taught.
    network : keras.Model
        The autoencoder.
    folder : path
        Is made if there is none.
    best : mapping
        Figures of the epoch whose weights these are.
    count : int
        Pictures learnt from.
    """
    make_folder(folder)
    save_weights(network, Path(folder) / BEST)
    config = {"dl4art": __version__, "kind": KIND, **asdict(settings), "pictures": count}
    error = best["val_squared_error"]
    card = _CARD.format(count=count, error=error, level=255 * error**0.5, version=__version__, **asdict(settings))
    return write_model(folder, config=config, calibration={"squared_error_held_out": error}, card=card)


def open_autoencoder(folder: str | Path) -> tuple[AutoencoderSettings, keras.Model, keras.Model]:
    """Open a model folder of an autoencoder.

    Returns
    -------
    settings : AutoencoderSettings
        How it was taught.
    autoencoder, encoder : keras.Model
        See `autoencoder.build_autoencoder`.

    Raises
    ------
    ModelError
        If there is none, it is of another kind, or its weights do not fit.
    """
    model = open_model(folder)
    if model.config.get("kind") != KIND:
        raise ModelError(
            f"{folder}: the model is of the kind {model.config.get('kind')!r}, not {KIND!r}. Give the folder that "
            "training an autoencoder wrote."
        )
    known = {field.name for field in fields(AutoencoderSettings)}
    try:
        settings = AutoencoderSettings(**{name: value for name, value in model.config.items() if name in known})
        first, second = settings.filters
        settings = replace(settings, filters=(int(first), int(second)))
        autoencoder, encoder = build_autoencoder(settings.filters, settings.unpooling)
        load_weights(autoencoder, model.weights)
    except (InputError, ValueError, TypeError, KeyError, OSError) as error:
        raise ModelError(f"{folder}: cannot be loaded ({error}). Copy the whole folder again.") from error
    return settings, autoencoder, encoder


_CARD = """---
summary: Convolutional autoencoder, trained without labels on {count} pictures of {px} px
authors: who gathered the pictures; dl4art trained it
licence: that of the pictures
tags: [paintings, autoencoder, features]
---

# Autoencoder of pictures

Two 5x5 convolutions with {filters} filters and max-pooling each, a mirrored decoder (unpooling: {unpooling}) and a 1x1
reconstruction. Its encoder describes pictures to classifiers; it has seen no labels.

Squared error of the pictures held out, on a scale of 0 to 1: {error:.5f}, which is {level:.1f} of 255 levels.

Trained by dl4art {version}: loss {loss}, pictures made squares of {px} px ({fit}), squares of {side} px cut from them,
Adam at {rate}, {steps} batches of {batch} in an epoch, at most {epochs} epochs, {patience} without a better one, seed
{seed}.
"""
