"""Simulated paintings as arrays, and on disk: drawn in shards by several processes, so that nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dl4art.simulation.crack_kinds import KINDS
from dl4art.simulation.paintings import PaintingSplit, draw_painting
from dl4art.utils.shards import make_shards

SHARD = 40
"""Paintings in a file."""
SIDE_PX = 256
"""Of a simulated painting."""
NO_CRACKS = -1
_KINDS = tuple(KINDS)


@dataclass(frozen=True, eq=False)
class PaintingSamples:
    """Photographs of paintings with the class of every pixel."""

    pictures: npt.NDArray[np.uint8]
    """(n, s, s, 3)"""
    masks: npt.NDArray[np.uint8]
    """(n, s, s), numbers of `dl4art.simulation.paintings.CLASSES`."""
    kinds: npt.NDArray[np.int8]
    """Place of the kind of craquelure in `dl4art.simulation.crack_kinds.KINDS`, or `NO_CRACKS`, (n,)."""

    def __len__(self) -> int:
        return len(self.pictures)


def draw_painting_samples(numbers: Iterable[int], split: PaintingSplit, side_px: int = SIDE_PX) -> PaintingSamples:
    """Draw paintings by their numbers in a split, (s, s) px; see `dl4art.simulation.paintings.draw_painting`."""
    drawn = [draw_painting(split, number, (side_px, side_px)) for number in numbers]
    kinds = [_KINDS.index(painting.kind.name) if painting.kind else NO_CRACKS for painting in drawn]
    return PaintingSamples(
        np.array([painting.picture for painting in drawn]),
        np.array([painting.mask for painting in drawn]),
        np.array(kinds, np.int8),
    )


def simulate_paintings(
    folder: str | Path,
    split: PaintingSplit,
    count: int,
    *,
    side_px: int = SIDE_PX,
    workers: int = 2,
    shard: int = SHARD,
    done: Callable[[int], None] = lambda _: None,
) -> PaintingSamples:
    """Draw paintings, or read those that an earlier call has drawn.

    Parameters
    ----------
    folder : path
        Where the shards lie; made if need be.
    split : str
        Which paintings; see `dl4art.simulation.paintings.PAINTING_SPLITS`.
    count : int
        How many, rounded up to whole shards.
    side_px : int
        Height and width.
    workers : int
        Processes that draw; with one, this process does.
    shard : int
        Paintings in a file.
    done : callable
        Told after each shard how many paintings are ready.

    Returns
    -------
    PaintingSamples
    """
    draw, name = partial(draw_painting_samples, split=split, side_px=side_px), f"paintings-{split}-{side_px}"
    return make_shards(PaintingSamples, draw, folder, name, count, shard=shard, workers=workers, done=done)
