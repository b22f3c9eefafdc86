"""Measure what limits the shipped comparer: noise, unsharpness, and whether it looks at anything but the cloth.

    python utils/evaluate_limits.py

Writes ``siamese/results/limits.json``. Families of the test split are drawn for it, other places and plates than those
of the training's own tests.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from dl4art.regression import CombinedCounter
from dl4art.siamese import FabricComparer
from dl4art.siamese.limits import area_by_quality, confounded_area, draw_seen, look_at
from dl4art.simulation.families import FamilyPlan
from dl4art.utils.tables import text_table, write_json

RESULTS = Path(__file__).parents[1] / "siamese" / "results" / "limits.json"
QUALITY = FamilyPlan(cloths=4, plates=2, crops=4, size_px=300)
SHARED = FamilyPlan(cloths=4, plates=2, crops=10, size_px=300)


def main() -> None:
    """Measure, write and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--families", type=int, default=40, help="drawn to see what noise does")
    parser.add_argument("--shared", type=int, default=12, help="drawn with the radiographs in common")
    parser.add_argument("--model", help="name or folder of a comparer (default: the one that is shipped)")
    args = parser.parse_args()
    comparer, counter = FabricComparer.from_pretrained(args.model), CombinedCounter.from_pretrained()
    # beyond the numbers that the training's own tests draw
    seen = draw_seen(range(1000, 1000 + args.families), QUALITY)
    counted, true = look_at(comparer, counter, seen.samples)
    found: dict[str, Any] = {
        "model": comparer.name,
        "crops": len(seen.samples),
        "refused": float(counted.doubtful.mean()),
        "as_counted": area_by_quality(comparer, seen, counted, counted.density),
        "by_true_densities": area_by_quality(comparer, seen, true, counted.density),
    }
    shared = draw_seen(range(2000, 2000 + args.shared), SHARED, shared=True)
    found["shared_radiographs"] = confounded_area(comparer, shared, look_at(comparer, counter, shared.samples)[0])
    write_json(RESULTS, found)
    print(_table(found))
    print(found["shared_radiographs"])


def _table(found: dict[str, Any]) -> str:
    rows = [("pairs of crops", "number", "AUC as counted", "AUC, true densities")]
    counted, true = found["as_counted"], found["by_true_densities"]
    rows.append(("all", str(counted["pairs"]), _number(counted["all"]), _number(true["all"])))
    for name, unit in (("noise", "contrast to noise"), ("blur", "px unsharp"), ("count", "count wrong by")):
        for one, other in zip(counted[name], true[name], strict=True):
            end = "up" if one["to"] is None else f"to {one['to']:g}"
            label = f"{unit}, {one['from']:g} {end}"
            rows.append((label, str(one["pairs"]), _number(one["auc"]), _number(other["auc"])))
    return text_table(rows, numeric=(1, 2, 3))


def _number(area: float | None) -> str:
    return "" if area is None else f"{area:.3f}"


if __name__ == "__main__":
    main()
