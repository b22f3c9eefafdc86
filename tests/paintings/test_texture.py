import numpy as np
import pytest

from dl4art.utils.backend import load_keras

keras = load_keras()
from dl4art.paintings.texture import ChannelDropout, TexturePooling  # noqa: E402 (Keras is loaded silently first)


def pool(features):
    return keras.ops.convert_to_numpy(TexturePooling()(np.asarray(features, np.float32)))


def stripes(period, down):
    """Two channels: stripes, and the same half a period on."""
    at = np.arange(32) * 2 * np.pi / period
    waves = np.stack([np.sin(at), np.cos(at)], axis=-1)
    return np.broadcast_to(waves[:, None] if down else waves[None], (32, 32, 2))[None]


def test_shapes():
    assert pool(np.zeros((2, 9, 7, 3))).shape == (2, 3, 5)
    assert TexturePooling()(keras.Input((None, None, 4))).shape == (None, 4, 6)


def test_it_is_the_mean_product_of_evened_differences(rng):
    features = rng.normal(size=(1, 7, 6, 3))
    around = np.mean([features[:, i : 5 + i, j : 4 + j] for i in range(3) for j in range(3)], axis=0)
    differences = features[:, 1:-1, 1:-1] - around
    energy = (differences**2).sum(axis=-1, keepdims=True)
    local = np.mean([energy[:, i : 3 + i, j : 2 + j] for i in range(3) for j in range(3)], axis=0)
    evened = differences[:, 1:-1, 1:-1] / np.sqrt(local + 1e-4)
    pooled = pool(features)[0]
    assert pooled[:, :3] == pytest.approx(np.einsum("ijc,ijd->cd", evened[0], evened[0]) / 6, rel=1e-4, abs=1e-5)
    assert pooled[:, 3] == pytest.approx(features[0].mean(axis=(0, 1)), rel=1e-4, abs=1e-6)
    assert pooled[:, 4] == pytest.approx(np.log((differences[0] ** 2).mean(axis=(0, 1))), rel=1e-3)


def test_strength_and_place_do_not_matter_and_grain_does():
    one = pool(stripes(6, True))[:, :, :2]
    assert pool(5 * stripes(6, True) + 3)[:, :, :2] == pytest.approx(one, abs=0.01)
    assert pool(np.roll(stripes(8, True), 3, axis=1))[:, :, :2] == pytest.approx(
        pool(stripes(8, True))[:, :, :2], abs=0.06
    )
    mixed = np.concatenate([stripes(4, True)[..., :1], stripes(12, False)[..., :1]], axis=-1)
    assert np.abs(pool(mixed)[:, :, :2] - one).max() > 0.1


def test_even_areas_do_not_count():
    whole = stripes(6, True)
    bordered = np.zeros((1, 64, 32, 2))
    bordered[:, :32] = whole
    ratio = pool(bordered)[0, :, :2] / pool(whole)[0, :, :2]
    assert np.diag(ratio) == pytest.approx(0.5, abs=0.05)


def test_all_that_is_said_of_a_channel_is_forgotten():
    layer = ChannelDropout(0.5, seed=3)
    pooled = np.ones((40, 6, 8), np.float32)
    assert np.array_equal(keras.ops.convert_to_numpy(layer(pooled)), pooled)
    left = keras.ops.convert_to_numpy(layer(pooled, training=True))
    assert {*np.unique(left)} == {0.0, 2.0}
    kept = left[:, :, -1] > 0
    assert 0.3 < kept.mean() < 0.7
    assert np.array_equal(left[:, :, :6] > 0, kept[:, :, None] & kept[:, None, :])
    assert np.array_equal(left[:, :, 6] > 0, kept)


def test_it_is_built_again_from_its_settings():
    layer = ChannelDropout.from_config(ChannelDropout(0.25, seed=7).get_config())
    assert (layer.rate, layer.seed) == (0.25, 7)
