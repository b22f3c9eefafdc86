"""The thread counter's network: small VGG blocks, no padding, one direction.

It sees a locally normalised picture and says, every 8 px, how dense the *vertical* threads are there. Horizontal
threads are the vertical ones of the transposed picture, so that both directions are one network by construction.
The first blocks run on the picture and on its negative and are added, so that polarity cannot matter.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

WINDOW = 200
"""Side in pixels of the window (1 cm) over which densities are pooled."""
STRIDE = 8
"""Pixels from one output of the network to the next."""
REFERENCE_DENSITY = 12.0
"""Density in th/cm at which the network's first channel is zero."""
CHANNELS = ("log_density", "weight", "log_error", "angle", "readable")
"""What the network says at each place; see `WindowPool` for what becomes of it."""


@keras.saving.register_keras_serializable(package="dl4art")
class Fold(layers.Layer):  # type: ignore[misc]
    """Rectify a picture's features and those of its negative: ``relu(x + b)`` and ``relu(b - x)``."""

    def build(self, input_shape: Any) -> None:
        """Create one bias for each channel."""
        self.bias = self.add_weight(shape=(input_shape[-1],), initializer="zeros", name="bias")

    def call(self, features: Any) -> Any:
        """Return both, stacked along the batch."""
        return ops.concatenate([ops.relu(self.bias + features), ops.relu(self.bias - features)], axis=0)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Twice the batch."""
        return (None if input_shape[0] is None else 2 * input_shape[0], *input_shape[1:])


@keras.saving.register_keras_serializable(package="dl4art")
class Unfold(layers.Layer):  # type: ignore[misc]
    """Add the features of a picture and of its negative."""

    def call(self, features: Any) -> Any:
        """Add the two halves of the batch."""
        first, second = ops.split(features, 2, axis=0)
        return first + second

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Half the batch."""
        return (None if input_shape[0] is None else input_shape[0] // 2, *input_shape[1:])


@keras.saving.register_keras_serializable(package="dl4art")
class WindowPool(layers.Layer):  # type: ignore[misc]
    """Pool the network's outputs over one window.

    The outputs are weighted by a learned profile over the window, the same mirrored (outputs near the border count
    for the strip that no output is centred on), and by the network's own weight for the place.

    Input shape ``(n, rows, cols, 5)``, output shape ``(n, 5)``: density in th/cm, mean log weight, log of the expected
    relative error, angle in tens of degrees, logit of readability. The last is about the whole window, so that there
    the network's own weight has no say.
    """

    def __init__(self, side: int, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})
        self.side = side

    def build(self, input_shape: Any) -> None:  # noqa: ARG002
        """Create the profiles across and along the threads."""
        self.profiles = self.add_weight(shape=(2, self.side), initializer="zeros", name="profiles")

    def call(self, outputs: Any) -> Any:
        """Pool ``(n, side, side, 5)`` to ``(n, 5)``."""
        outputs = ops.cast(outputs, "float32")
        profiles = ops.softmax(self.profiles + ops.flip(self.profiles, axis=1), axis=1)
        along, across = ops.expand_dims(profiles[0], 1), ops.expand_dims(profiles[1], 0)
        own = ops.exp(ops.clip(outputs[..., 1], -6.0, 6.0))
        weight = ops.expand_dims(along * across * own, -1)
        density = density_of(outputs[..., :1])
        values = ops.concatenate([density, outputs[..., 1:-1]], axis=-1)
        pooled = ops.sum(values * weight, axis=(1, 2)) / ops.sum(weight, axis=(1, 2))
        return ops.concatenate([pooled, ops.mean(outputs[..., -1:], axis=(1, 2))], axis=-1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """One row for each window."""
        return (input_shape[0], input_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Give the configuration for serialisation."""
        return {**super().get_config(), "side": self.side}


def density_of(log_density: Any) -> Any:
    """Density in th/cm from the network's first channel."""
    return REFERENCE_DENSITY * ops.exp(ops.clip(log_density, -1.4, 1.4))


def convolved(picture: Any, filters: tuple[int, ...]) -> Any:
    """Features, every `STRIDE` px, that do not know a picture from its negative; ``filters[-1]`` channels."""

    def block(features: Any, count: int) -> Any:
        features = layers.Conv2D(count, 3, use_bias=False)(features)
        return layers.ReLU()(layers.BatchNormalization(momentum=0.98)(features))

    stem, first, second, third, fourth = filters
    # the stem is a bank of small filters, dense enough that no thread falls between two of its places
    features = Fold()(layers.Conv2D(stem, 8, strides=4, use_bias=False)(picture))
    features = Unfold()(layers.Conv2D(first, 3, activation="relu")(features))
    features = layers.MaxPooling2D(2)(block(features, second))
    features = block(block(features, third), third)
    return block(block(features, fourth), fourth)


def build_trunk(filters: tuple[int, ...] = (32, 32, 48, 64, 96)) -> keras.Model:
    """Build the convolutional part.

    Parameters
    ----------
    filters : tuple of five int
        Channels of the stem and of the four blocks.

    Returns
    -------
    keras.Model
        From ``(n, rows, cols, 1)`` to ``(n, places down, places across, 5)``, a place every `STRIDE` px; see `reach`.
    """
    picture = keras.Input((None, None, 1), name="picture")
    features = layers.ReLU()(layers.Conv2D(64, 1)(convolved(picture, filters)))
    outputs = layers.Conv2D(len(CHANNELS), 1, dtype="float32", name="outputs")(features)
    return keras.Model(picture, outputs, name="thread_counter")


def reach(trunk: keras.Model) -> int:
    """Side in pixels of the square that one output of a trunk looks at, from its layers."""
    side, step = 1, 1
    for layer in trunk.layers:
        kernel = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
        if kernel is not None:
            side += (kernel[0] - 1) * step
            step *= layer.strides[0]
    return side


def build_trainer(trunk: keras.Model) -> keras.Model:
    """Join the trunk and the pooling over one window, in the form that `losses.window_loss` takes."""
    side = (WINDOW - reach(trunk)) // STRIDE + 1
    picture = keras.Input((WINDOW, WINDOW, 1))
    outputs = trunk(picture)
    pooled = WindowPool(side, name="pool")(outputs)
    local = layers.Reshape((side * side,), dtype="float32")(density_of(outputs[..., 0]))
    return keras.Model(picture, layers.Concatenate(dtype="float32")([local, pooled]))
