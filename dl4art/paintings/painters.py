"""The classifier of painters: an encoder, what is put on it, the names of the painters, and the model folder of all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from dl4art import __version__
from dl4art.paintings.autoencoder import answer, build_autoencoder
from dl4art.paintings.heads import HeadSettings, build_head, build_pooling, pooled_shape
from dl4art.paintings.standard import FITS, Fit, Pictures, read_standard, standardise
from dl4art.utils.checkpoints import BEST, load_weights, save_weights
from dl4art.utils.errors import InputError, ModelError
from dl4art.utils.files import make_folder
from dl4art.utils.models import ModelFolder, find_model, write_model
from dl4art.utils.window_classifier import Opinion

KIND = "painter"


@dataclass(frozen=True, eq=False)
class PainterClassifier:
    """Tells whose hand a picture is of, among the painters that it knows.

    Attributes
    ----------
    network : keras.Model
        Pictures (n, px, px, 3) with values 0 to 255 to probabilities (n, painters).
    classes : tuple of str
        Names of the painters.
    px, fit
        How pictures are made squares, see `standardise`.
    folder : ModelFolder or None
        Where it came from.
    """

    network: keras.Model = field(repr=False)
    classes: tuple[str, ...]
    px: int
    fit: Fit
    folder: ModelFolder | None = None

    @classmethod
    def from_pretrained(cls, name_or_folder: str | Path) -> PainterClassifier:
        """Load a model folder.

        Raises
        ------
        ModelError
            If there is no such model, it is of another kind, or does not fit this version.
        """
        folder = find_model(name_or_folder, room="paintings")
        config = folder.config
        if config.get("kind") != KIND:
            what = f"a model of kind {config['kind']!r}" if "kind" in config else "a model of another kind"
            raise ModelError(f"{folder.path}: {what}, and {KIND!r} is needed. Name another folder with --model.")
        try:
            classes = tuple(map(str, config["classes"]))
            px, fit, (first, second) = int(config["px"]), config["fit"], config["filters"]
            if fit not in FITS:
                raise ValueError(f"fit {fit!r}")
            network = build_classifier(HeadSettings(**config["head"]), (first, second), px, len(classes))
            load_weights(network, folder.weights)
        except (KeyError, TypeError, ValueError, OverflowError, OSError, InputError) as error:
            raise ModelError(
                f"{folder.path}: does not fit this version ({type(error).__name__}: {error}). Use the version of "
                "dl4art that made it, or train it anew."
            ) from error
        return cls(network, classes, px, fit, folder)

    def predict(self, pictures: Pictures) -> npt.NDArray[np.float32]:
        """Probabilities (n, painters) of pictures that are squares already, (n, px, px, 3)."""
        if pictures.shape[1:] != (self.px, self.px, 3):
            raise InputError(f"pictures: shape {pictures.shape}. Pass (n, {self.px}, {self.px}, 3), see standardise.")
        return answer(self.network, pictures)

    def classify(self, picture: Pictures | str | Path) -> Opinion:
        """Classify one picture of any size, (h, w, 3) of uint8, or a file."""
        if isinstance(picture, str | Path):
            square = read_standard(picture, self.px, self.fit)
        else:
            square = standardise(picture, self.px, self.fit)
        shares = self.predict(square[None])
        return Opinion(self.classes, shares[0].astype(np.float64), ((0, 0),), shares)


def join_classifier(encoder: keras.Model, pooling: keras.Model | None, head: keras.Model) -> keras.Model:
    """Put the parts together: pictures to probabilities. The weights remain those of the parts."""
    picture = keras.Input((None, None, 3), name="picture")
    features = encoder(picture)
    if pooling is not None:
        features = pooling(features)
    return keras.Model(picture, head(features), name="painters")


def build_classifier(settings: HeadSettings, filters: tuple[int, int], px: int, classes: int) -> keras.Model:
    """Build the whole network anew; the weights are to be loaded."""
    _, encoder = build_autoencoder(filters)
    head = build_head(settings, pooled_shape(settings, px, filters[1]), classes)
    return join_classifier(encoder, build_pooling(settings.pooling), head)


def save_painters(
    classifier: PainterClassifier,
    folder: str | Path,
    *,
    filters: tuple[int, int],
    head: HeadSettings,
    config: Mapping[str, Any],
    tests: Mapping[str, Any],
    card: str,
) -> ModelFolder:
    """Write a model folder; OutputError if it cannot be written.

    Parameters
    ----------
    classifier : PainterClassifier
        What to write.
    folder : path
        Is made if there is none.
    filters, head
        As passed to `build_classifier`.
    config : mapping
        JSON values: how it was trained.
    tests : mapping
        JSON values: what it is worth.
    card : str
        The model card, Markdown.
    """
    make_folder(folder)
    save_weights(classifier.network, Path(folder) / BEST)
    known = {
        "dl4art": __version__,
        "kind": KIND,
        "classes": list(classifier.classes),
        "px": classifier.px,
        "fit": classifier.fit,
        "filters": list(filters),
        "head": asdict(head),
        **config,
    }
    return write_model(folder, config=known, calibration=dict(tests), card=card)
