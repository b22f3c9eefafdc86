"""Weights of ResNet-50 that were learnt on ImageNet, for the encoder of ``res-unet``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from dl4art.utils.errors import ModelError
from dl4art.utils.weights import check_weights

Arrays = Mapping[str, npt.NDArray[Any]]
_MEAN = np.array([103.939, 116.779, 123.68])
"""Of blue, green and red on ImageNet, which Keras' ResNet-50 has taken off."""
_RANGE = 127.5
_EPSILON = 1.001e-5
"""Added to variances in Keras' ResNet-50."""
_NORM = ("gamma", "beta", "moving_mean", "moving_variance")
_FILE = "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"


def load_resnet50(network: keras.Model, path: str | Path) -> None:
    """Put the weights of Keras' ResNet-50 into the encoder of a ``res-unet``.

    The biases of its convolutions, its other epsilon and its preprocessing (blue, green and red less their means)
    go into our normalisations and first kernel, so that each convolution gives what it gave there. Two things stay
    different, and the thawed encoder learns them: our stride lies on the 3x3 convolution of a block, not on the 1x1
    one before it, and our padding is one pixel off.

    Parameters
    ----------
    network : keras.Model
        From ``build_network("res-unet")``.
    path : path
        The file that ``keras.applications.ResNet50(include_top=False)`` downloads,
        ``resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5``.

    Raises
    ------
    ModelError
        If the file cannot be read safely, or lacks a layer, or a layer has another shape. The network is then as it
        was.
    """
    if not Path(path).is_file():
        raise ModelError(f"{path}: no such file. Name the file of weights, {_FILE}.")
    check_weights(path)
    stored = _read(path)
    made = []
    for number, (convolution, norm) in enumerate(resnet50_layers(), start=1):
        kernel, *normed = _converted(
            path, convolution, stored.get(convolution, {}), norm, stored.get(norm, {}), first=number == 1
        )
        for name, arrays in ((f"encoder_convolve_{number}", [kernel]), (f"encoder_norm_{number}", normed)):
            layer = network.get_layer(name)
            ours, theirs = [tuple(weight.shape) for weight in layer.weights], [array.shape for array in arrays]
            if ours != theirs:
                raise ModelError(
                    f"{path}: {convolution} has shapes {theirs}, and the encoder {ours}. Give {_FILE}, and leave the "
                    "network's filters as they are."
                )
            made.append((layer, arrays))
    for layer, arrays in made:
        layer.set_weights(arrays)


def resnet50_layers() -> Iterator[tuple[str, str]]:
    """Names in Keras of the convolutions and normalisations of ResNet-50, in the order of our encoder's."""
    yield "conv1_conv", "conv1_bn"
    for stage, blocks in enumerate((3, 4, 6, 3), start=2):
        for block in range(1, blocks + 1):
            # the short cut, which only the first block convolves, is the last of ours
            for part in (1, 2, 3, 0) if block == 1 else (1, 2, 3):
                name = f"conv{stage}_block{block}_{part}"
                yield f"{name}_conv", f"{name}_bn"


def _converted(
    path: str | Path, convolution: str, kernel_bias: Arrays, norm: str, normed: Arrays, *, first: bool
) -> list[npt.NDArray[Any]]:
    """Kernel, and scale, shift, mean and variance, as our layers without biases have them."""
    for name, arrays, wanted in ((convolution, kernel_bias, ("kernel", "bias")), (norm, normed, _NORM)):
        if lacking := [entry for entry in wanted if entry not in arrays]:
            raise ModelError(f"{path}: has no {' and no '.join(lacking)} of a layer {name}. Give {_FILE}.")
    kernel, bias = (np.asarray(kernel_bias[name], np.float64) for name in ("kernel", "bias"))
    scale, shift, mean, variance = (np.asarray(normed[name], np.float64) for name in _NORM)
    epsilon = keras.layers.BatchNormalization().epsilon
    if first and kernel.ndim == 4 and kernel.shape[2] == len(_MEAN):
        # of x = 127.5 r + 127.5 - mean, where r is our picture from -1 to 1, red first
        bias = bias + np.einsum("abio,i->o", kernel, _RANGE - _MEAN)
        kernel = _RANGE * kernel[:, :, ::-1]
    scale = scale * np.sqrt((variance + epsilon) / (variance + _EPSILON))
    return [array.astype(np.float32) for array in (kernel, scale, shift, mean - bias, variance)]


def _read(path: str | Path) -> dict[str, dict[str, npt.NDArray[Any]]]:
    """Arrays by the name of their layer and their own, ``kernel`` for ``.../conv1_conv/kernel:0``."""
    import h5py

    found: dict[str, dict[str, npt.NDArray[Any]]] = defaultdict(dict)

    def visit(name: str, node: Any) -> None:
        if isinstance(node, h5py.Dataset):
            *_, layer, entry = ("", *name.split("/"))
            found[layer][entry.partition(":")[0]] = node[()]

    with h5py.File(path, "r") as file:
        file.visititems(visit)
    return found
