"""From a file to its row in the table of results: read, counted, or why not."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import MISSING, asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dl4art.regression.count_plate import NUMBERS, WHOLE_CM, Counter, count_plates
from dl4art.regression.estimate import ThreadEstimate
from dl4art.regression.window_counter import ARCHITECTURE, WindowCounter
from dl4art.utils.errors import InputError, reason
from dl4art.utils.files import State, check_unchanged, file_state, sha256
from dl4art.utils.journal import Shape
from dl4art.utils.models import find_model

if TYPE_CHECKING:
    from dl4art.cropping import Plate

Method = Literal["auto", "network", "spectral"]

SCALE_ERROR = 0.002
"""How far the stated pixels per centimetre may be off (95 %), as a share: half a step of a scale given in whole dpi
near 250, or 1 mm in a painting measured as 50 cm."""


@dataclass(frozen=True)
class FileCount:
    """Thread counts of one file, with 95 % intervals: one row of the table of results.

    Densities in threads per centimetre, tilts in degrees, sizes in centimetres. `vertical_threads` is how many of the
    vertical threads cross the width: density x width x cos(tilt); `horizontal_threads` likewise for the height. What
    is not known is None, and `message` says why.
    """

    file: str
    status: Literal["ok", "no-estimate", "failed"]
    vertical_per_cm: float | None = None
    horizontal_per_cm: float | None = None
    vertical_low: float | None = None
    vertical_high: float | None = None
    horizontal_low: float | None = None
    horizontal_high: float | None = None
    vertical_threads: float | None = None
    horizontal_threads: float | None = None
    width_cm: float | None = None
    height_cm: float | None = None
    px_per_cm: float | None = None
    message: str = ""
    vertical_tilt: float | None = None
    horizontal_tilt: float | None = None
    scale_source: str = ""
    sha256: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as a plain dictionary."""
        return asdict(self)


ROW: Shape = {field.name: str if field.default in ("", MISSING) else int | float | None for field in fields(FileCount)}
"""Types of the fields, for a journal."""


def load_counter(method: Method = "auto", model: str | Path | None = None) -> Counter:
    """Load the counter for a method; ModelError if its model cannot be loaded.

    Parameters
    ----------
    method : {"auto", "network", "spectral"}
        The two together, the network alone, or the spectral method alone. The upstream's network is always alone.
    model : str or path, optional
        Name of a shipped model or a model folder; the shipped one if left out. Not used by the spectral method.
    """
    from dl4art import regression

    if method == "spectral":
        return regression.SpectralCounter()
    if model is not None and (folder := find_model(model)).config.get("architecture") == ARCHITECTURE:
        return WindowCounter.from_folder(folder)
    if method == "network":
        return regression.ThreadCounter.from_pretrained(model)
    return regression.CombinedCounter.from_pretrained(model)


def count_files(
    paths: Sequence[Path],
    counter: Counter,
    *,
    px_per_cm: float | None = None,
    size_cm: tuple[float, float] | None = None,
    crops: bool | Sequence[bool] = False,
    batch_size: int = 32,
) -> Iterator[FileCount]:
    """Count the threads in files; a file that cannot be read or counted gives a `failed` row and stops no other.

    Small files (up to 3 cm a side) go through the counter together. A larger one goes alone, after all before it have
    been given out: at most one large plate is in memory, and an interruption costs no more than what is in hand.

    Parameters
    ----------
    paths : sequence of Path
        The files.
    counter : Counter
        From `load_counter`.
    px_per_cm, size_cm
        The scale or the size in cm of what each file shows, where the user states it.
    crops : bool or sequence of bool
        Whether a file of 300x300 px without scale may be taken for a 1.5 cm crop; one answer for all or one for each.
    batch_size : int
        Number of pictures that go through the network together.

    Yields
    ------
    FileCount
        In the order of `paths`, as soon as it is known.
    """
    from dl4art.cropping import read_plate

    as_crop = [crops] * len(paths) if isinstance(crops, bool) else crops
    held: list[_Held] = []
    for path, assume_crop in zip(paths, as_crop, strict=True):
        state = file_state(path)
        try:
            found: Plate | Exception = read_plate(path, px_per_cm, size_cm=size_cm, assume_crop=assume_crop)
        except Exception as error:  # one bad file is one row, whatever is wrong with it
            found = error
        large = not isinstance(found, Exception) and max(found.size_cm) > WHOLE_CM
        if large or len(held) == batch_size:
            yield from _rows(held, counter, batch_size)
            held = []
        held.append(_Held(path, state, found))
        if large:
            yield from _rows(held, counter, batch_size)
            held = []
    yield from _rows(held, counter, batch_size)


@dataclass(frozen=True)
class _Held:
    """A file that waits to be counted, and its state before it was read."""

    path: Path
    state: State | None
    found: Plate | Exception


def _rows(held: Sequence[_Held], counter: Counter, batch_size: int) -> Iterator[FileCount]:
    plates = [file.found for file in held if not isinstance(file.found, Exception)]
    results = iter(count_plates(plates, counter, batch_size=batch_size))
    for file in held:
        if isinstance(file.found, Exception):
            yield _row(file, None, file.found)
        else:
            yield _row(file, file.found, next(results))


def _row(file: _Held, plate: Plate | None, result: ThreadEstimate | Exception) -> FileCount:
    path = file.path
    facts: dict[str, Any] = {"file": str(path)}
    notes: list[str] = []
    with suppress(OSError):  # what is wrong with the file is said by `result`
        facts["sha256"] = sha256(path)
    if not isinstance(result, Exception):
        try:
            # numbers and hash must be of the same picture
            check_unchanged(path, file.state)
        except InputError as error:
            result = error
    if plate is not None:
        width_cm, height_cm = plate.size_cm
        facts |= {"width_cm": round(width_cm, 3), "height_cm": round(height_cm, 3)}
        facts |= {"px_per_cm": round(plate.px_per_cm, 3), "scale_source": plate.scale_source}
        assumed = [f"scale {plate.scale_source}"] if plate.scale_source.startswith("assumed") else []
        notes = [*assumed, *plate.notes]
    if isinstance(result, Exception):
        return FileCount(status="failed", **facts, message="; ".join([reason(result, path), *notes]))
    facts["message"] = "; ".join(text for text in (result.message, *notes) if text)
    if result.status != "ok":
        return FileCount(status=result.status, **facts)
    numbers = widened({name: getattr(result, name) for name in NUMBERS})
    for direction, extent in (("vertical", facts["width_cm"]), ("horizontal", facts["height_cm"])):
        tilt = math.radians(numbers[f"{direction}_tilt"] or 0.0)
        numbers[f"{direction}_threads"] = numbers[f"{direction}_per_cm"] * extent * math.cos(tilt)
    facts |= {name: None if value is None else round(float(value), 3) for name, value in numbers.items()}
    return FileCount(status="ok", **facts)


def widened(numbers: dict[str, Any], scale_error: float = SCALE_ERROR) -> dict[str, Any]:
    """Put the error of the scale into the intervals, as independent of the counter's own."""
    result = dict(numbers)
    for direction in ("vertical", "horizontal"):
        density = numbers[f"{direction}_per_cm"]
        for end, sign in (("low", -1), ("high", 1)):
            value = numbers[f"{direction}_{end}"]
            if value is not None:
                reach = math.hypot(value - density, scale_error * density)
                result[f"{direction}_{end}"] = max(0.0, density + sign * reach)
    return result
