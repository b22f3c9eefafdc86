"""Craquelure by region: the top-hat makes cracks stand out, and a small CNN tells whose they are like.

After the study of four regions, which enhanced photographs by the black top-hat and gave them to a CNN with
max-pooling.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

import keras
import numpy as np
from keras import layers, ops

from dl4art.craquelure.patterns import PatternNetwork, PatternTrainer
from dl4art.craquelure.tophat import TopHat, enhance, side_from_mm
from dl4art.cropping.photographs import Photograph, read_photograph
from dl4art.utils.class_training import Plan
from dl4art.utils.errors import InputError, ModelError
from dl4art.utils.window_classifier import Network, WindowClassifier, check_numbers, load_classifier
from dl4art.utils.window_training import Recipe, trainer
from dl4art.utils.windows import InMemory, Pixels, Source

KIND = "craquelure-region"
DEFAULT_MODEL = "regions"
Method = Literal["patterns", "cnn"]
SIDE = 224
"""Of a window, px."""
ELEMENT_PX = 9
"""Side of the structuring element."""
_ANSWER = "answer"


@dataclass(frozen=True)
class Element:
    """The structuring element of the top-hat: wider than the cracks, and narrower than the islands.

    Attributes
    ----------
    px : int
        Its side, odd.
    mm : float or None
        Its side on the painting instead, for photographs whose scale is known.
    """

    px: int = ELEMENT_PX
    mm: float | None = None

    def side(self, photograph: Photograph) -> int:
        """Give its side in px for a photograph.

        Raises
        ------
        InputError
            If it is stated in mm, and the photograph has no scale.
        """
        if self.mm is None:
            return self.px
        if photograph.px_per_cm is None:
            raise InputError(
                f"{photograph.path}: has no scale, and the structuring element is stated as {self.mm:g} mm. State the "
                "scale with --px-per-cm, or the element with --element-px."
            )
        return side_from_mm(self.mm, photograph.px_per_cm)


@dataclass(frozen=True, eq=False)
class Enhanced:
    """A photograph seen through the top-hat: cracks darker and lighter than the paint as two channels, 0 to 255.

    The root of the depth is what is stored, so that faint cracks are not lost among 256 steps.
    """

    source: Source = field(repr=False)
    top_hat: TopHat

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns in px."""
        return self.source.shape

    def read(self, top: int, bottom: int, left: int, right: int) -> Pixels:
        """Give a rectangle, (rows, columns, 2); what lies around it is taken into account."""
        rows, columns = self.shape
        reach = self.top_hat.reach_px
        above, before = min(top, reach), min(left, reach)
        wide = self.source.read(top - above, min(bottom + reach, rows), left - before, min(right + reach, columns))
        inner = slice(above, above + bottom - top), slice(before, before + right - left)
        depth = np.stack(
            [enhance(wide, TopHat(self.top_hat.side_px, light=light))[inner] for light in (False, True)], axis=-1
        )
        seen: Pixels = np.rint(255 * np.sqrt(depth)).astype(np.uint8)
        return seen


def open_enhanced(path: str | Path, element: Element, **scale: Any) -> Enhanced:
    """Open a photograph as the network sees it; errors and `scale` are those of `read_photograph`."""
    photograph = read_photograph(path, **scale)
    return Enhanced(photograph, TopHat(element.side(photograph)))


def enhanced_picture(picture: Pixels, side_px: int = ELEMENT_PX) -> Pixels:
    """Give what the network sees of a picture in memory, (h, w, 3) to (h, w, 2)."""
    return Enhanced(InMemory(picture), TopHat(side_px)).read(0, picture.shape[0], 0, picture.shape[1])


@dataclass(frozen=True)
class RegionNetwork:
    """What a network for regions is like.

    Attributes
    ----------
    filters : tuple of int
        Of the convolutions, each but the last followed by a max-pooling.
    halved : int
        How often windows are reduced to half their side before them.
    dropout : float
        Share of the features that are left out at random before the answer.
    """

    filters: tuple[int, ...] = (12, 24, 32, 48)
    halved: int = 1
    dropout: float = 0.5


@keras.saving.register_keras_serializable(package="dl4art")
class EvenContrast(layers.Layer):  # type: ignore[misc]
    """Divide a window by the root of its mean square: faint cracks and deep ones of one shape are alike."""

    def call(self, window: Any) -> Any:
        """Give windows of the same shape."""
        power = ops.mean(ops.square(window), axis=(1, 2, 3), keepdims=True)
        # what is weaker than noise is not made as strong as a crack
        return window / ops.sqrt(power + 16.0)


def build_region_network(settings: RegionNetwork, classes: int) -> Any:
    """Build the network: windows (n, h, w, 2) with values 0 to 255, of any size, to probabilities (n, classes)."""
    window = keras.Input((None, None, 2), name="window")
    features = window
    if settings.halved:
        features = layers.AveragePooling2D(2**settings.halved, name="halve")(features)
    features = EvenContrast(name="contrast")(features)
    for number, count in enumerate(settings.filters):
        if number:
            features = layers.MaxPooling2D(2, name=f"pool_{number}")(features)
        size = 3 if number else 5
        convolve = layers.Conv2D(count, size, padding="same", use_bias=False, name=f"convolve_{number + 1}")
        features = layers.BatchNormalization(momentum=0.9, name=f"norm_{number + 1}")(convolve(features))
        features = layers.ReLU()(features)
    features = layers.GlobalAveragePooling2D(name="mean")(features)
    features = layers.Dropout(settings.dropout, name="dropout")(features)
    return keras.Model(window, layers.Dense(classes, activation="softmax", dtype="float32", name=_ANSWER)(features))


RECIPE = Recipe(epochs=12, draws=1536, batch=32, rate=2e-3, smoothing=0.1, turns=True)
"""For pictures of one's own: few, so that they are mirrored and transposed, and the truth is not taken as certain."""


def region_plan(
    recipe: Recipe = RECIPE,
    *,
    method: Method = "patterns",
    element: Element | None = None,
    network: RegionNetwork | None = None,
    base: str | Path | None = None,
    scale: Mapping[str, Any] | None = None,
    side: int = SIDE,
    cuts: int = 6,
    looks: int = 16,
    **more: Any,
) -> Plan:
    """Plan a training on a folder of classes; see `Plan` for the arguments.

    Parameters
    ----------
    recipe : Recipe
        How a CNN learns.
    method : {'patterns', 'cnn'}
        Local binary patterns, for few photographs, or the CNN of the study, for many.
    element : Element
        Of the top-hat.
    network : RegionNetwork
        The CNN.
    base : str or path
        A CNN to start from, all but its answer.
    scale : mapping
        Of all photographs, as `read_photograph` takes it.
    side, cuts, looks, **more
        As for `Plan`.

    Raises
    ------
    ModelError
        If the base is no such model.
    """
    tool = element or Element()
    start = None if base is None else load_regions(base)
    chosen = network or RegionNetwork()
    name = "none"
    if start is not None and start.folder is not None:
        if start.folder.config["method"] != "cnn":
            raise ModelError(f"{start.folder.path}: no CNN, and only that can be started from. Leave --from out.")
        chosen, name = _network_of(start.folder.config), f"{start.folder.name} {start.folder.sha256[:8]}"

    def build(classes: int) -> keras.Model:
        built: keras.Model = build_region_network(chosen, classes)
        if start is not None:
            known = cast(keras.Model, start.network)
            for layer in built.layers:
                if layer.weights and layer.name != _ANSWER:
                    layer.set_weights(known.get_layer(layer.name).get_weights())
        return built

    cnn = method == "cnn"
    return Plan(
        kind=KIND,
        what="Craquelure by class",
        opened=lambda path: open_enhanced(path, tool, **(scale or {})),
        train=trainer(build, recipe) if cnn else PatternTrainer(),
        side=side,
        cuts=cuts,
        looks=looks,
        recipe={**(asdict(recipe) if cnn else {}), **(scale or {})},
        config=region_config(method, tool, chosen),
        base=name,
        **more,
    )


def region_config(method: Method, element: Element, network: RegionNetwork) -> dict[str, Any]:
    """Give what a model folder tells of the method and the top-hat."""
    known = {"network": asdict(network)} if method == "cnn" else {}
    return {"method": method, "element": asdict(element), **known}


def load_regions(name_or_folder: str | Path) -> WindowClassifier:
    """Load a classifier of craquelure, a shipped one by name or a model folder; ModelError if it is none."""

    def build(config: Mapping[str, Any]) -> Network:
        _element_in(config)  # one that cannot be is told now, not with the first photograph
        classes = len(config["classes"])
        if config["method"] == "patterns":
            return PatternNetwork.empty(classes)
        built: Network = build_region_network(_network_of(config), classes)
        return built

    return load_classifier(name_or_folder, KIND, "craquelure", build)


def element_of(classifier: WindowClassifier) -> Element:
    """Structuring element that a classifier was trained with."""
    if classifier.folder is None:
        raise ModelError("this classifier is of no model folder. Save it first.")
    return _element_in(classifier.folder.config)


def _element_in(config: Mapping[str, Any]) -> Element:
    known = dict(config["element"])
    (side,) = check_numbers("structuring element", [known.pop("px")], 3)
    mm = known.pop("mm")
    if known or side % 2 == 0 or not (mm is None or (type(mm) in (int, float) and 0 < mm < math.inf)):
        raise ValueError(f"the structuring element is {config['element']}, which cannot be")
    return Element(side, mm)


def _network_of(config: Mapping[str, Any]) -> RegionNetwork:
    known = dict(config["network"])
    filters, halved = (
        check_numbers("filters", known.pop("filters")),
        check_numbers("halved", [known.pop("halved")], 0, 4),
    )
    return RegionNetwork(filters=filters, halved=halved[0], **known)
