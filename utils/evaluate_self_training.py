"""Let the shipped counter refine itself on canvases finer than it knows, without labels, and measure what that gives.

    python utils/evaluate_self_training.py -o runs/self [--canvases 6] [--check 100]

Canvases of 27 to 32 threads per cm are simulated (the shipped counter knows 5 to 26). Some crops of each are given to
`dl4art.train` as they are. Other crops of these canvases, other canvases of that kind and windows of the ordinary kinds
are counted before and after. The result is written to regression/results/self_training.json. With the defaults it takes
about ten minutes on two processors.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from dl4art import __version__, train
from dl4art.cropping import write_crop
from dl4art.simulation import READABLE, Picture, draw_cloth
from dl4art.simulation.families import draw_readable_plate
from dl4art.simulation.plates import to_pixels
from dl4art.simulation.samples import draw_samples
from dl4art.utils.files import atomic_path

DENSITIES = (27.0, 32.0)
"""Mean densities of the canvases, th/cm; each direction is drawn for itself."""
GIVEN, KEPT = 10, 4
"""Crops of each canvas that are learnt from, and that are only counted."""
HALF = 0.05
"""How near to half of the truth, as a share of it, a density counts as half of it."""
RESULT = Path(__file__).parents[1] / "regression" / "results" / "self_training.json"
_SEED = 20271


def draw_canvas(number: int) -> list[Picture]:
    """Crops of 1.5 cm of a plate of a canvas that can be read both ways."""
    rng = np.random.default_rng([_SEED, number])
    vertical, horizontal = rng.uniform(*DENSITIES, 2).tolist()
    cloth = draw_cloth(rng, vertical_density=vertical, horizontal_density=horizontal)
    _, places = draw_readable_plate(rng, cloth, GIVEN + KEPT, 300)
    return [picture for _, picture, _ in places]


def measure(model: str | None, sets: dict[str, list[Picture]], usual: int) -> dict[str, Any]:
    """Errors of a counter on crops of these canvases, and on windows of the ordinary kinds."""
    from dl4art.regression import CombinedCounter
    from dl4art.regression.evaluation import nmae, score

    counter = CombinedCounter.from_pretrained(model)
    known = {
        name: (
            [to_pixels(picture.grey) for picture in pictures],
            np.array([[picture.vertical_density.mean(), picture.horizontal_density.mean()] for picture in pictures]),
        )
        for name, pictures in sets.items()
    }
    windows = draw_samples("test", range(usual), 200)
    readable = (windows.readable >= READABLE).all(axis=1)
    truth = windows.density[readable].mean(axis=(2, 3)).astype(np.float64)
    known["windows of the ordinary kinds"] = list(windows.grey[readable]), truth
    found = {}
    for name, (grey, truth) in known.items():
        likeliest = counter.presume(grey)
        found[name] = {
            "crops": len(grey),
            "network_nmae": nmae(counter.network.presume(grey), truth),
            # of all crops alike, whether there is an estimate or not
            "likeliest_nmae": nmae(likeliest, truth),
            # crops of which two threads are taken for one, in a direction
            "halved": int((np.abs(likeliest / truth - 0.5) < HALF).any(axis=1).sum()),
            "together": score(counter.predict(grey), [(v, h) for v, h in truth.tolist()]).to_dict(),
        }
    return found


def main() -> None:
    """Make the canvases, refine, measure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for crops and training")
    parser.add_argument("--canvases", type=int, default=6, help="that are learnt from, and half as many that are not")
    parser.add_argument("--check", type=int, default=100, help="windows of the ordinary kinds (default: 100)")
    parser.add_argument("--result", type=Path, default=RESULT, help=f"default: {RESULT}")
    parser.add_argument("train", nargs="*", help="further words for dl4art.train, after --")
    args = parser.parse_args()
    plates = args.output / "plates"
    plates.mkdir(parents=True, exist_ok=True)
    drawn = [draw_canvas(number) for number in range(args.canvases + args.canvases // 2)]
    for number, pictures in enumerate(drawn[: args.canvases]):
        for crop, picture in enumerate(pictures[:GIVEN]):
            name = plates / f"canvas-{number:02d}-{crop:02d}.tif"
            write_crop(name, to_pixels(picture.grey), 200.0, {"simulated": True})
    sets = {
        "crops that were learnt from, without labels": [p for ps in drawn[: args.canvases] for p in ps[:GIVEN]],
        "other crops of these canvases": [p for ps in drawn[: args.canvases] for p in ps[GIVEN:]],
        "other canvases of 27 to 32 th/cm": [p for ps in drawn[args.canvases :] for p in ps],
    }
    words = ["counter", "--unlabelled", str(plates), "--check", str(args.check), *args.train]
    if train.main([*words, "-o", str(args.output / "training")]):
        raise SystemExit("the training failed")
    result = {
        "dl4art": __version__,
        "learnt": json.loads((args.output / "training" / "results.json").read_text(encoding="utf-8")),
        "before": measure(None, sets, 2 * args.check),
        "after": measure(str(args.output / "training" / "model"), sets, 2 * args.check),
    }
    with atomic_path(args.result) as path:
        path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
