"""Simulated crops on disk, drawn in shards by several processes so that nothing drawn is lost; and crops made finer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dl4art.cropping.plate import PX_PER_CM, plate_from_array
from dl4art.regression.counter import WINDOW
from dl4art.simulation.samples import CELL, Samples, Split, draw_samples
from dl4art.utils.shards import make_shards

SHARD = 500
"""Crops in a file."""


def simulate_samples(
    folder: str | Path,
    split: Split,
    count: int,
    size_px: int,
    *,
    other_weaves: float = 0.0,
    workers: int = 2,
    shard: int = SHARD,
    done: Callable[[int], None] = lambda _: None,
) -> Samples:
    """Draw simulated crops, or read those that an earlier call has drawn.

    Parameters
    ----------
    folder : path
        Where the shards lie; made if need be. It is for one share of other weaves only.
    split : str
        Which canvases; see `dl4art.simulation.SPLITS`.
    count : int
        How many crops, rounded up to whole shards.
    size_px : int
        Side of a crop.
    other_weaves : float
        Share in twill or basket weave.
    workers : int
        Processes that draw; with one, this process does.
    shard : int
        Crops in a file.
    done : callable
        Told after each shard how many crops are ready.

    Returns
    -------
    Samples
    """
    draw = partial(draw_samples, split, size_px=size_px, other_weaves=other_weaves)
    return make_shards(Samples, draw, folder, f"{split}-{size_px}", count, shard=shard, workers=workers, done=done)


def made_finer(samples: Samples, aims: npt.ArrayLike) -> tuple[Samples, npt.NDArray[np.intp]]:
    """Reduce crops to windows of 200 px, so that threads of one direction lie as close as on given cloths.

    Parameters
    ----------
    samples : Samples
        Crops larger than a window: by as much can they be reduced.
    aims : (k,) array
        Densities of the cloths, th/cm. Of those that one direction of a crop can be brought to, one is drawn.

    Returns
    -------
    finer : Samples
        Of the crops that can be brought to one of them; the truth is one cell for each.
    chosen : array of int
        Their numbers.
    """
    rng = np.random.default_rng(0)
    least, most = WINDOW // CELL, samples.grey.shape[1] // CELL
    wanted = np.asarray(aims, np.float64)[:, None]
    chosen, grey, density = [], [], []
    for number, cells in enumerate(samples.density):
        sides = np.rint(least * wanted / cells.mean(axis=(1, 2))).astype(int)
        if not len(sides := sides[(sides >= least) & (sides <= most)]):
            continue
        side = int(rng.choice(sides))
        first = (most - side) // 2
        within, across = slice(first, first + side), slice(CELL * first, CELL * (first + side))
        chosen.append(number)
        density.append(cells[:, within, within].mean(axis=(1, 2)) * (side / least))
        plate = plate_from_array(samples.grey[number, across, across], PX_PER_CM)
        reduced = plate.sample(px_per_cm=PX_PER_CM * least / side)
        grey.append(np.rint(np.clip(reduced, 0, 255)).astype(np.uint8))
    numbers = np.array(chosen, np.intp)
    finer = Samples(
        np.reshape(grey, (-1, WINDOW, WINDOW)).astype(np.uint8),
        np.reshape(density, (-1, 2, 1, 1)).astype(np.float32),
        samples.angle[numbers],
        samples.readable[numbers],
        samples.plain[numbers],
    )
    return finer, numbers
