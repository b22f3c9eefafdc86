"""Find threads that run through two simulated canvases, and through published maps where there are some.

    [DL4ART_DATA=/path/to/images] python utils/evaluate_weave_matches.py [--pairs 300] [-o weave_matches.json]

Half of the simulated pairs are neighbours on one bolt, the others strangers of the same yarns and density. Nothing is
ever fitted to the published maps.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

import numpy as np

from dl4art.siamese.bolts import DRIFT, draw_pair
from dl4art.siamese.weave_collection import match_collection
from dl4art.siamese.weave_match import LEVEL, match_weaves
from dl4art.siamese.weave_profiles import WeaveMap
from dl4art.utils.files import make_folder
from dl4art.utils.provenance import provenance
from dl4art.utils.tables import text_table, write_json

SEED = 7_100_000
"""No other script or test of weave matches draws from here on."""
SETTINGS = ((25.0, DRIFT, 1.0), (20.0, DRIFT, 0.4), (35.0, DRIFT, 0.4), (25.0, 0.0, 1.0), (25.0, 2 * DRIFT, 1.0))
"""Overlaps in cm, how far the spacing drifts along the bolt, and the share of the pairs that is drawn."""
RESULT = Path(__file__).parents[1] / "siamese" / "results" / "weave_matches.json"
SHOWN = 20
"""Published matches that are listed."""
KNOWN = {"L27", "L28"}


def read_published(folder: Path) -> dict[str, WeaveMap]:
    """Read the published maps of a folder, by the names of their files."""
    found = {}
    for path in sorted(folder.glob("*.npz")):
        with np.load(path) as file:
            found[path.stem] = WeaveMap(file["vertical_per_cm"], file["horizontal_per_cm"], float(file["step_cm"]))
    return found


def simulated(overlap_cm: float, drift: float, pairs: int, surrogates: int) -> dict[str, Any]:
    """Match pairs of simulated canvases, with all directions, as they come."""
    p = {related: np.ones(pairs) for related in (True, False)}
    for related, found in p.items():
        for number in range(pairs):
            rng = np.random.default_rng([SEED, number, related])
            a, b = draw_pair(rng, related=related, overlap_cm=overlap_cm, drift=drift)
            found[number] = match_weaves(a, b, surrogates=surrogates).p
    limit = np.quantile(p[False], LEVEL)
    return {
        "overlap_cm": overlap_cm,
        "drift": drift,
        "pairs_of_each": pairs,
        f"true_positive_rate_at_p_{LEVEL:g}": float((p[True] <= LEVEL).mean()),
        f"false_positive_rate_at_p_{LEVEL:g}": float((p[False] <= LEVEL).mean()),
        f"true_positive_rate_at_false_positive_rate_{LEVEL:g}": float((p[True] <= limit).mean()),
        "false_positive_rate_at_p_0.05": float((p[False] <= 0.05).mean()),
    }


def published(data: Path, surrogates: int) -> dict[str, Any]:
    """Rank all comparisons of the published maps, and look closely at the best."""
    maps = read_published(data / "6_weave_maps")
    found = match_collection(maps, surrogates=surrogates)
    by_plain = sorted(found.ranked, key=lambda item: -item.match.plain_r)
    known = next(item for item in found.ranked if {item.a, item.b} == KNOWN)
    listed = [item for item in found.ranked if item.rank <= SHOWN or item is known]
    return {
        "maps": len(maps),
        "comparisons": len(found.ranked),
        "percentiles": found.percentiles,
        "p_0.01_or_less": sum(item.match.p <= LEVEL for item in found.ranked) / len(found.ranked),
        "p_0.05_or_less": sum(item.match.p <= 0.05 for item in found.ranked) / len(found.ranked),
        "best": [
            {
                "a": item.a,
                "b": item.b,
                "rank": item.rank,
                "rank_by_plain_r": by_plain.index(item) + 1,
                "expected_by_chance": item.expected,
                **{
                    name: getattr(item.match, name)
                    for name in ("direction_a", "direction_b", "r", "plain_r", "statistic", "flipped", "stretch")
                },
                "shift_cm": item.match.shift_cm,
                "overlap_cm": item.match.overlap_cm,
                "p": item.match.p,
                "p_of_the_pair": match_weaves(maps[item.a], maps[item.b]).p,
            }
            for item in listed
        ],
    }


def main() -> int:
    """Run the script."""
    parser = argparse.ArgumentParser(description="Evaluate weave matches on simulated bolts and on published maps.")
    parser.add_argument("--pairs", type=int, default=300, metavar="N", help="neighbours, and strangers, per setting")
    parser.add_argument("--surrogates", type=int, default=100, metavar="N", help="unrelated cloths per canvas")
    parser.add_argument("-o", "--output", type=Path, default=RESULT, metavar="FILE", help="where the numbers go")
    arguments = parser.parse_args()
    rows = []
    for overlap_cm, drift, share in SETTINGS:
        rows.append(simulated(overlap_cm, drift, round(arguments.pairs * share), arguments.surrogates))
        print(", ".join(f"{name} {value:g}" for name, value in rows[-1].items()), flush=True)
    result: dict[str, Any] = {"simulated": rows}
    folder = os.environ.get("DL4ART_DATA")
    if folder and (Path(folder) / "6_weave_maps").is_dir():
        result["published"] = published(Path(folder), arguments.surrogates)
        best = result["published"]["best"]
        shown = [[f"{value:.3g}" if isinstance(value, float) else str(value) for value in row.values()] for row in best]
        print(text_table([list(best[0]), *shown]))
    parameters = {"pairs": arguments.pairs, "surrogates": arguments.surrogates}
    make_folder(arguments.output.parent)
    write_json(arguments.output, result | provenance(parameters=parameters, seed=SEED))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
