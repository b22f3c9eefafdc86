"""Labels of crops as archives of masks of 300 x 300 px, the upstream project's format, and back to labelme files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from dl4art.cropping.archives import Mask, archive_paths, load_masks, save_masks
from dl4art.cropping.canvases import canvas_of
from dl4art.cropping.label_check import check_inside
from dl4art.cropping.label_pictures import LabelledOnce, archive_stems, find_picture, label_stems
from dl4art.cropping.labels import ThreadLabels, read_thread, write_polygons
from dl4art.cropping.masks import bands_to_outlines, draw_bands
from dl4art.cropping.outlines import fill
from dl4art.cropping.shapes import read_drawing
from dl4art.cropping.threads import DIRECTIONS
from dl4art.utils.errors import InputError, OutputError, reason
from dl4art.utils.files import check_unchanged, file_state, make_folder
from dl4art.utils.names import safe_path

SIDE = 300
"""Of a crop in px: 1.5 cm at 200 px/cm."""
_LINE_WIDTH = 8.0  # px: how wide a thread is packed that was drawn as a line


@dataclass(frozen=True)
class Packed:
    """What became of the labels of one crop."""

    crop: str
    """Relative to the folder, without suffix."""
    canvas: str
    status: Literal["ok", "kept", "failed"]
    message: str = ""


def pack_labels(files: Sequence[Path], root: Path, output: Path) -> Iterator[Packed]:
    """Write the labels of crops as archives ``NAME_V.npz`` and ``NAME_H.npz`` (field ``arr_0``, bool, 300 x 300).

    A polygon is the pixels whose centres it holds. Labels that are archives already are checked and copied, but not
    where a labelme file of the same name lies beside them: that one is the original.

    Parameters
    ----------
    files : sequence of Path
        All files in the folder; those that are no labels are left out.
    root : Path
        The folder. Labels must not name a picture outside it.
    output : Path
        Folder for the archives, with the same folders in it.

    Yields
    ------
    Packed
        One for each crop with labels, sorted; one without threads in both directions is `failed`.

    Raises
    ------
    OutputError
        If an archive cannot be written.
    """
    targets, once = _Targets(output), LabelledOnce()
    for stem, drawn in sorted(label_stems(files).items()):
        name = stem.relative_to(root)
        try:
            target = targets.of(name)
            sources = (_json(stem),) if drawn else archive_paths(stem)
            states = [file_state(path) for path in sources]
            masks = draw_masks(_json(stem), root, once) if drawn else load_masks(stem)
            _check_masks((_json(stem), _json(stem)) if drawn else archive_paths(stem), masks)
            for path, state in zip(sources, states, strict=True):
                check_unchanged(path, state)
        except Exception as error:  # one bad file is one row, whatever is wrong with it
            yield _packed(name, "failed", reason(error, _json(stem)))
            continue
        make_folder(target.parent)
        save_masks(target, *masks)
        yield _packed(name, "ok")


def unpack_labels(files: Sequence[Path], root: Path, output: Path) -> Iterator[Packed]:
    """Write archives of masks as labelme files ``NAME.json``, a polygon round each thread; one that is there is kept.

    They name the picture ``NAME.tif`` (or as it is called where it lies beside the archives), beside which they belong.
    Packed again they give the same masks. Where they hold specks, the row says so.

    Parameters
    ----------
    files, root, output
        As in `pack_labels`.

    Yields
    ------
    Packed
        One for each pair of archives, sorted.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    pictures = {path.with_suffix(""): path.name for path in files if path.suffix.lower() not in (".npz", ".json")}
    targets = _Targets(output)
    for stem in archive_stems(files):
        name = stem.relative_to(root)
        try:
            target = _json(targets.of(name))
            states = [file_state(path) for path in archive_paths(stem)]
            masks = load_masks(stem)
            for path, state in zip(archive_paths(stem), states, strict=True):
                check_unchanged(path, state)
            if target.exists():
                yield _packed(name, "kept", f"{target} is there already; nothing was changed")
                continue
            short = _unpack(masks, target, pictures.get(stem, f"{stem.name}.tif"))
        except OutputError:
            raise
        except Exception as error:  # one bad file is one row, whatever is wrong with it
            yield _packed(name, "failed", reason(error, stem))
            continue
        what = "polygon is so short that it" if short == 1 else "polygons are so short that each"
        doubt = f"{short} {what} may be a speck, or a thread at a corner. Look at it with labelme"
        yield _packed(name, "ok", doubt if short else "")


def draw_masks(path: Path, root: Path, once: LabelledOnce | None = None) -> tuple[Mask, Mask]:
    """Draw the masks of the vertical and horizontal threads of a labelme file.

    Parameters
    ----------
    path : Path
        The JSON file.
    root : Path
        Folder outside which its picture must not lie.
    once : LabelledOnce, optional
        Pictures that have been labelled already.

    Raises
    ------
    InputError
        If the file or its picture cannot be used, if that is no crop of 300 x 300 px or labelled already, if a shape is
        no thread, or if one is drawn outside the picture.
    """
    drawing = read_drawing(path, "labels")
    picture = find_picture(path, drawing, root)
    _check_size(path, drawing.size)
    masks = {direction: np.zeros(drawing.size, bool) for direction in DIRECTIONS}
    threads = [read_thread(shape) for shape in drawing.shapes]
    vertical, horizontal = ([line for way, line in threads if way == direction] for direction in DIRECTIONS)
    check_inside(path, ThreadLabels.ordered(vertical, horizontal, drawing.size))
    for shape, (direction, line) in zip(drawing.shapes, threads, strict=True):
        if shape.kind == "polygon":
            masks[direction] |= fill(shape.points, drawing.size)
        elif direction == "vertical":
            masks[direction] |= draw_bands([line], drawing.size, _LINE_WIDTH)
        else:
            masks[direction] |= draw_bands([line[:, ::-1]], drawing.size[::-1], _LINE_WIDTH).T
    if once is not None:
        once.add(path, picture)
    return masks["vertical"], masks["horizontal"]


class _Targets:
    """Where results go that are named after crops: by names that every system takes, none for two crops."""

    def __init__(self, output: Path) -> None:
        self._output, self._taken = output, set[str]()

    def of(self, name: Path) -> Path:
        target = self._output / safe_path(name)
        # file systems may not tell cases apart
        if str(target).lower() in self._taken:
            raise InputError(f"{name}: would overwrite what is written of another crop, {target}. Rename one of them.")
        self._taken.add(str(target).lower())
        return target


def _unpack(masks: tuple[Mask, Mask], target: Path, image: str) -> int:
    """Write masks as polygons and tell how many of them are too short to be threads for sure."""
    vertical, horizontal = masks
    upright, specks = bands_to_outlines(vertical)
    across, more = bands_to_outlines(np.ascontiguousarray(horizontal.T))
    level = [polygon[:, ::-1].round(3) for polygon in across]
    upright = [polygon.round(3) for polygon in upright]
    make_folder(target.parent)
    write_polygons(upright, level, (vertical.shape[0], vertical.shape[1]), target, image)
    return specks + more


def _check_masks(paths: tuple[Path, Path], masks: tuple[Mask, Mask]) -> None:
    for path, direction, mask in zip(paths, DIRECTIONS, masks, strict=True):
        _check_size(path, (mask.shape[0], mask.shape[1]))
        if not mask.any():
            raise InputError(f"{path}: has no {direction} threads. Draw all threads of both directions.")


def _check_size(path: Path, size: tuple[int, int]) -> None:
    if size != (SIDE, SIDE):
        raise InputError(
            f"{path}: is of {size[1]} x {size[0]} px, and archives hold crops of {SIDE} x {SIDE} px (1.5 cm at 200 "
            "px/cm). Cut such crops with python -m dl4art.crop and label them."
        )


def _packed(name: Path, status: Literal["ok", "kept", "failed"], message: str = "") -> Packed:
    return Packed(str(name), canvas_of(name), status, message)


def _json(stem: Path) -> Path:
    return stem.with_name(f"{stem.name}.json")
