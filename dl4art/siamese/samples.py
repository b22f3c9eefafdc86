"""Crops of families of cloths as arrays, and on disk: drawn in shards by several processes, so that nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dl4art.siamese.frame import thread_frame
from dl4art.simulation.families import FamilyCrop, FamilyPlan, FamilySplit, draw_family
from dl4art.simulation.fields import Array
from dl4art.simulation.statistics import STATISTICS, thread_statistics
from dl4art.utils.shards import make_shards, read_shard

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
_COUNTED = 0.006  # deviation of what a counter gets wrong, as a share


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


@dataclass(frozen=True, eq=False)
class Frames:
    """Crops in the frame of their threads, of different sizes: a sequence of (rows, cols) arrays."""

    pixels: npt.NDArray[np.float16]
    """Those of all crops, one after the other, (p,)."""
    shapes: npt.NDArray[np.int32]
    """(n, 2)"""
    density: Array
    """Densities by which they were framed, th/cm, (n, 2)."""

    def __post_init__(self) -> None:
        shapes = self.shapes
        if shapes.ndim != 2 or shapes.shape[1] != 2 or shapes.dtype.kind not in "iu" or (shapes < 0).any():
            raise ValueError(f"{shapes.dtype} of {shapes.shape} are no shapes of crops")
        if self.pixels.shape != (int(shapes.prod(axis=1, dtype=np.int64).sum()),) or len(self.density) != len(shapes):
            raise ValueError("it holds other pixels or densities than it says")

    def __len__(self) -> int:
        return len(self.shapes)

    def each(self) -> list[npt.NDArray[np.float16]]:
        """Give the crops."""
        ends = np.cumsum(self.shapes.prod(axis=1, dtype=np.int64))
        return [part.reshape(shape) for part, shape in zip(np.split(self.pixels, ends[:-1]), self.shapes, strict=True)]


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
    return gather_samples(((family, crop) for family in numbers for crop in draw_family(split, family, plan)), plan)


def gather_samples(crops: Iterable[tuple[int, FamilyCrop]], plan: FamilyPlan) -> FamilySamples:
    """Keep crops, each with the number of its family, as arrays."""
    grey, labels, turned, density, statistics = [], [], [], [], []
    for family, crop in crops:
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
    plan = plan or PLANS[split]
    draw, name = partial(draw_family_samples, split, plan=plan), f"families-{split}-{plan.size_px}"
    return make_shards(FamilySamples, draw, folder, name, count, shard=shard, workers=workers, done=done)


def frame_families(
    folder: str | Path,
    split: FamilySplit,
    count: int,
    plan: FamilyPlan | None = None,
    *,
    workers: int = 2,
    shard: int = SHARD,
) -> Frames:
    """Bring the crops that `simulate_families` has drawn into the frames of their threads, or read them; same call.

    The densities are the true ones, but for as much as a counter gets wrong.
    """
    plan = plan or PLANS[split]
    name = f"{split}-{plan.size_px}"
    make = partial(_frame_shard, folder=Path(folder), name=f"families-{name}")
    return make_shards(Frames, make, folder, f"frames-{name}", count, shard=shard, workers=workers, done=lambda _: None)


def _frame_shard(numbers: range, *, folder: Path, name: str) -> Frames:
    samples = read_shard(FamilySamples, folder / f"{name}-{numbers.start // len(numbers):04d}.npz")
    rng = np.random.default_rng([20265, numbers.start])
    true = np.exp(samples.statistics[..., STATISTICS.index("log_density")])
    density = (true * (1 + rng.normal(0, _COUNTED, true.shape))).astype(np.float32)
    frames = [thread_frame(grey, known) for grey, known in zip(samples.grey, density, strict=True)]
    return Frames(
        np.concatenate([frame.astype(np.float16).ravel() for frame in frames]),
        np.array([frame.shape for frame in frames], np.int32),
        density,
    )
