"""The comparer's networks: a picture in, a short vector for each thread direction out, and a head that scores two.

The encoder describes the *vertical* threads of a locally normalised picture; the horizontal ones are the vertical ones
of the transposed picture, so that a crop is two vectors, (2, d). It is the counter's convolutions (blind to polarity by
construction), pooled over the picture by means and by deviations, since cloths differ in their irregularity as much as
in their density. The head sees two such vectors and is exactly symmetric in them; how two crops lie to each other,
straight or turned by a quarter, is left open by scoring both. The design is our own: the paper on comparing
fabrics by a Siamese network (arXiv 2506.20272) gives none in its abstract.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers, ops

from dl4art.regression.network import convolved

Array = npt.NDArray[np.float32]

SMALLEST = 200
"""Side in pixels (1 cm) of the smallest picture that the encoder is trained on."""


@dataclass(frozen=True)
class EncoderSettings:
    """What the networks are made of; kept in a model folder's ``config.json``."""

    filters: tuple[int, ...] = (32, 32, 48, 64, 96)
    """Channels of the trunk, as the counter's."""
    hidden: int = 160
    """Units between the pooled numbers and the vector."""
    size: int = 48
    """Length d of the vector for one thread direction."""
    head: int = 64
    """Units of the head's two layers."""


@keras.saving.register_keras_serializable(package="dl4art")
class Spread(layers.Layer):  # type: ignore[misc]
    """Pool features over places: their mean, and how much they vary from one vertical thread to the next, and besides.

    The former is the deviation of the column means, the latter what is left of the whole deviation; both as logarithms,
    so that contrast is a constant. Input ``(n, rows, cols, f)``, output ``(n, 3 f)``.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})

    def call(self, features: Any) -> Any:
        """Pool all places."""
        features = ops.cast(features, "float32")
        columns = ops.mean(features, axis=1)
        mean = ops.mean(columns, axis=1, keepdims=True)
        across = ops.mean(ops.square(columns - mean), axis=1)
        within = ops.mean(ops.square(features - ops.expand_dims(columns, 1)), axis=(1, 2))
        spreads = [0.5 * ops.log(part + 1e-3) for part in (across, within)]
        return ops.concatenate([mean[:, 0], *spreads], axis=-1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Three numbers for each feature."""
        return (input_shape[0], 3 * input_shape[-1])


@keras.saving.register_keras_serializable(package="dl4art")
class PairHead(layers.Layer):  # type: ignore[misc]
    """Score all pairs of crops of two lists, in both positions to each other.

    Two vectors enter by their sum and the size of their difference, which do not know which came first. One score
    joins two directions; a pair of crops has two scores straight (vertical with vertical, horizontal with horizontal)
    and two turned by a quarter.

    Inputs ``(n, 2, d)`` and ``(m, 2, d)``, output ``(n, m, 2)``: logits of "same cloth" if straight, and if turned.
    """

    def __init__(self, size: int, units: int = 64, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})
        self.size, self.units = size, units
        self.first = layers.Dense(units, activation="relu", dtype="float32", name="first")
        self.second = layers.Dense(units, activation="relu", dtype="float32", name="second")
        self.last = layers.Dense(1, dtype="float32", name="last")

    def build(self, input_shape: Any) -> None:  # noqa: ARG002
        """Create the layers' weights."""
        self.first.build((None, 2 * self.size))
        self.second.build((None, self.units))
        self.last.build((None, self.units))

    def call(self, first: Any, second: Any) -> Any:
        """Score each of the first list with each of the second."""
        a = ops.expand_dims(ops.expand_dims(first, 1), 3)  # (n, 1, 2, 1, d)
        b = ops.expand_dims(ops.expand_dims(second, 0), 2)  # (1, m, 1, 2, d)
        both = ops.concatenate([ops.abs(a - b), a + b], axis=-1)
        scores = self.last(self.second(self.first(both)))[..., 0]
        straight = scores[..., 0, 0] + scores[..., 1, 1]
        turned = scores[..., 0, 1] + scores[..., 1, 0]
        return ops.stack([straight, turned], axis=-1)

    def compute_output_shape(self, first_shape: Any, second_shape: Any = None) -> Any:
        """Two logits for each pair."""
        return (first_shape[0], (second_shape or first_shape)[0], 2)

    def get_config(self) -> dict[str, Any]:
        """Give the configuration for serialisation."""
        return {**super().get_config(), "size": self.size, "units": self.units}


def build_encoder(settings: EncoderSettings | None = None) -> keras.Model:
    """Build the encoder of one thread direction.

    Parameters
    ----------
    settings : EncoderSettings, optional
        Sizes; those of the shipped encoder if left out.

    Returns
    -------
    keras.Model
        From ``(n, rows, cols, 1)``, normalised pictures of any size from `SMALLEST` px, to ``(n, d)``.
    """
    settings = settings or EncoderSettings()
    picture = keras.Input((None, None, 1), name="picture")
    trunk = keras.Model(picture, convolved(picture, settings.filters))
    # the outputs of the early blocks know single threads, those of the late ones the weave
    blocks = [layer.output for layer in trunk.layers if isinstance(layer, layers.ReLU)]
    pooled = layers.Concatenate(dtype="float32")([Spread()(features) for features in blocks[::2]])
    pooled = layers.BatchNormalization(momentum=0.98, dtype="float32")(pooled)
    hidden = layers.Dense(settings.hidden, activation="relu", dtype="float32")(pooled)
    return keras.Model(picture, layers.Dense(settings.size, dtype="float32", name="vector")(hidden), name="encoder")


def build_head(settings: EncoderSettings | None = None) -> PairHead:
    """Build the head; call it with two lists of crops, ``(n, 2, d)`` and ``(m, 2, d)``, for ``(n, m, 2)`` logits."""
    settings = settings or EncoderSettings()
    head = PairHead(settings.size, settings.head, name="head")
    head.build((None, 2, settings.size))
    return head


@keras.saving.register_keras_serializable(package="dl4art")
class PairNetwork(keras.Model):  # type: ignore[misc]
    """Encoder and head in one, so that their weights are one file: `load_weights` it, then use the parts.

    Called with pictures ``(n, rows, cols, 1)`` it gives the logits of all pairs among them, ``(n, n, 2)``.
    """

    def __init__(self, settings: EncoderSettings | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.encoder = build_encoder(settings)
        self.head = build_head(settings)
        self.built = True

    def call(self, pictures: Any, training: bool = False) -> Any:
        """Score all pairs."""
        vectors = self.embed(pictures, training=training)
        return self.head(vectors, vectors)

    def embed(self, pictures: Any, training: bool = False) -> Any:
        """Vectors of both directions, ``(n, 2, d)``."""
        both = ops.concatenate([pictures, ops.transpose(pictures, (0, 2, 1, 3))], axis=0)
        return ops.stack(ops.split(self.encoder(both, training=training), 2, axis=0), axis=1)


def encode(encoder: keras.Model, normal: Array) -> Array:
    """Encode square or other pictures in both directions, one batch at a time.

    Parameters
    ----------
    encoder : keras.Model
        From `build_encoder`.
    normal : ndarray of shape (n, rows, cols)
        Normalised pictures.

    Returns
    -------
    ndarray of shape (n, 2, d)
    """
    upright = encoder.predict_on_batch(normal[..., None])
    level = encoder.predict_on_batch(normal.transpose(0, 2, 1)[..., None])
    return np.stack([upright, level], axis=1)


def pair_logits(logits: npt.ArrayLike) -> Array:
    """One logit for each pair from those of both positions: ``log((exp straight + exp turned) / 2)``.

    Parameters
    ----------
    logits : (..., 2)
        From `PairHead`.

    Returns
    -------
    ndarray of shape (...)
    """
    both = np.asarray(logits, np.float32)
    joined: Array = np.logaddexp(both[..., 0], both[..., 1]) - np.float32(np.log(2))
    return joined


def warm_start(encoder: keras.Model, donor: keras.Model | list[list[Array]]) -> int:
    """Copy the weights of a counter's trunk into an encoder, layer by layer in their order.

    Parameters
    ----------
    encoder : keras.Model
        From `build_encoder`.
    donor : keras.Model or list of list of ndarray
        A trunk from `dl4art.regression.network.build_trunk`, or the weights of its layers in order. Layers without
        weights do not count.

    Returns
    -------
    int
        How many layers were copied: all before the first that differs in shape.
    """
    given = [layer.get_weights() for layer in donor.layers] if isinstance(donor, keras.Model) else donor
    given = [weights for weights in given if weights]
    mine = [layer for layer in encoder.layers if layer.weights]
    copied = 0
    for layer, weights in zip(mine, given, strict=False):
        if [tuple(own.shape) for own in layer.weights] != [part.shape for part in weights]:
            break
        layer.set_weights(weights)
        copied += 1
    return copied
