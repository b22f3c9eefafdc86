"""A weave match to look at: the maps of two canvases, laid so that the same threads stand above each other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from dl4art.siamese.weave_match import DirectionMatch
from dl4art.siamese.weave_profiles import GRID_CM, Direction, WeaveMap, weave_profile

_COLOURS = ("#0072b2", "#d55e00")  # told apart by colour-blind eyes too


def draw_match(a: WeaveMap, b: WeaveMap, match: DirectionMatch, names: tuple[str, str] = ("a", "b")) -> Figure:
    """Draw two aligned canvases and their profiles; axes in cm along the first one.

    Parameters
    ----------
    a, b : WeaveMap
        The maps.
    match : DirectionMatch
        What was found in them, e.g. the best of `dl4art.siamese.match_weaves`.
    names : (str, str)
        What the canvases are called.
    """
    figure = Figure(figsize=(8.0, 6.0), layout="constrained")
    *strips, lines = figure.subplots(3, 1, sharex=True)
    begin, end = (match.b_to_cm, match.b_from_cm) if match.flipped else (match.b_from_cm, match.b_to_cm)
    scale = (match.a_to_cm - match.a_from_cm) / (end - begin)
    directions = match.direction_a, match.direction_b
    left, right = np.inf, -np.inf
    for number, (found, direction) in enumerate(zip((a, b), directions, strict=True)):
        cells = _upright(found, direction)
        profile = weave_profile(found, direction)
        x = np.array([0.0, cells.shape[1] * found.step_cm])
        across = profile.start_cm + GRID_CM * np.arange(len(profile.density))
        if number:
            x, across = (match.a_from_cm + (place - begin) * scale for place in (x, across))
        level = float(np.nanmean(cells))
        strips[number].imshow(
            cells - level,
            extent=(x[0], x[1], cells.shape[0] * found.step_cm, 0),
            aspect="auto",
            cmap="RdBu_r",
            vmin=-1.5,
            vmax=1.5,
        )
        strips[number].set_title(f"{names[number]}: {direction} threads, {level:.1f} per cm", fontsize=9)
        lines.plot(across, profile.density - level, color=_COLOURS[number], linewidth=1.2, label=names[number])
        left, right = min(left, float(x.min())), max(right, float(x.max()))
    lines.axvspan(match.a_from_cm, match.a_to_cm, color="#f0f0f0", zorder=0)
    lines.set_xlim(left, right)
    lines.set_title(f"overlap {match.overlap_cm:.1f} cm, r = {match.r:.2f}, p = {match.p:.2g}", fontsize=9)
    lines.set_xlabel("cm", fontsize=8)
    lines.set_ylabel("threads per cm from the mean", fontsize=8)
    lines.legend(frameon=False, fontsize=8)
    for axes in (*strips, lines):
        axes.tick_params(labelsize=8)
    return figure


def _upright(found: WeaveMap, direction: Direction) -> npt.NDArray[np.float32]:
    return found.vertical if direction == "vertical" else found.horizontal.T
