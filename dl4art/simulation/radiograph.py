"""Everything that lies between the cloth and the file, drawn at random: ground, paint, damage, film, scanner.

None of it may change a thread count. `draw_radiograph` holds the priors. The common and the held-out
family were fixed before any training; the chequered one joined while the shipped counter was trained.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Family = Literal["common", "chequered", "held-out"]


@dataclass(frozen=True)
class Ground:
    """How the cloth shows: weights of the ways in which it can, each drawn with a sign."""

    yarn: float
    """Threads absorb, crossings no more than threads (a coat of size or ground on them)."""
    sum: float
    """Threads absorb, crossings twice."""
    relief: float
    """Ground fills up to a level: where the cloth is high the ground is thin."""
    face: float
    """The thread that lies on top shows, as in a photograph or where ground clings to one face."""
    shading: float
    """Light from one side on the face."""
    light: float
    """Direction of that light, radians."""
    balance: float
    """How much more the vertical threads show than the horizontal ones, -1 to 1."""
    sharpness: float
    """How suddenly the ground ends at a thread's edge."""
    scraped: float = 0.0
    """Ground left by the priming knife on one side of the interstices only (never in the common family)."""


@dataclass(frozen=True)
class Paint:
    """Paint, damage and the things around a canvas. Amounts in units of the weave's own contrast."""

    contrast: float
    """How strongly the weave shows against the film's range."""
    contrast_spread: float
    """How much that varies over the plate."""
    contrast_scale: float
    tone: float
    """Slow changes of tone."""
    tone_scale: float
    hair: float
    """Marks of brush hairs."""
    hair_angle: float
    hair_scale: float
    strokes: int
    """Strokes of lead white per 10 square centimetres."""
    stroke_depth: float
    cracks: int
    """Crack lines per 10 square centimetres."""
    crack_depth: float
    losses: int
    """Losses per 10 square centimetres."""
    mottle: float
    """Uneven ground, lumps of pigment: blots of about a thread's size."""
    mottle_scale: float
    lining: float
    """Contrast of a second cloth glued behind, in units of the first."""


@dataclass(frozen=True)
class Film:
    """Film and scanner."""

    blur: float
    """Unsharpness, standard deviation in pixels at 200 px/cm."""
    slope: float
    """Steepness of the film's curve."""
    exposure: float
    """Place on that curve, in units of its half-width; far from zero is over- or underexposed."""
    grain: float
    """Grain, standard deviation in units of full range."""
    grain_size: float
    clumps: float
    """Share of the grain that clumps and grows with density (never in the common family)."""
    stretched: bool
    """The file's levels were set to the plate's own range."""
    black: float
    """Share of the plate that this turned black."""
    white: float
    """Share that it turned white."""
    equalised: bool
    """Local contrast was equalised by whoever made the file."""
    jpeg: int
    """JPEG quality of an earlier life, 0 for none."""
    enlarged: float
    """The file was enlarged by this factor."""
    negative: bool


@dataclass(frozen=True)
class Radiograph:
    """One way of taking a radiograph, and how the cloth lies in it (angles in degrees, lengths in cm)."""

    ground: Ground
    paint: Paint
    film: Film
    tilt: float
    skew: float
    pull: float
    pull_scale: float
    cusping: float


def _sometimes(rng: np.random.Generator, chance: float, low: float, high: float) -> float:
    return float(rng.uniform(low, high)) if rng.random() < chance else 0.0


def _draw_ground(rng: np.random.Generator, family: Family) -> Ground:
    if family == "held-out":
        light, balance, sharpness = rng.uniform(0, 6.28), rng.normal(0, 0.2), rng.uniform(2, 6)
        return Ground(0.25, 0.0, 0.2, 0.0, 0.0, light, balance, sharpness, scraped=1.0)
    if family == "chequered":
        # one system shows and the other hardly: dots where it lies on top, which stand on the diagonals
        balance = rng.uniform(0.55, 1.0) * rng.choice([-1, 1])
        return Ground(
            float(rng.uniform(0, 0.2)),
            0.0,
            float(rng.uniform(-0.15, 0.3)),
            float(rng.choice([-1, 1])),
            _sometimes(rng, 0.3, 0.1, 0.4),
            float(rng.uniform(0, 2 * np.pi)),
            float(balance),
            float(np.exp(rng.uniform(np.log(1.0), np.log(8.0)))),
        )
    # mostly one way, with a little of the others
    weights = rng.dirichlet([0.35] * 4) + rng.dirichlet([2.0] * 4) * 0.15
    signs = np.array([1, 1, rng.choice([-1, 1], p=[0.7, 0.3]), rng.choice([-1, 1], p=[0.3, 0.7])])
    yarn, total, relief, face = (float(w) for w in weights * signs)
    return Ground(
        yarn,
        total,
        relief,
        face,
        _sometimes(rng, 0.35, 0.1, 0.6),
        float(rng.uniform(0, 2 * np.pi)),
        float(np.clip(rng.normal(0, 0.35), -0.9, 0.9)),
        float(np.exp(rng.uniform(np.log(1.0), np.log(8.0)))),
    )


def _draw_paint(rng: np.random.Generator) -> Paint:
    calm = rng.random() < 0.45
    return Paint(
        # one in thirty shows no weave at all: a ground without lead, a panel, another part of the room
        contrast=float(np.exp(rng.uniform(np.log(0.25), np.log(1.8)))) if rng.random() < 0.97 else 0.02,
        contrast_spread=0.1 * rng.random() if calm else rng.uniform(0.1, 0.8),
        contrast_scale=rng.uniform(0.3, 2.5),
        tone=rng.uniform(0.1, 0.6) if calm else rng.uniform(0.3, 2.5),
        tone_scale=float(np.exp(rng.uniform(np.log(0.3), np.log(5.0)))),
        hair=0.1 * rng.random() if calm else _sometimes(rng, 0.5, 0.1, 0.8),
        hair_angle=float(rng.uniform(0, np.pi)),
        hair_scale=float(np.exp(rng.uniform(np.log(0.012), np.log(0.15)))),
        strokes=0 if calm else int(rng.integers(0, 25)),
        stroke_depth=float(rng.uniform(0.5, 6.0)),
        cracks=int(rng.integers(1, 60)) if rng.random() < 0.4 else 0,
        crack_depth=float(rng.uniform(-2.5, 2.5)),
        losses=int(rng.integers(1, 12)) if rng.random() < 0.25 else 0,
        mottle=rng.uniform(0, 0.25) if calm else rng.uniform(0.0, 0.9),
        mottle_scale=float(np.exp(rng.uniform(np.log(0.01), np.log(0.12)))),
        lining=_sometimes(rng, 0.1, 0.1, 0.4),
    )


def _draw_film(rng: np.random.Generator, family: Family) -> Film:
    held_out = family == "held-out"
    return Film(
        blur=float(np.exp(rng.uniform(np.log(0.4), np.log(5.0)))),
        slope=float(np.exp(rng.uniform(np.log(0.5), np.log(2.5)))),
        exposure=float(rng.normal(0, 0.6)),
        grain=float(np.exp(rng.uniform(np.log(0.002), np.log(0.04)))),
        grain_size=float(rng.uniform(0.3, 2.0)),
        clumps=rng.uniform(0.6, 1.0) if held_out else 0.0,
        stretched=bool(rng.random() < 0.75),
        black=_sometimes(rng, 0.4, 0.0, 0.3),
        white=_sometimes(rng, 0.2, 0.0, 0.15),
        equalised=bool(rng.random() < 0.15),
        jpeg=int(rng.integers(40, 95)) if rng.random() < 0.25 else 0,
        enlarged=float(rng.uniform(1.3, 4.0)) if rng.random() < 0.2 else 1.0,
        negative=bool(rng.random() < 0.5),
    )


def draw_radiograph(rng: np.random.Generator, family: Family = "common") -> Radiograph:
    """Draw a radiograph from the priors.

    Parameters
    ----------
    rng : Generator
        Source of randomness.
    family : {'common', 'chequered', 'held-out'}
        In ``chequered`` only one thread system shows, where it lies on top of the other.
        ``held-out`` has a scraped ground and clumped grain, which no shipped weight was trained on. (Its yarn,
        plied with visible twist, belongs to the cloth.)
    """
    tilt = rng.normal(0, 2.5) if rng.random() < 0.6 else rng.uniform(-20, 20)
    return Radiograph(
        _draw_ground(rng, family),
        _draw_paint(rng),
        _draw_film(rng, family),
        tilt=float(tilt),
        skew=float(np.clip(rng.normal(0, 1.8), -7, 7)),
        pull=float(rng.uniform(0, 0.03)),
        pull_scale=float(rng.uniform(0.8, 5)),
        cusping=_sometimes(rng, 0.15, 0.02, 0.2),
    )
