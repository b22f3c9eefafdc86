"""Simulated crops by the thousand, each from a canvas of its own, by seeds that never meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from dl4art.simulation.cloth import Cloth, Weave, draw_cloth
from dl4art.simulation.fields import Array
from dl4art.simulation.radiograph import Family, Radiograph, draw_radiograph
from dl4art.simulation.readability import contrast_to_noise
from dl4art.simulation.render import Picture, render, stage

Split = Literal[
    "train",
    "stop",
    "calibrate",
    "test",
    "held-out",
    "twill",
    "sample",
    "chequered",
    "chequered-calibrate",
    "chequered-test",
    "twill-calibrate",
]
SPLITS: tuple[Split, ...] = get_args(Split)
"""What canvases are for. No canvas is in two splits; ``held-out`` and ``twill`` are test splits of their own;
those that begin with ``chequered`` are of the family of that name, those that begin with ``twill`` are all twill."""
CELL = 8
"""Side in pixels of the cells over which the stored truth is averaged."""


@dataclass(frozen=True, eq=False)
class SimulatedCrop:
    """A crop of a simulated canvas with its truth."""

    cloth: Cloth
    radiograph: Radiograph
    picture: Picture


@dataclass(frozen=True, eq=False)
class Samples:
    """Many crops of s x s px as arrays; axis 1 of the truth is vertical, horizontal.

    The cells of the truth are squares of `CELL` px.
    """

    grey: npt.NDArray[np.uint8]
    """(n, s, s)"""
    density: Array
    """Mean density in each cell, th/cm, (n, 2, s / 8, s / 8)."""
    angle: Array
    """Mean angle of each thread system in degrees, (n, 2)."""
    readable: Array
    """Contrast-to-noise ratio of each thread system, (n, 2)."""
    plain: npt.NDArray[np.bool_]
    """Whether the weave is plain, (n,)."""

    def __len__(self) -> int:
        return len(self.grey)


def generator(split: Split, number: int) -> np.random.Generator:
    """Give the generator of canvas `number` of a split; no two canvases share one."""
    return np.random.default_rng([20261, SPLITS.index(split), number])


def draw_crop(split: Split, number: int, size_px: int = 300, *, other_weaves: float = 0.0) -> SimulatedCrop:
    """Draw a canvas and render one crop of it.

    Parameters
    ----------
    split : str
        Which canvases to draw from; see `SPLITS`.
    number : int
        Number of the canvas in its split; the same number gives the same crop.
    size_px : int
        Side of the crop at 200 px/cm.
    other_weaves : float
        Share of crops in twill or basket weave; splits of twill hold nothing else.
    """
    rng = generator(split, number)
    weave: Weave = "plain"
    all_twill = split.startswith("twill")
    if all_twill or rng.random() < other_weaves:
        weave = "twill" if all_twill or rng.random() < 0.75 else "basket"
    held_out = split == "held-out"
    cloth = draw_cloth(rng, weave=weave, ply=float(rng.uniform(0.3, 0.6)) if held_out else 0.0)
    family: Family = "held-out" if held_out else "chequered" if split.startswith("chequered") else "common"
    radiograph = draw_radiograph(rng, family)
    side = size_px / 200
    scene = stage(cloth, radiograph, (side, side), int(rng.integers(2**62)))
    return SimulatedCrop(cloth, radiograph, render(scene))


def cell_means(values: Array) -> Array:
    """Means over the cells of a picture whose sides are multiples of `CELL`."""
    rows, cols = values.shape[0] // CELL, values.shape[1] // CELL
    means: Array = values.reshape(rows, CELL, cols, CELL).mean(axis=(1, 3))
    return means


def draw_samples(split: Split, numbers: range, size_px: int, *, other_weaves: float = 0.0) -> Samples:
    """Draw many crops, one canvas each.

    Parameters
    ----------
    split : str
        Which canvases to draw from.
    numbers : range
        Numbers of the canvases.
    size_px : int
        Side of the crops, a multiple of `CELL`.
    other_weaves : float
        Share of crops in twill or basket weave.

    Returns
    -------
    Samples
    """
    grey, density, angle, readable, plain = [], [], [], [], []
    for number in numbers:
        crop = draw_crop(split, number, size_px, other_weaves=other_weaves)
        picture = crop.picture
        grey.append(np.rint(picture.grey * 255).astype(np.uint8))
        density.append([cell_means(picture.vertical_density), cell_means(picture.horizontal_density)])
        angle.append([picture.vertical_angle.mean(), picture.horizontal_angle.mean()])
        readable.append(contrast_to_noise(picture))
        plain.append(crop.cloth.weave == "plain")
    return Samples(
        np.array(grey),
        np.array(density, np.float32),
        np.array(angle, np.float32),
        np.array(readable, np.float32),
        np.array(plain),
    )
