"""Families of cloths of nearly one density, and crops of plates that show them: what a comparison has to tell apart.

A family is a few cloths that a thread count cannot part. Each cloth lies under several plates, each with its own
ground, paint, film and exposure, half of them turned by a quarter; each plate gives crops from different places.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from dl4art.simulation.cloth import DENSITY_RANGE, Cloth, Weave, draw_cloth
from dl4art.simulation.fields import Array
from dl4art.simulation.radiograph import Family as Look
from dl4art.simulation.radiograph import Radiograph, draw_radiograph
from dl4art.simulation.readability import READABLE, contrast_to_noise
from dl4art.simulation.render import Picture, render
from dl4art.simulation.scene import Scene, stage

FamilySplit = Literal["train", "stop", "calibrate", "test", "held-out"]
FAMILY_SPLITS: tuple[FamilySplit, ...] = get_args(FamilySplit)
"""What families are for; no cloth is in two splits. ``held-out`` has the ground, grain and yarn of that name."""
WITHIN = 0.5
"""Densities of two cloths of a family differ by less than this, th/cm, each way."""
PITCH_PX = 8
"""Crops begin at multiples of this (blocks of JPEG)."""
_TRIES = 30
"""Radiographs drawn before a plate is given up: the finest cloths can be read under few of them."""
_HOPELESS = (1, 6)
"""Unreadable places in a row after which a radiograph is given up: before the first readable one, and later."""


@dataclass(frozen=True)
class FamilyPlan:
    """How much of a family is drawn."""

    cloths: int = 6
    plates: int = 3
    """Plates of each cloth."""
    crops: int = 1
    """Crops of each plate, from places that do not overlap."""
    size_px: int = 240
    """Side of a crop at 200 px/cm."""
    other_weaves: float = 0.0
    """Share of families in twill or basket weave."""
    chequered: float = 0.0
    """Share of plates on which one thread system shows and the other hardly."""


@dataclass(frozen=True, eq=False)
class FamilyCrop:
    """A readable crop of a plate of a cloth of a family."""

    cloth: int
    """Number of the cloth in its family."""
    plate: int
    """Number of the plate among those of its cloth."""
    turned: bool
    """The plate lies turned by a quarter: `grey` is `picture` turned counter-clockwise."""
    scene: Scene
    corner: tuple[int, int]
    """First row and column of `picture` in its plate, px."""
    picture: Picture
    """As rendered, before any turn."""
    readable: tuple[float, float]
    """Contrast-to-noise ratio of the vertical and the horizontal threads of `picture`."""

    @property
    def grey(self) -> Array:
        """Grey values of the crop as it lies, 0 to 1."""
        return np.rot90(self.picture.grey).copy() if self.turned else self.picture.grey


def draw_matched_cloths(
    rng: np.random.Generator, count: int, *, within: float = WITHIN, weave: Weave = "plain", ply: float = 0.0
) -> list[Cloth]:
    """Draw cloths that a thread count cannot part: all else is drawn for each from the priors.

    Parameters
    ----------
    rng : Generator
        Source of randomness.
    count : int
        Number of cloths.
    within : float
        Mean densities of any two lie within this of each other, th/cm, in each direction.
    weave : {'plain', 'twill', 'basket'}
        Kind of weave of all of them.
    ply : float
        Depth of the twist marks of plied yarns.

    Returns
    -------
    list of Cloth
    """
    middle = draw_cloth(rng, weave=weave)
    low, high = DENSITY_RANGE
    centre = np.clip([middle.vertical.density, middle.horizontal.density], low + within / 2, high - within / 2)
    densities = centre + rng.uniform(-within / 2, within / 2, (count, 2))
    return [
        draw_cloth(rng, weave=weave, vertical_density=float(first), horizontal_density=float(second), ply=ply)
        for first, second in densities
    ]


def draw_family(split: FamilySplit, number: int, plan: FamilyPlan) -> Iterator[FamilyCrop]:
    """Draw a family and render crops of it.

    A plate on which the weave cannot be read in both directions is drawn again, with a bound; plates for which that
    does not help are left out, all their crops.

    Parameters
    ----------
    split : str
        What the family is for; see `FAMILY_SPLITS`.
    number : int
        Number of the family in its split; the same number and plan give the same crops.
    plan : FamilyPlan
        How much to draw.

    Yields
    ------
    FamilyCrop
        Cloth by cloth, plate by plate.
    """
    held_out = split == "held-out"
    # their first number keeps these generators apart from those of single crops and of plates
    key = [20264, FAMILY_SPLITS.index(split), number]
    rng = np.random.default_rng(key)
    weave: Weave = "plain"
    if rng.random() < plan.other_weaves:
        weave = "twill" if rng.random() < 0.75 else "basket"
    cloths = draw_matched_cloths(rng, plan.cloths, weave=weave, ply=float(rng.uniform(0.3, 0.6)) if held_out else 0.0)
    for cloth_number, cloth in enumerate(cloths):
        for plate in range(plan.plates):
            # of its own, so that one more plate changes no other
            own = np.random.default_rng([*key, cloth_number, plate])
            look: Look = "held-out" if held_out else "chequered" if own.random() < plan.chequered else "common"
            turned = bool(own.random() < 0.5)
            scene, places = draw_readable_plate(own, cloth, plan.crops, plan.size_px, look=look)
            for corner, picture, readable in places:
                yield FamilyCrop(cloth_number, plate, turned, scene, corner, picture, readable)


def draw_shared_family(split: FamilySplit, number: int, plan: FamilyPlan) -> Iterator[FamilyCrop]:
    """Draw a family whose cloths lie under the same radiographs: plate for plate one ground, paint, film and exposure.

    What a network takes for the cloth and is not, shows here: two plates of one cloth have none of it in common, and
    plates of two cloths all.

    Parameters
    ----------
    split, number, plan
        As for `draw_family`. Cloths and plates are others than those of that name.

    Yields
    ------
    FamilyCrop
        Plate by plate, cloth by cloth.
    """
    key = [20268, FAMILY_SPLITS.index(split), number]
    cloths = draw_matched_cloths(np.random.default_rng(key), plan.cloths)
    for plate in range(plan.plates):
        own = np.random.default_rng([*key, plate])
        turned = bool(own.random() < 0.5)
        for _ in range(_TRIES):
            radiograph = draw_radiograph(own)
            drawn = []
            for cloth in cloths:
                drawn.append(_readable_places(own, cloth, radiograph, plan.crops, plan.size_px))
                if not drawn[-1][1]:
                    break
            if drawn[-1][1]:
                break
        else:
            continue
        for cloth_number, (scene, places) in enumerate(drawn):
            for corner, picture, readable in places:
                yield FamilyCrop(cloth_number, plate, turned, scene, corner, picture, readable)


Place = tuple[tuple[int, int], Picture, tuple[float, float]]


def draw_readable_plate(
    rng: np.random.Generator, cloth: Cloth, crops: int, size_px: int, *, look: Look = "common"
) -> tuple[Scene, list[Place]]:
    """Draw one plate of a cloth and crops of it on which both thread directions can be read.

    Parameters
    ----------
    rng : Generator
        Source of randomness.
    cloth : Cloth
        The cloth.
    crops : int
        Number of crops, from places that do not overlap.
    size_px : int
        Side of a crop at 200 px/cm.
    look : {'common', 'chequered', 'held-out'}
        Family of radiographs.

    Returns
    -------
    scene : Scene
        The plate.
    places : list of ((int, int), Picture, (float, float))
        Of each crop the first row and column, the picture and its contrast-to-noise ratios; empty where no radiograph
        in thirty could be read.
    """
    for _ in range(_TRIES):
        scene, found = _readable_places(rng, cloth, draw_radiograph(rng, look), crops, size_px)
        if found:
            break
    return scene, found


def _readable_places(
    rng: np.random.Generator, cloth: Cloth, radiograph: Radiograph, crops: int, size_px: int
) -> tuple[Scene, list[Place]]:
    """Lay a cloth under a radiograph and render crops that can be read; none if there are too few of them."""
    pitch = -(-size_px // PITCH_PX) * PITCH_PX
    # twice the places that are needed, since some will be unreadable
    side = int(np.ceil(np.sqrt(2 * crops)))
    size_cm = side * pitch / 200
    scene = stage(cloth, radiograph, (size_cm, size_cm), int(rng.integers(2**62)))
    found: list[Place] = []
    missed = 0
    for place in rng.permutation(side * side):
        row, col = (pitch * number for number in divmod(int(place), side))
        picture = render(scene, 200.0, (row, col, size_px, size_px))
        readable = contrast_to_noise(picture)
        if min(readable) >= READABLE:
            found.append(((row, col), picture, readable))
            missed = 0
        else:
            missed += 1
        if len(found) == crops:
            return scene, found
        if missed == _HOPELESS[bool(found)]:
            break
    return scene, []
