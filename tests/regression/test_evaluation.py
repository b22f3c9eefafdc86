from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dl4art.regression.estimate import ThreadEstimate
from dl4art.regression.evaluation import coverage, nmae, relative_errors, score, share_within
from dl4art.utils.errors import InputError

densities = st.lists(st.floats(4, 30), min_size=1, max_size=20)


def estimate(vertical, horizontal, margin=0.5):
    return ThreadEstimate(
        "ok", vertical, horizontal, vertical - margin, vertical + margin, horizontal - margin, horizontal + margin
    )


@given(densities, st.floats(0.5, 2))
def test_nmae_is_the_constant_share(truth, factor):
    assert nmae(np.array(truth) * factor, truth) == pytest.approx(abs(factor - 1), abs=1e-12)


@given(densities, st.floats(0.1, 3))
def test_shares_depend_on_the_error_alone(truth, error):
    found = np.array(truth) + error
    assert share_within(found, truth, error + 1e-6) == 1
    assert share_within(found, truth, error - 1e-6) == 0


def test_tolerances_count_the_border_as_within():
    assert share_within([10.5, 9.5, 11.0], [10, 10, 10], 0.5) == pytest.approx(2 / 3)
    assert share_within([10.5, 9.5, 11.0], [10, 10, 10], 0.05, relative=True) == pytest.approx(2 / 3)
    assert share_within([21.0, 21.0], [20, 20], 0.05, relative=True) == 1


def test_coverage_counts_intervals_that_hold_the_truth():
    assert coverage([1, 1, 3], [2, 2, 4], [1.5, 2.5, 3]) == pytest.approx(2 / 3)


def test_nothing_has_no_score():
    assert all(math.isnan(f([], [])) for f in (nmae, lambda a, b: share_within(a, b, 1.0)))


def test_shapes_must_agree():
    with pytest.raises(InputError, match="shape"):
        relative_errors([1, 2], [1])
    with pytest.raises(InputError, match="1 estimates"):
        score([estimate(1, 1)], [])


def test_scores_of_a_small_set():
    found = [estimate(10.2, 20.0), estimate(12.0, 11.0), ThreadEstimate("no-estimate"), ThreadEstimate("no-estimate")]
    scores = score(found, [(10.0, 20.0), (10.0, 11.0), (9.0, 9.0), None])
    assert (scores.cases, scores.answered, scores.refused, scores.unreadable) == (3, 2, 1, 1)
    assert scores.nmae == pytest.approx((0.02 + 0.2) / 4)
    assert scores.median_error == pytest.approx(0.01)
    assert scores.worst_error == pytest.approx(0.2)
    assert scores.within_5_percent == pytest.approx(1 / 3)
    assert (scores.within_half, scores.within_one) == (0.75, 0.75)
    assert scores.coverage == 0.75
    assert scores.to_dict()["cases"] == 3


def test_estimates_without_intervals_have_no_coverage():
    scores = score([ThreadEstimate("ok", 10.0, 10.0)], [(10.0, 10.0)])
    assert math.isnan(scores.coverage)
    assert scores.within_5_percent == 1
