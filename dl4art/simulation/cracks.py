"""Networks of cracks, grown one generation after another, each across the islands that the last one left.

Paint under tension cracks where an island is widest, at right angles to the cracks that are there already, so that
most cracks meet in a T; the support (grain of a panel, threads of a canvas) gives the first of them a direction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from dl4art.simulation.crack_kinds import CrackKind
from dl4art.simulation.fields import Array, draw_field

STEP = 1.5
"""How far a tip moves at a time, in px."""
_GENERATIONS = 7
_BEAD = STEP / 2  # from one point to the next
_REDUCED = 2  # distances between cracks are looked up in a picture so many times smaller
_THINNEST_HALF_PX = 0.3  # thinner cracks are not to be seen
_LABEL_HALF_PX = 1.25  # a hairline is labelled as wide as this to either side: lens and file make it about as wide


@dataclass(frozen=True, eq=False)
class Cracks:
    """A network of cracks as points about half a step apart.

    Attributes
    ----------
    points : ndarray of shape (n, 2)
        Row and column in px; pixel (0, 0) has its centre at (0, 0). Points may lie outside the picture.
    angle : ndarray of shape (n,)
        Which way the crack runs there, in radians from x (columns) towards y (rows).
    half_width : ndarray of shape (n,)
        In px.
    generation : ndarray of shape (n,)
        0 for the first cracks.
    """

    points: Array
    angle: Array
    half_width: Array
    generation: npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Profile:
    """What a network of cracks is at every pixel of a picture, each of shape (h, w)."""

    coverage: Array
    """Share of the pixel that is crack, 0 to 1."""
    distance: Array
    """To the nearest centre-line in px; infinite if there are no cracks."""
    down: Array
    """Direction from the nearest centre-line, part along the columns: 1 right below a crack, -1 right above."""
    across: Array
    """The same along the rows: 1 right of a crack."""
    label: npt.NDArray[np.bool_]
    """Whether the pixel is to be called crack; hairlines are at least 2.5 px wide."""


def grow_cracks(rng: np.random.Generator, kind: CrackKind, shape: tuple[int, int]) -> Cracks:
    """Grow a network of cracks over a picture.

    Parameters
    ----------
    rng : Generator
        Source of randomness.
    kind : CrackKind
        What the network is like.
    shape : (int, int)
        Height and width of the picture in px. The network goes on beyond its border.

    Returns
    -------
    Cracks
    """
    # beyond the border by an island, rounded so that the reduced picture fits
    margin = int(min(kind.island_px, 100.0))
    rows, cols = (-(-(side + 2 * margin) // _REDUCED) * _REDUCED for side in shape)
    tissue = _Tissue(rng, kind, (rows, cols))
    for generation in range(_GENERATIONS):
        places, headings = tissue.first_seeds() if generation == 0 else tissue.seeds()
        if not len(places):
            break
        tissue.grow(places, headings, generation)
    return tissue.network(margin)


def crack_profile(cracks: Cracks, shape: tuple[int, int]) -> Profile:
    """Draw a network of cracks.

    Parameters
    ----------
    cracks : Cracks
        The network.
    shape : (int, int)
        Height and width of the picture in px.

    Returns
    -------
    Profile
    """
    pad = int(np.ceil(cracks.half_width.max(initial=0))) + 2
    rows, cols = shape[0] + 2 * pad, shape[1] + 2 * pad
    at = np.rint(cracks.points).astype(np.int32) + pad
    inside = ((at >= 0) & (at < (rows, cols))).all(axis=1)
    if not inside.any():
        nothing = np.zeros(shape, np.float32)
        return Profile(nothing, np.full(shape, np.inf, np.float32), nothing, nothing, np.zeros(shape, bool))
    # where several points fall on a pixel, the widest counts
    order = np.flatnonzero(inside)[np.argsort(cracks.half_width[inside], kind="stable")]
    number = np.full((rows, cols), -1, np.int32)
    number[at[order, 0], at[order, 1]] = order
    near = ndimage.distance_transform_edt(number < 0, return_distances=False, return_indices=True)
    middle = (slice(pad, pad + shape[0]), slice(pad, pad + shape[1]))
    nearest = number[near[0][middle], near[1][middle]]
    points, half = cracks.points[nearest], cracks.half_width[nearest]
    down = np.arange(shape[0], dtype=np.float32)[:, None] - points[..., 0]
    across = np.arange(shape[1], dtype=np.float32) - points[..., 1]
    # points are beads on a line: what counts is how far off the line a pixel is, not how far from a bead
    cos, sin = np.cos(cracks.angle)[nearest], np.sin(cracks.angle)[nearest]
    beside, along = down * cos - across * sin, np.abs(down * sin + across * cos)
    distance = np.hypot(beside, np.maximum(along - np.float32(_BEAD), 0))
    # a line thinner than a pixel cannot cover more of it than it is wide
    coverage = np.clip(half - distance + np.float32(0.5), 0, np.minimum(2 * half, 1))
    label = distance <= np.maximum(half, np.float32(_LABEL_HALF_PX))
    scale = 1 / np.maximum(np.hypot(down, across), np.float32(0.5))
    return Profile(coverage, distance, down * scale, across * scale, label)


_Real = npt.NDArray[np.floating[Any]]
_Step = tuple[npt.NDArray[np.intp], _Real, _Real]
"""Numbers, places and headings of the tips that moved."""


class _Tissue:
    """A paint layer while it cracks."""

    def __init__(self, rng: np.random.Generator, kind: CrackKind, shape: tuple[int, int]) -> None:
        self.rng, self.kind, self.shape = rng, kind, shape
        self.owner = np.zeros(shape, np.int32)
        self.tips = 0
        self.paths: list[tuple[Array, Array, Array, int]] = []
        self.centre = np.array(shape) * rng.uniform(0.2, 0.8, 2)
        reduced = tuple(side // _REDUCED for side in shape)
        step = np.float32(_REDUCED)
        field = draw_field(rng, (float(shape[1]), float(shape[0])), 2.5 * kind.island_px)
        x, y = np.arange(reduced[1], dtype=np.float32)[None] * step, np.arange(reduced[0], dtype=np.float32)[:, None]
        self.radius = kind.island_px / 2 * np.exp(np.clip(kind.uneven * field(x, y * step), -1.5, 1.5))

    def preferred(self, places: _Real, headings: _Real) -> _Real:
        """Direction that the support would give each crack: of the kind's, the one nearest to its heading."""
        if not self.kind.directions:
            return headings
        ways = np.array(self.kind.directions, np.float32)[None]
        if self.kind.round_a_blow:
            away = places - self.centre
            ways = ways + np.arctan2(away[:, :1], away[:, 1:])
        turn = (ways - headings[:, None] + np.pi / 2) % np.pi - np.pi / 2
        least = np.abs(turn).argmin(axis=1)
        found: _Real = headings + turn[np.arange(len(turn)), least]
        return found

    def first_seeds(self) -> tuple[_Real, _Real]:
        """Places and headings of the cracks that come first."""
        rows, cols = self.shape
        count = 1 + self.rng.poisson(rows * cols / (5 * self.kind.island_px) ** 2)
        places = self.rng.uniform(0, 1, (count, 2)) * (rows - 1, cols - 1)
        headings = self.rng.uniform(0, np.pi, count)
        if self.kind.directions and not self.kind.round_a_blow:
            headings = np.full(count, self.kind.directions[0])
        return places, headings

    def seeds(self) -> tuple[_Real, _Real]:
        """Places in the middle of islands that are too large still, and headings towards their nearest cracks."""
        rows, cols = self.owner.shape
        free = self.owner.reshape(rows // _REDUCED, _REDUCED, cols // _REDUCED, _REDUCED).max(axis=(1, 3)) == 0
        distance, near = ndimage.distance_transform_edt(free, return_indices=True)
        distance = distance.astype(np.float32) * np.float32(_REDUCED)
        # many points of a long island are equally far from its sides: chance takes a few, an island apart
        chance = distance * self.rng.uniform(0.85, 1, distance.shape).astype(np.float32)
        side = max(3, int(1.4 * self.kind.island_px / _REDUCED))
        peak = (chance >= ndimage.maximum_filter(chance, side)) & (distance > self.radius)
        at = np.argwhere(peak)
        if not len(at):
            return np.empty((0, 2)), np.empty(0)
        wall = near[:, at[:, 0], at[:, 1]].T - at
        headings = np.arctan2(wall[:, 0], wall[:, 1]) + self.rng.normal(0, 0.25, len(at))
        return at * float(_REDUCED), headings

    def grow(self, places: _Real, headings: _Real, generation: int) -> None:
        """Let the cracks of a generation grow from both their ends until they meet another or run dry."""
        rng, kind, count = self.rng, self.kind, 2 * len(places)
        aligned = kind.aligned * kind.loosened**generation
        headings = headings + aligned * (self.preferred(places, headings) - headings)
        # the two tips of a crack share a number, so that they do not stop each other
        number = np.tile(np.arange(len(places)) + self.tips + 1, 2)
        self.tips += len(places)
        place = np.tile(places, (2, 1))
        heading = np.concatenate([headings, headings + np.pi])
        runs_dry = rng.random(count) >= kind.connected
        life = np.where(runs_dry, 1 + rng.exponential(kind.island_px / STEP, count), 1e9)
        curl = rng.normal(0, kind.bend, count)
        steps: list[_Step] = [(np.arange(count), place, heading.copy())]
        alive = np.arange(count)
        lived = np.zeros(count)
        limits = np.array(self.shape) - 1
        for step in range(1, 2 * sum(self.shape)):
            if not len(alive):
                break
            here = place[alive]
            curl[alive] = 0.97 * curl[alive] + 0.24 * rng.normal(0, kind.bend, len(alive))
            zigzag = rng.normal(0, kind.jag, len(alive))
            drawn = self.preferred(here, heading[alive]) - heading[alive]
            heading[alive] += STEP * curl[alive] + 0.06 * aligned * drawn
            way = heading[alive] + zigzag
            there = here + STEP * np.stack([np.sin(way), np.cos(way)], axis=1)
            place[alive] = there
            lived[alive] = step
            steps += [(alive, (here + there) / 2, way), (alive, there, way)]
            cell = np.rint(there).astype(np.int32)
            outside = ((cell < 0) | (cell > limits)).any(axis=1)
            cell = np.clip(cell, 0, limits)
            found = self.owner[cell[:, 0], cell[:, 1]]
            met = (found != 0) & (found != number[alive])
            # two pixels wide, so that nobody slips through between two pixels that touch at their corners
            self.owner[cell[:, 0], cell[:, 1]] = number[alive]
            self.owner[cell[:, 0], np.minimum(cell[:, 1] + 1, limits[1])] = number[alive]
            alive = alive[~(outside | met | (step > life[alive]))]
        self._keep(steps, lived, runs_dry, generation)

    def _keep(
        self,
        steps: list[_Step],
        lived: _Real,
        runs_dry: npt.NDArray[np.bool_],
        generation: int,
    ) -> None:
        """Keep the points of a generation, with widths that vary along a crack and run out where it ends alone."""
        kind, rng = self.kind, self.rng
        tip = np.concatenate([tips for tips, *_ in steps])
        age = np.repeat((np.arange(len(steps)) + 1) // 2, [len(tips) for tips, *_ in steps])
        # both tips of a crack have its width
        share = kind.finer**generation * np.exp(rng.normal(0, 0.3, len(lived) // 2))
        half = kind.width_px / 2 * np.tile(share, 2)[tip]
        wave = rng.uniform(0, 2 * np.pi, (2, len(lived)))
        pace = rng.uniform(0.03, 0.3, (2, len(lived)))
        half *= 1 + 0.2 * (np.sin(wave[0, tip] + pace[0, tip] * age) + np.sin(wave[1, tip] + pace[1, tip] * age))
        rest = np.clip((lived[tip] - age) / (0.5 * lived[tip] + 1), 0.1, 1)
        half *= np.where(runs_dry[tip], np.sqrt(rest), 1)
        half = np.maximum(half, _THINNEST_HALF_PX)
        points, angle = (np.concatenate([step[part] for step in steps]).astype(np.float32) for part in (1, 2))
        self.paths.append((points, angle, half.astype(np.float32), generation))

    def network(self, margin: int) -> Cracks:
        """All of it, with the upper-left corner of the picture at (0, 0)."""
        points, angle, half = (np.concatenate([path[part] for path in self.paths]) for part in range(3))
        generation = np.repeat([path[3] for path in self.paths], [len(path[2]) for path in self.paths])
        return Cracks(points - np.float32(margin), angle, half, generation.astype(np.int32))
