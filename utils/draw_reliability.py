"""Draw how far the shipped comparer's similarities are probabilities, ``siamese/results/reliability.png``.

    python utils/draw_reliability.py

Reads ``siamese/results.json``, which the last step of ``python -m dl4art.train comparer`` writes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from dl4art.siamese.comparison_figures import COLOURS
from dl4art.utils.errors import InputError
from dl4art.utils.files import atomic_path
from dl4art.utils.pages import png

ROOT = Path(__file__).parents[1] / "siamese"
AGAIN = "python -m dl4art.train comparer -o runs/fabrics"
Steps = list[tuple[float, float, float]]
"""Weight, mean similarity, and share of one cloth, of each step of similarity; from `calibration.reliability`."""


def read_steps(path: Path) -> dict[str, tuple[Steps, float]]:
    """Read the reliability table of each test set and its expected calibration error.

    Raises
    ------
    InputError
        If there is no such file, or the training that made it did not measure this.
    """
    try:
        results: dict[str, Mapping[str, Any]] = json.loads(path.read_text(encoding="utf-8"))
        canvases = {name: found["canvases"] for name, found in results.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: no results of a comparer's tests ({error!r}). Make them: {AGAIN}") from error
    known = {name: found for name, found in canvases.items() if "reliability" in found}
    if not known:
        raise InputError(
            f"{path}: has no reliability table: it was made before that was measured. Make it anew; where the "
            f"training is finished, only its last step runs: {AGAIN}"
        )
    return {name: (found["reliability"], found["calibration_error"]) for name, found in known.items()}


def draw_reliability(sets: Mapping[str, tuple[Steps, float]]) -> Figure:
    """Draw the share of one cloth over the similarity, and below how the weight lies; one colour for each set."""
    figure = Figure(figsize=(4.6, 5.2), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(4, 1))
    above.plot([0, 1], [0, 1], color=COLOURS["ink"], linewidth=0.8, linestyle=":", label="a probability")
    for place, (name, (steps, error)) in enumerate(sets.items()):
        weight, mean, share = (list(column) for column in zip(*steps, strict=True))
        colour = COLOURS["ab"[place % 2]]
        label = f"{name}: calibration error {error:.3f}"
        above.plot(mean, share, "-", marker="o", markersize=5, linewidth=1.2, color=colour, label=label)
        below.bar([value + 0.02 * place - 0.01 for value in mean], weight, width=0.02, color=colour)
    above.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), ylabel="share of one cloth")
    above.legend(fontsize=8, loc="upper left", frameon=False)
    below.set(xlabel="similarity (mean of a tenth of the scale)", ylabel="weight")
    return figure


def main() -> None:
    """Draw it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--results", type=Path, default=ROOT / "results.json", help="what a training has measured")
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "results" / "reliability.png")
    args = parser.parse_args()
    try:
        figure = draw_reliability(read_steps(args.results))
    except InputError as error:
        sys.exit(f"error: {error}")
    with atomic_path(args.output) as temporary:
        temporary.write_bytes(png(figure))


if __name__ == "__main__":
    main()
