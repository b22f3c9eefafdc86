"""From exposure to the grey values of a file: unsharpness, film curve, grain, levels, earlier lives of the file."""

from __future__ import annotations

import io
import math

import numpy as np
from PIL import Image
from scipy import ndimage

from dl4art.simulation.exposure import soft_step
from dl4art.simulation.fields import Array
from dl4art.simulation.radiograph import Film

EQUALISED_PX = 61
"""Side of the square in which contrast was equalised."""
_BLOCK = 256
"""Side of the squares of white noise from which a plate's grain is put together."""
_CLUMP_PX = 2.5
_BLUR_REACH = 2.5
"""Unsharpness is cut off at so many standard deviations."""


def curve(film: Film, exposure: Array) -> Array:
    """Film curve: grey value for an exposure, 0 to 1."""
    return soft_step(exposure - np.float32(film.exposure), film.slope)


def reach(film: Film, scale: float) -> int:
    """How many pixels away the filters of `develop` and of the grain look, at `scale` x 200 px/cm."""
    return max(int(_BLUR_REACH * _blur(film, scale) + 0.5), int(4 * film.grain_size + 0.5), int(4 * _CLUMP_PX + 0.5))


def _blur(film: Film, scale: float) -> float:
    return film.blur * math.sqrt(film.enlarged) * scale


def picture_grain(film: Film, seed: int, shape: tuple[int, int]) -> Array:
    """Grain of a picture that is rendered in one go."""
    rng = np.random.default_rng([seed, 2**20, 2**20])
    noise = rng.standard_normal(shape, dtype=np.float32)
    return _filtered(film, noise, rng.standard_normal(shape, dtype=np.float32) if film.clumps else None)


def plate_grain(film: Film, seed: int, corner: tuple[int, int], shape: tuple[int, int]) -> Array:
    """Grain of a part of a plate, which depends on the place on the plate alone.

    Parameters
    ----------
    film : Film
        What the grain is like.
    seed : int
        Seed of the plate.
    corner, shape : (int, int)
        First row and column, which may be negative, and size in pixels.
    """
    coarse = _white(seed, 1, corner, shape) if film.clumps else None
    return _filtered(film, _white(seed, 0, corner, shape), coarse)


def _white(seed: int, layer: int, corner: tuple[int, int], shape: tuple[int, int]) -> Array:
    """White noise, put together from squares that have a seed each."""
    (top, left), (rows, cols) = corner, shape
    first, last = (top // _BLOCK, left // _BLOCK), ((top + rows - 1) // _BLOCK, (left + cols - 1) // _BLOCK)
    squares = [
        [
            np.random.default_rng([seed, layer, i + 2**20, j + 2**20]).standard_normal((_BLOCK, _BLOCK), np.float32)
            for j in range(first[1], last[1] + 1)
        ]
        for i in range(first[0], last[0] + 1)
    ]
    top, left = top - first[0] * _BLOCK, left - first[1] * _BLOCK
    return np.block(squares)[top : top + rows, left : left + cols]


def _filtered(film: Film, noise: Array, coarse: Array | None) -> Array:
    if film.grain_size > 0.4:
        noise = ndimage.gaussian_filter(noise, film.grain_size) * np.float32(2 * np.sqrt(np.pi) * film.grain_size)
    if coarse is not None:
        clumps = ndimage.gaussian_filter(coarse, _CLUMP_PX) * np.float32(8.9)
        noise = noise * (1 - film.clumps) + film.clumps * (clumps * clumps - 1)
    return noise


def develop(film: Film, exposure: Array, grain: Array, levels: tuple[float, float], scale: float) -> Array:
    """Turn exposure into the grey values of a file, all but what `finish` does.

    Parameters
    ----------
    film : Film
        Film and scanner.
    exposure, grain : ndarray
        Of one shape; the outermost `reach` pixels of the result see a border.
    levels : (float, float)
        The film's grey values that the file shows as black and as white.
    scale : float
        Resolution in units of 200 px/cm.
    """
    grey = curve(film, ndimage.gaussian_filter(exposure, _blur(film, scale), truncate=_BLUR_REACH))
    grey += np.float32(film.grain) * grain * (np.float32(0.5) + grey)
    grey -= np.float32(levels[0])
    grey /= np.float32(levels[1] - levels[0])
    return np.clip(grey, np.float32(0), np.float32(1), out=grey)


def finish(film: Film, grey: Array, margin: int = 0) -> Array:
    """Apply what earlier owners did to the file, equalisation and compression, and cut off a margin between the two."""
    if film.equalised:
        mean = ndimage.uniform_filter(grey, EQUALISED_PX, mode="reflect")
        square = ndimage.uniform_filter(grey * grey, EQUALISED_PX, mode="reflect")
        grey = np.clip(0.5 + 0.22 * (grey - mean) / np.sqrt(np.maximum(square - mean * mean, 1e-4)), 0, 1)
    if margin:
        grey = grey[margin:-margin, margin:-margin]
    if film.jpeg:
        small = Image.fromarray(np.rint(grey * 255).astype(np.uint8))
        with io.BytesIO() as file:
            small.save(file, "JPEG", quality=film.jpeg)
            grey = np.asarray(Image.open(file), np.float32) / np.float32(255)
    return 1 - grey if film.negative else grey
