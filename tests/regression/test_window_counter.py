from __future__ import annotations

import numpy as np
import pytest

from dl4art.utils.backend import load_keras

keras = load_keras()
from dl4art.regression import ThreadCounter, window_counter  # noqa: E402 (Keras is loaded silently first)
from dl4art.regression.count_file import load_counter  # noqa: E402
from dl4art.regression.inception import build_inception  # noqa: E402
from dl4art.regression.preprocess import equalise, stretched  # noqa: E402
from dl4art.utils.errors import InputError, ModelError  # noqa: E402
from dl4art.utils.models import write_model  # noqa: E402


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny network of that kind that was never trained."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    folder.mkdir()
    keras.utils.set_random_seed(1)
    network = build_inception(1)
    network.layers[-1].bias.assign([12.0])
    network.save_weights(folder / "model.weights.h5")
    config = {"architecture": "vgg-inception", "filters": [1], "window_px": 200, "px_per_cm": 200, "dl4art": "0.1.0"}
    write_model(folder, config=config, calibration={"half_width": 0.05, "densities": [8, 11]}, card="none\n")
    return folder


@pytest.fixture(scope="module")
def counter(folder):
    return load_counter("auto", folder)


@pytest.fixture
def pictures(rng):
    return rng.integers(0, 256, (2, 200, 240)).astype(np.float32)


def test_it_is_loaded_by_its_architecture(folder, counter):
    assert isinstance(counter, window_counter.WindowCounter)
    assert isinstance(load_counter("network", folder), window_counter.WindowCounter)
    assert counter.name.startswith("tiny ")


def test_a_window_is_read_as_it_was_trained_on(counter, pictures):
    window = stretched(equalise(pictures[0, :, :200]))
    wanted = counter.network.predict_on_batch(np.stack([window, window.T])[..., None])[:, 0]
    np.testing.assert_allclose(counter.presume(pictures[:1, :, :200])[0], wanted, rtol=1e-5)


def test_a_larger_picture_is_the_mean_over_its_windows(counter, pictures):
    equal = equalise(pictures[0])
    windows = np.stack([stretched(equal[:, x : x + 200]) for x in (0, 40)])[..., None]
    wanted = counter.network.predict_on_batch(windows).mean()
    assert counter.presume(pictures)[0, 0] == pytest.approx(wanted, rel=1e-5)


def test_transposing_swaps_the_directions(counter, pictures):
    turned = [picture.T for picture in pictures]
    np.testing.assert_allclose(counter.presume(turned), counter.presume(pictures)[:, ::-1], rtol=1e-5)


def test_estimates_have_intervals_and_remarks(counter, pictures):
    estimate = counter.predict(pictures)[0]
    assert estimate.status == "ok"
    assert estimate.vertical_low == pytest.approx(0.95 * estimate.vertical_per_cm)
    assert estimate.horizontal_high == pytest.approx(1.05 * estimate.horizontal_per_cm)
    assert "vertical density is outside 8 to 11 th/cm" in estimate.message


def test_too_small_a_picture_is_refused(counter):
    with pytest.raises(InputError, match="smaller than a window"):
        counter.predict([np.zeros((150, 300))])


def test_what_needs_the_other_network_says_so(folder):
    with pytest.raises(ModelError, match="is a vgg-inception network, which reads single windows"):
        ThreadCounter.from_pretrained(folder)


def test_a_folder_that_does_not_fit(folder, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    (wrong / "model.weights.h5").write_bytes((folder / "model.weights.h5").read_bytes())
    config = {"architecture": "vgg-inception", "filters": [2]}
    write_model(wrong, config=config, calibration={"half_width": None, "densities": [8, 11]}, card="none\n")
    with pytest.raises(ModelError, match="cannot be loaded as a vgg-inception counter"):
        load_counter("auto", wrong)
