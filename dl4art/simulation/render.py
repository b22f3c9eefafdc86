"""The picture of a sheet under a radiograph, whole or by tiles, with the truth at every pixel."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from dl4art.simulation.cloth import Cloth
from dl4art.simulation.fields import Array, Field, bilinear, draw_field
from dl4art.simulation.radiograph import Ground, Radiograph
from dl4art.simulation.weave import Relief, Sheet, lay_sheet, relief, thread_phases

MARKS_PX_PER_CM = 100
"""Resolution of the drawn marks (strokes, cracks, losses), which are soft anyway."""
HALO = 16
"""Pixels computed about a tile so that filters see no border."""


@dataclass(frozen=True, eq=False)
class Scene:
    """A sheet, a radiograph, and the random things drawn once for the whole plate."""

    sheet: Sheet
    lining: Sheet | None
    radiograph: Radiograph
    size_cm: tuple[float, float]
    seed: int
    tone: Field
    contrast: Field
    hair: Field
    mottle: Field
    marks: Array
    """What is added to the exposure by strokes, cracks and losses, at `MARKS_PX_PER_CM`."""
    bare: Array
    """Share of the weave's contrast that strokes and losses leave, same grid."""
    centre: float = 0.0
    spread: float = 1.0
    """Mean and deviation of the weave signal over the plate, so that contrasts mean the same everywhere."""
    black: float = 0.0
    white: float = 1.0
    """The film's grey values that the file shows as black and as white."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A simulated radiograph (or a tile of one) and its truth; all arrays have the same shape."""

    grey: Array
    """Grey values, 0 to 1."""
    background: Array
    """The same picture without the weave: paint, damage, noise."""
    vertical_phase: Array
    horizontal_phase: Array
    px_per_cm: float

    @property
    def vertical_density(self) -> Array:
        """Density of the vertical threads at every pixel, th/cm."""
        return gradient_length(self.vertical_phase) * np.float32(self.px_per_cm)

    @property
    def horizontal_density(self) -> Array:
        """Density of the horizontal threads at every pixel, th/cm."""
        return gradient_length(self.horizontal_phase) * np.float32(self.px_per_cm)

    @property
    def vertical_angle(self) -> Array:
        """Angle of the vertical threads against the picture's vertical, degrees, counter-clockwise."""
        down, right = np.gradient(self.vertical_phase)
        return np.degrees(np.arctan2(-down, right)).astype(np.float32)

    @property
    def horizontal_angle(self) -> Array:
        """Angle of the horizontal threads against the picture's horizontal, degrees, counter-clockwise."""
        down, right = np.gradient(self.horizontal_phase)
        return np.degrees(np.arctan2(right, down)).astype(np.float32)


def gradient_length(phase: Array) -> Array:
    """Length of the gradient of a phase, per pixel."""
    down, right = np.gradient(phase)
    return np.sqrt(down * down + right * right).astype(np.float32)


def _soft_step(value: Array, sharpness: float) -> Array:
    return 1 / (1 + np.exp(-np.float32(sharpness) * value))


def weave_signal(shape: Relief, ground: Ground, ply: float) -> Array:
    """What the cloth adds to the exposure, before normalisation."""
    balance = np.float32(ground.balance)
    vertical = shape.vertical_thickness * (1 + balance)
    horizontal = shape.horizontal_thickness * (1 - balance)
    if ply:
        # two plies twisted together: oblique marks along each yarn
        vertical = vertical * (1 + np.float32(ply) * np.cos(6 * shape.vertical_phase + 3 * shape.vertical_along))
        horizontal = horizontal * (1 + np.float32(ply) * np.cos(6 * shape.horizontal_phase + 3 * shape.horizontal_along))
    edge = np.float32(ground.sharpness)
    signal = np.zeros_like(vertical)
    if ground.yarn:
        signal += np.float32(ground.yarn) * (1 - np.exp(-edge * np.maximum(vertical, horizontal)))
    if ground.sum:
        signal += np.float32(ground.sum * 0.6) * (vertical + horizontal)
    top = np.maximum(shape.vertical_top, shape.horizontal_top)
    if ground.relief:
        signal += np.float32(ground.relief * 0.5) * top
    if ground.face or ground.shading:
        over = _soft_step(shape.vertical_top - shape.horizontal_top, 6.0)
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


def _draw_marks(rng: np.random.Generator, radiograph: Radiograph, size_cm: tuple[float, float]) -> tuple[Array, Array]:
    """Draw strokes, cracks and losses over the plate: what they add, and what they leave of the weave."""
    scale = MARKS_PX_PER_CM
    width, height = (int(np.ceil(side * scale)) + 2 for side in size_cm)
    paint = radiograph.paint
    share = size_cm[0] * size_cm[1] / 10

    def raster(count: float, draw_one: object, blur: float) -> Array:
        picture = Image.new("L", (width, height))
        pen = ImageDraw.Draw(picture)
        for _ in range(rng.poisson(count)):
            draw_one(pen)  # type: ignore[operator]
        drawn = np.asarray(picture, np.float32) / 255
        return ndimage.gaussian_filter(drawn, blur) if drawn.any() else drawn

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
        thick = int(np.exp(rng.uniform(np.log(4), np.log(60))))
        pen.line(curve(rng.uniform(0.3, 3), 0.15, 10), fill=int(rng.integers(60, 256)), width=thick, joint="curve")

    def crack(pen: ImageDraw.ImageDraw) -> None:
        pen.line(curve(rng.uniform(0.2, 2.5), 0.3, 16), fill=int(rng.integers(80, 256)), width=int(rng.integers(1, 4)))

    def loss(pen: ImageDraw.ImageDraw) -> None:
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        around = np.linspace(0, 2 * np.pi, 14, endpoint=False)
        radius = np.exp(rng.uniform(np.log(3), np.log(40))) * np.exp(rng.normal(0, 0.25, 14))
        pen.polygon(
            [(x + r * np.cos(a), y + r * np.sin(a)) for r, a in zip(radius, around, strict=True)],
            fill=int(rng.integers(100, 256)),
        )

    strokes = raster(paint.strokes * share, stroke, float(rng.uniform(1, 5)))
    cracks = raster(paint.cracks * share, crack, 0.5)
    losses = raster(paint.losses * share, loss, 0.8)
    depth = rng.uniform(-2, 2)
    marks = paint.stroke_depth * strokes + paint.crack_depth * cracks + depth * losses
    kept = np.clip(1 - rng.uniform(0, 0.6) * strokes - rng.uniform(-0.3, 0.9) * losses, 0, 1.5)
    return marks.astype(np.float32), kept.astype(np.float32)


def stage(cloth: Cloth, radiograph: Radiograph, size_cm: tuple[float, float], seed: int) -> Scene:
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
    """
    rng = np.random.default_rng(seed)
    laid = {
        "tilt": np.radians(radiograph.tilt),
        "skew": np.radians(radiograph.skew),
        "pull": radiograph.pull,
        "pull_scale": radiograph.pull_scale,
    }
    sheet = lay_sheet(rng, cloth, size_cm, cusping=radiograph.cusping, **laid)
    lining = None
    if radiograph.paint.lining:
        from dl4art.simulation.cloth import draw_cloth

        lining = lay_sheet(rng, draw_cloth(rng), size_cm, **laid | {"tilt": rng.normal(0, 0.1)})
    paint = radiograph.paint
    marks, bare = _draw_marks(rng, radiograph, size_cm)
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
        bare,
    )
    # levels are set as a scanner's operator does, by the whole plate: here from points all over it
    x = rng.uniform(0, size_cm[0], 2000).astype(np.float32)
    y = rng.uniform(0, size_cm[1], 2000).astype(np.float32)
    weave = weave_signal(relief(sheet, x, y), radiograph.ground, cloth.ply)
    scene = replace(scene, centre=float(weave.mean()), spread=max(float(weave.std()), 0.05))
    behind, contrast = _paint(scene, x, y)
    film = radiograph.film
    grey = _curve(scene, behind + contrast * (weave - np.float32(scene.centre)) / np.float32(scene.spread))
    if film.stretched:
        black, white = np.quantile(grey, [film.black, 1 - film.white])
        margin = 0.05 * (white - black) + 0.01
        scene = replace(scene, black=float(black - margin * (film.black == 0)), white=float(white + margin))
    return scene


def _paint(scene: Scene, x: Array, y: Array) -> tuple[Array, Array]:
    """Exposure by all but the cloth, and the contrast with which the cloth adds to it."""
    paint = scene.radiograph.paint
    fine = np.float32(paint.contrast)
    row, col = y * np.float32(MARKS_PX_PER_CM), x * np.float32(MARKS_PX_PER_CM)
    contrast = fine * np.exp(np.float32(paint.contrast_spread) * scene.contrast(x, y))
    ground = np.float32(paint.tone) * scene.tone(x, y)
    if scene.marks.any():
        contrast *= bilinear(scene.bare, row, col)
        ground += bilinear(scene.marks, row, col)
    if paint.hair:
        ground += fine * np.float32(paint.hair) * scene.hair(x, y)
    if paint.mottle:
        ground += fine * np.float32(paint.mottle) * scene.mottle(x, y)
    if scene.lining is not None:
        behind = relief(scene.lining, x, y)
        ground += fine * np.float32(paint.lining) * (behind.vertical_thickness + behind.horizontal_thickness)
    return ground, contrast


def _curve(scene: Scene, exposure: Array) -> Array:
    """Film curve: grey value for an exposure, 0 to 1."""
    film = scene.radiograph.film
    return _soft_step(exposure - np.float32(film.exposure), film.slope)


def _grain(scene: Scene, shape: tuple[int, int], at: tuple[int, int]) -> Array:
    """White noise that depends on the place on the plate alone, filtered to the grain's size."""
    film = scene.radiograph.film
    rng = np.random.default_rng([scene.seed, at[0] + 2**20, at[1] + 2**20])
    noise = rng.standard_normal(shape, dtype=np.float32)
    if film.grain_size > 0.4:
        noise = ndimage.gaussian_filter(noise, film.grain_size) * np.float32(2 * np.sqrt(np.pi) * film.grain_size)
    if film.clumps:
        coarse = ndimage.gaussian_filter(rng.standard_normal(shape, dtype=np.float32), 2.5) * np.float32(8.9)
        noise = noise * (1 - film.clumps) + film.clumps * (coarse * coarse - 1)
    return noise


def _develop(scene: Scene, exposure: Array, grain: Array, scale: float) -> Array:
    """From exposure to the grey values of the file, all but the last steps that look at a whole picture."""
    film = scene.radiograph.film
    blurred = ndimage.gaussian_filter(exposure, film.blur * film.enlarged**0.5 * scale, truncate=2.5)
    grey = _curve(scene, blurred)
    grey = grey + np.float32(film.grain) * grain * (0.5 + grey)
    grey = (grey - np.float32(scene.black)) / np.float32(scene.white - scene.black)
    return np.clip(grey, 0, 1).astype(np.float32)


def _finish(grey: Array, scene: Scene) -> Array:
    """Equalisation and compression by earlier owners of the file."""
    film = scene.radiograph.film
    if film.equalised:
        mean = ndimage.uniform_filter(grey, 61, mode="reflect")
        spread = np.sqrt(np.maximum(ndimage.uniform_filter(grey * grey, 61, mode="reflect") - mean * mean, 1e-4))
        grey = np.clip(0.5 + 0.22 * (grey - mean) / spread, 0, 1)
    if film.jpeg:
        small = Image.fromarray(np.rint(grey * 255).astype(np.uint8))
        with io.BytesIO() as file:
            small.save(file, "JPEG", quality=film.jpeg)
            grey = np.asarray(Image.open(file), np.float32) / np.float32(255)
    return 1 - grey if film.negative else grey


def render(scene: Scene, px_per_cm: float = 200.0, box: tuple[int, int, int, int] | None = None) -> Picture:
    """Render a plate or a box of it.

    Parameters
    ----------
    scene : Scene
        From `stage`.
    px_per_cm : float
        Resolution.
    box : (int, int, int, int), optional
        First row, first column, rows and columns, in pixels; the whole plate if not given.

    Returns
    -------
    Picture
        Grey values, the same without the weave, and both thread phases.
    """
    if box is None:
        box = (0, 0, round(scene.size_cm[1] * px_per_cm), round(scene.size_cm[0] * px_per_cm))
    row, col, rows, cols = box
    step = np.float32(1 / px_per_cm)
    y, x = np.meshgrid(
        (np.arange(row - HALO, row + rows + HALO, dtype=np.float32) + 0.5) * step,
        (np.arange(col - HALO, col + cols + HALO, dtype=np.float32) + 0.5) * step,
        indexing="ij",
        sparse=True,
    )
    shape = relief(scene.sheet, x, y)
    weave = weave_signal(shape, scene.radiograph.ground, scene.sheet.cloth.ply)
    weave = (weave - np.float32(scene.centre)) * np.float32(1 / scene.spread)
    ground, contrast = _paint(scene, x, y)
    grain = _grain(scene, weave.shape, (row, col))
    scale = px_per_cm / 200
    inner = (slice(HALO, -HALO), slice(HALO, -HALO))
    with_weave = _develop(scene, ground + contrast * weave, grain, scale)[inner]
    without = _develop(scene, ground, grain, scale)[inner]
    return Picture(
        _finish(with_weave, scene),
        _finish(without, scene),
        shape.vertical_phase[inner],
        shape.horizontal_phase[inner],
        px_per_cm,
    )


__all__ = ["HALO", "Picture", "Scene", "gradient_length", "render", "stage", "thread_phases", "weave_signal"]
