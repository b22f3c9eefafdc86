"""From the features of an encoder to the painter: what is put on top of it, and how that learns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import keras
import numpy as np
import numpy.typing as npt
from keras import layers

from dl4art.paintings.autoencoder import STRIDE, answer
from dl4art.paintings.texture import ChannelDropout, TexturePooling
from dl4art.utils.errors import Dl4artError, InputError

Pooling = Literal["texture", "flat"]
POOLINGS: tuple[Pooling, ...] = get_args(Pooling)
Features = npt.NDArray[np.float32]
Curve = dict[str, list[float]]


@dataclass(frozen=True)
class HeadSettings:
    """What is put on an encoder, and how it learns.

    Attributes
    ----------
    pooling : {'texture', 'flat'}
        What comes between the features and the first dense layer: `TexturePooling`, or nothing, as in the study. At
        256 px and 200 filters, ``flat`` joins 64 x 64 x 200 features to 300 units by 246 million weights.
    units : int
        Of the two dense layers.
    spatial, dropout : float
        Share of the features, as a whole, and of the units that is left out in training.
    epochs, batch, rate, patience
        Of Adam, and of stopping early on the loss of the pictures held out.
    held : float
        Share of the pictures to learn from that is held out for that.
    thaw : bool
        Teach the encoder, too, once the rest has learnt. With few pictures it forgets more than it learns.
    """

    pooling: Pooling = "texture"
    units: int = 300
    spatial: float = 0.2
    dropout: float = 0.5
    epochs: int = 100
    batch: int = 16
    rate: float = 1e-3
    patience: int = 15
    held: float = 0.15
    thaw: bool = False


def build_pooling(pooling: Pooling) -> keras.Model | None:
    """Build what comes between features and head; None if nothing does."""
    if pooling not in POOLINGS:
        raise InputError(f"pooling: {pooling!r} is not one of {', '.join(POOLINGS)}.")
    if pooling == "flat":
        return None
    features = keras.Input((None, None, None))
    return keras.Model(features, TexturePooling()(features))


def pooled_shape(settings: HeadSettings, px: int, channels: int) -> tuple[int, ...]:
    """Shape of what the head gets of a picture."""
    if settings.pooling == "flat":
        return px // STRIDE, px // STRIDE, channels
    return channels, channels + 2


def build_head(settings: HeadSettings, shape: Sequence[int], classes: int) -> keras.Model:
    """Build the head: pooled features (n, *shape) to probabilities (n, classes).

    Features are brought to mean zero and deviation one, then left out at random as wholes (spatial dropout); two dense
    layers with dropout and a softmax follow.
    """
    pooled = keras.Input(tuple(shape), name="features")
    flat = settings.pooling == "flat"
    features = layers.Normalization(axis=-1 if flat else (1, 2), name=_NORMALISE)(pooled)
    features = (layers.SpatialDropout2D if flat else ChannelDropout)(settings.spatial, name="forget")(features)
    features = layers.Flatten()(features)
    for number in (1, 2):
        features = layers.Dense(settings.units, activation="relu", name=f"dense_{number}")(features)
        features = layers.Dropout(settings.dropout)(features)
    return keras.Model(pooled, layers.Dense(classes, activation="softmax", dtype="float32", name="answer")(features))


_NORMALISE = "normalise"
_FLOOR = 1e-3
"""Share of the mean variance below which a feature's variance is not believed."""


def memory_bytes(settings: HeadSettings, px: int, channels: int, pictures: int) -> tuple[int, int]:
    """Bytes of the head's first dense layer while it learns (weights, gradient, Adam's two means), and of the features.

    The features of all pictures are computed once and kept in memory in four bytes each.
    """
    size = int(np.prod(pooled_shape(settings, px, channels)))
    return 4 * 4 * size * settings.units, 4 * size * pictures


def pooled_features(
    encoder: keras.Model, pooling: keras.Model | None, pictures: npt.NDArray[np.uint8], batch: int = 8
) -> Features:
    """Describe pictures (n, px, px, 3) by what the head gets of them."""
    parts = []
    for start in range(0, len(pictures), batch):
        features = answer(encoder, pictures[start : start + batch], batch)
        parts.append(features if pooling is None else answer(pooling, features, batch))
    return np.concatenate(parts)


def train_head(
    settings: HeadSettings,
    features: Features,
    labels: Sequence[int],
    held: npt.NDArray[np.bool_],
    *,
    classes: int,
    seed: int,
) -> tuple[keras.Model, Curve]:
    """Teach a fresh head; the same seed gives the same head.

    Parameters
    ----------
    settings : HeadSettings
        How.
    features : ndarray, shape (n, ...)
        From `pooled_features`.
    labels : sequence of int
        Class of each picture.
    held : ndarray of bool, shape (n,)
        Which pictures tell when to stop; nothing else is learnt from them.
    classes : int
        How many.
    seed : int
        Of everything.

    Returns
    -------
    head : keras.Model
        At its best epoch.
    curve : dict
        ``loss``, ``accuracy``, and with ``val_`` those of the pictures held out, after each epoch.
    """
    keras.utils.set_random_seed(seed)
    head = build_head(settings, features.shape[1:], classes)
    normalise(head, features[~held])
    compile_classifier(head, settings.rate)
    truth = np.eye(classes, dtype=np.float32)[np.array(labels, np.intp)]
    return head, fit_early(head, settings, (features, truth), held, settings.epochs)


def normalise(head: keras.Model, features: Features) -> None:
    """Tell a head the means and variances of the features that it learns from."""
    layer = head.get_layer(_NORMALISE)
    layer.adapt(features)
    variance = np.array(layer.adapt_variance)
    # one that hardly varies here would outweigh all others where it does
    layer.adapt_variance.assign(np.maximum(variance, _FLOOR * variance.mean() + 1e-12))
    layer.finalize_state()


def compile_classifier(network: keras.Model, rate: float) -> None:
    """Compile a network whose answers are probabilities."""
    network.compile(
        keras.optimizers.Adam(rate),
        loss="categorical_crossentropy",
        metrics=[keras.metrics.CategoricalAccuracy("accuracy")],
    )


def fit_early(
    network: keras.Model,
    settings: HeadSettings,
    data: tuple[npt.NDArray[Any], npt.NDArray[np.float32]],
    held: npt.NDArray[np.bool_],
    epochs: int,
) -> Curve:
    """Fit a compiled classifier until the loss of the pictures held out grows no smaller, and keep the best epoch.

    Raises
    ------
    Dl4artError
        If the loss is no number any more.
    """
    x, y = data
    # where a class has one picture alone there may be none to hold out
    watched = held if held.any() else ~held
    stop = keras.callbacks.EarlyStopping(patience=settings.patience, restore_best_weights=True)
    history = network.fit(
        x[~held],
        y[~held],
        validation_data=(x[watched], y[watched]),
        epochs=epochs,
        batch_size=settings.batch,
        verbose=0,
        callbacks=[stop, keras.callbacks.TerminateOnNaN()],
    ).history
    if not np.isfinite(history["loss"]).all():
        raise Dl4artError(
            f"the loss is no number any more in epoch {len(history['loss'])}. Train with another --seed in another "
            "folder, or with a lower --rate."
        )
    return {name: [float(value) for value in values] for name, values in history.items()}
