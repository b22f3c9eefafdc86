import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from dl4art.utils.backend import load_keras

load_keras()
from dl4art.craquelure.augment import Augmentation  # noqa: E402 (Keras is loaded silently first)
from dl4art.craquelure.networks import NETWORKS  # noqa: E402
from dl4art.craquelure.release import finish_segmenter, judge  # noqa: E402
from dl4art.craquelure.samples import PaintingSamples  # noqa: E402
from dl4art.craquelure.segmenter import Segmenter  # noqa: E402
from dl4art.craquelure.training import (  # noqa: E402
    SegmenterSettings,
    WholeBatches,
    WindowBatches,
    check_settings,
    compile_network,
    train_segmenter,
)
from dl4art.utils.errors import InputError  # noqa: E402

TINY = SegmenterSettings(
    network="tiny",
    filters=(6,),
    pictures=4,
    stop=3,
    check=2,
    window_px=32,
    batch=2,
    epochs=2,
    steps=3,
    precision="float32",
)


def painted(rng, count, side=64):
    """Grey pictures with black lines and white losses."""
    masks = np.zeros((count, side, side), np.uint8)
    for mask in masks:
        mask[:, rng.integers(4, side - 4, 3)] = 1
        mask[40:52, 8:20] = 2
    colours = np.array([130, 10, 240])[masks] + rng.normal(0, 4, masks.shape)
    pictures = np.repeat(np.clip(colours, 0, 255).astype(np.uint8)[..., None], 3, axis=-1)
    return PaintingSamples(pictures, masks, np.zeros(count, np.int8))


@pytest.fixture(autouse=True)
def _networks(monkeypatch):
    """Know a network of one convolution, and a small U-Net."""
    monkeypatch.setitem(NETWORKS, "tiny", (lambda parts, picture, counts: parts.conv(picture, counts[0]), (4,)))
    monkeypatch.setitem(NETWORKS, "unet", (NETWORKS["unet"][0], (2, 2, 2, 2, 2)))


@pytest.fixture
def paintings(monkeypatch, rng):
    """Draw simple pictures in place of paintings."""
    drawn = []

    def simulate(folder, split, count, *, workers, done=lambda _: None):
        drawn.append((split, count))
        done(count)
        return painted(rng, count)

    for room in ("training", "release"):
        monkeypatch.setattr(f"dl4art.craquelure.{room}.simulate_paintings", simulate)
    return drawn


def test_windows_come_from_all_pictures_and_are_the_same_again(rng):
    samples = painted(rng, 5)
    settings = replace(TINY, augmentation=Augmentation(noisy=0), batch=5)
    batches = WindowBatches(list(samples.pictures), list(samples.masks), settings)
    windows, classes = batches[1]
    assert (windows.shape, windows.dtype) == ((5, 32, 32, 3), np.float32)
    assert (classes.shape, classes.dtype) == ((5, 32, 32), np.int32)
    assert sorted(batches._numbers(1)) == list(range(5))
    assert sorted(np.concatenate([replace_batch(batches, 2)._numbers(i) for i in range(5)])) == sorted([*range(5)] * 2)
    assert np.array_equal(batches[1][0], windows)
    batches.on_epoch_end()
    assert not np.array_equal(batches[1][0], windows)
    # a training that goes on sees what it would have seen
    later = WindowBatches(samples.pictures, samples.masks, settings, epoch=1)
    assert np.array_equal(later[1][0], batches[1][0])


def replace_batch(batches, batch):
    settings = replace(batches.settings, batch=batch, steps=5)
    return WindowBatches(batches.pictures, batches.masks, settings)


def test_whole_pictures_come_once_each(rng):
    samples = painted(rng, 6)
    batches = WholeBatches(samples.pictures, samples.masks)
    parts = [batches[index] for index in range(len(batches))]
    assert np.array_equal(np.concatenate([part[0] for part in parts]), samples.pictures)
    assert np.array_equal(np.concatenate([part[1] for part in parts]), samples.masks)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"network": "alexnet"}, "no network of that name"),
        ({"loss": "hinge"}, "no loss of that name"),
        ({"network": "light", "window_px": 100}, "window_px is 100; light needs a multiple of 32"),
        ({"steps": 0}, "steps is 0"),
    ],
)
def test_recipes_that_cannot_be_followed(change, message, tmp_path):
    with pytest.raises(InputError, match=message):
        check_settings(replace(TINY, **change))


def test_the_learning_rate_rises_and_falls(tiny):
    network = tiny("light")
    compile_network(network, replace(TINY, epochs=10, steps=100, rate=1e-3, last_rate=1e-5))
    rates = [float(network.optimizer._learning_rate(step)) for step in (0, 100, 550, 1000)]
    assert rates == pytest.approx([1e-4, 1e-3, 0.5 * (1e-3 + 1e-5), 1e-5], rel=0.02)


def test_it_learns(rng, tmp_path, paintings):
    settings = replace(TINY, epochs=2, steps=120, batch=4, rate=3e-2)
    train_segmenter(settings, tmp_path, tell=lambda _: None)
    with (tmp_path / "curve.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2
    assert float(rows[-1]["loss"]) < 0.8 * float(rows[0]["loss"])
    assert max(float(row["val_mean_iou"]) for row in rows) > 0.6


def test_a_training_goes_on_is_finished_and_gives_a_segmenter(tmp_path, paintings):
    told = []
    one = replace(TINY, epochs=1)
    train_segmenter(one, tmp_path, tell=told.append)
    assert paintings == [("stop", 3), ("train", 4)]
    with pytest.raises(InputError, match="holds a training with epochs 1, not 2"):
        train_segmenter(TINY, tmp_path, tell=told.append)
    # as if it had been killed after the first of two
    facts = json.loads((tmp_path / "settings.json").read_text()) | {"epochs": 2}
    (tmp_path / "settings.json").write_text(json.dumps(facts))
    weights = train_segmenter(TINY, tmp_path, tell=told.append)
    assert "1 of 2 epochs are done; going on from there" in told
    assert len((tmp_path / "curve.csv").read_text().splitlines()) == 3

    model = finish_segmenter(TINY, tmp_path, workers=1, tell=told.append)
    segmenter = Segmenter.from_pretrained(model)
    assert weights.exists()
    assert segmenter.segment(np.zeros((40, 50), np.uint8)).shape == (40, 50)
    card = (model / "MODEL_CARD.md").read_text()
    assert card.count("| held-out kind | 2 |") == 2
    assert "{" not in card.replace("{'", "")
    tests = segmenter.folder.calibration
    assert set(tests["paintings"]) == {"kinds of the training", "held-out kind"}
    # black lines on grey are what a top-hat finds
    assert tests["paintings"]["held-out kind"]["top-hat"]["line_f1"] > 0.95
    assert min(tests["images_per_second"][name] for name in ("segmenter", "unet")) > 0
    assert segmenter.folder.config["recipe"]["seed"] == TINY.seed


def test_judging(rng):
    samples = painted(rng, 3)
    masks = samples.masks.copy()
    masks[2][masks[2] == 1] = 0
    samples = PaintingSamples(samples.pictures, masks, samples.kinds)
    answers = dict(zip((picture.tobytes() for picture in samples.pictures), masks, strict=True))
    perfect = judge(lambda picture: answers[picture.tobytes()], samples)
    assert (perfect["mean_iou"], perfect["line_f1"], perfect["false_cracks"]) == (1, 1, 0)
    everywhere = judge(lambda picture: np.ones(picture.shape[:2], np.uint8), samples)
    assert everywhere["false_cracks"] == 1
    assert everywhere["craquelure"]["recall"] == 1
    assert everywhere["loss"]["recall"] == 0
