"""What networks are put together from, and how far away from a pixel a network looks."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

DECODER = "decoder"
"""Names of the decoder's layers begin so."""


@keras.saving.register_keras_serializable(package="dl4art")
class Enlarge(layers.Layer):  # type: ignore[misc]
    """Double both sides bilinearly, the border repeated; unlike Keras' own layer, whatever sizes come."""

    def call(self, features: Any) -> Any:
        """Give ``(n, 2 h, 2 w, channels)`` for ``(n, h, w, channels)``."""
        rows = self._doubled(features, (features[:, :1], features[:, :-1]), (features[:, 1:], features[:, -1:]), 1)
        return self._doubled(rows, (rows[:, :, :1], rows[:, :, :-1]), (rows[:, :, 1:], rows[:, :, -1:]), 2)

    @staticmethod
    def _doubled(features: Any, before: Any, after: Any, axis: int) -> Any:
        """Put between every two elements of an axis two that are nearer to one of them each."""
        near = 0.75 * features
        pair = [near + 0.25 * ops.concatenate(side, axis=axis) for side in (before, after)]
        shape = list(ops.shape(features))
        shape[axis] = 2 * shape[axis]
        return ops.reshape(ops.stack(pair, axis=axis + 1), shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Twice the rows and columns."""
        n, rows, cols, channels = input_shape
        return (n, rows and 2 * rows, cols and 2 * cols, channels)


class Parts:
    """Blocks of layers, named by the part of the network that they belong to."""

    def __init__(self) -> None:
        self.part = "encoder"
        self.used: Counter[str] = Counter()

    def begin_decoder(self) -> None:
        """Name all layers from here on as the decoder's."""
        self.part = DECODER

    def name(self, what: str) -> str:
        """Give a name that no other layer of the network has."""
        self.used[what] += 1
        return f"{self.part}_{what}_{self.used[what]}"

    def conv(self, features: Any, count: int, *, size: int = 3, stride: int = 1) -> Any:
        """Convolve, normalise and rectify."""
        return self.rectified(self._plain(features, count, size, stride))

    def separable(self, features: Any, count: int, *, stride: int = 1, dilation: int = 1) -> Any:
        """Convolve each channel with 3x3 and mix them with 1x1, then normalise and rectify."""
        layer = layers.SeparableConv2D(
            count,
            3,
            strides=stride,
            dilation_rate=dilation,
            padding="same",
            use_bias=False,
            name=self.name("separable"),
        )
        return self.rectified(self._normed(layer(features)))

    def residual(self, features: Any, count: int, *, stride: int = 1) -> Any:
        """Convolve twice beside a short cut, as in ResNet-18 (He et al., Deep Residual Learning, 2016)."""
        inner = self._plain(self.conv(features, count, stride=stride), count, 3, 1)
        return self._added(features, inner, count, stride)

    def bottleneck(self, features: Any, count: int, *, stride: int = 1) -> Any:
        """Convolve with 1x1, 3x3 and 1x1 to four times the channels, as in ResNet-50, beside a short cut."""
        inner = self.conv(self.conv(features, count, size=1), count, stride=stride)
        return self._added(features, self._plain(inner, 4 * count, 1, 1), 4 * count, stride)

    def up(self, features: Any, times: int = 1) -> Any:
        """Enlarge bilinearly to twice the sides, once or more often."""
        for _ in range(times):
            features = Enlarge(name=self.name("up"))(features)
        return features

    def spread(self, features: Any, count: int) -> Any:
        """Give each of the four pixels in one its own mixture, learnt, of the channels about it."""
        return layers.Conv2DTranspose(count, 4, strides=2, padding="same", name=self.name("spread"))(features)

    def decode(self, skips: Sequence[Any], filters: Sequence[int]) -> Any:
        """Decode as a U-Net does: from the coarsest level up, joining what the encoder had at each."""
        self.begin_decoder()
        features = skips[-1]
        for skip, count in zip(skips[-2::-1], filters[-2::-1], strict=True):
            features = self.up(self.conv(features, count, size=1))
            features = layers.Concatenate(name=self.name("join"))([features, skip])
            features = self.conv(self.conv(features, count), count)
        return features

    def rectified(self, features: Any) -> Any:
        """Set what is below zero to zero."""
        return layers.ReLU(name=self.name("relu"))(features)

    def _added(self, features: Any, inner: Any, count: int, stride: int) -> Any:
        if stride > 1:
            # every second pixel, apart from the convolution: the gradient of 1x1 convolutions that skip pixels writes
            # where it should not in some builds of oneDNN
            features = layers.MaxPooling2D(1, strides=stride, name=self.name("skip"))(features)
        if features.shape[-1] != count:
            features = self._plain(features, count, 1, 1)
        return self.rectified(layers.Add(name=self.name("add"))([inner, features]))

    def _plain(self, features: Any, count: int, size: int, stride: int) -> Any:
        layer = layers.Conv2D(count, size, strides=stride, padding="same", use_bias=False, name=self.name("convolve"))
        return self._normed(layer(features))

    def _normed(self, features: Any) -> Any:
        return layers.BatchNormalization(momentum=0.98, name=self.name("norm"))(features)


def stride(network: keras.Model) -> int:
    """Pixels of which both sides of a picture must be multiples."""
    return max(step for _, _, step in _sights(network).values())


def reach(network: keras.Model) -> int:
    """How many pixels away from a pixel its answer looks, at most, from the network's layers.

    Of every tensor it is known which pixels an element looks at: those from ``step i + first`` to ``step i + last``
    for element i.
    """
    first, last, _ = _sights(network)[id(network.output)]
    return max(-first, last)


def _sights(network: keras.Model) -> dict[int, tuple[int, int, int]]:
    """First pixel, last pixel and step of every tensor, by identity."""
    sights = {id(network.input): (0, 0, 1)}
    for layer in network.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        inputs = layer.input if isinstance(layer.input, list) else [layer.input]
        known = [sights[id(tensor)] for tensor in inputs]
        merged = (min(k[0] for k in known), max(k[1] for k in known), known[0][2])
        sights[id(layer.output)] = _through(layer, *merged)
    return sights


def _through(layer: keras.layers.Layer, first: int, last: int, step: int) -> tuple[int, int, int]:
    if isinstance(layer, (Enlarge, layers.Conv2DTranspose)):
        # between the two nearest elements, and of four elements of a kernel every second one counts
        return first - step, last + step, step // 2
    kernel = getattr(layer, "kernel_size", None) or getattr(layer, "pool_size", None)
    if kernel is None:
        return first, last, step
    strides = int(layer.strides[0])
    wide = (int(kernel[0]) - 1) * int(getattr(layer, "dilation_rate", (1, 1))[0])
    before, after = 0, wide
    if layer.padding == "same":
        # sizes are multiples of the stride, so that this much is added at the upper and left border
        before = max(wide + 1 - strides, 0) // 2
        after = wide - before
    return first - before * step, last + after * step, step * strides


def parameters(network: keras.Model) -> float:
    """How many millions of parameters a network has."""
    return math.fsum(math.prod(weight.shape) for weight in network.weights) / 1e6
