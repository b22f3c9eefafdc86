from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest

from dl4art.utils.trees import Trees, fit_trees


@pytest.fixture
def small():
    """Below 1 of the first value: 2; above it, below 5 of the second: 3, else 4. And a tree of one leaf."""
    return Trees(
        np.array([0, -1, 1, -1, -1, -1], np.int16),
        np.array([1.0, 0, 5.0, 0, 0, 0]),
        np.array([1, 0, 3, 0, 0, 0], np.int32),
        np.array([2, 0, 4, 0, 0, 0], np.int32),
        np.array([0, 2.0, 0, 3.0, 4.0, 0.5]),
        np.array([0, 5], np.int32),
        10.0,
    )


def test_trees_are_followed_to_their_leaves(small):
    assert small.logits([[0, 9], [2, 4], [2, 6], [1, 9]]).tolist() == [12.5, 13.5, 14.5, 12.5]
    assert small.logits(np.zeros((0, 2))).shape == (0,)


def test_a_table_survives_json(small):
    read = Trees.from_dict(json.loads(json.dumps(small.to_dict())))
    assert read == small
    assert read != dataclasses.replace(small, start=9.0)
    assert read != "trees"


@pytest.mark.parametrize(
    ("name", "text"), [("left", "1 0 9 0 0 0"), ("roots", "0 -1"), ("value", "1 2"), ("feature", "a b")]
)
def test_a_damaged_table_is_noticed(small, name, text):
    with pytest.raises(ValueError, match=r"whole|invalid literal|could not"):
        Trees.from_dict({**small.to_dict(), name: text})
    with pytest.raises(KeyError, match=name):
        Trees.from_dict({key: value for key, value in small.to_dict().items() if key != name})


def test_fitted_trees_say_what_scikit_learn_says(rng):
    from sklearn.ensemble import HistGradientBoostingClassifier

    values = rng.normal(size=(600, 3))
    happened = values[:, 0] * values[:, 1] > 0.1 * rng.normal(size=600)
    settings = {"max_iter": 20, "max_leaf_nodes": 6}
    trees = fit_trees(values, happened, seed=3, **settings)
    peer = HistGradientBoostingClassifier(random_state=3, **settings).fit(values, happened)
    np.testing.assert_allclose(trees.logits(values), peer.decision_function(values), atol=1e-9)
    assert ((trees.logits(values) > 0) == happened).mean() > 0.9
    assert Trees.from_dict(trees.to_dict()) == trees


@pytest.mark.parametrize("happened", [False, True])
def test_an_event_that_never_or_always_happens_needs_no_trees(rng, happened):
    values = rng.normal(size=(20, 3))
    assert ((fit_trees(values, np.full(20, happened)).logits(values) > 0) == happened).all()
