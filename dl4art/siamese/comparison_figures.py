"""Pictures of a comparison: where its crops lie, what their pairs score, where the canvases fall among known ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from dl4art.cropping.plate import Plate
from dl4art.siamese.calibration import Calibration
from dl4art.siamese.comparison import CanvasRecord, Comparison
from dl4art.siamese.similarity import PairScores

COLOURS = {"a": "#0072b2", "b": "#d55e00", "same": "#009e73", "different": "#8c8c8c", "ink": "#22252a"}
"""Told apart by colour-blind eyes too."""
_LONG_SIDE_PX = 1000
_FAR = np.log(100.0)  # log likelihood ratios are shown no farther out, as they are told no farther


def draw_plate(plate: Plate, record: CanvasRecord, colour: str) -> Figure:
    """Draw a plate, reduced, with the crops that were used; axes in cm.

    Parameters
    ----------
    plate : Plate
        The plate.
    record : CanvasRecord
        What the comparison says of it.
    colour : str
        Of the crops.
    """
    width, height = plate.size_cm
    seen = plate.sample(0, 0, width, height, px_per_cm=min(plate.px_per_cm, _LONG_SIDE_PX / max(width, height)))
    scale = 4.2 / max(width, height)
    figure = Figure(figsize=(max(2.2, width * scale), max(2.2, height * scale)), layout="constrained")
    axes = figure.subplots()
    low, high = np.nanquantile(seen, [0.005, 0.995])
    axes.imshow(seen, cmap="gray", vmin=low, vmax=max(high, low + 1e-6), extent=(0, width, height, 0))
    for x, y in record.positions_cm:
        axes.add_patch(Rectangle((x, y), record.crop_cm, record.crop_cm, fill=False, edgecolor=colour, linewidth=1.3))
    axes.tick_params(labelsize=8)
    axes.set_xlabel("cm", fontsize=8)
    return figure


def draw_densities(result: Comparison) -> Figure:
    """Draw the mean densities of both canvases: intervals of the means thick, spreads of the crops thin."""
    figure = Figure(figsize=(7.0, 1.9), layout="constrained")
    axes = figure.subplots()
    rows = [(name, letter) for name in ("vertical", "horizontal") for letter in ("a", "b")]
    for place, (name, letter) in zip((0.0, 0.6, 1.6, 2.2), rows, strict=True):
        record, colour = getattr(result, letter), COLOURS[letter]
        mean, low, high, spread = (getattr(record, f"{name}_{end}") for end in ("per_cm", "low", "high", "sd"))
        axes.plot([mean - spread, mean + spread], [place, place], color=colour, linewidth=1)
        axes.plot([low, high], [place, place], color=colour, linewidth=5, solid_capstyle="butt")
        axes.plot(mean, place, "o", color="white", markeredgecolor=colour, markersize=5)
        axes.annotate(letter.upper(), (mean, place), (0, 7), textcoords="offset points", ha="center", fontsize=8)
    axes.set_yticks([0.3, 1.9], ["vertical", "horizontal"], fontsize=9)
    axes.set_ylim(2.7, -0.7)
    axes.margins(x=0.1)
    _plain(axes, "threads per cm")
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)
    return figure


def draw_standing(result: Comparison, calibration: Calibration) -> Figure:
    """Draw where the similarity falls among those of known canvases, by likelihood ratio."""
    figure = Figure(figsize=(7.0, 2.6), layout="constrained")
    axes = figure.subplots()
    bins = np.linspace(-_FAR, _FAR, 33)
    for kind, label in (("different", "different cloths, about the same densities"), ("same", "one cloth")):
        counts, _ = np.histogram(_log_odds(_thousand(getattr(calibration, kind))), bins)
        axes.stairs(counts / 10, bins, fill=True, alpha=0.55, color=COLOURS[kind], label=label)
    low, middle, high = _log_odds([result.low, result.similarity, result.high])
    axes.axvspan(low, high, color=COLOURS["ink"], alpha=0.12, linewidth=0)
    axes.axvline(middle, color=COLOURS["ink"], linewidth=1.6, label="these two, with their interval")
    ticks = np.array([0.01, 0.1, 1, 10, 100])
    axes.set_xticks(np.log(ticks), ["≤ 0.01", "0.1", "1", "10", "≥ 100"])
    axes.set_yscale("symlog", linthresh=4)
    axes.set_yticks([0, 2, 4, 10, 30, 100], ["0", "2", "4", "10", "30", "100"])
    axes.set_ylabel("% of known pairs", fontsize=9)
    axes.legend(frameon=False, fontsize=8, loc="upper center")
    _plain(axes, "likelihood ratio of one cloth")
    return figure


def draw_pair_scores(scores: PairScores, controls: Sequence[PairScores], calibration: Calibration) -> Figure:
    """Draw the scores of all pairs of crops: of the two canvases, and of each with itself.

    Parameters
    ----------
    scores : PairScores
        Of the crops of the one canvas and those of the other.
    controls : two PairScores
        Of the crops of each canvas among themselves.
    calibration : Calibration
        Knows the scores of known canvases, if any.
    """
    figure = Figure(figsize=(7.0, 2.4), layout="constrained")
    axes = figure.subplots()
    sets = [(scores.logits.ravel(), COLOURS["ink"], "A with B")]
    for letter, own in zip("ab", controls, strict=True):
        pairs = own.logits[np.triu_indices(len(own.logits), 1)]
        sets.append((pairs, COLOURS[letter], f"{letter.upper()} with itself"))
    ends = np.quantile(np.concatenate([values for values, _, _ in sets]), [0.005, 0.995])
    bins = np.linspace(ends[0], max(ends[1], ends[0] + 1e-3), 41)
    for values, colour, label in sets:
        counts, _ = np.histogram(np.clip(values, bins[0], bins[-1]), bins)
        axes.stairs(100 * counts / max(1, len(values)), bins, color=colour, linewidth=1.5, label=label)
    for kind, label in (("different", "known: different cloths"), ("same", "known: one cloth")):
        if known := getattr(calibration, f"pair_{kind}"):
            counts, _ = np.histogram(np.clip(_thousand(known), bins[0], bins[-1]), bins)
            axes.stairs(counts / 10, bins, fill=True, alpha=0.4, color=COLOURS[kind], label=label, zorder=0)
    axes.axvline(0, color="#b5b8bd", linewidth=0.8, zorder=0)
    axes.set_ylabel("% of pairs", fontsize=9)
    axes.legend(frameon=False, fontsize=8)
    _plain(axes, "pair score, log odds of one cloth")
    return figure


def draw_crop_pair(first: npt.NDArray[np.float32], second: npt.NDArray[np.float32]) -> Figure:
    """Draw two crops side by side, at one scale."""
    figure = Figure(figsize=(3.3, 1.75), layout="constrained")
    for axes, crop, letter in zip(figure.subplots(1, 2), (first, second), "ab", strict=True):
        low, high = np.quantile(crop, [0.01, 0.99])
        axes.imshow(crop, cmap="gray", vmin=low, vmax=max(high, low + 1e-6))
        axes.set_xticks([])
        axes.set_yticks([])
        for spine in axes.spines.values():
            spine.set_color(COLOURS[letter])
            spine.set_linewidth(2)
    return figure


def _thousand(quantiles: Sequence[float]) -> npt.NDArray[np.float64]:
    """Give a thousand values that fall as the known ones do, of which these are the quantiles."""
    return np.interp(np.linspace(0, 1, 1000), np.linspace(0, 1, len(quantiles)), quantiles)


def _log_odds(similarity: npt.ArrayLike) -> npt.NDArray[np.float64]:
    values = np.clip(np.asarray(similarity, np.float64), 1e-9, 1 - 1e-9)
    result: npt.NDArray[np.float64] = np.clip(np.log(values / (1 - values)), -_FAR, _FAR)
    return result


def _plain(axes: Axes, x: str) -> None:
    axes.set_xlabel(x, fontsize=9)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
