import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dl4art.siamese.calibration import (
    UNCALIBRATED,
    WEIGHTIEST,
    Calibration,
    Densities,
    bolt_limit,
    bolts_apart,
    calibration_error,
    conformal,
    fit_slope,
    fit_spectra,
    quantiles,
    reliability,
    tail_limit,
    verdict_limits,
)

ANY = replace(UNCALIBRATED, slope=2.0, intercept=-1.0, unlike=0.2, compatible=0.8, bolt=1.5)


def cloth(vertical, horizontal, half=0.0):
    return Densities(vertical, horizontal, 0.0, 0.0, half, half)


def test_it_survives_json():
    assert Calibration.from_dict(json.loads(json.dumps(ANY.to_dict()))) == ANY


@pytest.mark.parametrize("broken", [{"slope": None}, {"same": "much"}, {"slope": "steep"}])
def test_what_is_no_calibration_is_refused(broken):
    with pytest.raises((KeyError, TypeError, ValueError)):
        Calibration.from_dict(ANY.to_dict() | broken)
    with pytest.raises(KeyError):
        Calibration.from_dict({"slope": 1.0})


def test_similarity_is_a_logistic_and_never_overflows():
    found = ANY.similarity([-1e6, -1.0, 0.5, 1e6])
    np.testing.assert_allclose(found, [0.0, 1 / (1 + np.exp(3)), 0.5, 1.0])


@pytest.mark.parametrize(
    ("low", "high", "apart", "verdict"),
    [
        (0.85, 0.95, 0.0, "compatible"),
        (0.81, 0.95, 1.5, "compatible"),
        (0.80, 0.95, 0.0, "undecided"),
        (0.10, 0.20, 0.0, "undecided"),
        (0.05, 0.19, 0.0, "unlike"),
        (0.85, 0.95, 1.6, "excluded"),
        (0.05, 0.19, 1.6, "excluded"),
    ],
)
def test_verdicts(low, high, apart, verdict):
    assert ANY.verdict(low, high, apart) == verdict


def test_too_few_crops_leave_it_open():
    known = replace(ANY, crops=20)
    assert [known.verdict(0.05, 0.19, 0.0, crops=crops) for crops in (9, 10)] == ["undecided", "unlike"]
    assert [known.verdict(0.85, 0.95, 0.0, crops=crops) for crops in (9, 10)] == ["undecided", "compatible"]
    assert known.verdict(0.05, 0.19, 1.6, crops=4) == "excluded"


def test_uncalibrated_it_decides_nothing():
    assert {UNCALIBRATED.verdict(end, end, 0.9) for end in (0.0, 0.5, 1.0)} == {"undecided"}


def test_ranks_are_shares_of_the_known():
    known = replace(ANY, same=quantiles(np.linspace(0.5, 1.0, 1001)), different=quantiles(np.linspace(0, 0.6, 1001)))
    assert known.ranks(0.55) == pytest.approx((0.1, 1 - 0.55 / 0.6), abs=0.005)
    assert known.ranks(0.1) == pytest.approx((0.0, 1 - 0.1 / 0.6), abs=0.005)
    assert known.ranks(1.0) == (1.0, 0.0)


@given(st.floats(0, 1), st.floats(0, 1))
def test_ranks_rise_and_fall_with_similarity(first, second):
    known = replace(ANY, same=quantiles([0.2, 0.2, 0.9]), different=quantiles([0.0, 0.5, 0.5]))
    low, high = sorted((first, second))
    assert known.ranks(low)[0] <= known.ranks(high)[0]
    assert known.ranks(low)[1] >= known.ranks(high)[1]


def test_densities_of_crops():
    found = Densities.of([(10, 20), (12, 20), (14, 20)], [(0.3, 0.5), (0.3, 0.5), (0.6, 0.5)])
    assert (found.vertical, found.vertical_sd, found.horizontal, found.horizontal_sd) == (12.0, 2.0, 20.0, 0.0)
    assert found.vertical_half == pytest.approx(np.hypot(0.4, 1.96 * 2 / np.sqrt(3)))
    assert found.horizontal_half == 0.5
    assert Densities.of([(10, 20)]) == Densities(10.0, 20.0, 0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("b", "apart"),
    [
        (cloth(12.0, 15.0), 0.0),
        (cloth(12.2, 15.9), 0.9),  # within tenths and within one
        (cloth(12.9, 15.2), 0.9),  # whichever is the warp
        (cloth(12.6, 15.6), 2.0),  # but one of them must be within tenths
        (cloth(12.0, 18.0), 3.0),
        (cloth(15.0, 12.0), 0.0),  # turned by a quarter
        (cloth(15.0, 14.0), 2.0),
    ],
)
def test_how_far_densities_are_apart(b, apart):
    a = cloth(12.0, 15.0)
    assert bolts_apart(a, b) == pytest.approx(apart)
    assert bolts_apart(b, a) == bolts_apart(a, b)


def test_what_the_means_are_unsure_of_is_taken_off():
    a = cloth(12.0, 15.0, half=0.3)
    assert bolts_apart(a, cloth(12.0, 17.0, half=0.4)) == pytest.approx(2.0 - 0.5)
    assert bolts_apart(a, cloth(12.4, 15.4, half=0.4)) == 0.0


@pytest.mark.parametrize(
    ("b", "doubled"),
    [
        (cloth(6.0, 15.0), 0.0),  # every second thread was counted here
        (cloth(24.2, 15.0), 0.2),  # or there
        (cloth(15.0, 24.0), 0.0),  # turned by a quarter
        (cloth(6.0, 7.5), 0.0),
        (cloth(18.0, 15.0), 6.0),  # but not two of three
    ],
)
def test_a_density_may_be_half_of_the_other(b, doubled):
    a = cloth(12.0, 15.0)
    assert bolts_apart(a, b) > 3
    assert bolts_apart(a, b, doubled=True) == pytest.approx(doubled)
    assert bolts_apart(b, a, doubled=True) == bolts_apart(a, b, doubled=True)


def test_where_a_count_may_be_wrong_nothing_is_excluded():
    assert ANY.verdict(0.85, 0.95, 9.0, doubled=0.9) == "undecided"
    assert ANY.verdict(0.05, 0.10, 9.0, doubled=0.9) == "undecided"
    assert ANY.verdict(0.05, 0.10, 9.0, doubled=1.1) == "excluded"
    assert ANY.verdict(0.05, 0.10, 0.5, doubled=0.5) == "unlike"


def test_the_limit_of_a_bolt_comes_from_what_was_counted_and_what_was_drawn():
    calm, wild = np.linspace(0, 0.5, 300), np.linspace(0, 3, 1001)
    assert bolt_limit(calm, calm) == 1.0
    assert 2.95 < bolt_limit(calm, wild) < 4
    assert bolt_limit(wild, calm) == bolt_limit(calm, wild)


def test_the_slope_of_two_normal_kinds_is_the_known_one(rng):
    # equal spreads s and means +-m: log odds are 2 m x / s^2
    same, different = rng.normal(1.0, 1.0, 4000), rng.normal(-1.0, 1.0, 4000)
    slope, intercept = fit_slope(same, different)
    assert slope == pytest.approx(2.0, rel=0.1)
    assert intercept == pytest.approx(0.0, abs=0.15)


def test_a_network_that_has_learnt_nothing_gets_no_slope(rng):
    slope, intercept = fit_slope(rng.normal(-1, 1, 100), rng.normal(1, 1, 100))
    assert 0 < slope < 1e-3
    assert intercept == 0.0


def test_kinds_that_are_wholly_apart_still_have_a_slope():
    slope, _ = fit_slope(np.linspace(5, 6, 50), np.linspace(-6, -5, 50))
    assert 0.2 < slope < 10


def test_limits_keep_what_they_promise(rng):
    same, different = rng.beta(4, 2, 2000), rng.beta(2, 4, 2000)
    unlike, compatible = verdict_limits(same, different, missed=0.005, passed=0.04)
    assert unlike < compatible
    assert (same < unlike).mean() <= 0.005
    assert (different > compatible).mean() <= 0.04
    fresh_same, fresh_different = rng.beta(4, 2, 50000), rng.beta(2, 4, 50000)
    assert (fresh_same < unlike).mean() < 0.01
    assert (fresh_different > compatible).mean() < 0.05


def test_limits_meet_where_there_is_room():
    assert verdict_limits(np.linspace(0.8, 1, 300), np.linspace(0, 0.4, 300)) == pytest.approx((0.6, 0.6), abs=0.02)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.floats(0.01, 0.5))
def test_a_conformal_limit_leaves_no_more_than_its_share_beyond(values, share):
    low, high = conformal(values, share, lower=True), conformal(values, share, lower=False)
    assert np.mean(np.array(values) < low) <= share
    assert np.mean(np.array(values) > high) <= share


@given(st.lists(st.floats(0, 1), min_size=1, max_size=60), st.floats(0.001, 0.1))
def test_a_tail_limit_is_no_nearer(values, share):
    for lower in (True, False):
        near, far = conformal(values, share, lower=lower), tail_limit(values, share, lower=lower)
        assert far <= near if lower else far >= near


def test_a_tail_limit_sees_beyond_the_values(rng):
    # of an exponential tail it knows the quantile that a hundred values do not reach
    found = [tail_limit(rng.exponential(1, 200), 0.002, lower=False) for _ in range(200)]
    assert np.mean(found) == pytest.approx(np.log(1 / 0.002), rel=0.1)
    assert tail_limit([-value for value in range(50)], 0.003, lower=True) == -tail_limit(range(50), 0.003, lower=False)


def test_the_bolt_is_never_narrower_than_the_rule_of_thumb():
    assert bolt_limit(np.linspace(0, 0.4, 100), [0.1]) == 1.0
    assert 2.97 <= bolt_limit(np.linspace(0, 3, 1001), [0.1], share=0.01) < 3.1


def test_spectra_are_weighed_against_log_odds(rng):
    odds, cosine = rng.normal(0, 2, 4000), rng.uniform(0, 1, 4000)
    same = rng.random(4000) < 1 / (1 + np.exp(-(odds + 5 * (cosine - 0.4))))
    values = np.stack([odds, cosine], axis=-1)
    other = values[~same]
    weight, middle = fit_spectra(values[same], other[::2], other[1::2])
    assert weight == pytest.approx(5, abs=0.6)
    assert middle == pytest.approx(0.4, abs=0.08)


def test_spectra_that_say_nothing_or_too_little_count_for_nothing(rng):
    values = np.stack([rng.normal(0, 1, 100), np.zeros(100)], axis=-1)
    few = values[:5]
    assert fit_spectra(values, few, values) == (0.0, 0.0)
    opposite = values + np.array([0.0, 1.0])
    assert fit_spectra(values + np.array([1.0, 0.0]), opposite, opposite) == (0.0, 0.0)


@given(st.floats(0, 1))
def test_likelihood_ratios_turn_over_with_the_similarity_and_stay_in_bounds(similarity):
    ratio, other = (UNCALIBRATED.likelihood_ratio(value) for value in (similarity, 1 - similarity))
    assert 1 / WEIGHTIEST <= ratio <= WEIGHTIEST
    assert ratio * other == pytest.approx(1, rel=1e-6)
    assert UNCALIBRATED.likelihood_ratio(0.9) == pytest.approx(9)


def test_a_similarity_that_is_a_probability_has_no_calibration_error(rng):
    similarity = rng.uniform(size=20_000)
    same = rng.random(20_000) < similarity
    assert calibration_error(reliability(similarity, same)) < 0.02
    # too sure of itself
    assert calibration_error(reliability(np.round(similarity), same)) == pytest.approx(0.25, abs=0.02)


def test_in_reliability_both_kinds_weigh_as_much(rng):
    (low, high) = reliability([0.05] * 900 + [0.95] * 10, [False] * 900 + [True] * 10)
    assert low == pytest.approx((0.5, 0.05, 0.0))
    assert high == pytest.approx((0.5, 0.95, 1.0))


def test_a_calibration_of_an_earlier_version_knows_no_scores_of_pairs():
    values = ANY.to_dict()
    del values["pair_same"], values["pair_different"]
    assert Calibration.from_dict(values) == ANY
    known = replace(ANY, pair_same=(-1.0, 2.0), pair_different=(-3.0, 0.5))
    assert Calibration.from_dict(json.loads(json.dumps(known.to_dict()))) == known
