import csv
import json
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pytest

from dl4art.utils.backend import load_keras

keras = load_keras()
from dl4art.siamese import FabricComparer, own_release, own_training, samples  # noqa: E402 (Keras is loaded first)
from dl4art.siamese.comparison import LIMITS  # noqa: E402
from dl4art.siamese.encoder import PairNetwork  # noqa: E402
from dl4art.siamese.own_plates import FramedPlate, OwnPlate  # noqa: E402
from dl4art.simulation.families import FamilyPlan  # noqa: E402
from dl4art.utils import fine_tuning  # noqa: E402
from dl4art.utils.errors import InputError, ModelError  # noqa: E402
from dl4art.utils.models import open_model  # noqa: E402

TINY = own_training.OwnSettings(
    base="tiny", families=2, epochs=3, steps=3, canvases=3, simulated=1, held=2, rate=1e-2, patience=0, check=1,
    precision="float32",
)  # fmt: skip
PLAN = FamilyPlan(cloths=2, plates=2, crops=1, size_px=152)


def cloth(canvas, plate, crops=3):
    """A framed plate whose waves stray by what its canvas says, on a ground of its own."""
    rng = np.random.default_rng([canvas, plate])
    y, x = np.mgrid[:150, :150] / 12
    frames = []
    for _ in range(crops):
        stray = 0.1 * canvas * np.sin(2 * np.pi * (y / 5 + rng.random()))
        waves = np.cos(2 * np.pi * (x + stray)) + np.cos(2 * np.pi * y) + rng.normal(0, 0.1 + 0.2 * plate, x.shape)
        frames.append(waves.astype(np.float16))
    density = np.full((crops, 2), 10 + 0.1 * canvas, np.float32)
    return FramedPlate(OwnPlate(f"canvas-{canvas}", f"plate-{plate}", (), f"{canvas} {plate}"), tuple(frames), density)


@pytest.fixture(scope="module")
def split():
    several = [[cloth(canvas, plate) for plate in (0, 1)] for canvas in range(6)]
    # one has only one plate
    return {
        "train": [*several[0], *several[1], several[2][0]],
        "stop": [*several[3], several[4][0]],
        "test": [*several[4], *several[5]],
    }


@pytest.fixture(scope="module", autouse=True)
def small_families():
    """Families of four small crops, and few in a file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(samples, "PLANS", dict.fromkeys(("train", "stop"), PLAN))
        patch.setattr(own_training, "SHARD", 1)
        patch.setattr(own_release, "SHARD", 1)
        patch.setattr(own_release, "PLAN", replace(PLAN, crops=2))
        yield


@pytest.fixture(scope="module")
def base(model_folder):
    return open_model(model_folder)


@pytest.fixture(scope="module")
def start(base):
    """What a training starts from."""
    return own_release._made_of(base), base


def run(folder, split, start, settings=TINY, told=None):
    network, base = start
    plates = [framed.plate for part in split.values() for framed in part]
    own_training.claim_own(settings, plates, folder, counter="test")
    tell = (lambda _: None) if told is None else told.append
    return own_training.train_own(settings, split, folder, network, base.weights, workers=1, tell=tell)


@pytest.fixture(scope="module")
def whole(split, start, tmp_path_factory):
    """A tiny training that nothing has disturbed."""
    folder, told = tmp_path_factory.mktemp("whole"), []
    return folder, run(folder, split, start, told=told), told


def curve(folder):
    with (folder / "curve.csv").open(encoding="utf-8") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def test_a_batch_has_two_plates_of_a_canvas_where_there_are_two(split):
    batches = own_training.CanvasBatches(split["train"], TINY, steps=4, seed=5)
    given, labels = batches[0]
    assert given["crops"].shape == (6, 192, 192, 2)
    assert set(labels[:, 0]) == {0}
    for canvas, plates in ((0, 2), (1, 2), (2, 1)):
        assert len(set(labels[labels[:, 1] == canvas, 2])) == plates
    for density, (_, _, plate) in zip(given["density"], labels, strict=True):
        np.testing.assert_array_equal(density, split["train"][plate].density[0])


def test_canvases_of_a_batch_are_those_of_the_nearest_densities(split):
    batches = own_training.CanvasBatches(split["train"], replace(TINY, canvases=2), steps=4, seed=5)
    batches.log_density = np.log([[10, 10], [20, 20], [10.1, 10.1]])
    batches.paired[:] = True
    seen = {tuple(sorted({*batches[index][1][:, 1].tolist()})) for index in range(30)}
    assert (0, 2) in seen
    assert len(seen) <= 3
    assert sum(tuple(sorted({*batches[i][1][:, 1].tolist()})) == (0, 2) for i in range(30)) > 12


def test_batches_change_with_the_epoch_unless_they_tell_when_to_stop(split):
    for fixed in (True, False):
        batches = own_training.CanvasBatches(split["train"], TINY, steps=4, seed=5, fixed=fixed)
        before = batches[1][0]["crops"]
        np.testing.assert_array_equal(before, batches[1][0]["crops"])
        batches.on_epoch_end()
        assert (np.abs(batches[1][0]["crops"] - before).max() == 0) == fixed


def test_it_learns_from_canvases_and_families_and_lays_the_result_between(whole, start):
    network, base = start
    folder, trained, told = whole
    rows = curve(folder)
    assert [row["epoch"] for row in rows] == [0, 1, 2]
    assert rows[-1]["loss"] < rows[0]["loss"]
    assert "2 simulated families of cloths are mixed in" in told
    before, after, mean = (PairNetwork(network) for _ in range(3))
    for model, path in ((before, base.weights), (after, folder / "model.weights.h5"), (mean, trained.weights)):
        model.load_weights(path)
    moved = set()
    for variable, old, new, between in zip(
        before.variables, *(model.get_weights() for model in (before, after, mean)), strict=True
    ):
        np.testing.assert_allclose(between, (old + new) / 2, atol=1e-5)
        if np.abs(new - old).max() > 0:
            moved.add(variable.name)
    assert "kernel" in moved
    # normalisations are the base's
    assert not moved & {"gamma", "beta", "moving_mean", "moving_variance"}


def test_another_training_in_the_folder_is_refused(whole, split, start):
    with pytest.raises(InputError, match=r"holds a training with rate 0\.01, not 0\.5"):
        run(whole[0], split, start, replace(TINY, rate=0.5))
    with pytest.raises(InputError, match="holds a training with other plates"):
        run(whole[0], {**split, "test": split["test"][:2]}, start)


def test_an_interrupted_training_goes_on(whole, split, start, monkeypatch, tmp_path):
    """In the middle of the second epoch: the same call ends with the curve of an undisturbed training."""

    @contextmanager
    def until(*_, **__):
        left = iter(range(8))

        def advance(_):
            if next(left, None) is None:
                raise KeyboardInterrupt

        yield advance

    with monkeypatch.context() as patch:
        patch.setattr(fine_tuning, "progress", until)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path, split, start)
    assert len(curve(tmp_path)) == 1
    told = []
    run(tmp_path, split, start, told=told)
    assert any("going on from there" in line for line in told)
    for one, other in zip(curve(whole[0]), curve(tmp_path), strict=True):
        assert other == pytest.approx(one, rel=1e-3)


def test_what_does_not_help_leaves_the_base(whole, split, start, monkeypatch):
    """By their loss on what is held out."""
    folder, trained, told = whole
    before, after = (
        float(word)
        for word in next(line for line in told if "held out" in line).split()
        if word.replace(".", "").isdigit()
    )
    assert trained.helped == (after < before)
    _, base = start
    told, losses = [], iter([0.5, 0.6])
    monkeypatch.setattr(own_training, "_loss", lambda *_: next(losses))
    trained = run(folder, split, start, told=told)
    assert not trained.helped
    assert "the base's weights are kept" in told[-1]
    model = own_release.finish_own(TINY, split, folder, base, trained, workers=1, tell=told.append)
    assert open_model(model).sha256 == base.sha256
    assert open_model(model).calibration == base.calibration
    assert "these are the base's weights" in (model / "MODEL_CARD.md").read_text()
    results = json.loads((folder / "results.json").read_text())
    assert results["before"] == results["after"]


def test_the_model_says_what_it_is_worth_and_that_it_is_not_calibrated(whole, split, base, counter, plate):
    folder, trained, _ = whole
    bad = FramedPlate(OwnPlate("canvas-9", "blank.tif", (), ""), (), np.zeros((0, 2), np.float32), "nothing to read")
    model = own_release.finish_own(
        TINY, split, folder, base, replace(trained, helped=True), left_out=[bad], workers=1, tell=lambda _: None
    )
    results = json.loads((folder / "results.json").read_text())
    for when in ("before", "after"):
        # four plates of two canvases: four pairs of plates are strangers and two are not
        assert results[when]["own"]["canvases"] == 6
        assert results[when]["own"]["pairs"] == 6 * 9
        assert 0 <= results[when]["simulated"]["pair_auc"] <= 1
    assert results["before"]["own"] != results["after"]["own"]
    card = (model / "MODEL_CARD.md").read_text()
    assert "| canvas-0 | 2 | 6 | train |" in card
    assert "- blank.tif: nothing to read" in card
    assert f"| canvases held out | 54 | {results['before']['own']['pair_auc']:.3f} |" in card
    comparer = FabricComparer.from_pretrained(model, counter=counter)
    assert comparer.name != f"{base.name} {base.sha256[:8]}"
    found = comparer.compare(plate(1), plate(2), crops=4)
    assert "has learnt from 6 real canvases" in found.limits[0]
    assert "nobody has calibrated them" in found.limits[0]
    assert found.limits[1:] == LIMITS[1:]
    assert found.limits[0] in found.in_words()


def test_a_base_that_is_no_comparer_is_refused(model_folder):
    with pytest.raises(ModelError, match="not known to this version"):
        own_release.find_own_base(model_folder)
    folder, network = own_release.find_own_base("shipped")
    assert folder.name == "fabrics"
    assert network.size == 48
