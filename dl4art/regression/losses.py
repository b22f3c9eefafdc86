"""What the counter is trained on."""

from __future__ import annotations

from typing import Any

from keras import ops

LOCAL = 14 * 14
"""Places in a window at which the network is also asked for the local density."""


def nmae(truth: Any, predicted: Any) -> Any:
    """Normalised mean absolute error, ``mean(|y - p| / y)``.

    The loss of Delgado et al., "Thread Counting in Plain Weave for Old Paintings" (arXiv 2303.15999).
    """
    return ops.mean(ops.abs(truth - predicted) / truth)


def window_loss(truth: Any, predicted: Any) -> Any:
    """Loss of a batch of windows, each value's mean over the batch.

    NMAE of the window and of the places in it, where the weave can be read; the likelihood of the error under the
    Laplace distribution whose width the network predicts, everywhere; the angle; whether the weave can be read at all.

    Parameters
    ----------
    truth : (n, 196 + 3)
        Local densities, window density (th/cm), readability 0 to 1, angle in tens of degrees.
    predicted : (n, 196 + 5)
        Local densities and what `WindowPool` gives.
    """
    local, density = truth[:, :LOCAL], truth[:, LOCAL]
    readable, angle = truth[:, LOCAL + 1], truth[:, LOCAL + 2]
    p_local, pooled = predicted[:, :LOCAL], predicted[:, LOCAL:]
    relative = ops.abs(pooled[:, 0] / density - 1)
    near = ops.mean(ops.abs(p_local / local - 1), axis=1)
    log_error = ops.clip(pooled[:, 2], -7.0, 2.0)
    miss = ops.stop_gradient(ops.minimum(relative, 1.0))
    likelihood = miss * ops.exp(-log_error) + log_error
    turned = ops.abs(pooled[:, 3] - angle)
    legible = _cross_entropy(ops.cast(readable >= 1, pooled.dtype), pooled[:, 4])
    total = readable * (relative + 0.3 * near + 0.03 * turned) + 0.02 * likelihood + 0.03 * legible
    return ops.mean(total)


def _cross_entropy(truth: Any, logit: Any) -> Any:
    return ops.relu(logit) - logit * truth + ops.log1p(ops.exp(-ops.abs(logit)))


def window_nmae(truth: Any, predicted: Any) -> Any:
    """NMAE of the readable windows of a batch."""
    predicted = ops.stop_gradient(predicted)
    readable = ops.cast(truth[:, LOCAL + 1] >= 1, predicted.dtype)
    relative = ops.abs(predicted[:, LOCAL] / truth[:, LOCAL] - 1)
    return ops.sum(readable * relative) / ops.maximum(ops.sum(readable), 1.0)
