"""Tell real cloths apart with a comparer, beside what a plain spectrum can do, and print one table.

    DL4ART_DATA=/path/to/images python utils/evaluate_real_cloths.py [--model FOLDER] [--json result.json]

The pictures are photographs and scans of cloth, not radiographs, and are for evaluation only: nothing is ever fitted to
them. Each number is the area under the ROC curve of pairs of crops of one cloth against pairs of two cloths.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage
from sklearn.metrics import roc_auc_score

from dl4art.regression.spectral import spectral_peaks

Array = NDArray[np.float32]
Method = Callable[[Array], NDArray[np.floating[Any]]]
"""From n crops to the (n, n) scores of all pairs."""

CROP = 300
CORNER = 150
"""Side of the corners of a scan, px: the middles of most scans have a defect."""
PERIOD = 200 / 12
"""Period that vertical threads are rescaled to, px: 12 th/cm."""
READABLE_SCALES = (1, 2, 4, 5)
"""Scales of KTH-TIPS at which the finer threads of both cloths have two pixels or more."""


@dataclass(frozen=True)
class Crops:
    """Crops, and for each pair of them whether they are one cloth (1), two (0) or left out (-1)."""

    name: str
    pictures: Array
    truth: NDArray[np.int8]


def read_grey(path: Path) -> Image.Image:
    """Open a picture as floating-point grey."""
    with Image.open(path) as image:
        return image.convert("L").convert("F")


def cut(image: Image.Image, box: tuple[float, float, float, float]) -> Array:
    """Cut a box (left, top, right, bottom in px) and resize it to a crop."""
    return np.asarray(image.resize((CROP, CROP), Image.Resampling.BICUBIC, box=box), dtype=np.float32)


def fabrics(data: Path) -> Crops:
    """Four corners of each scan; crops of two scans in one group may be one cloth or not, and are left out."""
    folder = data / "2_siamese" / "glossary_fabrics"
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    pictures, scans, groups = [], [], []
    for scan, row in enumerate(rows):
        image = read_grey(folder / "images" / row["file"])
        right, bottom = image.width - CORNER, image.height - CORNER
        for x, y in ((0, 0), (right, 0), (0, bottom), (right, bottom)):
            pictures.append(cut(image, (x, y, x + CORNER, y + CORNER)))
            scans.append(scan)
            groups.append(row["fabric_group"])
    scan_numbers, group_names = np.array(scans), np.array(groups)
    one_scan = scan_numbers[:, None] == scan_numbers
    one_group = group_names[:, None] == group_names
    truth = np.where(one_scan, 1, np.where(one_group, -1, 0)).astype(np.int8)
    return Crops("fabrics: corners of one scan or of two groups", np.array(pictures), truth)


def kth(data: Path, scales: tuple[int, ...]) -> Crops:
    """Linen and cotton in three poses and three lights, the vertical threads of each pose brought to one period."""
    pictures, cloths = [], []
    for cloth in ("linen", "cotton"):
        folder = data / "2_siamese" / "kth_tips" / cloth
        for scale, first in product(scales, (1, 4, 7)):
            images = [
                read_grey(path)
                for number in range(first, first + 3)
                for path in folder.glob(f"*-scale_{scale}_im_{number}_grey.png")
            ]
            side = CROP * float(np.median([vertical_period(image) for image in images])) / PERIOD
            for image in images:
                left, top = (image.width - side) / 2, (image.height - side) / 2
                pictures.append(cut(image, (left, top, left + side, top + side)))
                cloths.append(cloth)
    names = np.array(cloths)
    truth = (names[:, None] == names).astype(np.int8)
    return Crops("KTH: linen or cotton, one thread period", np.array(pictures), truth)


def vertical_period(image: Image.Image, enlarged: int = 4) -> float:
    """Pixels from one vertical thread to the next; 18 to 75 threads in 200 px are looked for."""
    size = image.width * enlarged, image.height * enlarged
    picture = np.asarray(image.resize(size, Image.Resampling.BICUBIC))
    vertical, _ = spectral_peaks(picture, 200.0 * enlarged, lowest=18.0, highest=75.0)
    return 200.0 / vertical.density


def log_spectrum(pictures: Array, *, reach: int = 45, blur: float = 0.0) -> NDArray[np.floating[Any]]:
    """Cosine of log power spectra up to `reach` waves across a crop (30 in 1 cm); `blur` in waves forgives a little."""
    window = np.hanning(CROP)
    middle = slice(CROP // 2 - reach, CROP // 2 + reach + 1)
    vectors = []
    for picture in pictures:
        even = (picture - picture.mean()) / (picture.std() + 1e-6)
        power = np.abs(np.fft.fftshift(np.fft.fft2(even * window * window[:, None]))) ** 2
        power = power[middle, middle]
        spectrum = np.log1p(ndimage.gaussian_filter(power, blur) if blur else power)
        vectors.append((spectrum - spectrum.mean()).ravel())
    table = np.array(vectors)
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    cosines: NDArray[np.floating[Any]] = table @ table.T
    return cosines


def area(crops: Crops, scores: NDArray[np.floating[Any]]) -> float:
    """Area under the ROC curve over all pairs that are not left out."""
    above = np.triu(crops.truth >= 0, 1)
    return float(roc_auc_score(crops.truth[above], scores[above]))


def evaluate(sets: list[Crops], methods: dict[str, Method], say: Callable[[str], None] = print) -> dict[str, Any]:
    """Run every method on every set, print the table line by line, and give back its numbers."""
    result: dict[str, Any] = {}
    say(f"{'set':48s} {'pairs':>6s} {'one cloth':>9s}  " + "  ".join(f"{name:>21s}" for name in methods))
    for crops in sets:
        above = np.triu(crops.truth >= 0, 1)
        areas = {name: area(crops, method(crops.pictures)) for name, method in methods.items()}
        pairs, same = int(above.sum()), int(crops.truth[above].sum())
        say(f"{crops.name:48s} {pairs:6d} {same:9d}  " + "  ".join(f"{value:21.3f}" for value in areas.values()))
        result[crops.name] = {"pairs": pairs, "one cloth": same, "auc": areas}
    return result


def main() -> int:
    """Read the arguments, evaluate, print."""
    parser = argparse.ArgumentParser(description="Evaluate a comparer on the folder of real test images.")
    parser.add_argument("--model", metavar="NAME|FOLDER", help="the comparer (default: the one that is shipped)")
    parser.add_argument("--no-network", action="store_true", help="only what a plain spectrum can do")
    parser.add_argument("--json", type=Path, metavar="FILE", help="save all numbers")
    arguments = parser.parse_args()
    folder = os.environ.get("DL4ART_DATA")
    if not folder or not Path(folder).is_dir():
        print("DL4ART_DATA does not name a folder; set it to the folder of real test images", file=sys.stderr)
        return 2
    methods: dict[str, Method] = {
        "log spectrum": log_spectrum,
        "log spectrum, blurred": lambda pictures: log_spectrum(pictures, blur=1.0),
    }
    if not arguments.no_network:
        from dl4art.siamese import FabricComparer

        comparer = FabricComparer.from_pretrained(arguments.model)
        methods["network"] = lambda pictures: comparer.score_pairs(pictures, pictures)
    data = Path(folder)
    result = evaluate([fabrics(data), kth(data, READABLE_SCALES)], methods)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
