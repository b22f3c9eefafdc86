"""Test the shipped counter on simulated canvases that were never trained on, and print the tables of the README.

    python utils/evaluate_simulated.py [--crops 2000] [--folder runs/test-crops] [--json result.json]

The crops are drawn by the seeds of the test splits, so that everybody tests on the same; it takes a few minutes.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dl4art.regression import CombinedCounter, ThreadCounter
from dl4art.regression.estimate import ThreadEstimate
from dl4art.regression.release import drawn_sets, evaluate

COLUMNS = (
    ("nmae", "NMAE", ".2%"),
    ("median_error", "median", ".2%"),
    ("within_half", "<0.5/cm", ".1%"),
    ("within_one", "<1/cm", ".1%"),
    ("coverage", "95 % covers", ".1%"),
)


def laws(counter: CombinedCounter, pictures: NDArray[np.uint8]) -> dict[str, float]:
    """Differences in th/cm that transposing, inverting and flipping the pictures make."""

    def densities(estimates: list[ThreadEstimate]) -> NDArray[np.float64]:
        rows = [(e.vertical_per_cm, e.horizontal_per_cm) if e.status == "ok" else (np.nan,) * 2 for e in estimates]
        return np.array(rows, np.float64)

    plain = densities(counter.predict(pictures))
    turned = np.abs(densities(counter.predict(pictures.transpose(0, 2, 1)))[:, ::-1] - plain)
    inverted = np.abs(densities(counter.predict(255 - pictures)) - plain)
    flipped = np.abs(densities(counter.predict(np.flip(pictures, 2))) - plain)
    return {
        "transposed, largest": float(np.nanmax(turned)),
        "inverted, largest": float(np.nanmax(inverted)),
        "flipped, median": float(np.nanmedian(flipped)),
        "flipped, 99 %": float(np.nanquantile(flipped, 0.99)),
    }


def table(results: dict[str, Any]) -> str:
    """Lay the results out as text."""
    head = f"{'':28s} {'crops':>6s} {'answered':>8s} " + " ".join(f"{title:>11s}" for _, title, _ in COLUMNS)
    lines = []
    for name, methods in results.items():
        lines += ["", f"{name}, readable", head]
        for method, scores in methods.items():
            if method == "flagged":
                lines.append(f"{'flagged as another weave':28s} {scores:.1%}")
                continue
            s = scores["readable"]
            numbers = " ".join(f"{format(s[key], form):>11s}" for key, _, form in COLUMNS)
            lines.append(f"{method:28s} {s['cases']:6d} {s['answered']:8d} {numbers}")
        others = methods["combined"]["others"]
        lines.append(f"not readable: {others['cases']}, of which combined answers {others['answered']}")
    return "\n".join(lines[1:])


def main() -> None:
    """Run everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crops", type=int, default=2000, help="windows of 1 cm; the other sets are smaller")
    parser.add_argument("--folder", type=Path, help="keep the drawn crops here")
    parser.add_argument("--model", help="name or folder (default: the shipped one)")
    parser.add_argument("--json", type=Path, help="save the results")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        sets = drawn_sets(args.folder or scratch, args.crops)
    network = ThreadCounter.from_pretrained(args.model)
    results = evaluate(network, sets)
    print(table(results))
    found = laws(CombinedCounter(network), sets["windows of 1 cm"].grey[:500])
    print("\nDifferences in th/cm: " + ", ".join(f"{name} {value:.4f}" for name, value in found.items()))
    if args.json:
        args.json.write_text(json.dumps({"sets": results, "laws": found}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
