from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dl4art.regression.estimate import ThreadEstimate
from dl4art.siamese.looks import AGREE, FACTORS, agree, doubled_densities, join_looks
from dl4art.siamese.similarity import evidence

DENSITIES = arrays(np.float64, st.tuples(st.integers(0, 6), st.just(2)), elements=st.floats(3, 40))


class Paired:
    """Finds by the mean grey, vertical threads and 13 the other way."""

    name = "paired"

    def predict(self, pictures, *, px_per_cm):
        return [ThreadEstimate("ok", float(picture.mean()), 13.0) for picture in pictures]


@given(DENSITIES, DENSITIES)
def test_densities_agree_straight_or_turned_whichever_comes_first(first, second):
    found = agree(first, second)
    assert found.shape == (len(first), len(second))
    np.testing.assert_array_equal(found, agree(second, first).T)
    np.testing.assert_array_equal(found, agree(first[:, ::-1], second))
    assert agree(first, first).diagonal().all()


def test_what_is_not_there_agrees_with_nothing():
    assert agree(np.array([[10.0, 10], [np.nan, 10]]), np.array([[10.5, 10]])).tolist() == [[True], [False]]
    assert not agree(np.array([[10.0, 10]]), np.array([[10 * np.exp(AGREE + 0.01), 10]])).any()


def test_each_count_may_be_half_of_what_it_should_be():
    guessed = np.array([[[8.0, 12.0], [9.0, 13.0]], [[8.0, 30.0], [7.0, 7.0]]])
    found = doubled_densities(guessed, np.array([False, True]))
    np.testing.assert_array_equal(found[0], [[16, 12], [8, 24], [np.nan] * 2, [np.nan] * 2])
    # there is no cloth of 60 threads per cm
    np.testing.assert_array_equal(found[1], [[16, 30], [np.nan] * 2, [14, 7], [7, 14]])


@pytest.fixture
def crops(plate):
    """Crops of one cloth, the first and second of which are counted at half their vertical density."""
    size = {"size_cm": (1.5, 1.5), "px_per_cm": 200.0, "vertical": 18.0, "horizontal": 13.0}
    return np.stack([plate(seed, mean=mean, **size).sample() for seed, mean in enumerate((9.0, 9.2, 18.0, 18.3))])


def test_crops_are_looked_at_by_twice_a_density_where_that_makes_them_agree(tiny, crops):
    comparer = replace(tiny, counter=Paired())
    looks = comparer.look(crops)
    assert np.isnan(looks.doubled).all()
    seen = comparer.double(looks, crops, looks.density)
    assert np.isfinite(seen.doubled).all(axis=(2, 3)).tolist() == [[True, False, False, False]] * 2 + [[False] * 4] * 2
    expected = comparer.embed(crops[:2], density=looks.density[:2] * np.array(FACTORS[0]))
    np.testing.assert_allclose(seen.doubled[:2, 0], expected, atol=1e-4)


def test_pairs_are_scored_by_the_doubled_density_if_they_agree_better_so(tiny, crops):
    comparer = replace(tiny, counter=Paired())
    plain, true = comparer.embed(crops), comparer.embed(crops[:2], density=[(18.0, 13.0), (18.4, 13.0)])
    half = comparer.pair_scores(plain[:2], plain[2:]).logits
    whole = comparer.pair_scores(true, plain[2:]).logits
    expected = 1 / (1 + np.exp(-np.maximum(half, whole)))
    assert (whole > half + 0.01).any()
    found = comparer.score_pairs(crops[:2], crops[2:])
    np.testing.assert_allclose(found, expected, atol=1e-3)
    np.testing.assert_allclose(comparer.score_pairs(crops[2:], crops[:2]), found.T, atol=1e-6)
    # what else is in the lists changes nothing
    np.testing.assert_allclose(comparer.score_pairs(crops, crops)[:2, 2:], found, atol=1e-4)
    # those that agree as they are stay as they are
    alike = comparer.score_pairs(crops[:1], crops[1:2])
    np.testing.assert_allclose(alike, 1 / (1 + np.exp(-comparer.pair_scores(plain[:1], plain[1:2]).logits)), atol=1e-3)


def test_what_doubling_is_worth_is_added_where_it_is_doubled_and_nowhere_else(tiny, crops):
    sure = replace(tiny, counter=Paired(), calibration=replace(tiny.calibration, doubled_odds=40.0))
    scores = sure.score_pairs(crops, crops)
    half = np.array([True, True, False, False])
    assert (scores[half[:, None] != half] > 1 - 1e-6).all()
    assert (scores[half[:, None] == half] < 0.999).all()
    never = replace(tiny, counter=Paired(), calibration=replace(tiny.calibration, doubled_odds=-40.0))
    plain = tiny.pair_scores(tiny.embed(crops, density=never.look(crops).density), never.look(crops).views[0]).logits
    np.testing.assert_allclose(never.score_pairs(crops, crops), 1 / (1 + np.exp(-plain)), atol=1e-3)


def test_looks_are_parted_and_joined(tiny, crops):
    comparer = replace(tiny, counter=Paired())
    looks = comparer.look(crops)
    whole = comparer.double(looks, crops, looks.density)
    again = join_looks([whole[:1], whole[1:]])
    for name in ("guessed", "spectra", "doubtful", "doubled"):
        np.testing.assert_array_equal(getattr(again, name), getattr(whole, name))
    for one, other in zip(again.views, whole.views, strict=True):
        np.testing.assert_array_equal(one, other)


def test_canvases_are_compared_by_the_doubled_density_if_they_are_more_alike_so(tiny, plate):
    size = {"size_cm": (4.5, 4.5), "px_per_cm": 200.0, "vertical": 18.0, "horizontal": 13.0}
    comparer = replace(tiny, counter=Paired())
    half, whole, other = (
        comparer.encode(plate(seed, mean=mean, **size), crops=8) for seed, mean in enumerate((9.0, 18.0, 12.0))
    )
    doubled = comparer.embed(half.pixels, density=half.counted[:, 0] * np.array(FACTORS[0]))
    ways = [(half.vectors, whole.vectors), (doubled, whole.vectors)]
    as_counted, expected = (evidence(comparer.pair_scores(*way)) for way in ways)
    assert expected > as_counted + 0.01
    for one, two in ((half, whole), (whole, half)):
        assert evidence(comparer.pair_scores(*comparer.meant(one, two))) == pytest.approx(expected, abs=1e-4)
    result = comparer.compare_encoded(half, whole)
    assert result.verdict == "undecided"
    assert "taken two threads for one" in result.warnings[0]
    assert result.similarity == pytest.approx(float(comparer.calibration.similarity(expected)), abs=1e-4)
    # without the crops, or with other densities, there is nothing to look at anew
    for one, two in ((replace(half, pixels=None), whole), (half, other)):
        assert [*map(id, comparer.meant(one, two))] == [id(one.vectors), id(two.vectors)]
