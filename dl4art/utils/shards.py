"""Arrays that take long to make, on disk: made in shards by several processes, so that nothing made is lost."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import fields
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from dl4art.utils.arrays import load_arrays
from dl4art.utils.errors import InputError
from dl4art.utils.files import atomic_path, make_folder

Arrays = TypeVar("Arrays")
"""A dataclass all of whose fields are arrays of one length."""


def make_shards(
    kind: type[Arrays],
    make: Callable[[range], Arrays],
    folder: str | Path,
    name: str,
    count: int,
    *,
    shard: int,
    workers: int,
    done: Callable[[int], None],
) -> Arrays:
    """Make arrays, or read those that an earlier call has made.

    Parameters
    ----------
    kind : type
        Dataclass whose fields are arrays.
    make : callable
        Makes the items of these numbers; it is sent to other processes, and so must be picklable.
    folder, name : path, str
        Where the shards lie, made if need be, and how their names begin; a name is for one `make` only.
    count : int
        How many items, rounded up to whole shards.
    shard : int
        Items in a file.
    workers : int
        Processes; with one, this process does it.
    done : callable
        Told after each shard how many items are ready.
    """
    folder = Path(folder)
    make_folder(folder)
    jobs = [
        (make, folder / f"{name}-{start // shard:04d}.npz", range(start, start + shard))
        for start in range(0, count, shard)
    ]
    paths = []
    with ExitStack() as stack:
        if workers == 1 or all(path.exists() for _, path, _ in jobs):
            results = (_make_shard(*job) for job in jobs)
        else:
            # not forked: the libraries that may be loaded here run threads of their own
            pool = stack.enter_context(ProcessPoolExecutor(workers, mp_context=get_context("spawn")))
            results = (future.result() for future in [pool.submit(_make_shard, *job) for job in jobs])
        for path in results:
            paths.append(path)
            done(len(paths) * shard)
    return join_shards(kind, [read_shard(kind, path) for path in paths])


def read_shard(kind: type[Arrays], path: str | Path) -> Arrays:
    """Read one shard; InputError if it is damaged."""
    arrays = load_arrays(path, _names(kind))
    try:
        return kind(**arrays)
    except ValueError as error:
        raise InputError(f"{path}: damaged ({error}). Delete it, and give the same command again.") from error


def join_shards(kind: type[Arrays], shards: list[Arrays]) -> Arrays:
    """Join shards into one."""
    return kind(**{name: np.concatenate([getattr(part, name) for part in shards]) for name in _names(kind)})


def _make_shard(make: Callable[[range], Any], path: Path, numbers: range) -> Path:
    if not path.exists():
        made = make(numbers)
        with atomic_path(path) as temporary:
            np.savez(temporary, **{name: getattr(made, name) for name in _names(type(made))})
    return path


def _names(kind: Any) -> list[str]:
    return [field.name for field in fields(kind)]
