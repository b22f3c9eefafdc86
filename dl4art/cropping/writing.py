"""Crops on disk: grey TIFFs that carry their resolution and where they come from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dl4art import __version__
from dl4art.utils.errors import InputError
from dl4art.utils.files import atomic_path


def write_crop(
    path: str | Path,
    pixels: NDArray[Any],
    px_per_cm: float,
    description: Mapping[str, Any],
    *,
    compression: str | None = None,
) -> None:
    """Write a grey picture as a TIFF whose tags state its resolution, whole or not at all.

    Parameters
    ----------
    path : path
        The file; its folder must exist.
    pixels : array of shape (rows, columns), uint8 (or uint16, float32)
        The picture.
    px_per_cm : float
        Its scale, stored as TIFF resolution per centimetre.
    description : mapping
        What is known of the picture, stored as JSON in ImageDescription; the version of dl4art is added.
    compression : str, optional
        A lossless one by tifffile's name, for instance 'deflate'; none if left out.

    Raises
    ------
    InputError
        If `pixels` is not a grey picture.
    OutputError
        If the file cannot be written.
    """
    import tifffile

    pixels = np.ascontiguousarray(pixels)
    if pixels.ndim != 2 or pixels.dtype not in (np.uint8, np.uint16, np.float32):
        raise InputError(f"{path}: an array of shape {pixels.shape} and type {pixels.dtype} is not a crop.")
    with atomic_path(path) as temporary:
        tifffile.imwrite(
            temporary,
            pixels,
            photometric="minisblack",
            compression=compression,
            resolution=(px_per_cm, px_per_cm),
            resolutionunit="CENTIMETER",
            description=json.dumps({**description, "dl4art": __version__}),
            software=f"dl4art {__version__}",
            metadata=None,
        )


def read_description(path: str | Path) -> dict[str, Any]:
    """Give back the description that `write_crop` stored; empty if the file has none."""
    import tifffile

    with tifffile.TiffFile(path) as tif:
        text = tif.pages[0].tags.valueof("ImageDescription", "")
    try:
        found = json.loads(text)
    except (TypeError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
