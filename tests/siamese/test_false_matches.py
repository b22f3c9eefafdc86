import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dl4art.siamese.false_matches import KEY, expected_matches, matches_of_tests
from dl4art.utils.models import find_model


@given(st.integers(1, 500), st.integers(0, 500), st.integers(0, 10**6), st.integers(0, 10**6))
def test_what_to_expect_lies_below_its_upper_end(tested, wrong, pairs, left_open):
    counts = {"any": [min(wrong, tested), tested], "like": [min(wrong, tested), tested]}
    found = expected_matches({KEY: counts}, pairs, left_open)
    assert 0 <= found.of_any_densities <= found.of_any_densities_high <= pairs
    assert 0 <= found.of_like_densities <= found.of_like_densities_high <= left_open


def test_it_is_the_share_of_strangers_times_the_pairs():
    found = expected_matches({KEY: {"any": [1, 1000], "like": [50, 1000]}}, 19900, 2000)
    assert (found.of_any_densities, found.of_like_densities) == pytest.approx((19.9, 100.0))
    assert found.of_any_densities_high == pytest.approx(19900 * 0.00556, rel=0.01)  # Clopper and Pearson, 1 of 1000
    said = found.in_words()
    assert "20 in 19900 pairs of canvases of any densities (95 %: at most 111)" in said
    assert "100 if all that the densities leave open (2000) are of" in said
    assert found.to_dict()["meaning"] == said


@pytest.mark.parametrize("calibration", [{}, {KEY: {"any": [0, 0], "like": [0, 5]}}])
def test_a_model_that_was_not_tested_does_not_know(calibration):
    found = expected_matches(calibration, 10, 5)
    assert found.of_any_densities is None
    assert "is not known" in found.in_words()


def test_the_shipped_model_knows_what_its_tests_gave():
    calibration = find_model("fabrics", room="siamese").calibration
    results = Path(__file__).parents[2] / "siamese" / "results.json"
    assert calibration[KEY] == matches_of_tests(json.loads(results.read_text("utf-8")))
