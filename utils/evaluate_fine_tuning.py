"""Fine-tune the shipped counter on a few labelled crops of cloths finer than it knows, and measure what that gives.

    python utils/evaluate_fine_tuning.py -o runs/fine [--canvases 12] [--check 100]

Canvases of 27 to 32 threads per cm are simulated (the shipped counter knows 5 to 26). Crops of them are labelled
through labelme files, as a person would, and `dl4art.train` does the rest. Other canvases of that kind, and windows of
the ordinary kinds, are counted before and after. The result is written to regression/results/fine_tuning.json. With
the defaults it takes about seven minutes of a processor's time.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from dl4art import __version__, train
from dl4art.cropping import write_crop
from dl4art.cropping.labels import write_labelme
from dl4art.simulation import READABLE, Picture, centre_lines, draw_cloth
from dl4art.simulation.families import draw_readable_plate
from dl4art.simulation.plates import to_pixels
from dl4art.simulation.samples import draw_samples
from dl4art.utils.files import atomic_path

DENSITIES = (27.0, 32.0)
"""Mean densities of the canvases, th/cm; each direction is drawn for itself."""
CROPS = 5
"""Of each canvas."""
OTHERS = 12
"""Canvases of that kind that are only counted."""
RESULT = Path(__file__).parents[1] / "regression" / "results" / "fine_tuning.json"
_SEED = 20270


def draw_canvas(number: int, labelled: bool) -> list[Picture]:
    """Crops of 1.5 cm of a canvas that can be read both ways; no labelled canvas is among the others."""
    rng = np.random.default_rng([_SEED, int(labelled), number])
    vertical, horizontal = rng.uniform(*DENSITIES, 2).tolist()
    cloth = draw_cloth(rng, vertical_density=vertical, horizontal_density=horizontal)
    _, places = draw_readable_plate(rng, cloth, CROPS, 300)
    return [picture for _, picture, _ in places]


def write_labelled(folder: Path, canvases: int) -> int:
    """Write the labelled crops of so many canvases, a folder each, and tell how many there are."""
    written = 0
    for number in range(canvases):
        place = folder / f"canvas-{number:02d}"
        place.mkdir(parents=True, exist_ok=True)
        for crop, picture in enumerate(draw_canvas(number, labelled=True)):
            name = f"crop-{crop}"
            write_crop(place / f"{name}.tif", to_pixels(picture.grey), 200.0, {"simulated": True})
            write_labelme(centre_lines(picture), place / f"{name}.json", f"{name}.tif", thread_width=3.0)
            written += 1
    return written


def measure(model: str | None, check: int) -> dict[str, Any]:
    """Errors of a counter on other canvases of that kind, and on windows of the ordinary kinds."""
    from dl4art.regression import CombinedCounter
    from dl4art.regression.evaluation import nmae, score

    counter = CombinedCounter.from_pretrained(model)
    fine = [picture for number in range(OTHERS) for picture in draw_canvas(number, labelled=False)]
    usual = draw_samples("test", range(check), 200)
    readable = (usual.readable >= READABLE).all(axis=1)
    sets = {
        "canvases of 27 to 32 th/cm": (
            [to_pixels(picture.grey) for picture in fine],
            np.array([[picture.vertical_density.mean(), picture.horizontal_density.mean()] for picture in fine]),
        ),
        "windows of the ordinary kinds": (
            list(usual.grey[readable]),
            usual.density[readable].mean(axis=(2, 3)).astype(np.float64),
        ),
    }
    return {
        name: {
            "crops": len(grey),
            "network_nmae": nmae(counter.network.presume(grey), truth),
            # of all crops alike, whether there is an estimate or not
            "likeliest_nmae": nmae(counter.presume(grey), truth),
            "together": score(counter.predict(grey), [(v, h) for v, h in truth.tolist()]).to_dict(),
        }
        for name, (grey, truth) in sets.items()
    }


def main() -> None:
    """Make the canvases, train, measure."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for crops and training")
    parser.add_argument("--canvases", type=int, default=12, help="labelled ones (default: 12, of 5 crops each)")
    parser.add_argument(
        "--check", type=int, default=100, help="of the training; twice as many windows are counted (default: 100)"
    )
    parser.add_argument("--result", type=Path, default=RESULT, help=f"default: {RESULT}")
    parser.add_argument("train", nargs="*", help="further words for dl4art.train, after --")
    args = parser.parse_args()
    labelled = write_labelled(args.output / "labelled", args.canvases)
    words = ["counter", "--data", str(args.output / "labelled"), "--from", "shipped", "--check", str(args.check)]
    words += ["-o", str(args.output / "training"), *args.train]
    if train.main(words):
        raise SystemExit("the training failed")
    result = {
        "dl4art": __version__,
        "labelled": {"canvases": args.canvases, "crops": labelled},
        "options": ["--check", str(args.check), *args.train],
        "before": measure(None, 2 * args.check),
        "after": measure(str(args.output / "training" / "model"), 2 * args.check),
    }
    with atomic_path(args.result) as path:
        path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
