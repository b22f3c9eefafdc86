"""What features say of brushwork and grain, wherever in the picture and however strong: the pooled head's layers."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

Shape = tuple[int | None, ...]
_FAINTEST = 1e-4
"""Energy of features that differ from their surroundings by too little to say anything."""


@keras.saving.register_keras_serializable(package="dl4art")
class TexturePooling(layers.Layer):  # type: ignore[misc]
    """Average how features go together, over the whole picture.

    Each feature's difference from its mean over 3x3 places is divided by the local strength of all differences, so that
    a faint stroke counts as much as the edge of a form, and even areas (a black border) do not count at all. The means
    of the products of all pairs (the Gram matrix of Gatys et al., arXiv 1508.06576; bilinear pooling, Lin et al., arXiv
    1504.07889) describe strokes and grain by their sizes and directions and forget where they are.

    Takes features (n, h, w, channels), h and w at least 5; gives (n, channels, channels + 2): the Gram matrix, and
    beside it each channel's mean and the logarithm of its strength.
    """

    def call(self, features: Any) -> Any:
        """Pool."""
        around = ops.average_pool(features, 3, strides=1, padding="valid")
        differences = features[:, 1:-1, 1:-1] - around
        energies = ops.square(differences)
        local = ops.average_pool(ops.sum(energies, axis=-1, keepdims=True), 3, strides=1, padding="valid")
        evened = differences[:, 1:-1, 1:-1] / ops.sqrt(local + _FAINTEST)
        rows, cols = ops.shape(evened)[1:3]
        gram = ops.einsum("nijc,nijd->ncd", evened, evened) / ops.cast(rows * cols, evened.dtype)
        mean = ops.mean(features, axis=(1, 2))
        strength = ops.log(ops.mean(energies, axis=(1, 2)) + _FAINTEST / 100)
        return ops.concatenate([gram, mean[..., None], strength[..., None]], axis=-1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """Channels by channels, and two."""
        channels = input_shape[-1]
        return input_shape[0], channels, None if channels is None else channels + 2


@keras.saving.register_keras_serializable(package="dl4art")
class ChannelDropout(layers.Layer):  # type: ignore[misc]
    """Spatial dropout after the fact: forget all that `TexturePooling` says of some channels, pairs included.

    Parameters
    ----------
    rate : float
        Share of the channels that is forgotten in training.
    seed : int, optional
        Of the choice.
    """

    def __init__(self, rate: float, seed: int | None = None, **settings: Any) -> None:
        super().__init__(**settings)
        self.rate, self.seed = rate, seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def call(self, pooled: Any, training: bool = False) -> Any:
        """Forget, in training."""
        if not training or self.rate == 0:
            return pooled
        n, channels, width = ops.shape(pooled)
        kept = ops.cast(keras.random.uniform((n, channels), seed=self.seed_generator) >= self.rate, pooled.dtype)
        columns = ops.concatenate([kept, ops.ones((n, width - channels), pooled.dtype)], axis=1)
        return pooled * kept[:, :, None] * columns[:, None, :] / (1 - self.rate)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """As it comes."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Give the settings, to build it again."""
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
