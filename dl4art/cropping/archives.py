"""Thread masks in NumPy archives: ``NAME_V.npz`` and ``NAME_H.npz`` beside a picture ``NAME.tif``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dl4art.utils.arrays import load_arrays
from dl4art.utils.errors import InputError
from dl4art.utils.files import atomic_path

Mask = NDArray[np.bool_]

_PICTURES = {".tif", ".tiff", ".png", ".jpg", ".jpeg"}


def archive_paths(path: str | Path) -> tuple[Path, Path]:
    """Name the archives of a picture's vertical and horizontal threads.

    Parameters
    ----------
    path : path
        The picture (which need not exist), either archive, or their common path without ``_V.npz``.
    """
    path = Path(path)
    if path.name.endswith(("_V.npz", "_H.npz")):
        path = path.with_name(path.name[: -len("_V.npz")])
    elif path.suffix.lower() in _PICTURES:
        path = path.with_suffix("")
    return path.with_name(f"{path.name}_V.npz"), path.with_name(f"{path.name}_H.npz")


def load_masks(path: str | Path) -> tuple[Mask, Mask]:
    """Read the masks of a picture's vertical and horizontal threads.

    Parameters
    ----------
    path : path
        As in `archive_paths`.

    Raises
    ------
    InputError
        If a mask is missing, is no NumPy archive with a two-dimensional field ``arr_0``, or their shapes differ.
    """
    paths = archive_paths(path)
    vertical, horizontal = map(_load, paths)
    if vertical.shape != horizontal.shape:
        raise InputError(f"{paths[0]} has shape {vertical.shape}, {paths[1]} {horizontal.shape}; they must be alike")
    return vertical, horizontal


def save_masks(path: str | Path, vertical: Mask, horizontal: Mask) -> tuple[Path, Path]:
    """Write the masks of a picture, field ``arr_0``, bool; the files, vertical threads first, or OutputError."""
    paths = archive_paths(path)
    for target, mask in zip(paths, (vertical, horizontal), strict=True):
        with atomic_path(target) as temporary:
            np.savez_compressed(temporary, mask)
    return paths


def _load(path: Path) -> Mask:
    try:
        mask = load_arrays(path, ["arr_0"])["arr_0"]
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; a picture's threads are in NAME_V.npz and NAME_H.npz") from error
    if mask.ndim != 2 or mask.dtype.kind not in "biuf":
        raise InputError(f"{path}: field 'arr_0' is {mask.dtype} of shape {mask.shape}, not a mask of shape (h, w)")
    return mask > 0
