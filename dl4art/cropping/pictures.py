"""PNG and JPEG plates. Neither can be decoded in part, so they are read whole, up to a limit."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, JpegImagePlugin, PngImagePlugin

from dl4art.cropping.scale import CM_PER_INCH, Scale
from dl4art.cropping.sources import ArraySource, ToGrey
from dl4art.utils.errors import InputError
from dl4art.utils.limits import WHOLE, check_memory

TILED = "Convert it to tiled TIFF, which is read piece by piece."
"""What to do about a picture that is too large to be decoded whole."""

_EXIF_ORIENTATION = 0x0112
_GREY_MODES = ("1", "L", "I", "F", "I;16", "I;16B", "I;16L")


@dataclass(frozen=True)
class Picture:
    """A picture in memory and what its file says of it."""

    source: ArraySource
    dtype: str
    orientation: int
    tag: Scale | None
    notes: tuple[str, ...]


def read_picture(path: Path, kind: str) -> Picture:
    """Read a PNG or JPEG file.

    Parameters
    ----------
    path : Path
        The file.
    kind : {'PNG', 'JPEG'}
        What its first bytes say it is.

    Raises
    ------
    InputError
        If it is damaged, cut short or above the limit.
    """
    # the plugins themselves, because Image.open stops at a limit of its own, made for web servers
    plugin = PngImagePlugin.PngImageFile if kind == "PNG" else JpegImagePlugin.JpegImageFile
    try:
        with warnings.catch_warnings(), open(path, "rb") as file:
            warnings.simplefilter("ignore")  # about odd metadata; what matters to us is checked below
            with plugin(file) as image:
                _check_size(path, image, kind)
                image.load()
                return _picture(image, kind)
    except InputError:
        raise
    except Exception as error:  # damaged bytes make the parser fail in any way
        raise InputError(f"{path}: damaged or cut short, not readable as {kind} ({error}). Copy it again.") from error


def _check_size(path: Path, image: Image.Image, kind: str) -> None:
    width, height = image.size
    WHOLE.check(path, width * height, f"a {kind} of {width} x {height} pixels, which must be decoded whole,", TILED)
    # decoded by Pillow, and copied into an array; modes such as I;16 and F have up to four bytes in a band
    check_memory(path, 2 * width * height * (4 if image.mode[0] in "IF" else len(image.getbands())))


def _picture(image: Image.Image, kind: str) -> Picture:
    notes: tuple[str, ...] = ()
    samples: Any = image
    if image.mode in ("LA", "La"):
        notes, samples = ("alpha left out",), image.getchannel(0)
    elif image.mode not in _GREY_MODES:
        notes = ("palette colours made grey" if image.mode in ("P", "PA") else "colours made grey",)
        if "A" in image.getbands() or "transparency" in image.info:
            notes += ("alpha left out",)
            samples = image.convert("RGBA")
        samples = samples.convert("RGB")
    array = np.array(samples)
    tag = None
    dpi = image.info.get("dpi")
    if dpi is not None:
        source = "PNG pHYs" if kind == "PNG" else "JPEG density"
        tag = Scale(float(dpi[0]) / CM_PER_INCH, float(dpi[1]) / CM_PER_INCH, source)
    orientation = image.getexif().get(_EXIF_ORIENTATION, 1)
    return Picture(
        source=ArraySource(array, ToGrey(colours=array.ndim == 3)),
        dtype=str(array.dtype),
        orientation=orientation if isinstance(orientation, int) else 1,
        tag=tag,
        notes=notes,
    )
