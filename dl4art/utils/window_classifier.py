"""A classifier of pictures by their windows: a network, the names of its classes, and the model folder of both."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from dl4art import __version__
from dl4art.utils.errors import InputError, ModelError
from dl4art.utils.files import make_folder
from dl4art.utils.models import ModelFolder, find_model, write_model
from dl4art.utils.weights import check_weights
from dl4art.utils.windows import Pixels, Place, Source, Windows, cut_windows, even_places

MOST_WINDOWS = 64
"""Of a picture that are looked at."""
ANSWERED = 32
"""Windows that are answered at a time."""


class Network(Protocol):
    """What a classifier needs of a network; one of Keras has it."""

    @property
    def output_shape(self) -> tuple[Any, ...]:
        """The number of classes is the last."""

    def predict_on_batch(self, windows: Pixels, /) -> Any:
        """Probabilities (n, classes) of windows (n, side, side, channels)."""

    def save_weights(self, path: Path, /) -> None:
        """Write the weights."""

    def load_weights(self, path: Path, /) -> None:
        """Read them."""


@dataclass(frozen=True, eq=False)
class Opinion:
    """What a classifier says of a picture.

    Attributes
    ----------
    classes : tuple of str
        Names.
    probability : ndarray of shape (classes,)
        Mean over the windows; they add up to one.
    places : tuple of (int, int)
        Top and left of each window in px.
    by_window : ndarray of shape (windows, classes)
        The same of each window.
    """

    classes: tuple[str, ...]
    probability: npt.NDArray[np.float64]
    places: tuple[Place, ...]
    by_window: npt.NDArray[np.float32]

    @property
    def said(self) -> str:
        """The most probable class."""
        return self.classes[int(self.probability.argmax())]

    @property
    def confidence(self) -> float:
        """How probable that is."""
        return float(self.probability.max())

    @property
    def agreeing(self) -> int:
        """How many windows say the same."""
        return int((self.by_window.argmax(axis=1) == self.probability.argmax()).sum())


@dataclass(frozen=True, eq=False)
class WindowClassifier:
    """Tells which class a picture is of.

    Attributes
    ----------
    network : Network
        From windows (n, side, side, channels) to probabilities (n, classes).
    classes : tuple of str
        Names.
    side : int
        Of the windows in px.
    folder : ModelFolder or None
        Where it came from.
    """

    network: Network = field(repr=False)
    classes: tuple[str, ...]
    side: int
    folder: ModelFolder | None = None

    @property
    def note(self) -> str:
        """What has to be said beside each answer."""
        return str(self.folder.config.get("note", "")) if self.folder else ""

    def classify(self, source: Source, *, most: int = MOST_WINDOWS) -> Opinion:
        """Classify a picture.

        Parameters
        ----------
        source : Source
            The picture.
        most : int
            Windows to look at.
        """
        places = even_places(source.shape, self.side, most)
        answers = answer_windows(self.network, cut_windows([(source, places)], self.side))
        total = answers.mean(axis=0, dtype=np.float64)
        # where classes are told from the rest one by one, their probabilities need not add up to one
        return Opinion(self.classes, total / max(total.sum(), 1e-9), tuple(places), answers)


def answer_windows(network: Network, windows: Windows) -> npt.NDArray[np.float32]:
    """Probabilities (n, classes) of windows; few at a time, so that memory is bounded."""
    rows = []
    for start in range(0, len(windows), ANSWERED):
        part = windows.batch(start, start + ANSWERED)
        # the last batch is padded, so that the network is set up once
        full = np.concatenate([part, np.zeros((ANSWERED - len(part), *part.shape[1:]), np.uint8)])
        answers = network.predict_on_batch(full if len(windows) > ANSWERED else part)
        rows.append(np.asarray(answers, np.float32)[: len(part)])
    return np.concatenate(rows)


def load_classifier(
    name_or_folder: str | Path, kind: str, room: str, build: Callable[[Mapping[str, Any]], Network]
) -> WindowClassifier:
    """Load a shipped model by name, or a model folder.

    Parameters
    ----------
    name_or_folder : str or path
        The model.
    kind : str
        What it must be, as its configuration states under ``kind``.
    room : str
        That ships such models.
    build : callable
        Builds the network from the configuration; KeyError, TypeError or InputError where that cannot be right.

    Raises
    ------
    ModelError
        If there is no such model, it is of another kind, or does not fit this version.
    """
    folder = find_model(name_or_folder, room=room)
    config = folder.config
    if config.get("kind") != kind:
        what = f"a model of kind {config['kind']!r}" if "kind" in config else "a model of another kind"
        raise ModelError(f"{folder.path}: {what}, and {kind!r} is needed. Name another folder with --model.")
    try:
        check_numbers("number of classes", [len(config["classes"])])
        classes, (side,) = tuple(map(str, config["classes"])), check_numbers("window", [config["window_side_px"]])
        network = build(config)
        with warnings.catch_warnings():
            # Keras only warns of layers that it finds no weights for
            warnings.simplefilter("error", UserWarning)
            if folder.weights.suffix == ".h5":
                check_weights(folder.weights)
            network.load_weights(folder.weights)
    except (KeyError, TypeError, ValueError, OverflowError, OSError, InputError, UserWarning) as error:
        raise ModelError(
            f"{folder.path}: does not fit this version ({type(error).__name__}: {error}). Use the version of dl4art "
            "that made it, or train it anew."
        ) from error
    if network.output_shape[-1] != len(classes):
        raise ModelError(f"{folder.path}: config.json names {len(classes)} classes, the network has others.")
    return WindowClassifier(network, classes, side, folder)


def check_numbers(what: str, values: Any, least: int = 1, most: int = 4096) -> tuple[int, ...]:
    """Check numbers that a configuration states before anything is built from them; ValueError if they cannot be."""
    if not values or not all(type(value) is int and least <= value <= most for value in values):
        raise ValueError(f"{what}: {str(values)[:80]}, not whole numbers from {least} to {most}")
    return tuple(values)


def save_classifier(
    classifier: WindowClassifier,
    folder: str | Path,
    *,
    kind: str,
    config: Mapping[str, Any],
    tests: Mapping[str, Any],
    card: str,
) -> ModelFolder:
    """Write a model folder; OutputError if it cannot be written.

    Parameters
    ----------
    classifier : WindowClassifier
        What to write.
    folder : path
        Is made if there is none.
    kind : str
        As for `load_classifier`.
    config : mapping
        JSON values: what `build` needs to build the network, and the recipe.
    tests : mapping
        JSON values: what it is worth.
    card : str
        The model card, Markdown.
    """
    make_folder(folder)
    if name := getattr(classifier.network, "weights_name", ""):
        classifier.network.save_weights(Path(folder) / name)
    else:
        # only for Keras, which it brings
        from dl4art.utils.checkpoints import BEST, save_weights

        save_weights(classifier.network, Path(folder) / BEST)
    known = {
        "dl4art": __version__,
        "kind": kind,
        "classes": list(classifier.classes),
        "window_side_px": classifier.side,
        **config,
    }
    return write_model(folder, config=known, calibration=dict(tests), card=card)
