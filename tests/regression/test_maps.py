from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from dl4art.cropping import plate_from_array
from dl4art.regression import dense
from dl4art.regression.maps import STATUSES, grid_points, map_threads
from dl4art.simulation.truth import CELL_CM
from dl4art.utils.errors import InputError, ModelError

TONES = (0.0, 255.0)


@pytest.fixture(scope="module")
def everywhere(plate):
    return np.ones([int(np.ceil(side / CELL_CM)) for side in plate.size_cm[::-1]], bool)


@pytest.fixture(scope="module")
def found(plate, shipped, everywhere):
    return map_threads(plate, shipped, usable=everywhere, tones=TONES)


def test_a_map_is_near_the_truth_and_says_how_near(found, drawn):
    truth = drawn[1]
    known = found.status == 0
    assert known.mean() > 0.8
    assert found.density.shape == (7, 9, 2)
    shares, within = [], []
    for axis, name in enumerate(("vertical", "horizontal")):
        density, angle = getattr(truth, f"{name}_density"), getattr(truth, f"{name}_angle")
        for row, y in enumerate(found.y_cm):
            for col, x in enumerate(found.x_cm):
                if not known[row, col]:
                    continue
                # cells of the truth that lie in the window
                top, left = (round((np.clip(c, 0.5, side - 0.5) - 0.5) / CELL_CM) for c, side in ((y, 3.5), (x, 4.5)))
                true = density[top : top + 4, left : left + 4].mean()
                off = abs(found.density[row, col, axis] - true)
                shares.append(off / true)
                within.append(off <= found.half[row, col, axis])
                assert abs(found.angle[row, col, axis] - angle[top : top + 4, left : left + 4].mean()) < 2
    assert np.mean(shares) < 0.02
    assert np.mean(within) > 0.85


def test_tiled_equals_whole(monkeypatch, found, plate, shipped, everywhere):
    monkeypatch.setattr(dense, "TILE", 160)
    tiled = map_threads(plate, shipped, usable=everywhere, tones=TONES)
    np.testing.assert_array_equal(tiled.status, found.status)
    np.testing.assert_allclose(tiled.density, found.density, atol=1e-3)


def test_a_finer_grid_says_the_same_at_the_same_points(found, plate, shipped, everywhere):
    fine = map_threads(plate, shipped, step_cm=0.5 / 3, usable=everywhere, tones=TONES)
    np.testing.assert_allclose(fine.x_cm[1::3][: len(found.x_cm)], found.x_cm)
    same = fine.density[1::3, 1::3]
    np.testing.assert_allclose(same[:7, :9], found.density, atol=1e-2)


def test_what_is_not_usable_is_blank(plate, shipped, everywhere):
    usable = everywhere.copy()
    usable[:, :8] = False
    found = map_threads(plate, shipped, usable=usable, tones=TONES)
    assert (found.status[:, :2] == STATUSES.index("unusable")).all()
    assert np.isnan(found.density[:, :2]).all()
    assert np.isnan(found.angle[:, :2]).all()
    assert (found.status[:, 6:] == 0).mean() > 0.7


def test_what_shows_no_weave_is_blank(drawn, shipped, everywhere, rng):
    pixels = drawn[0].copy()
    pixels[:, 500:] = rng.normal(120, 4, pixels[:, 500:].shape)
    found = map_threads(plate_from_array(pixels, 200.0), shipped, usable=everywhere, tones=TONES)
    assert (found.status[:, 6:] == STATUSES.index("unreadable")).all()
    pixels[:, 500:] = 255
    found = map_threads(plate_from_array(pixels, 200.0), shipped, usable=everywhere, tones=TONES)
    assert (found.status[:, 6:] == STATUSES.index("clipped")).all()


def test_the_negative_has_the_same_map(found, drawn, shipped, everywhere):
    negative = map_threads(plate_from_array(255 - drawn[0], 200.0), shipped, usable=everywhere, tones=TONES)
    np.testing.assert_allclose(negative.density, found.density, atol=1e-2)


def test_points_begin_half_a_step_from_the_corner(plate):
    x, y = grid_points(plate, 0.5)
    np.testing.assert_allclose(x, np.arange(9) / 2 + 0.25)
    np.testing.assert_allclose(y, np.arange(7) / 2 + 0.25)
    assert [len(side) for side in grid_points(plate, 10.0)] == [1, 1]


@pytest.mark.parametrize(("step", "size", "words"), [(0.05, 400, "too fine"), (0.5, 150, "needs 1 x 1 cm")])
def test_what_cannot_be_mapped_is_refused(shipped, step, size, words):
    with pytest.raises(InputError, match=words):
        map_threads(plate_from_array(np.zeros((size, 400)), 200.0), shipped, step_cm=step)


def test_a_model_without_calibration_for_maps_says_so(plate, shipped, everywhere):
    folder = replace(shipped.folder, calibration={k: v for k, v in shipped.folder.calibration.items() if k != "map"})
    with pytest.raises(ModelError, match="calibration for maps"):
        map_threads(plate, replace(shipped, folder=folder), usable=everywhere, tones=TONES)
