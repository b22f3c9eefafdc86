"""Labelled crops as windows to train on: warped, prepared for a network, and joined with simulated ones."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from dl4art.cropping.plate import PX_PER_CM
from dl4art.regression.augment import Warp, apply_warp, draw_warp, thread_angle, upstream_warps, window_density
from dl4art.regression.labelled import WINDOW, LabelledCrop
from dl4art.regression.preprocess import equalise, normalise, stretched
from dl4art.regression.training import truth_row
from dl4art.simulation.readability import READABLE
from dl4art.simulation.samples import CELL, Samples

Array = npt.NDArray[np.float32]
Batch = tuple[Array, Array]
_CELLS = WINDOW // CELL
_STEP = 4  # px from one value of a window's gradient to the next


@dataclass(frozen=True)
class View:
    """How a network is shown crops, and what it is to say of a window."""

    prepare: Callable[[Array], npt.NDArray[Any]]
    """Done once to the grey values of a whole crop."""
    finish: Callable[[Array], Array]
    """Done to each window of it."""
    truth: Callable[[npt.NDArray[Any], float], list[float]]
    """Row of the truth from the gradient (2, side, side) of the phase of the window's vertical threads and from their
    contrast-to-noise ratio."""


def _all_truth(gradient: npt.NDArray[Any], contrast: float) -> list[float]:
    side = gradient.shape[1] // _CELLS
    density, *parts = (
        values.reshape(_CELLS, side, _CELLS, side).mean(axis=(1, 3)) for values in (window_density(gradient), *gradient)
    )
    angle = float(thread_angle(np.stack(parts)).mean()) / 10
    return truth_row(density, contrast, angle)


def _density_alone(gradient: npt.NDArray[Any], contrast: float) -> list[float]:  # noqa: ARG001
    return [float(window_density(gradient).mean())]


LOCAL_VIEW = View(lambda grey: normalise(grey).astype(np.float16), lambda window: window, _all_truth)
"""The shipped network's: locally normalised; truth as `losses.window_loss` takes it."""
EQUALISED_VIEW = View(equalise, stretched, _density_alone)
"""The upstream's: histogram of the whole crop equalised, each window from 0 to 1; truth is the window's density."""


class LabelledWindows(keras.utils.PyDataset):  # type: ignore[misc]
    """Windows of labelled (or simulated) crops; what is drawn depends on seed, epoch and number of the batch only.

    Parameters
    ----------
    crops : sequence of LabelledCrop
        At least one.
    view : View
        What the network is shown.
    batch : int
        Windows in a batch.
    draws : int
        Windows in an epoch, each with a warp of its own; zero for the upstream's 84 variants of each crop.
    seed : int
        Of the warps and of the order.
    degrees, strain : float
        As in `dl4art.regression.augment.draw_warp`, in every other window.
    zoom : float
        Threads become up to so many times as dense, or as sparse.
    aims : sequence of float
        Densities, th/cm. Half of the windows are drawn from crops that a zoom brings to one of these.
    epoch : int
        Epochs that have been trained already.
    fixed : bool
        The same windows in each epoch: to know when to stop.
    workers : int
        Threads that draw batches ahead while the network learns.
    """

    def __init__(
        self,
        crops: Sequence[LabelledCrop],
        view: View,
        *,
        batch: int,
        draws: int = 0,
        seed: int = 0,
        degrees: float = 6.0,
        strain: float = 0.03,
        zoom: float = 1.0,
        aims: Sequence[float] = (),
        epoch: int = 0,
        fixed: bool = False,
        workers: int = 1,
    ) -> None:
        super().__init__(workers=workers)
        self.crops, self.view, self.batch, self.draws, self.seed = crops, view, batch, draws, seed
        self.degrees, self.strain, self.zoom, self.aims, self.fixed = degrees, strain, zoom, aims, fixed
        self.epoch = 0 if fixed else epoch
        self.pictures = [view.prepare(crop.grey) for crop in crops]
        self.variants = [] if draws else [(n, w) for n, c in enumerate(crops) for w in upstream_warps(_shape(c))]
        systems = np.array([crop.contrast for crop in crops]).ravel()
        # what cannot be read teaches little but that it cannot: one in four is enough
        self.items = np.flatnonzero((systems > READABLE / 2) | (np.arange(len(systems)) % 4 == 0))
        self.density = np.array([crop.density for crop in crops]).ravel()[self.items]

    def __len__(self) -> int:
        return math.ceil((self.draws or len(self.variants)) / self.batch)

    def on_epoch_end(self) -> None:
        """Draw other windows in the next epoch."""
        self.epoch += not self.fixed

    def __getitem__(self, index: int) -> Batch:
        """Batch number `index`: pictures (n, 200, 200, 1) and their truth (n, k)."""
        pictures, truths = zip(*(self._window(number, warp) for number, warp in self._chosen(index)), strict=True)
        return np.array(pictures, np.float32)[..., None], np.array(truths, np.float32)

    def _chosen(self, index: int) -> list[tuple[int, Warp]]:
        """Numbers of crops, and warps, of a batch."""
        if self.variants:
            order = np.random.default_rng([self.seed, self.epoch]).permutation(len(self.variants))
            return [self.variants[item] for item in order[index * self.batch : (index + 1) * self.batch]]
        rng = np.random.default_rng([self.seed, self.epoch, index])
        return [self._draw(rng) for _ in range(min(self.batch, self.draws - index * self.batch))]

    def _draw(self, rng: np.random.Generator) -> tuple[int, Warp]:
        item = int(rng.integers(len(self.items)))
        # every other window is made of pixels as they are
        warped, aimed = rng.random(2) < 0.5
        scale = float(self.zoom ** rng.uniform(-1, 1)) if warped else 1.0
        if len(self.aims) and aimed:
            scales = rng.choice(self.aims) / self.density
            near = np.flatnonzero(np.abs(np.log(scales)) <= np.log(self.zoom))
            if len(near):
                item = int(rng.choice(near))
                scale = float(scales[item])
        number, system = divmod(int(self.items[item]), 2)
        warp = draw_warp(
            rng,
            _shape(self.crops[number]),
            turned=bool(system),
            scale=scale,
            degrees=self.degrees * warped,
            strain=self.strain * warped,
        )
        return number, warp

    def _window(self, number: int, warp: Warp) -> tuple[Array, list[float]]:
        crop = self.crops[number]
        window, gradient = apply_warp(warp, self.pictures[number], crop.gradient, step=_STEP)
        return self.view.finish(window), self.view.truth(gradient, crop.contrast[int(warp.turned)])


def simulated_crops(samples: Samples) -> list[LabelledCrop]:
    """Bring simulated crops into the form of labelled ones, to be turned and zoomed as those are.

    In each crop the threads of a system all have its mean angle, so that a stretch, which changes the density by the
    angle, would not be exact; turns and zooms are.
    """
    angle = np.deg2rad(samples.angle.astype(np.float64))
    away = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    # to the right and down, from each system's own direction
    unit = np.stack([away[:, 0] * [1, -1], away[:, 1, ::-1]], axis=1)
    gradient = samples.density[:, :, None] / PX_PER_CM * unit[..., None, None]
    density = samples.density.mean(axis=(2, 3)).tolist()
    contrast = samples.readable.tolist()
    return [
        LabelledCrop(
            str(n), "simulated", grey, gradient[n].astype(np.float32), tuple(density[n]), "", tuple(contrast[n])
        )
        for n, grey in enumerate(samples.grey)
    ]


class Joined(keras.utils.PyDataset):  # type: ignore[misc]
    """Batches of two data sets side by side, as one batch each; of the shorter one as many as there are.

    `workers` threads draw them ahead.
    """

    def __init__(self, first: Any, second: Any, *, workers: int = 1) -> None:
        super().__init__(workers=workers)
        self.parts = first, second

    def __len__(self) -> int:
        return max(len(part) for part in self.parts)

    def on_epoch_end(self) -> None:
        """Pass it on."""
        for part in self.parts:
            part.on_epoch_end()

    def __getitem__(self, index: int) -> Batch:
        """Batch number `index` of those that have one."""
        pictures, truths = zip(*(part[index] for part in self.parts if index < len(part)), strict=True)
        return np.concatenate(pictures), np.concatenate(truths)


def _shape(crop: LabelledCrop) -> tuple[int, int]:
    return crop.grey.shape[0], crop.grey.shape[1]
