"""Whether the same input gives the same numbers: twice, in other batches, by other numbers of threads."""

from __future__ import annotations

import json
import os
import subprocess
import sys
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
TOLERANCE = 1e-4
"""Threads per cm, and of a similarity."""


@dataclass(frozen=True)
class Repeated:
    """How far a way of computing is from the first one."""

    way: str
    density_off: float
    """Largest difference, th/cm."""
    similarity_off: float
    same_answers: bool
    """Whether the same pictures are refused, and the verdict is the same."""


def numbers(batch: int, crops: int | None = None, *, compare: bool = True) -> dict[str, Any]:
    """Count the sample crops, and compare two sample plates, without rounding."""
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
    found: dict[str, Any] = {
        "status": [estimate.status for estimate in estimates],
        "density": [[estimate.vertical_per_cm, estimate.horizontal_per_cm] for estimate in estimates],
    }
    if compare:
        from dl4art.siamese import FabricComparer

        plates = [read_plate(SAMPLES / "plates" / f"canvas-a-{number}.tif") for number in (1, 2)]
        result = FabricComparer.from_pretrained().compare(*plates, crops=8)
        found |= {"similarity": [result.similarity, result.low, result.high], "verdict": result.verdict}
    return found


def apart(way: str, first: dict[str, Any], second: dict[str, Any]) -> Repeated:
    """Set two sets of `numbers` against each other."""

    def off(name: str) -> float:
        values = [np.array(found.get(name, [0.0]), float) for found in (first, second)]
        differences = np.abs(values[0] - values[1])
        known = differences[np.isfinite(differences)]
        return float(known.max()) if known.size else 0.0

    same = first["status"] == second["status"] and first.get("verdict") == second.get("verdict")
    return Repeated(way, off("density"), off("similarity"), same)


def repeat_all() -> list[Repeated]:
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
            [sys.executable, "-m", "robustness.repeat", str(how["batch"])],
            capture_output=True,
            text=True,
            check=True,
            env=environment,
        )
        found[way] = json.loads(done.stdout.splitlines()[-1])
    first = found.pop("once")
    return [apart(way, first, other) for way, other in found.items()]


if __name__ == "__main__":
    print(json.dumps(numbers(int(sys.argv[1]))))
