import numpy as np
import pytest

from dl4art.siamese.losses import evaluate_pairs
from dl4art.siamese.oracle import fit_oracle
from dl4art.siamese.samples import FamilySamples
from dl4art.simulation.statistics import STATISTICS


def cloths_told_by(statistic, families, seed, noise=0.05):
    """Families of six cloths, two plates each, that differ in one statistic only."""
    rng = np.random.default_rng(seed)
    count = families * 12
    family, cloth, plate = (np.arange(count) // k for k in (12, 2, 1))
    values = rng.normal(size=(count, 2, len(STATISTICS)))
    of_cloth = rng.normal(size=(families * 6, 2))
    values[..., STATISTICS.index(statistic)] = of_cloth[cloth] + noise * rng.normal(size=(count, 2))
    turned = rng.random(count) < 0.5
    values[turned] = values[turned, ::-1]
    numbers = (part.astype(np.int32) for part in (family, cloth, plate))
    grey = np.zeros((count, 1, 1), np.uint8)
    return FamilySamples(grey, *numbers, turned, np.ones((count, 2), np.float32), values.astype(np.float32))


@pytest.fixture(scope="module")
def known():
    return cloths_told_by("crimp", 40, 1)


def test_the_oracle_finds_the_number_that_tells_cloths_apart(known):
    test = cloths_told_by("crimp", 10, 2)
    oracle = fit_oracle(known, trees=40)
    assert evaluate_pairs(test, lambda chosen: oracle.score(test.statistics[chosen])).pair_auc > 0.95


def test_it_may_use_no_more_than_it_is_given(known):
    test = cloths_told_by("crimp", 10, 2)
    blind = fit_oracle(known, ["log_density", "bulge"], trees=40)
    assert abs(evaluate_pairs(test, lambda chosen: blind.score(test.statistics[chosen])).pair_auc - 0.5) < 0.15


def test_scores_do_not_know_which_crop_came_first_nor_how_it_was_turned(known):
    oracle = fit_oracle(known, trees=40)
    logits = oracle.score(known.statistics[:20])
    np.testing.assert_allclose(logits, logits.transpose(1, 0, 2), atol=1e-5)
    turned = known.statistics[:20].copy()
    turned[3] = turned[3, ::-1]
    np.testing.assert_allclose(oracle.score(turned)[3, :3], logits[3, :3, ::-1], atol=1e-5)
