"""Which canvas a crop is from, by its name, and an honest split: whole canvases, never crops of one on both sides."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np

SPLITS = ("train", "stop", "test")
"""To learn from, to know when to stop, and to be looked at once, at the end."""
_SHARE = 0.15  # of the canvases that go to 'stop', and as many to 'test'
# as dl4art names crops by their place on the plate, or a number
_ENDING = re.compile(r"(_x\d+\.\d+_y\d+\.\d+|[_-]\d+)$")


def canvas_of(name: str | Path) -> str:
    """Tell from the name of a crop which canvas it is from.

    It is the folder that the crop lies in. Of a crop that lies in none it is the name before the last number that
    follows a ``_`` or a ``-``: ``portrait_12`` is of ``portrait``. The place that `dl4art.cropping.export_crops`
    writes, ``_x001.500_y000.000``, counts as one number. A name without number is a canvas of its own.

    Parameters
    ----------
    name : path
        The crop, relative to the folder of all crops, without its suffix.
    """
    name = Path(name)
    if name.parent != Path("."):
        return name.parent.as_posix()
    return without_place(name.name)


def without_place(name: str) -> str:
    """Name of a crop without its place on the plate, or its number: what the plate is called."""
    return _ENDING.sub("", name) or name


def split_canvases(canvases: Iterable[str], seed: int = 0) -> dict[str, str]:
    """Deal out canvases to `SPLITS`.

    Parameters
    ----------
    canvases : iterable of str
        In any order; each counts once.
    seed : int
        Of the shuffling.

    Returns
    -------
    dict of str to str
        Canvas to split, canvases in alphabetical order. Of two canvases one is to train and one to test; from three on
        no split is empty. Empty if there are fewer than two: what was learnt would be tested on the same canvas.
    """
    names = sorted(set(canvases))
    if len(names) < 2:
        return {}
    held = max(1, round(_SHARE * len(names)))
    stop = held if len(names) > 2 else 0
    splits = ["test"] * held + ["stop"] * stop + ["train"] * (len(names) - held - stop)
    order = np.random.default_rng(seed).permutation(len(names)).tolist()
    return {name: splits[place] for name, place in zip(names, order, strict=True)}
