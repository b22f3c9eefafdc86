"""Painted surfaces without damage: colours, strokes of the brush, the canvas below, specks."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from dl4art.simulation.drawing import draw_lines
from dl4art.simulation.fields import Array, draw_field

_PIGMENTS = np.array(
    [
        (0.90, 0.88, 0.82),  # lead white
        (0.80, 0.72, 0.55),  # a light earth
        (0.86, 0.66, 0.40),  # yellow ochre
        (0.85, 0.66, 0.55),  # flesh
        (0.72, 0.45, 0.30),  # flesh in shadow
        (0.65, 0.14, 0.08),  # vermilion
        (0.33, 0.10, 0.09),  # red lake
        (0.45, 0.35, 0.25),  # umber
        (0.22, 0.15, 0.10),  # dark umber
        (0.08, 0.07, 0.06),  # black
        (0.20, 0.27, 0.42),  # blue
        (0.45, 0.52, 0.58),  # smalt, greyed
        (0.30, 0.36, 0.22),  # green
        (0.55, 0.55, 0.50),  # grey
    ],
    np.float32,
)
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def grey_of(colours: Array) -> Array:
    """Brightness of colours, shape (..., 3)."""
    grey: Array = colours @ _LUMA
    return grey


def raster(
    rng: np.random.Generator, shape: tuple[int, int], scale_px: float, *, stretch: float = 1.0, angle: float = 0.0
) -> Array:
    """Draw a smooth random function with standard deviation one at the pixels of a picture; see `draw_field`."""
    field = draw_field(rng, (float(shape[1]), float(shape[0])), scale_px, stretch=stretch, angle=angle)
    return field(np.arange(shape[1], dtype=np.float32)[None], np.arange(shape[0], dtype=np.float32)[:, None])


def paint_surface(rng: np.random.Generator, shape: tuple[int, int]) -> tuple[Array, Array]:
    """Paint a surface.

    Parameters
    ----------
    rng : Generator
        Source of randomness.
    shape : (int, int)
        Height and width in px.

    Returns
    -------
    colours : ndarray, shape (h, w, 3)
        Red, green and blue, 0 to 1.
    weave : ndarray, shape (h, w)
        Relief of the canvas below, about zero; zero on panel.
    """
    colours = _areas(rng, shape)
    relief = np.zeros(shape, np.float32)
    angle = float(rng.uniform(0, np.pi))
    for _ in range(int(rng.integers(1, 3))):
        bristle = float(np.exp(rng.uniform(np.log(1.2), np.log(6))))
        strength = np.exp(rng.uniform(np.log(0.008), np.log(0.08)))
        relief += strength * raster(rng, shape, bristle, stretch=float(rng.uniform(4, 20)), angle=angle)
        angle += float(rng.normal(0, 0.4))
    weave = _weave(rng, shape)
    relief += rng.uniform(0.2, 1) * weave
    relief += rng.uniform(0, 0.04) * rng.standard_normal(shape, np.float32)
    relief += rng.uniform(0, 0.06) * raster(rng, shape, float(rng.uniform(1, 3)))
    colours = colours * (1 + relief)[..., None] + 0.3 * relief[..., None] * grey_of(colours)[..., None]
    if rng.random() < 0.5:
        colours = _strokes(rng, colours)
    if rng.random() < 0.25:
        colours = draw_lines(rng, colours)
    if rng.random() < 0.7:
        colours = _specks(rng, colours)
    return np.clip(colours, 0, 1).astype(np.float32), weave


def _areas(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """One to four colours with soft or sharp borders."""
    chosen = _PIGMENTS[rng.integers(0, len(_PIGMENTS), int(rng.integers(1, 5)))]
    chosen = np.clip(chosen * rng.uniform(0.75, 1.15) + rng.normal(0, 0.04, chosen.shape), 0.02, 1).astype(np.float32)
    colours = np.broadcast_to(chosen[0], (*shape, 3)).copy()
    # gradation within an area
    colours *= 1 + rng.uniform(0.02, 0.15) * np.clip(raster(rng, shape, float(rng.uniform(20, 120))), -2, 2)[..., None]
    for colour in chosen[1:]:
        field = raster(rng, shape, float(np.exp(rng.uniform(np.log(25), np.log(150)))))
        sharp = np.float32(np.exp(rng.uniform(np.log(1.5), np.log(25))))
        share = 1 / (1 + np.exp(-np.clip(sharp * (field - rng.normal(0.3, 0.7)), -30, 30)))
        colours += share[..., None] * (colour - colours)
    return colours


def _weave(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Relief of a plain weave that shows through, with threads that waver; zero on panel."""
    if rng.random() < 0.4:
        return np.zeros(shape, np.float32)
    periods = np.exp(rng.uniform(np.log(3), np.log(14))) * rng.uniform(0.85, 1.15, 2)
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    x += rng.uniform(0, 1.5) * raster(rng, shape, 40.0)
    y += rng.uniform(0, 1.5) * raster(rng, shape, 40.0)
    turn = np.float32(rng.normal(0, 0.04))
    u, v = 2 * np.pi * (x + turn * y) / periods[0], 2 * np.pi * (y - turn * x) / periods[1]
    over = np.cos(u) + np.cos(v) + np.cos(u / 2) * np.cos(v / 2)
    uneven = np.clip(1 + 0.5 * raster(rng, shape, 30.0), 0, 2)
    relief: Array = (np.exp(rng.uniform(np.log(0.005), np.log(0.05))) * over * uneven).astype(np.float32)
    return relief


def _strokes(rng: np.random.Generator, colours: Array) -> Array:
    """Strokes of a brush, contours and highlights: long, soft, and no cracks."""
    height, width = colours.shape[:2]
    layer = Image.new("L", (width, height))
    pen = ImageDraw.Draw(layer)
    for _ in range(rng.poisson(height * width / 12000) + 1):
        along = np.linspace(0, 1, 12)
        start = rng.uniform(0, 1, 2) * (width, height)
        way = rng.uniform(0, 2 * np.pi) + along * rng.normal(0, 0.8)
        reach = np.exp(rng.uniform(np.log(15), np.log(200))) / 12
        path = start + np.cumsum(reach * np.stack([np.cos(way), np.sin(way)], axis=1), axis=0)
        wide = round(float(np.exp(rng.uniform(np.log(3), np.log(20)))))
        pen.line([tuple(map(float, point)) for point in path], fill=int(rng.integers(60, 256)), width=wide)
    soft = ndimage.gaussian_filter(np.asarray(layer, np.float32) / 255, float(rng.uniform(1.0, 3.0)))
    colour = _PIGMENTS[int(rng.integers(len(_PIGMENTS)))]
    stroked: Array = colours + np.float32(rng.uniform(0.2, 0.9)) * soft[..., None] * (colour - colours)
    return stroked


def _specks(rng: np.random.Generator, colours: Array) -> Array:
    """Grains of pigment, fly specks and dust: small, round, dark or light."""
    height, width = colours.shape[:2]
    specks = np.zeros((height, width), np.float32)
    for sigma in (0.5, 1.0, 1.8):
        count = rng.poisson(height * width * np.exp(rng.uniform(np.log(2e-5), np.log(2e-3))) / sigma)
        spots = np.zeros_like(specks)
        sign = 1.0 if rng.random() < 0.15 else -1.0
        values = sign * rng.uniform(0.2, 1.0, count)
        spots[rng.integers(0, height, count), rng.integers(0, width, count)] = values
        specks += ndimage.gaussian_filter(spots, sigma) * np.float32(4 * np.pi * sigma**2) * np.float32(0.5)
    specks = np.clip(specks, -0.9, 0.9)[..., None]
    return np.asarray(np.where(specks < 0, colours * (1 + specks), colours + specks * (1 - colours)), np.float32)
