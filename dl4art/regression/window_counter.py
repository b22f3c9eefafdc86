"""Counting with the upstream's network: windows of 1 cm one by one, the histogram of the whole crop equalised."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from dl4art.regression.counter import WINDOW, Array, prepared
from dl4art.regression.estimate import ThreadEstimate
from dl4art.regression.preprocess import equalise, stretched
from dl4art.utils.backend import load_keras
from dl4art.utils.errors import ModelError
from dl4art.utils.models import ModelFolder
from dl4art.utils.weights import check_sides, check_weights

ARCHITECTURE = "vgg-inception"
PREPROCESSING = "histogram of the whole picture equalised, each window stretched to 0 to 1"
_STEP = 50  # pixels from one window to the next, at most


@dataclass(frozen=True, eq=False)
class WindowCounter:
    """Counts threads with a network of the architecture ``vgg-inception`` from a model folder.

    It is trained on labelled crops (`dl4art.regression.fine_tuning`); none is shipped. A picture's density is the mean
    over windows that cover it. There is no refusal: it answers whatever it is shown. It cannot make maps.

    Make one with `from_folder`.
    """

    folder: ModelFolder
    half_width: float | None
    """Of the 95 % interval, as a share of the density; None where too few crops were held out to say."""
    densities: tuple[float, float]
    """Densities that the network was trained on, th/cm."""
    network: Any = field(repr=False)

    @classmethod
    def from_folder(cls, folder: ModelFolder) -> WindowCounter:
        """Load a counter; ModelError if the folder holds no such network."""
        load_keras()
        from dl4art.regression.inception import build_inception
        from dl4art.utils.checkpoints import load_weights

        side = check_sides(folder.path, folder.config.get("filters"))[0]
        check_weights(folder.weights)
        try:
            network = build_inception(side)
            load_weights(network, folder.weights)
            half = folder.calibration["half_width"]
            low, high = (float(value) for value in folder.calibration["densities"])
            return cls(folder, None if half is None else float(half), (low, high), network)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError) as error:
            raise ModelError(f"{folder.path}: cannot be loaded as a {ARCHITECTURE} counter ({error})") from error

    @property
    def name(self) -> str:
        """Name and first digits of the hash."""
        return f"{self.folder.name} {self.folder.sha256[:8]}"

    def presume(self, pictures: Sequence[npt.NDArray[Any]] | npt.NDArray[Any]) -> Array:
        """Densities of pictures at 200 px/cm, vertical and horizontal, (n, 2), th/cm."""
        both = [[self._density(equal), self._density(equal.T)] for equal in map(equalise, pictures)]
        return np.array(both, np.float32).reshape(-1, 2)

    def predict(
        self, pictures: Sequence[npt.NDArray[Any]] | npt.NDArray[Any], *, px_per_cm: float = 200.0
    ) -> list[ThreadEstimate]:
        """Count the threads in pictures; parameters and errors as `dl4art.regression.ThreadCounter.predict`."""
        grey = [prepared(picture, px_per_cm) for picture in pictures]
        return [self._estimate(density) for density in self.presume(grey).astype(np.float64)]

    def _density(self, equalised: npt.NDArray[np.uint8]) -> float:
        """Mean density of the vertical threads over windows that cover a picture evenly."""
        tops, lefts = (_starts(side) for side in equalised.shape)
        windows = [stretched(equalised[y : y + WINDOW, x : x + WINDOW]) for y in tops for x in lefts]
        return float(np.mean(self.network.predict_on_batch(np.array(windows)[..., None])))

    def _estimate(self, density: npt.NDArray[np.float64]) -> ThreadEstimate:
        low, high = self.densities
        remarks = [
            f"{name} density is outside {low:g} to {high:g} th/cm, which the counter was trained on"
            for name, value in zip(("vertical", "horizontal"), density, strict=True)
            if not low <= value <= high
        ]
        vertical, horizontal = density.tolist()
        ends = (None,) * 4
        if self.half_width is not None:
            half = self.half_width
            ends = tuple(max(0.0, value * share) for value in (vertical, horizontal) for share in (1 - half, 1 + half))
        return ThreadEstimate("ok", vertical, horizontal, *ends, message="; ".join(remarks))


def _starts(side: int) -> list[int]:
    room = side - WINDOW
    return [round(place) for place in np.linspace(0, room, -(-room // _STEP) + 1)]
