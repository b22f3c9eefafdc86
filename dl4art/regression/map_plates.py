"""Simulated plates read all over, with the truth beside each cell: what maps are calibrated and tested on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from dl4art.cropping import plate_from_array, usable_area
from dl4art.cropping.plate import PX_PER_CM, Plate
from dl4art.cropping.tones import tone_range
from dl4art.regression.combined import Evidence
from dl4art.regression.counter import WINDOW, Readings, ThreadCounter
from dl4art.regression.dense import spans
from dl4art.regression.legibility import CLIPPED
from dl4art.regression.map_trust import ReadMap
from dl4art.regression.maps import STEP_CM, USABLE, grid_points, look_everywhere, usable_shares
from dl4art.simulation.plates import draw_plate, plate_shape, to_pixels
from dl4art.simulation.render import Picture, render
from dl4art.simulation.truth import WindowTruth, window_truth
from dl4art.utils.shards import make_shards

PlateSplit = Literal["calibrate", "test"]
SEEDS: dict[PlateSplit, int] = {"calibrate": 20268, "test": 20267}
"""Of `dl4art.simulation.plates.draw_plate`: no plate is in two splits."""
SIZE_CM = (12.0, 10.0)
ONE_CLOTH = 0.7
"""Share of a window that one cloth must fill for its density to be known, as much as must show weave."""


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells of any number of plates, row after row and plate after plate, as arrays of one length."""

    plate: npt.NDArray[np.int32]
    shape: npt.NDArray[np.int32]
    """Rows and columns of the plate's map, (n, 2)."""
    density: npt.NDArray[np.float32]
    """What the network reads, (n, 2); so with the next three."""
    log_error: npt.NDArray[np.float32]
    tilt: npt.NDArray[np.float32]
    readable: npt.NDArray[np.float32]
    refined: npt.NDArray[np.float32]
    """What the phase says near it, (n, 2), and its quality."""
    quality: npt.NDArray[np.float32]
    angle: npt.NDArray[np.float32]
    """What would be shown, degrees, (n, 2)."""
    blank: npt.NDArray[np.float32]
    clipped: npt.NDArray[np.float32]
    usable: npt.NDArray[np.bool_]
    true_density: npt.NDArray[np.float32]
    """(n, 2), NaN where no one cloth fills the window."""


def read_plates(network: ThreadCounter, folder: str | Path, split: PlateSplit, count: int) -> list[ReadMap]:
    """Draw plates and read them all over; what is done waits in files.

    Parameters
    ----------
    network : ThreadCounter
        Reads; the files are for one network only.
    folder : path
        Where the files lie.
    split : {'calibrate', 'test'}
        Which plates.
    count : int
        How many.
    """
    made = make_shards(
        Cells,
        partial(_read_plate, network=network, split=split),
        folder,
        f"plates-{split}-{network.folder.sha256[:8]}",
        count,
        shard=1,
        workers=1,
        done=lambda _: None,
    )
    return [_as_map(made, made.plate == number) for number in np.unique(made.plate)]


def drawn_plate(split: PlateSplit, number: int, size_cm: tuple[float, float] = SIZE_CM) -> tuple[Plate, Picture]:
    """Draw a plate at 200 px/cm, in memory, with all that is known of it."""
    scene = draw_plate(SEEDS[split], number, size_cm)
    picture = render(scene, PX_PER_CM, (0, 0, *plate_shape(scene, PX_PER_CM)))
    return plate_from_array(to_pixels(picture.grey), PX_PER_CM), picture


def cell_corners(plate: Plate, step_cm: float = STEP_CM) -> npt.NDArray[np.intp]:
    """Upper-left corners (x, y), px, of the windows that a map reads, (n, 2), row after row."""
    across, down = spans(plate, grid_points(plate, step_cm), PX_PER_CM)
    x, y = np.meshgrid(across.centres_px - WINDOW / 2, down.centres_px - WINDOW / 2)
    return np.stack([x.ravel(), y.ravel()], axis=1).astype(np.intp)


def true_cells(plate: Plate, picture: Picture, step_cm: float = STEP_CM) -> WindowTruth:
    """Give what is true in the cells of a map; no density where no one cloth fills the window."""
    truth = window_truth(picture, cell_corners(plate, step_cm), WINDOW)
    truth.density[truth.cloth < ONE_CLOTH] = np.nan
    return truth


def _read_plate(numbers: range, *, network: ThreadCounter, split: PlateSplit) -> Cells:
    (number,) = numbers
    plate, picture = drawn_plate(split, number)
    usable = usable_area(plate)
    centres = grid_points(plate, STEP_CM)
    reading, evidence, angle = look_everywhere(plate, network, centres, tone_range(plate, usable))
    shape = len(centres[1]), len(centres[0])
    count = shape[0] * shape[1]
    return Cells(
        plate=np.full(count, number, np.int32),
        shape=np.tile(np.array(shape, np.int32), (count, 1)),
        **{name: getattr(reading, name) for name in Readings.__dataclass_fields__},
        refined=evidence.density,
        quality=evidence.quality,
        angle=angle,
        blank=evidence.blank,
        clipped=evidence.clipped,
        usable=usable_shares(plate, usable, *centres).ravel() >= USABLE,
        true_density=true_cells(plate, picture).density.astype(np.float32),
    )


def _as_map(cells: Cells, mine: npt.NDArray[np.bool_]) -> ReadMap:
    evidence = Evidence.of_cells(cells.refined[mine], cells.quality[mine], cells.blank[mine], cells.clipped[mine])
    rows, cols = cells.shape[mine][0].tolist()
    return ReadMap(
        Readings(*(getattr(cells, name)[mine] for name in Readings.__dataclass_fields__)),
        evidence,
        cells.angle[mine],
        (cells.usable[mine] & (cells.clipped[mine] <= CLIPPED)).reshape(rows, cols),
        STEP_CM,
        cells.true_density[mine].astype(np.float64),
    )
