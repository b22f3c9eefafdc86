import numpy as np
import pytest


@pytest.fixture(scope="session")
def keras():
    from dl4art.utils.backend import load_keras

    return load_keras()


@pytest.fixture(scope="session")
def tiny(keras):
    """Build a network with few channels whose weights are drawn at random, its normalisations too."""
    from dl4art.craquelure.networks import build_network

    filters = {"res-unet": (2, 2, 3, 3, 4), "unet": (2, 2, 3, 3, 4), "mc-dm": (3, 4, 4, 5), "light": (3, 4, 4, 5, 5)}

    def build(name, seed=0):
        keras.utils.set_random_seed(seed)
        network = build_network(name, filters[name])
        rng = np.random.default_rng(seed)
        for layer in network.layers:
            if isinstance(layer, keras.layers.BatchNormalization):
                scale, shift, mean, variance = layer.get_weights()
                layer.set_weights([scale, rng.normal(0, 0.3, shift.shape), mean, variance])
        return network

    return build
