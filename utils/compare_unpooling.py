"""Reconstruct pictures by bilinear upsampling and by true max-unpooling, with both losses: one table.

    python utils/compare_unpooling.py -o runs/unpooling [--data FOLDER]

Each autoencoder starts from the same seed and sees the same squares; errors are those on pictures held out, of the
simulated painters or of a folder of one's own. The colour shift is the mean difference of the reconstructions from the
pictures in levels of 255, in red, green and blue. About 2 minutes for each of the four on two quiet cores.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dl4art.utils.backend import load_keras

load_keras()
from dl4art.paintings import autoencoder_training as training  # noqa: E402 (Keras is loaded silently first)
from dl4art.paintings.autoencoder import LOSSES, UNPOOLINGS, answer  # noqa: E402
from dl4art.paintings.painter_training import write_reconstructions  # noqa: E402
from dl4art.paintings.standard import read_all  # noqa: E402
from dl4art.simulation.painters import write_works  # noqa: E402
from dl4art.utils.class_folders import PHOTOGRAPHS  # noqa: E402
from dl4art.utils.cli import gather  # noqa: E402
from dl4art.utils.tables import text_table, write_csv  # noqa: E402

COLUMNS = ("unpooling", "loss", "squared error", "of 255", "red", "green", "blue", "epochs")


def compare(pictures: Any, groups: Sequence[str], output: Path, settings: training.AutoencoderSettings) -> list[Any]:
    """Teach all four, and measure them on the pictures held out; a row for each."""
    held = pictures[training.hold_out(groups, settings.held, settings.seed)]
    rows = []
    for unpooling in UNPOOLINGS:
        for loss in LOSSES:
            chosen = replace(settings, unpooling=unpooling, loss=loss)
            folder = output / f"{unpooling}-{loss}"
            model = training.train_autoencoder(
                chosen,
                pictures,
                groups,
                folder,
                fingerprint=str(pictures.shape),
                tell=lambda text: print(text, flush=True),
            )
            network = training.open_autoencoder(model.path)[1]
            differences = np.clip(answer(network, held, 2), 0, 255) - held
            error = float(np.square(differences / 255).mean())
            shift = [f"{value:+.1f}" for value in differences.mean(axis=(0, 1, 2))]
            epochs = len((folder / "curve.csv").read_text().splitlines()) - 1
            figures = (unpooling, loss, f"{error:.5f}", f"{255 * error**0.5:.1f}", *shift, str(epochs))
            rows.append(dict(zip(COLUMNS, figures, strict=True)))
            write_reconstructions(network, held[:6], folder)
    write_csv(output / "unpooling.csv", COLUMNS, rows)
    return rows


def main(words: Sequence[str] | None = None, **changes: Any) -> None:
    """Compare; `changes` are of the settings, for a quick look."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--data", type=Path, help="pictures; simulated ones if left out")
    parser.add_argument("--count", type=int, default=40, help="pictures of each simulated painter")
    parser.add_argument("--epochs", type=int, default=training.AutoencoderSettings.epochs)
    args = parser.parse_args(words)
    settings = replace(training.AutoencoderSettings(epochs=args.epochs), **changes)
    args.output.mkdir(parents=True, exist_ok=True)
    if args.data is None:
        write_works(args.output / "works", args.count, settings.px)
    paths = gather([args.data or args.output / "works"], PHOTOGRAPHS)
    pictures = read_all(paths, settings.px, settings.fit)
    rows = compare(pictures, list(map(str, paths)), args.output, settings)
    print(text_table([COLUMNS, *(tuple(row.values()) for row in rows)], numeric=range(2, len(COLUMNS))))


if __name__ == "__main__":
    main()
