from __future__ import annotations

import json

import numpy as np
import pytest

from dl4art.regression.map_summary import BIN, Spread, edge_swings, summarise


@pytest.fixture
def spread(rng, thread_map):
    """Make a map whose densities spread as is said, with some blank cells."""

    def make(sds=(0.1, 0.6), shape=(12, 15), blank=10):
        density = np.stack([rng.normal(12, sds[0], shape), rng.normal(15, sds[1], shape)], axis=-1)
        density.reshape(-1, 2)[:blank] = np.nan
        return thread_map(density, 1.5)

    return make


def test_the_numbers_of_a_report(spread):
    found = spread()
    summary = summarise(found)
    known = found.density[found.status == 0]
    assert summary.vertical.cells == len(known) == 170
    assert summary.vertical.mean == pytest.approx(known[:, 0].mean(), rel=1e-6)
    assert summary.horizontal.sd == pytest.approx(known[:, 1].std(), rel=1e-5)
    assert (summary.horizontal.least, summary.horizontal.greatest) == (known[:, 1].min(), known[:, 1].max())
    assert summary.vertical_angle.median == 1.5
    assert summary.cells == {"ok": 170, "unusable": 0, "clipped": 0, "unreadable": 10, "masked": 0}
    assert json.loads(json.dumps(summary.to_dict()))["vertical"]["cells"] == 170


def test_the_histogram_holds_every_cell_in_its_bin(spread):
    found = spread()
    histogram = summarise(found).histogram
    assert sum(histogram.vertical) == sum(histogram.horizontal) == 170
    assert len(histogram.vertical) == len(histogram.horizontal)
    lows = histogram.start + BIN * np.flatnonzero(histogram.vertical)
    values = found.density[found.status == 0][:, 0]
    assert lows[0] <= values.min() + 1e-5 < lows[0] + BIN + 1e-5
    assert lows[-1] <= values.max() + 1e-5 < lows[-1] + BIN + 2e-5


@pytest.mark.parametrize(("sds", "warp"), [((0.1, 0.6), "vertical"), ((0.5, 0.2), "horizontal"), ((0.3, 0.3), "un")])
def test_the_warp_is_what_spreads_less(spread, sds, warp):
    summary = summarise(spread(sds))
    assert summary.warp.startswith(warp)
    assert "standard deviation" in summary.criterion


def test_few_cells_decide_nothing(spread):
    summary = summarise(spread(blank=170))
    assert summary.warp == "undetermined"
    assert "fewer than 20" in summary.criterion


def test_a_blank_map_has_no_numbers(spread):
    summary = summarise(spread(blank=180))
    assert summary.vertical == Spread(0, None, None, None, None, None)
    assert summary.histogram.vertical == ()
    json.dumps(summary.to_dict(), allow_nan=False)


def test_a_part_of_a_map_has_numbers_of_its_own(spread):
    found = spread()
    where = np.zeros(found.status.shape, bool)
    where[6:, :5] = True
    part = summarise(found, where)
    assert part.vertical.cells == 30
    assert part.vertical.mean == pytest.approx(found.density[6:, :5, 0].mean(), rel=1e-6)


def test_cusping_shows_along_the_edge_and_not_inside(spread):
    found = spread(shape=(24, 40), blank=0)
    found.angle[:] = 2.0
    found.angle[:4, :, 1] += 3 * np.sin(np.arange(40) / 3)
    edges = edge_swings(found)
    assert list(edges) == ["top", "bottom", "left", "right"]
    top = edges["top"]
    assert (top.direction, len(top.place_cm)) == ("horizontal", 40)
    assert top.swing == pytest.approx(3 / np.sqrt(2), rel=0.1)
    assert top.swing_inside == pytest.approx(0, abs=1e-6)
    assert edges["left"].direction == "vertical"
    assert edges["bottom"].swing == pytest.approx(0, abs=1e-6)


def test_edges_that_cannot_be_read_and_plates_without_an_inside_are_left_out(spread):
    found = spread(shape=(24, 40), blank=0)
    found.angle[:4] = np.nan
    assert "top" not in edge_swings(found)
    assert edge_swings(spread(shape=(8, 40), blank=0)) == {}
