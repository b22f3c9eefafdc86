"""Labels to begin with: the threads of crops as the program finds them, for a person to correct."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from dl4art.cropping.archives import archive_paths
from dl4art.cropping.labels import ThreadLabels, write_labelme
from dl4art.cropping.outlines import thinned
from dl4art.cropping.plate import PX_PER_CM, Plate
from dl4art.cropping.reading import read_plate
from dl4art.cropping.threads import Polyline
from dl4art.regression.count_file import FileCount, count_files
from dl4art.regression.count_plate import WHOLE_CM, Counter
from dl4art.regression.tracking import track_threads
from dl4art.utils.errors import InputError, reason
from dl4art.utils.files import sha256

_SURE = 0.9  # below this it is said that the lines may lie between the threads
_SHARE = 0.6  # of a spacing: how wide a thread is drawn


@dataclass(frozen=True)
class Prefilled:
    """What became of one crop."""

    crop: str
    status: Literal["written", "kept", "no-estimate", "failed"]
    vertical: int | None = None
    """Threads that were written."""
    horizontal: int | None = None
    message: str = ""


def prefill_labels(
    crops: Sequence[Path],
    counter: Counter,
    *,
    px_per_cm: float | None = None,
    size_cm: tuple[float, float] | None = None,
) -> Iterator[Prefilled]:
    """Write the threads of crops as labelme files beside them, ``NAME.json``, where there are no labels yet.

    A file that is there is left alone, and a crop with archives of masks, before which the new file would go, too.

    Parameters
    ----------
    crops : sequence of Path
        Pictures of at most 3 cm a side.
    counter : Counter
        Counts the threads, before they are tracked.
    px_per_cm, size_cm
        Scale, as in `dl4art.cropping.read_plate`.

    Yields
    ------
    Prefilled
        In the order of `crops`.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    todo = [path for path in crops if not _labels(path)]
    counts = count_files(todo, counter, px_per_cm=px_per_cm, size_cm=size_cm, crops=True)
    left = set(todo)
    for path in crops:
        count = next(counts) if path in left else None
        # pictures of one name share a file
        if count is None or _labels(path):
            yield Prefilled(str(path), "kept", message=f"{_labels(path)} is there already; nothing was changed")
        elif count.status != "ok":
            yield Prefilled(str(path), count.status, message=count.message)
        else:
            yield _prefilled(path, count, px_per_cm, size_cm)


def _labels(crop: Path) -> str:
    """Name of a file of labels that a crop has; empty for none."""
    files = (crop.with_suffix(".json"), *archive_paths(crop.with_suffix("")))
    return next((path.name for path in files if path.exists()), "")


def _prefilled(path: Path, count: FileCount, px_per_cm: float | None, size_cm: tuple[float, float] | None) -> Prefilled:
    try:
        plate = read_plate(path, px_per_cm, size_cm=size_cm, assume_crop=True)
        labels, sure = find_threads(plate, count)
        if sha256(path) != count.sha256:
            raise InputError(f"{path}: has changed since its threads were counted. Give the same command again.")
    except Exception as error:  # one bad file is one row, whatever is wrong with it
        return Prefilled(str(path), "failed", message=reason(error, path))
    width = _SHARE * min(
        plate.px_per_cm_x / _density(count, "vertical"), plate.px_per_cm_y / _density(count, "horizontal")
    )
    write_labelme(labels, path.with_suffix(".json"), path.name, thread_width=round(width, 1))
    doubt = [
        f"whether {name} threads are the light or the dark lines is not sure ({share:.0%})"
        for name, share in zip(("vertical", "horizontal"), sure, strict=True)
        if share < _SURE
    ]
    message = "; ".join(text for text in (count.message, *doubt) if text)
    return Prefilled(str(path), "written", len(labels.vertical), len(labels.horizontal), message)


def find_threads(plate: Plate, count: FileCount) -> tuple[ThreadLabels, tuple[float, float]]:
    """Centre-lines of a crop's threads in its own pixels, with few points, and how sure it is which lines they are.

    Raises
    ------
    InputError
        If the picture is larger than a crop.
    """
    if max(plate.size_cm) > WHOLE_CM:
        width, height = plate.size_cm
        raise InputError(
            f"{plate.path}: {width:.1f} x {height:.1f} cm is more than a crop (up to {WHOLE_CM:g} cm). Cut it into "
            "crops first, with python -m dl4art.crop."
        )
    tracked = track_threads(
        plate.sample(),
        _density(count, "vertical"),
        _density(count, "horizontal"),
        vertical_tilt=count.vertical_tilt or 0.0,
        horizontal_tilt=count.horizontal_tilt or 0.0,
    )
    own = np.array([plate.px_per_cm_x, plate.px_per_cm_y]) / PX_PER_CM
    vertical = [_few(line * own) for line in tracked.labels.vertical]
    horizontal = [_few((line * own)[:, ::-1])[:, ::-1] for line in tracked.labels.horizontal]
    return ThreadLabels.ordered(vertical, horizontal, plate.shape), tracked.sure


def _few(line: Polyline) -> Polyline:
    return thinned(line).round(2)


def _density(count: FileCount, direction: Literal["vertical", "horizontal"]) -> float:
    value = getattr(count, f"{direction}_per_cm")
    if value is None:
        raise InputError(f"{count.file}: has no estimate")
    return float(value)
