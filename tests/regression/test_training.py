from __future__ import annotations

import csv
import json
from types import SimpleNamespace

import numpy as np
import pytest

from dl4art.utils.backend import load_keras

keras = load_keras()
from dl4art.regression import release, samples, training  # noqa: E402 (Keras is loaded silently first)
from dl4art.regression.combined import CombinedCounter  # noqa: E402
from dl4art.regression.counter import ThreadCounter  # noqa: E402
from dl4art.simulation.samples import draw_samples  # noqa: E402

TINY = training.TrainingSettings(
    crops=12,
    chequered=6,
    chequered_from=1,
    epochs=1,
    draws=8,
    batch=4,
    check=12,
    precision="float32",
    filters=(4, 4, 6, 6, 8),
)


@pytest.fixture(scope="module")
def crops():
    return draw_samples("train", range(6), 240)


def test_windows_carry_the_truth_of_what_they_show(crops):
    windows = training.Windows(crops, batch=12)
    pictures, truths = windows[0]
    assert pictures.shape == (12, 200, 200, 1)
    for row, (sample, direction) in enumerate(windows.items):
        cells = crops.density[sample, direction, :25, :25]
        assert truths[row, training.LOCAL] == pytest.approx(cells.mean(), rel=1e-5)


def test_horizontal_windows_are_transposed(crops):
    windows = training.Windows(crops, batch=2)
    (upright, turned), truths = windows[0]
    np.testing.assert_array_equal(turned[..., 0], upright[..., 0].T)
    assert truths[1, training.LOCAL] == pytest.approx(crops.density[0, 1, :25, :25].mean(), rel=1e-5)
    assert truths[1, training.LOCAL + 2] == pytest.approx(-crops.angle[0, 1] / 10)


def test_flips_turn_the_angle_and_keep_the_density(crops):
    windows = training.Windows(crops, batch=2)
    plain = windows._window(0, 0, 1, 2, (False, False))
    flipped = windows._window(0, 0, 1, 2, (True, False))
    np.testing.assert_array_equal(flipped[0], plain[0][::-1])
    assert flipped[1][training.LOCAL] == pytest.approx(plain[1][training.LOCAL])
    assert flipped[1][-1] == pytest.approx(-plain[1][-1])
    both = windows._window(0, 0, 1, 2, (True, True))
    assert both[1][-1] == pytest.approx(plain[1][-1])


def test_later_crops_wait_for_their_epoch(crops):
    windows = training.Windows(crops, batch=64, draws=64, later=(2, 1))
    truths = {row[training.LOCAL] for row in windows[0][1]}
    early = {
        float(np.float32(crops.density[n, d, y : y + 25, x : x + 25].mean()))
        for n in range(2)
        for d in range(2)
        for y in range(6)
        for x in range(6)
    }
    assert all(min(abs(value - other) for other in early) < 1e-3 for value in truths)
    windows.on_epoch_end()
    late = {row[training.LOCAL] for row in windows[0][1]}
    assert any(min(abs(value - other) for other in early) > 1e-3 for value in late)


def test_draws_are_repeatable_and_change_with_the_epoch(crops):
    first, second = (training.Windows(crops, batch=4, draws=8, seed=5) for _ in range(2))
    np.testing.assert_array_equal(first[1][0], second[1][0])
    second.on_epoch_end()
    assert np.abs(first[1][0] - second[1][0]).max() > 0


def test_the_rate_falls_along_two_cosines():
    settings = training.TrainingSettings(epochs=4, again=3, rate=0.01)
    rates = [float(training.Cosines(settings, 100)(step)) for step in (0, 150, 299, 300, 350, 399)]
    assert rates == pytest.approx([0.01, 0.00505, 0.0001, 0.005, 0.002525, 0.00005], abs=3e-5)
    once = training.TrainingSettings(epochs=2, again=3, rate=0.01)
    assert float(training.Cosines(once, 100)(199)) == pytest.approx(0.0001, abs=1e-5)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """One tiny training, from nothing to a model folder."""
    folder = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            samples.simulate_samples, "__kwdefaults__", {**samples.simulate_samples.__kwdefaults__, "shard": 6}
        )
        patch.setattr(
            release.calibrate_network, "__kwdefaults__", {**release.calibrate_network.__kwdefaults__, "shard": 6}
        )
        told: list[str] = []
        training.train_counter(TINY, folder, workers=1, tell=told.append)
        model = release.finish_model(TINY, folder, workers=1, tell=told.append)
        again: list[str] = []
        training.train_counter(training.TrainingSettings(**{**vars(TINY), "epochs": 2}), folder, tell=again.append)
    return folder, model, told, again


def test_a_training_leaves_a_model_that_counts(trained):
    _, model, _, _ = trained
    pictures = draw_samples("sample", range(2), 200).grey
    for kind in (ThreadCounter, CombinedCounter):
        estimates = kind.from_pretrained(model).predict(pictures)
        assert [e.status in {"ok", "no-estimate"} for e in estimates] == [True, True]


def test_the_card_states_recipe_results_and_curve(trained):
    folder, model, _, _ = trained
    card = (model / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "12 crops of 240 px" in card
    assert "`draws`: 8" in card
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    for name in results:
        assert f"| {name} | combined |" in card


@pytest.mark.parametrize("aims", [(), (30.0,)])
def test_a_counter_is_calibrated_on_crops_as_fine_as_it_has_learnt(monkeypatch, tmp_path, aims):
    seen = []

    def refuse(parts):
        seen.extend(parts)
        raise InterruptedError

    monkeypatch.setattr(
        release, "_hold", lambda _network, samples, canvas=None: SimpleNamespace(samples=samples, canvas=canvas)
    )
    monkeypatch.setattr(release, "calibrate", refuse)
    drawn = draw_samples("calibrate", range(6), release.CROP)
    monkeypatch.setattr(release, "simulate_samples", lambda *_, **__: drawn)
    with pytest.raises(InterruptedError):
        release.calibrate_network(ThreadCounter.from_pretrained(), tmp_path, 4, aims=aims, tell=lambda _: None)
    assert len(seen) == 4 + len(aims)
    for finer in seen[2:-2]:
        assert np.abs(finer.samples.density / 30 - 1).min(axis=(1, 2, 3)) == pytest.approx(0, abs=0.05)
        # these are canvases that others show, and in the same folds
        assert len(finer.canvas) == len(finer.samples)
        assert set(finer.canvas) <= set(range(6))


def test_an_interrupted_training_goes_on(trained):
    folder, _, told, again = trained
    assert [line.split(":")[0] for line in told if line.startswith("epoch")] == ["epoch 1 of 1"]
    assert [line.split(":")[0] for line in again if line.startswith("epoch")] == ["epoch 2 of 2"]
    assert "1 of 2 epochs are done; going on from there" in again
    with (folder / "curve.csv").open(encoding="utf-8") as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["0", "1"]
