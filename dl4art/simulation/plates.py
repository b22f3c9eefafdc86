"""Simulated plates of any size, rendered and written tile by tile, with their truth beside them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dl4art import __version__
from dl4art.cropping.labels import ThreadLabels
from dl4art.simulation.cloth import Cloth, draw_cloth
from dl4art.simulation.fields import Array
from dl4art.simulation.furniture import draw_furniture
from dl4art.simulation.radiograph import draw_radiograph
from dl4art.simulation.render import Picture, render
from dl4art.simulation.scene import Scene, stage
from dl4art.simulation.truth import CELL_CM, TruthMap, TruthSum, plate_lines
from dl4art.utils.errors import InputError
from dl4art.utils.files import atomic_path
from dl4art.utils.tables import write_json

TILE = 512
"""Side of the tiles in which plates are rendered; never visible in a result."""
SMALLEST_CM, LARGEST_CM = 0.5, 400.0
"""Sides of the smallest and the largest plate."""
COARSEST, FINEST = 60, 1000
"""Resolutions that make sense, px/cm: the finest cloth has two pixels a thread, film no more than this."""
Box = tuple[int, int, int, int]


def draw_plate(
    seed: int,
    number: int,
    size_cm: tuple[float, float],
    *,
    same_cloth: bool = False,
    furnished: bool = True,
) -> Scene:
    """Draw a canvas and what is random about one plate of it.

    Parameters
    ----------
    seed, number : int
        Seed of the series and number of the plate in it; the same two give the same plate. No plate shares a generator
        with the crops of `draw_crop`.
    size_cm : (float, float)
        Width and height.
    same_cloth : bool
        All plates of the seed show pieces of one cloth, each painted and photographed in its own way.
    furnished : bool
        Draw stretcher, tacks, seams, film joins and the like.

    Returns
    -------
    Scene
        For `write_plate` or `render_tiles`.
    """
    # their first number keeps these generators apart from those of the crops
    rng = np.random.default_rng([20262, seed, number])
    cloth = draw_cloth(np.random.default_rng([20263, seed]) if same_cloth else rng)
    radiograph = draw_radiograph(rng)
    furniture = draw_furniture(rng, size_cm) if furnished else None
    return stage(cloth, radiograph, size_cm, int(rng.integers(2**62)), furniture)


def check_plate(size_cm: tuple[float, float], px_per_cm: float) -> None:
    """Raise InputError if a plate could not be drawn at that size and resolution: too small, too coarse, too large."""
    width, height = size_cm
    if not SMALLEST_CM <= min(size_cm) <= max(size_cm) <= LARGEST_CM:
        raise InputError(
            f"a plate of {width:g} x {height:g} cm cannot be drawn. Make it {SMALLEST_CM} to {LARGEST_CM:g} cm a side."
        )
    if not COARSEST <= px_per_cm <= FINEST:
        raise InputError(
            f"threads cannot be drawn at {px_per_cm:.4g} px/cm ({px_per_cm * 2.54:.4g} dpi). Choose between {COARSEST} "
            f"and {FINEST} px/cm ({COARSEST * 2.54:g} to {FINEST * 2.54:g} dpi)."
        )


def tile_count(size_cm: tuple[float, float], px_per_cm: float) -> int:
    """Count the tiles in which a plate of that size is rendered."""
    across, down = (math.ceil(round(side * px_per_cm) / TILE) for side in size_cm)
    return across * down


def render_tiles(scene: Scene, px_per_cm: float) -> Iterator[tuple[Box, Picture]]:
    """Render a plate tile by tile, row after row; all tiles together are the plate, without seams between them.

    Parameters
    ----------
    scene : Scene
        The plate.
    px_per_cm : float
        Its resolution.

    Yields
    ------
    box, Picture
        First row, first column, rows and columns of a tile in pixels, and the tile.
    """
    rows, cols = plate_shape(scene, px_per_cm)
    for row in range(0, rows, TILE):
        for col in range(0, cols, TILE):
            box = row, col, min(TILE, rows - row), min(TILE, cols - col)
            yield box, render(scene, px_per_cm, box)


def plate_shape(scene: Scene, px_per_cm: float) -> tuple[int, int]:
    """Rows and columns of a plate in pixels."""
    return round(scene.size_cm[1] * px_per_cm), round(scene.size_cm[0] * px_per_cm)


def to_pixels(grey: Array, bits: int = 8) -> npt.NDArray[Any]:
    """Whole grey values of 8 or 16 bits."""
    pixels: npt.NDArray[Any] = np.rint(grey * (2**bits - 1)).astype(np.uint8 if bits == 8 else np.uint16)
    return pixels


def write_plate(
    path: str | Path,
    scene: Scene,
    px_per_cm: float,
    *,
    bits: int = 8,
    about: dict[str, Any] | None = None,
    advance: Callable[[int], None] = lambda _tiles: None,
) -> TruthMap:
    """Render a plate into a TIFF that states its resolution, and write its truth beside it.

    The same scene gives the same bytes. Memory is needed for one row of tiles, not for the plate.

    Parameters
    ----------
    path : path
        ``NAME.tif``; its folder must exist. ``NAME.truth.npz`` and ``NAME.truth.json`` are written beside it.
    scene : Scene
        The plate.
    px_per_cm : float
        Resolution.
    bits : {8, 16}
        Depth of the grey values.
    about : dict, optional
        JSON values to stand at the head of ``NAME.truth.json``: the seed, and what else made the plate.
    advance : callable
        Told the number of tiles that have just been rendered.

    Returns
    -------
    TruthMap
        What ``NAME.truth.npz`` holds, with the centre-lines of all threads.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    import tifffile

    path = Path(path)
    shape = plate_shape(scene, px_per_cm)
    sums = TruthSum(shape, px_per_cm)

    def tiles() -> Iterator[npt.NDArray[Any]]:
        for (row, col, rows, cols), picture in render_tiles(scene, px_per_cm):
            sums.add(picture, row, col)
            advance(1)
            yield np.pad(to_pixels(picture.grey, bits), [(0, TILE - rows), (0, TILE - cols)])

    with atomic_path(path) as temporary:
        tifffile.imwrite(
            temporary,
            tiles(),
            shape=shape,
            dtype=np.uint8 if bits == 8 else np.uint16,
            tile=(TILE, TILE),
            photometric="minisblack",
            compression="deflate",
            predictor=True,
            resolution=(px_per_cm, px_per_cm),
            resolutionunit="CENTIMETER",
            description=json.dumps({"simulated": True, "dl4art": __version__}),
            software=f"dl4art {__version__}",
            metadata=None,
        )
    truth = sums.means()
    with atomic_path(path.with_suffix(".truth.npz")) as temporary:
        np.savez_compressed(temporary, allow_pickle=False, **_arrays(truth, plate_lines(scene, px_per_cm)))
    write_json(path.with_suffix(".truth.json"), plate_record(scene, truth, px_per_cm) | {"bits": bits} | (about or {}))
    return truth


def plate_record(scene: Scene, truth: TruthMap, px_per_cm: float) -> dict[str, Any]:
    """Say what is known of a plate, as JSON values: mean truth, cloth, radiograph, furniture."""
    means = {name: round(float(np.nanmean(getattr(truth, name))), 4) for name in TruthSum.QUANTITIES}
    return {
        "dl4art": __version__,
        "size_cm": list(scene.size_cm),
        "px_per_cm": px_per_cm,
        "mean": means,
        "cloth": cloth_record(scene.sheet.cloth),
        "other_pieces": [cloth_record(piece.cloth) for piece in scene.pieces],
        "radiograph": asdict(scene.radiograph),
        "furniture": None if scene.furniture is None else asdict(scene.furniture),
    }


def cloth_record(cloth: Cloth) -> dict[str, Any]:
    """Write down a cloth as JSON values."""
    return {
        "weave": cloth.weave,
        "pattern": cloth.pattern.tolist(),
        "ply": cloth.ply,
        "vertical": asdict(cloth.vertical),
        "horizontal": asdict(cloth.horizontal),
    }


def _arrays(truth: TruthMap, lines: ThreadLabels) -> dict[str, npt.NDArray[Any]]:
    arrays: dict[str, npt.NDArray[Any]] = {name: getattr(truth, name) for name in TruthSum.QUANTITIES}
    arrays["cell_cm"] = np.array(CELL_CM)
    for name, threads in (("vertical", lines.vertical), ("horizontal", lines.horizontal)):
        # all lines in one array, and where each begins: archives without pickle hold no ragged arrays
        arrays[f"{name}_lines"] = np.concatenate([*threads, np.zeros((0, 2))]).astype(np.float32)
        arrays[f"{name}_starts"] = np.cumsum([0, *map(len, threads)])[:-1]
    return arrays
