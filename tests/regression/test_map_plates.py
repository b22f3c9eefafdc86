from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dl4art.regression import map_plates
from dl4art.regression.map_plates import cell_corners, drawn_plate, read_plates, true_cells

SIZE_CM = (3.0, 2.5)


def test_plates_are_read_once_and_kept(shipped, tmp_path, monkeypatch):
    monkeypatch.setattr(map_plates, "drawn_plate", lambda split, number: drawn_plate(split, number, SIZE_CM))
    plates = read_plates(shipped, tmp_path, "calibrate", 2)
    assert [plate.usable.shape for plate in plates] == [(5, 6), (5, 6)]
    assert plates[0].true_density.shape == (30, 2)
    assert plates[0].reading.density.shape == plates[0].tilt.shape == (30, 2)
    assert len(list(tmp_path.iterdir())) == 2
    monkeypatch.setattr(map_plates, "look_everywhere", None)
    again = read_plates(shipped, tmp_path, "calibrate", 2)
    np.testing.assert_array_equal(again[1].evidence.density, plates[1].evidence.density)


def test_the_truth_of_a_cell_is_that_of_its_window():
    plate, picture = drawn_plate("test", 0, SIZE_CM)
    corners, truth = cell_corners(plate), true_cells(plate, picture)
    assert len(corners) == len(truth.density) == 30
    x, y = corners[14]
    window = picture.vertical_density[y : y + 200, x : x + 200]
    assert truth.density[14, 0] == pytest.approx(window.mean(), rel=1e-3)


def test_a_cell_that_no_one_cloth_fills_has_no_truth():
    plate, picture = drawn_plate("test", 0, SIZE_CM)
    piece = np.zeros(picture.grey.shape, np.int8)
    piece[:, 250:] = 1
    truth = true_cells(plate, replace(picture, piece=piece))
    blank = np.isnan(truth.density).all(axis=1).reshape(5, 6)
    # the windows of the third column reach from 0.75 to 1.75 cm
    assert blank.tolist() == [[False, False, True, False, False, False]] * 5


def test_no_plate_is_in_two_splits():
    assert len(set(map_plates.SEEDS.values())) == len(map_plates.SEEDS)
