"""Simulated crops on disk: drawn in shards by several processes, so that nothing drawn is lost."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from dl4art.simulation.samples import Samples, Split, draw_samples
from dl4art.utils.files import atomic_path

SHARD = 500
"""Crops in a file."""


def _draw_shard(path: Path, split: Split, numbers: range, size_px: int, other_weaves: float) -> Path:
    if not path.exists():
        samples = draw_samples(split, numbers, size_px, other_weaves=other_weaves)
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
    shard: int = SHARD,
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
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    jobs: list[tuple[Path, Split, range, int, float]] = [
        (
            folder / f"{split}-{size_px}-{start // shard:04d}.npz",
            split,
            range(start, start + shard),
            size_px,
            other_weaves,
        )
        for start in range(0, count, shard)
    ]
    paths = []
    with ExitStack() as stack:
        if workers == 1 or all(job[0].exists() for job in jobs):
            results = (_draw_shard(*job) for job in jobs)
        else:
            # not forked: the libraries that may be loaded here run threads of their own
            pool = stack.enter_context(ProcessPoolExecutor(workers, mp_context=get_context("spawn")))
            results = (future.result() for future in [pool.submit(_draw_shard, *job) for job in jobs])
        for path in results:
            paths.append(path)
            done(len(paths) * shard)
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
