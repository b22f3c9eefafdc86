"""The comparer's networks: a crop in, a short vector for each thread direction out, and a head that scores two.

The encoder describes the *vertical* threads of a crop in the frame of its threads (`dl4art.siamese.frame`); the
horizontal ones are the vertical ones of the transposed picture, so that a crop is two vectors, (2, d). It sees the
picture through the counter's convolutions (blind to polarity by construction) and through the phase of its vertical
threads, whose gradients say where threads lie closer or stray; and it keeps of both their means and how much they vary
from thread to thread and along threads, since cloths differ in their irregularity as much as in anything. The head sees
two such vectors and is exactly symmetric in them; how two crops lie to each other, straight or turned by a quarter, is
left open by scoring both. The design is our own: the paper on comparing fabrics by a Siamese network (arXiv 2506.20272)
gives none in its abstract.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import layers, ops

from dl4art.regression.network import convolved
from dl4art.siamese.frame import PERIOD, canvas_side, on_canvas

Array = npt.NDArray[np.float32]

_TAPS = (0, 2, 4)
"""Blocks of the trunk that are pooled: the early ones know single threads, the late ones the weave."""
_SCALES = ((), (2, 6), (2, 6))
"""Of each of those, over how many outputs besides one it is averaged before its variation is taken."""
_BANDS = ((0.4, 0.25), (0.2, 0.1))
"""Deviations of the bands about the threads' frequency, across and along the threads, as shares of it."""
_WAVE_STEP = 4  # pixels from one output of `ThreadWave` to the next
_BATCH_PIXELS = 600_000  # crops that are encoded together hold no more
_WAVE_SCALES = (3, 9)  # in outputs: one and three threads


@dataclass(frozen=True)
class EncoderSettings:
    """What the networks are made of; kept in a model folder's ``config.json``."""

    filters: tuple[int, ...] = (32, 32, 48, 64, 96)
    """Channels of the trunk, as the counter's."""
    hidden: int = 192
    """Units between the pooled numbers and the vector."""
    size: int = 48
    """Length of what the encoder says of one thread direction; the vector has one number more, its density."""
    head: int = 64
    """Units of the head's two layers."""


@keras.saving.register_keras_serializable(package="dl4art")
class Spread(layers.Layer):  # type: ignore[misc]
    """Pool features over the places of a crop: their mean, and how much they vary across vertical threads and along.

    They vary by the deviation of the column means and by that of what is left; at further scales, in outputs, both are
    averaged before, over so many columns and over so many rows. Deviations are logarithms, so that contrast is a
    constant. Inputs ``(n, rows, cols, f)`` and the crop's mask, zeros and ones, ``(n, rows, cols, 1)``; output
    ``(n, (3 + 2 s) f)``.
    """

    def __init__(self, scales: tuple[int, ...] = (), **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})
        self.scales = tuple(scales)

    def call(self, features: Any, there: Any) -> Any:
        """Pool all places."""
        features, there = (ops.cast(values, "float32") for values in (features, there))
        seen = features * there
        weights = ops.sum(there, axis=1)
        columns = ops.sum(seen, axis=1) / (weights + 1e-3)
        total = ops.sum(weights, axis=1) + 1e-3
        mean = ops.sum(columns * weights, axis=1) / total
        across = weights * (columns - ops.expand_dims(mean, 1))
        # what is left of the whole variance, without another array as large as the features
        rest = (ops.sum(ops.square(seen), axis=(1, 2)) - ops.sum(weights * ops.square(columns), axis=1)) / total
        parts = [mean, _log_deviation(across, weights, (1,)), 0.5 * ops.log(ops.relu(rest) + 1e-3)]
        if self.scales:
            within = seen - there * ops.expand_dims(columns, 1)
        for scale in self.scales:
            a, a_weights = (ops.average_pool(values, scale, scale) for values in (across, weights))
            w, w_weights = (ops.average_pool(values, (scale, 1), (scale, 1)) for values in (within, there))
            parts += [_log_deviation(a, a_weights, (1,)), _log_deviation(w, w_weights, (1, 2))]
        return ops.concatenate(parts, axis=-1)

    def compute_output_shape(self, features_shape: Any, there_shape: Any) -> Any:  # noqa: ARG002
        """Give a mean and two deviations a scale for each feature."""
        return (features_shape[0], (3 + 2 * len(self.scales)) * features_shape[-1])

    def get_config(self) -> dict[str, Any]:
        """Give the configuration for serialisation."""
        return {**super().get_config(), "scales": self.scales}


def _log_deviation(weighted: Any, weights: Any, axes: tuple[int, ...]) -> Any:
    """Logarithm of the deviation of values of mean zero, given multiplied by their weights."""
    variance = ops.sum(ops.square(weighted) / (weights + 1e-2), axis=axes) / (ops.sum(weights, axis=axes) + 1e-2)
    return 0.5 * ops.log(variance + 1e-3)


@keras.saving.register_keras_serializable(package="dl4art")
class MaskAt(layers.Layer):  # type: ignore[misc]
    """Mask of a crop at the places that features are centred on: every `step` px from `start`, as many as there are."""

    def __init__(self, start: int, step: int, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})
        self.start, self.step = start, step

    def call(self, there: Any, features: Any) -> Any:
        """Pick the places."""
        _, rows, columns, _ = ops.shape(features)
        return there[:, self.start :: self.step, self.start :: self.step][:, :rows, :columns]

    def compute_output_shape(self, there_shape: Any, features_shape: Any) -> Any:  # noqa: ARG002
        """One number a place."""
        return (*features_shape[:-1], 1)

    def get_config(self) -> dict[str, Any]:
        """Give the configuration for serialisation."""
        return {**super().get_config(), "start": self.start, "step": self.step}


@keras.saving.register_keras_serializable(package="dl4art")
class ThreadWave(layers.Layer):  # type: ignore[misc]
    """Demodulate vertical threads, `PERIOD` px apart: where they are strong, lie closer, lean.

    Nothing is learnt. The picture is multiplied by the threads' mean wave and softened, in two bands; of the complex
    signal come the log amplitude and the phase gradients across and along the threads, none of which knows a picture
    from its negative. Input ``(n, rows, cols, 1)``, output ``(n, rows / 4, cols / 4, 6)``.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})

    def call(self, picture: Any) -> Any:
        """Demodulate."""
        picture = ops.cast(picture, "float32")
        parts = [part for band in _BANDS for part in self._band(picture, *band)]
        return ops.stack(parts, axis=-1)

    @staticmethod
    def _band(picture: Any, across: float, along: float) -> list[Any]:
        x, soft_x = _gaussian(PERIOD / (2 * np.pi * across))
        _, soft_y = _gaussian(PERIOD / (2 * np.pi * along) / _WAVE_STEP)
        turn = 2 * np.pi * x / PERIOD
        wave = np.stack([soft_x * np.cos(turn), soft_x * np.sin(turn)], axis=-1)[None, :, None, :]
        signal = ops.conv(picture, wave.astype(np.float32), strides=(1, _WAVE_STEP), padding="same")
        signal = ops.average_pool(signal, (_WAVE_STEP, 1), (_WAVE_STEP, 1), padding="same")
        down = soft_y[:, None, None, None] * np.eye(2)
        signal = ops.conv(signal, down.astype(np.float32), padding="same")
        real, imaginary = signal[..., 0], signal[..., 1]

        def gradient(later: Any, earlier: Any, expected: float) -> Any:
            (a, b), (c, d) = later, earlier
            same, other = a * c + b * d, b * c - a * d
            cos, sin = float(np.cos(expected)), float(np.sin(expected))
            return ops.arctan2(other * cos - same * sin, same * cos + other * sin + 1e-6) / (2 * np.pi)

        # correlation, not convolution: the signal turns against the wave
        step = -2 * np.pi * _WAVE_STEP / PERIOD
        closer = gradient((real[:, :, 1:], imaginary[:, :, 1:]), (real[:, :, :-1], imaginary[:, :, :-1]), step)
        lean = gradient((real[:, 1:], imaginary[:, 1:]), (real[:, :-1], imaginary[:, :-1]), 0.0)
        strength = 0.5 * ops.log(real * real + imaginary * imaginary + 4e-4)
        # of about one size, so that the deviations are far above their floor
        return [strength[:, :-1, :-1], 3 * closer[:, :-1], 6 * lean[:, :, :-1]]

    def compute_output_shape(self, picture_shape: Any) -> Any:
        """Six numbers a place."""
        rows, columns = (None if size is None else -(-size // _WAVE_STEP) - 1 for size in picture_shape[1:3])
        return (picture_shape[0], rows, columns, 3 * len(_BANDS))


def _gaussian(sigma: float) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Places and weights of a Gaussian that ends at 2.5 deviations."""
    half = int(2.5 * sigma) + 1
    places = np.arange(-half, half + 1, dtype=np.float64)
    weights = np.exp(-0.5 * (places / sigma) ** 2)
    return places, weights / weights.sum()


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
        From ``(n, side, side, 2)``, crops as `dl4art.siamese.frame.on_canvas` lays them, to ``(n, d)``.
    """
    settings = settings or EncoderSettings()
    crop = keras.Input((None, None, 2), name="crop")
    picture, mask = crop[..., :1], crop[..., 1:]
    trunk, grids = _tapped_trunk(settings.filters)
    features = [*trunk(picture), ThreadWave(name="threads")(picture)]
    pooled = [
        Spread(scales)(part, MaskAt(start, step)(mask, part))
        for part, (start, step), scales in zip(
            features, (*grids, (_WAVE_STEP // 2, _WAVE_STEP)), (*_SCALES, _WAVE_SCALES), strict=True
        )
    ]
    values = layers.Concatenate(dtype="float32")(pooled)
    values = layers.BatchNormalization(momentum=0.98, dtype="float32")(values)
    hidden = layers.Dense(settings.hidden, activation="relu", dtype="float32")(values)
    return keras.Model(crop, layers.Dense(settings.size, dtype="float32", name="vector")(hidden), name="encoder")


def _tapped_trunk(filters: tuple[int, ...]) -> tuple[keras.Model, list[tuple[int, int]]]:
    """Give the counter's convolutions with the outputs that are pooled; their first places and steps in pixels."""
    picture = keras.Input((None, None, 1), name="picture")
    whole = keras.Model(picture, convolved(picture, filters))
    outputs: list[Any] = []
    grids: list[tuple[int, int]] = []
    side, step = 1, 1
    for layer in whole.layers:
        kernel = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
        if kernel is not None:
            side, step = side + (kernel[0] - 1) * step, step * layer.strides[0]
        if isinstance(layer, layers.ReLU):
            outputs.append(layer.output)
            grids.append(((side - 1) // 2, step))
    return keras.Model(picture, [outputs[tap] for tap in _TAPS], name="trunk"), [grids[tap] for tap in _TAPS]


def build_head(settings: EncoderSettings | None = None) -> PairHead:
    """Build the head; call it with two lists of crops, ``(n, 2, d)`` and ``(m, 2, d)``, for ``(n, m, 2)`` logits."""
    settings = settings or EncoderSettings()
    head = PairHead(settings.size + 1, settings.head, name="head")
    head.build((None, 2, settings.size + 1))
    return head


@keras.saving.register_keras_serializable(package="dl4art")
class PairNetwork(keras.Model):  # type: ignore[misc]
    """Encoder and head in one, so that their weights are one file: `load_weights` it, then use the parts.

    Called with crops ``(n, side, side, 2)`` and their densities ``(n, 2)``, th/cm, it gives the logits of all pairs
    among them, ``(n, n, 2)``.
    """

    def __init__(self, settings: EncoderSettings | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.encoder = build_encoder(settings)
        self.head = build_head(settings)
        self.built = True

    def call(self, crops: Any, density: Any, training: bool = False) -> Any:
        """Score all pairs."""
        vectors = self.embed(crops, density, training=training)
        return self.head(vectors, vectors)

    def embed(self, crops: Any, density: Any, training: bool = False) -> Any:
        """Vectors of both directions, ``(n, 2, d)``."""
        both = ops.concatenate([crops, ops.transpose(crops, (0, 2, 1, 3))], axis=0)
        seen = ops.stack(ops.split(self.encoder(both, training=training), 2, axis=0), axis=1)
        return ops.concatenate([seen, ops.expand_dims(density_part(density), -1)], axis=-1)


def density_part(density: Any) -> Any:
    """Give what stands for a density, th/cm, in a vector: one for each fifth that it is above 12."""
    return 5 * ops.log(density / 12)


def encode(encoder: keras.Model, crops: Array, density: npt.NDArray[Any]) -> Array:
    """Encode crops in both directions, each as the mean of the crop and its half turn.

    Which end of a plate is up says nothing of its cloth. With the head, which scores both positions of a quarter turn,
    no turn matters at all.

    Parameters
    ----------
    encoder : keras.Model
        From `build_encoder`.
    crops : ndarray of shape (n, side, side, 2)
        Framed crops as `dl4art.siamese.frame.on_canvas` lays them.
    density : array of shape (n, 2)
        Of their vertical and horizontal threads, th/cm.

    Returns
    -------
    ndarray of shape (n, 2, d)
    """
    upright, level = (
        (encoder.predict_on_batch(view) + encoder.predict_on_batch(np.ascontiguousarray(view[:, ::-1, ::-1]))) / 2
        for view in (crops, crops.transpose(0, 2, 1, 3))
    )
    part = ops.convert_to_numpy(density_part(ops.convert_to_tensor(np.asarray(density, np.float32))))
    vectors: Array = np.concatenate([np.stack([upright, level], axis=1), part[..., None]], axis=-1)
    return vectors


def encode_frames(encoder: keras.Model, frames: Sequence[npt.NDArray[Any]], density: npt.NDArray[Any]) -> Array:
    """Encode framed crops of any sizes, those of one canvas size together.

    Parameters
    ----------
    encoder : keras.Model
        From `build_encoder`.
    frames : sequence of (rows, cols) arrays
        From `dl4art.siamese.frame.thread_frame`.
    density : array of shape (n, 2)
        Of their vertical and horizontal threads, th/cm.

    Returns
    -------
    ndarray of shape (n, 2, d)
    """
    known = np.asarray(density, np.float32).reshape(-1, 2)
    vectors = np.zeros((len(frames), 2, encoder.output_shape[-1] + 1), np.float32)
    sides = np.array([canvas_side(frame.shape) for frame in frames], int)
    for side in np.unique(sides):
        alike = np.flatnonzero(sides == side)
        size = max(1, _BATCH_PIXELS // int(side) ** 2)
        for start in range(0, len(alike), size):
            batch = alike[start : start + size]
            # the last batch is filled up: another size would be compiled anew
            filled = np.resize(batch, size)
            crops = np.stack([on_canvas(frames[index], int(side)) for index in batch])
            crops = crops[np.resize(np.arange(len(batch)), size)]
            vectors[batch] = encode(encoder, crops, known[filled])[: len(batch)]
    return vectors


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
    mine = [layer for layer in encoder.get_layer("trunk").layers if layer.weights]
    copied = 0
    for layer, weights in zip(mine, given, strict=False):
        if [tuple(own.shape) for own in layer.weights] != [part.shape for part in weights]:
            break
        layer.set_weights(weights)
        copied += 1
    return copied
