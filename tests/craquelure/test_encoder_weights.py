"""A file of the form that Keras' ResNet-50 has, with few channels."""

import h5py
import numpy as np
import pytest

from dl4art.craquelure.encoder_weights import load_resnet50, resnet50_layers
from dl4art.utils.errors import ModelError


@pytest.fixture(scope="module")
def network(keras):
    """A small one, each level of which has a short cut that convolves, as at full size."""
    from dl4art.craquelure.networks import build_network

    return build_network("res-unet", (2, 2, 3, 4, 5))


def stored(network, rng):
    """Arrays by layer, as many channels as the network has."""
    layers = {}
    for number, (convolution, norm) in enumerate(resnet50_layers(), start=1):
        [kernel] = network.get_layer(f"encoder_convolve_{number}").get_weights()
        count = kernel.shape[-1]
        layers[convolution] = {"kernel": rng.normal(0, 0.1, kernel.shape), "bias": rng.normal(0, 1, count)}
        layers[norm] = {
            "gamma": rng.uniform(0.5, 2, count),
            "beta": rng.normal(0, 1, count),
            "moving_mean": rng.normal(0, 1, count),
            "moving_variance": rng.uniform(0, 0.01, count),
        }
    return layers


def write(path, layers):
    with h5py.File(path, "w") as file:
        for layer, arrays in layers.items():
            for name, values in arrays.items():
                file.create_dataset(f"{layer}/{layer}/{name}:0", data=values.astype(np.float32))
    return path


def test_the_names_are_those_of_keras(keras):
    """The ResNet-50 of Keras has these layers and no others with weights."""
    network = keras.applications.ResNet50(include_top=False, weights=None)
    names = [name for pair in resnet50_layers() for name in pair]
    assert len(names) == len({*names})
    assert {layer.name for layer in network.layers if layer.weights} == {*names}


def test_a_first_convolution_gives_what_it_gave_in_keras(keras, network, rng, tmp_path):
    layers = stored(network, rng)
    load_resnet50(network, write(tmp_path / "weights.h5", layers))
    picture = rng.integers(0, 256, (1, 32, 32, 3)).astype(np.float32)
    ours = keras.Model(network.input, network.get_layer("encoder_norm_1").output).predict_on_batch(picture)

    taken = picture[..., ::-1] - np.array([103.939, 116.779, 123.68], np.float32)
    first, norm = layers["conv1_conv"], layers["conv1_bn"]
    theirs = keras.ops.convert_to_numpy(keras.ops.conv(taken, first["kernel"].astype(np.float32), 2, "same"))
    theirs = (theirs + first["bias"] - norm["moving_mean"]) / np.sqrt(norm["moving_variance"] + 1.001e-5)
    theirs = theirs * norm["gamma"] + norm["beta"]
    # beyond the border there is grey with us, and the mean colour there
    inner = (slice(None), slice(2, -2), slice(2, -2))
    assert ours[inner] == pytest.approx(theirs[inner], rel=1e-3, abs=1e-2 * np.abs(theirs).std())


def test_each_layer_gets_its_own(network, rng, tmp_path):
    layers = stored(network, rng)
    before = network.get_layer("decoder_convolve_54").get_weights()
    load_resnet50(network, write(tmp_path / "weights.h5", layers))
    for number, (convolution, norm) in list(enumerate(resnet50_layers(), start=1))[1:]:
        [kernel] = network.get_layer(f"encoder_convolve_{number}").get_weights()
        assert kernel == pytest.approx(layers[convolution]["kernel"], rel=1e-6)
        _, shift, mean, variance = network.get_layer(f"encoder_norm_{number}").get_weights()
        assert shift == pytest.approx(layers[norm]["beta"], rel=1e-6)
        assert mean == pytest.approx(layers[norm]["moving_mean"] - layers[convolution]["bias"], abs=1e-6)
        assert variance == pytest.approx(layers[norm]["moving_variance"], rel=1e-6)
    assert np.array_equal(before[0], network.get_layer("decoder_convolve_54").get_weights()[0])


def test_what_does_not_fit_is_refused_and_changes_nothing(network, rng, tmp_path):
    before = network.get_weights()
    layers = stored(network, rng)
    wide = {**layers, "conv5_block3_3_conv": {"kernel": np.zeros((1, 1, 4, 99)), "bias": np.zeros(99)}}
    lacking = {name: arrays for name, arrays in layers.items() if name != "conv3_block1_0_bn"}
    for spoilt, message in (
        (wide, "conv5_block3_3_conv has a kernel of shape"),
        (lacking, "has no gamma and no beta and no moving_mean and no moving_variance of a layer conv3_block1_0_bn"),
    ):
        with pytest.raises(ModelError, match=message):
            load_resnet50(network, write(tmp_path / "weights.h5", spoilt))
    (tmp_path / "weights.h5").write_bytes(b"none")
    with pytest.raises(ModelError, match="holds no weights that can be read safely"):
        load_resnet50(network, tmp_path / "weights.h5")
    with pytest.raises(ModelError, match="no such file"):
        load_resnet50(network, tmp_path / "other.h5")
    assert all(np.array_equal(one, other) for one, other in zip(before, network.get_weights(), strict=True))
