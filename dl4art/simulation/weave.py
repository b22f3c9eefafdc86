"""The woven cloth as a surface: from points of a plate to thread phases, heights and thicknesses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dl4art.simulation.cloth import Cloth, Yarns
from dl4art.simulation.fields import Array, Field, draw_field
from dl4art.simulation.threads import Threads, lay_threads


@dataclass(frozen=True, eq=False)
class Sheet:
    """A piece of cloth lying under a plate: threads, and how the piece is turned and pulled out of shape."""

    cloth: Cloth
    vertical: Threads
    horizontal: Threads
    vertical_tilt: float
    """Angle of the vertical threads in radians; positive leans the thread's upper end to the left."""
    horizontal_tilt: float
    pulls: tuple[tuple[Field, float], tuple[Field, float]]
    """Displacement across the vertical and across the horizontal threads: field and amplitude in cm."""
    cusping: float
    """Amplitude in cm of the scallops that tacks pull along the plate's edges; zero for none."""
    cusp_pitch: float
    size_cm: tuple[float, float]
    hair: Field
    hairiness: float
    """Roughness of the yarns' outline, in units of their width."""


@dataclass(frozen=True, eq=False)
class Relief:
    """The cloth at a set of points. All arrays have the shape of the points."""

    vertical_phase: Array
    horizontal_phase: Array
    vertical_thickness: Array
    """0 off the thread, 1 on the centre-line of an average one."""
    horizontal_thickness: Array
    vertical_top: Array
    """Height of the upper side of the vertical thread; -1.5 where there is none."""
    horizontal_top: Array
    vertical_along: Array
    """Place along the vertical thread in units of its width."""
    horizontal_along: Array


def lay_sheet(
    rng: np.random.Generator,
    cloth: Cloth,
    size_cm: tuple[float, float],
    *,
    tilt: float,
    skew: float,
    pull: float,
    pull_scale: float,
    cusping: float = 0.0,
) -> Sheet:
    """Lay a piece of a cloth under a plate.

    Parameters
    ----------
    rng : Generator
        Source of randomness.
    cloth : Cloth
        The cloth that the piece is cut from.
    size_cm : (float, float)
        Width and height of the plate.
    tilt, skew : float
        Turn of both thread systems, and of the horizontal one against the vertical one, in radians.
    pull, pull_scale : float
        Amplitude and length of the slow distortion, in cm.
    cusping : float
        Amplitude in cm of the scallops along the edges.
    """
    reach = float(np.hypot(*size_cm)) + 0.6 + 6 * pull + 2 * cusping
    middle_x, middle_y = size_cm[0] / 2, size_cm[1] / 2
    span_x = (middle_x - reach / 2, middle_x + reach / 2)
    span_y = (middle_y - reach / 2, middle_y + reach / 2)
    return Sheet(
        cloth,
        lay_threads(rng, cloth.vertical, span_x, span_y),
        lay_threads(rng, cloth.horizontal, span_y, span_x),
        tilt,
        tilt + skew,
        (
            (draw_field(rng, size_cm, pull_scale), pull),
            (draw_field(rng, size_cm, pull_scale), pull),
        ),
        cusping,
        float(rng.uniform(3, 7)),
        size_cm,
        draw_field(rng, size_cm, float(rng.uniform(0.15, 0.5)) / max(cloth.vertical.density, cloth.horizontal.density)),
        float(rng.uniform(0.02, 0.3)),
    )


def _cusps(sheet: Sheet, x: Array, y: Array) -> tuple[Array, Array]:
    """Displacement of the threads by the tacks at the four edges: strongest at an edge, gone some 10 cm inside."""
    width, height = sheet.size_cm
    wave = np.float32(2 * np.pi / sheet.cusp_pitch)

    def fade(distance: Array) -> Array:
        faded: Array = np.exp(-distance * np.float32(1 / 3.0))
        return faded

    across_vertical = (fade(x) - fade(width - x)) * np.cos(wave * y)
    across_horizontal = (fade(y) - fade(height - y)) * np.cos(wave * x)
    amplitude = np.float32(sheet.cusping)
    return across_vertical * amplitude, across_horizontal * amplitude


def thread_phases(sheet: Sheet, x: Array, y: Array) -> tuple[Array, Array, Array, Array]:
    """Phases of both thread systems at points in cm, and the places along them: ``(V, H, along V, along H)``."""
    cx, cy = np.float32(sheet.size_cm[0] / 2), np.float32(sheet.size_cm[1] / 2)
    dx, dy = x - cx, y - cy
    cos_v, sin_v = np.float32(np.cos(sheet.vertical_tilt)), np.float32(np.sin(sheet.vertical_tilt))
    cos_h, sin_h = np.float32(np.cos(sheet.horizontal_tilt)), np.float32(np.sin(sheet.horizontal_tilt))
    (field_v, pull_v), (field_h, pull_h) = sheet.pulls
    # y points down: a thread leaning left at its top runs along (sin, cos)
    u = dx * cos_v - dy * sin_v + cx + field_v(x, y) * np.float32(pull_v)
    v = dx * sin_h + dy * cos_h + cy + field_h(x, y) * np.float32(pull_h)
    if sheet.cusping:
        across_v, across_h = _cusps(sheet, x, y)
        u, v = u + across_v, v + across_h
    return sheet.vertical.phase(u, v), sheet.horizontal.phase(v, u), v, u


def _over(pattern: npt.NDArray[np.int8], mine: npt.NDArray[np.int32], threads: Threads, phase: Array) -> Array:
    """How far a thread lies over (+1) or under (-1), smoothly from one crossing thread to the next."""
    rows, cols = pattern.shape
    # one row for each crossing thread
    table = pattern[threads.sheds % rows].astype(np.float32).ravel()
    below = np.clip(np.floor(phase), np.float32(0), np.float32(len(threads.sheds) - 2))
    part = phase - below
    # cosine from crossing to crossing; the polynomial is its cheap twin
    smooth = part * part * (3 - 2 * part)
    at = (below.astype(np.int32) * np.int32(cols) + mine % cols).astype(np.intp)
    here = table.take(at, mode="clip")
    there = table[cols:].take(at, mode="clip")
    value: Array = here + smooth * (there - here)
    return value


def _profile(
    threads: Threads, yarns: Yarns, phase: Array, *, along: Array, crossing: Array, rough: Array
) -> tuple[npt.NDArray[np.int32], Array, Array]:
    """Give the number of the nearest thread, its thickness at the point, and its width in units of the mean."""
    number = np.clip(np.rint(phase), np.float32(0), np.float32(len(threads.centres) - 2))
    whole = number.astype(np.int32)
    offset = phase - number
    # room to the neighbour on the side where the point lies
    gaps = np.diff(threads.centres, prepend=0)
    gaps[0] = gaps[1]
    spacing = gaps.take(whole + (offset >= 0), mode="clip")
    width = threads.width(number, along)
    # from 1 between crossings to 1 + bulge at one; rough edges are those of a hairy yarn
    between = np.abs(crossing - np.rint(crossing))
    outline = 1 + np.float32(yarns.bulge) * (1 - 2 * between) + rough
    # a hair of a width that is zero: too thin to be seen, too thick to divide by nothing
    ratio = offset * spacing * 2 / (width * outline + np.float32(1e-12))
    thickness = np.sqrt(np.maximum(0, 1 - ratio * ratio), dtype=np.float32)
    return whole, thickness, width * np.float32(yarns.density / yarns.width)


def relief(sheet: Sheet, x: Array, y: Array) -> Relief:
    """Shape of the cloth at points in cm."""
    cloth = sheet.cloth
    phase_v, phase_h, along_v, along_h = thread_phases(sheet, x, y)
    width_v, width_h = cloth.vertical.width / cloth.vertical.density, cloth.horizontal.width / cloth.horizontal.density
    rough = sheet.hair(x, y) * np.float32(sheet.hairiness)
    number_v, thick_v, relative_v = _profile(
        sheet.vertical, cloth.vertical, phase_v, along=along_v, crossing=phase_h, rough=rough
    )
    number_h, thick_h, relative_h = _profile(
        sheet.horizontal, cloth.horizontal, phase_h, along=along_h, crossing=phase_v, rough=rough
    )
    over_v = _over(cloth.pattern, sheet.vertical.sheds[number_v], sheet.horizontal, phase_h)
    over_h = -_over(cloth.pattern.T, sheet.horizontal.sheds[number_h], sheet.vertical, phase_v)
    floor = np.float32(-1.5)
    top_v = np.where(thick_v > 0, np.float32(cloth.vertical.crimp) * over_v + thick_v, floor)
    top_h = np.where(thick_h > 0, np.float32(cloth.horizontal.crimp) * over_h + thick_h, floor)
    return Relief(
        phase_v,
        phase_h,
        thick_v * relative_v,
        thick_h * relative_h,
        top_v,
        top_h,
        along_v * np.float32(1 / width_v),
        along_h * np.float32(1 / width_h),
    )
