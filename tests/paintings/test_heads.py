from dataclasses import replace

import numpy as np
import pytest

from dl4art.utils.backend import load_keras

keras = load_keras()
from dl4art.paintings import heads  # noqa: E402 (Keras is loaded silently first)
from dl4art.utils.errors import Dl4artError, InputError  # noqa: E402

SMALL = heads.HeadSettings(units=12, spatial=0.1, dropout=0.1, epochs=12, rate=1e-2)


@pytest.fixture
def described(rng):
    """Texture features of two classes that differ in some of them, their labels, and which to hold out."""
    labels = np.arange(24) % 2
    features = rng.normal(size=(24, 3, 5)).astype(np.float32)
    features[:, 1] += 4 * labels[:, None]
    return features, labels.tolist(), np.arange(24) < 6


@pytest.mark.parametrize(
    ("pooling", "shape", "weights"), [("texture", (200, 202), 12_120_300), ("flat", (64, 64, 200), 245_760_300)]
)
def test_the_size_of_the_first_layer(pooling, shape, weights):
    """246 million weights for the study's head, at its size; nothing is built here."""
    settings = replace(heads.HeadSettings(), pooling=pooling)
    assert heads.pooled_shape(settings, 256, 200) == shape
    dense, kept = heads.memory_bytes(settings, 256, 200, 10)
    assert dense == 16 * (weights - 300)
    assert kept == 40 * np.prod(shape)


@pytest.mark.parametrize("pooling", heads.POOLINGS)
def test_heads_give_probabilities(pooling, rng):
    settings = replace(SMALL, pooling=pooling)
    shape = heads.pooled_shape(settings, 32, 3)
    head = heads.build_head(settings, shape, 4)
    answers = np.asarray(head.predict_on_batch(rng.normal(size=(5, *shape)).astype(np.float32)))
    assert answers.shape == (5, 4)
    assert answers.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_there_is_no_other_pooling():
    with pytest.raises(InputError, match="pooling: 'mean'"):
        heads.build_pooling("mean")


def test_it_learns_and_the_same_seed_gives_the_same(described):
    features, labels, held = described
    answers = []
    for _ in range(2):
        head, curve = heads.train_head(SMALL, features, labels, held, classes=2, seed=5)
        answers.append(np.asarray(head.predict_on_batch(features)))
    assert np.array_equal(answers[0], answers[1])
    assert (answers[0].argmax(axis=1) == labels).mean() > 0.9
    assert {*curve} == {"loss", "accuracy", "val_loss", "val_accuracy"}
    # the best epoch, not the last
    chosen = answers[0][held][np.arange(6), np.array(labels)[held]]
    assert -np.log(chosen).mean() == pytest.approx(min(curve["val_loss"]), rel=1e-3)


def test_features_are_brought_to_one_scale(described):
    features = described[0]
    head = heads.build_head(SMALL, (3, 5), 2)
    scaled = features * np.float32(100) + 7
    scaled[:, 2, 2] = 3.0
    heads.normalise(head, scaled)
    seen = np.asarray(head.get_layer("normalise")(scaled))
    others = np.ones((3, 5), bool)
    others[2, 2] = False
    assert seen.mean(axis=0)[others] == pytest.approx(0, abs=1e-4)
    assert seen.std(axis=0)[others] == pytest.approx(1, abs=1e-3)
    # one that never varied here does not explode elsewhere
    scaled[0, 2, 2] = 4.0
    assert abs(np.asarray(head.get_layer("normalise")(scaled))[0, 2, 2]) < 1


def test_a_loss_that_is_no_number_is_told(described):
    features, labels, held = described
    with pytest.raises(Dl4artError, match="no number"):
        heads.train_head(replace(SMALL, rate=1e38), features, labels, held, classes=2, seed=5)
