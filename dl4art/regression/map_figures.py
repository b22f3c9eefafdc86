"""Pictures of a map: density, deviation from the mean, angle, histogram; axes in cm from the upper-left corner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dl4art.cropping.areas import Polygon
from dl4art.cropping.threads import DIRECTIONS
from dl4art.regression.map_summary import BIN, EdgeSwing, MapSummary
from dl4art.regression.maps import ThreadMap
from dl4art.utils.pages import label_axes

Limits = tuple[float, float]
BLANK = "#d9d9d9"
COLOURS = {"vertical": "#e69f00", "horizontal": "#56b4e9"}
"""Told apart by colour-blind eyes too."""
_INK = {"density": "viridis", "deviation": "RdBu_r", "angle": "PuOr"}
_UNITS = {"density": "threads per cm", "deviation": "threads per cm from the mean", "angle": "degrees"}
_LONG_SIDE = 4.0  # inches


@dataclass(frozen=True)
class ColourLimits:
    """What the ends of the colour scales mean; found from the map where None."""

    density: Limits | None = None
    deviation: float | None = None
    angle: float | None = None


def draw_map(
    found: ThreadMap,
    quantity: str,
    limits: ColourLimits,
    outlines: Mapping[str, Sequence[Polygon]] | None = None,
) -> Figure:
    """Draw both directions of one quantity side by side, or one above the other if the plate is wide.

    Parameters
    ----------
    found : ThreadMap
        The map.
    quantity : {'density', 'deviation', 'angle'}
        What is drawn.
    limits : ColourLimits
        Both directions have scales of their own where the limits of densities are left to be found.
    outlines : mapping of str to sequence of Polygon, optional
        Regions to draw, by name.
    """
    step = found.step_cm
    width, height = found.x_cm[-1] + step / 2, found.y_cm[-1] + step / 2
    wide = width > 1.3 * height
    scale = _LONG_SIDE / max(width, height)
    panel = max(2.4, width * scale) + 1.2, max(2.0, height * scale) + 0.6
    size = (panel[0], 2 * panel[1]) if wide else (2 * panel[0], panel[1])
    figure = Figure(figsize=size, layout="constrained")
    panels = figure.subplots(2, 1) if wide else figure.subplots(1, 2)
    values = _values(found, quantity)
    for axis, (direction, axes) in enumerate(zip(DIRECTIONS, panels, strict=True)):
        low, high = _limits(values[..., axis], quantity, limits)
        image = axes.imshow(
            values[..., axis],
            extent=(0, width, height, 0),
            cmap=_INK[quantity],
            vmin=low,
            vmax=high,
            interpolation="none",
        )
        axes.set_facecolor(BLANK)
        axes.set_title(f"{direction} threads", fontsize=10)
        label_axes(axes, "cm", "cm", fontsize=8, frame=True)
        _outline(axes, outlines or {})
        bar = figure.colorbar(image, ax=axes, shrink=0.85)
        bar.set_label(_UNITS[quantity], fontsize=8)
        bar.ax.tick_params(labelsize=8)
    return figure


def draw_histogram(summary: MapSummary) -> Figure:
    """Draw how often each density occurs, both directions on one axis."""
    figure = Figure(figsize=(7.0, 2.6), layout="constrained")
    axes = figure.subplots()
    histogram = summary.histogram
    for direction in DIRECTIONS:
        counts = getattr(histogram, direction)
        edges = histogram.start + BIN * np.arange(len(counts) + 1)
        if len(counts):
            axes.stairs(counts, edges, fill=True, alpha=0.75, color=COLOURS[direction], label=f"{direction} threads")
    label_axes(axes, "threads per cm", "cells", fontsize=9)
    if histogram.vertical:
        axes.legend(frameon=False, fontsize=9)
    return figure


def _values(found: ThreadMap, quantity: str) -> NDArray[Any]:
    if quantity == "angle":
        return found.angle
    if quantity == "density":
        return found.density
    known = np.isfinite(found.density).any()
    mean = np.nanmean(found.density, axis=(0, 1)) if known else np.zeros(2)
    deviation: NDArray[Any] = found.density - mean
    return deviation


def _limits(values: NDArray[Any], quantity: str, limits: ColourLimits) -> Limits:
    known = values[np.isfinite(values)]
    if quantity == "density":
        if limits.density is not None:
            return limits.density
        if not known.size:
            return 0.0, 1.0
        # all but the outermost hundredths, and never less than half a thread: an even cloth should look even
        low, high = np.quantile(known, [0.01, 0.99])
        middle, half = (low + high) / 2, max(0.25, (high - low) / 2)
        return float(middle - half), float(middle + half)
    stated = limits.deviation if quantity == "deviation" else limits.angle
    least = 0.25 if quantity == "deviation" else 1.0
    half = stated or max(least, float(np.quantile(np.abs(known), 0.99)) if known.size else least)
    return -half, half


def draw_edges(edges: Mapping[str, EdgeSwing]) -> Figure:
    """Draw how the threads along each edge of a plate lean, beside those farther inside.

    Parameters
    ----------
    edges : mapping of str to EdgeSwing
        From `dl4art.regression.map_summary.edge_swings`.
    """
    figure = Figure(figsize=(7.0, 4.2), layout="constrained")
    panels = figure.subplots(2, 2, sharey=True).ravel()
    for (name, edge), axes in zip(edges.items(), panels, strict=False):
        axes.axhline(0, color="#b5b8bd", linewidth=0.8)
        axes.plot(edge.place_cm, edge.inside, color="#9aa0a6", linewidth=1.2, label="inside")
        axes.plot(edge.place_cm, edge.angle, color=COLOURS[edge.direction], linewidth=1.6, label="along the edge")
        axes.set_title(f"{name}: {edge.direction} threads", fontsize=9)
        label_axes(axes, "cm", "degrees", fontsize=8)
    panels[0].legend(frameon=False, fontsize=8)
    for axes in panels[len(edges) :]:
        axes.set_visible(False)
    return figure


def _outline(axes: Axes, outlines: Mapping[str, Sequence[Polygon]]) -> None:
    for name, polygons in outlines.items():
        for corners in polygons:
            closed = np.concatenate([corners, corners[:1]])
            axes.plot(closed[:, 0], closed[:, 1], color="black", linewidth=1.0)
            axes.annotate(
                name,
                (corners[:, 0].min(), corners[:, 1].min()),
                xytext=(2, 2),
                textcoords="offset points",
                fontsize=7,
                color="black",
            )
