import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dl4art.utils.backend import load_keras

keras = load_keras()
from dl4art.regression.network import build_trunk  # noqa: E402 (Keras is loaded silently first)
from dl4art.siamese import encoder as module  # noqa: E402

TINY = module.EncoderSettings(filters=(4, 4, 6, 6, 8), hidden=12, size=6, head=8)


@pytest.fixture(scope="module")
def comparison():
    keras.utils.set_random_seed(4)
    made = module.PairNetwork(TINY)
    # biases as after training, so that no law holds by accident
    rng = np.random.default_rng(4)
    for weight in made.weights:
        weight.assign_add(0.1 * rng.random(tuple(weight.shape)))
    return made


@pytest.fixture
def pictures(rng):
    return rng.normal(size=(3, 200, 200)).astype(np.float32)


def logits_of(comparison, first, second):
    return keras.ops.convert_to_numpy(comparison.head(first, second))


def test_a_picture_becomes_one_vector_whatever_its_size(comparison, rng):
    for shape in ((2, 200, 200, 1), (1, 240, 304, 1)):
        vectors = comparison.encoder.predict_on_batch(rng.normal(size=shape).astype(np.float32))
        assert vectors.shape == (shape[0], TINY.size)
        assert np.isfinite(vectors).all()


def test_polarity_cannot_matter(comparison, pictures):
    np.testing.assert_allclose(
        module.encode(comparison.encoder, -pictures), module.encode(comparison.encoder, pictures), atol=1e-3
    )


def test_the_transposed_picture_has_its_directions_changed_over(comparison, pictures):
    upright, turned = (module.encode(comparison.encoder, part) for part in (pictures, pictures.transpose(0, 2, 1)))
    np.testing.assert_array_equal(turned, upright[:, ::-1])


def test_both_directions_at_once_are_each_alone(comparison, pictures):
    together = keras.ops.convert_to_numpy(comparison.embed(pictures[..., None]))
    np.testing.assert_allclose(together, module.encode(comparison.encoder, pictures), rtol=1e-3, atol=1e-3)


@given(st.integers(0, 2**32))
@settings(max_examples=10, deadline=None)
def test_the_head_is_exactly_symmetric_and_a_quarter_turn_changes_its_positions_over(comparison, seed):
    first, second = np.random.default_rng(seed).normal(size=(2, 4, 2, TINY.size)).astype(np.float32)
    logits = logits_of(comparison, first, second)
    assert logits.shape == (4, 4, 2)
    np.testing.assert_array_equal(logits_of(comparison, second, first), logits.transpose(1, 0, 2))
    np.testing.assert_allclose(logits_of(comparison, first[:, ::-1], second), logits[..., ::-1], atol=1e-5)


def test_each_pair_is_scored_alone(comparison, rng):
    first, second = rng.normal(size=(2, 5, 2, TINY.size)).astype(np.float32)
    np.testing.assert_allclose(
        logits_of(comparison, first[1:2], second[3:]), logits_of(comparison, first, second)[1:2, 3:], atol=1e-5
    )


def test_one_logit_for_both_positions():
    assert module.pair_logits([[3.0, 3.0]]) == pytest.approx([3.0])
    assert module.pair_logits([20.0, -20.0]) == pytest.approx(20 - np.log(2))
    assert module.pair_logits([-900.0, -900.0]) == pytest.approx(-900)


def test_pooling_parts_the_spread_by_its_direction():
    def pooled(values):
        return keras.ops.convert_to_numpy(module.Spread()(values[None, ..., None].astype(np.float32)))[0]

    nothing = np.log(1e-3) / 2
    stripes = np.tile([1.0, 3.0], (6, 3))  # differs from column to column
    np.testing.assert_allclose(pooled(stripes), [2, 0, nothing], atol=1e-3)
    np.testing.assert_allclose(pooled(stripes.T), [2, nothing, 0], atol=1e-3)
    np.testing.assert_allclose(pooled(1 + 4 * stripes), [9, np.log(4), nothing], atol=1e-3)


def test_weights_of_both_parts_are_one_file(comparison, tmp_path, pictures):
    path = tmp_path / "model.weights.h5"
    comparison.save_weights(path)
    again = module.PairNetwork(TINY)
    again.load_weights(path)
    vectors = module.encode(again.encoder, pictures)
    np.testing.assert_allclose(vectors, module.encode(comparison.encoder, pictures), atol=1e-5)
    np.testing.assert_allclose(logits_of(again, vectors, vectors), logits_of(comparison, vectors, vectors), atol=1e-5)


def test_a_trunk_s_weights_are_taken_over_in_their_order():
    trunk, encoder = build_trunk(TINY.filters), module.build_encoder(TINY)
    copied = module.warm_start(encoder, trunk)
    mine = [layer.get_weights() for layer in encoder.layers if layer.weights]
    theirs = [layer.get_weights() for layer in trunk.layers if layer.weights]
    # all that is convolved; what follows has other sizes
    assert copied == 13
    for own, given_ in zip(mine[:copied], theirs[:copied], strict=True):
        for one, other in zip(own, given_, strict=True):
            np.testing.assert_array_equal(one, other)
    # a list of arrays will do as well, and one that does not fit is left alone
    assert module.warm_start(encoder, theirs) == 13
    assert module.warm_start(encoder, build_trunk((5, 4, 6, 6, 8))) == 0
