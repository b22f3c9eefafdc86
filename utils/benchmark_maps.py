"""Time and test five ways to map one plate, in one run on the same cores.

    python utils/benchmark_maps.py [--size-cm 20x16] [--json regression/results/benchmark.json]

- the dense map: all that `dl4art.regression.map_threads` does, network and phase;
- its network alone, without the phase;
- the counter, window by window;
- the spectral method, window by window;
- the upstream's network of 10,169,673 parameters, window by window and once for each direction. Its weights are random
  here (the trained ones are not public), so that it has a speed and no accuracy; it is timed on a part of the windows.

The rounds alternate between the methods, and the shortest time of each counts. Speeds are told as ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dl4art.cropping import Plate
from dl4art.cropping.tones import tone_range
from dl4art.regression import CombinedCounter, SpectralCounter, ThreadCounter
from dl4art.regression.counter import WINDOW
from dl4art.regression.dense import read_windows
from dl4art.regression.estimate import ThreadEstimate
from dl4art.regression.inception import build_inception
from dl4art.regression.map_plates import cell_corners, drawn_plate, true_cells
from dl4art.regression.maps import grid_points, map_threads
from dl4art.utils import cli
from dl4art.utils.files import make_folder
from dl4art.utils.provenance import versions

BATCH = 32
PLATE = 16
"""Number of the test plate that is mapped: one that can be read nearly everywhere."""
Densities = NDArray[np.floating[Any]]
Table = dict[str, dict[str, Any]]


def windows(plate: Plate, step_cm: float) -> NDArray[np.float32]:
    """Cut all windows of a map, (n, 200, 200)."""
    whole = plate.sample()
    return np.array([whole[y : y + WINDOW, x : x + WINDOW] for x, y in cell_corners(plate, step_cm)])


def counted(estimates: list[ThreadEstimate]) -> Densities:
    """Densities of estimates, (n, 2); NaN for none."""
    rows = [(e.vertical_per_cm, e.horizontal_per_cm) if e.status == "ok" else (np.nan, np.nan) for e in estimates]
    return np.array(rows, np.float64)


def slide(model: Any, crops: NDArray[np.float32]) -> None:
    """Look at each window upright and transposed, in full batches."""
    scaled = (crops - crops.min(axis=(1, 2), keepdims=True)) / (np.ptp(crops, axis=(1, 2), keepdims=True) + 1e-6)
    for seen in (scaled, scaled.transpose(0, 2, 1)):
        for start in range(0, len(seen), BATCH):
            model.predict_on_batch(np.resize(seen[start : start + BATCH], (BATCH, WINDOW, WINDOW))[..., None])


def fastest(methods: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Shortest time of each method in seconds, the methods by turns."""
    times: dict[str, list[float]] = {name: [] for name in methods}
    for _ in range(rounds):
        for name, method in methods.items():
            start = time.perf_counter()
            method()
            times[name].append(time.perf_counter() - start)
    return {name: min(values) for name, values in times.items()}


def accuracy(found: Densities, true: Densities, where: NDArray[np.bool_]) -> dict[str, float]:
    """Answers and errors on the cells that count."""
    known = where & np.isfinite(found).all(axis=1)
    error = np.abs(found / true - 1)[known]
    return {
        "answered": float(known.sum() / where.sum()),
        "NMAE": float(error.mean()),
        "off by 5 %": float((error > 0.05).mean()),
    }


def main() -> int:
    """Run everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size-cm", type=cli.size, default=(20.0, 16.0), metavar="WxH")
    parser.add_argument("--step", type=cli.positive_number, default=0.5, metavar="CM")
    parser.add_argument("--rounds", type=cli.positive_integer, default=2, metavar="N")
    parser.add_argument("--sample", type=cli.positive_integer, default=256, metavar="N", help="windows that are timed")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the results")
    args = parser.parse_args()

    plate, picture = drawn_plate("test", PLATE, args.size_cm)
    truth = true_cells(plate, picture, args.step).density
    crops = windows(plate, args.step)
    network = ThreadCounter.from_pretrained()
    combined, spectral, inception = CombinedCounter(network), SpectralCounter(), build_inception()
    tones = tone_range(plate)
    some = crops[np.linspace(0, len(crops) - 1, min(args.sample, len(crops))).astype(int)]
    methods: dict[str, Callable[[], Any]] = {
        "dense map": lambda: map_threads(plate, network, step_cm=args.step),
        "its network alone": lambda: read_windows(network, plate, grid_points(plate, args.step), tones),
        "counter, window by window": lambda: combined.predict([*some]),
        "spectral, window by window": lambda: spectral.predict([*some]),
        "inception VGG, window by window": lambda: slide(inception, some),
    }
    for name in ("its network alone", "counter, window by window", "inception VGG, window by window"):
        methods[name]()  # compiles
    times = fastest(methods, args.rounds)
    whole = {name: seconds * (len(crops) / len(some) if "window by" in name else 1) for name, seconds in times.items()}
    found = {
        "dense map": map_threads(plate, network, step_cm=args.step).density.reshape(-1, 2),
        "counter, window by window": counted(combined.predict([*crops])),
        "spectral, window by window": counted(spectral.predict([*crops])),
    }
    known = np.isfinite(truth).all(axis=1)
    slowest = whole["inception VGG, window by window"]
    table: Table = {
        name: {"seconds": seconds, "times as fast": slowest / seconds}
        | (accuracy(found[name], truth, known) if name in found else {})
        for name, seconds in whole.items()
    }
    print(f"{args.size_cm[0]:g} x {args.size_cm[1]:g} cm, a cell every {args.step:g} cm: {len(crops)} windows")
    for name, row in table.items():
        scores = ", ".join(
            f"{key} {value:.2%}" for key, value in row.items() if key not in ("seconds", "times as fast")
        )
        print(f"{name:34s} {row['seconds']:8.1f} s {row['times as fast']:8.1f} x  {scores}")
    if args.json:
        make_folder(args.json.parent)
        about = {"size_cm": args.size_cm, "step_cm": args.step, "windows": len(crops), "timed": len(some)}
        about |= {"processors": os.cpu_count(), "machine": platform.machine(), "versions": versions()}
        args.json.write_text(json.dumps({**about, "methods": table}, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
