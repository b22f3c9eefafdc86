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
    made: list[tuple[Any, list[npt.NDArray[Any]]]] = []
    for number, (convolution, norm) in enumerate(resnet50_layers(), start=1):
        layers = [network.get_layer(f"encoder_{what}_{number}") for what in ("convolve", "norm")]
        shape = tuple(layers[0].kernel.shape)
        _check(path, convolution, stored.get(convolution, {}), {"kernel": shape, "bias": shape[-1:]})
        _check(path, norm, stored.get(norm, {}), dict.fromkeys(_NORM, shape[-1:]))
        kernel, *normed = _converted(stored[convolution], stored[norm], first=number == 1)
        made += [(layers[0], [kernel]), (layers[1], normed)]
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


def _check(path: str | Path, layer: str, arrays: Arrays, shapes: Mapping[str, tuple[int, ...]]) -> None:
    """Raise ModelError if a layer in the file lacks an array, or one has another shape."""
    if lacking := [name for name in shapes if name not in arrays]:
        raise ModelError(f"{path}: has no {' and no '.join(lacking)} of a layer {layer}. Give {_FILE}.")
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise ModelError(
                f"{path}: {layer} has a {name} of shape {arrays[name].shape}, and the encoder {shape}. Give {_FILE}, "
                "and leave the network's filters as they are."
            )


def _converted(convolution: Arrays, norm: Arrays, *, first: bool) -> list[npt.NDArray[Any]]:
    """Kernel, and scale, shift, mean and variance, as our layers without biases have them."""
    kernel, bias = (np.asarray(convolution[name], np.float64) for name in ("kernel", "bias"))
    scale, shift, mean, variance = (np.asarray(norm[name], np.float64) for name in _NORM)
    epsilon = keras.layers.BatchNormalization().epsilon
    if first:
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
