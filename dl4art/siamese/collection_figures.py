"""Pictures of a collection: all similarities at once, and the tree of what is alike."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from scipy.cluster import hierarchy

from dl4art.siamese.collection import AllPairs

INK = "viridis"
BLANK = "#d9d9d9"
_NAMED = 120  # canvases up to which they are named
_ROW = 0.2  # inches for a name
_LONGEST = 28  # letters of a name that are shown
_LINE = "#4a4f57"


def draw_matrix(pairs: AllPairs, names: Sequence[str], order: Sequence[int]) -> Figure:
    """Draw the similarities of all pairs, alike canvases side by side; on the diagonal those of each one's halves.

    Parameters
    ----------
    pairs : AllPairs
        All pairs.
    names : sequence of str
        Of the canvases.
    order : sequence of int
        In which they are drawn.
    """
    count, margin = len(names), _margin(names)
    side = _side(count)
    figure = Figure(figsize=(side + margin + 1.4, side + margin + 0.9), layout="constrained")
    axes = figure.subplots()
    here = np.ix_(order, order)
    shown = np.where(pairs.has("excluded"), np.nan, pairs.similarity)[here]
    axes.set_facecolor(BLANK)
    image = axes.imshow(shown, cmap=INK, vmin=0, vmax=1, interpolation="none")
    rows, columns = np.nonzero(pairs.has("compatible")[here])
    if count <= _NAMED:
        size = max(1.0, min(7.0, 0.35 * 72 * side / count))
        axes.plot(columns, rows, "o", color="black", markersize=size, markerfacecolor="none", markeredgewidth=0.9)
    _name(axes, [names[place] for place in order])
    bar = figure.colorbar(image, ax=axes, shrink=min(0.8, 3.5 / side), aspect=20, pad=0.02)
    bar.set_label("similarity", fontsize=9)
    bar.ax.tick_params(labelsize=8)
    told: list[Artist] = [Patch(color=BLANK, label="excluded by the densities")]
    if count <= _NAMED:
        ring = Line2D([], [], linestyle="", marker="o", color="black", markerfacecolor="none", label="compatible")
        told.append(ring)
    figure.legend(handles=told, loc="outside lower left", ncols=2, frameon=False, fontsize=8)
    return figure


def draw_tree(tree: npt.NDArray[np.float64], names: Sequence[str], groups: Sequence[Sequence[int]]) -> Figure:
    """Draw the dendrogram.

    Parameters
    ----------
    tree : array
        From `dl4art.siamese.collection.cluster`.
    names : sequence of str
        Of the canvases.
    groups : sequence of sequences of int
        Canvases that hang together; each is marked with its number.
    """
    count = len(names)
    figure = Figure(figsize=(7.5, max(2.0, _side(count) + 0.9)), layout="constrained")
    axes = figure.subplots()
    drawn = hierarchy.dendrogram(tree, orientation="right", no_plot=True)
    for places, heights in zip(drawn["icoord"], drawn["dcoord"], strict=True):
        # leaves are ten apart in SciPy's picture, and the first in its middle
        axes.plot(heights, (np.array(places) - 5) / 10, color=_LINE, linewidth=1.0, clip_on=False)
    order = drawn["leaves"]
    axes.set_ylim(count - 0.5, -0.5)
    axes.set_xlim(1.02, -0.04)
    axes.set_xlabel("1 - mean similarity (1 where the densities exclude one cloth); numbers: groups", fontsize=9)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "left", "right"]].set_visible(False)
    axes.yaxis.tick_right()
    _name(axes, [names[place] for place in order], columns=False)
    colours = mpl.colormaps["tab10"]
    for number, group in enumerate(groups):
        rows, colour = [order.index(member) for member in group], colours(number % 10)
        if count > _NAMED:
            axes.plot([-0.02] * len(rows), rows, ".", markersize=3, color=colour, clip_on=False)
            continue
        for row in rows:
            axes.text(-0.02, row, f"{number + 1}", fontsize=8, weight="bold", color=colour, ha="center", va="center")
    return figure


def _name(axes: Axes, names: Sequence[str], *, columns: bool = True) -> None:
    """Write the names at the axes, if there is room for them."""
    axes.tick_params(length=0)
    if len(names) > _NAMED:
        axes.set_yticks([])
        axes.set_ylabel(f"{len(names)} canvases, in the order of collection.json", fontsize=9)
        if columns:
            axes.set_xticks([])
        return
    # a dollar sign would begin a formula
    shown = [_short(name).replace("$", r"\$") for name in names]
    axes.set_yticks(range(len(names)), shown, fontsize=8)
    if columns:
        axes.set_xticks(range(len(names)), shown, fontsize=8, rotation=90)


def _short(name: str) -> str:
    # the end of a name tells more often than its middle
    half = _LONGEST // 2
    return name if len(name) <= _LONGEST else f"{name[:half]}…{name[-half + 1 :]}"


def _side(count: int) -> float:
    """Inches for so many rows."""
    return max(1.6, _ROW * count) if count <= _NAMED else 10.0


def _margin(names: Sequence[str]) -> float:
    return 0.075 * min(_LONGEST, max(map(len, names))) if len(names) <= _NAMED else 0.3
