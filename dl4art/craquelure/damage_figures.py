"""Drawings of what a segmentation comes to: widths of cracks, sizes of islands, directions."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from dl4art.craquelure.measures import ROSE_BINS, DamageMeasures
from dl4art.craquelure.overlay import COLOURS
from dl4art.utils.pages import label_axes

_SIZE = (3.6, 2.7)
_INK, _SOFT, _LINE = "#22252a", "#6b7078", "#d9dbdf"
_BAR = COLOURS["craquelure"]
_PAINT = "#b9bcc2"


def draw_widths(found: DamageMeasures) -> Figure:
    """Draw how much of the cracks is how wide, in mm where the scale is known."""
    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.subplots()
    pixel = 1.0 if found.px_per_cm is None else 10 / found.px_per_cm
    shares = 100 * np.array(found.widths)
    # what is wider than 99 % of all is put into the last bar
    last = min(len(shares) - 1, max(4, int(np.searchsorted(np.cumsum(shares), 99.0))))
    shown = np.append(shares[:last], shares[last:].sum())
    axes.bar(pixel * np.arange(len(shown)), shown, width=0.9 * pixel, color=_BAR)
    axes.axvline(pixel * found.median_width_px, color=_INK, linewidth=1)
    axes.set_xlim(pixel * 0.3, pixel * (last + 0.7))
    axes.annotate(
        " median", (pixel * found.median_width_px, 1), xycoords=("data", "axes fraction"), va="top", fontsize=8
    )
    label_axes(axes, f"width, {_unit(found)}", "% of the length", fontsize=9)
    return figure


def draw_islands(found: DamageMeasures) -> Figure:
    """Draw how many islands there are of each size; every bar stands for sizes up to twice those of the one before."""
    figure = Figure(figsize=_SIZE, layout="constrained")
    axes = figure.subplots()
    pixel = 1.0 if found.px_per_cm is None else (10 / found.px_per_cm) ** 2
    counts = np.array(found.islands.octaves)
    first = int(np.flatnonzero(counts)[0])
    edges = pixel * 2.0 ** np.arange(first, len(counts) + 1)
    axes.bar(edges[:-1], counts[first:], width=0.92 * np.diff(edges), align="edge", color=_PAINT)
    axes.set_xscale("log")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}".replace(",", "\N{THIN SPACE}")))
    axes.axvline(pixel * found.islands.median, color=_INK, linewidth=1)
    axes.annotate(
        " median", (pixel * found.islands.median, 1), xycoords=("data", "axes fraction"), va="top", fontsize=8
    )
    axes.yaxis.set_major_locator(MaxNLocator(integer=True))
    unit = "px" if found.px_per_cm is None else "mm\N{SUPERSCRIPT TWO}"
    label_axes(axes, f"area, {unit}", "islands", fontsize=9)
    return figure


def draw_rose(found: DamageMeasures) -> Figure:
    """Draw how much of the cracks runs which way; both ends of each direction are shown."""
    figure = Figure(figsize=(_SIZE[1], _SIZE[1]), layout="constrained")
    axes = figure.subplots(subplot_kw={"projection": "polar"})
    angles = np.pi / ROSE_BINS * np.arange(2 * ROSE_BINS)
    # areas go with shares, as an eye reads them
    radii = np.sqrt(np.tile(found.rose, 2))
    axes.bar(angles, radii, width=0.92 * np.pi / ROSE_BINS, color=_BAR)
    even = np.sqrt(1 / ROSE_BINS)
    axes.plot(np.linspace(0, 2 * np.pi, 181), np.full(181, even), color=_INK, linewidth=0.8, linestyle=(0, (3, 2)))
    axes.set_ylim(0, 1.05 * max(even, radii.max()))
    axes.set_yticks([])
    axes.set_xticks(np.pi / 4 * np.arange(8), ["0°", "45°", "90°", "135°", "", "", "", ""])
    axes.tick_params(labelsize=8, pad=0)
    axes.set_axisbelow(True)
    axes.grid(color=_LINE, linewidth=0.6)
    axes.spines["polar"].set_color(_LINE)
    return figure


def _unit(found: DamageMeasures) -> str:
    return "px" if found.px_per_cm is None else "mm"
