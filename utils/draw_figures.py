"""Draw the picture of the README, ``docs/count.png``: sample crops, their threads and what the counter finds.

Run ``python utils/draw_figures.py`` after ``utils/make_samples.py`` and with the weights in place.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import NDArray

from dl4art.cropping import PX_PER_CM, read_plate
from dl4art.cropping.labels import read_labelme
from dl4art.regression import CombinedCounter, ThreadEstimate
from dl4art.regression.map_figures import COLOURS
from dl4art.utils.pages import png

ROOT = Path(__file__).parents[1]
CROPS = ("sample-029", "sample-021")


def show(axes: Axes, crop: NDArray[np.float32], title: str) -> None:
    """Show a crop with its axes in cm from the upper-left corner."""
    side = crop.shape[0] / PX_PER_CM
    axes.imshow(crop, cmap="gray", extent=(0, side, side, 0))
    axes.set(xticks=[0, 0.5, 1, 1.5], yticks=[0, 0.5, 1, 1.5], xlim=(0, side), ylim=(side, 0))
    axes.set_title(title, fontsize=10)
    axes.tick_params(labelsize=8)


def finding(estimate: ThreadEstimate, direction: str) -> str:
    """Say what was found in one direction."""
    value, low, high = (getattr(estimate, f"{direction}_{name}") for name in ("per_cm", "low", "high"))
    return f"{direction}: {value:.2f} per cm ({low:.2f} to {high:.2f})"


def draw(names: tuple[str, ...], output: Path) -> None:
    """Draw each crop as it is and with its centre-lines, and below it what the counter says."""
    crops = [read_plate(ROOT / "cropping" / "crops" / f"{name}.tif").sample() for name in names]
    estimates = CombinedCounter.from_pretrained().predict(crops)
    # the lowest seventh is left free for what was found
    figure = Figure(figsize=(6.2 * len(names), 3.7), layout=ConstrainedLayoutEngine(rect=(0, 0.15, 1, 0.85)))
    panels = figure.subplots(1, 2 * len(names), squeeze=False)[0]
    for place, (name, crop, estimate) in enumerate(zip(names, crops, estimates, strict=True)):
        plain, counted = panels[2 * place : 2 * place + 2]
        show(plain, crop, "a crop, in cm")
        show(counted, crop, "its threads")
        labels = read_labelme(ROOT / "cropping" / "labels" / f"{name}.json")
        left = (place + 0.22) / len(names)
        for height, (direction, colour) in zip((0.10, 0.03), COLOURS.items(), strict=True):
            for line in getattr(labels, direction):
                counted.plot(*(line.T / PX_PER_CM), color=colour, linewidth=0.9)
            figure.text(left, height, "\N{BLACK SQUARE}", color=colour, fontsize=12)
            figure.text(left + 0.012, height, finding(estimate, direction), fontsize=12)
    output.parent.mkdir(exist_ok=True)
    output.write_bytes(png(figure, dpi=130))


def main() -> None:
    """Draw it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "docs" / "count.png")
    mpl.use("agg")
    draw(CROPS, parser.parse_args().output)


if __name__ == "__main__":
    main()
