"""Where a plate shows canvas: neither blank film, nor clipped, nor covered by lettering and metal.

The tests ask little, on purpose: whether a weave can be read is the counter's decision. Here only those parts go that
no one would call canvas. All is relative to the plate itself, so that neither exposure nor polarity matters.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from dl4art.cropping.plate import Plate
from dl4art.cropping.sources import Grey

CELL_CM = 0.25
"""Side of the cells that are usable or not; a few threads wide."""

_DETAIL_PX_PER_CM = 100.0  # enough for 26 threads per cm, too little for most of the film's grain
_BAND_PX = 8_000_000
_CLIPPED = 0.8  # share of pixels at the plate's very black or white; dark interstices alone reach 0.6
_FLAT = 0.08  # detail, relative to the plate's typical detail
_DULL = 0.35  # the same, where the tone is that of unexposed or fully exposed film
_GLARING = 3.0  # difference of two spots in a cell, in the same measure, for lead letters and tacks: sharp edges ...
_GRAIN = 8.0  # how much rougher than blank film canvas is; edges of paint are not so much rougher than canvas
_OPAQUE = 0.05  # ... and a spot this near to the plate's extreme tone, as a share of the range of tones
_RARE = 0.1  # share of the plate that letters and tacks may cover; more of that is brushwork
_SPOT_CM = 0.1  # as wide as the stroke of a letter and wider than a gap between threads
_WEAVE_PER_CM = (5.0, 30.0)  # where threads and their crossings put their power
_WOVEN = 20.0  # highest over median power there: white noise comes to 6, grain blurred by 0.07 mm to 9, by 0.1 mm to 18


@dataclass(frozen=True)
class _Cells:
    """What is measured in each cell; arrays of shape (rows, columns) of cells."""

    low: Grey
    high: Grey
    share_low: Grey
    share_high: Grey
    mean: Grey
    detail: Grey
    darkest_spot: Grey
    brightest_spot: Grey
    regularity: Grey


def usable_area(plate: Plate, cell_cm: float = CELL_CM) -> NDArray[np.bool_]:
    """Find the cells of a plate that show canvas.

    Left out are cells that are clipped, flat, blank film towards the border, or with opaque things of sharp edges on
    them (lead letters, tacks). Faint threads under opaque paint are neither flat nor blank as long as a spectrum shows
    them. The plate is read once, a band of cells at a time.

    Parameters
    ----------
    plate : Plate
        The plate.
    cell_cm : float
        Side of a cell in cm.

    Returns
    -------
    array of shape (ceil(height / cell_cm), ceil(width / cell_cm)), bool
        Cell (i, j) begins i * cell_cm below and j * cell_cm right of the upper-left corner; the last ones may be cut.

    Raises
    ------
    InputError
        If the plate cannot be read.
    """
    cells = _measure(plate, cell_cm)
    black, white = cells.low.min(), cells.high.max()
    clipped = ((cells.low == black) & (cells.share_low > _CLIPPED)) | (
        (cells.high == white) & (cells.share_high > _CLIPPED)
    )
    textured = cells.detail[~clipped & (cells.detail > 0)]
    if textured.size == 0:
        return np.zeros_like(clipped)
    typical = float(np.median(textured))
    # a plate may be mostly blank film: then the median is grain, and the canvas is the part that is far rougher
    rough = textured[textured > typical * _GRAIN]
    if rough.size > _RARE * textured.size:
        typical = float(np.median(rough))
    # an edge or a scratch is regular as well, but not in seven cells of nine
    woven = ndimage.rank_filter(cells.regularity, 2, size=3, mode="nearest") > _WOVEN
    flat = cells.detail < _FLAT * typical
    glaring = _grown(_opaque(cells) & (cells.brightest_spot - cells.darkest_spot > _GLARING * typical))
    if glaring.mean() > _RARE:
        glaring[:] = False
    return np.asarray(~(clipped | glaring | ((flat | _blank_border(cells, typical)) & ~woven)))


def cell_counts(plate: Plate, cell_cm: float = CELL_CM) -> tuple[int, int]:
    """Rows and columns of cells of a plate."""
    width, height = plate.size_cm
    rows, columns = (max(1, math.ceil(length / cell_cm - 1e-6)) for length in (height, width))
    return rows, columns


def _blank_border(cells: _Cells, typical: float) -> NDArray[np.bool_]:
    """Dull cells at either end of the tones, joined to the plate's edge by cells of that kind."""
    inner = cells.mean[cells.detail >= _DULL * typical]
    if inner.size == 0:
        return np.zeros(cells.mean.shape, dtype=bool)
    dark, bright = np.quantile(inner, (0.02, 0.98))
    dull = cells.detail < _DULL * typical
    blank = np.zeros(dull.shape, dtype=bool)
    for extreme in (cells.mean <= dark, cells.mean >= bright):
        labels, _ = ndimage.label(dull & extreme)
        edge = np.concatenate((labels[0], labels[-1], labels[:, 0], labels[:, -1]))
        blank |= np.isin(labels, np.unique(edge[edge > 0]))
    return blank


def _opaque(cells: _Cells) -> NDArray[np.bool_]:
    """Tell which cells have a spot of the plate's most extreme tones, at either end."""
    black, white = cells.darkest_spot.min(), cells.brightest_spot.max()
    near = _OPAQUE * (white - black)
    return np.asarray((cells.darkest_spot < black + near) | (cells.brightest_spot > white - near))


def _grown(cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.asarray(ndimage.binary_dilation(cells, structure=np.ones((3, 3), dtype=bool)), dtype=bool)


def _measure(plate: Plate, cell_cm: float) -> _Cells:
    rows, columns = cell_counts(plate, cell_cm)
    measured = np.zeros((9, rows, columns), dtype=np.float32)
    down, across = cell_edges(plate, cell_cm)
    for first, last in cell_bands(plate, cell_cm):
        pixels = plate.read(slice(down[first], down[last]))
        for i in range(first, last):
            strip = pixels[down[i] - down[first] : down[i + 1] - down[first]]
            measured[:5, i] = _tones(strip, across)
        measured[5:, first:last] = _detail(plate, cell_cm, first, last, columns)
    return _Cells(*measured)


def cell_edges(plate: Plate, cell_cm: float = CELL_CM) -> tuple[list[int], list[int]]:
    """First pixel of each row of cells and one past the last, and of each column; no cell is empty."""
    steps = cell_cm * plate.px_per_cm_y, cell_cm * plate.px_per_cm_x
    down, across = (
        [min(round(k * step), length - count + k) for k in range(count)] + [length]
        for count, step, length in zip(cell_counts(plate, cell_cm), steps, plate.shape, strict=True)
    )
    return down, across


def cell_bands(plate: Plate, cell_cm: float = CELL_CM) -> Iterator[tuple[int, int]]:
    """First row of cells and one past the last of bands that fit into memory."""
    rows, _ = cell_counts(plate, cell_cm)
    band = max(1, int(_BAND_PX / (cell_cm * plate.px_per_cm_y * plate.shape[1])))
    return ((first, min(first + band, rows)) for first in range(0, rows, band))


def _tones(strip: Grey, across: list[int]) -> Grey:
    """Give lowest and highest value, share of pixels there, and mean, of each cell in a row of cells."""
    result = np.empty((5, len(across) - 1), dtype=np.float32)
    for j, (left, right) in enumerate(pairwise(across)):
        cell = strip[:, left:right]
        low, high = cell.min(), cell.max()
        result[:, j] = low, high, (cell == low).mean(), (cell == high).mean(), cell.mean(dtype=np.float64)
    return result


def _detail(plate: Plate, cell_cm: float, first: int, last: int, columns: int) -> Grey:
    """Give each cell's standard deviation without mean and slope, its darkest and brightest spot, and its regularity.

    All are taken where grain is smoothed away and threads are not.
    """
    side = max(8, round(cell_cm * _DETAIL_PX_PER_CM))
    px_per_cm = side / cell_cm
    y, (width, height) = first * cell_cm, plate.size_cm
    picture = plate.sample(0, y, width, min(last * cell_cm, height) - y, px_per_cm)
    missing = (last - first) * side - picture.shape[0], columns * side - picture.shape[1]
    picture = np.pad(picture, [(0, max(0, n)) for n in missing], mode="symmetric")
    blocks = picture[: (last - first) * side, : columns * side].astype(np.float64)
    blocks = blocks.reshape(last - first, side, columns, side).transpose(0, 2, 1, 3)
    spot = max(1, round(_SPOT_CM * px_per_cm))
    inner = slice(spot // 2, side - spot + spot // 2 + 1)  # spots that lie in their cell
    spots = ndimage.uniform_filter(blocks, size=(1, 1, spot, spot))[:, :, inner, inner]
    blocks = blocks - blocks.mean(axis=(2, 3), keepdims=True)
    ramp = np.arange(side) - (side - 1) / 2
    for along in (ramp[:, None], ramp):
        slope = (blocks * along).sum(axis=(2, 3), keepdims=True) / (side * (ramp**2).sum())
        blocks = blocks - slope * along
    measures = (
        blocks.std(axis=(2, 3)),
        spots.min(axis=(2, 3)),
        spots.max(axis=(2, 3)),
        _regularity(blocks, plate, cell_cm),
    )
    return np.asarray(measures, dtype=np.float32)


def _regularity(blocks: NDArray[np.float64], plate: Plate, cell_cm: float) -> NDArray[np.float64]:
    """Highest over median power in the band of threads, for cells of shape (rows, columns, side, side)."""
    side = blocks.shape[-1]
    window = np.hanning(side + 2)[1:-1]
    power = np.abs(fft.rfft2(blocks * window * window[:, None])) ** 2
    radius = np.hypot(fft.fftfreq(side)[:, None], fft.rfftfreq(side)) * side / cell_cm
    lowest, highest = _WEAVE_PER_CM
    # a coarse scan has nothing beyond its own limit, and the median must not be of nothing
    band = power[..., (radius >= lowest) & (radius <= min(highest, 0.4 * plate.px_per_cm))]
    if not band.shape[-1]:
        return np.zeros(blocks.shape[:2])
    return np.asarray(band.max(axis=-1) / np.maximum(np.median(band, axis=-1), 1e-9))
