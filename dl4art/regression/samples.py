"""Simulated crops on disk: drawn in shards by several processes, so that nothing drawn is lost."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

from dl4art.simulation.samples import Samples, Split, draw_samples
from dl4art.utils.files import atomic_path

SHARD = 500
"""Crops in a file."""


def _draw_shard(folder: Path, split: Split, number: int, size_px: int, other_weaves: float) -> Path:
    path = folder / f"{split}-{size_px}-{number:04d}.npz"
    if not path.exists():
        samples = draw_samples(split, range(number * SHARD, (number + 1) * SHARD), size_px, other_weaves=other_weaves)
        with atomic_path(path) as temporary:
            np.savez(temporary, **{name: getattr(samples, name) for name in Samples.__dataclass_fields__})
    return path


def simulate_samples(
    folder: str | Path,
    split: Split,
    count: int,
    size_px: int,
    *,
    other_weaves: float = 0.0,
    workers: int = 2,
    done: Callable[[int], None] = lambda _: None,
) -> Samples:
    """Draw simulated crops, or read those that an earlier call has drawn.

    Parameters
    ----------
    folder : path
        Where the shards lie; made if need be.
    split : str
        Which canvases; see `dl4art.simulation.SPLITS`.
    count : int
        How many crops, rounded up to whole shards of 500.
    size_px : int
        Side of a crop.
    other_weaves : float
        Share in twill or basket weave.
    workers : int
        Processes that draw.
    done : callable
        Told after each shard how many are ready.

    Returns
    -------
    Samples
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    numbers = range(-(-count // SHARD))
    paths = []
    if all((folder / f"{split}-{size_px}-{number:04d}.npz").exists() for number in numbers):
        paths = [_draw_shard(folder, split, number, size_px, other_weaves) for number in numbers]
    else:
        with ProcessPoolExecutor(workers) as pool:
            jobs = [pool.submit(_draw_shard, folder, split, number, size_px, other_weaves) for number in numbers]
            for ready, job in enumerate(jobs, 1):
                paths.append(job.result())
                done(ready)
    return join_samples([read_samples(path) for path in paths])


def read_samples(path: str | Path) -> Samples:
    """Read one shard."""
    with np.load(path, allow_pickle=False) as archive:
        return Samples(**{name: archive[name] for name in Samples.__dataclass_fields__})


def join_samples(shards: list[Samples]) -> Samples:
    """Join shards into one."""
    return Samples(
        **{name: np.concatenate([getattr(shard, name) for shard in shards]) for name in Samples.__dataclass_fields__}
    )
