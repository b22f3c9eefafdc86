"""Kinds of artworks, told apart by the one-block VGG of the study of hand-drawn and algorithmic drawings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import keras
from keras import layers

from dl4art.cropping.photographs import read_photograph
from dl4art.utils.class_training import Plan
from dl4art.utils.errors import InputError, ModelError
from dl4art.utils.files import sha256
from dl4art.utils.window_classifier import WindowClassifier, check_numbers, load_classifier
from dl4art.utils.window_training import Recipe, trainer

KIND = "artwork"
SIDE = 256
_GRID = 8
"""Side of the grid that features are averaged over before the dense layers, unless they are taken as they are."""
_MEANS = (103.939, 116.779, 123.68)
"""Blue, green and red of ImageNet, which VGG-16 was trained without."""


@dataclass(frozen=True)
class ArtworkNetwork:
    """What a network for artworks is like.

    Attributes
    ----------
    blocks : int
        Of a 3x3 convolution and a max-pooling each.
    filters : int
        Of the first block; each further one has twice as many.
    dense : int
        Units of the dense layer.
    dropouts : (float, float)
        After each block, and after the dense layer.
    flat : bool
        Join all features of a window to the dense layer, as the study does: 67 million weights at 256 px and 32
        filters. By default features are averaged over a grid of 8 x 8 first, with 0.26 million.
    vgg16 : bool
        The frozen convolutions of VGG-16 in place of the blocks.
    """

    blocks: int = 1
    filters: int = 32
    dense: int = 128
    dropouts: tuple[float, float] = (0.2, 0.5)
    flat: bool = False
    vgg16: bool = False


def build_artwork_network(settings: ArtworkNetwork, side: int, classes: int, weights: str | Path | None = None) -> Any:
    """Build the network: windows (n, side, side, 3) with values 0 to 255 to probabilities (n, classes).

    Parameters
    ----------
    settings : ArtworkNetwork
        What it is like.
    side : int
        Of the windows in px.
    classes : int
        How many.
    weights : path, optional
        File of VGG-16's weights without its head, as keras.applications has it; only with `ArtworkNetwork.vgg16`.

    Raises
    ------
    InputError
        If a window is too small for so many blocks.
    ModelError
        If the weights are none of VGG-16.
    """
    steps = 5 if settings.vgg16 else settings.blocks
    if side < 2**steps or side % 2**steps:
        raise InputError(f"windows of {side} px cannot be halved {steps} times. Choose a multiple of {2**steps}.")
    window = keras.Input((side, side, 3), name="window")
    features = _vgg16(window, weights) if settings.vgg16 else _blocks(window, settings)
    length = side // 2**steps
    if not settings.flat and length > _GRID:
        features = layers.AveragePooling2D(length // _GRID)(features)
    features = layers.Flatten()(features)
    features = layers.Dense(settings.dense, activation="relu", kernel_initializer="he_uniform", name="dense")(features)
    features = layers.Dropout(settings.dropouts[1])(features)
    answer = layers.Dense(classes, activation="softmax", dtype="float32", name="answer")(features)
    return keras.Model(window, answer)


def _blocks(window: Any, settings: ArtworkNetwork) -> Any:
    features = layers.Rescaling(1 / 255)(window)
    for block in range(settings.blocks):
        features = layers.Conv2D(
            settings.filters * 2**block,
            3,
            padding="same",
            activation="relu",
            kernel_initializer="he_uniform",
            name=f"convolve_{block + 1}",
        )(features)
        features = layers.MaxPooling2D(2)(features)
        features = layers.Dropout(settings.dropouts[0])(features)
    return features


def _vgg16(window: Any, weights: str | Path | None) -> Any:
    trunk = keras.applications.VGG16(include_top=False, weights=None, input_shape=window.shape[1:])
    if weights is not None:
        try:
            trunk.load_weights(weights)
        except (OSError, ValueError, KeyError) as error:
            raise ModelError(
                f"{weights}: not the weights of VGG-16 without its head ({error}). Give the file ..._notop.h5."
            ) from error
    trunk.trainable = False
    # it was trained on blue, green and red
    return trunk(layers.Rescaling(1.0, offset=[-mean for mean in _MEANS])(window[..., ::-1]), training=False)


def artwork_plan(
    recipe: Recipe,
    *,
    network: ArtworkNetwork | None = None,
    weights: str | Path | None = None,
    side: int = SIDE,
    cuts: int = 8,
    looks: int = 8,
    **more: Any,
) -> Plan:
    """Plan a training on a folder of classes; see `Plan` for the arguments.

    Parameters
    ----------
    recipe : Recipe
        How it learns.
    network : ArtworkNetwork
        What learns.
    weights : path
        Of VGG-16, see `build_artwork_network`.
    side, cuts, looks, **more
        As for `Plan`.
    """
    chosen = network or ArtworkNetwork()
    if weights is not None and not Path(weights).is_file():
        raise InputError(f"{weights}: no such file. Give the weights of VGG-16 without its head, ..._notop.h5.")
    # an impossible network is told before the work
    build_artwork_network(chosen, side, 2, weights)
    return Plan(
        kind=KIND,
        what="Kinds of artworks by their windows",
        opened=read_photograph,
        train=trainer(lambda classes: build_artwork_network(chosen, side, classes, weights), recipe),
        side=side,
        cuts=cuts,
        looks=looks,
        recipe=asdict(recipe),
        config={"network": asdict(chosen)},
        base=f"VGG-16 ({Path(weights).name} {sha256(weights)[:8]})" if weights else "none",
        **more,
    )


RECIPE = Recipe(epochs=20, batch=64, optimizer="rmsprop", rate=1e-3, degrees=25.0)
"""After the study: batches of 64, RMSprop, windows turned by up to 25 degrees."""
SGD_RECIPE = replace(RECIPE, optimizer="sgd", rate=1e-2)
"""The same by SGD, which needs a rate ten times that."""


def load_artworks(name_or_folder: str | Path) -> WindowClassifier:
    """Load a classifier of artworks; ModelError if it is none."""

    def build(config: Mapping[str, Any]) -> keras.Model:
        known = dict(config["network"])
        check_numbers("blocks", [known["blocks"]], 1, 8)
        check_numbers("filters", [known["filters"], known["dense"]])
        settings = ArtworkNetwork(**{**known, "dropouts": tuple(known["dropouts"])})
        return build_artwork_network(settings, int(config["window_side_px"]), len(config["classes"]))

    return load_classifier(name_or_folder, KIND, "paintings", build)
