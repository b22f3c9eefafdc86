import numpy as np
import pytest

from dl4art.utils.errors import InputError

NAMES = ["res-unet", "unet", "mc-dm", "light"]


@pytest.fixture(scope="module")
def networks(tiny):
    return {name: tiny(name) for name in NAMES}


def side(network):
    from dl4art.craquelure.parts import reach, stride

    return -(-(2 * reach(network) + 9) // stride(network)) * stride(network)


@pytest.mark.parametrize("name", NAMES)
def test_every_pixel_gets_logits_at_any_size(networks, name):
    from dl4art.craquelure.parts import stride

    step = stride(networks[name])
    picture = np.zeros((2, 2 * step, 3 * step, 3), np.float32)
    logits = networks[name].predict_on_batch(picture)
    assert logits.shape == (2, 2 * step, 3 * step, 3)
    assert logits.dtype == np.float32


@pytest.mark.parametrize("name", ["unet", "mc-dm", "light"])
def test_no_network_looks_farther_than_it_says(networks, name, rng):
    from dl4art.craquelure.parts import reach

    network = networks[name]
    far = reach(network)
    length = side(network)
    picture = rng.uniform(0, 255, (1, 64, length, 3)).astype(np.float32)
    changed = picture.copy()
    at = length // 2
    changed[:, :, at] = 255 - changed[:, :, at]
    before, after = (network.predict_on_batch(p) for p in (picture, changed))
    # sums of the same numbers may differ in their last digits
    columns = np.flatnonzero((np.abs(before - after) > 1e-6 * np.abs(before).max()).any(axis=(0, 1, 3)))
    assert np.abs(columns - at).max() <= far
    # nor is the margin wider than need be: random weights let most of it through
    assert np.abs(columns - at).max() >= 0.4 * far


def test_enlarging_is_bilinear(keras, rng):
    from dl4art.craquelure.parts import Enlarge

    for shape in ((1, 3, 5, 2), (2, 1, 4, 1)):
        features = rng.normal(size=shape).astype(np.float32)
        expected = keras.layers.UpSampling2D(2, interpolation="bilinear")(features)
        assert np.asarray(Enlarge()(features)) == pytest.approx(np.asarray(expected), abs=1e-6)
    layer = Enlarge()
    assert layer.compute_output_shape((None, None, 4, 3)) == (None, None, 8, 3)


def test_reach_and_stride_by_hand(keras):
    from dl4art.craquelure.parts import Parts, reach, stride

    picture = keras.Input((None, None, 3))
    parts = Parts()
    features = parts.conv(picture, 2)  # 1 to either side
    features = parts.conv(features, 2, stride=2)  # 3x3 at step 1, padded after: 1 more before, 2 more after
    features = parts.separable(features, 2, dilation=4)  # 8 at step 2
    features = parts.up(features)  # 2
    network = keras.Model(picture, parts.conv(features, 3))
    assert stride(network) == 2
    assert reach(network) == 1 + 2 + 8 + 2 + 1
    spread = Parts().spread(Parts().conv(picture, 2, size=5, stride=2), 3)  # 5x5 at step 1: 1 before and 3 after; 2
    assert reach(keras.Model(picture, spread)) == 3 + 2


@pytest.mark.parametrize(("name", "frozen"), [*((name, False) for name in NAMES), ("light", True)])
def test_a_training_step_changes_all_but_what_is_frozen(tiny, keras, rng, name, frozen):
    from dl4art.craquelure.losses import mixed2
    from dl4art.craquelure.networks import encoder_layers, freeze_encoder

    network = tiny(name)
    freeze_encoder(network, frozen)
    network.compile(keras.optimizers.Adam(3e-3), loss=mixed2, run_eagerly=True, jit_compile=False)
    truth = rng.integers(0, 2, (2, 32, 32))
    picture = (rng.uniform(0, 40, (2, 32, 32, 3)) + 180 * truth[..., None]).astype(np.float32)
    encoder = [weight for layer in encoder_layers(network) for weight in layer.weights]
    decoder = [weight for weight in network.trainable_weights if "decoder" in weight.path]
    before = [[np.array(weight) for weight in part] for part in (encoder, decoder)]
    losses = [float(network.train_on_batch(picture, truth)) for _ in range(3 if name == "light" else 1)]
    assert np.isfinite(losses).all()
    assert name != "light" or losses[-1] < losses[0]
    after = [[np.array(weight) for weight in part] for part in (encoder, decoder)]
    assert all(map(np.array_equal, before[0], after[0])) == frozen
    assert not any(map(np.array_equal, before[1], after[1]))


def test_parameters_of_the_full_networks(keras):
    from dl4art.craquelure.networks import build_network
    from dl4art.craquelure.parts import parameters

    counts = {name: parameters(build_network(name)) for name in ("mc-dm", "light")}
    assert counts["mc-dm"] < 0.2
    # ResNet-18 has 11.7 millions
    assert counts["light"] < 6


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (("vgg",), "no such network. There are res-unet, unet"),
        (("light", (4, 4)), r"2 numbers of filters \(\(4, 4\)\)"),
    ],
)
def test_unknown_networks_are_refused(keras, call, words):
    from dl4art.craquelure.networks import build_network

    with pytest.raises(InputError, match=words):
        build_network(*call)
