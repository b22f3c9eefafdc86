"""Pictures by painters who do not exist, each with a palette, a brush and a ground of their own.

What is shown is drawn anew for each picture, from the same motifs for all painters, and light, frame and print of the
photograph vary more than the painters' palettes differ: a picture's pixels say little of its painter, its strokes and
the grain under them much.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from scipy import ndimage

from dl4art.simulation.fields import Array
from dl4art.simulation.paint import raster
from dl4art.utils.files import atomic_path, make_folder

_FINE = 2  # pixels drawn for a pixel shown, across
_HUES = 5  # colours on a palette


@dataclass(frozen=True)
class Style:
    """How a painter works; lengths in thousandths of the picture's side.

    Attributes
    ----------
    length, width : float
        Of a stroke.
    bend : float
        How far a stroke turns on its way, in radians.
    stray : float
        How far its direction strays from that of the form, in radians.
    hatched : float
        Share of the strokes that run down to the right, whatever the form.
    hairs : int
        Lines that a stroke is made of.
    broken : float
        How much the hairs differ in colour.
    hue, hues : float
        Middle of the palette on the colour circle, and how wide it is, in turns.
    grain : float
        Size of the ground's grain.
    rough : float
        How much it shows.
    woven : float
        Share of the grain that is a weave.
    """

    length: float
    width: float
    bend: float
    stray: float
    hatched: float
    hairs: int
    broken: float
    hue: float
    hues: float
    grain: float
    rough: float
    woven: float


STYLES = {
    "the smooth": Style(70, 22, 0.25, 0.25, 0.0, 5, 0.07, 0.08, 0.14, 5, 0.05, 0.7),
    "the hatcher": Style(44, 10, 0.05, 0.12, 0.8, 2, 0.11, 0.14, 0.17, 9, 0.05, 0.2),
    "the dabber": Style(15, 15, 0.0, 1.6, 0.0, 3, 0.15, 0.04, 0.18, 14, 0.05, 0.0),
}
"""Three painters by name."""


def draw_work(painter: str, number: int, px: int = 256, *, seed: int = 0) -> npt.NDArray[np.uint8]:
    """Draw a picture by one of the painters in `STYLES`.

    Parameters
    ----------
    painter : str
        Who paints.
    number : int
        Which picture; the same number gives the same picture.
    px : int
        Its side.
    seed : int
        Another gives other pictures.

    Returns
    -------
    ndarray of uint8, shape (px, px, 3)
        Red, green and blue.
    """
    rng = np.random.default_rng([20263, seed, list(STYLES).index(painter), number])
    style = _today(rng, STYLES[painter])
    motif, direction = _motif(rng, px)
    painted = _paint(rng, style, _coloured(rng, style, motif), direction)
    return _photographed(rng, painted * (1 + _grain(rng, style, px))[..., None])


def write_works(
    folder: str | Path,
    count: int = 40,
    px: int = 256,
    *,
    seed: int = 0,
    advance: Callable[[int], None] = lambda _: None,
) -> None:
    """Write `count` pictures of each painter as ``folder/PAINTER/work001.png``; those that are there are left."""
    for painter in STYLES:
        place = Path(folder) / painter
        make_folder(place)
        for number in range(count):
            path = place / f"work{number + 1:03d}.png"
            if not path.exists():
                with atomic_path(path) as temporary:
                    Image.fromarray(draw_work(painter, number, px, seed=seed)).save(temporary)
            advance(1)


def _today(rng: np.random.Generator, style: Style) -> Style:
    """No two pictures of a painter are worked quite alike."""
    names = ("length", "width", "stray", "hatched", "broken", "grain", "rough")
    return replace(style, **{name: getattr(style, name) * float(rng.uniform(0.8, 1.2)) for name in names})


def _motif(rng: np.random.Generator, px: int) -> tuple[Array, Array]:
    """Draw what is shown: light and dark (px, px), and the direction in which forms run, in radians."""
    y, x = np.mgrid[:px, :px].astype(np.float32) / px
    tone = np.full((px, px), rng.uniform(0.15, 0.6), np.float32)
    tone += np.float32(rng.uniform(-0.3, 0.3)) * (y - 0.5)
    for _ in range(int(rng.integers(3, 8))):
        cx, cy = rng.uniform(0.1, 0.9, 2)
        a, b = rng.uniform(0.07, 0.3, 2)
        turn = rng.uniform(0, np.pi)
        along = (x - cx) * np.cos(turn) + (y - cy) * np.sin(turn)
        across = (y - cy) * np.cos(turn) - (x - cx) * np.sin(turn)
        form = 1 / (1 + np.exp(np.clip(((along / a) ** 2 + (across / b) ** 2 - 1) * rng.uniform(4, 30), -30, 30)))
        shade = rng.uniform(0.05, 0.95) + rng.uniform(-0.4, 0.4) * along / a
        tone += form * (shade - tone)
    soft = ndimage.gaussian_filter(tone, px / 40)
    down, across = np.gradient(soft)
    # where nothing changes, some direction of its own
    down = down + 2e-3 * raster(rng, (px, px), px / 6)
    across = across + 2e-3 * raster(rng, (px, px), px / 6)
    return np.asarray(np.clip(tone, 0, 1), np.float32), np.arctan2(across, -down).astype(np.float32)


def _coloured(rng: np.random.Generator, style: Style, tone: Array) -> Array:
    """Give light and dark the colours of a palette drawn for this picture: (px, px, 3), 0 to 1."""
    hues = style.hue + style.hues * rng.uniform(-1, 1, _HUES) + rng.normal(0, 0.05)
    strength = rng.uniform(0.05, 0.4, _HUES)
    angles = 2 * np.pi * (hues[:, None] - np.array([0, 1 / 3, 2 / 3]))
    palette = 1 + strength[:, None] * np.cos(angles)
    at = np.clip(tone + 0.12 * raster(rng, tone.shape, tone.shape[0] / 8), 0, 1) * (_HUES - 1)
    low = np.minimum(at.astype(int), _HUES - 2)
    share = (at - low)[..., None]
    colours: Array = (tone[..., None] * ((1 - share) * palette[low] + share * palette[low + 1])).astype(np.float32)
    return np.asarray(np.clip(colours, 0, 1), np.float32)


def _paint(rng: np.random.Generator, style: Style, colours: Array, direction: Array) -> Array:
    """Lay strokes over each other, each in the colour that it lies on."""
    px = len(colours)
    unit = px * _FINE / 1000
    ground = np.asarray(np.clip(255 * ndimage.gaussian_filter(colours, (px / 30, px / 30, 0)), 0, 255), np.uint8)
    image = Image.fromarray(ground).resize((px * _FINE, px * _FINE), Image.Resampling.BILINEAR)
    canvas = ImageDraw.Draw(image)
    # enough to cover everything about twice
    count = int(2.2e6 / (style.length * style.width + style.width**2))
    rows, cols = rng.integers(0, px, (2, count))
    angle = direction[rows, cols] + style.stray * rng.normal(size=count)
    angle = np.where(rng.random(count) < style.hatched, np.pi / 4 + 0.12 * rng.normal(size=count), angle)
    length = style.length * unit * rng.lognormal(0, 0.25, count)
    width = style.width * unit * rng.lognormal(0, 0.2, count)
    bend = style.bend * rng.normal(size=count)
    tint = style.broken * rng.normal(size=(count, style.hairs, 1)) + 0.03 * rng.normal(size=(count, 1, 3))
    colour = np.clip(255 * (colours[rows, cols][:, None] * (1 + tint)), 0, 255).astype(int)
    # the line of each hair: a fifth of the bend from point to point
    along = np.linspace(-0.5, 0.5, 5)
    turned = angle[:, None] + bend[:, None] * along
    across = width[:, None] * ((np.arange(style.hairs) + 0.5) / style.hairs - 0.5)
    x = (cols * _FINE)[:, None] + length[:, None] * along * np.cos(turned)
    y = (rows * _FINE)[:, None] + length[:, None] * along * np.sin(turned)
    x = x[:, None] - (np.sin(angle)[:, None] * across)[..., None]
    y = y[:, None] + (np.cos(angle)[:, None] * across)[..., None]
    lines = np.stack([x, y], axis=-1).reshape(count * style.hairs, -1).tolist()
    thick = np.repeat(np.maximum(1, np.rint(width / style.hairs + 0.5)).astype(int), style.hairs).tolist()
    for line, shade, hair in zip(lines, colour.reshape(-1, 3).tolist(), thick, strict=True):
        canvas.line(line, fill=tuple(shade), width=hair)
    shown = image.resize((px, px), Image.Resampling.BOX)
    return (np.asarray(shown) / np.float32(255)).astype(np.float32)


def _grain(rng: np.random.Generator, style: Style, px: int) -> Array:
    """Draw the ground's grain as it comes through: (px, px) about zero."""
    size = style.grain * px / 1000 * rng.uniform(0.85, 1.15)
    loose = raster(rng, (px, px), max(size, 0.6))
    y, x = np.mgrid[:px, :px].astype(np.float32)
    step = np.pi / max(1.5, 1.5 * size)
    woven = np.sqrt(2) * np.sin(x * step + rng.uniform(0, 6)) * np.sin(y * step + rng.uniform(0, 6))
    return np.asarray(style.rough * ((1 - style.woven) * loose + style.woven * woven), np.float32)


def _photographed(rng: np.random.Generator, paint: Array) -> npt.NDArray[np.uint8]:
    """Photograph it: exposure, contrast, colour of the light, an uneven lamp, a little blur and noise."""
    px = len(paint)
    y, x = np.mgrid[:px, :px].astype(np.float32) / px - 0.5
    lamp = 1 + rng.uniform(-0.25, 0.25) * x + rng.uniform(-0.25, 0.25) * y
    light = rng.uniform(0.7, 1.3) * (1 + rng.normal(0, 0.1, 3))
    picture = np.clip(paint * lamp[..., None] * light, 0, 1) ** rng.uniform(0.75, 1.35)
    picture = ndimage.gaussian_filter(picture, (px / 640, px / 640, 0)) + rng.normal(0, 0.012, picture.shape)
    return np.asarray(np.rint(255 * np.clip(picture, 0, 1)), np.uint8)
