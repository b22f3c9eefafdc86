"""Networks that give every pixel of a photograph a class.

All take pictures (n, h, w, 3) with values 0 to 255, h and w multiples of the network's `stride`, and give logits
(n, h, w, classes) in float32. None looks at a picture as a whole, so that a tile with enough margin (`reach`) gets the
same answer as the picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import layers

from dl4art.craquelure.parts import DECODER, Parts
from dl4art.simulation.paintings import CLASSES
from dl4art.utils.errors import InputError

_SPREAD = 12  # channels of the light network that have all pixels


def build_network(name: str, filters: Sequence[int] | None = None, classes: int = len(CLASSES)) -> keras.Model:
    """Build a network by name.

    Parameters
    ----------
    name : str
        One of `NETWORKS`.
    filters : sequence of int, optional
        Channels of its levels, from the finest to the coarsest; its usual ones if left out. A bottleneck
        of ``res-unet`` gives four times as many.
    classes : int
        How many.

    Raises
    ------
    InputError
        If there is no such network, or a network cannot have so many levels.
    """
    if name not in NETWORKS:
        raise InputError(f"{name}: no such network. There are {', '.join(NETWORKS)}.")
    build, usual = NETWORKS[name]
    channels = tuple(filters or usual)
    if len(channels) != len(usual):
        raise InputError(f"{name}: {len(channels)} numbers of filters ({channels}); it has {len(usual)} levels.")
    picture = keras.Input((None, None, 3), name="picture")
    parts = Parts()
    features = build(parts, picture, channels)
    # half precision would round probabilities that the losses have to tell apart
    logits = layers.Conv2D(classes, 1, dtype="float32", name=parts.name("logits"))(features)
    return keras.Model(picture, logits, name=name.replace("-", "_"))


def encoder_layers(network: keras.Model) -> list[keras.layers.Layer]:
    """Layers of the encoder, which may be frozen while the decoder learns to use what they give."""
    return [layer for layer in network.layers if not layer.name.startswith(DECODER)]


def freeze_encoder(network: keras.Model, frozen: bool) -> None:
    """Freeze or thaw the encoder; the network has to be compiled again afterwards."""
    for layer in encoder_layers(network):
        layer.trainable = not frozen


def _unet(parts: Parts, picture: Any, filters: Sequence[int]) -> Any:
    """U-Net (Ronneberger et al., 2015), padded so that sizes are kept, with bilinear upsampling."""
    features = layers.Rescaling(1 / 127.5, offset=-1)(picture)
    skips = []
    for level, count in enumerate(filters):
        if level:
            features = layers.MaxPooling2D(2)(features)
        features = parts.conv(parts.conv(features, count), count)
        skips.append(features)
    return parts.decode(skips, filters)


def _res_unet(parts: Parts, picture: Any, filters: Sequence[int]) -> Any:
    """U-Net over the encoder of ResNet-50: a stem at half the size, then 3, 4, 6 and 3 bottleneck blocks."""
    features = layers.Rescaling(1 / 127.5, offset=-1)(picture)
    features = parts.conv(features, filters[0], size=7, stride=2)
    skips = [features]
    features = layers.MaxPooling2D(3, strides=2, padding="same")(features)
    for level, blocks in enumerate((3, 4, 6, 3)):
        for block in range(blocks):
            features = parts.bottleneck(features, filters[level + 1], stride=2 if level and not block else 1)
        skips.append(features)
    features = parts.decode(skips, filters)
    return parts.conv(parts.up(features), filters[0])


def _light(parts: Parts, picture: Any, filters: Sequence[int]) -> Any:
    """Build what is meant to be shipped: residual levels from half the size on, deep enough to tell losses from paint.

    Skips are added, not joined, and only the last layer has all pixels: that is where the time would go. What lies
    between two pixels of the finest level is in its channels, many enough for cracks a pixel wide.
    """
    features = layers.Rescaling(1 / 127.5, offset=-1)(picture)
    features = parts.conv(features, filters[0], size=5, stride=2)
    skips = [parts.residual(features, filters[0])]
    for count in filters[1:]:
        skips.append(parts.residual(parts.residual(skips[-1], count, stride=2), count))
    parts.begin_decoder()
    features = skips[-1]
    for skip, count in zip(skips[-2::-1], filters[-2::-1], strict=True):
        features = parts.up(parts.conv(features, count, size=1))
        features = layers.Add(name=parts.name("add"))([features, skip])
        features = parts.conv(features, count)
    return parts.spread(parts.conv(features, filters[0]), _SPREAD)


def _mc_dm(parts: Parts, picture: Any, filters: Sequence[int]) -> Any:
    """Light network in the manner of MC-DM: depthwise separable convolutions at four scales, all fused at the end."""
    features = layers.Rescaling(1 / 127.5, offset=-1)(picture)
    features = parts.conv(features, filters[0])
    scales = [features]
    for count in filters[1:]:
        features = parts.separable(features, count, stride=2)
        # the same pixels seen near and far
        views = [parts.separable(features, count, dilation=rate) for rate in (1, 2, 4)]
        features = parts.conv(layers.Concatenate(name=parts.name("join"))(views), count, size=1)
        scales.append(features)
    parts.begin_decoder()
    width = filters[0]
    fused = []
    for level, scale in enumerate(scales):
        narrow = parts.conv(scale, width, size=1)
        fused.append(parts.up(narrow, level))
    joined = layers.Concatenate(name=parts.name("join"))(fused)
    return parts.separable(parts.conv(joined, width, size=1), width)


NETWORKS: dict[str, tuple[Callable[[Parts, Any, Sequence[int]], Any], tuple[int, ...]]] = {
    "res-unet": (_res_unet, (64, 64, 128, 256, 512)),
    "unet": (_unet, (64, 128, 256, 512, 1024)),
    "mc-dm": (_mc_dm, (16, 32, 64, 96)),
    "light": (_light, (48, 64, 128, 192, 256)),
}
"""How each is built, and its channels."""
