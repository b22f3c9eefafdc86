"""The identity of a cloth: what stays the same wherever it is cut and however it is painted and photographed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Weave = Literal["plain", "twill", "basket"]


@dataclass(frozen=True)
class Yarns:
    """One thread system of a cloth. Lengths are in cm, irregularities in units of the mean spacing."""

    density: float
    """Mean thread density in th/cm."""
    short_irregularity: float
    """Spread of the spacing from one thread to the next."""
    long_irregularity: float
    """Slow drift of the spacing over several centimetres."""
    long_scale: float
    """Length of that drift, cm."""
    wobble: float
    """How far a thread strays from its straight line, in units of the spacing."""
    wobble_scale: float
    """Length over which it strays, cm."""
    width: float
    """Mean yarn width in units of the mean spacing (one: threads touch)."""
    width_spread: float
    """Spread of the width between threads."""
    slub_spread: float
    """Spread of the width along a thread."""
    slub_scale: float
    """Length of a slub, cm."""
    pairing: float
    """Every other space is narrower by this fraction, as reeds leave it."""
    missing: float
    """Share of threads that are not there."""
    doubled: float
    """Share of threads with a second one in the same shed."""
    crimp: float
    """Height of the yarn's wave, in units of its thickness."""
    bulge: float
    """How much wider a yarn is where it is pressed at a crossing, or (negative) between crossings."""


@dataclass(frozen=True, eq=False)
class Cloth:
    """A cloth: a weave and two thread systems."""

    weave: Weave
    pattern: npt.NDArray[np.int8]
    """Repeat of the weave: +1 where the vertical thread (column) lies over the horizontal one (row), else -1."""
    vertical: Yarns
    horizontal: Yarns
    ply: float = 0.0
    """Depth of the twist marks of a plied yarn, 0 to 1."""


def weave_pattern(weave: Weave, over: int = 2, under: int = 2, sense: int = 1) -> npt.NDArray[np.int8]:
    """Repeat of a weave as an array of +1 (vertical thread on top) and -1."""
    if weave == "plain":
        return np.array([[1, -1], [-1, 1]], np.int8)
    if weave == "basket":
        return np.kron(np.array([[1, -1], [-1, 1]]), np.ones((2, 2))).astype(np.int8)
    repeat = over + under
    first = np.array([1] * over + [-1] * under, np.int8)
    return np.array([np.roll(first, sense * row) for row in range(repeat)], np.int8)


DENSITY_RANGE = (5.0, 26.0)
"""Mean densities that are drawn, th/cm."""


def draw_density(rng: np.random.Generator) -> float:
    """Draw a mean density: log-uniform over the whole range, since a fine cloth is as likely to be asked about."""
    low, high = DENSITY_RANGE
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def draw_yarns(rng: np.random.Generator, density: float) -> Yarns:
    """Draw one thread system of a given mean density."""
    rough = rng.beta(1.3, 2.0)  # zero: machine-spun and even; one: hand-spun and wild
    stray_length = float(np.exp(rng.uniform(np.log(1.5), np.log(8.0))))  # in spacings
    return Yarns(
        density=density,
        short_irregularity=0.01 + 0.16 * rough * rng.uniform(0.4, 1.0),
        long_irregularity=0.07 * rng.beta(1.2, 3.0),
        long_scale=float(np.exp(rng.uniform(np.log(0.6), np.log(6.0)))),
        # short strays are shallow: a yarn under tension does not turn sharply
        wobble=min(0.02 + 0.16 * rough * rng.uniform(0.3, 1.0), 0.04 * stray_length),
        wobble_scale=stray_length / density,
        width=rng.uniform(0.5, 1.0),
        width_spread=0.02 + 0.18 * rough * rng.uniform(0.3, 1.0),
        slub_spread=0.03 + 0.25 * rough * rng.uniform(0.2, 1.0),
        slub_scale=float(np.exp(rng.uniform(np.log(1.0), np.log(15.0)))) / density,
        pairing=rng.choice([0.0, rng.uniform(0.02, 0.12), rng.uniform(0.12, 0.35)], p=[0.6, 0.28, 0.12]),
        missing=rng.choice([0.0, 0.006], p=[0.75, 0.25]),
        doubled=rng.choice([0.0, 0.015], p=[0.7, 0.3]),
        crimp=rng.uniform(0.15, 1.0),
        bulge=rng.uniform(-0.15, 0.4),
    )


def draw_cloth(rng: np.random.Generator, *, weave: Weave = "plain", **fixed: Any) -> Cloth:
    """Draw a cloth from the priors.

    Parameters
    ----------
    rng : Generator
        Source of randomness.
    weave : {'plain', 'twill', 'basket'}
        Kind of weave.
    **fixed
        ``vertical_density`` and ``horizontal_density`` in th/cm, where they must not be drawn, and ``ply``.

    Returns
    -------
    Cloth
    """
    first = fixed.get("vertical_density") or draw_density(rng)
    second = fixed.get("horizontal_density")
    if second is None:
        # most canvases are nearly square, some twice as dense one way
        ratio = np.exp(rng.normal(0, 0.12) if rng.random() < 0.6 else rng.uniform(-0.75, 0.75))
        second = float(np.clip(first * ratio, *DENSITY_RANGE))
    if weave == "twill":
        over, under = ((2, 1), (1, 2), (2, 2), (3, 1), (1, 3))[rng.integers(5)]
        pattern = weave_pattern("twill", over, under, int(rng.choice([-1, 1])))
    else:
        pattern = weave_pattern(weave)
    return Cloth(weave, pattern, draw_yarns(rng, first), draw_yarns(rng, second), float(fixed.get("ply", 0.0)))
