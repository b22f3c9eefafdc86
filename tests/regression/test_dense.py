from __future__ import annotations

from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dl4art.cropping import plate_from_array
from dl4art.regression import dense
from dl4art.regression.counter import WINDOW
from dl4art.regression.preprocess import HALF_WIDTH, normalise

TONES = (0.0, 255.0)


@pytest.fixture(scope="module")
def centres(plate):
    width, height = plate.size_cm
    return np.arange(0.2, width, 0.4), np.arange(0.2, height, 0.4)


@pytest.fixture(scope="module")
def whole(shipped, plate, centres):
    return dense.read_windows(shipped, plate, centres, TONES)


def test_the_stride_is_the_networks(shipped):
    from dl4art.regression import network as networks

    assert dense.STRIDE == networks.STRIDE
    assert len(shipped.profiles[0]) == (WINDOW - networks.reach(shipped.trunk)) // dense.STRIDE + 1


@given(st.integers(WINDOW, 5000), st.lists(st.floats(0, 5000), max_size=30))
def test_windows_lie_on_the_plate_and_near_their_points(length, places):
    span = dense.Span.nearest(np.sort([place for place in places if place < length]), length)
    points = np.sort([place for place in places if place < length])
    assert (span.centres_px - WINDOW / 2 >= 0).all()
    assert (span.centres_px + WINDOW / 2 <= length).all()
    free = (points > WINDOW / 2) & (points < length - WINDOW / 2 - dense.STRIDE)
    assert (np.abs(span.centres_px - points)[free] <= dense.STRIDE / 2).all()


@given(st.integers(WINDOW, 9000), st.floats(20, 300))
def test_tiles_read_every_window_once(length, step):
    span = dense.Span.nearest(np.arange(step / 2, length, step), length)
    found = np.concatenate([mine for mine, _, _ in span.tiles()])
    np.testing.assert_array_equal(found, np.arange(len(span.wanted)))
    last = (length - WINDOW) // dense.STRIDE
    for mine, first, size in span.tiles():
        assert 0 <= first <= span.wanted[mine].min()
        assert span.wanted[mine].max() < first + size <= last + 1


def test_tiled_equals_whole(monkeypatch, shipped, plate, centres, whole):
    monkeypatch.setattr(dense, "TILE", 160)
    tiled = dense.read_windows(shipped, plate, centres, TONES, margin=50)
    np.testing.assert_allclose(tiled.density, whole.density, atol=1e-3)
    np.testing.assert_allclose(tiled.tilt, whole.tilt, atol=1e-3)


def test_a_crop_with_enough_margin_reads_the_same(shipped, plate, centres, whole):
    across, down = dense.spans(plate, centres, 200.0)
    for j, i in ((2, 3), (4, 6), (5, 8)):
        corner = dense.STRIDE * down.wanted[j], dense.STRIDE * across.wanted[i]
        rows, cols = (slice(start - HALF_WIDTH, start + WINDOW + HALF_WIDTH) for start in corner)
        crop = plate.read(rows, cols)
        assert crop.shape == (WINDOW + 2 * HALF_WIDTH,) * 2
        normal = normalise(crop)[HALF_WIDTH:-HALF_WIDTH, HALF_WIDTH:-HALF_WIDTH]
        found = [dense.pool(shipped, part)[0, 0, 0] for part in (normal, normal.T)]
        np.testing.assert_allclose(found, whole.density[j, i], atol=1e-3)


def test_a_single_window_reads_as_the_counter_does(shipped, plate):
    crop = plate.read(slice(100, 300), slice(200, 400))
    tones = float(crop.min()), float(crop.max())
    found = dense.read_windows(shipped, plate_from_array(crop, 200.0), ([0.5], [0.5]), tones)
    known = shipped.read([crop])
    for name in ("density", "log_error", "tilt", "readable"):
        np.testing.assert_allclose(getattr(found, name)[0, 0], getattr(known, name)[0], rtol=1e-4, atol=1e-4)


def test_a_transposed_plate_has_its_directions_swapped(shipped, plate, centres, whole):
    turned = plate_from_array(np.ascontiguousarray(plate.read().T), 200.0)
    found = dense.read_windows(shipped, turned, centres[::-1], TONES)
    np.testing.assert_allclose(found.density.transpose(1, 0, 2)[..., ::-1], whole.density, atol=1e-3)
    np.testing.assert_allclose(found.tilt.transpose(1, 0, 2)[..., ::-1], -whole.tilt, atol=1e-2)


def test_a_tile_shows_its_windows(shipped, plate, centres):
    shown = []

    def look(tile, found):
        assert tile.grey.shape == tile.normal.shape
        assert found.density.shape == (len(tile.rows), len(tile.cols), 2)
        x, y = tile.corners[0]
        shown.append((tile.rows[0], tile.cols[0], tile.grey[y : y + WINDOW, x : x + WINDOW]))

    dense.read_windows(shipped, plate, centres, TONES, margin=120, look=look)
    (row, col, window), *_ = shown
    across, down = dense.spans(plate, centres, 200.0)
    top, left = dense.STRIDE * down.wanted[row], dense.STRIDE * across.wanted[col]
    np.testing.assert_array_equal(window, plate.read(slice(top, top + WINDOW), slice(left, left + WINDOW)))


def test_tiles_are_looked_at_in_their_order_and_few_wait(monkeypatch, shipped, plate, centres):
    monkeypatch.setattr(dense, "TILE", 160)
    made, seen = [], []
    cut = dense.tiles

    def counted(*args):
        for tile in cut(*args):
            made.append(tile)
            # one is being looked at, one goes through the network, one waits and one is made
            assert len(made) - len(seen) <= 4
            yield tile

    monkeypatch.setattr(dense, "tiles", counted)
    dense.read_windows(shipped, plate, centres, TONES, look=lambda tile, _found: seen.append(tile))
    assert len(seen) > 4
    assert all(one is other for one, other in zip(made, seen, strict=True))


@pytest.mark.parametrize("part", ["plate", "look"])
def test_what_fails_beside_the_network_is_raised(monkeypatch, shipped, plate, centres, part):
    def failing(inner):
        calls = count()

        def call(*args, **options):
            if next(calls):
                raise OSError("the disk is gone")
            return inner(*args, **options)

        return call

    def unmoved(_tile, _readings):
        pass

    monkeypatch.setattr(dense, "TILE", 160)
    if part == "plate":
        monkeypatch.setattr(dense, "normalise", failing(normalise))
    with pytest.raises(OSError, match="the disk is gone"):
        dense.read_windows(shipped, plate, centres, TONES, look=failing(unmoved) if part == "look" else unmoved)
