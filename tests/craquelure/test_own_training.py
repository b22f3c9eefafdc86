import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from dl4art.utils.backend import load_keras

load_keras()
import keras  # noqa: E402 (Keras is loaded silently first)

from dl4art.craquelure import own_training  # noqa: E402
from dl4art.craquelure.networks import NETWORKS, build_network, encoder_layers  # noqa: E402
from dl4art.craquelure.own_pictures import LabelledPhotograph, split_pictures  # noqa: E402
from dl4art.craquelure.own_release import NOTHING, finish_own_segmenter  # noqa: E402
from dl4art.craquelure.own_training import OwnSettings, Start, choose_start, train_own_segmenter  # noqa: E402
from dl4art.craquelure.segmenter import Segmenter, save_segmenter  # noqa: E402
from dl4art.utils.errors import InputError, ModelError  # noqa: E402

TINY = OwnSettings(network="tiny", window_px=32, batch=4, epochs=3, steps=30, frozen=0.34, rate=3e-2, last_rate=1e-3)


def _network(parts, picture, counts):
    """One convolution to encode and one to decode."""
    features = parts.conv(keras.layers.Rescaling(1 / 127.5, offset=-1)(picture), counts[0], size=1)
    parts.begin_decoder()
    return parts.conv(features, counts[0], size=1)


@pytest.fixture(autouse=True)
def _networks(monkeypatch):
    monkeypatch.setitem(NETWORKS, "tiny", (_network, (4,)))


@pytest.fixture
def split(rng):
    """Grey photographs with black lines and white losses, smaller and larger than a slice."""
    found = []
    for number, shape in enumerate([(24, 40), (48, 40), (40, 70), (64, 64)]):
        mask = np.zeros(shape, np.uint8)
        mask[:, rng.integers(4, shape[1] - 4, 3)] = 1
        mask[10:20, 8:20] = 2
        colours = np.array([130, 10, 240])[mask] + rng.normal(0, 4, shape)
        picture = np.repeat(np.clip(colours, 0, 255).astype(np.uint8)[..., None], 3, axis=-1)
        found.append(LabelledPhotograph(f"{number}|.png", picture, mask, str(number)))
    return split_pictures(found, 1)


@pytest.fixture
def base(tmp_path):
    """A segmenter that has learnt nothing."""
    keras.utils.set_random_seed(5)
    network = build_network("tiny", (4,))
    save_segmenter(network, tmp_path / "base", name="tiny", filters=(4,), card="base\n")
    return tmp_path / "base"


def test_it_learns_from_a_base_and_says_so(split, base, tmp_path):
    told = []
    start = choose_start(TINY, base=base)
    assert start.settings.base == Segmenter.from_pretrained(base).name
    train_own_segmenter(start, split, tmp_path / "run", tell=told.append, quiet=True)
    done = finish_own_segmenter(start, split, tmp_path / "run", left_out=[("x.png", "damaged")], tell=told.append)
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert done.rose
    assert results["after"]["all"]["mean_iou"] > max(0.6, results["before"]["all"]["mean_iou"])
    assert list(results["after"]["pictures"]) == [item.name for item in split["held"]]
    segmenter = Segmenter.from_pretrained(done.model)
    item = split["train"][0]
    assert (segmenter.segment(item.picture) == item.mask).mean() > 0.8
    assert segmenter.folder.config["recipe"]["base"] == start.settings.base
    card = (done.model / "MODEL_CARD.md").read_text()
    assert f"**{done.outcome}**" in card
    assert "frozen in the first 1 of 3 epochs" in card
    assert "| 3\\|.png | top-hat |" in card or "| all | top-hat |" in card
    assert "- x.png: damaged" in card
    assert card.count("held out |") == len(split["held"])


def test_nothing_learnt_is_said_and_the_base_kept(split, base, tmp_path):
    start = choose_start(replace(TINY, rate=1e-9, last_rate=1e-9, epochs=1, steps=1), base=base)
    train_own_segmenter(start, split, tmp_path / "run", tell=lambda _: None, quiet=True)
    done = finish_own_segmenter(start, split, tmp_path / "run", tell=lambda _: None)
    assert not done.rose
    assert done.outcome.startswith("The mean IoU did not rise")
    assert done.outcome in (done.model / "MODEL_CARD.md").read_text()
    kept = Segmenter.from_pretrained(done.model).network.get_weights()
    for one, other in zip(kept, Segmenter.from_pretrained(base).network.get_weights(), strict=True):
        assert np.array_equal(one, other)


def test_a_training_from_nothing_is_compared_with_background(split, tmp_path):
    start = choose_start(replace(TINY, epochs=1, steps=1), network="tiny")
    assert (start.known, start.before, own_training.frozen_epochs(start)) == ("", None, 0)
    train_own_segmenter(start, split, tmp_path, tell=lambda _: None, quiet=True)
    done = finish_own_segmenter(start, split, tmp_path, tell=lambda _: None)
    assert f"({NOTHING})" in (done.model / "MODEL_CARD.md").read_text()


def weights_of(network, encoder):
    layers = encoder_layers(network)
    chosen = layers if encoder else [layer for layer in network.layers if layer not in layers]
    return [weight.copy() for layer in chosen for weight in layer.get_weights()]


def same(some, others):
    return all(np.array_equal(one, other) for one, other in zip(some, others, strict=True))


def test_the_encoder_is_frozen_and_then_thawed_and_an_interruption_changes_nothing(split, base, tmp_path, monkeypatch):
    settings = replace(TINY, steps=2, frozen=0.34, epochs=3)
    start = choose_start(settings, base=base)
    kept, rates = [weights_of(start.network, True)], []

    class Seen(own_training.Checkpoints):
        stop = None

        def on_epoch_end(self, epoch, logs=None):
            super().on_epoch_end(epoch, logs)
            kept.append(weights_of(self.model, True))
            rates.append((int(self.model.optimizer.iterations), float(self.model.optimizer.learning_rate)))
            if self.done == Seen.stop:
                raise KeyboardInterrupt

    monkeypatch.setattr(own_training, "Checkpoints", Seen)
    train_own_segmenter(start, split, tmp_path / "whole", tell=lambda _: None, quiet=True)
    assert same(kept[0], kept[1])
    assert not same(kept[1], kept[2])
    assert [step for step, _ in rates] == [2, 4, 6]
    whole = weights_of(start.network, False) + weights_of(start.network, True)

    # killed after the frozen epoch, and once more after the first thawed one
    for Seen.stop in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            train_own_segmenter(
                choose_start(settings, base=base), split, tmp_path / "parts", tell=lambda _: None, quiet=True
            )
    Seen.stop = None
    again = choose_start(settings, base=base)
    train_own_segmenter(again, split, tmp_path / "parts", tell=lambda _: None, quiet=True)
    for one, other in zip(whole, weights_of(again.network, False) + weights_of(again.network, True), strict=True):
        assert one == pytest.approx(other, abs=1e-6)
    with (tmp_path / "parts" / "curve.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 3


def test_a_folder_is_of_one_training(split, base, tmp_path):
    one = replace(TINY, epochs=1, steps=1)
    train_own_segmenter(choose_start(one, base=base), split, tmp_path / "run", tell=lambda _: None, quiet=True)
    other = {**split, "held": [replace(split["held"][0], sha256="changed")]}
    with pytest.raises(InputError, match="holds a training with other photographs or labels"):
        train_own_segmenter(choose_start(one, base=base), other, tmp_path / "run", tell=lambda _: None)


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        ({"network": "light", "base": "shipped"}, InputError, "Leave one of them out"),
        ({"encoder_weights": "a.h5"}, InputError, "--encoder-weights is for --network res-unet"),
        ({"network": "light"}, InputError, "window_px is 33; light needs a multiple of 32"),
        ({"base": "nowhere"}, ModelError, "nowhere: neither a model folder"),
    ],
)
def test_starts_that_mean_nothing(words, error, message):
    with pytest.raises(error, match=message):
        choose_start(replace(TINY, window_px=33), **words)


def test_an_encoder_from_a_file_alone_is_known(monkeypatch, tmp_path):
    monkeypatch.setattr(own_training, "ENCODED", "tiny")
    monkeypatch.setattr(own_training, "load_resnet50", lambda network, path: None)
    (tmp_path / "weights.h5").write_bytes(b"weights")
    start = choose_start(TINY, network="tiny", encoder_weights=tmp_path / "weights.h5")
    assert isinstance(start, Start)
    assert start.settings.base.startswith("ResNet-50 ")
    own_training._compile(start, own_training.own_recipe(TINY), frozen=True)
    trainable = {layer.name for layer in start.network.layers if layer.trainable and layer.weights}
    assert trainable == {"decoder_convolve_2", "decoder_norm_2", "decoder_logits_1"}
    own_training._compile(start, own_training.own_recipe(TINY), frozen=False)
    still = {layer.name for layer in start.network.layers if not layer.trainable}
    assert still == {"encoder_norm_1"}
