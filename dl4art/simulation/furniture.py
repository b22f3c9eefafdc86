"""What a whole plate shows beyond painted canvas: stretcher, tacks, seams, inserts, film joins, blank film, letters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from dl4art.simulation.fields import Array, bilinear

_METAL = 9.0
"""Exposure that tacks and lead letters add: no film shows anything through them."""
_LETTER_PX_PER_CM = 100


@dataclass(frozen=True)
class Bar:
    """A straight bar of wood behind the canvas, right across the plate."""

    vertical: bool
    start: float
    """Where it begins and ends, cm from the left (or the top)."""
    stop: float
    depth: float
    """What it adds to the exposure."""
    softness: float
    """Width of its edges in cm."""


@dataclass(frozen=True)
class Seam:
    """A seam between two pieces of one cloth: the piece beyond it is another one."""

    vertical: bool
    at: float
    allowance: float
    """Half the width of the strip in which the cloth lies double, cm."""
    depth: float
    stitch: float
    """Distance between stitches, cm."""


@dataclass(frozen=True)
class Insert:
    """A rectangle of other cloth let into the canvas. Lengths in cm, angle in radians."""

    x: float
    y: float
    width: float
    height: float
    angle: float
    depth: float


@dataclass(frozen=True)
class Join:
    """Where two films meet: the exposure steps, and they overlap."""

    vertical: bool
    at: float
    step: float
    overlap: float
    """Width of the overlap in cm."""
    overlap_depth: float


@dataclass(frozen=True)
class Lettering:
    """Lead letters that name the plate; `x` and `y` are their upper-left corner, all in cm."""

    text: str
    x: float
    y: float
    height: float


@dataclass(frozen=True)
class Furniture:
    """What lies on, behind and beside the canvas of a plate. Lengths in cm."""

    border: tuple[float, float, float, float]
    """Width of the blank film on the left, at the top, on the right and at the bottom."""
    fog: float
    """Exposure of blank film."""
    cusping: float
    """Amplitude of the scallops along the edges, see `Sheet`."""
    tack_pitch: float
    tacks: tuple[tuple[float, float, float], ...]
    """Tacks and nails: x, y and radius."""
    bars: tuple[Bar, ...]
    seams: tuple[Seam, ...]
    inserts: tuple[Insert, ...]
    joins: tuple[Join, ...]
    lettering: Lettering | None


def draw_furniture(rng: np.random.Generator, size_cm: tuple[float, float]) -> Furniture:
    """Draw the furniture of a plate.

    Parameters
    ----------
    rng : Generator
        Source of randomness.
    size_cm : (float, float)
        Width and height of the plate; below 10 cm it shows no stretcher and no edge.
    """
    width, height = size_cm
    short = min(size_cm)

    def chance(share: float) -> bool:
        return bool(rng.random() < share)

    # never so wide that no canvas is left
    widest = min(0.05 * short + 0.3, 0.2 * short)
    border = tuple(rng.uniform(0.5, 1.0) * widest if chance(0.25) else 0.0 for _ in range(4))
    whole = short >= 10 and chance(0.6)  # the plate shows the canvas to its edges
    pitch = float(rng.uniform(3, 8))
    bars, tacks = [], []
    if whole:
        bars += _stretcher(rng, size_cm)
        tacks += _edge_tacks(rng, size_cm, border, pitch)
    if chance(0.4):
        vertical = chance(0.5)
        side = width if vertical else height
        middle, half = side * rng.uniform(0.35, 0.65), rng.uniform(1.5, 3.5)
        bars.append(Bar(vertical, middle - half, middle + half, rng.uniform(0.2, 0.9), rng.uniform(0.02, 0.15)))
    for _ in range(rng.poisson(0.3)):  # a stray nail
        tacks.append((rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0.05, 0.2)))
    seams, inserts, joins = [], [], []
    if chance(0.25):
        vertical = chance(0.5)
        at = (width if vertical else height) * rng.uniform(0.2, 0.8)
        seams.append(Seam(vertical, at, rng.uniform(0.2, 0.5), rng.uniform(0.3, 1.0), rng.uniform(0.2, 0.4)))
    if chance(0.25):
        wide, tall = (float(side) for side in rng.uniform(0.12, 0.3, 2) * short)
        x, y = (float(place) for place in rng.uniform(0.25, 0.75, 2) * (width, height))
        inserts.append(Insert(x, y, wide, tall, rng.normal(0, 0.1), rng.normal(0, 0.5)))
    for vertical, side in ((True, width), (False, height)):
        if chance(0.25):
            step, depth = rng.normal(0, 0.5), float(rng.choice([-1, 1])) * rng.uniform(0.3, 1.5)
            joins.append(Join(vertical, side * rng.uniform(0.2, 0.8), step, rng.uniform(0.1, 0.5), depth))
    lettering = None
    if chance(0.4):
        text = f"{'ABCDEFGHKLM'[rng.integers(11)]} {rng.integers(1, 999):03d} / {rng.integers(1, 13)}"
        tall = min(0.8, 0.1 * short)
        lettering = Lettering(text, rng.uniform(0.1, 0.4) * width, float(rng.choice([0.03, 0.85])) * height, tall)
    left, top, right, bottom = border
    return Furniture(
        (left, top, right, bottom),
        fog=-float(rng.uniform(2.5, 5)),
        cusping=float(rng.uniform(0.05, 0.3)) if whole else 0.0,
        tack_pitch=pitch,
        tacks=tuple(tacks),
        bars=tuple(bars),
        seams=tuple(seams),
        inserts=tuple(inserts),
        joins=tuple(joins),
        lettering=lettering,
    )


def _stretcher(rng: np.random.Generator, size_cm: tuple[float, float]) -> list[Bar]:
    wide, depth, soft = min(rng.uniform(3, 7), 0.2 * min(size_cm)), rng.uniform(0.2, 1.0), rng.uniform(0.02, 0.2)
    return [
        Bar(vertical, start, stop, depth, soft)
        for vertical, side in ((True, size_cm[0]), (False, size_cm[1]))
        for start, stop in ((-1.0, wide), (side - wide, side + 1.0))
    ]


def _edge_tacks(
    rng: np.random.Generator, size_cm: tuple[float, float], border: tuple[float, ...], pitch: float
) -> list[tuple[float, float, float]]:
    """Tacks along the four edges, where the scallops reach farthest out: at multiples of their pitch."""
    (width, height), (left, top, right, bottom) = size_cm, border
    inset, radius = rng.uniform(0.2, 0.6), rng.uniform(0.15, 0.4)
    along = [(x, y) for x in np.arange(0, width, pitch) for y in (top + inset, height - bottom - inset)]
    along += [(x, y) for y in np.arange(0, height, pitch) for x in (left + inset, width - right - inset)]
    return [
        (float(x + dx), float(y + dy), float(radius))
        for (x, y), (dx, dy) in zip(along, rng.normal(0, 0.1, (len(along), 2)), strict=True)
    ]


def piece_numbers(furniture: Furniture, size_cm: tuple[float, float], x: Array, y: Array) -> npt.NDArray[np.int8]:
    """Name the piece of cloth at points in cm: 0 the main one, then those beyond seams, then inserts; -1 for none."""
    number = np.zeros(np.broadcast_shapes(x.shape, y.shape), np.int8)
    for place, seam in enumerate(furniture.seams, 1):
        number[np.broadcast_to((x if seam.vertical else y) > seam.at, number.shape)] = place
    for place, insert in enumerate(furniture.inserts, 1 + len(furniture.seams)):
        number[_outside(insert, x, y) < 0] = place
    left, top, right, bottom = furniture.border
    blank = (x < left) | (x > size_cm[0] - right) | (y < top) | (y > size_cm[1] - bottom)
    number[np.broadcast_to(blank, number.shape)] = -1
    return number


def furniture_exposure(
    furniture: Furniture, size_cm: tuple[float, float], x: Array, y: Array
) -> tuple[Array, Array, Array]:
    """Give what furniture does to the exposure at points in cm.

    Returns
    -------
    tuple of ndarray
        What is added to the exposure of the canvas; how much of the point is canvas and not blank film, 0 to 1; and
        what metal adds to both.
    """
    shape = np.broadcast_shapes(x.shape, y.shape)
    added, metal = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for bar in furniture.bars:
        added += np.float32(bar.depth) * _band(x if bar.vertical else y, bar.start, bar.stop, bar.softness)
    for seam in furniture.seams:
        across, along = (x, y) if seam.vertical else (y, x)
        added += np.float32(seam.depth) * _band(across, seam.at - seam.allowance, seam.at + seam.allowance, 0.02)
        stitches = np.maximum(0, np.cos(along * np.float32(2 * np.pi / seam.stitch)))
        added += np.float32(2 * seam.depth) * stitches * _band(across, seam.at - 0.04, seam.at + 0.04, 0.02)
    for insert in furniture.inserts:
        edge = _outside(insert, x, y)
        added += np.float32(insert.depth) * (edge < 0) - np.exp(-((edge * np.float32(40)) ** 2))  # a gap of 0.5 mm
    for join in furniture.joins:
        across = x if join.vertical else y
        half = join.overlap / 2
        added += np.float32(join.step) * (across > join.at)
        added += np.float32(join.overlap_depth) * _band(across, join.at - half, join.at + half, 0.004)
    left, top, right, bottom = furniture.border
    canvas = np.ones(shape, np.float32)
    if any(furniture.border):
        canvas *= _band(x, left or -1, size_cm[0] - (right or -1), 0.01)
        canvas *= _band(y, top or -1, size_cm[1] - (bottom or -1), 0.01)
    reach = 1.0
    for tack_x, tack_y, radius in furniture.tacks:
        if x.min() - reach < tack_x < x.max() + reach and y.min() - reach < tack_y < y.max() + reach:
            distance = np.hypot(x - np.float32(tack_x), y - np.float32(tack_y))
            metal += np.float32(_METAL) * _band(distance, -1.0, radius, 0.02)
    if furniture.lettering is not None:
        letters, scale = _letters(furniture.lettering), np.float32(_LETTER_PX_PER_CM)
        row = (y - np.float32(furniture.lettering.y)) * scale
        metal += np.float32(_METAL) * bilinear(letters, row, (x - np.float32(furniture.lettering.x)) * scale)
    return added, canvas, metal


def _band(at: Array, start: float, stop: float, softness: float) -> Array:
    """One from `start` to `stop`, zero outside, with soft edges."""
    sharp = np.float32(1 / softness)
    rise: Array = np.tanh((at - np.float32(start)) * sharp) - np.tanh((at - np.float32(stop)) * sharp)
    return rise * np.float32(0.5)


def _outside(insert: Insert, x: Array, y: Array) -> Array:
    """How far outside an insert points lie, cm; negative inside."""
    cos, sin = np.float32(np.cos(insert.angle)), np.float32(np.sin(insert.angle))
    dx, dy = x - np.float32(insert.x), y - np.float32(insert.y)
    aside = np.abs(dx * cos + dy * sin) - np.float32(insert.width / 2)
    return np.maximum(aside, np.abs(dy * cos - dx * sin) - np.float32(insert.height / 2))


@lru_cache(maxsize=4)
def _letters(lettering: Lettering) -> Array:
    font = ImageFont.load_default(lettering.height * _LETTER_PX_PER_CM)
    left, top, right, bottom = (round(side) for side in font.getbbox(lettering.text))
    picture = Image.new("L", (right - left + 4, bottom - top + 4))  # an empty rim, for beyond it nothing is drawn
    ImageDraw.Draw(picture).text((2 - left, 2 - top), lettering.text, fill=255, font=font)
    drawn: Array = np.asarray(picture, np.float32) / np.float32(255)
    return drawn
