"""Pictures of how a classifier learns and errs, and of what it says of a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

_INK = "#2f5d8a"
_HELD = "#c8642b"
_LONGEST = 24  # letters of a name that are shown


def draw_confusion(confusion: npt.NDArray[np.int64], classes: Sequence[str]) -> Figure:
    """Draw a confusion matrix: counts, and in colour the share of each class.

    Parameters
    ----------
    confusion : ndarray of int, shape (classes, classes)
        True classes in rows.
    classes : sequence of str
        Names.
    """
    count = len(classes)
    side = max(2.5, 0.55 * count)
    figure = Figure(figsize=(side + 2.2, side + 1.2), layout="constrained")
    axes = figure.subplots()
    share = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for (row, column), value in np.ndenumerate(confusion):
        colour = "white" if share[row, column] > 0.55 else "black"
        axes.text(column, row, str(value), ha="center", va="center", color=colour, fontsize=9)
    named = [_short(name) for name in classes]
    axes.set_xticks(range(count), named, rotation=45, ha="right", rotation_mode="anchor", fontsize=9)
    axes.set_yticks(range(count), named, fontsize=9)
    axes.set_xlabel("called")
    axes.set_ylabel("is")
    figure.colorbar(image, ax=axes, shrink=0.8, label="share of the class")
    return figure


def draw_curves(
    curves: Sequence[Mapping[str, Sequence[float]]], measures: Sequence[str] = ("loss", "accuracy")
) -> Figure:
    """Draw learning curves, a line for each training.

    Parameters
    ----------
    curves : sequence of mappings
        Of each training, the values after each epoch by name, such as ``loss`` and ``val_loss``: `History.history` of
        Keras.
    measures : sequence of str
        What to draw, side by side.
    """
    figure = Figure(figsize=(4.2 * len(measures), 3.2), layout="constrained")
    for axes, measure in zip(figure.subplots(1, len(measures), squeeze=False)[0], measures, strict=True):
        for name, colour, what in ((measure, _INK, "learnt from"), (f"val_{measure}", _HELD, "held out")):
            for number, curve in enumerate(curve for curve in curves if name in curve):
                epochs = np.arange(1, len(curve[name]) + 1)
                axes.plot(epochs, curve[name], color=colour, linewidth=1, label="" if number else what)
        axes.set_xlabel("epoch")
        axes.set_ylabel(measure)
        if axes.lines:
            axes.legend(frameon=False, fontsize=8)
    return figure


def draw_confidence(names: Sequence[str], probability: npt.NDArray[np.floating], note: str = "") -> Figure:
    """Draw how probable each class is, a bar each.

    Parameters
    ----------
    names : sequence of str
        Of the classes.
    probability : ndarray, shape (classes,)
        Of each.
    note : str
        What has to be said below.
    """
    figure = Figure(figsize=(4.8, 1.0 + 0.4 * len(names)), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(names))[::-1]
    axes.barh(places, probability, color=_INK, height=0.6)
    for place, value in zip(places, probability, strict=True):
        axes.text(min(value, 0.9) + 0.01, place, f"{value:.0%}", va="center", fontsize=9, color="black")
    axes.set_yticks(places, [_short(name) for name in names])
    axes.set_xlim(0, 1)
    axes.set_xlabel("confidence")
    axes.spines[["top", "right"]].set_visible(False)
    if note:
        figure.text(0.02, -0.02, note, fontsize=7, va="top", wrap=True)
    return figure


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 3]}..."
