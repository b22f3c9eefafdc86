from __future__ import annotations

import csv
import dataclasses
import functools
import json
import signal

import numpy as np
import pytest

from dl4art.utils.backend import load_keras

keras = load_keras()
from dl4art.regression import fine_tuning, labelled, labelled_release, presets  # noqa: E402 (Keras is loaded first)
from dl4art.regression.count_file import load_counter  # noqa: E402
from dl4art.utils.cli import PICTURES, gather  # noqa: E402
from dl4art.utils.errors import InputError, ModelError  # noqa: E402

TINY = presets.LabelledSettings(
    crops=2,
    epochs=3,
    draws=12,
    held=4,
    batch=4,
    rate=1e-3,
    patience=0,
    check=12,
    precision="float32",
    filters=(4, 4, 6, 6, 8),
)
INCEPTION = dataclasses.replace(
    presets.PRESETS["upstream"], epochs=1, draws=8, held=4, batch=4, filters=(1,), falls=True
)


@pytest.fixture(scope="module", autouse=True)
def small_files():
    """Few simulated crops in a file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fine_tuning, "SHARD", 2)
        yield


@pytest.fixture(scope="module")
def split(labelled_folder):
    return labelled.split_crops(
        labelled.read_labelled(gather([labelled_folder], (*PICTURES, ".json")), labelled_folder)
    )


def curve(folder):
    with (folder / "curve.csv").open(encoding="utf-8") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def whole(split, tmp_path_factory):
    """A tiny training that nothing has disturbed."""
    folder = tmp_path_factory.mktemp("whole")
    told = []
    weights = fine_tuning.train_labelled(TINY, split, folder, workers=1, tell=told.append)
    return folder, weights, told


def test_a_training_leaves_weights_and_curve(whole):
    folder, weights, told = whole
    assert weights == folder / "model.weights.h5"
    rows = curve(folder)
    assert [row["epoch"] for row in rows] == [0, 1, 2]
    assert {"loss", "window_nmae", "val_loss", "val_window_nmae"} <= {*rows[0]}
    assert "2 simulated crops are mixed in" in told


def test_a_finished_training_is_not_begun_again(whole, split):
    folder, weights, _ = whole
    before, told = weights.stat().st_mtime_ns, []
    fine_tuning.train_labelled(TINY, split, folder, workers=1, tell=told.append)
    assert weights.stat().st_mtime_ns == before
    assert told[0].startswith("3 of 3 epochs are done, the best is epoch ")


def test_another_training_in_the_folder_is_refused(whole, split):
    folder, *_ = whole
    with pytest.raises(InputError, match=r"holds a training with rate 0\.001, not 0\.002"):
        fine_tuning.train_labelled(dataclasses.replace(TINY, rate=2e-3), split, folder)
    with pytest.raises(InputError, match="holds a training with other crops or labels"):
        fine_tuning.train_labelled(TINY, {**split, "stop": split["stop"][:1]}, folder)


def test_a_base_of_another_network_is_refused(whole, split, tmp_path):
    settings = dataclasses.replace(TINY, crops=0, filters=(4, 4, 6, 6, 10))
    with pytest.raises(ModelError, match="cannot be loaded to start from"):
        fine_tuning.train_labelled(settings, split, tmp_path, base=whole[1])


def test_it_starts_from_the_weights_of_the_base(whole, split, tmp_path):
    """And keeps its normalisations."""
    settings = dataclasses.replace(TINY, epochs=1, crops=0, base="whole", share=0.25)
    mean = fine_tuning.train_labelled(settings, split, tmp_path, base=whole[1])
    networks = [fine_tuning.build_network(TINY) for _ in range(3)]
    for network, path in zip(networks, (whole[1], tmp_path / "model.weights.h5", mean), strict=True):
        network.load_weights(path)
    moved = set()
    for variable, *values in zip(networks[0].variables, *(network.get_weights() for network in networks), strict=True):
        before, after, between = values
        np.testing.assert_allclose(between, before + 0.25 * (after - before), atol=1e-6)
        if np.abs(after - before).max() > 0:
            moved.add(variable.name)
    assert moved == {"kernel", "bias", "profiles"}


def test_more_threads_draw_the_same(whole, split, tmp_path):
    fine_tuning.train_labelled(TINY, split, tmp_path, workers=3)
    for one, other in zip(curve(whole[0]), curve(tmp_path), strict=True):
        assert other == pytest.approx(one, rel=1e-3)


KILLED = """
import os, signal, sys
from pathlib import Path
from dl4art.utils.backend import load_keras
load_keras()
from dl4art.regression import fine_tuning, labelled, labelled_windows, presets
from dl4art.utils.cli import PICTURES, gather

root, folder = map(Path, sys.argv[1:3])
fine_tuning.SHARD = 2
seen = []
whole = labelled_windows.Joined.__getitem__

def until(self, index):
    seen.append(index)
    if (Path(folder) / "training.json").exists() and len(seen) > {calls}:
        os.kill(os.getpid(), signal.SIGKILL)
    return whole(self, index)

labelled_windows.Joined.__getitem__ = until
split = labelled.split_crops(labelled.read_labelled(gather([root], (*PICTURES, ".json")), root))
fine_tuning.train_labelled({settings}, split, folder, workers=1)
"""


def test_a_training_that_was_killed_goes_on(whole, split, labelled_folder, run_python, tmp_path):
    """Killed in the middle of the second epoch: the same call ends with the curve of an undisturbed training."""
    folder = tmp_path / "killed"
    settings = "presets." + repr(TINY)
    done = run_python("-c", KILLED.format(calls=14, settings=settings), labelled_folder, folder)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert 1 <= len(curve(folder)) < TINY.epochs
    told = []
    fine_tuning.train_labelled(TINY, split, folder, workers=1, tell=told.append)
    assert any("going on from there" in line for line in told)
    for one, other in zip(curve(whole[0]), curve(folder), strict=True):
        assert other == pytest.approx(one, rel=1e-3)


@pytest.fixture
def calibrated(monkeypatch):
    """What was calibrated on besides; the calibration itself, which has tests of its own, is the shipped one."""
    seen = {}
    shipped = load_counter("network")

    def calibrate(network, folder, check, *, more, aims, **_):
        seen.update(more=more, aims=aims)
        return dataclasses.replace(network, calibration=shipped.calibration), dict(shipped.folder.calibration)

    monkeypatch.setattr(labelled_release, "calibrate_network", calibrate)
    return seen


def test_the_model_folder_says_what_it_is_worth(whole, split, calibrated):
    folder, weights, _ = whole
    settings = dataclasses.replace(TINY, check=4)
    model = labelled_release.finish_labelled(settings, split, folder, weights, workers=1, tell=lambda _: None)
    assert [samples.density.shape for samples in calibrated["more"]] == [(2, 2, 1, 1)]
    assert not len(calibrated["aims"])
    calibration = json.loads((model / "calibration.json").read_text())
    assert calibration["densities"] == [5, 26]
    assert "map" in calibration
    results = json.loads((folder / "results.json").read_text())
    canvas = split["test"][0].canvas
    for when in ("before", "after"):
        tested = results["labelled"][when]
        assert tested["canvases"][canvas]["crops"] == 2
        assert [*tested["within"]] == ["0.25", "0.5", "1"]
        assert results["simulated"][when]["windows"] > 0
    # the shipped counter knows threads without whims
    assert results["labelled"]["before"]["nmae"] < 0.02
    card = (model / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert f"| {canvas} | 2 | test |" in card
    assert "| 0.25 |" in card
    assert "2 simulated crops of 304 px" in card
    assert card.count("\n| 3 |") == 1
    assert load_counter("auto", model).predict([split["test"][0].grey])[0].status in {"ok", "no-estimate"}


def test_densities_outside_the_shipped_range_widen_it(whole, split, calibrated, write_labelled_crops, tmp_path):
    folder, *_ = whole
    write_labelled_crops(tmp_path, [(30, 4)], crops=1)
    fine = labelled.read_labelled(gather([tmp_path], (*PICTURES, ".json")), tmp_path)
    settings = dataclasses.replace(TINY, check=4)
    model = labelled_release.finish_labelled(
        settings, {**split, "train": fine}, folder, whole[1], workers=1, tell=lambda _: None
    )
    low, high = json.loads((model / "calibration.json").read_text())["densities"]
    assert low < 4.05
    assert high >= 30
    # so fine a density has to be calibrated on
    assert calibrated["aims"] == pytest.approx([crop.density[0] for crop in fine], rel=1e-6)


def test_the_upstreams_network_trains_saves_loads_and_counts(split, labelled_folder, tmp_path, capsys, monkeypatch):
    from dl4art import count, model

    # to make a graph of its many layers takes longer than all the rest; other networks here are trained by one
    monkeypatch.setattr(keras.Model, "compile", functools.partialmethod(keras.Model.compile, run_eagerly=True))
    told = []
    weights = fine_tuning.train_labelled(INCEPTION, split, tmp_path, tell=told.append)
    assert "no simulated" not in " ".join(told)
    made = labelled_release.finish_labelled(INCEPTION, split, tmp_path, weights, tell=told.append)
    config = json.loads((made / "config.json").read_text())
    assert config["architecture"] == "vgg-inception"
    assert "equalised" in config["preprocessing"]
    # four values are too few to say how wide an interval has to be
    assert json.loads((made / "calibration.json").read_text())["half_width"] is None
    card = (made / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "It refuses nothing" in card
    assert model.main(["check", str(made)]) == 0
    picture = labelled_folder / "canvas-0" / "crop-0.tif"
    assert count.main([str(picture), "--model", str(made)]) == 0
    assert "ok" in capsys.readouterr().out.splitlines()[-1]
    base = presets.find_base(made)
    assert (base.architecture, base.filters) == ("vgg-inception", (1,))


def test_the_half_width_covers_19_in_20(rng):
    errors = rng.random(39)
    half = labelled_release.half_width(errors)
    assert (errors <= half).sum() == 38
    assert labelled_release.half_width(errors[:19]) is None
