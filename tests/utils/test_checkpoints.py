from __future__ import annotations

import csv
import json
import resource

import numpy as np
import pytest

from dl4art.utils.backend import load_keras

keras = load_keras()
from dl4art.utils.checkpoints import Checkpoints  # noqa: E402 (Keras is loaded silently first)
from dl4art.utils.errors import Dl4artError, InputError, OutputError  # noqa: E402

X = np.random.default_rng(0).normal(size=(16, 3)).astype(np.float32)
Y = (X @ np.float32([1, -2, 0.5]))[:, None]


def make(width=4):
    keras.utils.set_random_seed(1)
    parts = [keras.Input((3,)), keras.layers.Dense(width), keras.layers.Dropout(0.3), keras.layers.Dense(1)]
    model = keras.Sequential(parts)
    model.compile(keras.optimizers.Adam(0.01), loss="mse")
    return model


def train(folder, epochs=4, stop_after=None, x=X, y=Y, **settings):
    """Train; `stop_after` so many epochs the process dies."""
    kept = Checkpoints(folder, epochs, **settings)
    model = make()
    kept.restore(model)
    last = epochs if stop_after is None else stop_after
    model.fit(x, y, epochs=last, initial_epoch=kept.done, shuffle=False, verbose=0, callbacks=[kept],
              validation_data=(X, Y))  # fmt: skip
    return kept


def curve(folder):
    with (folder / "curve.csv").open(encoding="utf-8") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def test_the_best_may_be_the_largest(tmp_path):
    assert train(tmp_path, epochs=3).best == 2
    (tmp_path / "large").mkdir()
    assert train(tmp_path / "large", epochs=3, large=True).best == 0


def test_it_goes_on_as_if_nothing_had_happened(tmp_path):
    for name in ("whole", "parts"):
        (tmp_path / name).mkdir()
    train(tmp_path / "whole", seed=3)
    told = []
    train(tmp_path / "parts", stop_after=1, seed=3)
    train(tmp_path / "parts", stop_after=3, seed=3, tell=told.append)
    assert told[0] == "1 of 4 epochs are done; going on from there"
    train(tmp_path / "parts", seed=3)
    whole, parts = curve(tmp_path / "whole"), curve(tmp_path / "parts")
    assert [row["epoch"] for row in parts] == [0, 1, 2, 3]
    for one, other in zip(whole, parts, strict=True):
        assert other == pytest.approx(one, rel=1e-5)
    assert sorted(path.name for path in (tmp_path / "parts").iterdir()) == [
        "curve.csv", "model.weights.h5", "state-0004.weights.h5", "training.json",
    ]  # fmt: skip


def test_an_epoch_that_was_not_finished_does_not_count(tmp_path):
    train(tmp_path, stop_after=2)
    # what a kill in the middle of keeping the third epoch leaves
    (tmp_path / "state-0003.weights.h5").write_bytes(b"half of it")
    (tmp_path / "curve.csv").write_text("epoch\n0\n1\n2\n")
    assert Checkpoints(tmp_path, 4).done == 2
    train(tmp_path)
    assert len(curve(tmp_path)) == 4


def test_it_stops_early_and_keeps_the_best(tmp_path):
    told = []
    kept = train(tmp_path, epochs=30, patience=2, x=-X, tell=told.append)
    assert kept.best == 0
    assert kept.done == 3
    assert kept.over
    assert told[-1] == "no better for 2 epochs: the best is epoch 1"
    assert Checkpoints(tmp_path, 30, patience=2).over
    best = make()
    best.optimizer.build(best.trainable_variables)
    best.load_weights(tmp_path / "model.weights.h5")
    assert best.evaluate(X, Y, verbose=0) == pytest.approx(curve(tmp_path)[0]["val_loss"], rel=1e-5)


def test_each_epoch_says_how_it_went_and_how_long_it_takes(tmp_path):
    told = []
    train(tmp_path, epochs=2, tell=told.append)
    assert told[0].startswith("epoch 1 of 2: loss ")
    assert told[0].endswith("at most 1 min left")
    assert told[1].endswith("at most 0 min left")


def test_a_loss_that_is_no_number_stops_it(tmp_path):
    train(tmp_path, stop_after=1)
    with pytest.raises(Dl4artError, match="the loss is no number any more in epoch 2") as error:
        train(tmp_path, y=Y * np.nan)
    assert "ends with epoch 1" in str(error.value)
    assert len(curve(tmp_path)) == 1


def test_a_full_disk_loses_nothing(tmp_path):
    train(tmp_path, stop_after=2)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (6000, before[1]))
    try:
        with pytest.raises(OutputError, match=r"state-0003.weights.h5: cannot be written"):
            train(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert Checkpoints(tmp_path, 4).done == 2
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    assert train(tmp_path).done == 4


@pytest.mark.parametrize("text", ["{", "[]", '{"state": "x"}'])
def test_a_damaged_state_is_named(text, tmp_path):
    (tmp_path / "training.json").write_text(text)
    with pytest.raises(InputError, match=r"training.json: cannot be read"):
        Checkpoints(tmp_path, 4)


def test_weights_of_another_network_are_named(tmp_path):
    train(tmp_path, stop_after=1)
    with pytest.raises(InputError, match=r"state-0001.weights.h5: cannot be loaded"):
        Checkpoints(tmp_path, 4).restore(make(width=5))
    assert json.loads((tmp_path / "training.json").read_text())["state"] == "state-0001.weights.h5"
