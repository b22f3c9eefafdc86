"""Time and weigh a catalogue of many canvases: what is kept, what a search costs, what all pairs cost.

    python utils/benchmark_catalogue.py [--canvases 1000] [--json siamese/results/catalogue.json]

The canvases are made up: vectors about a point for each cloth, as long as the shipped encoder's, densities as far from
each other as those of cloths that the simulator draws. The time does not depend on what the numbers say, but for how
many pairs the densities exclude, which is told. Nothing is encoded; that takes seconds a plate, once.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from dl4art.siamese import FabricComparer
from dl4art.siamese.catalogue import Catalogue
from dl4art.siamese.collection import AllPairs, cluster, compare_all, groups
from dl4art.siamese.comparison import CanvasRecord, Control
from dl4art.siamese.encoded import EncodedCanvas
from dl4art.siamese.search import nearest
from dl4art.simulation.cloth import draw_cloth
from dl4art.utils import cli
from dl4art.utils.files import make_folder
from dl4art.utils.provenance import versions


def made_up(number: int, crops: int, length: int) -> EncodedCanvas:
    """Make a canvas up; two in a row are of one cloth."""
    cloth, own = np.random.default_rng([0, number // 2]), np.random.default_rng([1, number])
    drawn = draw_cloth(cloth)
    density = np.array([drawn.vertical.density, drawn.horizontal.density])
    counted = np.stack([density + own.normal(0, 0.2, (crops, 2)), np.full((crops, 2), 0.1)], axis=1)
    vectors = cloth.normal(0, 1, (1, 2, length)) + own.normal(0, 0.5, (crops, 2, length))
    # as the encoder's, the last number is the density
    vectors[..., -1] = 5 * np.log(counted[:, 0] / 12)
    d, control = density.tolist(), Control(0.9, 0.8, 1.0, crops**2 // 4)
    record = CanvasRecord(
        f"canvas {number}", "", 40.0, 30.0, 200.0, "file", d[0], d[0], d[0], 0.2, d[1], d[1], d[1], 0.2, crops, crops,
        1.5, ((0.0, 0.0),) * crops, control,
    )  # fmt: skip
    return EncodedCanvas(record, vectors.astype(np.float32), counted, int(own.integers(2**63)), (), "made up", 0)


def megabytes() -> float:
    """Most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def searching(comparer: FabricComparer, catalogue: Catalogue, crops: int, length: int, times: int) -> list[float]:
    """Seconds for the nearest ten of canvases that are not in the catalogue, the first one's also warms up."""
    found = []
    for number in range(times):
        new = made_up(10**6 + number, crops, length)
        start = time.perf_counter()
        nearest(comparer, new, catalogue, top=10)
        found.append(time.perf_counter() - start)
    return found


def main() -> int:
    """Run everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--canvases", type=cli.positive_integer, default=1000, metavar="N")
    parser.add_argument("--crops", type=cli.positive_integer, default=30, metavar="N")
    parser.add_argument("--searches", type=cli.positive_integer, default=20, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the results")
    args = parser.parse_args()

    comparer = FabricComparer.from_pretrained()
    length = comparer.folder.config["network"]["size"] + 1
    loaded = megabytes()
    numbers: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "catalogue.db"
        with Catalogue(path, {"model": "made up"}) as catalogue:
            spent = 0.0
            for number in range(args.canvases):
                canvas = made_up(number, args.crops, length)
                start = time.perf_counter()
                catalogue.keep(f"{number}", canvas)
                spent += time.perf_counter() - start
            catalogue.enter("made up", {f"canvas {number}": f"{number}" for number in range(args.canvases)})
            numbers["keeping a canvas, ms"] = 1000 * spent / args.canvases
            numbers["catalogue, MB"] = path.stat().st_size / 1e6
            first, *others = searching(comparer, catalogue, args.crops, length, args.searches + 1)
            numbers["nearest ten, the first time, ms"] = 1000 * first
            numbers["nearest ten, median, ms"] = 1000 * float(np.median(others))
            numbers["nearest ten, fastest, ms"] = 1000 * min(others)
            numbers["memory for a search, MB"] = megabytes() - loaded
            start = time.perf_counter()
            canvases = [canvas for n in range(args.canvases) if (canvas := catalogue.find(f"{n}")) is not None]
            numbers["reading all, s"] = time.perf_counter() - start
        start = time.perf_counter()
        pairs: AllPairs = compare_all(comparer, canvases)
        numbers["all pairs, s"] = time.perf_counter() - start
        start = time.perf_counter()
        cluster(pairs), groups(pairs)
        numbers["clustering, s"] = time.perf_counter() - start
        numbers["memory for all pairs, MB"] = megabytes() - loaded
        ways = args.canvases * (args.canvases - 1) // 2
        numbers["pairs"] = ways
        numbers["of these excluded by their densities"] = int(pairs.has("excluded").sum()) // 2
        numbers["a pair, ms"] = 1000 * numbers["all pairs, s"] / ways
    print(f"{args.canvases} canvases of {args.crops} crops")
    for name, number in numbers.items():
        print(f"{name:40s} {number:12.1f}" if number % 1 else f"{name:40s} {number:10.0f}")
    if args.json:
        make_folder(args.json.parent)
        about = {"canvases": args.canvases, "crops": args.crops, "processors": os.cpu_count()}
        about |= {"machine": platform.machine(), "versions": versions()}
        args.json.write_text(json.dumps({**about, "measured": numbers}, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
