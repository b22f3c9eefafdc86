"""Tell simulated painters apart, and real ones where a folder of them is given.

    python utils/evaluate_painters.py -o runs/painters [--flat] [--data FOLDER --painters NAME NAME]

Simulated: three painters of 40 pictures each. The autoencoder is taught on 120 other pictures by the same painters,
without labels; classifiers are tested in 10 folds beside nearest neighbour and SVM on pixels, on the encoder's features
and on the pooled features. ``--flat`` adds the study's head on all features, which is slow.

Real: FOLDER holds, at any depth, a folder for each painter. The autoencoder is taught on the paintings of all others,
without labels. Windows are cut at seeded places from each painting of the painters named; windows of a painting are
never on both sides. There are as many folds as the painter with the fewest paintings allows, dealt out several times.
The windows lie in the output folder only while the script runs.

Cost on two quiet cores, about: 2 minutes for each autoencoder, 2 for each 10 folds, 10 with ``--flat``. An interrupted
run goes on where it was.
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from dl4art.utils.backend import load_keras

load_keras()
from dl4art.cropping.photographs import fingerprint, read_photograph  # noqa: E402 (Keras is loaded silently first)
from dl4art.paintings.autoencoder_training import AutoencoderSettings, train_autoencoder  # noqa: E402
from dl4art.paintings.heads import HeadSettings  # noqa: E402
from dl4art.paintings.painter_training import PainterSettings, train_painters  # noqa: E402
from dl4art.paintings.standard import read_all  # noqa: E402
from dl4art.simulation.painters import write_works  # noqa: E402
from dl4art.utils.class_folders import PHOTOGRAPHS, ClassFolders, read_class_folders  # noqa: E402
from dl4art.utils.cli import gather  # noqa: E402
from dl4art.utils.folds import largest_count  # noqa: E402
from dl4art.utils.tables import write_json  # noqa: E402
from dl4art.utils.windows import random_places  # noqa: E402

SIDE = 256
WINDOWS = 12
"""Cut from each painting."""
REPEATS = 5


def tell(text: str) -> None:
    """Print at once."""
    print(text, flush=True)


def teach(folder: Path, output: Path, settings: AutoencoderSettings) -> Path:
    """Teach an autoencoder on all pictures in a folder, a painting each."""
    paths = gather([folder], PHOTOGRAPHS)
    groups = [str(path.parent if path.parent.name.startswith("painting") else path) for path in paths]
    pictures = read_all(paths, settings.px, settings.fit)
    return train_autoencoder(settings, pictures, groups, output, fingerprint=str(folder.name), tell=tell).path


def evaluate_simulated(output: Path, settings: PainterSettings, *, count: int, flat: bool) -> None:
    """Test on simulated painters; results are in ``simulated`` and ``simulated-flat``."""
    px = settings.autoencoder.px
    write_works(output / "works", count, px)
    write_works(output / "other-works", count, px, seed=1)
    encoder = teach(output / "other-works", output / "encoder", settings.autoencoder)
    found = read_class_folders(output / "works", fingerprint)
    report(output / "simulated", settings, found, encoder)
    if flat:
        # so many weights learn their few pictures by heart in few epochs
        head = replace(settings.head, pooling="flat", epochs=20, patience=4)
        report(output / "simulated-flat", replace(settings, head=head), found, encoder)


def cut_paintings(paths: Sequence[Path], folder: Path, seed: int) -> None:
    """Write windows of paintings as ``folder/PAINTER/painting-N/``."""
    for number, path in enumerate(paths):
        photograph = read_photograph(path)
        place = folder / path.parent.name / f"painting-{number}"
        place.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng([seed, number])
        for window, (top, left) in enumerate(random_places(photograph.shape, SIDE, WINDOWS, rng)):
            pixels = photograph.read(top, top + SIDE, left, left + SIDE)
            Image.fromarray(pixels).save(place / f"window{window:02d}.png")


def evaluate_real(output: Path, data: Path, painters: Sequence[str], settings: PainterSettings) -> None:
    """Test on windows of real paintings; results are in ``real``."""
    paintings = gather([data], PHOTOGRAPHS)
    own = [path for path in paintings if path.parent.name in painters]
    others = [path for path in paintings if path.parent.name not in painters]
    try:
        cut_paintings(own, output / "windows", 0)
        cut_paintings(others, output / "other-windows", 1)
        encoder = teach(output / "other-windows", output / "real-encoder", settings.autoencoder)
        found = read_class_folders(output / "windows", fingerprint)
        most = largest_count(found.labels, found.groups)
        results = report(output / "real", replace(settings, folds=most, repeats=REPEATS), found, encoder)
        tell(by_painting(results, found, most))
    finally:
        for name in ("windows", "other-windows"):
            shutil.rmtree(output / name, ignore_errors=True)


def by_painting(folder: Path, found: ClassFolders, folds: int) -> str:
    """Say how many paintings are named rightly by the mean over their windows, and what that can mean."""
    names = sorted({*found.groups})
    truth = [found.labels[found.groups.index(name)] for name in names]
    right = []
    answers = [np.load(path, allow_pickle=False) for path in sorted((folder / "folds").glob("*.npz"))]
    for start in range(0, len(answers), folds):
        total = np.zeros((len(names), len(found.classes)))
        for answer in answers[start : start + folds]:
            for number, probability in zip(answer["numbers"], answer["probability"], strict=True):
                total[names.index(found.groups[number])] += probability
        right.append(int((total.argmax(axis=1) == truth).sum()))
    count, base = len(names), int(np.bincount(truth).max())
    share = float(np.mean(right)) / count
    # Wilson's interval, of one dealing: the dealings share their paintings
    z = 1.96
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * np.sqrt(share * (1 - share) / count + z * z / (4 * count**2))
    text = (
        f"paintings named rightly, of {count}: {', '.join(map(str, right))} in {len(right)} dealings, mean "
        f"{np.mean(right):.1f}, deviation {np.std(right, ddof=1):.1f}; the most frequent painter alone: {base}\n"
        f"what {count} paintings can mean (95 % interval of the share): {middle - half:.2f} to {middle + half:.2f}; "
        f"the most frequent painter alone has {base / count:.2f}"
    )
    write_json(folder / "by_painting.json", {"right": right, "paintings": count, "base": base})
    return text


def report(output: Path, settings: PainterSettings, found: ClassFolders, encoder: Path) -> Path:
    """Train, test, and print the figures."""
    train_painters(settings, found, output, encoder=encoder, tell=tell)
    tell(f"\n{output.name}\n{(output / 'evaluation.txt').read_text()}\n{(output / 'baselines.txt').read_text()}")
    return output


def main(words: Sequence[str] | None = None, **changes: Any) -> None:
    """Evaluate; `changes` are of the autoencoder and the head, for a quick look."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--flat", action="store_true", help="test the head on all features, too")
    parser.add_argument("--data", type=Path, help="folder of real painters")
    parser.add_argument("--painters", nargs="+", default=["van_Dyck", "Rembrandt_and_workshop"])
    parser.add_argument("--count", type=int, default=40, help="pictures of each simulated painter")
    args = parser.parse_args(words)
    args.output.mkdir(parents=True, exist_ok=True)
    settings = PainterSettings(
        head=replace(HeadSettings(), **changes.get("head", {})),
        autoencoder=replace(AutoencoderSettings(px=SIDE), **changes.get("autoencoder", {})),
        folds=changes.get("folds", 10),
    )
    evaluate_simulated(args.output, settings, count=args.count, flat=args.flat)
    if args.data is not None:
        evaluate_real(args.output, args.data, args.painters, settings)


if __name__ == "__main__":
    main()
