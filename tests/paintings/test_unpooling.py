import numpy as np
import pytest

from dl4art.utils.backend import load_keras

keras = load_keras()
from dl4art.paintings.unpooling import PoolWithPositions, Unpool  # noqa: E402 (Keras is loaded silently first)


@pytest.fixture
def features(rng):
    return rng.normal(size=(2, 6, 8, 3)).astype(np.float32)


def numpy_of(values):
    return keras.ops.convert_to_numpy(values)


def test_maxima_are_those_of_max_pooling(features):
    pooled, _ = PoolWithPositions()(features)
    assert np.array_equal(numpy_of(pooled), numpy_of(keras.layers.MaxPooling2D(2)(features)))


def test_positions_say_where_the_maxima_were(features):
    pooled, positions = map(numpy_of, PoolWithPositions()(features))
    assert positions.dtype == np.int32
    for n, row, col, channel in np.ndindex(pooled.shape):
        down, across = divmod(positions[n, row, col, channel], 2)
        assert pooled[n, row, col, channel] == features[n, 2 * row + down, 2 * col + across, channel]


def test_of_equal_values_the_first_counts():
    pooled, positions = map(numpy_of, PoolWithPositions()(np.zeros((1, 4, 4, 2), np.float32)))
    assert not positions.any()
    assert not pooled.any()


def test_values_come_back_where_they_were(features):
    back = numpy_of(Unpool()(*PoolWithPositions()(features)))
    four = features.reshape(2, 3, 2, 4, 2, 3)
    highest = four == four.max(axis=(2, 4), keepdims=True)
    assert np.array_equal(back, np.where(highest, four, 0).reshape(features.shape))


def test_pooling_undoes_unpooling(rng):
    values = rng.uniform(0.1, 1, (2, 3, 4, 5)).astype(np.float32)
    positions = rng.integers(0, 4, values.shape).astype(np.int32)
    pooled, found = map(numpy_of, PoolWithPositions()(Unpool()(values, positions)))
    assert np.array_equal(pooled, values)
    assert np.array_equal(found, positions)


def gradient(network, x, y):
    """Gradient of a squared error by one step of plain descent, whatever the backend."""
    network.compile(keras.optimizers.SGD(1.0), loss=lambda true, said: keras.ops.sum(keras.ops.square(said - true)))
    before = network.get_weights()
    network.train_on_batch(x, y)
    return [old - new for old, new in zip(before, network.get_weights(), strict=True)]


def test_the_gradient_goes_where_the_positions_say(rng):
    """Of a scale before the pooling, against finite differences."""
    x = rng.normal(size=(1, 4, 4, 2)).astype(np.float32)
    y = rng.normal(size=(1, 4, 4, 2)).astype(np.float32)
    picture = keras.Input((4, 4, 2))
    scaled = keras.layers.DepthwiseConv2D(2, padding="same", name="scale")(picture)
    network = keras.Model(picture, Unpool()(*PoolWithPositions()(scaled)))
    layer = network.get_layer("scale")
    layer.set_weights([rng.normal(size=weight.shape).astype(np.float32) for weight in layer.get_weights()])
    weights = [weight.astype(np.float64) for weight in network.get_weights()]

    def error(changed):
        network.set_weights(changed)
        return float(np.square(numpy_of(network(x)).astype(np.float64) - y).sum())

    expected = []
    for number, weight in enumerate(weights):
        slopes = np.zeros_like(weight)
        for place in np.ndindex(weight.shape):
            ends = []
            for step in (-1e-3, 1e-3):
                changed = [one.copy() for one in weights]
                changed[number][place] += step
                ends.append(error(changed))
            slopes[place] = (ends[1] - ends[0]) / 2e-3
        expected.append(slopes)
    network.set_weights(weights)
    for found, wanted in zip(gradient(network, x, y), expected, strict=True):
        assert found == pytest.approx(wanted, rel=2e-2, abs=2e-2)


def test_only_the_maxima_get_a_gradient():
    """Of what is learnt for each pixel: a bias map in place of a picture."""
    x = np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1)
    picture = keras.Input((4, 4, 1))
    added = keras.layers.EinsumDense("nijc,cd->nijd", output_shape=(4, 4, 1), bias_axes="ijd", name="map")(picture)
    network = keras.Model(picture, Unpool()(*PoolWithPositions()(added)))
    network.get_layer("map").set_weights([np.ones((1, 1), np.float32), np.zeros((4, 4, 1), np.float32)])
    _, slopes = gradient(network, x, np.zeros_like(x))
    wanted = np.where(np.isin(x[0], [5, 7, 13, 15]), 2 * x[0], 0)
    assert slopes == pytest.approx(wanted)


def test_they_are_saved_and_know_their_shapes(tmp_path):
    picture = keras.Input((None, None, 2))
    pooled, positions = PoolWithPositions()(picture)
    assert pooled.shape == positions.shape == (None, None, None, 2)
    network = keras.Model(picture, Unpool()(pooled, positions))
    assert network.output_shape == (None, None, None, 2)
    network.save(tmp_path / "model.keras")
    x = np.random.default_rng(0).normal(size=(1, 4, 6, 2)).astype(np.float32)
    again = keras.models.load_model(tmp_path / "model.keras", safe_mode=True)
    assert np.array_equal(numpy_of(again(x)), numpy_of(network(x)))
