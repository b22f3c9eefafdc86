"""Find cracks in real photographs with a segmenter, beside the black top-hat, and print one table.

    DL4ART_DATA=/path/to/images python utils/evaluate_cracks.py [--model FOLDER] [--json result.json]

The photographs are for evaluation only: nothing of the segmenter is ever fitted to them. The top-hat stands there
twice: as it was tuned on simulated paintings, and tuned on these very photographs, which is the best it could ever do.
F1 is that of centre-lines within 3 px of those drawn by hand; of the fresco, the IoU of its paint loss.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from dl4art.utils.backend import load_keras

load_keras()
from dl4art.craquelure import Segmenter, TopHat, tophat_cracks, tune_tophat  # noqa: E402 (Keras is loaded silently first)
from dl4art.craquelure.metrics import line_scores  # noqa: E402
from dl4art.simulation.paintings import CLASSES  # noqa: E402
from dl4art.utils.tables import text_table, write_json  # noqa: E402

Mask = npt.NDArray[np.bool_]
Colours = npt.NDArray[np.uint8]
_CRACK, _LOSS = CLASSES.index("craquelure"), CLASSES.index("loss")


def stored(path: Path) -> Colours:
    """Read pixels as they are stored: skeletons were drawn over those, whatever the orientation tag says."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def crack_photographs(data: Path) -> dict[str, tuple[Colours, Mask]]:
    """Photographs of cracks, and their centre-lines."""
    folder = data / "3_craquelure" / "crack_photos_with_skeleton"
    return {
        path.stem: (stored(path), stored(path.with_name(f"{path.stem}_skeleton.png"))[..., 0] > 127)
        for path in sorted(folder.glob("*.jpg"))
    }


def evaluate(segmenter: Segmenter, photographs: dict[str, tuple[Colours, Mask]]) -> dict[str, Any]:
    """Score all methods on each photograph: precision, recall and F1 of centre-lines."""
    pictures, truths = zip(*photographs.values(), strict=True)
    tuned, _ = tune_tophat(pictures, truths)
    methods: dict[str, Callable[[Colours], Mask]] = {
        "segmenter": lambda picture: segmenter.segment(picture) == _CRACK,
        "top-hat tuned on these": lambda picture: tophat_cracks(picture, tuned),
    }
    if segmenter.folder is not None and (known := segmenter.folder.calibration.get("top_hat")):
        methods["top-hat tuned on simulated ones"] = lambda picture: tophat_cracks(picture, TopHat(**known))
    found: dict[str, Any] = {}
    for method, cracks in methods.items():
        scores = {name: line_scores(truth, cracks(picture)) for name, (picture, truth) in photographs.items()}
        found[method] = {
            name: {"precision": score.precision, "recall": score.recall, "f1": score.f1}
            for name, score in scores.items()
        }
        found[method]["mean_f1"] = float(np.mean([score.f1 for score in scores.values()]))
    return found


def loss_iou(segmenter: Segmenter, data: Path) -> float:
    """IoU of the paint loss in the detail of a fresco, whose mask was drawn generously."""
    folder = data / "3_craquelure" / "fresco_loss"
    truth = stored(folder / "detail1_lossmask.png")[..., 0] > 127
    said = segmenter.segment(stored(folder / "detail1_image.png")) == _LOSS
    return float((truth & said).sum() / (truth | said).sum())


def main() -> int:
    """Read the arguments, evaluate, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", metavar="NAME|FOLDER", help="the segmenter (default: the one that is shipped)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save all numbers")
    args = parser.parse_args()
    data = Path(os.environ.get("DL4ART_DATA", ""))
    if not (data / "3_craquelure").is_dir():
        print("Set DL4ART_DATA to the folder of real test images.", file=sys.stderr)
        return 2
    segmenter = Segmenter.from_pretrained(*([args.model] if args.model else []))
    photographs = crack_photographs(data)
    found = {"cracks": evaluate(segmenter, photographs), "fresco_loss_iou": loss_iou(segmenter, data)}
    rows = [("method", *photographs, "mean F1")]
    for method, scores in found["cracks"].items():
        rows.append((method, *(f"{scores[name]['f1']:.3f}" for name in photographs), f"{scores['mean_f1']:.3f}"))
    print(text_table(rows, numeric=range(1, len(photographs) + 2)))
    print(f"\npaint loss of the fresco: IoU {found['fresco_loss_iou']:.3f}")
    if args.json:
        write_json(args.json, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
