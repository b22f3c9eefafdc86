import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dl4art.siamese.similarity import PairScores, best_of, content_seed, either, evidence, interval, resampled_evidence


def scores(rng, shape=(12, 9), straight=0.0, turned=0.0):
    return PairScores(rng.normal(straight, 1, shape), rng.normal(turned, 1, shape))


@given(st.floats(-50, 50), st.floats(-50, 50))
def test_either_alignment_lies_between_the_better_and_half_of_it(straight, turned):
    joined = either(straight, turned)
    assert max(straight, turned) - np.log(2) - 1e-9 <= joined <= max(straight, turned) + 1e-9
    assert joined == either(turned, straight)


def test_equal_scores_are_their_own_evidence():
    same = PairScores(np.full((3, 4), 1.5), np.full((3, 4), 1.5))
    assert evidence(same) == pytest.approx(1.5)
    np.testing.assert_allclose(same.logits, 1.5)


def test_the_alignment_is_common_to_all_pairs(rng):
    # each pair for itself may turn as it likes, and looks better than the canvases are
    mixed = np.where(rng.random((20, 20)) < 0.5, 4.0, -4.0)
    found = PairScores(mixed, -mixed)
    assert found.logits.mean() > 3
    assert evidence(found) < 1


def test_the_best_of_several_scores_is_taken_pair_by_pair_with_both_its_alignments(rng):
    tables = [scores(rng), scores(rng), scores(rng)]
    best = best_of(iter(tables))
    np.testing.assert_array_equal(best.logits, np.max([table.logits for table in tables], axis=0))
    chosen = np.argmax([table.logits for table in tables], axis=0)
    for way in ("straight", "turned"):
        found = np.take_along_axis(np.stack([getattr(table, way) for table in tables]), chosen[None], axis=0)[0]
        np.testing.assert_array_equal(getattr(best, way), found)
    nothing = PairScores(*np.full((2, 12, 9), -np.inf))
    np.testing.assert_array_equal(best_of([tables[0], nothing]).straight, tables[0].straight)
    np.testing.assert_array_equal(best.T.turned, best.turned.T)


def test_the_interval_holds_the_evidence_and_narrows_with_crops(rng):
    few, many = scores(rng, (8, 8), 2.0, -5.0), scores(rng, (40, 40), 2.0, -5.0)
    widths = []
    for found in (few, many):
        low, high = interval(found, (1, 2))
        assert low < evidence(found) < high
        widths.append(high - low)
    assert widths[1] < 0.5 * widths[0]


def test_the_interval_is_that_of_the_mean_over_crops(rng):
    # all that differs is the crop of the first canvas: the classical standard error of a mean
    values = rng.normal(0, 1, 30)
    table = np.repeat(values[:, None], 20, axis=1)
    drawn = resampled_evidence(PairScores(table, np.full_like(table, -60.0)), (5, 6), draws=8000)
    assert drawn.std() == pytest.approx(values.std() / np.sqrt(30), rel=0.03)
    assert drawn.mean() == pytest.approx(values.mean() - np.log(2), abs=0.01)


def test_swapped_canvases_draw_the_same(rng):
    found = scores(rng)
    swapped = PairScores(found.straight.T, found.turned.T)
    np.testing.assert_allclose(
        resampled_evidence(found, (11, 12)), resampled_evidence(swapped, (12, 11)), rtol=0, atol=1e-12
    )
    assert evidence(found) == pytest.approx(evidence(swapped), abs=1e-12)


def test_seeds_decide(rng):
    found = scores(rng)
    assert interval(found, (1, 2)) == interval(found, (1, 2))
    assert interval(found, (1, 2)) != interval(found, (1, 3))


def test_a_content_seed_knows_the_content_and_the_seed(rng):
    crops = rng.random((3, 8, 8))
    assert content_seed(crops, 0) == content_seed(crops.copy(), 0)
    assert (
        len({content_seed(crops, 0), content_seed(crops, 1), content_seed(crops, -1), content_seed(crops + 1, 0)}) == 4
    )
