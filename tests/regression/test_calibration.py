from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from dl4art.regression.calibration import (
    Calibration,
    features,
    fit_doubt,
    fit_logit,
    fit_weave,
    flag_threshold,
    interval_curve,
    legible_threshold,
    refusal_limit,
    shortfall,
)
from dl4art.regression.weave import weave_logit
from dl4art.utils.trees import fit_trees

EXAMPLE = Calibration(
    network=((-5.0, -2.0), (0.01, 0.2)),
    combined=((-6.0, -2.0), (0.005, 0.2)),
    network_limit=-2.0,
    combined_limit=-2.5,
    network_readable=-1.0,
    legibility=(0.0, 1.0, -4.0),
    legible=-1.0,
    twill=((-1.0, 2.0), (-1.0, 0.5)),
    other_weave=2.0,
    spectral_share=1.0,
    agreement=0.04,
    doubt=(0.1, 0.5, 0.0, 0.5, -0.2, 0.1),
    choice=fit_trees(np.arange(200.0).reshape(100, 2), np.arange(100) > 50),
)


def test_finer_densities_are_those_beyond_the_range():
    densities = np.array([[10.0, 26.0], [27.0, 8.0], [3.0, 12.0], [30.0, 31.0]])
    assert EXAMPLE.finer(densities).tolist() == [27.0, 30.0, 31.0]


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


def test_refusal_keeps_what_was_promised_and_answers_as_many_as_it_can(rng):
    score = rng.uniform(-9, -2, (5000, 2))
    error = np.abs(rng.laplace(size=(5000, 2))) * np.exp(score)
    density = rng.uniform(5, 26, (5000, 2))
    limit = refusal_limit(score, error, density, mean=0.009, within_half=0.957, within_one=0.985)

    def kept(at):
        use = (score <= at).all(axis=1)
        off = (error * density)[use]
        return error[use].mean(), (off <= 0.5).mean(), (off <= 1).mean()

    mean, half, one = kept(limit)
    assert mean <= 0.009
    assert half >= 0.957
    assert one >= 0.985
    mean, half, one = kept(limit + 0.3)
    assert mean > 0.009 or half < 0.957 or one < 0.985


def test_refusal_that_cannot_keep_its_promise_answers_at_least_half(rng):
    score = rng.normal(size=(400, 2))
    limit = refusal_limit(score, np.full((400, 2), 0.5), np.full((400, 2), 10.0))
    assert 0.5 <= (score <= limit).all(axis=1).mean() <= 1


def test_a_few_large_errors_weigh_more_than_their_mean():
    density = np.full(1000, 10.0)
    even, odd = np.full(1000, 0.008), np.full(1000, 0.005)
    odd[:25] = 0.12
    assert odd.mean() < even.mean()
    assert shortfall(odd, density) > shortfall(even, density) == pytest.approx(0.8)


def test_doubt_learns_what_disagreement_means(rng):
    def evidence(near):
        return features(np.full(len(near), -4.0), np.ones(len(near)), near=near, quality=np.full(len(near), 0.7))

    near = rng.uniform(0, 0.08, 2000)
    doubt = fit_doubt(evidence(near), near * rng.uniform(0.8, 1.2, 2000))
    small, large = evidence(np.array([0.004, 0.06]))
    assert large @ doubt > small @ doubt + 1


def test_an_event_that_never_or_always_happens_needs_no_evidence(rng):
    evidence = np.column_stack([np.ones(20), rng.normal(size=(20, 2))])
    never, always = (fit_logit(evidence, np.full(20, happened)) for happened in (False, True))
    assert (evidence @ never < 0).all()
    assert (evidence @ always > 0).all()
    seen = evidence[:, 2] > 0
    learnt = fit_logit(np.repeat(evidence, 20, axis=0), np.repeat(seen, 20))
    assert ((evidence @ learnt > 0) == seen).mean() > 0.8


def test_either_repeat_in_either_sense_learns_to_stand_out(rng):
    features = rng.normal(size=(800, 2, 2, 3))
    features[..., 0] = 1
    other = np.arange(800) < 400
    # half of them by the first repeat, half by the second, each in one of its senses
    features[np.arange(400), np.arange(400) % 2, rng.integers(2, size=400), 1] += 5
    weights = np.array(fit_weave(features, other))
    assert weights.shape == (2, 3)
    assert (weights[:, 1] > 2 * np.abs(weights[:, 2])).all()
    assert ((weave_logit(features, weights) > 0) == other).mean() > 0.95


@pytest.mark.parametrize("happened", [False, True])
def test_one_kind_of_weave_alone_teaches_only_itself(rng, happened):
    features = rng.normal(size=(9, 2, 2, 3))
    features[..., 0] = 1
    logits = weave_logit(features, fit_weave(features, np.full(9, happened)))
    assert ((logits > 0) == happened).all()


def test_thresholds_keep_the_share_they_are_asked_for(rng):
    logits = rng.normal(size=10000)
    assert (logits > flag_threshold(logits, 0.02)).mean() == pytest.approx(0.02, abs=0.001)
    assert (logits < legible_threshold(logits, 0.02)).mean() == pytest.approx(0.02, abs=0.001)
