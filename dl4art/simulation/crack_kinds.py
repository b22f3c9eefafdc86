"""Kinds of craquelure as sets of parameters: those of four schools of painting, and others that do not belong to one.

The four schools follow the words in which Bucklow describes them (The Description of Craquelure Patterns, Studies in
Conservation 42, 1997). Words, not figures: sizes and spreads are our own, taken wide.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class CrackKind:
    """What a network of cracks is like.

    Attributes
    ----------
    name : str
        Of the kind.
    island_px : float
        Width of the islands that do not crack any more.
    uneven : float
        Spread of that width over the picture, as the standard deviation of its logarithm.
    directions : tuple of float
        Directions that the support gives, in radians from x towards y, that of the first cracks first; empty for none.
    aligned : float
        How closely the first cracks keep to them, 0 to 1.
    loosened : float
        The same for a generation of cracks, in units of that for the generation before.
    bend : float
        Smooth curvature, in radians per px.
    jag : float
        Zigzag, in radians from step to step.
    connected : float
        Share of the tips that run on until they meet another crack; the others run dry.
    width_px : float
        Width of the first cracks.
    finer : float
        Width of a generation of cracks in units of that of the generation before.
    round_a_blow : bool
        Directions count from the line towards a point of impact: 0 is radial.
    """

    name: str
    island_px: float
    uneven: float
    directions: tuple[float, ...]
    aligned: float
    loosened: float
    bend: float
    jag: float
    connected: float
    width_px: float
    finer: float
    round_a_blow: bool = False


def _italian(rng: np.random.Generator) -> CrackKind:
    """Panel: across the grain, jagged, with a second network of fine cracks; islands small to large."""
    across = _upright_or_level(rng)
    return CrackKind(
        "italian",
        island_px=_log_uniform(rng, 16, 60),
        uneven=rng.uniform(0.4, 0.7),
        directions=(across,),
        aligned=rng.uniform(0.5, 0.8),
        loosened=0.5,
        bend=0.004,
        jag=rng.uniform(0.35, 0.6),
        connected=rng.uniform(0.6, 0.85),
        width_px=_log_uniform(rng, 2.0, 5.0),
        finer=rng.uniform(0.5, 0.65),
    )


def _flemish(rng: np.random.Generator) -> CrackKind:
    """Panel: along the grain, straight and smooth, of one width; small square islands in order."""
    along = _upright_or_level(rng)
    return CrackKind(
        "flemish",
        island_px=_log_uniform(rng, 14, 36),
        uneven=rng.uniform(0.05, 0.25),
        directions=(along, along + math.pi / 2),
        aligned=rng.uniform(0.4, 0.85),
        loosened=0.95,
        bend=0.002,
        jag=rng.uniform(0.05, 0.2),
        connected=rng.uniform(0.85, 1.0),
        width_px=_log_uniform(rng, 1.2, 3.0),
        finer=rng.uniform(0.88, 1.0),
    )


def _dutch(rng: np.random.Generator) -> CrackKind:
    """Canvas: mostly across the longer side, jagged, one connected network that knows the threads."""
    first = _upright_or_level(rng)
    return CrackKind(
        "dutch",
        island_px=_log_uniform(rng, 20, 60),
        uneven=rng.uniform(0.15, 0.4),
        directions=(first, first + math.pi / 2),
        aligned=rng.uniform(0.2, 0.5),
        loosened=0.9,
        bend=0.004,
        jag=rng.uniform(0.25, 0.5),
        connected=rng.uniform(0.9, 1.0),
        width_px=_log_uniform(rng, 1.5, 4.5),
        finer=rng.uniform(0.65, 0.85),
    )


def _french(rng: np.random.Generator) -> CrackKind:
    """Canvas with a thick ground: curved and smooth, no direction, large islands."""
    return CrackKind(
        "french",
        island_px=_log_uniform(rng, 45, 120),
        uneven=rng.uniform(0.2, 0.5),
        directions=(),
        aligned=0.0,
        loosened=1.0,
        bend=rng.uniform(0.004, 0.009),
        jag=rng.uniform(0.03, 0.12),
        connected=rng.uniform(0.75, 0.95),
        width_px=_log_uniform(rng, 1.5, 5.0),
        finer=rng.uniform(0.7, 0.9),
    )


def _drying(rng: np.random.Generator) -> CrackKind:
    """Cracks of drying: wide, rounded, gaping islands, hardly any that run dry."""
    return CrackKind(
        "drying",
        island_px=_log_uniform(rng, 30, 80),
        uneven=rng.uniform(0.2, 0.5),
        directions=(),
        aligned=0.0,
        loosened=1.0,
        bend=0.006,
        jag=rng.uniform(0.15, 0.35),
        connected=rng.uniform(0.8, 1.0),
        width_px=_log_uniform(rng, 3.0, 8.0),
        finer=rng.uniform(0.7, 0.9),
    )


def _hairline(rng: np.random.Generator) -> CrackKind:
    """Few cracks, thin as hairs, many of which run dry."""
    return CrackKind(
        "hairline",
        island_px=_log_uniform(rng, 30, 150),
        uneven=rng.uniform(0.2, 0.6),
        directions=(),
        aligned=0.0,
        loosened=1.0,
        bend=rng.uniform(0.002, 0.008),
        jag=rng.uniform(0.08, 0.3),
        connected=rng.uniform(0.2, 0.6),
        width_px=_log_uniform(rng, 0.7, 1.8),
        finer=rng.uniform(0.75, 1.0),
    )


def _impact(rng: np.random.Generator) -> CrackKind:
    """Rays and rings round a blow: the cobweb."""
    return CrackKind(
        "impact",
        island_px=_log_uniform(rng, 20, 50),
        uneven=rng.uniform(0.1, 0.3),
        directions=(0.0, math.pi / 2),
        aligned=rng.uniform(0.7, 0.95),
        loosened=1.0,
        bend=0.004,
        jag=rng.uniform(0.08, 0.25),
        connected=rng.uniform(0.7, 0.95),
        width_px=_log_uniform(rng, 1.2, 4.0),
        finer=rng.uniform(0.75, 0.95),
        round_a_blow=True,
    )


def _upright_or_level(rng: np.random.Generator) -> float:
    """Direction of a grain or of threads: photographs are square to the picture, within a few degrees."""
    return float(rng.choice([0.0, math.pi / 2]) + rng.normal(0, 0.07))


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


REGIONS = ("dutch", "flemish", "french", "italian")
"""Kinds that are named after schools of painting."""

KINDS: dict[str, Callable[[np.random.Generator], CrackKind]] = {
    "dutch": _dutch,
    "flemish": _flemish,
    "french": _french,
    "italian": _italian,
    "drying": _drying,
    "hairline": _hairline,
    "impact": _impact,
}
"""All kinds: from a generator to one instance."""


def draw_kind(rng: np.random.Generator, name: str) -> CrackKind:
    """Draw one instance of a kind of `KINDS`, by name."""
    return KINDS[name](rng)
