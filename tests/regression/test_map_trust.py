from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from dl4art.regression.combined import Evidence
from dl4art.regression.counter import Readings
from dl4art.regression.map_trust import MapCalibration, ReadMap, _known, fit_map, neighbourhood

SHAPE = (12, 15)


def fields(density=12.0, tilt=0.0, quality=0.9):
    full = (*SHAPE, 2)
    return np.full(full, np.log(density)), np.full(full, tilt), np.full(full, quality)


def test_cells_that_read_the_same_agree():
    about = neighbourhood(*fields(), np.ones(SHAPE, bool), 0.5)
    assert about.shape == (*SHAPE, 2, 3)
    assert about[6, 7, 0, 0] > 0.95
    np.testing.assert_allclose(about[..., 1], np.log(0.01))
    np.testing.assert_allclose(about[..., 2], np.log(0.3))


def test_one_that_reads_double_is_alone_and_hardly_shakes_the_others():
    density, tilt, quality = fields()
    density[6, 7, 0] = np.log(24.0)
    tilt[6, 7, 0] = 8.0
    about = neighbourhood(density, tilt, quality, np.ones(SHAPE, bool), 0.5)
    assert about[6, 7, 0, 0] < 0.1
    assert about[6, 7, 0, 1] > np.log(0.5)
    assert about[6, 7, 0, 2] == pytest.approx(np.log(8.3))
    assert about[6, 7, 1, 0] > 0.95
    assert about[6, 8, 0, 0] > 0.9


def test_cells_that_cannot_be_used_say_nothing_and_none_is_half_a_yes():
    density, tilt, quality = fields()
    density[:, 8:] = np.log(20.0)
    usable = np.ones(SHAPE, bool)
    usable[:, 8:] = False
    about = neighbourhood(density, tilt, quality, usable, 0.5)
    assert about[6, 7, 0, 0] > 0.9
    nobody = neighbourhood(density, tilt, quality, np.zeros(SHAPE, bool), 0.5)
    np.testing.assert_allclose(nobody[..., 0], 0.5)
    np.testing.assert_allclose(nobody[..., 1], np.log(0.01))


def test_neighbours_are_as_far_apart_on_a_finer_grid(rng):
    density, tilt, quality = fields()
    density += rng.normal(0, 0.05, density.shape)
    coarse = neighbourhood(density, tilt, quality, np.ones(SHAPE, bool), 0.5)
    fine = [np.repeat(np.repeat(part, 2, axis=0), 2, axis=1) for part in (density, tilt, quality)]
    found = neighbourhood(*fine, np.ones((24, 30), bool), 0.25)
    np.testing.assert_allclose(found[::2, ::2], coarse)


def test_many_cells_are_judged_in_bands(rng, monkeypatch):
    density, tilt, quality = fields()
    density += rng.normal(0, 0.05, density.shape)
    tilt += rng.normal(0, 1, tilt.shape)
    usable = rng.random(SHAPE) < 0.9
    at_once = neighbourhood(density, tilt, quality, usable, 0.5)
    monkeypatch.setattr("dl4art.regression.map_trust._AT_ONCE", 35)
    np.testing.assert_array_equal(neighbourhood(density, tilt, quality, usable, 0.5), at_once)


def read_map(rng, wrong=0.3):
    """A map in which a share of the cells reads nonsense, with little quality and the network in doubt."""
    count = SHAPE[0] * SHAPE[1]
    true = np.full((count, 2), 12.0)
    bad = rng.random((count, 2)) < wrong
    density = np.where(bad, rng.uniform(7, 20, (count, 2)), true * (1 + rng.normal(0, 0.01, (count, 2)))).astype("f4")
    doubt = np.where(bad, -2.0, -4.0) + rng.normal(0, 0.5, (count, 2))
    reading = Readings(density, doubt.astype("f4"), 0 * density, 0 * density + 2)
    quality = np.clip(np.where(bad, 0.4, 0.9) + rng.normal(0, 0.15, (count, 2)), 0, 1).astype("f4")
    evidence = Evidence.of_cells(density, quality, np.zeros(count, "f4"), np.zeros(count, "f4"))
    return ReadMap(reading, evidence, 0 * density, np.ones(SHAPE, bool), 0.5, true), bad


def test_a_fitted_map_shows_what_is_right_and_its_intervals_cover(rng):
    plates = [read_map(rng)[0] for _ in range(6)]
    fitted = fit_map(plates)
    assert MapCalibration.from_dict(json.loads(json.dumps(fitted.to_dict()))) == fitted
    fresh, bad = read_map(rng)
    known = _known(fresh, fitted)
    shown = fitted.shown(known)
    assert shown[~bad.any(axis=1)].mean() > 0.9
    assert shown[bad.any(axis=1)].mean() < 0.1
    error = np.abs(fresh.reading.density / fresh.true_density - 1)[shown]
    assert 0.88 < (error <= fitted.half_width(known)[shown]).mean() <= 1


def test_where_there_is_no_cloth_nothing_is_right(rng):
    plates = []
    for _ in range(4):
        plate, _ = read_map(rng, wrong=0.0)
        # half of the plate is no cloth, and reads as if it were, with little quality
        none = np.arange(len(plate.true_density)) % SHAPE[1] >= 8
        truth = np.where(none[:, None], np.nan, plate.true_density)
        quality = np.where(none[:, None], 0.1, plate.evidence.quality).astype("f4")
        plates.append(replace(plate, true_density=truth, evidence=replace(plate.evidence, quality=quality)))
    fitted = fit_map(plates)
    shown = fitted.shown(_known(plates[0], fitted))
    none = np.isnan(plates[0].true_density).any(axis=1)
    assert shown[none].mean() < 0.05
    assert shown[~none].mean() > 0.9


def test_nothing_that_is_right_is_no_crash(rng):
    plate, _ = read_map(rng)
    fitted = fit_map([replace(plate, true_density=np.full_like(plate.true_density, np.nan))])
    assert np.isfinite(fitted.trust).all()


@pytest.mark.parametrize("broken", [{}, {"trust": "much"}, {"widths": None}])
def test_what_is_no_calibration_is_refused(rng, broken):
    values = fit_map([read_map(rng)[0]]).to_dict()
    with pytest.raises((KeyError, TypeError, ValueError)):
        MapCalibration.from_dict({**values, **broken} if broken else {})
