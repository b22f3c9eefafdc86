"""Weights of others, looked at before anything believes them.

Keras reads HDF5, a format in which a small file can name other files, or claim arrays that fill any memory. Neither is
in what Keras writes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dl4art.utils.errors import InputError, ModelError
from dl4art.utils.limits import ARRAYS

_LARGEST_SIDE = 4096
_AGAIN = "Copy the whole model folder again; if you do not know where it is from, do not use it."


def check_weights(path: str | Path) -> None:
    """Check that a file of weights holds plain numbers only, no more than the limit, and leads nowhere else.

    Raises
    ------
    ModelError
        If it does not, or is no HDF5.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            total = _bytes_in(file)
        ARRAYS.check(path, total, "what it unpacks to")
    except InputError as error:
        raise ModelError(str(error)) from error
    # HDF5 fails in many ways over damaged bytes
    except Exception as error:
        raise ModelError(f"{path}: holds no weights that can be read safely ({error}). {_AGAIN}") from error


def _bytes_in(file: Any) -> int:
    import h5py

    seen, left, total = set(), [file], 0
    while left:
        group = left.pop()
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise ValueError(f"{name!r} is a link to somewhere else")
            node = group[name]
            # the same under two names counts once, and a circle comes to an end
            if (place := h5py.h5o.get_info(node.id).addr) in seen:
                continue
            seen.add(place)
            if isinstance(node, h5py.Group):
                left.append(node)
                continue
            if node.external or node.is_virtual:
                raise ValueError(f"{name!r} lies in other files")
            if node.dtype.kind not in "fiub":
                raise ValueError(f"{name!r} holds no numbers, but {node.dtype}")
            total += node.size * node.dtype.itemsize
    return total


def check_sides(folder: Path, sides: Any, count: int | None = None) -> tuple[int, ...]:
    """Check the channels of a network that a configuration names, before it is built.

    Parameters
    ----------
    folder : Path
        The model folder, for the message.
    sides : sequence of int
        As the configuration says.
    count : int, optional
        How many there must be.

    Raises
    ------
    ModelError
        If one is no number from 1 to 4096, or there are others than `count`.
    """
    fits = (
        isinstance(sides, Sequence)
        and not isinstance(sides, str)
        and len(sides) in ([count] if count else range(1, 100))
    )
    if not fits or not all(type(side) is int and 1 <= side <= _LARGEST_SIDE for side in sides):
        raise ModelError(
            f"{folder / 'config.json'}: {str(sides)[:80]} instead of {count or 'some'} numbers of channels from 1 to "
            f"{_LARGEST_SIDE}. {_AGAIN}"
        )
    return tuple(sides)
