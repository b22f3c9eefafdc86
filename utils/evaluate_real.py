"""Run a counter on the folder of real test images and print one table.

    DL4ART_DATA=/path/to/images python utils/evaluate_real.py --method spectral [--json result.json]

The images are for evaluation only: nothing is ever fitted to their labels. A count is a density times the width of a
crop, so crops that are rescaled or turned have their counts recomputed.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dl4art.regression.count_file import load_counter
from dl4art.regression.estimate import ThreadEstimate
from dl4art.regression.evaluation import Scores, score
from dl4art.regression.spectral import SpectralCounter

PX_PER_CM = 200.0
Truth = tuple[float, float] | None


class Counter(Protocol):
    """Anything that estimates densities of pictures."""

    def predict(self, pictures: list[NDArray[Any]], *, px_per_cm: float) -> list[ThreadEstimate]:
        """Estimate the densities of each picture."""


@dataclass(frozen=True)
class Case:
    """One picture, its true densities in threads per cm at 200 px/cm (None: unreadable), and what it is."""

    name: str
    picture: NDArray[np.float32]
    truth: Truth


def read_grey(path: Path) -> Image.Image:
    """Open a picture as floating-point grey."""
    with Image.open(path) as image:
        return image.convert("L").convert("F")


def resized(image: Image.Image, box: tuple[float, float, float, float], size: tuple[int, int]) -> NDArray[np.float32]:
    """Cut a box (left, top, right, bottom, in px, fractions allowed) and resample it without aliasing."""
    return np.asarray(image.resize(size, Image.Resampling.BICUBIC, box=box), dtype=np.float32)


def rows(path: Path) -> list[dict[str, str]]:
    """Read a CSV file with a header."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def xray(data: Path) -> list[Case]:
    """Hand-counted windows of a canvas X-ray, 600 dpi, at 200 px/cm."""
    folder = data / "0_canvas_xray"
    plate = read_grey(folder / "s0049_left.tif")
    scale = 600 / 2.54
    cases = []
    for row in rows(folder / "windows.csv"):
        x, y, width, height = (float(row[key]) for key in ("x_cm", "y_cm", "width_cm", "height_cm"))
        box = (x * scale, y * scale, (x + width) * scale, (y + height) * scale)
        size = round(width * PX_PER_CM), round(height * PX_PER_CM)
        readable = row["readable"] == "1"
        truth = (float(row["vertical_per_cm"]), float(row["horizontal_per_cm"])) if readable else None
        cases.append(Case(f"x {x:g} y {y:g} cm", resized(plate, box, size), truth))
    return cases


def photographs(data: Path, tier: str) -> list[Case]:
    """Plain-weave photographs of one tier, as they are."""
    folder = data / "1_thread_counting" / "plainweave_photos"
    return [
        Case(row["file"], np.asarray(read_grey(folder / "crops300" / row["file"])), _density(row))
        for row in rows(folder / "gt.csv")
        if row["tier"] == tier
    ]


def chambray(data: Path) -> list[Case]:
    """Checkerboard weaves: power on the diagonals of the spectrum."""
    folder = data / "1_thread_counting" / "chambray_scans"
    return [
        Case(row["file"], np.asarray(read_grey(folder / "crops300" / row["file"])), _density(row))
        for row in rows(folder / "gt.csv")
    ]


def linen(data: Path) -> Iterator[tuple[Case, tuple[float, float]]]:
    """One irregular linen at scales 1 to 4, enlarged to a size that counters take, and the tolerance of its labels."""
    folder = data / "1_thread_counting" / "kth_tips_linen"
    enlarge = 2.0
    for row in rows(folder / "gt.csv"):
        count = float(row["vertical_threads_per_200px"]), float(row["horizontal_threads_per_200px"])
        for pose in (1, 2, 3):
            image = read_grey(folder / f"44-scale_{row['scale']}_im_{pose}_grey.png")
            size = round(image.width * enlarge), round(image.height * enlarge)
            truth = count[0] / enlarge, count[1] / enlarge
            tolerance = float(row["v_tol"]) / count[0], float(row["h_tol"]) / count[1]
            yield Case(f"scale {row['scale']} im_{pose}", resized(image, (0, 0, *image.size), size), truth), tolerance


def _density(row: dict[str, str]) -> tuple[float, float]:
    return float(row["v_per_cm_at_200ppcm"]), float(row["h_per_cm_at_200ppcm"])


def varied(cases: list[Case], factors: tuple[float, ...] = (1.0, 0.75, 1.33)) -> list[Case]:
    """Each case at each scale, upright and turned by a quarter, with the densities that follow."""
    result = []
    for case in cases:
        for factor in factors:
            image = Image.fromarray(case.picture)
            size = round(image.width * factor), round(image.height * factor)
            picture = case.picture if factor == 1 else resized(image, (0, 0, *image.size), size)
            truth = case.truth and (case.truth[0] / factor, case.truth[1] / factor)
            result.append(Case(f"{case.name} x{factor:g}", picture, truth))
            turned = np.ascontiguousarray(np.rot90(picture))
            result.append(Case(f"{case.name} x{factor:g} turned", turned, truth and truth[::-1]))
    return result


def make_counter(method: str) -> Counter:
    """Give the counter of a method: spectral, spectral-peak, network or auto."""
    if method == "spectral-peak":
        return SpectralCounter(reading="peak")
    counter: Counter = load_counter(method)  # type: ignore[arg-type]
    return counter


def run(counter: Counter, cases: list[Case]) -> tuple[Scores, list[ThreadEstimate]]:
    """Estimate every case and score the answers."""
    found = counter.predict([case.picture for case in cases], px_per_cm=PX_PER_CM)
    return score(found, [case.truth for case in cases]), found


def evaluate(counter: Counter, data: Path, say: Callable[[str], None] = print) -> dict[str, Any]:
    """Run everything, print the table line by line, and give back its numbers."""
    sets = {
        "X-ray": xray(data),
        "tier A": varied(photographs(data, "A")),
        "tier B": photographs(data, "B"),
        "chambray": varied(chambray(data)),
    }
    result: dict[str, Any] = {}
    say(f"{'set':10s} {'n':>4s} {'answered':>8s} {'both <5%':>8s} {'median':>7s} {'worst':>7s}")
    for name, cases in sets.items():
        scores, found = run(counter, cases)
        say(_line(name, scores))
        result[name] = scores.to_dict() | {"cases": [_case(c, e) for c, e in zip(cases, found, strict=True)]}
    labelled = list(linen(data))
    scores, found = run(counter, [case for case, _ in labelled])
    say(_line("KTH linen", scores))
    within = [_within(e, case.truth, tolerance) for e, (case, tolerance) in zip(found, labelled, strict=True)]
    easy = [w for w, (case, _) in zip(within, labelled, strict=True) if not case.name.startswith("scale 4")]
    say(f"KTH linen, scales 1 to 3: {sum(easy)} of {len(easy)} within the tolerance of their labels")
    linens = [_case(case, e) for (case, _), e in zip(labelled, found, strict=True)]
    result["KTH linen"] = scores.to_dict() | {"within_tolerance": sum(easy), "cases": linens}
    say("\nX-ray windows: vertical and horizontal threads per cm (by hand)")
    for case in result["X-ray"]["cases"]:
        say(f"  {case['name']:18s} {case['status']:12s} {_numbers(case['found'])}   ({_numbers(case['truth'])})")
    return result


def _within(estimate: ThreadEstimate, truth: Truth, tolerance: tuple[float, float]) -> bool:
    if truth is None or estimate.vertical_per_cm is None or estimate.horizontal_per_cm is None:
        return False
    found = estimate.vertical_per_cm, estimate.horizontal_per_cm
    return all(abs(f / t - 1) <= limit for f, t, limit in zip(found, truth, tolerance, strict=True))


def _line(name: str, s: Scores) -> str:
    return (
        f"{name:10s} {s.cases:4d} {s.answered:8d} {s.within_5_percent:8.1%} {s.median_error:7.2%} {s.worst_error:7.1%}"
    )


def _case(case: Case, estimate: ThreadEstimate) -> dict[str, Any]:
    found = estimate.vertical_per_cm, estimate.horizontal_per_cm
    return {"name": case.name, "status": estimate.status, "found": found, "truth": case.truth}


def _numbers(pair: tuple[float | None, float | None] | None) -> str:
    return " ".join("    -" if value is None else f"{value:5.2f}" for value in pair or (None, None))


def main() -> int:
    """Read the arguments, evaluate, print."""
    parser = argparse.ArgumentParser(description="Evaluate a counter on the folder of real test images.")
    parser.add_argument("--method", choices=("spectral", "spectral-peak", "network", "auto"), default="auto")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save all numbers")
    arguments = parser.parse_args()
    folder = os.environ.get("DL4ART_DATA")
    if not folder or not Path(folder).is_dir():
        print("DL4ART_DATA does not name a folder; set it to the folder of real test images", file=sys.stderr)
        return 2
    result = evaluate(make_counter(arguments.method), Path(folder))
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
