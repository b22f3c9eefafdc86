from __future__ import annotations

import numpy as np
import pytest

from dl4art.regression import map_plates
from dl4art.regression.map_plates import ONE_CLOTH, cell_corners, drawn_plate, read_plates, true_cells


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr(map_plates, "SIZE_CM", (3.0, 2.5))


def test_plates_are_read_once_and_kept(shipped, tmp_path, monkeypatch):
    monkeypatch.setattr(
        map_plates, "drawn_plate", lambda split, number, size=(3.0, 2.5): drawn_plate(split, number, size)
    )
    plates = read_plates(shipped, tmp_path, "calibrate", 2)
    assert [plate.usable.shape for plate in plates] == [(5, 6), (5, 6)]
    assert plates[0].true_density.shape == (30, 2)
    assert plates[0].reading.density.shape == plates[0].tilt.shape == (30, 2)
    assert len(list(tmp_path.iterdir())) == 2
    monkeypatch.setattr(map_plates, "look_everywhere", None)
    again = read_plates(shipped, tmp_path, "calibrate", 2)
    np.testing.assert_array_equal(again[1].evidence.density, plates[1].evidence.density)


def test_the_truth_of_a_cell_is_that_of_its_window():
    plate, picture = drawn_plate("test", 0, (3.0, 2.5))
    corners, truth = cell_corners(plate), true_cells(plate, picture)
    assert len(corners) == len(truth.density) == 30
    x, y = corners[14]
    window = picture.vertical_density[y : y + 200, x : x + 200]
    if truth.cloth[14] >= ONE_CLOTH:
        assert truth.density[14, 0] == pytest.approx(np.nanmean(window), rel=1e-3)
    assert np.isnan(truth.density[truth.cloth < ONE_CLOTH]).all()


def test_no_plate_is_in_two_splits():
    assert len(set(map_plates.SEEDS.values())) == len(map_plates.SEEDS)
