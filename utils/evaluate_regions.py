"""Tell Dutch from Flemish craquelure with a classifier trained by our command, beside a linear model on spectra.

    DL4ART_DATA=/path/to/data python utils/evaluate_regions.py -o runs/regions-real [options of train craquelure]

The crops of `3_craquelure/region_dutch_flemish` are cut to 255 px and made grey, since their sizes and modes tell the
class; each class is cut into five blocks in the order of the numbers, since neighbours are of one painting, and each is
held out once. Nothing that is fitted here is shipped.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import fft, ndimage
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from dl4art import train
from dl4art.cropping.photographs import fingerprint
from dl4art.utils.class_folders import read_class_folders
from dl4art.utils.cross_validation import cross_validate
from dl4art.utils.folds import Fold, make_folds

SIDE = 255
FOLDS = 5
WAVES = 63
"""Up to so many waves across a crop: the linear model does best with these."""
PENALTIES = (0.01, 0.1, 1.0)


def write_crops(data: Path, folder: Path) -> None:
    """Write the crops with one size and one mode, unless they are there."""
    for path in sorted((data / "3_craquelure/region_dutch_flemish/bw").glob("*/*.png")):
        target = folder / path.parent.name / path.name
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            with Image.open(path) as image:
                grey = np.asarray(image.convert("L"))[:SIDE, :SIDE]
            # one crop is a pixel too narrow
            whole = np.pad(grey, [(0, SIDE - length) for length in grey.shape], mode="edge")
            Image.fromarray(whole).save(target)


def spectrum(path: Path) -> npt.NDArray[np.float64]:
    """Logarithm of the power, mean over all directions, for each number of waves across the crop."""
    with Image.open(path) as image:
        grey = np.asarray(image, np.float64) / 255
    power = fft.fftshift(np.abs(fft.fft2(grey - grey.mean())) ** 2)
    down, across = np.indices(power.shape) - SIDE // 2
    waves = np.hypot(down, across).astype(int)
    return np.asarray(ndimage.mean(np.log(power + 1e-3), waves, np.arange(1, WAVES + 1)))


def told(name: str, accuracies: npt.NDArray[np.float64]) -> str:
    """Say a method's accuracies."""
    error = accuracies.std(ddof=1) / len(accuracies) ** 0.5
    return f"{name:34s} {accuracies.mean():.3f} +- {error:.3f}   {' '.join(f'{value:.3f}' for value in accuracies)}"


def main() -> int:
    """Run everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("--data", type=Path, default=os.environ.get("DL4ART_DATA"), metavar="FOLDER")
    args, more = parser.parse_known_args()
    if args.data is None:
        parser.error("the images are missing: pass --data or set DL4ART_DATA")
    crops = args.output / "crops"
    write_crops(args.data, crops)
    found = read_class_folders(crops, fingerprint, grouping="picture")
    folds = make_folds(found, FOLDS, blocks=True)
    features = np.stack([spectrum(picture.path) for picture in found.pictures])
    labels = np.array(found.labels)

    best = None
    for penalty in PENALTIES:

        def learn(
            fold: Fold, _: int, penalty: float = penalty
        ) -> tuple[npt.NDArray[np.float64], dict[str, list[float]]]:
            model = make_pipeline(StandardScaler(), LogisticRegression(C=penalty, max_iter=5000))
            model.fit(features[fold.train], labels[fold.train])
            return model.predict_proba(features[fold.test]), {}

        linear, _ = cross_validate(found, folds, learn, args.output / f"linear-{penalty:g}", tell=lambda _: None)
        print(told(f"linear on spectra, C = {penalty:g}", linear.accuracies), flush=True)
        if best is None or linear.accuracies.mean() > best.accuracies.mean():
            best = linear
    assert best is not None
    words = ["craquelure", "--data", str(crops), "--folds", str(FOLDS), "--in-order", "--apart"]
    if code := train.main([*words, "-o", str(args.output / "trained"), *more]):
        return code
    document = json.loads((args.output / "trained" / "evaluation.json").read_text(encoding="utf-8"))
    ours = np.array([fold["accuracy"] for fold in document["folds"]])
    with (args.output / "trained" / "predictions.csv").open(newline="", encoding="utf-8") as file:
        right = np.array([row["class"] == row["said"] for row in csv.DictReader(file)], np.float64)
    crops_error = (right - (best.said == best.truth)).std(ddof=1) / len(right) ** 0.5
    print(told("best linear model", best.accuracies))
    print(told("train craquelure", ours))
    print(told("difference", ours - best.accuracies))
    print(f"standard error of the difference over crops, as if neighbours were not alike: {crops_error:.3f}")
    print(
        f"most frequent class: {document['base_rate']:.3f}; {len(labels)} crops, {len(found.left_out)} twins left out"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
