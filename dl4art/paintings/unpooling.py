"""Max-pooling that remembers where its maxima were, and the way back (Zeiler and Fergus, arXiv 1311.2901)."""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops

Shape = tuple[int | None, ...]


@keras.saving.register_keras_serializable(package="dl4art")
class PoolWithPositions(layers.Layer):  # type: ignore[misc]
    """Max-pooling over squares of 2 px that gives, beside the maxima, which of the four values each was.

    Takes (n, h, w, channels) with h and w even; gives the maxima (n, h / 2, w / 2, channels) and their positions in the
    same shape, 0 to 3 row by row as int32. Of equal values, the first counts.
    """

    def call(self, features: Any) -> tuple[Any, Any]:
        """Pool."""
        four = _in_fours(features)
        positions = ops.argmax(four, axis=3)
        # picked rather than reduced, so that the gradient goes where the position says
        return _pick(four, positions), ops.cast(positions, "int32")

    def compute_output_shape(self, input_shape: Shape) -> tuple[Shape, Shape]:
        """Half the rows and columns, twice."""
        n, rows, cols, channels = input_shape
        half = (n, rows and rows // 2, cols and cols // 2, channels)
        return half, half

    def compute_output_spec(self, features: Any) -> tuple[Any, Any]:
        """Maxima are of the type of the features, positions whole numbers."""
        pooled, positions = self.compute_output_shape(features.shape)
        return keras.KerasTensor(pooled, self.compute_dtype), keras.KerasTensor(positions, "int32")


@keras.saving.register_keras_serializable(package="dl4art")
class Unpool(layers.Layer):  # type: ignore[misc]
    """Lay each value back where `PoolWithPositions` took its maximum from, and zeros around it.

    Takes features (n, h, w, channels) and positions of the same shape; gives (n, 2 h, 2 w, channels).
    """

    def call(self, features: Any, positions: Any) -> Any:
        """Unpool."""
        four = ops.expand_dims(features, 3) * _spots(positions, features.dtype)
        n, rows, cols, channels = ops.shape(features)
        parted = ops.reshape(four, (n, rows, cols, 2, 2, channels))
        return ops.reshape(ops.transpose(parted, (0, 1, 3, 2, 4, 5)), (n, 2 * rows, 2 * cols, channels))

    def compute_output_shape(self, input_shape: Shape, *_: Any) -> Shape:
        """Twice the rows and columns."""
        n, rows, cols, channels = input_shape
        return n, rows and 2 * rows, cols and 2 * cols, channels

    def compute_output_spec(self, features: Any, positions: Any) -> Any:  # noqa: ARG002
        """Of the type of the features."""
        return keras.KerasTensor(self.compute_output_shape(features.shape), self.compute_dtype)


def _in_fours(features: Any) -> Any:
    """Lay the four values of each square side by side: (n, h / 2, w / 2, 4, channels)."""
    n, rows, cols, channels = ops.shape(features)
    parted = ops.reshape(features, (n, rows // 2, 2, cols // 2, 2, channels))
    return ops.reshape(ops.transpose(parted, (0, 1, 3, 2, 4, 5)), (n, rows // 2, cols // 2, 4, channels))


def _spots(positions: Any, dtype: Any) -> Any:
    """Ones at the positions: (n, h, w, 4, channels)."""
    return ops.cast(ops.expand_dims(positions, 3) == ops.reshape(ops.arange(4), (4, 1)), dtype)


def _pick(four: Any, positions: Any) -> Any:
    return ops.sum(four * _spots(ops.cast(positions, "int32"), four.dtype), axis=3)
