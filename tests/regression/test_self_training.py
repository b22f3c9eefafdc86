from __future__ import annotations

import dataclasses
import json
from functools import lru_cache

import numpy as np
import pytest

from dl4art.utils.backend import load_keras

keras = load_keras()
from dl4art.regression import ThreadCounter, fine_tuning, presets, pseudo_labels, self_training  # noqa: E402 (Keras is loaded first)
from dl4art.regression.unlabelled import Unlabelled, UnlabelledCrop  # noqa: E402
from dl4art.simulation.samples import draw_samples  # noqa: E402
from dl4art.utils.models import open_model  # noqa: E402

BASE = presets.find_base("shipped")
SETTINGS = dataclasses.replace(
    presets.PRESETS["unlabelled"], base=BASE.name, filters=BASE.filters, crops=2, held=4, check=4
)


@pytest.fixture(scope="module")
def data(drawn):
    """Crops of a simulated plate, and one file that was left out."""
    places = [(row, col) for row in range(0, 460, 115) for col in range(0, 660, 110)]
    crops = [UnlabelledCrop(f"plate {p}", drawn[0][p[0] : p[0] + 240, p[1] : p[1] + 240], "0") for p in places]
    return Unlabelled(tuple(crops), (("bad.tif", "no picture"),))


@lru_cache
def drawn_once(split, size_px):
    return draw_samples(split, range(6), size_px)


def simulate(_folder, split, _count, size_px, **_):
    """Draw a few simulated crops, once for all tests."""
    return drawn_once(split, size_px)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """Where pseudo-labels are kept from one test to the next."""
    return tmp_path_factory.mktemp("pseudo-labels")


@pytest.fixture
def refine(data, kept, tmp_path, monkeypatch):
    """Refine the shipped counter by a training that changes it by as much as is said; figures as they are said."""
    trained = []

    def train(settings, split, folder, *, base, **_):
        trained.append({name: [crop.density for crop in crops] for name, crops in split.items()})
        weights = folder / "model.weights.h5"
        network = fine_tuning.build_network(settings)
        network.load_weights(base)
        network.set_weights([1.001 * values for values in network.get_weights()])
        network.save_weights(weights)
        (folder / "curve.csv").write_text("epoch,loss,val_loss\n0,0.5,0.25\n")
        return weights

    aimed = []

    def calibrate(network, *_, aims, **__):
        aimed.extend(aims)
        shipped = ThreadCounter.from_pretrained()
        return dataclasses.replace(network, calibration=shipped.calibration), dict(shipped.folder.calibration)

    def label(counter, crops, _folder, *done):
        return pseudo_labels.keep_pseudo_labels(counter, crops, kept, *done)

    monkeypatch.setattr(self_training, "keep_pseudo_labels", label)
    for module in (self_training, fine_tuning):
        monkeypatch.setattr(module, "simulate_samples", simulate)
    monkeypatch.setattr(self_training, "train_labelled", train)
    monkeypatch.setattr(self_training, "calibrate_network", calibrate)

    def run(apart, errors=(0.010, 0.011), sure=None, density=12.0):
        told = []
        figures, nmae = iter(apart), iter(errors)
        monkeypatch.setattr(self_training, "disagreement", lambda *_: next(figures))
        monkeypatch.setattr(self_training, "nmae", lambda *_: next(nmae))
        if sure is not None:
            said = np.where(np.arange(24)[:, None] < sure, [density, 12.0], np.nan)

            def label(_counter, crops, *_):
                return pseudo_labels.PseudoLabels(said[: len(crops)], np.zeros((24, 2)), np.ones((24, 2)))

            monkeypatch.setattr(self_training, "keep_pseudo_labels", label)
        model = self_training.refine_counter(SETTINGS, data, tmp_path, BASE, workers=1, tell=told.append)
        return model, json.loads((tmp_path / "results.json").read_text()), told

    run.trained, run.aimed = trained, aimed
    return run


def test_what_helps_is_kept(refine, drawn):
    model, found, told = refine((0.01, 0.05, 0.02))
    assert f"{found['sure']} of 24 crops of 1 files are read surely" in told
    assert found["sure"] >= 18
    (learnt,) = refine.trained
    assert (len(learnt["train"]), len(learnt["stop"])) == (found["learnt_from"], found["held_out"])
    truth = drawn[1].vertical_density.mean(), drawn[1].horizontal_density.mean()
    np.testing.assert_allclose(np.mean(learnt["train"], axis=0), truth, rtol=0.03)
    assert found["kept"] == ""
    assert found["disagreement"] == {"simulated": 0.01, "before": 0.05, "after": 0.02}
    assert found["tested"]["after"]["windows"] > 0
    assert open_model(model).sha256 != BASE.folder.sha256
    assert ThreadCounter.from_pretrained(model).calibration.densities == (5.0, 26.0)
    card = (model / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "| from the pseudo-labels of crops held out | 5.00% | 2.00% |" in card
    assert "| NMAE, simulated windows held out to judge by | 1.00% | 1.10% |" in card
    assert "- bad.tif: no picture" in card
    assert "| 1 | 0.5000 | 0.2500 |" in card
    assert "No one has counted these plates" in card
    assert not refine.aimed


def test_finer_cloths_are_calibrated_on(refine):
    _, found, _ = refine((0.01, 0.05, 0.02), sure=24, density=30.0)
    assert refine.aimed == [30.0] * found["learnt_from"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"apart": (0.01, 0.012)}, "it knows such cloth already"),
        ({"apart": (), "sure": 5}, "of 24 crops the counter is sure of 5, and at least 12 to learn from"),
        ({"apart": (0.01, 0.05, 0.049)}, "is 4.9% from what the base is surest of, and 5.0% before"),
        ({"apart": (0.01, 0.05, 0.02), "errors": (0.01, 0.02)}, "it forgets what it knew"),
    ],
)
def test_what_would_not_help_leaves_the_base(refine, words, why):
    model, found, told = refine(**words)
    assert why in found["kept"]
    assert told[-1] == f"the base is kept: {found['kept']}"
    kept = open_model(model)
    assert (kept.sha256, kept.calibration) == (BASE.folder.sha256, BASE.folder.calibration)
    assert why in (model / "MODEL_CARD.md").read_text(encoding="utf-8")
    # nothing is trained where it can be known before
    assert len(refine.trained) == (len(words["apart"]) == 3)
