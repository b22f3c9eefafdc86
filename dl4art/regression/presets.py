"""Recipes for training a counter on labelled crops, by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from dl4art.regression.counter import COUNTER, DEFAULT_MODEL
from dl4art.utils.errors import InputError, ModelError
from dl4art.utils.model_files import check_fit
from dl4art.utils.models import ModelFolder, find_model

Architecture = Literal["vgg", "vgg-inception"]
ARCHITECTURES: tuple[Architecture, ...] = ("vgg", "vgg-inception")


@dataclass(frozen=True)
class LabelledSettings:
    """How a counter is trained on labelled crops; with the same crops and version it remakes the weights."""

    architecture: Architecture = "vgg"
    """``vgg`` is the shipped one, small and fully convolutional; ``vgg-inception`` the upstream's."""
    base: str = ""
    """Name of the model whose weights it starts from, with the first digits of their hash; empty for none."""
    crops: int = 600
    """Simulated crops of 304 px that are mixed in, so that what the base knew is not forgotten; ``vgg`` only."""
    labelled: float = 0.5
    """Share of labelled windows in a batch where simulated ones are mixed in."""
    epochs: int = 6
    draws: int = 1600
    """Windows seen in an epoch; zero for 84 fixed variants of each crop."""
    held: int = 400
    """Labelled windows, and as many simulated ones, that tell when to stop; no more than are seen in an epoch."""
    batch: int = 64
    rate: float = 3e-4
    """Learning rate of Adam."""
    falls: bool = True
    """Whether the rate falls to a hundredth along a cosine, or stays."""
    share: float = 0.5
    """How far from the base's weights to the trained ones the result lies (Wortsman et al., arXiv 2109.01903): half-way
    most of what was learnt is kept, and most of what the base knew."""
    patience: int = 3
    """Epochs without a smaller held-out loss after which it stops."""
    degrees: float = 6.0
    """Largest rotation in augmentation."""
    strain: float = 0.03
    """Largest local stretch of the elastic augmentation."""
    zoom: float = 1.35
    """Threads become up to so many times as dense or as sparse; half of the simulated windows as dense as labelled
    ones, where that takes no more."""
    check: int = 300
    """Simulated windows to test on, and five times as many to calibrate on; ``vgg`` only."""
    precision: str = "mixed_bfloat16"
    """Keras' policy while training, as in `dl4art.regression.training.TrainingSettings`."""
    seed: int = 0
    filters: tuple[int, ...] = (32, 32, 48, 64, 96)
    """Of ``vgg``; those of the first stage of ``vgg-inception``."""


PRESETS: dict[str, LabelledSettings] = {
    "fine-tuning": LabelledSettings(),
    "from-nothing": LabelledSettings(
        crops=6000, labelled=0.25, epochs=60, draws=12800, rate=2e-3, patience=15, check=1000
    ),
    "inception": LabelledSettings(
        "vgg-inception",
        crops=0,
        labelled=1.0,
        epochs=60,
        draws=12800,
        batch=32,
        rate=1e-3,
        patience=15,
        precision="float32",
        filters=(8,),
    ),
    "unlabelled": LabelledSettings(crops=1000, epochs=10, patience=4),
    "upstream": LabelledSettings(
        "vgg-inception",
        crops=0,
        labelled=1.0,
        epochs=100,
        draws=0,
        held=0,
        batch=32,
        rate=1e-3,
        falls=False,
        patience=10,
        precision="float32",
        filters=(8,),
    ),
}
"""``upstream`` is the recipe of the public repository gapsc-us/DL4ART (run of March 2023): ``regVGG(8, 0.05)``, NMAE,
84 variants of each crop, Adam at 1e-3, batches of 32, at most 100 epochs, patience 10, histogram equalisation. The
others are ours: to start from a model, with labels or without, from nothing, and from nothing with the upstream's
network."""
NAMED = ("upstream",)
"""Presets that are asked for by name; the others follow from what is trained."""


@dataclass(frozen=True)
class Base:
    """A model to start from, not yet loaded."""

    folder: ModelFolder
    architecture: Architecture
    filters: tuple[int, ...]
    """As in `LabelledSettings`."""

    @property
    def name(self) -> str:
        """Name, with the first digits of the hash."""
        return f"{self.folder.name} {self.folder.sha256[:8]}"


def find_base(model: str | Path) -> Base:
    """Find a model to start from.

    Parameters
    ----------
    model : str or path
        ``shipped``, the name of a shipped counter, or a model folder.

    Raises
    ------
    ModelError
        If there is none, it is not whole, or it does not fit this version.
    """
    folder = find_model(DEFAULT_MODEL if model == "shipped" else model)
    check_fit(folder, (COUNTER,))
    architecture: Architecture = "vgg-inception" if folder.config.get("architecture") == "vgg-inception" else "vgg"
    try:
        return Base(folder, architecture, tuple(int(count) for count in folder.config["filters"]))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ModelError(f"{folder.path}: config.json states no filters ({error}). Copy the whole folder again.") from (
            error
        )


def choose_settings(
    given: Mapping[str, Any],
    *,
    base: Base | None = None,
    architecture: Architecture | None = None,
    preset: str | None = None,
) -> LabelledSettings:
    """Choose the settings of a training on labelled crops.

    Parameters
    ----------
    given : mapping
        Settings that the user states, by name.
    base : Base, optional
        The model to start from.
    architecture : str, optional
        That of the base if left out, else ``vgg``; with a preset the preset's.
    preset : str, optional
        One of `NAMED`.

    Raises
    ------
    InputError
        If some of it means nothing together.
    """
    if preset is not None:
        if preset not in NAMED:
            raise InputError(f"{preset!r} is no preset. Choose one of {', '.join(NAMED)}.")
        chosen = PRESETS[preset]
        if base:
            raise InputError(f"--preset {preset} trains from nothing, and --from starts from a model. Leave one out.")
        if architecture not in (None, chosen.architecture):
            raise InputError(f"--preset {preset} is for {chosen.architecture}, not {architecture}. Leave one out.")
    elif base:
        if architecture not in (None, base.architecture):
            raise InputError(
                f"--from names a model of architecture {base.architecture}, not {architecture}. Leave one out."
            )
        settings = (
            PRESETS["fine-tuning"]
            if base.architecture == "vgg"
            else replace(PRESETS["inception"], epochs=20, rate=3e-4)
        )
        chosen = replace(settings, base=base.name, filters=base.filters)
    else:
        chosen = PRESETS["inception" if architecture == "vgg-inception" else "from-nothing"]
    meaningless = [
        name
        for name in given
        if (name in ("crops", "check") and chosen.architecture != "vgg") or (name == "draws" and not chosen.draws)
    ]
    if meaningless:
        what = f"--preset {preset}" if preset else f"--architecture {chosen.architecture}"
        options = " and ".join(f"--{name}" for name in meaningless)
        raise InputError(f"{options} has no meaning with {what}. Leave it out.")
    return replace(chosen, **given)
