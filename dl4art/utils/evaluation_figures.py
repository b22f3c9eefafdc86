"""Pictures of how a classifier learns and errs, and of what it says of a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from dl4art.utils.evaluation import Evaluation

_INK = "#2f5d8a"
_HELD = "#c8642b"
_ACROSS = 8  # pictures on a sheet
MOST_BARS = 200
"""In one chart: files of pictures have a largest side."""
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


def draw_opinions(
    names: Sequence[str], classes: Sequence[str], shares: Sequence[Sequence[float]], note: str = ""
) -> Figure:
    """Draw how probable each class is: a bar each for one picture, a bar with parts for each of several.

    Of more than `MOST_BARS` pictures the first are drawn, and it is said so.

    Parameters
    ----------
    names : sequence of str
        Of the pictures.
    classes : sequence of str
        Names.
    shares : sequence of sequences of float
        Probability of each class, for each picture.
    note : str
        What has to be said below.
    """
    alone = len(names) == 1
    if len(names) > MOST_BARS:
        note = "\n".join(filter(None, [f"the first {MOST_BARS} of {len(names)} photographs", note]))
        names, shares = names[:MOST_BARS], shares[:MOST_BARS]
    labels = [_short(name) for name in (classes if alone else names)]
    places = np.arange(len(labels))[::-1]
    figure = Figure(figsize=(5.6, 1.5 + max(0.4 if alone else 0.25, 0) * len(labels)), layout="constrained")
    axes = figure.subplots()
    if alone:
        axes.barh(places, shares[0], color=_INK, height=0.6)
        for place, value in zip(places, shares[0], strict=True):
            axes.text(value + 0.01, place, f"{value:.0%}", va="center", fontsize=9)
        axes.set_title(_short(names[0]), fontsize=9)
    else:
        start = np.zeros(len(names))
        for number, name in enumerate(classes):
            values = np.array([share[number] for share in shares])
            axes.barh(places, values, left=start, height=0.7, label=_short(name))
            start = start + values
        figure.legend(loc="outside upper center", ncols=min(4, len(classes)), frameon=False, fontsize=8)
    axes.set_yticks(places, labels, fontsize=8)
    axes.set_xlim(0, 1.08 if alone else 1)
    axes.set_xlabel("confidence" + (f"\n{note}" if note else ""), fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def draw_answers(
    windows: Sequence[npt.NDArray[np.uint8]],
    shown: Sequence[tuple[int, npt.NDArray[np.floating]]],
    evaluation: Evaluation,
    names: Sequence[str],
) -> Figure:
    """Draw pictures with what was said of them: right answers in blue, wrong ones in orange.

    Parameters
    ----------
    windows : sequence of ndarray of uint8, shape (side, side, channels)
        A window of each; of other than three channels the first is shown.
    shown : sequence of (int, ndarray)
        From `Evaluation.sample`.
    evaluation : Evaluation
        It knows the truth.
    names : sequence of str
        Of all pictures.
    """
    rows = max(1, -(-len(shown) // _ACROSS))
    figure = Figure(figsize=(1.5 * _ACROSS, 2.0 * rows), layout="constrained")
    for axes in (grid := figure.subplots(rows, _ACROSS, squeeze=False).ravel()):
        axes.axis("off")
    for axes, window, (number, probability) in zip(grid, windows, shown, strict=False):
        axes.imshow(window if window.shape[-1] == 3 else window[..., 0], cmap="gray", vmin=0)
        true, said = evaluation.labels[number], int(probability.argmax())
        classes = [_short(evaluation.classes[label]) for label in (true, said)]
        told = f"{classes[1]} {probability[said]:.0%}" + ("" if true == said else f"\nis {classes[0]}")
        axes.set_title(told, color=_INK if true == said else _HELD, fontsize=7)
        axes.text(
            0.5, -0.03, _short(Path(names[number]).name), transform=axes.transAxes, ha="center", va="top", fontsize=5
        )
    return figure


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 3]}..."
