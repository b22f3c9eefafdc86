"""What the cloth adds to the exposure of a film, by the ways in which a ground lets it show."""

from __future__ import annotations

import numpy as np

from dl4art.simulation.fields import Array
from dl4art.simulation.radiograph import Ground
from dl4art.simulation.weave import Relief


def soft_step(value: Array, sharpness: float) -> Array:
    """Logistic function of `sharpness` x `value`."""
    # beyond 80 the step is zero in float32 anyway, and its exponential would overflow
    step: Array = 1 / (1 + np.exp(np.minimum(-np.float32(sharpness) * value, np.float32(80))))
    return step


def weave_signal(shape: Relief, ground: Ground, ply: float) -> Array:
    """Give what the cloth adds to the exposure, before normalisation.

    Parameters
    ----------
    shape : Relief
        The cloth at a set of points; shading needs a raster of them, and is left out elsewhere.
    ground : Ground
        How the cloth shows.
    ply : float
        Depth of the twist marks.
    """
    balance = np.float32(ground.balance)
    vertical = shape.vertical_thickness * (1 + balance)
    horizontal = shape.horizontal_thickness * (1 - balance)
    if ply:
        # two plies twisted together: oblique marks along each yarn
        vertical *= 1 + np.float32(ply) * np.cos(6 * shape.vertical_phase + 3 * shape.vertical_along)
        horizontal *= 1 + np.float32(ply) * np.cos(6 * shape.horizontal_phase + 3 * shape.horizontal_along)
    signal = np.zeros_like(vertical)
    if ground.yarn:
        thickness = np.maximum(vertical, horizontal)
        signal += np.float32(ground.yarn) * (1 - np.exp(-np.float32(ground.sharpness) * thickness))
    if ground.sum:
        signal += np.float32(ground.sum * 0.6) * (vertical + horizontal)
    top = np.maximum(shape.vertical_top, shape.horizontal_top)
    if ground.relief:
        signal += np.float32(ground.relief * 0.5) * top
    if ground.face or ground.shading:
        over = soft_step(shape.vertical_top - shape.horizontal_top, 6.0)
        signal += np.float32(ground.face) * (over * vertical + (1 - over) * horizontal)
        if ground.shading and top.ndim == 2:
            down, right = np.gradient(np.maximum(top, -0.5))
            slope = down * np.float32(np.sin(ground.light)) + right * np.float32(np.cos(ground.light))
            signal += np.float32(2.5 * ground.shading) * np.clip(slope, -0.5, 0.5)
    if ground.scraped:
        empty = np.maximum(0, -0.2 - top)
        aside = np.sin(np.float32(2 * np.pi) * shape.vertical_phase + np.float32(ground.light))
        signal += np.float32(ground.scraped) * empty * (1 + 0.6 * aside)
    return signal
