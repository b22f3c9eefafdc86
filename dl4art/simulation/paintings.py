"""Photographs of paintings whose every crack and every loss is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from dl4art.simulation.camera import Camera, draw_camera, expose, photograph
from dl4art.simulation.crack_kinds import KINDS, CrackKind, draw_kind
from dl4art.simulation.cracks import Cracks, Profile, crack_profile, grow_cracks
from dl4art.simulation.fields import Array
from dl4art.simulation.flaking import draw_losses
from dl4art.simulation.paint import grey_of, paint_surface, raster

PaintingSplit = Literal["train", "stop", "calibrate", "test", "held-out", "sample"]
PAINTING_SPLITS: tuple[PaintingSplit, ...] = get_args(PaintingSplit)
"""What paintings are for. No painting is in two splits; ``held-out`` is a test split of kinds not in ``train``."""
HELD_OUT_KINDS = ("impact",)
"""Kinds of craquelure that none but the split ``held-out`` shows."""
CLASSES = ("background", "craquelure", "loss")
"""What the numbers of a label mask mean."""
_FAINTEST = 0.03  # a crack or loss that differs by less of the range of grey from its surroundings is not to be seen
_INTACT = 0.12  # share of the paintings that show no crack
_WHOLE = 0.4  # share of the paintings that show no loss


@dataclass(frozen=True, eq=False)
class SimulatedPainting:
    """A photograph of a painting with its truth.

    Attributes
    ----------
    picture : ndarray of uint8, shape (h, w, 3)
        Red, green and blue.
    mask : ndarray of uint8, shape (h, w)
        Number of the class, see `CLASSES`.
    kind : CrackKind or None
        Of the craquelure; None if there is none.
    """

    picture: npt.NDArray[np.uint8]
    mask: npt.NDArray[np.uint8]
    kind: CrackKind | None


def painting_generator(split: PaintingSplit, number: int) -> np.random.Generator:
    """Give the generator of painting `number` of a split; no two paintings share one."""
    return np.random.default_rng([20262, PAINTING_SPLITS.index(split), number])


def draw_painting(
    split: PaintingSplit, number: int, shape: tuple[int, int] = (256, 256), *, kind: str | None = None
) -> SimulatedPainting:
    """Draw a photograph of a part of a painting.

    Parameters
    ----------
    split : str
        Which paintings to draw from; see `PAINTING_SPLITS`.
    number : int
        Number of the painting in its split; the same number gives the same picture.
    shape : (int, int)
        Height and width in px.
    kind : str, optional
        Kind of craquelure, of `crack_kinds.KINDS`; drawn if left out.

    Returns
    -------
    SimulatedPainting
    """
    rng = painting_generator(split, number)
    shown = HELD_OUT_KINDS if split == "held-out" else [name for name in KINDS if name not in HELD_OUT_KINDS]
    drawn = str(rng.choice(shown))
    intact = rng.random() < _INTACT
    style = None if intact and kind is None else draw_kind(rng, kind or drawn)
    cracks = grow_cracks(rng, style, shape) if style else _no_cracks()
    profile = crack_profile(cracks, shape)
    paint, weave = paint_surface(rng, shape)
    camera = draw_camera(rng)
    sound = _cupped(rng, paint, profile)
    damaged = _cracked(rng, sound, profile)
    lost = np.zeros(shape, bool)
    if rng.random() >= _WHOLE:
        damaged, lost = _lose(rng, damaged, profile, weave, faintest=3 * _FAINTEST + 2 * camera.noise)
    after, before = expose(camera, damaged, sound)
    mask = np.zeros(shape, np.uint8)
    mask[profile.label & _visible(camera, before, after, lost)] = CLASSES.index("craquelure")
    mask[_spread(lost, camera.blur) > 0.5] = CLASSES.index("loss")
    return SimulatedPainting(photograph(rng, camera, after), mask, style)


def _no_cracks() -> Cracks:
    none = np.empty(0, np.float32)
    return Cracks(np.empty((0, 2), np.float32), none, none, np.empty(0, np.int32))


def _cracked(rng: np.random.Generator, paint: Array, profile: Profile) -> Array:
    """Lay the cracks over the paint."""
    colour = _dirt(rng, float(grey_of(paint).mean()))
    depth = np.float32(rng.uniform(0.45, 1.0))
    # some stretches are filled with dirt, others closed
    along = 1 + rng.uniform(0, 0.5) * raster(rng, profile.coverage.shape, float(rng.uniform(6, 40)))
    alpha = np.clip(profile.coverage * depth * np.clip(along, 0.25, 1.15), 0, 1)[..., None]
    cracked: Array = (paint + alpha * (colour - paint)).astype(np.float32)
    return cracked


def _visible(camera: Camera, before: Array, after: Array, lost: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Where cracks can be seen in the photograph: against noise and roughness, for stretches of some pixels."""
    change, before = after - before, before.mean(axis=-1)
    # brightness, or half as well colour
    contrast = np.maximum(np.abs(change.mean(axis=-1)), 0.5 * np.abs(change).max(axis=-1))
    contrast[ndimage.binary_dilation(lost, iterations=4)] = 0  # that is not of a crack
    rough = float((before - ndimage.gaussian_filter(before, 2.0)).std())
    visible: npt.NDArray[np.bool_] = ndimage.maximum_filter(contrast, 7) > _FAINTEST + 1.5 * (camera.noise + rough)
    return visible


def _dirt(rng: np.random.Generator, grey: float) -> Array:
    """Colour in the cracks: dark dirt on light paint, often a lighter ground or dust on dark paint."""
    low, high = 0.0, 0.5 * grey
    if rng.random() < (0.8 if grey < 0.25 else 0.12):
        low, high = grey + 0.15, min(1.0, grey + 0.5)
    level = rng.uniform(min(low, high), high)
    tint = np.array([1.0, rng.uniform(0.8, 1.0), rng.uniform(0.6, 1.0)])
    return np.asarray(np.clip(level * tint / tint.mean(), 0, 1), np.float32)


def _cupped(rng: np.random.Generator, paint: Array, profile: Profile) -> Array:
    """Islands curl up at their edges: the side towards the light is bright, the other dark."""
    if rng.random() < 0.5 or not np.isfinite(profile.distance).all():
        return paint
    towards = rng.uniform(0, 2 * np.pi)
    slope = profile.down * np.sin(towards) + profile.across * np.cos(towards)
    reach = np.float32(rng.uniform(2, 10))
    shade = 1 + rng.uniform(0.03, 0.2) * slope * np.exp(-profile.distance / reach)
    cupped: Array = np.clip(paint * shade[..., None], 0, 1)
    return cupped


def _lose(
    rng: np.random.Generator, paint: Array, profile: Profile, weave: Array, *, faintest: float
) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Take paint away and show what lies below; gives the picture and where it is to be seen."""
    losses = draw_losses(rng, profile)
    below = _ground(rng, losses.shape, weave)
    # the edge of the paint throws a shadow on the ground, and shines on the other side
    towards, height = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.35)
    soft = _spread(losses, float(rng.uniform(0.4, 0.9)))
    edge = ndimage.sobel(soft, axis=0) * np.sin(towards) + ndimage.sobel(soft, axis=1) * np.cos(towards)
    bared = paint + soft[..., None] * (below - paint)
    bared = np.clip(bared * (1 - height * np.clip(edge, -0.6, 1)[..., None]), 0, 1).astype(np.float32)
    # a loss that looks like the paint round it is none: judged for each as a whole
    number, count = ndimage.label(losses)
    if count:
        # the paint as it is round the loss, not as it was in it: that nobody can see
        contrast = np.abs(below - ndimage.uniform_filter(paint, (9, 9, 0))).max(axis=-1)
        plain = np.concatenate([[False], ndimage.mean(contrast, number, np.arange(1, count + 1)) < faintest])
        gone = plain[number]
        bared[gone] = paint[gone]
        soft[gone] = 0
    return bared, soft > 0.5


def _spread(losses: npt.NDArray[np.bool_], sigma: float) -> Array:
    """Share of each pixel that is loss after a blur."""
    spread: Array = ndimage.gaussian_filter(losses.astype(np.float32), sigma) if sigma else losses.astype(np.float32)
    return spread


def _ground(rng: np.random.Generator, shape: tuple[int, int], weave: Array) -> Array:
    """Lay bare what is under the paint: gesso, a grey or a red-brown ground, or bare canvas with its threads."""
    grounds = np.array([(0.9, 0.87, 0.8), (0.6, 0.58, 0.53), (0.48, 0.27, 0.17), (0.62, 0.5, 0.34), (0.2, 0.16, 0.12)])
    kind = int(rng.choice(len(grounds), p=[0.4, 0.2, 0.15, 0.15, 0.1]))
    base = np.clip(grounds[kind] * rng.uniform(0.8, 1.1) + rng.normal(0, 0.03, 3), 0.03, 1)
    texture = 1 + rng.uniform(0.02, 0.08) * raster(rng, shape, float(rng.uniform(1.5, 5)))
    texture += rng.uniform(0.02, 0.08) * raster(rng, shape, float(rng.uniform(8, 30)))
    if kind == 3:
        texture += rng.uniform(1, 3) * weave
    return np.asarray(np.clip(base * texture[..., None], 0, 1), np.float32)
