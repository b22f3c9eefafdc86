from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from dl4art.regression.calibration import (
    Calibration,
    fit_doubt,
    flag_threshold,
    interval_curve,
    legible_threshold,
    refusal_threshold,
)

EXAMPLE = Calibration(
    network=((-5.0, -2.0), (0.01, 0.2)),
    combined=((-6.0, -2.0), (0.005, 0.2)),
    network_limit=-2.0,
    combined_limit=-2.5,
    readable=-1.0,
    other_weave=2.0,
    spectral_share=1.0,
    agreement=0.04,
    doubt=(0.1, 0.5, 0.5, -0.2),
)


def test_survives_json():
    assert Calibration.from_dict(json.loads(json.dumps(EXAMPLE.to_dict()))) == EXAMPLE


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Calibration)])
def test_a_missing_value_is_noticed(name):
    values = EXAMPLE.to_dict()
    del values[name]
    with pytest.raises(KeyError, match=name):
        Calibration.from_dict(values)


def test_half_width_rises_with_doubt_and_stops_at_the_ends():
    widths = EXAMPLE.half_width(np.array([-9.0, -5.0, -3.0, -2.0, 4.0]), combined=False)
    assert widths == pytest.approx([0.01, 0.01, widths[2], 0.2, 0.2], rel=1e-4)
    assert 0.01 < widths[2] < 0.2


def test_intervals_cover_what_they_promise(rng):
    log_error = rng.uniform(-6, -2, 8000)
    error = np.abs(rng.laplace(size=8000)) * np.exp(log_error)
    curve = interval_curve(log_error[:4000], error[:4000])
    calibration = dataclasses.replace(EXAMPLE, network=curve)
    covered = error[4000:] <= calibration.half_width(log_error[4000:], combined=False)
    assert 0.93 < covered.mean() < 0.97
    # and not only on average: in the surest and in the least sure half too
    sure = log_error[4000:] < -4
    assert 0.91 < covered[sure].mean() < 0.99
    assert 0.91 < covered[~sure].mean() < 0.99


def test_refusal_keeps_the_share_of_wrong_answers_down(rng):
    log_error = rng.uniform(-6, 0, 5000)
    error = np.abs(rng.laplace(size=5000)) * np.exp(log_error)
    limit = refusal_threshold(log_error, error, wrong=0.05, share=0.01)
    kept = log_error <= limit
    assert (error[kept] > 0.05).mean() <= 0.01
    assert 0.2 < kept.mean() < 0.9


def test_doubt_learns_what_disagreement_means(rng):
    log_error, apart, quality = rng.uniform(-5, -3, 3000), rng.uniform(0, 0.05, 3000), rng.uniform(0, 1, 3000)
    error = apart * rng.uniform(0.8, 1.2, 3000)
    calibration = dataclasses.replace(EXAMPLE, doubt=fit_doubt(log_error, apart, quality, error))
    near, far = calibration.expected_log_error(np.array([-4.0, -4.0]), np.array([0.005, 0.05]), np.array([0.5, 0.5]))
    assert far > near + 1


def test_thresholds_keep_the_share_they_are_asked_for(rng):
    logits = rng.normal(size=10000)
    assert (logits > flag_threshold(logits, 0.02)).mean() == pytest.approx(0.02, abs=0.001)
    assert (logits < legible_threshold(logits, 0.02)).mean() == pytest.approx(0.02, abs=0.001)
