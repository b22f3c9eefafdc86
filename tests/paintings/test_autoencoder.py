import numpy as np
import pytest

from dl4art.utils.backend import load_keras

keras = load_keras()
from dl4art.paintings.autoencoder import (  # noqa: E402 (Keras is loaded silently first)
    SIZES,
    UNPOOLINGS,
    answer,
    build_autoencoder,
    reconstruction_loss,
)
from dl4art.utils.errors import InputError  # noqa: E402


@pytest.mark.parametrize("unpooling", UNPOOLINGS)
def test_at_full_size_it_has_the_parameters_of_the_study(unpooling):
    network, encoder = build_autoencoder(SIZES["full"], unpooling)
    counts = {layer.name: layer.count_params() for layer in network.layers if layer.count_params()}
    assert counts == {
        "encoder_conv_1": 15_200,
        "encoder_conv_2": 1_000_200,
        "decoder_conv_2": 1_000_200,
        "decoder_conv_1": 1_000_200,
        "decoder_reconstruction": 603,
    }
    assert encoder.count_params() == 15_200 + 1_000_200
    assert encoder.compute_output_shape((1, 256, 256, 3)) == (1, 64, 64, 200)
    assert network.compute_output_shape((1, 256, 256, 3)) == (1, 256, 256, 3)


@pytest.mark.parametrize("unpooling", UNPOOLINGS)
def test_the_encoder_is_part_of_it(unpooling, rng):
    keras.utils.set_random_seed(0)
    network, encoder = build_autoencoder((3, 4), unpooling)
    other, same = build_autoencoder((3, 4), "upsampling")
    other.set_weights(network.get_weights())
    pictures = rng.integers(0, 256, (5, 16, 24, 3), np.uint8)
    features = answer(encoder, pictures, batch=2)
    assert features.shape == (5, 4, 6, 4)
    # what unpools is no part of the encoder
    assert answer(same, pictures, batch=3) == pytest.approx(features, rel=1e-5, abs=1e-6)
    assert answer(network, pictures).shape == pictures.shape


def test_wrong_settings():
    with pytest.raises(InputError, match="unpooling: 'nearest'"):
        build_autoencoder((2, 2), "nearest")
    with pytest.raises(InputError, match="filters"):
        build_autoencoder((2, 0))
    with pytest.raises(InputError, match="loss: 'l1'"):
        reconstruction_loss("l1")


@pytest.mark.parametrize("name", ["mse", "kullback-leibler"])
def test_losses_are_least_where_pictures_are_equal(name, rng):
    true = rng.uniform(5, 250, (3, 8, 8, 3)).astype(np.float32)
    loss = reconstruction_loss(name)
    values = [
        keras.ops.convert_to_numpy(loss(keras.ops.convert_to_tensor(true), keras.ops.convert_to_tensor(true + by)))
        for by in np.float32([-20, -5, 0, 5, 20])
    ]
    assert values[0].shape == (3,)
    assert values[2] == pytest.approx(np.zeros(3), abs=1e-6)
    for nearer, farther in ((1, 0), (3, 4), (2, 1), (2, 3)):
        assert (values[nearer] < values[farther]).all()


def test_the_squared_error_is_on_a_scale_of_one():
    true, black = np.full((1, 4, 4, 3), 255, np.float32), np.zeros((1, 4, 4, 3), np.float32)
    assert float(reconstruction_loss("mse")(true, black)[0]) == pytest.approx(1)


def test_the_divergence_leads_back_from_below_black():
    true = np.full((1, 1, 1, 3), 100, np.float32)
    loss = reconstruction_loss("kullback-leibler")
    values = [float(loss(true, np.full_like(true, level))[0]) for level in (-300, -100, -1)]
    assert values == sorted(values, reverse=True)
    assert np.isfinite(values).all()
