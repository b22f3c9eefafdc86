"""Simulated crops on disk: drawn in shards by several processes, so that nothing drawn is lost."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from dl4art.simulation.samples import Samples, Split, draw_samples
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
