import numpy as np
import pytest

from dl4art.paintings.baselines import BASELINES, evaluate_baselines, squared_distances
from dl4art.utils.folds import Fold


def test_distances_are_euclidean(rng):
    values = rng.integers(0, 256, (7, 120, 60, 3), np.uint8)
    found = squared_distances(values)
    flat = values.reshape(7, -1).astype(float)
    assert found == pytest.approx(((flat[:, None] - flat[None]) ** 2).sum(axis=-1))
    assert not np.diag(found).any()


def test_they_learn_what_is_near(rng):
    labels = np.arange(60) % 3
    values = rng.normal(size=(60, 5))
    values[:, 0] += 12 * labels
    folds = [
        Fold(np.flatnonzero(np.arange(60) % 4 != part), np.flatnonzero(np.arange(60) % 4 == part)) for part in range(4)
    ]
    answers = evaluate_baselines(squared_distances(values), labels.tolist(), folds, 3)
    assert tuple(answers) == BASELINES
    for said in answers.values():
        for fold, answer in zip(folds, said, strict=True):
            assert np.array_equal(answer.numbers, fold.test)
            assert np.array_equal(answer.probability.argmax(axis=1), labels[fold.test])
            assert np.array_equal(answer.probability.sum(axis=1), np.ones(len(fold.test)))


def test_few_pictures_and_equal_ones(rng):
    """One picture of a class leaves nothing to choose a cost by; equal pictures have no distance."""
    labels, fold = [0, 0, 1, 1], Fold(np.array([0, 2]), np.array([1, 3]))
    values = np.array([0.0, 0.1, 5.0, 5.1])[:, None]
    for said in evaluate_baselines(squared_distances(values), labels, [fold], 2).values():
        assert np.array_equal(said[0].probability, np.eye(2))
    same = evaluate_baselines(np.zeros((4, 4)), labels, [fold], 2)
    assert same["SVM"][0].probability.shape == (2, 2)
