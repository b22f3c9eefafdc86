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


DENSITY = np.array([[9, 12], [20, 17], [6, 14]], np.float32)


def crops_of(rng, count=3, side=192, margin=0):
    """Noise, as it lies on its canvas: picture and mask, and nothing in the margin."""
    crops = rng.normal(size=(count, side, side, 2)).astype(np.float32)
    crops[..., 1] = 1
    inside = np.zeros((side, side, 1), np.float32)
    inside[margin : side - margin, margin : side - margin] = 1
    return crops * inside


@pytest.fixture
def crops(rng):
    return crops_of(rng, margin=20)


def logits_of(comparison, first, second):
    return keras.ops.convert_to_numpy(comparison.head(first, second))


def test_a_crop_becomes_one_vector_whatever_its_size(comparison, rng):
    for count, side in ((2, 192), (1, 288)):
        vectors = comparison.encoder.predict_on_batch(crops_of(rng, count, side))
        assert vectors.shape == (count, TINY.size)
        assert np.isfinite(vectors).all()


def test_polarity_cannot_matter(comparison, crops):
    negative = crops * np.array([-1, 1], np.float32)
    np.testing.assert_allclose(
        module.encode(comparison.encoder, negative, DENSITY),
        module.encode(comparison.encoder, crops, DENSITY),
        atol=1e-3,
    )


def test_the_transposed_crop_has_its_directions_changed_over(comparison, crops):
    upright = module.encode(comparison.encoder, crops, DENSITY)
    turned = module.encode(comparison.encoder, crops.transpose(0, 2, 1, 3), DENSITY[:, ::-1])
    np.testing.assert_array_equal(turned, upright[:, ::-1])


def test_a_half_turn_changes_nothing(comparison, crops):
    np.testing.assert_allclose(
        module.encode(comparison.encoder, crops[:, ::-1, ::-1], DENSITY),
        module.encode(comparison.encoder, crops, DENSITY),
        atol=1e-5,
    )


def test_both_directions_at_once_are_each_alone(comparison, crops):
    both = [keras.ops.convert_to_numpy(comparison.embed(part, DENSITY)) for part in (crops, crops[:, ::-1, ::-1])]
    together = np.mean(both, axis=0)
    np.testing.assert_allclose(together, module.encode(comparison.encoder, crops, DENSITY), rtol=1e-3, atol=1e-3)


def test_the_last_number_of_a_vector_is_the_density(comparison, crops):
    vectors = module.encode(comparison.encoder, crops, DENSITY)
    assert vectors.shape == (3, 2, TINY.size + 1)
    np.testing.assert_allclose(vectors[..., -1], 5 * np.log(DENSITY / 12), atol=1e-5)


def test_crops_of_different_sizes_are_laid_on_squares_and_each_is_alone(comparison, rng):
    shapes = [(90, 120), (200, 100), (130, 130), (90, 120), (240, 280)] * 5
    frames = [rng.normal(size=shape).astype(np.float16) for shape in shapes]
    density = rng.uniform(6, 20, (25, 2))
    vectors = module.encode_frames(comparison.encoder, frames, density)
    for index in (0, 1, 7, 24):
        alone = module.encode_frames(comparison.encoder, frames[index : index + 1], density[index : index + 1])
        np.testing.assert_allclose(vectors[index], alone[0], atol=1e-4)
    assert module.encode_frames(comparison.encoder, [], np.zeros((0, 2))).shape == (0, 2, TINY.size + 1)


@given(st.integers(0, 2**32))
@settings(max_examples=10, deadline=None)
def test_the_head_is_exactly_symmetric_and_a_quarter_turn_changes_its_positions_over(comparison, seed):
    first, second = np.random.default_rng(seed).normal(size=(2, 4, 2, TINY.size + 1)).astype(np.float32)
    logits = logits_of(comparison, first, second)
    assert logits.shape == (4, 4, 2)
    np.testing.assert_array_equal(logits_of(comparison, second, first), logits.transpose(1, 0, 2))
    np.testing.assert_allclose(logits_of(comparison, first[:, ::-1], second), logits[..., ::-1], atol=1e-5)


def test_each_pair_is_scored_alone(comparison, rng):
    first, second = rng.normal(size=(2, 5, 2, TINY.size + 1)).astype(np.float32)
    np.testing.assert_allclose(
        logits_of(comparison, first[1:2], second[3:]), logits_of(comparison, first, second)[1:2, 3:], atol=1e-5
    )


def test_one_logit_for_both_positions():
    assert module.pair_logits([[3.0, 3.0]]) == pytest.approx([3.0])
    assert module.pair_logits([20.0, -20.0]) == pytest.approx(20 - np.log(2))
    assert module.pair_logits([-900.0, -900.0]) == pytest.approx(-900)


NOTHING = np.log(1e-3) / 2


def pooled(values, there=None, scales=()):
    there = np.ones(values.shape) if there is None else there
    arrays = (part[None, ..., None].astype(np.float32) for part in (values, there))
    return keras.ops.convert_to_numpy(module.Spread(scales)(*arrays))[0]


def test_pooling_parts_the_spread_by_its_direction():
    stripes = np.tile([1.0, 3.0], (12, 6))  # differs from column to column
    np.testing.assert_allclose(pooled(stripes), [2, 0, NOTHING], atol=0.4)
    np.testing.assert_allclose(pooled(stripes.T), [2, NOTHING, 0], atol=0.4)
    np.testing.assert_allclose(pooled(1 + 4 * stripes)[:2], [9, np.log(4)], atol=3e-3)


def test_at_a_larger_scale_what_alternates_is_gone_and_what_drifts_is_left():
    stripes, drift = np.tile([1.0, 3.0], (12, 6)), np.tile(np.repeat([1.0, 3.0], 6), (12, 1))
    np.testing.assert_allclose(pooled(stripes, scales=(2,)), [2, 0, NOTHING, NOTHING, NOTHING], atol=0.4)
    np.testing.assert_allclose(pooled(drift.T, scales=(2, 6)), [2, NOTHING, 0, NOTHING, 0, NOTHING, 0], atol=0.4)


def test_what_lies_outside_the_crop_has_no_say(rng):
    values, there = rng.normal(size=(12, 12)), np.zeros((12, 12))
    there[2:8, 4:10] = 1
    other = np.where(there > 0, values, 99.0)
    np.testing.assert_allclose(pooled(other, there, (2,)), pooled(values, there, (2,)), rtol=1e-3)


def test_the_mask_is_taken_where_features_are_centred():
    there = np.arange(20.0)[None, :, None, None] + np.zeros((1, 20, 20, 1))
    taken = module.MaskAt(3, 4)(there.astype(np.float32), np.zeros((1, 4, 3, 5), np.float32))
    np.testing.assert_array_equal(np.asarray(taken)[0, :, :, 0], np.tile([[3], [7], [11], [15]], 3))


@pytest.mark.parametrize(("closer", "lean"), [(0.0, 0.0), (0.05, 0.0), (0.0, 0.05)])
def test_the_wave_of_the_threads_tells_where_they_lie_closer_or_lean(closer, lean):
    y, x = np.mgrid[:192, :192]
    picture = np.cos(2 * np.pi * ((1 + closer) * x + lean * y) / 12).astype(np.float32)[None, ..., None]
    found = np.asarray(module.ThreadWave()(picture))[0, 10:-10, 10:-10]
    # three or six times the turn in 4 px; which way round does not matter
    expected = np.tile([3 * 4 * closer / 12, 6 * 4 * lean / 12], 2)
    np.testing.assert_allclose(np.abs(found.mean(axis=(0, 1))[[1, 2, 4, 5]]), expected, atol=2e-3)
    np.testing.assert_allclose(found[..., [0, 3]], np.log(0.5), atol=0.2)
    np.testing.assert_allclose(np.asarray(module.ThreadWave()(-picture))[0, 10:-10, 10:-10], found, atol=1e-4)


def test_weights_of_both_parts_are_one_file(comparison, tmp_path, crops):
    path = tmp_path / "model.weights.h5"
    comparison.save_weights(path)
    again = module.PairNetwork(TINY)
    again.load_weights(path)
    vectors = module.encode(again.encoder, crops, DENSITY)
    np.testing.assert_allclose(vectors, module.encode(comparison.encoder, crops, DENSITY), atol=1e-5)
    np.testing.assert_allclose(logits_of(again, vectors, vectors), logits_of(comparison, vectors, vectors), atol=1e-5)


def test_a_trunk_s_weights_are_taken_over_in_their_order():
    trunk, encoder = build_trunk(TINY.filters), module.build_encoder(TINY)
    copied = module.warm_start(encoder, trunk)
    mine = [layer.get_weights() for layer in encoder.get_layer("trunk").layers if layer.weights]
    theirs = [layer.get_weights() for layer in trunk.layers if layer.weights]
    # all that is convolved; what follows has other sizes
    assert copied == 13
    for own, given_ in zip(mine[:copied], theirs[:copied], strict=True):
        for one, other in zip(own, given_, strict=True):
            np.testing.assert_array_equal(one, other)
    # a list of arrays will do as well, and one that does not fit is left alone
    assert module.warm_start(encoder, theirs) == 13
    assert module.warm_start(encoder, build_trunk((5, 4, 6, 6, 8))) == 0
