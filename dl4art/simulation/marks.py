"""Strokes of lead white, cracks and losses, drawn over a plate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from dl4art.simulation.fields import Array, bilinear
from dl4art.simulation.radiograph import Paint

PX_PER_CM = 100.0
"""Resolution of the marks, which are soft anyway."""
_LONGEST_PX = 6000
"""Side of the drawing from which on (above 60 cm) it gets coarser, so that memory stays bounded."""


@dataclass(frozen=True, eq=False)
class Marks:
    """What strokes, cracks and losses do to a plate, as drawings of the whole of it."""

    exposure: Array
    """What they add to the exposure."""
    kept: Array
    """Share of the weave's contrast that they leave."""
    px_per_cm: float

    def at(self, x: Array, y: Array) -> tuple[Array, Array] | None:
        """Values of both at points in cm; None if there are no marks."""
        if not self.exposure.any():
            return None
        scale = np.float32(self.px_per_cm)
        return bilinear(self.exposure, y * scale, x * scale), bilinear(self.kept, y * scale, x * scale)


def draw_marks(rng: np.random.Generator, paint: Paint, size_cm: tuple[float, float]) -> Marks:
    """Draw the marks of a plate.

    Parameters
    ----------
    rng : Generator
        Source of randomness.
    paint : Paint
        How many there are, and how deep.
    size_cm : (float, float)
        Width and height of the plate.
    """
    scale = min(PX_PER_CM, _LONGEST_PX / max(size_cm))
    coarser = scale / PX_PER_CM
    width, height = (int(np.ceil(side * scale)) + 2 for side in size_cm)
    share = size_cm[0] * size_cm[1] / 10

    def drawing(count: float, draw_one: Callable[[ImageDraw.ImageDraw], None], blur: float) -> Array:
        picture = Image.new("L", (width, height))
        pen = ImageDraw.Draw(picture)
        for _ in range(rng.poisson(count)):
            draw_one(pen)
        drawn = np.asarray(picture, np.float32) / np.float32(255)
        soft: Array = ndimage.gaussian_filter(drawn, blur * coarser) if drawn.any() else drawn
        return soft

    def thick(px: int) -> int:
        return max(1, round(px * coarser))

    def curve(length: float, bend: float, points: int) -> list[tuple[float, float]]:
        angle = rng.uniform(0, 2 * np.pi)
        place = np.array([rng.uniform(-0.1, 1.1) * width, rng.uniform(-0.1, 1.1) * height])
        path = []
        for turn in rng.normal(0, bend, points):
            path.append((float(place[0]), float(place[1])))
            angle += turn
            place = place + length * scale / points * np.array([np.cos(angle), np.sin(angle)])
        return path

    def stroke(pen: ImageDraw.ImageDraw) -> None:
        wide = thick(int(np.exp(rng.uniform(np.log(4), np.log(60)))))
        pen.line(curve(rng.uniform(0.3, 3), 0.15, 10), fill=int(rng.integers(60, 256)), width=wide, joint="curve")

    def crack(pen: ImageDraw.ImageDraw) -> None:
        path = curve(rng.uniform(0.2, 2.5), 0.3, 16)
        pen.line(path, fill=int(rng.integers(80, 256)), width=thick(int(rng.integers(1, 4))))

    def loss(pen: ImageDraw.ImageDraw) -> None:
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        around = np.linspace(0, 2 * np.pi, 14, endpoint=False)
        radius = np.exp(rng.uniform(np.log(3), np.log(40))) * np.exp(rng.normal(0, 0.25, 14)) * coarser
        outline = [(x + r * np.cos(a), y + r * np.sin(a)) for r, a in zip(radius, around, strict=True)]
        pen.polygon(outline, fill=int(rng.integers(100, 256)))

    strokes = drawing(paint.strokes * share, stroke, float(rng.uniform(1, 5)))
    cracks = drawing(paint.cracks * share, crack, 0.5)
    losses = drawing(paint.losses * share, loss, 0.8)
    depth = rng.uniform(-2, 2)
    exposure = paint.stroke_depth * strokes + paint.crack_depth * cracks + depth * losses
    kept = np.clip(1 - rng.uniform(0, 0.6) * strokes - rng.uniform(-0.3, 0.9) * losses, 0, 1.5)
    return Marks(exposure.astype(np.float32), kept.astype(np.float32), scale)
