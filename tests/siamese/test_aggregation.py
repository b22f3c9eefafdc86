import numpy as np
import pytest

from dl4art.siamese.aggregation import MEAN_VECTORS, WAYS, aggregate, areas
from dl4art.siamese.similarity import PairScores, evidence


@pytest.fixture
def vectors(tiny, rng):
    size = tiny.encoder.output_shape[-1] + 1
    return [rng.normal(size=(count, 2, size)).astype(np.float32) for count in (4, 6)]


def test_each_way_is_symmetric_and_the_first_is_what_a_comparison_does(tiny, vectors):
    first, second = vectors
    found, swapped = aggregate(tiny, first, second), aggregate(tiny, second, first)
    assert found == pytest.approx(swapped, abs=1e-5)
    assert list(found) == [*WAYS, MEAN_VECTORS]
    assert found["mean log odds"] == pytest.approx(evidence(tiny.pair_scores(first, second)))


def test_crops_that_are_all_alike_leave_nothing_to_join(tiny, vectors):
    one, other = (np.repeat(each[:1], 3, axis=0) for each in vectors)
    found = aggregate(tiny, one, other)
    pair = evidence(tiny.pair_scores(one[:1], other[:1]))
    for name in ("mean log odds", "trimmed mean", "median", MEAN_VECTORS):
        assert found[name] == pytest.approx(pair, abs=1e-5)


def test_one_pair_that_is_far_off_moves_only_the_mean():
    straight = np.full((5, 5), 2.0)
    straight[0, 0] = -100
    scores = PairScores(straight, np.full((5, 5), -50.0))
    plain = evidence(PairScores(np.full((5, 5), 2.0), np.full((5, 5), -50.0)))
    assert WAYS["mean log odds"](scores) < plain - 3
    assert WAYS["median"](scores) == WAYS["trimmed mean"](scores) == pytest.approx(plain)
    assert plain > WAYS["bounded log odds"](scores) > plain - 0.3


def test_areas_are_of_each_way():
    rows = [{"good": value, "bad": -value} for value in (0.0, 1.0, 2.0, 3.0)]
    assert areas(rows, [False, False, True, True]) == {"good": 1, "bad": 0}
