"""Track threads in simulated crops whose every thread is known, and say how many lie where they should.

    python utils/evaluate_tracking.py [--crops 600] [--json regression/results/tracking.json]

A thread counts as found if the median distance of its true centre-line from the nearest tracked one is at most a
quarter of its spacing. Crops are readable ones of the test seeds, tracked by what the shipped counter presumes of them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dl4art.cropping import ThreadLabels
from dl4art.regression import CombinedCounter
from dl4art.regression.tracking import track_threads
from dl4art.simulation import centre_lines, draw_crop
from dl4art.simulation.readability import READABLE, contrast_to_noise
from dl4art.utils import cli
from dl4art.utils.files import make_folder

NEAR = 0.25
_BORDER = 0.5  # spacings from the picture's border within which a thread is left out: it may lie beyond


def at_rows(lines: tuple[NDArray[np.float64], ...], rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Columns of upright lines at some rows, (lines, rows); NaN where a line is not there."""
    return np.array([np.interp(rows, line[:, 1], line[:, 0], left=np.nan, right=np.nan) for line in lines])


def distances(true: ThreadLabels, found: ThreadLabels) -> NDArray[np.float64]:
    """Median distance of each true vertical thread from the nearest tracked one, in spacings."""
    height, width = true.shape
    rows = np.arange(5.0, height, 10)
    wanted, seen = at_rows(true.vertical, rows), at_rows(found.vertical, rows)
    spacing = np.nanmedian(np.diff(wanted, axis=0))
    whole = np.isfinite(wanted).all(axis=1)
    inside = whole & (np.nan_to_num(wanted).min(axis=1) > _BORDER * spacing)
    inside &= np.nan_to_num(wanted).max(axis=1) < width - _BORDER * spacing
    if not len(seen):
        return np.full(int(inside.sum()), np.inf)
    apart = np.nan_to_num(np.abs(wanted[inside, None] - seen[None]), nan=np.inf).min(axis=1)
    result: NDArray[np.float64] = np.median(apart, axis=1) / spacing
    return result


def main() -> int:
    """Run everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crops", type=cli.positive_integer, default=600, metavar="N", help="drawn; not all readable")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save the results")
    args = parser.parse_args()
    counter = CombinedCounter.from_pretrained()
    near: dict[str, list[NDArray[np.bool_]]] = {"all readable crops": [], "those with an estimate": []}
    for number in range(args.crops):
        crop = draw_crop("test", number).picture
        if min(contrast_to_noise(crop)) < READABLE:
            continue
        grey = np.rint(255 * crop.grey)
        vertical, horizontal = counter.presume([grey])[0].tolist()
        tilt = counter.network.read([grey]).tilt[0].tolist()
        found = track_threads(grey, vertical, horizontal, vertical_tilt=tilt[0], horizontal_tilt=tilt[1]).labels
        true = centre_lines(crop)
        hits = np.concatenate([distances(true, found), distances(true.transposed(), found.transposed())]) <= NEAR
        near["all readable crops"].append(hits)
        if counter.predict([grey])[0].status == "ok":
            near["those with an estimate"].append(hits)
    result = {
        name: {
            "crops": len(hits),
            "threads": int(sum(map(len, hits))),
            "within a quarter": float(np.concatenate(hits).mean()),
        }
        for name, hits in near.items()
    }
    for name, row in result.items():
        print(f"{name:26s} {row['crops']:5d} crops {row['threads']:7d} threads {row['within a quarter']:7.1%}")
    if args.json:
        make_folder(args.json.parent)
        args.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
