"""Map simulated plates whose every thread is known, and say how far the maps are right.

    python utils/evaluate_maps.py [--plates 24] [--json regression/results/maps.json]

The plates have cusping, paint, bars, tacks, seams, inserts, film joins and blank borders, as chance will have it; they
are drawn by seeds of their own. It takes about half a minute a plate.

A cell is *readable* if contrast to noise, the simulator's own measure, reaches its threshold both ways and one
piece of cloth fills its window; *hopeless* if it does not reach half of that, or there is hardly any cloth. The measure
is hard on coarse cloth: many cells that are not readable by it are read all the same, and rightly. So the table
also says which of the answers are *wrong*, off by more than a twentieth in one of the directions, whatever the measure.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dl4art.regression import ThreadCounter
from dl4art.regression.counter import WINDOW
from dl4art.regression.map_plates import ONE_CLOTH, SIZE_CM, cell_corners, drawn_plate, true_cells
from dl4art.regression.map_trust import RIGHT
from dl4art.regression.maps import map_threads
from dl4art.simulation.readability import READABLE, contrast_to_noise
from dl4art.simulation.render import Picture
from dl4art.utils import cli
from dl4art.utils.files import make_folder
from dl4art.utils.shards import join_shards


@dataclass(frozen=True, eq=False)
class Cells:
    """What is true of n cells, and what the map says of them; arrays (n,) or, vertical and horizontal, (n, 2)."""

    true_density: NDArray[np.float64]
    true_angle: NDArray[np.float64]
    readable: NDArray[np.bool_]
    hopeless: NDArray[np.bool_]
    density: NDArray[np.float64]
    half: NDArray[np.float64]
    angle: NDArray[np.float64]


def window_of(picture: Picture, x: int, y: int) -> Picture:
    """Cut the window of a cell out of a rendered plate."""
    part = slice(y, y + WINDOW), slice(x, x + WINDOW)
    names = ("grey", "background", "vertical_phase", "horizontal_phase")
    piece = None if picture.piece is None else picture.piece[part]
    return replace(picture, **{name: getattr(picture, name)[part] for name in names}, piece=piece)


def evaluate_plate(network: ThreadCounter, number: int) -> Cells:
    """Draw a plate, map it, and set the map against the truth, cell by cell."""
    plate, picture = drawn_plate("test", number)
    found = map_threads(plate, network)
    truth = true_cells(plate, picture)
    ratio = np.array([min(contrast_to_noise(window_of(picture, x, y))) for x, y in cell_corners(plate).tolist()])
    whole = truth.cloth >= ONE_CLOTH
    return Cells(
        truth.density,
        truth.angle,
        (ratio >= READABLE) & whole,
        (ratio < READABLE / 2) | ~whole,
        *(part.reshape(-1, 2).astype(np.float64) for part in (found.density, found.half, found.angle)),
    )


def scores(cells: Cells) -> dict[str, Any]:
    """Tell how right the cells are."""
    answered = np.isfinite(cells.density).all(axis=1)
    known = cells.readable & answered
    error = np.abs(cells.density - cells.true_density)
    relative = error / cells.true_density
    wrong = answered & ~(relative <= RIGHT).all(axis=1)
    right = answered & ~wrong
    return {
        "cells": len(answered),
        "readable": int(cells.readable.sum()),
        "hopeless": int(cells.hopeless.sum()),
        "NMAE, readable": float(relative[known].mean()),
        "angle, degrees, readable": float(np.abs(cells.angle - cells.true_angle)[known].mean()),
        "95 % intervals cover, readable": float((error <= cells.half)[known].mean()),
        "blank of the readable": float((~answered)[cells.readable].mean()),
        "blank of those not readable": float((~answered)[~cells.readable].mean()),
        "blank of the hopeless": float((~answered)[cells.hopeless].mean()),
        "answered": int(answered.sum()),
        "wrong of the answered": float(wrong.sum() / max(1, answered.sum())),
        "answered and right though not readable": int((right & ~cells.readable).sum()),
        "wrong of the answered, readable": float(wrong[known].mean()),
    }


def main() -> int:
    """Run everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plates", type=cli.positive_integer, default=24, metavar="N")
    parser.add_argument("--model", help="name or folder (default: the shipped one)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the results")
    args = parser.parse_args()
    network = ThreadCounter.from_pretrained(args.model)
    parts = []
    for number in range(args.plates):
        parts.append(evaluate_plate(network, number))
        one = scores(parts[-1])
        print(
            f"plate {number}: {one['readable'] / one['cells']:4.0%} readable, {one['answered'] / one['cells']:4.0%} "
            f"answered, {one['wrong of the answered']:4.0%} of them wrong",
            file=sys.stderr,
            flush=True,
        )
    found = {"plates": args.plates, "size_cm": SIZE_CM, "model": network.name, **scores(join_shards(Cells, parts))}
    for name, value in found.items():
        print(f"{name:40s} {value:.4g}" if isinstance(value, float) else f"{name:40s} {value}")
    if args.json:
        make_folder(args.json.parent)
        args.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
