"""Thread density and thread angle all over a plate.

The network reads windows of 1 cm everywhere (`dl4art.regression.dense`), the phase of the threads refines what it says
in each window (`dl4art.regression.local_phase`), and the calibration says how far both are to be trusted there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from dl4art.cropping.plate import PX_PER_CM, Plate
from dl4art.cropping.tones import tone_range
from dl4art.cropping.usable import CELL_CM, usable_area
from dl4art.regression.combined import Evidence, combine
from dl4art.regression.counter import COARSER, WINDOW, Array, Readings, ThreadCounter, blend
from dl4art.regression.dense import STRIDE, Tile, Tones, read_windows, spans
from dl4art.regression.legibility import CLIPPED, blank_shares, clipped_shares
from dl4art.regression.local_phase import MARGIN_CM, Floats, WavePicture, level_waves, local_waves, upright_waves
from dl4art.regression.map_trust import cell_features, map_calibration
from dl4art.utils.errors import InputError

STEP_CM = 0.5
"""Distance of cells, if nothing else is asked for."""
FINEST_CM = 0.1
STATUSES = ("ok", "unusable", "clipped", "unreadable", "masked")
"""What a cell is; all but the first are blank."""
_REACH = 0.12  # how far from the network's density the phase is believed, as a share of it
_HOPELESS = -1.5  # log error of the network from which on its density is no place to start from
_CLEAR = 0.5  # quality from which the phase's angle is taken rather than the network's
USABLE = 0.7
"""Share of a window that must be usable, as much as must show weave."""
_MARGIN = round(MARGIN_CM * PX_PER_CM)


@dataclass(frozen=True, eq=False)
class ThreadMap:
    """Density and angle of a plate's threads in windows of 1 cm about the points of a grid.

    Attributes
    ----------
    x_cm, y_cm : (nx,), (ny,) arrays
        Where the points lie, from the upper-left corner of the plate.
    density : (ny, nx, 2) array
        Vertical and horizontal threads per cm; NaN where there is no estimate.
    half : (ny, nx, 2) array
        Half-widths of their 95 % intervals, th/cm.
    angle : (ny, nx, 2) array
        Degrees counter-clockwise from upright, and from level.
    status : (ny, nx) array of int
        Numbers of `STATUSES`.
    """

    x_cm: Floats
    y_cm: Floats
    density: Array
    half: Array
    angle: Array
    status: npt.NDArray[np.uint8]

    @property
    def step_cm(self) -> float:
        """Distance of the points."""
        longer = self.x_cm if len(self.x_cm) > 1 else self.y_cm
        return float(longer[1] - longer[0]) if len(longer) > 1 else STEP_CM


def map_threads(
    plate: Plate,
    network: ThreadCounter,
    *,
    step_cm: float = STEP_CM,
    usable: npt.NDArray[np.bool_] | None = None,
    masked: npt.NDArray[np.bool_] | None = None,
    tones: Tones | None = None,
    advance: Callable[[float], None] = lambda _share: None,
) -> ThreadMap:
    """Map the threads of a plate.

    Parameters
    ----------
    plate : Plate
        With its scale; at least 1 cm a side. It is never in memory as a whole.
    network : ThreadCounter
        The shipped one, say.
    step_cm : float
        Distance of the points, 0.1 cm or more; a finer grid takes hardly longer.
    usable : array of bool, optional
        What `dl4art.cropping.usable_area` returned for this plate, possibly edited; found anew if left out.
    masked : array of bool, optional
        What a person leaves out, in the same cells; from `dl4art.cropping.areas`.
    tones : (float, float), optional
        About the darkest and lightest grey values; found if left out.
    advance : callable
        Told now and then what share of the work has just been done.

    Returns
    -------
    ThreadMap

    Raises
    ------
    InputError
        If the plate is smaller than a window, the step too small, or the plate cannot be read.
    """
    x_cm, y_cm = grid_points(plate, step_cm)
    usable = usable_area(plate) if usable is None else usable
    used = usable if masked is None else usable & ~masked
    tones = tone_range(plate, used) if tones is None else tones
    reading, evidence, tilt = look_everywhere(plate, network, (x_cm, y_cm), tones, advance)
    shape = len(y_cm), len(x_cm)
    status = np.zeros(shape, np.uint8)
    status[evidence.clipped.reshape(shape) > CLIPPED] = STATUSES.index("clipped")
    status[usable_shares(plate, usable, x_cm, y_cm) < USABLE] = STATUSES.index("unusable")
    if masked is not None:
        status[usable_shares(plate, ~masked, x_cm, y_cm) < USABLE] = STATUSES.index("masked")
    calibration = map_calibration(network)
    density = combine(reading.density, evidence, calibration)
    known = cell_features(reading, evidence, density, tilt, usable=status == 0, step_cm=step_cm)
    half = calibration.half_width(known) * density
    status[(status == 0) & ~calibration.shown(known).reshape(shape)] = STATUSES.index("unreadable")

    def shown(part: Array) -> Array:
        return np.where((status != 0)[..., None], np.nan, part.reshape(*shape, 2)).astype(np.float32)

    return ThreadMap(x_cm, y_cm, shown(density), shown(half), shown(tilt), status)


def grid_points(plate: Plate, step_cm: float) -> tuple[Floats, Floats]:
    """Points of a map across and down, the first half a step from the plate's corner."""
    width, height = plate.size_cm
    if not step_cm >= FINEST_CM:
        raise InputError(f"a map with a cell every {step_cm:g} cm is too fine. Take {FINEST_CM:g} cm or more.")
    if round(min(width, height) * PX_PER_CM) < WINDOW:
        raise InputError(
            f"{plate.path}: shows {width:.2f} x {height:.2f} cm, and a map needs 1 x 1 cm. Give more of the plate, or "
            "check the scale."
        )
    x_cm, y_cm = (np.arange(step_cm / 2, max(side, step_cm / 2 + 1e-6), step_cm) for side in (width, height))
    return x_cm, y_cm


def look_everywhere(
    plate: Plate,
    network: ThreadCounter,
    centres_cm: tuple[Floats, Floats],
    tones: Tones,
    advance: Callable[[float], None] = lambda _share: None,
) -> tuple[Readings, Evidence, Array]:
    """Read the windows about the points of a grid, by network and by phase.

    Returns
    -------
    reading : Readings
        Arrays (n, 2), the points row after row.
    evidence : Evidence
        Likewise, as `Evidence.of_cells` has it.
    tilt : (n, 2) array
        Degrees counter-clockwise.
    """
    rows, cols = len(centres_cm[1]), len(centres_cm[0])
    coarse: Readings | None = None
    if min(round(side * COARSER * PX_PER_CM) for side in plate.size_cm) >= WINDOW:
        coarse = read_windows(network, plate, centres_cm, tones, px_per_cm=COARSER * PX_PER_CM)
    merged = Readings(*(np.zeros((rows, cols, 2), np.float32) for _ in range(4)))
    waves, qualities = np.zeros((rows, cols, 2, 2)), np.zeros((rows, cols, 2))
    blank, clipped = np.zeros((rows, cols), np.float32), np.zeros((rows, cols), np.float32)

    def look(tile: Tile, found: Readings) -> None:
        where = np.ix_(tile.rows, tile.cols)
        if coarse is not None:
            found = blend(found, Readings(*(getattr(coarse, name)[where] for name in _FIELDS)), COARSER)
        for name in _FIELDS:
            getattr(merged, name)[where] = getattr(found, name)
        size = len(tile.rows), len(tile.cols)
        density, tilt = found.density.reshape(-1, 2), found.tilt.reshape(-1, 2)
        refined, quality = _refined(tile, density, tilt, found.log_error.reshape(-1, 2))
        waves[where], qualities[where] = refined.reshape(*size, 2, 2), quality.reshape(*size, 2)
        cell = PX_PER_CM / np.median(density, axis=0)
        blank[where] = blank_shares(tile.grey, tile.corners, WINDOW, (cell[1], cell[0]), STRIDE).reshape(size)
        clipped[where] = clipped_shares(tile.grey, tile.corners, WINDOW, STRIDE).reshape(size)
        advance(size[0] * size[1] / (rows * cols))

    read_windows(network, plate, centres_cm, tones, margin=_MARGIN, look=look)
    reading = Readings(*(getattr(merged, name).reshape(-1, 2) for name in _FIELDS))
    wave, quality = waves.reshape(-1, 2, 2), qualities.reshape(-1, 2)
    found = np.hypot(wave[..., 0], wave[..., 1])
    lost = np.abs(found / reading.density - 1) > _REACH
    found, quality = np.where(lost, reading.density, found), np.where(lost, 0.0, quality)
    angles = np.stack([np.arctan2(-wave[:, 0, 1], wave[:, 0, 0]), np.arctan2(wave[:, 1, 0], wave[:, 1, 1])], axis=1)
    tilt = np.where(quality > _CLEAR, np.rad2deg(angles), reading.tilt).astype(np.float32)
    parts = found.astype(np.float32), quality.astype(np.float32), blank.ravel(), clipped.ravel()
    return reading, Evidence.of_cells(*parts), tilt


_FIELDS = tuple(Readings.__dataclass_fields__)


def _refined(tile: Tile, density: Array, tilt: Array, log_error: Array) -> tuple[Floats, Floats]:
    """Waves (n, 2, 2) of both systems of threads in the windows of a tile, and their qualities (n, 2).

    Where the network has no idea, neither has the phase: its waves stay, with quality zero.
    """
    picture = WavePicture.of(tile.normal, PX_PER_CM)
    near = np.stack([upright_waves(density[:, 0], tilt[:, 0]), level_waves(density[:, 1], tilt[:, 1])], axis=1)
    wave, quality = near.copy(), np.zeros(near.shape[:2])
    some = np.flatnonzero((log_error <= _HOPELESS).all(axis=1))
    for axis in (0, 1):
        found = local_waves(picture, near[some, axis], tile.corners[some], WINDOW)
        wave[some, axis], quality[some, axis] = found.wave, found.quality
    # a chequered cloth: two clear diagonal waves say more than a faint one
    faint = some[quality[some].min(axis=1) < _CLEAR]
    if len(faint):
        crossed = [
            local_waves(
                picture, 0.5 * (near[faint, 0] + sign * near[faint, 1]), tile.corners[faint], WINDOW, diagonal=True
            )
            for sign in (1, -1)
        ]
        certain = np.minimum(crossed[0].quality, crossed[1].quality)
        for axis, sign in ((0, 1), (1, -1)):
            better = certain > quality[faint, axis]
            chosen = faint[better]
            wave[chosen, axis] = (crossed[0].wave + sign * crossed[1].wave)[better]
            quality[chosen, axis] = certain[better]
    return wave, quality


def usable_shares(plate: Plate, usable: npt.NDArray[np.bool_], x_cm: Floats, y_cm: Floats) -> Floats:
    """Share of the window about each point that is usable, (ny, nx)."""
    size = max(1, round(1 / CELL_CM))
    shares = ndimage.uniform_filter(usable.astype(float), size, mode="nearest")
    across, down = spans(plate, (x_cm, y_cm), PX_PER_CM)
    rows, cols = (
        np.clip(np.rint(span.centres_px / PX_PER_CM / CELL_CM - 0.25).astype(int), 0, side - 1)
        for span, side in zip((down, across), usable.shape, strict=True)
    )
    result: Floats = shares[np.ix_(rows, cols)]
    return result
