"""Training of a segmenter on photographs of one's own, from other weights: the encoder frozen first, then thawed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import keras
import numpy as np

from dl4art.craquelure.augment import Augmentation, cut_window
from dl4art.craquelure.encoder_weights import load_resnet50
from dl4art.craquelure.networks import build_network, encoder_layers, freeze_encoder
from dl4art.craquelure.own_pictures import LabelledPhotograph, fingerprint, slices
from dl4art.craquelure.segmenter import DEFAULT_MODEL, Segmenter
from dl4art.craquelure.training import (
    MONITOR,
    SegmenterSettings,
    Tell,
    WholeBatches,
    WindowBatches,
    check_settings,
    compile_network,
)
from dl4art.utils.checkpoints import BEST, Checkpoints
from dl4art.utils.errors import InputError
from dl4art.utils.files import make_folder, sha256
from dl4art.utils.fine_tuning import DATA, claim, fit

ENCODED = "res-unet"
"""The network that weights of ResNet-50 fit."""
_LEAST_STEPS = 25  # in an epoch: a few slices are seen several times, each time varied


@dataclass(frozen=True)
class OwnSettings:
    """The recipe of a training on one's own photographs, after the study's: with the data it remakes the weights."""

    base: str = ""
    """Name and hash of the segmenter, or hash of the file, whose weights it starts from; empty if from nothing."""
    network: str = "light"
    filters: tuple[int, ...] = ()
    """Channels of its levels; the usual ones if empty."""
    window_px: int = 512
    """Side of the slices; smaller photographs are mirrored at their borders."""
    batch: int = 8
    epochs: int = 30
    steps: int = 0
    """Batches in an epoch; if 0, as many as show each slice once, and no fewer than 25."""
    frozen: float = 1 / 3
    """Share of the epochs in which the encoder is frozen; of no meaning from nothing."""
    rate: float = 1e-4
    """Learning rate of Adam at its height."""
    last_rate: float = 1e-6
    """What it falls to along a cosine."""
    loss: str = "mixed2"
    """One of `dl4art.craquelure.losses.LOSSES`."""
    seed: int = 1
    augmentation: Augmentation = field(default_factory=Augmentation)


@dataclass(frozen=True, eq=False)
class Start:
    """A network to train, and what it starts from."""

    network: keras.Model
    settings: OwnSettings
    before: Segmenter | None = None
    """The segmenter whose weights it has; None if there was none."""
    known: str = ""
    """Which part has learnt something already: ``all``, ``encoder`` or nothing."""


def choose_start(
    settings: OwnSettings,
    *,
    base: str | Path | None = None,
    network: str | None = None,
    encoder_weights: str | Path | None = None,
) -> Start:
    """Load what a training starts from.

    Parameters
    ----------
    settings : OwnSettings
        The recipe, but for base, network and filters.
    base : str or path, optional
        A shipped segmenter by name, or a model folder; the shipped one if nothing else is given.
    network : str, optional
        One of `dl4art.craquelure.networks.NETWORKS`, to be trained from nothing or from the weights of its encoder.
    encoder_weights : path, optional
        Weights of ResNet-50, for ``res-unet``; see `dl4art.craquelure.encoder_weights.load_resnet50`.

    Raises
    ------
    InputError
        If these mean nothing together, or the recipe cannot be followed.
    ModelError
        If the weights cannot be used.
    """
    if network is not None and base is not None:
        raise InputError("--network is for a training from nothing, and --from names a network. Leave one of them out.")
    if encoder_weights is not None and network != ENCODED:
        raise InputError(f"--encoder-weights is for --network {ENCODED}, whose encoder is ResNet-50. Add it.")
    keras.utils.set_random_seed(settings.seed)
    if network is None:
        before = Segmenter.from_pretrained(DEFAULT_MODEL if base in (None, "shipped") else str(base))
        config = before.folder.config if before.folder else {}
        settings = replace(settings, base=before.name, network=config["network"], filters=tuple(config["filters"]))
        own_recipe(settings)
        # the one that is trained must not be the one that is compared with
        model = build_network(settings.network, settings.filters)
        model.set_weights(before.network.get_weights())
        return Start(model, settings, before, "all")
    settings = replace(settings, network=network)
    own_recipe(settings)
    model = build_network(network, settings.filters or None)
    if encoder_weights is None:
        return Start(model, settings)
    load_resnet50(model, encoder_weights)
    return Start(model, replace(settings, base=f"ResNet-50 {sha256(encoder_weights)[:8]}"), known="encoder")


def own_recipe(settings: OwnSettings, count: int = 1) -> SegmenterSettings:
    """Give the recipe in the terms of `dl4art.craquelure.training`, for so many slices; InputError if it has none."""
    recipe = SegmenterSettings(
        network=settings.network,
        filters=settings.filters,
        pictures=count,
        window_px=settings.window_px,
        batch=settings.batch,
        epochs=settings.epochs,
        steps=settings.steps or max(_LEAST_STEPS, math.ceil(count / settings.batch)),
        rate=settings.rate,
        last_rate=settings.last_rate,
        loss=settings.loss,
        precision="float32",
        seed=settings.seed,
        augmentation=settings.augmentation,
    )
    check_settings(recipe)
    return recipe


def train_own_segmenter(
    start: Start,
    split: Mapping[str, Sequence[LabelledPhotograph]],
    folder: str | Path,
    *,
    tell: Tell = print,
    quiet: bool = False,
) -> Path:
    """Train a segmenter on one's own photographs, or go on with a training that was interrupted.

    What has learnt something already keeps the statistics of its normalisations: those of many thousand pictures, which
    a few must not replace.

    Parameters
    ----------
    start : Start
        From `choose_start`; its network is changed.
    split : mapping
        Photographs to learn from (``train``), and held out (``held``), on which the best epoch is chosen.
    folder : path
        Gets the state after each epoch, ``curve.csv`` and the best epoch's ``model.weights.h5``.
    tell : callable
        Told what goes on.
    quiet : bool
        No progress bar.

    Returns
    -------
    Path
        The weights of the best epoch.

    Raises
    ------
    InputError
        If the folder holds a training with another recipe or other photographs.
    """
    folder, settings = Path(folder), start.settings
    make_folder(folder)
    seen = fingerprint([photograph for part in split.values() for photograph in part])
    claim(folder, {**asdict(settings), DATA: seen}, "other photographs or labels")
    kept = Checkpoints(folder, settings.epochs, seed=settings.seed, monitor=MONITOR, large=True, tell=tell)
    if kept.over:
        tell(f"{kept.done} of {settings.epochs} epochs are done, the best is epoch {kept.best + 1}")
        return folder / BEST
    pictures, masks = slices(split["train"], settings.window_px, settings.window_px // 4)
    recipe = own_recipe(settings, len(pictures))
    held = _held(split["held"], settings.window_px)
    network = start.network
    tell(
        f"{network.name}: {network.count_params()} parameters, {len(pictures)} slices, {recipe.steps} batches an epoch"
    )

    def learn(until: int) -> None:
        batches = WindowBatches(pictures, masks, recipe, epoch=kept.done)
        fit(network, batches, held, kept, quiet=quiet, until=until)

    frozen = frozen_epochs(start)
    # at its end, too: what is on disk then is a state with the encoder frozen
    if kept.done <= frozen > 0:
        _compile(start, recipe, frozen=True)
        kept.restore(network)
        if kept.done < frozen:
            learn(frozen)
    _compile(start, recipe, frozen=False)
    if kept.done > frozen:
        kept.restore(network)
    else:
        # the cosine goes on where it was
        network.optimizer.iterations.assign(kept.done * recipe.steps)
    learn(settings.epochs)
    return folder / BEST


def frozen_epochs(start: Start) -> int:
    """In how many epochs the encoder is frozen: none if it has learnt nothing, and never in all."""
    return min(round(start.settings.frozen * start.settings.epochs), start.settings.epochs - 1) if start.known else 0


def _compile(start: Start, recipe: SegmenterSettings, *, frozen: bool) -> None:
    freeze_encoder(start.network, frozen)
    known = {"all": start.network.layers, "encoder": encoder_layers(start.network)}.get(start.known, [])
    for layer in known:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False
    compile_network(start.network, recipe)


def _held(photographs: Sequence[LabelledPhotograph], side_px: int) -> WholeBatches:
    """Make batches of all slices of photographs as they are."""
    rng = np.random.default_rng(0)  # a square has but one place in itself
    cut = [cut_window(rng, *pair, side_px) for pair in zip(*slices(photographs, side_px), strict=True)]
    return WholeBatches(np.array([window.astype(np.uint8) for window, _ in cut]), np.array([mask for _, mask in cut]))
