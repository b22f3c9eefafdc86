from __future__ import annotations

import numpy as np
import pytest

from dl4art.utils.backend import load_keras

keras = load_keras()
from dl4art.regression import losses  # noqa: E402 (Keras is loaded silently first)


def make(density=10.0, predicted=10.0, readable=1.0, log_error=-3.0, legible=0.0):
    truth = np.concatenate([np.full(losses.LOCAL, density), [density, readable, 0.2]])
    out = np.concatenate([np.full(losses.LOCAL, predicted), [predicted, 0.0, log_error, 0.2, legible]])
    return truth[None].astype(np.float32), out[None].astype(np.float32)


def value(function, *args):
    return float(keras.ops.convert_to_numpy(function(*(keras.ops.convert_to_tensor(a) for a in args))))


def test_nmae_against_a_value_by_hand():
    assert value(losses.nmae, np.float32([10, 20]), np.float32([11, 19])) == pytest.approx((0.1 + 0.05) / 2)


def test_a_larger_error_costs_more():
    costs = [value(losses.window_loss, *make(predicted=p)) for p in (10.0, 10.2, 11.0, 14.0)]
    assert costs == sorted(costs)
    assert costs[-1] > costs[0] + 0.3


def test_an_unreadable_window_costs_its_density_nothing():
    right, wrong = (value(losses.window_loss, *make(readable=0.0, predicted=p, log_error=2.0)) for p in (10.0, 14.0))
    assert wrong - right < 0.01


def test_the_expected_error_is_best_at_the_error():
    errors = np.linspace(-4, 0, 41)
    costs = [value(losses.window_loss, *make(predicted=11.0, log_error=e)) for e in errors]
    assert errors[int(np.argmin(costs))] == pytest.approx(np.log(0.1), abs=0.11)


def test_legibility_is_learnt():
    assert value(losses.window_loss, *make(legible=3.0)) < value(losses.window_loss, *make(legible=-3.0))


def test_metric_counts_readable_windows_only():
    truth, out = (np.concatenate(parts) for parts in zip(make(predicted=11.0), make(20.0, 40.0, 0.3), strict=True))
    assert value(losses.window_nmae, truth, out) == pytest.approx(0.1, abs=1e-5)
