"""How many pixels make a centimetre. Never guessed: the file says it, or the user does."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dl4art.utils.errors import ScaleError

CM_PER_INCH = 2.54
CROP_PX = 300
"""A crop without a scale has this many rows and columns ..."""
CROP_PX_PER_CM = 200.0
"""... and, if the user lets us assume it, this scale: 1.5 cm, as crops for thread counting have been cut for years."""

_SCREEN_DPI = (72.0, 96.0)
_SCREEN_TOLERANCE = 0.015  # 28 px/cm is how some programs round 72 dpi
_PLAUSIBLE = (10.0, 20000.0)  # px/cm; below, the coarsest canvas has under two pixels to a thread
_COARSE = 60.0  # px/cm; below, fine cloth (26 threads per cm) has hardly two pixels to a thread
_WILD = 2.0
_LONGEST_CM = 3000.0  # the longest of paintings on canvas, panoramas left out
_SQUARE = 1.01
_OPTIONS = "State the scale: --px-per-cm N, --dpi N or --size-cm WxH (px_per_cm= or size_cm= in Python)."


@dataclass(frozen=True)
class Scale:
    """Pixels per centimetre across (`x`) and down (`y`), and who says so."""

    x: float
    y: float
    source: str

    def swapped(self) -> Scale:
        """Return the scale of the picture on its side."""
        return Scale(self.y, self.x, self.source)


def resolve(
    name: str,
    shape: tuple[int, int],
    tag: Scale | None,
    *,
    px_per_cm: float | None = None,
    size_cm: tuple[float, float] | None = None,
    assume_crop: bool = False,
    coarsest: float = _PLAUSIBLE[0],
) -> Scale:
    """Decide on the scale of a picture: the user's word, else the file's, else an error.

    Parameters
    ----------
    name : str
        The file, for messages.
    shape : (int, int)
        Rows and columns in pixels.
    tag : Scale, optional
        What the file says, if anything.
    px_per_cm : float, optional
        What the user says; it overrides the file.
    size_cm : (float, float), optional
        Width and height in cm of what the picture shows, said by the user instead of `px_per_cm`.
    assume_crop : bool
        Take a picture of exactly 300x300 px whose file does not state a scale as a crop at 200 px/cm.
    coarsest : float
        Fewest pixels per centimetre that can be right; by default, those with which threads can be seen.

    Raises
    ------
    ScaleError
        If nobody states a scale, or the one stated cannot be right.
    """
    rows, columns = shape
    if px_per_cm is not None and size_cm is not None:
        raise ScaleError(f"{name}: the scale is stated twice, as px_per_cm and as size_cm. Pass one of them.")
    if px_per_cm is not None:
        scale = Scale(px_per_cm, px_per_cm, "user")
    elif size_cm is not None:
        width, height = size_cm
        if not (math.isfinite(width) and math.isfinite(height) and width > 0 and height > 0):
            raise ScaleError(f"{name}: a size of {width:g} x {height:g} cm cannot be. Pass width and height in cm.")
        scale = Scale(columns / width, rows / height, f"user: {width:g} x {height:g} cm")
    else:
        problem = _why_not(tag)
        if problem and assume_crop and shape == (CROP_PX, CROP_PX):
            return Scale(CROP_PX_PER_CM, CROP_PX_PER_CM, f"assumed: {CROP_PX}x{CROP_PX} crop")
        if problem or tag is None:
            raise ScaleError(f"{name}: {problem}. {_OPTIONS}")
        scale = tag
    for value in (scale.x, scale.y):
        if not (coarsest <= value <= _PLAUSIBLE[1]):
            raise ScaleError(
                f"{name}: {value:.4g} px/cm ({scale.source}) cannot be right, {coarsest:g} to {_PLAUSIBLE[1]:g} px/cm "
                f"can. {_OPTIONS}"
            )
    longest = max(columns / scale.x, rows / scale.y)
    if longest > _LONGEST_CM:
        raise ScaleError(
            f"{name}: {longest:,.0f} cm long at {scale.x:.4g} px/cm ({scale.source}), and no painting is longer than "
            f"{_LONGEST_CM:,.0f} cm. {_OPTIONS}"
        )
    if _ratio(scale) > _WILD:
        raise ScaleError(
            f"{name}: {scale.x:.4g} px/cm across but {scale.y:.4g} px/cm down ({scale.source}): pixels more than twice "
            f"as long as wide cannot be right. {_OPTIONS}"
        )
    return scale


def remarks(scale: Scale) -> tuple[str, ...]:
    """Say what a person should know about this scale."""
    found = []
    if _ratio(scale) > _SQUARE:
        found.append(
            f"pixels are not square ({scale.x:.4g} px/cm across, {scale.y:.4g} down): each axis resampled by its own"
        )
    coarse = min(scale.x, scale.y)
    if coarse < _COARSE:
        found.append(f"a coarse scan: at {coarse:.4g} px/cm, cloth of more than {coarse / 2:.0f} threads/cm is misread")
    return tuple(found)


def _ratio(scale: Scale) -> float:
    return max(scale.x / scale.y, scale.y / scale.x)


def _why_not(tag: Scale | None) -> str:
    """Why the file's own word cannot be taken; empty if it can."""
    if tag is None:
        return "the file does not say how many pixels make a centimetre"
    if not (math.isfinite(tag.x) and math.isfinite(tag.y) and tag.x > 0 and tag.y > 0):
        return f"the file states a resolution of {tag.x:g} x {tag.y:g} px/cm ({tag.source})"
    for screen in _SCREEN_DPI:
        if all(abs(value * CM_PER_INCH / screen - 1) < _SCREEN_TOLERANCE for value in (tag.x, tag.y)):
            return f"the file states {screen:g} dpi ({tag.source}), which is a screen's resolution and not a scanner's"
    return ""
