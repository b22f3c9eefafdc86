"""Time what a step of the counter's training consists of, under Keras' present backend.

    python utils/benchmark_training.py [-o regression/results/training.json]
    KERAS_BACKEND=jax python utils/benchmark_training.py

Drawing simulated crops (once, before the first epoch: they are kept on disk), cutting and turning a batch of windows,
warping one on one thread, as labelled crops are, and a step of the network in float32 and in mixed bfloat16. The rounds
alternate between them, and the shortest time of each counts. The file keeps the figures of each backend. About two
minutes on two processors.
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

from dl4art.utils.backend import load_keras

load_keras()
import keras  # noqa: E402 (Keras is loaded silently first)

from dl4art.regression.fine_tuning import CROP  # noqa: E402
from dl4art.regression.labelled_windows import LOCAL_VIEW, LabelledWindows, simulated_crops  # noqa: E402
from dl4art.regression.losses import window_loss  # noqa: E402
from dl4art.regression.network import build_trainer, build_trunk  # noqa: E402
from dl4art.regression.presets import PRESETS  # noqa: E402
from dl4art.regression.training import TrainingSettings, Windows  # noqa: E402
from dl4art.simulation.samples import draw_samples  # noqa: E402
from dl4art.utils.provenance import versions  # noqa: E402
from dl4art.utils.tables import text_table, write_json  # noqa: E402

RESULT = Path(__file__).parents[1] / "regression" / "results" / "training.json"
CROPS, SIDE = 32, 240
PRECISIONS = ("float32", "mixed_bfloat16")


def trainer(settings: TrainingSettings, precision: str) -> keras.Model:
    """Build the counter's network for training at a precision."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        network = build_trainer(build_trunk(settings.filters))
    finally:
        keras.config.set_dtype_policy(before)
    network.compile(keras.optimizers.Adam(settings.rate, clipnorm=1.0), loss=window_loss)
    return network


def shortest(jobs: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Seconds of the shortest run of each job; the first, which compiles, is not counted."""
    found = dict.fromkeys(jobs, float("inf"))
    for number in range(rounds + 1):
        for name, job in jobs.items():
            start = time.perf_counter()
            job()
            if number:
                found[name] = min(found[name], time.perf_counter() - start)
    return found


def measure(rounds: int) -> dict[str, float]:
    """Seconds for a batch of windows: drawing as many crops, cutting and turning them, a step of the network."""
    settings = TrainingSettings()
    samples = draw_samples("train", range(CROPS), size_px=SIDE)
    windows = Windows(samples, batch=settings.batch, draws=settings.batch * 100)
    batch = windows[0]
    tuning = PRESETS["fine-tuning"]
    crops = simulated_crops(draw_samples("train", range(CROPS), size_px=CROP))
    warped = LabelledWindows(crops, LOCAL_VIEW, batch=settings.batch, draws=settings.batch * 100, zoom=tuning.zoom)
    jobs: dict[str, Callable[[], Any]] = {
        "drawing": lambda: draw_samples("train", range(CROPS), size_px=SIDE),
        "cutting and turning": lambda: windows[1],
        "warping": lambda: warped[1],
    }
    for precision in PRECISIONS:
        network = trainer(settings, precision)
        jobs[f"step, {precision}"] = lambda network=network: network.train_on_batch(*batch)
    found = shortest(jobs, rounds)
    return {**found, "drawing": found["drawing"] * settings.batch / CROPS}


def main() -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=RESULT, help="default: %(default)s")
    parser.add_argument("--rounds", type=int, default=6)
    args = parser.parse_args()
    seconds = measure(args.rounds)
    about = {"batch": TrainingSettings().batch, "processors": os.cpu_count(), "machine": platform.machine()}
    known = json.loads(args.output.read_text("utf-8")) if args.output.exists() else {}
    known[keras.backend.backend()] = {**about, "versions": versions(), "seconds": seconds}
    write_json(args.output, known)
    rows = [(name, f"{1000 * value:.0f}") for name, value in seconds.items()]
    print(text_table([("for a batch of 64 windows", "ms"), *rows], (1,)))


if __name__ == "__main__":
    main()
