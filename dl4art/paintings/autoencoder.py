"""The convolutional autoencoder, after Deep Painter (David and Netanyahu, 2016): pictures learn to describe pictures.

Two 5x5 convolutions with max-pooling each, a decoder that mirrors them, and a 1x1 reconstruction. With 200 filters, as
in the study, the two convolutions have 15,200 and 1,000,200 parameters and the reconstruction has 603.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import keras
import numpy as np
import numpy.typing as npt
from keras import layers, ops

from dl4art.paintings.unpooling import PoolWithPositions, Unpool
from dl4art.utils.errors import InputError

Unpooling = Literal["upsampling", "positions"]
UNPOOLINGS: tuple[Unpooling, ...] = get_args(Unpooling)
Loss = Literal["mse", "kullback-leibler"]
LOSSES: tuple[Loss, ...] = get_args(Loss)
SIZES = {"thin": (16, 32), "full": (200, 200)}
"""Filters of the two convolutions by name; ``full`` is the study's, for a GPU."""
RATES = {"thin": 2e-3, "full": 2e-4}
"""Learning rates that suit them: steps that the thin network takes throw the full one off, to one mean colour."""
_DARKEST = 1 / 255
STRIDE = 4
"""Pixels of a picture that one place of the features stands for, across."""


def build_autoencoder(
    filters: tuple[int, int] = SIZES["thin"], unpooling: Unpooling = "upsampling"
) -> tuple[keras.Model, keras.Model]:
    """Build the network.

    Parameters
    ----------
    filters : (int, int)
        Of the first and the second convolution; see `SIZES`.
    unpooling : {'upsampling', 'positions'}
        How the decoder undoes the pooling: bilinear upsampling, or each value back to where the maximum was, zeros
        around it (`Unpool`).

    Returns
    -------
    autoencoder : keras.Model
        Pictures (n, h, w, 3) with values 0 to 255, h and w multiples of `STRIDE`, to pictures alike.
    encoder : keras.Model
        The part of it that gives the features, (n, h / 4, w / 4, filters[1]). Both have the same weights.

    Raises
    ------
    InputError
        If there is no such unpooling, or filters are not two numbers above zero.
    """
    if unpooling not in UNPOOLINGS:
        raise InputError(f"unpooling: {unpooling!r} is not one of {', '.join(UNPOOLINGS)}.")
    if len(filters) != 2 or min(filters) < 1:
        raise InputError(f"filters: {filters!r} are not two numbers above zero.")
    picture = keras.Input((None, None, 3), name="picture")
    features = layers.Rescaling(1 / 255, name="encoder_scale")(picture)
    places = []
    # He's start: with a smaller one the reconstruction stays a mean colour for long
    settings = {"padding": "same", "activation": "relu", "kernel_initializer": "he_normal"}
    for level, count in enumerate(filters, start=1):
        features = layers.Conv2D(count, 5, name=f"encoder_conv_{level}", **settings)(features)
        if unpooling == "positions":
            features, positions = PoolWithPositions(name=f"encoder_pool_{level}")(features)
            places.append(positions)
        else:
            features = layers.MaxPooling2D(2, name=f"encoder_pool_{level}")(features)
    encoder = keras.Model(picture, features, name="encoder")
    # mirrored: each unpooling has the channels of its pooling, and a convolution closes what it leaves open
    for level in (2, 1):
        if unpooling == "positions":
            features = Unpool(name=f"decoder_unpool_{level}")(features, places[level - 1])
        else:
            features = layers.UpSampling2D(2, interpolation="bilinear", name=f"decoder_up_{level}")(features)
        features = layers.Conv2D(filters[0], 5, name=f"decoder_conv_{level}", **settings)(features)
    # half precision would round what has to be compared
    shown = layers.Conv2D(3, 1, dtype="float32", name="decoder_reconstruction")(features)
    shown = layers.Rescaling(255, dtype="float32", name="decoder_scale")(shown)
    return keras.Model(picture, shown, name="autoencoder"), encoder


def reconstruction_loss(name: Loss) -> Any:
    """Give a loss between pictures with values 0 to 255, as on a scale of 0 to 1.

    Parameters
    ----------
    name : {'mse', 'kullback-leibler'}
        Mean squared error, or the Kullback-Leibler divergence of red, green and blue at each pixel.

    Notes
    -----
    The three values of a pixel are no distribution, for they do not add up to one, so that the divergence is taken with
    the terms for that: the sum of y log(y / p) - y + p, which is least where the two are equal. Without the last two
    terms (as `keras.losses.KLDivergence` has it) it falls as p grows, whatever y is, and reconstructions turn white. It
    weighs an error in a dark colour more than the same in a light one, and so shifts colours; to compare with.
    """
    if name == "mse":
        return lambda true, shown: ops.mean(ops.square((true - shown) / 255), axis=(1, 2, 3))
    if name == "kullback-leibler":
        return lambda true, shown: ops.mean(_divergence(true / 255, shown / 255), axis=(1, 2, 3))
    raise InputError(f"loss: {name!r} is not one of {', '.join(LOSSES)}.")


def _divergence(true: Any, shown: Any) -> Any:
    true, above = ops.maximum(true, _DARKEST), ops.maximum(shown, _DARKEST)
    # below the darkest colour there is no logarithm; the last term leads back
    return true * ops.log(true / above) - true + above + ops.relu(_DARKEST - shown)


def answer(network: keras.Model, pictures: npt.NDArray[Any], batch: int = 8) -> npt.NDArray[np.float32]:
    """Give what a network says of an array of pictures or features, batch by batch, the last one padded."""
    answers = []
    for start in range(0, len(pictures), batch):
        part = pictures[start : start + batch].astype(np.float32)
        missing = batch - len(part)
        # of one size always: another would be compiled anew
        filled = np.concatenate([part, np.zeros((missing, *part.shape[1:]), np.float32)]) if missing else part
        answers.append(np.asarray(network.predict_on_batch(filled))[: len(part)])
    return np.concatenate(answers).astype(np.float32, copy=False)
