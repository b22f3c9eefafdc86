"""Counts made by hand against a map: how far apart they are, and which way.

Agreement is told as Bland and Altman do (Lancet 327, 1986): differences against means, their mean, and the limits that
hold 95 in 100 of them.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dl4art.cropping.plate import Plate
from dl4art.cropping.threads import DIRECTIONS, Direction, read_direction
from dl4art.regression.maps import ThreadMap
from dl4art.utils.errors import InputError
from dl4art.utils.limits import read_text

COLUMNS = ("x_cm", "y_cm", "direction", "count", "width_cm")
"""Of a manual table: middle of the counted stretch, which threads, how many, over which width across them."""
_ALONG_CM = 0.5  # how far along the threads cells speak for a spot
_Z95 = 1.96


@dataclass(frozen=True)
class ManualCount:
    """Threads counted by hand on a plate; lengths in cm."""

    x_cm: float
    y_cm: float
    direction: Direction
    count: float
    width_cm: float

    @property
    def per_cm(self) -> float:
        """Threads counted in each centimetre."""
        return self.count / self.width_cm


@dataclass(frozen=True)
class Checked:
    """A manual count and what the map says there; None where it is blank."""

    manual: ManualCount
    map_per_cm: float | None
    """Threads that cross a centimetre, as a hand counts them: the density times the cosine of the tilt."""
    low: float | None
    high: float | None
    other_per_cm: float | None = None
    """Density of the other threads there, which helps to draw both."""

    @property
    def difference(self) -> float | None:
        """Map less manual, threads per cm."""
        return None if self.map_per_cm is None else self.map_per_cm - self.manual.per_cm

    def to_dict(self) -> dict[str, Any]:
        """Give all as JSON values."""
        return {
            **asdict(self.manual),
            "manual_per_cm": self.manual.per_cm,
            "map_per_cm": self.map_per_cm,
            "map_low": self.low,
            "map_high": self.high,
            "difference": self.difference,
        }


@dataclass(frozen=True)
class Agreement:
    """How far manual counts and a map agree; numbers in threads per cm, None where nothing can be compared."""

    spots: int
    compared: int
    mean_error: float | None = None
    """Mean difference without its sign."""
    relative_error: float | None = None
    """The same as a share of the manual density."""
    bias: float | None = None
    """Mean difference, map less manual."""
    sd: float | None = None
    """Standard deviation of the differences."""
    lower_limit: float | None = None
    """Limits of agreement: bias less and plus 1.96 standard deviations."""
    upper_limit: float | None = None
    within_half: float | None = None
    """Share of the spots within 0.5 th/cm."""
    within_one: float | None = None
    in_interval: float | None = None
    """Share of the manual densities that lie in the map's 95 % intervals."""

    def to_dict(self) -> dict[str, Any]:
        """Give all as JSON values."""
        return asdict(self)


def read_manual(path: str | Path) -> list[ManualCount]:
    """Read a table of manual counts.

    Parameters
    ----------
    path : path
        CSV in UTF-8 with the columns of `COLUMNS`, in any order; others are ignored. Direction is ``vertical`` or
        ``horizontal`` (or ``v``, ``h``).

    Raises
    ------
    InputError
        If a column is missing or a cell is not what it should be; it names line and cell.
    """
    try:
        text = read_text(path, "utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}). Check its name.") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: is not text in UTF-8. Save it again as CSV (UTF-8).") from error
    first = text.partition("\n")[0]
    rows = csv.DictReader(io.StringIO(text), delimiter=";" if first.count(";") > first.count(",") else ",")
    try:
        rows.fieldnames = [name.strip().lower() for name in rows.fieldnames or ()]
    except csv.Error as error:
        raise InputError(f"{path}: its first line cannot be read ({error}). Save it again as CSV.") from error
    missing = [name for name in COLUMNS if name not in rows.fieldnames]
    if missing:
        raise InputError(
            f"{path}: has no column {' and no column '.join(missing)}; there are "
            f"{', '.join(rows.fieldnames) or 'none'}. The first line must name {', '.join(COLUMNS)}."
        )
    try:
        counts = [_manual(f"{path}: line {rows.line_num}", row) for row in rows]
    except csv.Error as error:
        raise InputError(f"{path}: line {rows.line_num + 1} cannot be read ({error}). Save it again as CSV.") from error
    if not counts:
        raise InputError(f"{path}: holds no counts. Write one in each line below the names of the columns.")
    return counts


def _manual(where: str, row: dict[str, Any]) -> ManualCount:
    if None in row:
        raise InputError(
            f"{where}: has more cells than the first line. If a comma stands for a decimal point, write a point: 1.5."
        )
    direction = read_direction(str(row["direction"] or "").strip())
    if direction is None:
        raise InputError(f"{where}: direction is {row['direction']!r}. Write vertical or horizontal.")
    x, y, count, width = (_number(where, name, row[name]) for name in ("x_cm", "y_cm", "count", "width_cm"))
    for name, value in (("count", count), ("width_cm", width)):
        if not value > 0:
            raise InputError(f"{where}: {name} is {value:g}. Write a number above zero.")
    return ManualCount(x, y, direction, count, width)


def _number(where: str, name: str, cell: Any) -> float:
    text = str(cell or "").strip()
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        hint = f"Write a point for the comma: {text.replace(',', '.')}." if "," in text else "Write a number."
        raise InputError(f"{where}: {name} is {text!r}. {hint}")
    return value


def check_spots(counts: Sequence[ManualCount], plate: Plate) -> None:
    """Raise InputError if a spot does not lie on a plate."""
    width, height = plate.size_cm
    for number, spot in enumerate(counts, start=1):
        if not (0 <= spot.x_cm <= width and 0 <= spot.y_cm <= height):
            raise InputError(
                f"spot {number} at x = {spot.x_cm:g}, y = {spot.y_cm:g} cm does not lie on {plate.path} of {width:.2f} "
                f"x {height:.2f} cm. Places are in cm from the upper-left corner; check them, and the plate's scale."
            )


def compare_counts(counts: Sequence[ManualCount], found: ThreadMap) -> list[Checked]:
    """Set manual counts against a map: the mean of its cells over the counted stretch, or else the nearest cell."""
    return [_checked(spot, found) for spot in counts]


def _checked(spot: ManualCount, found: ThreadMap) -> Checked:
    axis = DIRECTIONS.index(spot.direction)
    # vertical threads are counted from left to right
    reach = [_ALONG_CM, _ALONG_CM]
    # cells are means of 1 cm: those at the ends of the stretch look beyond it
    reach[axis] = max(spot.width_cm / 2 - _ALONG_CM, found.step_cm / 2)
    near_x, near_y = np.abs(found.x_cm - spot.x_cm), np.abs(found.y_cm - spot.y_cm)
    where = np.ix_((near_y <= reach[1]) | (near_y == near_y.min()), (near_x <= reach[0]) | (near_x == near_x.min()))
    density, half = found.density[where][..., axis].ravel(), found.half[where][..., axis].ravel()
    upright = np.cos(np.deg2rad(found.angle[where][..., axis].ravel()))
    known = np.isfinite(density)
    if not known.any():
        return Checked(spot, None, None, None)
    value = float((density * upright)[known].mean())
    # cells side by side are wrong together: their mean is hardly surer than one of them
    spread = float((half * upright)[known].mean())
    other = float(np.nanmean(found.density[where][..., 1 - axis]))
    return Checked(spot, value, max(0.0, value - spread), value + spread, other)


def agreement(checked: Sequence[Checked]) -> Agreement:
    """Tell how far manual counts and map agree."""
    pairs = [(spot, spot.difference) for spot in checked if spot.difference is not None]
    if not pairs:
        return Agreement(len(checked), 0)
    off = np.array([difference for _, difference in pairs])
    manual = np.array([spot.manual.per_cm for spot, _ in pairs])
    bias, sd = float(off.mean()), float(off.std(ddof=1)) if len(off) > 1 else 0.0
    covered = [(spot.low or 0.0) <= spot.manual.per_cm <= (spot.high or 0.0) for spot, _ in pairs]
    return Agreement(
        len(checked),
        len(pairs),
        float(np.abs(off).mean()),
        float((np.abs(off) / manual).mean()),
        bias,
        sd,
        bias - _Z95 * sd,
        bias + _Z95 * sd,
        float((np.abs(off) <= 0.5).mean()),
        float((np.abs(off) <= 1).mean()),
        float(np.mean(covered)),
    )
