"""The segmenter: a network, what it was trained on, and pictures of any size."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from dl4art import __version__
from dl4art.craquelure.networks import NETWORKS, build_network
from dl4art.craquelure.parts import reach, stride
from dl4art.craquelure.tiles import Read, answer_by_tiles, read_from, tile_count
from dl4art.simulation.paintings import CLASSES
from dl4art.utils.checkpoints import BEST, save_weights
from dl4art.utils.errors import InputError, ModelError
from dl4art.utils.files import make_folder
from dl4art.utils.model_files import read_card
from dl4art.utils.models import ModelFolder, find_model, write_model
from dl4art.utils.weights import check_sides, check_weights

DEFAULT_MODEL = "segmenter"
"""Name of the shipped model."""
TILE_PX = 1024


@dataclass(frozen=True, eq=False)
class Segmenter:
    """Tells background, craquelure and paint loss apart in photographs of paintings.

    Attributes
    ----------
    network : keras.Model
        One of `networks.NETWORKS`.
    folder : ModelFolder or None
        Where it came from.
    """

    network: keras.Model = field(repr=False)
    folder: ModelFolder | None = None

    @classmethod
    def from_pretrained(cls, name_or_folder: str | Path = DEFAULT_MODEL) -> Segmenter:
        """Load a shipped model by name, or a model folder; the shipped one if left out.

        Raises
        ------
        ModelError
            If there is no such model, or it does not fit this version.
        """
        folder = find_model(name_or_folder, room="craquelure")
        config = folder.config
        name, filters, classes = (config.get(entry) for entry in ("network", "filters", "classes"))
        if name not in NETWORKS or not isinstance(filters, list) or classes != list(CLASSES):
            raise ModelError(
                f"{folder.path}: no segmenter of this version (network {name!r}, filters {filters!r}, classes "
                f"{classes!r} in config.json). Use the version of dl4art that made it, or train it anew."
            )
        check_sides(folder.path, filters)
        check_weights(folder.weights)
        try:
            network = build_network(name, filters)
            with warnings.catch_warnings():
                # Keras only warns of layers that it finds no weights for
                warnings.simplefilter("error", UserWarning)
                network.load_weights(folder.weights)
        except (ValueError, OSError, InputError, UserWarning) as error:
            raise ModelError(
                f"{folder.weights}: the weights do not fit the network {name!r} with filters {filters} ({error}). "
                "Copy the whole folder again."
            ) from error
        return cls(network, folder)

    @property
    def name(self) -> str:
        """Name and first digits of the hash: enough to tell two models apart."""
        return self.network.name if self.folder is None else f"{self.folder.name} {self.folder.sha256[:8]}"

    @cached_property
    def summary(self) -> str:
        """What its card says of it in a line; empty if it says nothing."""
        return "" if self.folder is None else read_card(self.folder.path).facts.get("summary", "")

    @cached_property
    def margin_px(self) -> int:
        """How far away from a pixel its class looks."""
        return reach(self.network)

    @cached_property
    def stride(self) -> int:
        """Pixels of which the network's pictures are multiples."""
        return stride(self.network)

    def segment(self, picture: npt.NDArray[np.uint8], *, tile_px: int = TILE_PX) -> npt.NDArray[np.uint8]:
        """Give the class of every pixel of a picture in memory.

        Parameters
        ----------
        picture : ndarray of uint8, shape (h, w) or (h, w, 3)
            Of any size.
        tile_px : int
            Side of the tiles; the answer does not depend on it.

        Returns
        -------
        ndarray of uint8, shape (h, w)
            0 background, 1 craquelure, 2 loss.

        Raises
        ------
        InputError
            If it is no such picture.
        """
        if picture.dtype != np.uint8 or picture.shape[2:] not in {(), (3,)} or picture.ndim < 2 or not picture.size:
            raise InputError(
                f"picture: shape {picture.shape} of {picture.dtype} is no photograph. Pass (h, w) or (h, w, 3) of "
                "uint8."
            )
        return self.segment_tiles(read_from(picture), (picture.shape[0], picture.shape[1]), tile_px=tile_px)

    def segment_tiles(
        self,
        read: Read,
        shape: tuple[int, int],
        *,
        tile_px: int = TILE_PX,
        advance: Callable[[], Any] = lambda: None,
    ) -> npt.NDArray[np.uint8]:
        """Give the class of every pixel of a picture that is read piece by piece; see `tiles.answer_by_tiles`."""
        return answer_by_tiles(
            read,
            shape,
            self._answer,
            margin_px=self.margin_px,
            multiple_px=self.stride,
            tile_px=tile_px,
            advance=advance,
        )

    def count_tiles(self, shape: tuple[int, int], tile_px: int = TILE_PX) -> int:
        """How many tiles `segment_tiles` works through."""
        return tile_count(shape, multiple_px=self.stride, tile_px=tile_px)

    def _answer(self, colours: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        logits = self.network.predict_on_batch(colours[None].astype(np.float32))
        classes: npt.NDArray[np.uint8] = np.asarray(logits)[0].argmax(axis=-1).astype(np.uint8)
        return classes


def save_segmenter(
    network: keras.Model,
    folder: str | Path,
    *,
    name: str,
    filters: Sequence[int] | None = None,
    recipe: dict[str, Any] | None = None,
    tests: dict[str, Any] | None = None,
    card: str = "",
) -> ModelFolder:
    """Write a model folder.

    Parameters
    ----------
    network : keras.Model
        From ``build_network(name, filters)``.
    folder : path
        Is made if there is none.
    name, filters
        As passed to `build_network`.
    recipe, tests : dict, optional
        JSON values: how it was trained, and what it scored on paintings that it was not trained on.
    card : str
        The model card, Markdown.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    make_folder(folder)
    save_weights(network, Path(folder) / BEST)
    config = {
        "dl4art": __version__,
        "network": name,
        "filters": list(filters or NETWORKS[name][1]),
        "classes": list(CLASSES),
        "reach_px": reach(network),
        "recipe": recipe or {},
    }
    return write_model(folder, config=config, calibration=tests or {}, card=card)
