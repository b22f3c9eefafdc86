"""Training of a counter on labelled crops: from a model's weights or from nothing, resumable, the best epoch kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras

from dl4art.regression.inception import build_inception
from dl4art.regression.labelled import LabelledCrop, fingerprint
from dl4art.regression.labelled_windows import EQUALISED_VIEW, LOCAL_VIEW, Joined, LabelledWindows, simulated_crops
from dl4art.regression.losses import nmae, window_loss, window_nmae
from dl4art.regression.network import WINDOW, build_trainer, build_trunk
from dl4art.regression.presets import LabelledSettings
from dl4art.regression.samples import simulate_samples
from dl4art.regression.training import Windows
from dl4art.simulation.samples import Samples
from dl4art.utils.checkpoints import BEST, Checkpoints
from dl4art.utils.files import make_folder
from dl4art.utils.fine_tuning import DATA, claim, dtype_policy, fit, lay_between, start_from

Crops = Sequence[LabelledCrop]
Tell = Callable[[str], None]
CROP = 304
"""Side of the simulated crops in pixels: room to zoom."""
SHARD = 50
"""Simulated crops in a file, at most: fewer are drawn than for a training from nothing."""
OTHER_WEAVES = 0.1
"""Share of these in twill or basket weave."""
_MEAN = "mean.weights.h5"


def train_labelled(
    settings: LabelledSettings,
    split: Mapping[str, Crops],
    folder: str | Path,
    *,
    base: str | Path | None = None,
    workers: int = 2,
    tell: Tell = print,
    quiet: bool = True,
) -> Path:
    """Train a counter on labelled crops, or go on with a training that was interrupted.

    Parameters
    ----------
    settings : LabelledSettings
        From `dl4art.regression.presets.choose_settings`.
    split : mapping
        Crops to learn from (``train``) and to know when to stop (``stop``).
    folder : path
        Gets the simulated crops, the state after each epoch, ``curve.csv`` and the best epoch's ``model.weights.h5``.
    base : path, optional
        File of the weights to start from.
    workers : int
        Processes that simulate, and then threads that warp.
    tell : callable
        Told what goes on.
    quiet : bool
        No progress bar.

    Returns
    -------
    Path
        The weights of the best epoch; with a base, their mean with the base's by `LabelledSettings.share`.

    Raises
    ------
    InputError
        If the folder holds a training with other settings or crops.
    ModelError
        If the weights to start from are not those of such a network.
    Dl4artError
        If the loss is no number any more.
    OutputError
        If something cannot be written.
    """
    folder = Path(folder)
    make_folder(folder)
    seen = fingerprint([crop for crops in split.values() for crop in crops])
    claim(folder, {**asdict(settings), DATA: seen}, "other crops or labels")
    kept = Checkpoints(folder, settings.epochs, patience=settings.patience, seed=settings.seed, tell=tell)
    if kept.over:
        tell(f"{kept.done} of {settings.epochs} epochs are done, the best is epoch {kept.best + 1}")
        return _result(settings, folder, base)
    keras.utils.set_random_seed(settings.seed)
    windows, held = _datasets(settings, split, folder, kept.done, workers=workers, tell=tell)
    with dtype_policy(settings.precision):
        model = build_network(settings)
    if base is not None:
        start_from(model, base)
    steps = settings.epochs * len(windows)
    rate = keras.optimizers.schedules.CosineDecay(settings.rate, steps, alpha=0.01) if settings.falls else settings.rate
    if settings.architecture == "vgg":
        model.compile(keras.optimizers.Adam(rate, clipnorm=1.0), loss=window_loss, metrics=[window_nmae])
    else:
        model.compile(keras.optimizers.Adam(rate), loss=nmae)
    kept.restore(model)
    tell(f"{model.count_params()} parameters, {len(split['train'])} labelled crops to learn from")
    fit(model, windows, held, kept, quiet=quiet)
    return _result(settings, folder, base)


def build_network(settings: LabelledSettings) -> keras.Model:
    """Build the network as it is trained; that of ``vgg-inception`` is the one that counts, too."""
    if settings.architecture == "vgg":
        return build_trainer(build_trunk(settings.filters))
    return build_inception(settings.filters[0])


def _result(settings: LabelledSettings, folder: Path, base: str | Path | None) -> Path:
    """Give the file of the weights that the training comes to."""
    if base is None:
        return folder / BEST
    return lay_between(lambda: build_network(settings), base, folder / BEST, settings.share, folder / _MEAN)


def shard_size(settings: LabelledSettings) -> int:
    """Choose how many simulated crops are in a file: only whole files are drawn, so no more than are asked for."""
    return max(1, min(SHARD, settings.crops or SHARD, settings.check))


def stop_windows(settings: LabelledSettings, folder: Path, workers: int) -> Samples:
    """Draw the simulated windows that tell when to stop, or read them; each is seen in both directions."""
    count = max(1, _held(settings) // 2)
    return simulate_samples(folder / "crops", "stop", count, WINDOW, shard=shard_size(settings), workers=workers)


def _held(settings: LabelledSettings) -> int:
    return min(settings.held, settings.draws or settings.held)


def _datasets(
    settings: LabelledSettings, split: Mapping[str, Crops], folder: Path, done: int, *, workers: int, tell: Tell
) -> tuple[Any, Any]:
    """Make the data to learn from and to know when to stop, labelled and simulated."""
    view = LOCAL_VIEW if settings.architecture == "vgg" else EQUALISED_VIEW
    warps: dict[str, Any] = {"degrees": settings.degrees, "zoom": settings.zoom, "workers": workers}
    held: Any = LabelledWindows(
        split["stop"],
        view,
        batch=settings.batch,
        draws=_held(settings),
        seed=settings.seed + 1,
        strain=settings.strain,
        fixed=True,
        degrees=settings.degrees,
    )
    share = settings.labelled if settings.crops else 1.0
    batch = max(1, round(share * settings.batch))
    draws = round(settings.draws * batch / settings.batch)
    windows: Any = LabelledWindows(
        split["train"], view, batch=batch, draws=draws, seed=settings.seed, epoch=done, strain=settings.strain, **warps
    )
    if not settings.crops:
        return windows, held
    tell(f"{settings.crops} simulated crops are mixed in")
    data = folder / "crops"
    train = simulate_samples(
        data, "train", settings.crops, CROP, other_weaves=OTHER_WEAVES, shard=shard_size(settings), workers=workers
    )
    stop = stop_windows(settings, folder, workers)
    rest = settings.batch - batch
    aims = [density for crop in split["train"] for density in crop.density]
    other = LabelledWindows(
        simulated_crops(train),
        view,
        batch=rest,
        draws=rest * len(windows),
        seed=settings.seed + 2,
        epoch=done,
        strain=0.0,
        aims=aims,
        **warps,
    )
    return Joined(windows, other, workers=workers), Joined(held, Windows(stop, batch=settings.batch))
