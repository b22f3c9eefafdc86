"""What a segmenter can be trained with.

All take the true classes, whole numbers of shape (n, h, w), and the network's logits, (n, h, w, classes), and give one
number. Computed in float32 whatever the network's precision.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keras import ops

Loss = Callable[[Any, Any], Any]
ALPHA = 0.5
GAMMA = 2.0
_SMOOTH = 1.0


def cross_entropy(truth: Any, logits: Any) -> Any:
    """Mean over the pixels of ``-log p``, where p is the probability of the true class."""
    return -ops.mean(_log_true(truth, logits))


def focal(truth: Any, logits: Any, *, alpha: float = ALPHA, gamma: float = GAMMA) -> Any:
    """Mean over the pixels of ``-alpha (1 - p)^gamma log p``: pixels that are easy count less.

    Lin et al., Focal Loss for Dense Object Detection, 2017, with one alpha for all classes.
    """
    log_true = _log_true(truth, logits)
    return -alpha * ops.mean((1 - ops.exp(log_true)) ** gamma * log_true)


def dice(truth: Any, logits: Any) -> Any:
    """One minus the mean over the classes of ``(2 sum(p y) + 1) / (sum(p) + sum(y) + 1)``, sums over the batch.

    Milletari et al., V-Net, 2016, with the sums unsquared; the ones keep a class that does not occur from dividing
    by zero.
    """
    logits = ops.cast(logits, "float32")
    probable = ops.softmax(logits, axis=-1)
    true = ops.one_hot(ops.cast(truth, "int32"), logits.shape[-1], dtype="float32")
    shared, both = ops.sum(probable * true, axis=(0, 1, 2)), ops.sum(probable + true, axis=(0, 1, 2))
    return 1 - ops.mean((2 * shared + _SMOOTH) / (both + _SMOOTH))


def mixed1(truth: Any, logits: Any, *, weight: float = 1.0) -> Any:
    """``dice + weight focal``."""
    return dice(truth, logits) + weight * focal(truth, logits)


def mixed2(truth: Any, logits: Any) -> Any:
    """``dice + focal + cross_entropy``."""
    return dice(truth, logits) + focal(truth, logits) + cross_entropy(truth, logits)


LOSSES: dict[str, Loss] = {
    "cross-entropy": cross_entropy,
    "focal": focal,
    "dice": dice,
    "mixed1": mixed1,
    "mixed2": mixed2,
}
"""By name."""


def _log_true(truth: Any, logits: Any) -> Any:
    """Logarithm of the probability of the true class, (n, h, w)."""
    logits = ops.cast(logits, "float32")
    true = ops.one_hot(ops.cast(truth, "int32"), logits.shape[-1], dtype="float32")
    return ops.sum(true * ops.log_softmax(logits, axis=-1), axis=-1)
