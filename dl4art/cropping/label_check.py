"""What is missing or doubtful in the labels of crops, as far as the labels and the pictures themselves tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dl4art.cropping.archives import archive_paths
from dl4art.cropping.label_pictures import LabelledOnce, archive_stems, find_picture
from dl4art.cropping.labels import ThreadLabels, read_masks, read_thread
from dl4art.cropping.plate import PX_PER_CM
from dl4art.cropping.reading import read_plate
from dl4art.cropping.shapes import Drawing, read_drawing
from dl4art.cropping.threads import DIRECTIONS, Direction, Polyline, read_direction
from dl4art.utils.errors import InputError, reason

_NEAR = 1 / 3  # of the median spacing: two centre-lines that are nearer than this ...
_MOST = 0.5  # ... over more than this share of the shorter one are one thread
_CROSSED = 1.0  # px by which centre-lines must change sides to cross: hands tremble
_ROWS = 1000  # in which lines are compared, at most
_TOLD = 3  # shapes that one finding names


@dataclass(frozen=True)
class Finding:
    """Something that is missing or doubtful in the labels of a crop."""

    file: str
    finding: str
    """What it is, in few words."""
    message: str
    """Where, which value, and what to do."""


@dataclass(frozen=True)
class CheckedLabels:
    """A file of labels, or a crop that has none, after the check.

    Attributes
    ----------
    file : Path
        The labels, or the crop.
    findings : tuple of Finding
        Empty if nothing is wrong.
    picture : Path or None
        The crop, where it is there and has the size that the labels state.
    labels : ThreadLabels or None
        All threads that could be read, with the same condition.
    """

    file: Path
    findings: tuple[Finding, ...]
    picture: Path | None = None
    labels: ThreadLabels | None = None


def check_labels(files: Sequence[Path], root: Path) -> list[CheckedLabels]:
    """Check the labels of a folder of crops.

    Parameters
    ----------
    files : sequence of Path
        Crops, labelme files (.json) wherever they lie, and archives of masks (.npz) beside their crops. Of a crop that
        has both only the labelme file is looked at, as when it is packed or learnt from.
    root : Path
        The folder. Labels must not name a picture outside it.

    Returns
    -------
    list of CheckedLabels
        The labelme files in the order of `files`, the archives, then the crops that no labels belong to.
    """
    drawn = [path for path in files if path.suffix.lower() == ".json"]
    pictures = [path for path in files if path.suffix.lower() not in (".npz", ".json")]
    beside = {path.with_suffix(""): path for path in pictures}
    said = {path.with_suffix("") for path in drawn}
    masks = [stem for stem in archive_stems(files) if stem not in said]
    checked = [*(check_file(path, root) for path in drawn), *(check_masks(stem, beside.get(stem)) for stem in masks)]
    once = LabelledOnce()
    checked = [_once(item, once) for item in checked]
    labelled = {item.picture.resolve() for item in checked if item.picture}
    for path in pictures:
        # what is wrong with labels beside a crop has been said of the labels
        if path.resolve() not in labelled and path.with_suffix("") not in {*said, *masks}:
            message = f"has no {path.stem}.json. Draw its threads, or start from --prefill."
            checked.append(CheckedLabels(path, (Finding(str(path), "no labels", message),)))
    return checked


def check_file(path: Path, root: Path) -> CheckedLabels:
    """Check one labelme file; what is wrong with it is in the findings."""
    try:
        drawing = read_drawing(path, "labels")
    except InputError as error:
        return CheckedLabels(path, (Finding(str(path), "unreadable", reason(error, path)),))
    findings, threads = _threads(path, drawing)
    try:
        picture = find_picture(path, drawing, root)
    except Exception as error:  # the path may be anything, and so may the picture
        return CheckedLabels(path, (Finding(str(path), "picture", reason(error, path)), *findings))
    if drawing.shapes:
        # lines are laid out on the picture, so that its size must be known to be right
        for direction in DIRECTIONS:
            lines = {number: line for number, (way, line) in threads.items() if way == direction}
            findings += [Finding(str(path), *what) for what in _doubts(lines, drawing.size, direction)]
    vertical, horizontal = ([line for way, line in threads.values() if way == direction] for direction in DIRECTIONS)
    labels = ThreadLabels.ordered(vertical, horizontal, drawing.size)
    return CheckedLabels(path, tuple(findings), picture, labels)


def check_masks(stem: Path, picture: Path | None) -> CheckedLabels:
    """Check a crop's archives of masks, named without ``_V.npz``, and whether its picture lies beside them."""
    archives = archive_paths(stem)
    file = next((path for path in archives if path.exists()), archives[0])

    def checked(finding: str, message: str) -> CheckedLabels:
        return CheckedLabels(file, (Finding(str(file), finding, message),))

    if gone := [path.name for path in archives if not path.exists()]:
        return checked("one direction", f"there is no {gone[0]} beside it. Put it there, or draw the threads anew.")
    try:
        labels = read_masks(stem)
    except Exception as error:  # an archive may hold anything
        return checked("unreadable", reason(error, file))
    if picture is None:
        return checked("picture", f"there is no picture of its name beside it. Put {stem.name}.tif there.")
    try:
        shape = read_plate(picture, PX_PER_CM).shape
    except Exception as error:  # and so may a picture
        return checked("picture", f"{picture.name}: {reason(error, picture)}")
    if shape != labels.shape:
        sizes = (f"{width} x {height} px" for height, width in (labels.shape, shape))
        return checked("picture", "masks of {}, its picture has {}: labels of another picture?".format(*sizes))
    return CheckedLabels(file, tuple(_few(file, labels)), picture, labels)


def _once(item: CheckedLabels, once: LabelledOnce) -> CheckedLabels:
    """Add a finding if the picture has been labelled before."""
    if item.picture is None:
        return item
    try:
        once.add(item.file, item.picture)
    except Exception as error:  # the picture may have gone
        return CheckedLabels(item.file, (*item.findings, Finding(str(item.file), "picture", reason(error, item.file))))
    return item


def _few(path: Path, labels: ThreadLabels) -> Iterator[Finding]:
    """Say which direction has fewer than two threads."""
    for direction in DIRECTIONS:
        count = len(getattr(labels, direction))
        if count < 2:
            message = f"{count or 'no'} {direction} thread{'s' * (count != 1)}. Draw all threads of both directions."
            yield Finding(str(path), "one direction", message)


def _threads(path: Path, drawing: Drawing) -> tuple[list[Finding], dict[int, tuple[Direction, Polyline]]]:
    """Threads by the number of their shape, and what is wrong with the other shapes."""
    findings = []
    threads = {}
    for number, shape in enumerate(drawing.shapes, start=1):
        try:
            threads[number] = read_thread(shape)
        except InputError as error:
            kind = "unknown name" if read_direction(shape.label) is None else "no thread"
            findings.append(Finding(str(path), kind, reason(error, path)))
    if not drawing.shapes:
        message = "holds no shapes. Draw a polygon round each thread, or delete the file and start from --prefill."
        return [Finding(str(path), "no labels", message)], {}
    vertical, horizontal = ([line for way, line in threads.values() if way == direction] for direction in DIRECTIONS)
    return [*findings, *_few(path, ThreadLabels(tuple(vertical), tuple(horizontal), drawing.size))], threads


def _doubts(lines: dict[int, Polyline], shape: tuple[int, int], direction: Direction) -> Iterator[tuple[str, str]]:
    """Say what is doubtful in the threads of one direction, in few words and in one sentence."""
    if direction == "horizontal":
        lines, shape = {number: line[:, ::-1] for number, line in lines.items()}, shape[::-1]
    numbers = list(lines)
    rows = _levels(shape)
    table = _table(list(lines.values()), rows)
    spacing = median_spacing(table)
    beyond = _beyond(list(lines.values()), shape, spacing)
    outside = [f"{number}" for number, px in zip(lines, beyond, strict=True) if px > 0]
    if outside:
        more = f" and {len(outside) - _TOLD} more" if len(outside) > _TOLD else ""
        which = f"shape{'s' * (len(outside) > 1)} {', '.join(outside[:_TOLD])}{more} ({direction})"
        again = "Draw them again" if len(outside) > 1 else "Draw it again"
        far = "up to " * (len(outside) > 1)
        yield "outside the picture", f"{which}: {far}{max(beyond):.0f} px outside. {again}, or is it another picture?"
    for first, second, twice, (x, y) in _pairs(table, rows, spacing):
        at = (x, y) if direction == "vertical" else (y, x)
        both = f"shapes {numbers[first]} and {numbers[second]} ({direction}), near x = {at[0]:.0f}, y = {at[1]:.0f} px"
        if twice:
            yield "drawn twice", f"{both}: nearer than a third of the spacing of {spacing:.1f} px. Delete one of them."
        else:
            yield "crossing", f"{both}: threads of one direction do not cross. Move one of them."


def _table(lines: Sequence[Polyline], rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Place across of each upright line in each row, (lines, rows); NaN where it is not there."""
    places = [np.interp(rows, line[:, 1], line[:, 0], left=np.nan, right=np.nan) for line in lines]
    return np.array(places).reshape(-1, len(rows))


def check_inside(path: Path, labels: ThreadLabels) -> None:
    """Raise InputError if threads are drawn outside the picture: densities near its border would be wrong."""
    for direction in DIRECTIONS:
        lines, shape = list(getattr(labels, direction)), labels.shape
        if direction == "horizontal":
            lines, shape = [line[:, ::-1] for line in lines], shape[::-1]
        beyond = _beyond(lines, shape, median_spacing(_table(lines, _levels(shape))))
        if (count := sum(px > 0 for px in beyond)) > 0:
            raise InputError(
                f"{path}: {count} {direction} thread{'s are' if count > 1 else ' is'} drawn outside the picture, "
                f"{max(beyond):.0f} px. Draw {'them' if count > 1 else 'it'} again, on this picture."
            )


def _beyond(lines: Sequence[Polyline], shape: tuple[int, int], spacing: float) -> list[float]:
    """How far upright lines reach out of the picture, px; zero where they may."""
    # a thread at the border may have its middle outside
    reach = np.fmax(2.0, spacing / 2)
    most = [float(np.max([-line, line - np.array(shape[::-1])])) for line in lines]
    return [px if px > reach else 0.0 for px in most]


def _levels(shape: tuple[int, int]) -> NDArray[np.float64]:
    """Rows of a picture in which its lines are compared."""
    return np.linspace(0.5, shape[0] - 0.5, min(shape[0], _ROWS))


def median_spacing(table: NDArray[np.float64]) -> float:
    """Median distance between neighbours in a table of places, (lines, rows); NaN if no row has two lines."""
    gaps = np.diff(np.sort(table, axis=0), axis=0)  # NaN comes last
    gaps = gaps[np.isfinite(gaps)]
    return float(np.median(gaps)) if len(gaps) else float("nan")


def _pairs(
    table: NDArray[np.float64], rows: NDArray[np.float64], spacing: float
) -> Iterator[tuple[int, int, bool, tuple[float, float]]]:
    """Pairs of lines that are one thread drawn twice (True) or that cross (False), and where."""
    there = np.isfinite(table)
    lengths = there.sum(axis=1)
    low = np.where(there, table, np.inf).min(axis=1, initial=np.inf)
    high = np.where(there, table, -np.inf).max(axis=1, initial=-np.inf)
    for first in range(len(table)):
        meet = (low <= high[first] + _NEAR * spacing) & (high >= low[first] - _NEAR * spacing)
        meet[: first + 1] = False
        for second in np.flatnonzero(meet).tolist():
            apart = table[second] - table[first]
            common = np.isfinite(apart)
            near = common & (np.abs(apart) < _NEAR * spacing)
            twice = bool(near.sum() > _MOST * min(lengths[first], lengths[second]))
            crossed = common.any() and apart[common].min() < -_CROSSED and apart[common].max() > _CROSSED
            if twice or crossed:
                row = int(np.nanargmin(np.abs(apart)))
                yield first, second, twice, (float(table[first, row]), float(rows[row]))
