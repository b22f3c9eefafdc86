import keras
import numpy as np
import pytest

from dl4art.utils.errors import Dl4artError
from dl4art.utils.window_classifier import answer_windows
from dl4art.utils.window_training import Draws, InOrder, Recipe, train_on_windows, turned, vary
from dl4art.utils.windows import InMemory, cut_windows

LABELS = [0, 0, 0, 1]


@pytest.fixture
def windows(rng):
    """Dark pictures of the first class, a light one of the second."""
    pictures = [rng.integers(0, 60, (8, 8, 2), np.uint8) for _ in range(3)]
    pictures.append(rng.integers(180, 256, (8, 8, 2), np.uint8))
    return cut_windows([(InMemory(picture), [(0, 0), (0, 0)]) for picture in pictures], 8)


def build():
    window = keras.Input((8, 8, 2))
    mean = keras.layers.GlobalAveragePooling2D()(keras.layers.Rescaling(1 / 128, offset=-1)(window))
    return keras.Model(window, keras.layers.Dense(2, activation="softmax")(mean))


def test_classes_are_drawn_equally_often(windows):
    draws = Draws(windows, LABELS, 2, Recipe(batch=16, draws=64), seed=3)
    assert len(draws) == 4
    batches = [draws[number] for number in range(4)]
    assert all(truth.sum(axis=0).tolist() == [8, 8] for _, truth in batches)
    for pixels, truth in batches:
        assert ((pixels.mean(axis=(1, 2, 3)) > 128) == truth.argmax(axis=1)).all()


def test_draws_are_seeded_and_differ_from_epoch_to_epoch(windows):
    recipe = Recipe(batch=16, draws=32)
    one, other = (Draws(windows, LABELS, 2, recipe, seed=3) for _ in range(2))
    assert np.array_equal(one[1][0], other[1][0])
    assert not np.array_equal(one[0][0], one[1][0])
    before = one[1][0]
    one.on_epoch_end()
    assert not np.array_equal(before, one[1][0])
    assert np.array_equal(one[1][0], Draws(windows, LABELS, 2, recipe, seed=3, epoch=1)[1][0])


def test_in_order_nothing_is_left_out(windows):
    pixels, truth = InOrder(windows, LABELS, 2)[0]
    assert np.array_equal(pixels, windows.pixels)
    assert truth.argmax(axis=1).tolist() == [0, 0, 0, 0, 0, 0, 1, 1]


def test_turning_by_nothing_and_by_a_right_angle(rng):
    window = rng.integers(0, 256, (16, 16, 3), np.uint8)
    assert np.array_equal(turned(window, 0), window)
    assert np.array_equal(turned(window, 90), np.rot90(window))
    # what comes in at the corners is of the picture, not black
    assert turned(np.full((16, 16, 2), 90, np.uint8), 25).min() >= 89


def test_windows_are_mirrored_as_the_recipe_says(rng):
    window = np.arange(4, dtype=np.uint8).reshape(2, 2, 1)
    seen = {vary(window, Recipe(flips=True, turns=True), rng).tobytes() for _ in range(200)}
    assert len(seen) == 8
    assert len({vary(window, Recipe(flips=False), rng).tobytes() for _ in range(9)}) == 1


@pytest.mark.parametrize(
    ("optimizer", "loss"), [("sgd", "categorical"), ("rmsprop", "binary"), ("adamw", "categorical")]
)
def test_what_can_be_learnt_is_learnt(windows, optimizer, loss):
    recipe = Recipe(epochs=6, draws=64, batch=16, optimizer=optimizer, loss=loss, rate=0.2)
    network, curve = train_on_windows(build, windows, LABELS, 2, recipe, seed=1, held=windows)
    assert curve["val_accuracy"][-1] == 1
    assert len(curve["loss"]) == 6
    answers = answer_windows(network, windows)
    assert answers.argmax(axis=1).tolist() == [0, 0, 0, 0, 0, 0, 1, 1]


def test_the_same_seed_gives_the_same_network(windows):
    recipe = Recipe(epochs=2, batch=8)
    one, again, other = (train_on_windows(build, windows, LABELS, 2, recipe, seed=seed)[0] for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one.get_weights(), again.get_weights(), strict=True))
    assert not np.array_equal(one.get_weights()[0], other.get_weights()[0])


def test_answers_do_not_depend_on_how_many_are_asked_at_a_time(windows):
    network = build()
    many = cut_windows([(InMemory(window), [(0, 0)]) for window in np.tile(windows.pixels, (5, 1, 1, 1))], 8)
    assert len(many) == 40
    assert np.allclose(answer_windows(network, many), np.tile(answer_windows(network, windows), (5, 1)), atol=1e-6)


def test_a_loss_that_is_no_number_stops_the_training(windows):
    with pytest.raises(Dl4artError, match="the loss is no number any more in epoch 2"):
        train_on_windows(build, windows, LABELS, 2, Recipe(epochs=3, batch=8, rate=float("nan")), seed=1)
