"""A sheet under a radiograph: all that is random about one plate, drawn once for the whole of it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from dl4art.simulation.cloth import Cloth, draw_cloth
from dl4art.simulation.exposure import weave_signal
from dl4art.simulation.fields import Array, Field, draw_field
from dl4art.simulation.film import curve
from dl4art.simulation.furniture import Furniture, furniture_exposure, piece_numbers
from dl4art.simulation.marks import Marks, draw_marks
from dl4art.simulation.radiograph import Radiograph
from dl4art.simulation.weave import Relief, Sheet, lay_sheet, relief


@dataclass(frozen=True, eq=False)
class Scene:
    """A sheet, a radiograph, and the random things drawn once for the whole plate; from `stage`."""

    sheet: Sheet
    lining: Sheet | None
    radiograph: Radiograph
    size_cm: tuple[float, float]
    """Width and height."""
    seed: int
    tone: Field
    contrast: Field
    hair: Field
    mottle: Field
    marks: Marks
    furniture: Furniture | None = None
    pieces: tuple[Sheet, ...] = ()
    """Other pieces of cloth, sewn on or let in, numbered from one."""
    centre: float = 0.0
    spread: float = 1.0
    """Mean and deviation of the weave signal over the plate, so that contrasts mean the same everywhere."""
    levels: tuple[float, float] = (0.0, 1.0)
    """The film's grey values that the file shows as black and as white."""


class _Lay(TypedDict):
    tilt: float
    skew: float
    pull: float
    pull_scale: float


def stage(
    cloth: Cloth,
    radiograph: Radiograph,
    size_cm: tuple[float, float],
    seed: int,
    furniture: Furniture | None = None,
) -> Scene:
    """Lay a cloth under a plate of the given size and draw what is random about that plate.

    Parameters
    ----------
    cloth : Cloth
        The cloth; the same one with another seed is another piece of it.
    radiograph : Radiograph
        How it is painted and photographed.
    size_cm : (float, float)
        Width and height.
    seed : int
        Seed of all that is drawn here.
    furniture : Furniture, optional
        What a plate shows beyond painted canvas; nothing if left out.

    Returns
    -------
    Scene
        To be rendered.
    """
    rng = np.random.default_rng(seed)
    laid = _Lay(
        tilt=np.radians(radiograph.tilt),
        skew=np.radians(radiograph.skew),
        pull=radiograph.pull,
        pull_scale=radiograph.pull_scale,
    )
    sheet = lay_sheet(rng, cloth, size_cm, cusping=radiograph.cusping, **laid)
    lining = None
    if radiograph.paint.lining:
        behind = draw_cloth(rng)
        laid_behind = laid.copy()
        laid_behind["tilt"] = rng.normal(0, 0.1)
        lining = lay_sheet(rng, behind, size_cm, **laid_behind)
    paint = radiograph.paint
    marks = draw_marks(rng, paint, size_cm)
    scene = Scene(
        sheet,
        lining,
        radiograph,
        size_cm,
        seed,
        draw_field(rng, size_cm, paint.tone_scale),
        draw_field(rng, size_cm, paint.contrast_scale),
        draw_field(rng, size_cm, paint.hair_scale, stretch=float(rng.uniform(5, 30)), angle=paint.hair_angle),
        draw_field(rng, size_cm, paint.mottle_scale),
        marks,
    )
    if furniture is not None:
        scene = _furnished(scene, furniture, laid)
    return _with_levels(scene, rng)


def _furnished(scene: Scene, furniture: Furniture, laid: _Lay) -> Scene:
    """Add furniture and the pieces of cloth that it brings, from a generator of their own."""
    rng = np.random.default_rng([scene.seed, 1])
    sheet = replace(scene.sheet, cusping=furniture.cusping, cusp_pitch=furniture.tack_pitch)
    pieces = []
    for number in range(len(furniture.seams) + len(furniture.inserts)):
        # what is sewn on comes from the same cloth, what is let in does not
        cloth = sheet.cloth if number < len(furniture.seams) else draw_cloth(rng)
        turned = laid.copy()
        turned["tilt"] = laid["tilt"] + rng.normal(0, 0.03)
        piece = lay_sheet(rng, cloth, scene.size_cm, cusping=furniture.cusping, **turned)
        pieces.append(replace(piece, cusp_pitch=furniture.tack_pitch))
    return replace(scene, sheet=sheet, furniture=furniture, pieces=tuple(pieces))


def _with_levels(scene: Scene, rng: np.random.Generator) -> Scene:
    """Set levels as a scanner's operator does, by the whole plate: here from points all over its canvas."""
    width, height = scene.size_cm
    left, top, right, bottom = scene.furniture.border if scene.furniture else (0.0, 0.0, 0.0, 0.0)
    x = rng.uniform(left, width - right, 2000).astype(np.float32)
    y = rng.uniform(top, height - bottom, 2000).astype(np.float32)
    shape, _ = cloth_at(scene, x, y)
    weave = weave_signal(shape, scene.radiograph.ground, scene.sheet.cloth.ply)
    scene = replace(scene, centre=float(weave.mean()), spread=max(float(weave.std()), 0.05))
    film = scene.radiograph.film
    if not film.stretched:
        return scene
    behind, contrast = paint_at(scene, x, y)
    exposure = behind + contrast * ((weave - np.float32(scene.centre)) * np.float32(1 / scene.spread))
    grey = curve(film, exposure)
    black, white = np.quantile(grey, [film.black, 1 - film.white])
    margin = 0.05 * (white - black) + 0.01
    return replace(scene, levels=(float(black - margin * (film.black == 0)), float(white + margin)))


def cloth_at(scene: Scene, x: Array, y: Array) -> tuple[Relief, npt.NDArray[np.int8] | None]:
    """Shape of the cloth at points in cm, and which piece of cloth lies there (None: one covers the plate)."""
    if scene.furniture is None:
        return relief(scene.sheet, x, y), None
    number = piece_numbers(scene.furniture, scene.size_cm, x, y)
    found = set(np.unique(number).tolist()) - {-1, 0}
    shape = relief(scene.sheet, x, y)
    for piece in sorted(found):
        other = relief(scene.pieces[piece - 1], x, y)
        here = number == piece
        shape = Relief(
            *(np.where(here, getattr(other, part.name), getattr(shape, part.name)) for part in fields(Relief))
        )
    return shape, number


def paint_at(scene: Scene, x: Array, y: Array) -> tuple[Array, Array]:
    """Exposure by all but the cloth, and the contrast with which the cloth adds to it, at points in cm."""
    paint = scene.radiograph.paint
    fine = np.float32(paint.contrast)
    contrast = fine * np.exp(np.float32(paint.contrast_spread) * scene.contrast(x, y))
    ground = np.float32(paint.tone) * scene.tone(x, y)
    if marks := scene.marks.at(x, y):
        ground += marks[0]
        contrast *= marks[1]
    if paint.hair:
        ground += fine * np.float32(paint.hair) * scene.hair(x, y)
    if paint.mottle:
        ground += fine * np.float32(paint.mottle) * scene.mottle(x, y)
    if scene.lining is not None:
        behind = relief(scene.lining, x, y)
        ground += fine * np.float32(paint.lining) * (behind.vertical_thickness + behind.horizontal_thickness)
    if scene.furniture is not None:
        added, canvas, metal = furniture_exposure(scene.furniture, scene.size_cm, x, y)
        ground = (ground + added) * canvas + np.float32(scene.furniture.fog) * (1 - canvas) + metal
        contrast *= canvas
    return ground, contrast
