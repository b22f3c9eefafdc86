"""The report of a validation: the numbers, a Bland-Altman plot, and the marked crop beside each count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from dl4art.cropping.plate import PX_PER_CM, Plate
from dl4art.cropping.threads import DIRECTIONS
from dl4art.regression.map_figures import COLOURS
from dl4art.regression.tracking import track_threads
from dl4art.regression.validation import Agreement, Checked
from dl4art.utils.pages import drawing, label_axes, write_page

_CROP_CM = 1.5
_MOST = 100  # crops that are shown; more make a page that no one reads


def agreement_rows(found: Agreement) -> list[tuple[str, str]]:
    """Give what an agreement says, for people: names and numbers."""

    def number(value: float | None, unit: str = " th/cm", digits: int = 2) -> str:
        return "" if value is None else f"{value:.{digits}f}{unit}"

    def share(value: float | None) -> str:
        return "" if value is None else f"{value:.0%}"

    limits = f"{number(found.lower_limit, '')} to {number(found.upper_limit)}" if found.compared else ""
    return [
        ("spots compared", f"{found.compared} of {found.spots}"),
        ("mean error", number(found.mean_error) + (f" ({found.relative_error:.1%})" if found.relative_error else "")),
        ("bias, map less manual", number(found.bias)),
        ("limits of agreement", limits),
        ("within 0.5 th/cm", share(found.within_half)),
        ("within 1 th/cm", share(found.within_one)),
        ("in the map's 95 % interval", share(found.in_interval)),
    ]


def draw_agreement(checked: Sequence[Checked], found: Agreement) -> Figure:
    """Draw differences against means, with the bias and the limits of agreement."""
    figure = Figure(figsize=(7.0, 3.4), layout="constrained")
    axes = figure.subplots()
    for direction in DIRECTIONS:
        pairs = [
            ((spot.manual.per_cm + spot.map_per_cm) / 2, spot.map_per_cm - spot.manual.per_cm)
            for spot in checked
            if spot.map_per_cm is not None and spot.manual.direction == direction
        ]
        if pairs:
            x, y = np.array(pairs).T
            axes.scatter(x, y, s=28, color=COLOURS[direction], label=f"{direction} threads")
    if found.bias is not None and found.lower_limit is not None and found.upper_limit is not None:
        axes.axhline(found.bias, color="#22252a", linewidth=1)
        for limit in (found.lower_limit, found.upper_limit):
            axes.axhline(limit, color="#22252a", linewidth=1, linestyle="--")
        axes.legend(frameon=False, fontsize=9, loc="lower right", bbox_to_anchor=(1, 1), ncols=2)
    axes.axhline(0, color="#b5b8bd", linewidth=0.8, zorder=0)
    label_axes(axes, "mean of both, threads per cm", "map less manual", fontsize=9)
    return figure


def draw_spot(plate: Plate, spot: Checked) -> Figure:
    """Draw the crop about a manual count: the stretch that was counted, and the threads as the program sees them."""
    manual = spot.manual
    width, height = (min(_CROP_CM, side) for side in plate.size_cm)
    left = float(np.clip(manual.x_cm - width / 2, 0, plate.size_cm[0] - width))
    top = float(np.clip(manual.y_cm - height / 2, 0, plate.size_cm[1] - height))
    crop = plate.sample(left, top, width, height)
    figure = Figure(figsize=(2.4, 2.4), layout="constrained")
    axes = figure.subplots()
    low, high = np.quantile(crop, [0.01, 0.99])
    axes.imshow(crop, cmap="gray", vmin=low, vmax=max(high, low + 1e-6), extent=(left, left + width, top + height, top))
    upright = manual.direction == "vertical"
    if spot.map_per_cm is not None and spot.other_per_cm is not None and min(crop.shape) >= PX_PER_CM:
        both = (spot.map_per_cm, spot.other_per_cm)
        tracked = track_threads(crop, *(both if upright else both[::-1])).labels
        for line in tracked.vertical if upright else tracked.horizontal:
            axes.plot(
                left + line[:, 0] / PX_PER_CM, top + line[:, 1] / PX_PER_CM, color=COLOURS["vertical"], linewidth=0.8
            )
    half = np.array([-0.5, 0.5]) * manual.width_cm
    x, y = (manual.x_cm + half, manual.y_cm + 0 * half) if upright else (manual.x_cm + 0 * half, manual.y_cm + half)
    axes.plot(x, y, color="#d62728", linewidth=1.8, marker="|" if upright else "_")
    axes.set_xlim(left, left + width)
    axes.set_ylim(top + height, top)
    axes.set_axis_off()
    return figure


def write_validation(
    path: str | Path, plate: Plate, checked: Sequence[Checked], found: Agreement, about: Mapping[str, Any]
) -> None:
    """Write the report as a page of HTML, pictures inside.

    Parameters
    ----------
    path : path
        The file; its folder must exist.
    plate : Plate
        What was counted on.
    checked : sequence of Checked
        From `dl4art.regression.validation.compare_counts`.
    found : Agreement
        What they come to.
    about : mapping
        Provenance.
    """
    spots = []
    for number, spot in enumerate(checked[:_MOST], start=1):
        manual = spot.manual
        what = f"{manual.count:g} {manual.direction} threads in {manual.width_cm:g} cm: {manual.per_cm:.2f} per cm"
        if spot.map_per_cm is None:
            says = "The map is blank there."
        else:
            says = f"Map {spot.map_per_cm:.2f} ({spot.low:.2f} to {spot.high:.2f}), {spot.difference:+.2f}."
        caption = f"{number}. x {manual.x_cm:g}, y {manual.y_cm:g} cm. {what}. {says}"
        spots.append(drawing(f"spot {number}", caption, draw_spot(plate, spot)))
    plot = drawing(
        "Differences",
        "Bland-Altman plot: the line is the bias, the dashed lines are the limits of agreement (95 in 100 spots).",
        draw_agreement(checked, found),
    )
    write_page(
        path,
        "regression/templates/validation.html",
        about,
        title=plate.path.name,
        rows=agreement_rows(found),
        plot=plot,
        spots=spots,
        left_out=max(0, len(checked) - _MOST),
    )
