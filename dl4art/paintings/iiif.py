"""Pictures from IIIF image services (Image API 2 and 3, iiif.io): in which size to ask, under which licence."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from dl4art.paintings.download import Fetcher
from dl4art.utils.errors import InputError

_INFO_BYTES = 1_000_000
_ACCEPT = "application/ld+json, application/json"


@dataclass(frozen=True)
class ServedPicture:
    """A picture as an image service offers it.

    Attributes
    ----------
    address : str
        Of the picture in the size that was asked for.
    licence, attribution : str
        What the service states; empty if nothing.
    """

    address: str
    licence: str
    attribution: str


def find_picture(fetcher: Fetcher, service: str, px: int) -> ServedPicture:
    """Ask an image service for the address of its picture.

    Parameters
    ----------
    fetcher : Fetcher
        Asks for ``info.json``.
    service : str
        Address of the service, with or without ``/info.json`` behind it.
    px : int
        The longer side, at most; a smaller picture is taken as it is, never enlarged.

    Raises
    ------
    InputError
        If there is no such service, or it speaks another version of the API.
    """
    base = service.strip().removesuffix("/info.json").rstrip("/")
    answer = fetcher.fetch(f"{base}/info.json", _ACCEPT, _INFO_BYTES)
    try:
        info = json.loads(answer.data)
        context = json.dumps(info["@context"])
        width, height = int(info["width"]), int(info["height"])
        level = json.dumps(info.get("profile", ""))
        sizes = [(int(size["width"]), int(size["height"])) for size in info.get("sizes", [])]
        licence = _text(info.get("rights") or info.get("license"))
        attribution = _text(info.get("attribution") or info.get("requiredStatement"))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise InputError(f"{base}/info.json describes no picture ({error!r}). Check the address.") from error
    version = next((number for number in (2, 3) if f"iiif.io/api/image/{number}/" in context), 0)
    if not version or width < 1 or height < 1:
        raise InputError(f"{base}/info.json is not of version 2 or 3 of the IIIF Image API. Give a picture's address.")
    size = _size((width, height), sizes, px, version, fixed="level0" in level)
    return ServedPicture(f"{base}/full/{size}/0/default.jpg", licence, attribution)


def _size(whole: tuple[int, int], sizes: list[tuple[int, int]], px: int, version: int, *, fixed: bool) -> str:
    """Write the size as the API wants it; level 0 serves only the sizes that it lists."""
    if max(whole) <= px:
        return "full" if version == 2 else "max"
    width = max(1, round(px * whole[0] / max(whole)))
    if not fixed:
        return f"{width},"
    fitting = [size for size in sizes if max(size) <= px]
    if not sizes:
        return "full" if version == 2 else "max"
    width, height = max(fitting) if fitting else min(sizes)
    return f"{width}," if version == 2 else f"{width},{height}"


def _text(value: Any) -> str:
    """Text of a statement, which may be a string, a list, or one of either by language."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "; ".join(filter(None, map(_text, value)))
    if isinstance(value, dict):
        # {"@value": "..."}, {"label": ..., "value": ...}, {"en": ["..."]}
        return _text(value.get("@value") or value.get("value") or next(iter(value.values()), ""))
    return ""
