"""What a painter draws with a fine brush: lines that are no cracks, however much they look like them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from dl4art.simulation.fields import Array

_Point = npt.NDArray[np.float64]
_LETTERS = "ABCDEFGHIJKLMNOPRSTVXabcdefghilmnopqrstuv1567.&"
_POINTS = 14


def draw_lines(rng: np.random.Generator, colours: Array) -> Array:
    """Draw contours, hatching, hair or letters over a painted surface.

    Parameters
    ----------
    rng : Generator
        Source of randomness.
    colours : ndarray, shape (h, w, 3)
        Red, green and blue, 0 to 1.

    Returns
    -------
    ndarray, shape (h, w, 3)
    """
    height, width = colours.shape[:2]
    layer = Image.new("L", (width, height))
    _MANNERS[int(rng.integers(len(_MANNERS)))](rng, ImageDraw.Draw(layer), np.array([width, height], float))
    # a brush leaves softer edges than a crack has
    soft = ndimage.gaussian_filter(np.asarray(layer, np.float32) / 255, float(rng.uniform(0.6, 1.6)))
    grey = min(1.0, float(colours.mean()))  # relief and light may go beyond white
    level = rng.uniform(0, 0.6 * grey) if rng.random() < 0.75 else rng.uniform(grey, 1)
    colour = np.clip(level * (1 + rng.normal(0, 0.15, 3)), 0, 1).astype(np.float32)
    drawn: Array = colours + np.float32(rng.uniform(0.3, 0.9)) * soft[..., None] * (colour - colours)
    return drawn


_Draw = Callable[[np.random.Generator, ImageDraw.ImageDraw, _Point], None]


def _contours(rng: np.random.Generator, pen: ImageDraw.ImageDraw, size: _Point) -> None:
    """Draw a few long smooth lines that swell and taper."""
    for _ in range(int(rng.integers(1, 6))):
        _stroke(rng, pen, rng.uniform(0, 1, 2) * size, rng.uniform(0, 2 * np.pi), length=rng.uniform(60, 300), widest=5)


def _hatching(rng: np.random.Generator, pen: ImageDraw.ImageDraw, size: _Point) -> None:
    """Draw short strokes side by side."""
    start, way, apart = rng.uniform(0, 0.8, 2) * size, rng.uniform(0, np.pi), rng.uniform(4, 12)
    length, wide = rng.uniform(20, 70), rng.uniform(1.5, 3.5)
    for number in range(int(rng.integers(8, 40))):
        aside = number * apart * np.array([-np.sin(way), np.cos(way)]) + rng.normal(0, 1.5, 2)
        reach = length * rng.uniform(0.7, 1.2)
        _stroke(rng, pen, start + aside, way + rng.normal(0, 0.05), length=reach, widest=wide, bend=0.05)


def _hair(rng: np.random.Generator, pen: ImageDraw.ImageDraw, size: _Point) -> None:
    """Draw many strands that wave together."""
    start, way, spread = rng.uniform(0, 1, 2) * size, rng.uniform(0, 2 * np.pi), rng.uniform(10, 60)
    bend = rng.normal(0, 0.5)
    for _ in range(int(rng.integers(10, 50))):
        at = start + rng.normal(0, spread, 2)
        _stroke(rng, pen, at, way + rng.normal(0, 0.12), length=rng.uniform(40, 160), widest=2, bend=0.1, curve=bend)


def _letters(rng: np.random.Generator, pen: ImageDraw.ImageDraw, size: _Point) -> None:
    """Write a line or two of an inscription."""
    high = float(np.exp(rng.uniform(np.log(14), np.log(60))))
    font = ImageFont.load_default(high)
    at = rng.uniform(-0.1, 0.6, 2) * size
    for line in range(int(rng.integers(1, 3))):
        text = "".join(rng.choice(list(_LETTERS), int(rng.integers(3, 14))))
        pen.text((at[0], at[1] + 1.2 * high * line), text, fill=255, font=font)


def _stroke(
    rng: np.random.Generator,
    pen: ImageDraw.ImageDraw,
    start: _Point,
    way: float,
    *,
    length: float,
    widest: float,
    bend: float = 0.6,
    curve: float = 0.0,
) -> None:
    """Draw a line of the brush, thinner at its ends."""
    along = np.linspace(0, 1, _POINTS)
    ways = way + along * (curve + rng.normal(0, bend)) + along**2 * rng.normal(0, bend)
    path = start + np.cumsum(length / _POINTS * np.stack([np.cos(ways), np.sin(ways)], axis=1), axis=0)
    wide = rng.uniform(0.4, 1) * widest * np.sin(np.pi * (0.1 + 0.8 * along)) ** 0.7
    for first, last, thick in zip(path[:-1], path[1:], wide[:-1], strict=True):
        pen.line([tuple(map(float, first)), tuple(map(float, last))], fill=255, width=max(1, round(thick)))


_MANNERS: tuple[_Draw, ...] = (_contours, _hatching, _hair, _letters)
