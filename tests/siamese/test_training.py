import csv
from dataclasses import replace

import numpy as np
import pytest

from dl4art.utils.backend import load_keras

keras = load_keras()
from dl4art.siamese import samples, training  # noqa: E402 (Keras is loaded silently first)
from dl4art.siamese.encoder import EncoderSettings, PairNetwork, encode  # noqa: E402
from dl4art.simulation.families import FamilyPlan  # noqa: E402

TINY = training.ComparerSettings(
    families=3,
    stop=2,
    epochs=1,
    steps=2,
    batch=2,
    window=120,
    precision="float32",
    encoder=EncoderSettings(filters=(4, 4, 6, 6, 8), hidden=8, size=6, head=8),
)
PLAN = FamilyPlan(cloths=2, plates=3, crops=1, size_px=136)


@pytest.fixture(scope="module")
def drawn():
    return samples.draw_family_samples("train", range(3), PLAN)


@pytest.fixture
def batches(drawn):
    return training.FamilyBatches(drawn, TINY)


def test_a_batch_has_two_plates_of_every_cloth_of_its_families(batches):
    pictures, known = batches[0]
    assert pictures.shape == (8, 120, 120, 1)
    labels = known["labels"]
    assert len(np.unique(labels[:, 0])) == 2
    cloths, counts = np.unique(labels[:, 1], return_counts=True)
    assert len(cloths) == 4
    assert set(counts) == {2}
    assert len(np.unique(labels[:, 2])) == 8


def test_every_family_has_its_turn(drawn):
    batches = training.FamilyBatches(drawn, replace(TINY, batch=1))
    seen = [int(batches[index][1]["labels"][0, 0]) for index in range(6)]
    assert sorted(seen[:3]) == sorted(seen[3:]) == [0, 1, 2]


def test_batches_are_repeatable_and_change_with_the_epoch(drawn, batches):
    again = training.FamilyBatches(drawn, TINY)
    np.testing.assert_array_equal(again[1][0], batches[1][0])
    later = training.FamilyBatches(drawn, TINY, epoch=1)
    again.on_epoch_end()
    np.testing.assert_array_equal(again[1][0], later[1][0])
    assert np.abs(later[1][0] - batches[1][0]).max() > 0


def test_windows_are_parts_of_normalised_crops_with_the_statistics_of_their_own(drawn):
    whole = training.FamilyBatches(drawn, replace(TINY, window=136))
    pictures, known = whole[0]
    for picture, (_, _, plate), statistics in zip(pictures, known["labels"], known["statistics"], strict=True):
        (number,) = np.flatnonzero(drawn.plate == plate)
        crop = whole.normal[number].astype(np.float32)
        flipped = [crop, crop[::-1], crop[:, ::-1], crop[::-1, ::-1]]
        assert any(np.array_equal(picture[..., 0], position) for position in flipped)
        np.testing.assert_array_equal(statistics, whole.statistics[number])
    np.testing.assert_allclose(whole.statistics.mean(axis=(0, 1)), 0, atol=0.15)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """One tiny training, interrupted after its first epoch."""
    folder = tmp_path_factory.mktemp("run")
    told: list[str] = []

    def start(settings):
        return PairNetwork(settings.encoder)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(samples, "PLANS", {"train": PLAN, "stop": PLAN})
        patch.setitem(samples.simulate_families.__kwdefaults__, "shard", 3)
        for epochs in (1, 2):
            told.append(f"until {epochs}")
            best = training.train_comparer(
                replace(TINY, epochs=epochs), folder, workers=1, tell=told.append, start=start
            )
    return folder, best, told


def test_an_interrupted_training_goes_on(trained):
    folder, _, told = trained
    assert [line.split(":")[0] for line in told if line.startswith(("epoch", "until"))] == [
        "until 1",
        "epoch 1",
        "until 2",
        "epoch 2",
    ]
    with (folder / "curve.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1"]
    assert all(0 <= float(row["val_pair_auc"]) <= 1 for row in rows)
    assert [path.name for path in (folder / "crops").iterdir() if path.name.startswith(".")] == []


def test_the_best_epoch_s_weights_are_those_of_a_comparison(trained, rng):
    _, best, _ = trained
    comparison = PairNetwork(TINY.encoder)
    fresh = encode(comparison.encoder, rng.normal(size=(1, 200, 200)).astype(np.float32))
    comparison.load_weights(best)
    again = encode(comparison.encoder, rng.normal(size=(1, 200, 200)).astype(np.float32))
    assert np.abs(again - fresh).max() > 1e-4
    # no optimizer travels with them
    assert best.stat().st_size < 200_000


def test_the_settings_that_made_the_weights_stand_beside_them(trained):
    folder, _, _ = trained
    assert '"window": 120' in (folder / "settings.json").read_text(encoding="utf-8")
    assert '"size": 6' in (folder / "settings.json").read_text(encoding="utf-8")
