"""What is missing or doubtful in the labels of crops, as far as the labels and the pictures themselves tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PureWindowsPath

import numpy as np
from numpy.typing import NDArray

from dl4art.cropping.labels import ThreadLabels, read_thread
from dl4art.cropping.plate import PX_PER_CM
from dl4art.cropping.reading import read_plate
from dl4art.cropping.shapes import Drawing, read_drawing
from dl4art.cropping.threads import DIRECTIONS, Direction, Polyline, read_direction
from dl4art.utils.errors import InputError, reason

_NEAR = 1 / 3  # of the median spacing: two centre-lines that are nearer than this ...
_MOST = 0.5  # ... over more than this share of the shorter one are one thread
_CROSSED = 1.0  # px by which centre-lines must change sides to cross: hands tremble
_ROWS = 1000  # in which lines are compared, at most


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
        Crops, and labelme files (.json) wherever they lie.
    root : Path
        The folder. Labels must not name a picture outside it.

    Returns
    -------
    list of CheckedLabels
        The labels in the order of `files`, then the crops that no labels belong to.
    """
    checked = [check_file(path, root) for path in files if path.suffix.lower() == ".json"]
    labelled = {item.picture.resolve() for item in checked if item.picture}
    # what is wrong with labels beside a crop has been said of the labels
    labelled |= {path.resolve() for path in files if path.with_suffix(".json") in {item.file for item in checked}}
    for path in files:
        if path.suffix.lower() != ".json" and path.resolve() not in labelled:
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


def find_picture(path: Path, drawing: Drawing, root: Path) -> Path:
    """Crop that a labelme file belongs to.

    Raises
    ------
    InputError
        If the file names a picture outside `root`, or one that is not there, cannot be read or has another size.
    """
    picture = named_picture(path, drawing, root)
    size = read_plate(picture, PX_PER_CM).shape
    if size != drawing.size:
        raise InputError(
            f"{path}: drawn on a picture of {drawing.size[1]} x {drawing.size[0]} px, and {drawing.image} has {size[1]}"
            f" x {size[0]} px: labels of another picture? Draw them on this one."
        )
    return picture


def named_picture(path: Path, drawing: Drawing, root: Path) -> Path:
    """Picture that a labelme file names, whatever is in it.

    Raises
    ------
    InputError
        If the file names none, one outside `root`, or one that is not there.
    """
    # labelme on Windows writes backslashes
    named = PureWindowsPath(drawing.image)
    if not drawing.image:
        raise InputError(
            f"{path}: field 'imagePath' is missing. Open the picture with labelme and save its labels again."
        )
    picture = path.parent / named.as_posix()
    if named.drive or named.root or not picture.resolve().is_relative_to(root.resolve()):
        raise InputError(
            f"{path}: field 'imagePath' is {drawing.image!r}, outside the folder {root}. Put the labels beside their "
            "picture, or name the folder that holds both."
        )
    if not picture.is_file():
        raise InputError(f"{path}: field 'imagePath' is {drawing.image!r}, and there is no such picture. Put it there.")
    return picture


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
    for direction in DIRECTIONS:
        count = sum(way == direction for way, _ in threads.values())
        if count < 2:
            message = f"{count or 'no'} {direction} thread{'s' * (count != 1)}. Draw all threads of both directions."
            findings.append(Finding(str(path), "one direction", message))
    return findings, threads


def _doubts(lines: dict[int, Polyline], shape: tuple[int, int], direction: Direction) -> Iterator[tuple[str, str]]:
    """Say what is doubtful in the threads of one direction, in few words and in one sentence."""
    if direction == "horizontal":
        lines, shape = {number: line[:, ::-1] for number, line in lines.items()}, shape[::-1]
    numbers = list(lines)
    rows = np.linspace(0.5, shape[0] - 0.5, min(shape[0], _ROWS))
    table = _table(list(lines.values()), rows)
    spacing = median_spacing(table)
    # a thread at the border may have its middle outside
    reach = max(2.0, spacing / 2)
    for number, line in lines.items():
        beyond = np.max([-line, line - np.array(shape[::-1])])
        if beyond > reach:
            yield "outside the picture", f"shape {number} ({direction}): {beyond:.0f} px outside. Draw it again."
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
