"""Whether the same input gives the same numbers: twice, in other batches, by other numbers of threads."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SAMPLES = Path(__file__).parents[2] / "cropping"
WAYS: dict[str, dict[str, int]] = {
    "once": {"batch": 32, "threads": 2},
    "again": {"batch": 32, "threads": 2},
    "another batch size": {"batch": 3, "threads": 2},
    "one thread": {"batch": 32, "threads": 1},
}
UNITS = {"count": "th/cm", "compare": "similarity", "segment": "percent", "classify": "probability"}
"""What the doors say, and in which unit."""
TOLERANCE = 1e-4
"""Of any of these."""

Numbers = dict[str, Any]
"""``numbers``, where None is none, and ``answers``, which are the same or not."""


@dataclass(frozen=True)
class Repeated:
    """How far a way of computing is from the first one."""

    door: str
    way: str
    off: float
    """Largest difference, in the unit of `UNITS`."""
    unit: str
    same_answers: bool
    """Whether the same pictures are refused, the verdict and the named classes are the same."""


def count(batch: int, crops: int | None = None) -> Numbers:
    """Count the sample crops, without rounding."""
    from dl4art.cropping import read_plate
    from dl4art.regression import CombinedCounter

    counter = CombinedCounter.from_pretrained()
    paths = sorted((SAMPLES / "crops").glob("*.tif"))[:crops]
    pictures = [read_plate(path, assume_crop=True).sample() for path in paths]
    estimates = [
        estimate
        for start in range(0, len(pictures), batch)
        for estimate in counter.predict(pictures[start : start + batch], px_per_cm=200.0)
    ]
    return {
        "numbers": [
            value for estimate in estimates for value in (estimate.vertical_per_cm, estimate.horizontal_per_cm)
        ],
        "answers": [estimate.status for estimate in estimates],
    }


def compare(_batch: int) -> Numbers:
    """Compare two sample plates."""
    from dl4art.cropping import read_plate
    from dl4art.siamese import FabricComparer

    plates = [read_plate(SAMPLES / "plates" / f"canvas-a-{number}.tif") for number in (1, 2)]
    result = FabricComparer.from_pretrained().compare(*plates, crops=8)
    return {"numbers": [result.similarity, result.low, result.high], "answers": result.verdict}


def _paintings() -> list[Any]:
    """Draw two paintings with cracks and losses."""
    from dl4art.simulation.paintings import draw_painting

    return [draw_painting("sample", number, (256, 320)).picture for number in range(2)]


def segment(_batch: int) -> Numbers:
    """Find cracks and losses in drawn paintings; the whole of what is found is an answer."""
    from dl4art.craquelure.measures import measure_damage
    from dl4art.craquelure.segmenter import DEFAULT_MODEL, Segmenter

    network = Segmenter.from_pretrained(DEFAULT_MODEL)
    classes = [network.segment(picture) for picture in _paintings()]
    found = [measure_damage(one, 50.0) for one in classes]
    return {
        "numbers": [value for one in found for value in (one.loss_percent, one.crack_percent, one.median_width_mm)],
        "answers": [hashlib.sha256(one.tobytes()).hexdigest() for one in classes],
    }


def classify(_batch: int) -> Numbers:
    """Classify the craquelure of drawn paintings."""
    from dl4art.craquelure.regions import DEFAULT_MODEL, enhanced_picture, load_regions
    from dl4art.utils.windows import InMemory

    network = load_regions(DEFAULT_MODEL)
    opinions = [network.classify(InMemory(enhanced_picture(picture))) for picture in _paintings()]
    return {
        "numbers": [share for opinion in opinions for share in opinion.probability.tolist()],
        "answers": [[opinion.said, opinion.agreeing] for opinion in opinions],
    }


DOORS: dict[str, Callable[[int], Numbers]] = {
    "count": count,
    "compare": compare,
    "segment": segment,
    "classify": classify,
}


def apart(door: str, way: str, first: Numbers, second: Numbers) -> Repeated:
    """Set what a door has said twice against each other."""
    values = [np.array(found["numbers"], float) for found in (first, second)]
    differences = np.abs(values[0] - values[1])
    known = differences[np.isfinite(differences)]
    same = first["answers"] == second["answers"] and bool((np.isfinite(values[0]) == np.isfinite(values[1])).all())
    return Repeated(door, way, float(known.max()) if known.size else 0.0, UNITS[door], same)


def repeat_all(chosen: Sequence[str] = tuple(DOORS)) -> list[Repeated]:
    """Compute in all ways, each in a process of its own, and set them against the first."""
    import dl4art

    found = {}
    for way, how in WAYS.items():
        threads = str(how["threads"])
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
        paths = [Path(__file__).parents[1], Path(dl4art.__file__).parents[1]]
        environment = {**os.environ, **dict.fromkeys(names, threads)}
        environment["PYTHONPATH"] = os.pathsep.join(map(str, paths))
        done = subprocess.run(
            [sys.executable, "-m", "robustness.repeat", str(how["batch"]), *chosen],
            capture_output=True,
            text=True,
            check=True,
            env=environment,
        )
        found[way] = json.loads(done.stdout.splitlines()[-1])
    first = found.pop("once")
    # only counting puts pictures of several files into one batch
    return [
        apart(door, way, first[door], other[door])
        for door in chosen
        for way, other in found.items()
        if door == "count" or way != "another batch size"
    ]


if __name__ == "__main__":
    print(json.dumps({door: DOORS[door](int(sys.argv[1])) for door in sys.argv[2:]}))
