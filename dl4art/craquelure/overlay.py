"""Cracks and losses drawn over a photograph, in the memory that the drawing takes and not the photograph."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from dl4art.craquelure.measures import LEFT_OUT
from dl4art.craquelure.tiles import Colours, Read
from dl4art.cropping.sources import LUMA
from dl4art.simulation.paintings import CLASSES
from dl4art.utils.files import atomic_path

Floats = npt.NDArray[np.float32]
COLOURS = {"craquelure": "#00a5e5", "loss": "#f08a00"}
"""Told apart by colour-blind eyes too."""
LEFT_OUT_COLOUR = "#8c8c8c"
_BAND_PX = 4_000_000
# of the photograph under the drawing: how much of its colour is kept, and how far it is moved to white
_COLOUR_KEPT, _PALED = 0.35, 0.28
_CRACK_ALPHA, _LOSS_ALPHA, _OUT_ALPHA = 0.95, 0.55, (0.55, 0.9)
_HATCH_PX = 8


@dataclass(frozen=True, eq=False)
class Reduced:
    """A photograph and its segmentation, as small as need be.

    Attributes
    ----------
    colours : ndarray of uint8, shape (h, w, 3)
        Means of the photograph's pixels.
    shares : dict of str to ndarray of uint8, shape (h, w)
        Share of each pixel that is craquelure, loss or left out, 255 for all of it.
    factor : float
        Pixels of the photograph along the side of a pixel.
    """

    colours: Colours
    shares: dict[str, npt.NDArray[np.uint8]]
    factor: float

    def within(self, longest_px: int) -> Reduced:
        """Reduce it further, so that neither side is longer; as it is if none is."""
        height, width = self.colours.shape[:2]
        if max(height, width) <= longest_px:
            return self
        scale = longest_px / max(height, width)
        size = max(1, round(width * scale)), max(1, round(height * scale))

        def smaller(layer: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
            return np.asarray(Image.fromarray(layer).resize(size, Image.Resampling.BOX))

        shares = {name: smaller(layer) for name, layer in self.shares.items()}
        return Reduced(smaller(self.colours), shares, self.factor / scale)


def reduce(read: Read, mask: npt.NDArray[np.uint8], longest_px: int) -> Reduced:
    """Reduce a photograph and its segmentation by a whole number, strip by strip.

    Parameters
    ----------
    read : callable
        Gives rectangles of the photograph.
    mask : ndarray of uint8, shape (h, w)
        Numbers of `CLASSES`, or `LEFT_OUT`.
    longest_px : int
        Neither side of the result is longer.
    """
    factor = max(1, -(-max(mask.shape) // longest_px))
    parts = list(_reduced_bands(read, mask, factor))
    colours, *shares = (np.concatenate(layer) for layer in zip(*parts, strict=True))
    return Reduced(colours, dict(zip(("craquelure", "loss", "left out"), shares, strict=True)), factor)


def _reduced_bands(read: Read, mask: npt.NDArray[np.uint8], factor: int) -> Iterator[list[npt.NDArray[np.uint8]]]:
    for rows in _bands(mask.shape[0], mask.shape[1], factor):
        layers = [read(rows.start, rows.stop, 0, mask.shape[1])]
        layers += [np.uint8(255) * (mask[rows] == number) for number in (*map(CLASSES.index, COLOURS), LEFT_OUT)]
        yield [np.asarray(Image.fromarray(np.ascontiguousarray(layer)).reduce(factor)) for layer in layers]


def draw_overlay(picture: Reduced) -> Colours:
    """Draw cracks in blue, losses in orange with an outline, and what is left out hatched, over a paler photograph.

    Returns
    -------
    ndarray of uint8, shape (h, w, 3)
    """
    lost = picture.shares["loss"] >= 128
    outline = lost & ~ndimage.binary_erosion(lost, border_value=1)
    # a hairline in a reduced picture covers but a part of a pixel, and is to be seen all the same
    gain = min(2.0, picture.factor)
    drawn = np.empty_like(picture.colours)
    for rows in _bands(*lost.shape):
        share = {name: layer[rows].astype(np.float32) / 255 for name, layer in picture.shares.items()}
        band = picture.colours[rows].astype(np.float32)
        band = _COLOUR_KEPT * band + (1 - _COLOUR_KEPT) * (band @ LUMA)[..., None]
        band += _PALED * (255 - band)
        for alpha, colour in (
            (_hatching(rows, lost.shape[1]) * share["left out"], LEFT_OUT_COLOUR),
            (np.maximum(_LOSS_ALPHA * share["loss"], outline[rows]), COLOURS["loss"]),
            (_CRACK_ALPHA * np.minimum(1, gain * share["craquelure"]), COLOURS["craquelure"]),
        ):
            band += alpha[..., None] * (_rgb(colour) - band)
        drawn[rows] = np.rint(band)
    return drawn


def _hatching(rows: slice, width: int) -> Floats:
    """Stripes from the lower left to the upper right, so that grey is not taken for paint."""
    diagonal = np.arange(rows.start, rows.stop)[:, None] + np.arange(width)
    return np.array(_OUT_ALPHA, np.float32)[diagonal // _HATCH_PX % 2]


def _bands(height: int, width: int, multiple: int = 1) -> Iterator[slice]:
    """Rows to work on at a time: not many pixels, and a multiple of rows."""
    rows = multiple * max(1, _BAND_PX // (width * multiple))
    return (slice(top, min(height, top + rows)) for top in range(0, height, rows))


def write_classes(mask: npt.NDArray[np.uint8], path: str | Path, px_per_cm: float | None = None) -> None:
    """Write a segmentation as a PNG whose pixels are the numbers of the classes, with a palette for the eye.

    Parameters
    ----------
    mask : ndarray of uint8, shape (h, w)
        Numbers of `CLASSES`, or `LEFT_OUT`; not copied.
    path : path
        The file.
    px_per_cm : float, optional
        Is told in the file.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    picture = Image.frombuffer("P", mask.shape[::-1], np.ascontiguousarray(mask), "raw", "P", 0, 1)
    picture.putpalette(b"".join(_rgb(colour).astype(np.uint8).tobytes() for colour in _palette()))
    _save(picture, path, px_per_cm)


def write_picture(colours: Colours, path: str | Path, px_per_cm: float | None = None) -> None:
    """Write a drawing as PNG; OutputError if it cannot be written."""
    _save(Image.fromarray(colours), path, px_per_cm)


def _save(picture: Image.Image, path: str | Path, px_per_cm: float | None) -> None:
    scale: dict[str, Any] = {} if px_per_cm is None else {"dpi": (2.54 * px_per_cm,) * 2}
    with atomic_path(path) as temporary:
        picture.save(temporary, format="PNG", **scale)


def _palette() -> list[str]:
    return ["#ffffff", *(COLOURS[name] for name in CLASSES[1:]), LEFT_OUT_COLOUR]


def _rgb(colour: str) -> Floats:
    return np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)], np.float32)
