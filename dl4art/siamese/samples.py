"""Crops of families of cloths as arrays, and on disk: drawn in shards by several processes, so that nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dl4art.simulation.families import FamilyPlan, FamilySplit, draw_family
from dl4art.simulation.fields import Array
from dl4art.simulation.statistics import thread_statistics
from dl4art.utils.files import atomic_path

SHARD = 20
"""Families in a file."""
PLANS: dict[FamilySplit, FamilyPlan] = {
    "train": FamilyPlan(cloths=6, plates=3, crops=1, size_px=240, other_weaves=0.2, chequered=0.1),
    "stop": FamilyPlan(cloths=6, plates=2, crops=1, size_px=300),
    "calibrate": FamilyPlan(cloths=4, plates=2, crops=30, size_px=300),
    "test": FamilyPlan(cloths=4, plates=2, crops=30, size_px=300),
    "held-out": FamilyPlan(cloths=4, plates=2, crops=30, size_px=300),
}
"""What is drawn of a family in each split. Frozen before training, as are the priors of the cloths."""


@dataclass(frozen=True, eq=False)
class FamilySamples:
    """Crops with what is known of them; axis 1 of pairs is vertical, horizontal, as the crop lies."""

    grey: npt.NDArray[np.uint8]
    """(n, s, s)"""
    family: npt.NDArray[np.int32]
    """(n,)"""
    cloth: npt.NDArray[np.int32]
    """Number of the cloth among all cloths, (n,)."""
    plate: npt.NDArray[np.int32]
    """Number of the plate among all plates, (n,)."""
    turned: npt.NDArray[np.bool_]
    """Whether the plate lies turned by a quarter, (n,)."""
    density: Array
    """Mean densities of the cloth, not of the crop, th/cm, (n, 2)."""
    statistics: Array
    """What `dl4art.simulation.statistics.thread_statistics` says of the crop's own threads, (n, 2, k)."""

    def __len__(self) -> int:
        return len(self.grey)

    def take(self, chosen: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> FamilySamples:
        """Only the crops chosen by their numbers or by a mask."""
        return FamilySamples(**{name: getattr(self, name)[chosen] for name in self.__dataclass_fields__})


def draw_family_samples(split: FamilySplit, numbers: Iterable[int], plan: FamilyPlan) -> FamilySamples:
    """Draw families and keep their crops as arrays.

    Parameters
    ----------
    split : str
        See `dl4art.simulation.families.FAMILY_SPLITS`.
    numbers : iterable of int
        Numbers of the families in their split.
    plan : FamilyPlan
        How much of each is drawn.

    Returns
    -------
    FamilySamples
    """
    grey, labels, turned, density, statistics = [], [], [], [], []
    for family in numbers:
        for crop in draw_family(split, family, plan):
            cloth = family * plan.cloths + crop.cloth
            labels.append((family, cloth, cloth * plan.plates + crop.plate))
            grey.append(np.rint(crop.grey * 255).astype(np.uint8))
            turned.append(crop.turned)
            yarns = crop.scene.sheet.cloth
            both = (yarns.vertical.density, yarns.horizontal.density)
            density.append(both[::-1] if crop.turned else both)
            statistics.append(thread_statistics(crop))
    known = np.array(labels, np.int32).reshape(-1, 3)
    return FamilySamples(
        np.array(grey),
        known[:, 0],
        known[:, 1],
        known[:, 2],
        np.array(turned, bool),
        np.array(density, np.float32),
        np.array(statistics, np.float32),
    )


def _draw_shard(path: Path, split: FamilySplit, numbers: range, plan: FamilyPlan) -> Path:
    if not path.exists():
        samples = draw_family_samples(split, numbers, plan)
        with atomic_path(path) as temporary:
            np.savez(temporary, **{name: getattr(samples, name) for name in FamilySamples.__dataclass_fields__})
    return path


def simulate_families(
    folder: str | Path,
    split: FamilySplit,
    count: int,
    plan: FamilyPlan | None = None,
    *,
    workers: int = 2,
    shard: int = SHARD,
    done: Callable[[int], None] = lambda _: None,
) -> FamilySamples:
    """Draw families, or read those that an earlier call has drawn.

    Parameters
    ----------
    folder : path
        Where the shards lie; made if need be. It is for one plan a split only.
    split : str
        Which families.
    count : int
        How many families, rounded up to whole shards.
    plan : FamilyPlan, optional
        How much of each; that of `PLANS` if left out.
    workers : int
        Processes that draw; with one, this process does.
    shard : int
        Families in a file.
    done : callable
        Told after each shard how many families are ready.

    Returns
    -------
    FamilySamples
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    plan = plan or PLANS[split]
    jobs = [
        (
            folder / f"families-{split}-{plan.size_px}-{start // shard:04d}.npz",
            split,
            range(start, start + shard),
            plan,
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
    return join_families([read_families(path) for path in paths])


def read_families(path: str | Path) -> FamilySamples:
    """Read one shard."""
    with np.load(path, allow_pickle=False) as archive:
        return FamilySamples(**{name: archive[name] for name in FamilySamples.__dataclass_fields__})


def join_families(shards: list[FamilySamples]) -> FamilySamples:
    """Join shards into one."""
    return FamilySamples(
        **{
            name: np.concatenate([getattr(shard, name) for shard in shards])
            for name in FamilySamples.__dataclass_fields__
        }
    )
