import csv
from dataclasses import replace

import numpy as np
import pytest

from dl4art.utils.backend import load_keras

keras = load_keras()
from dl4art.siamese import samples, training  # noqa: E402 (Keras is loaded silently first)
from dl4art.siamese.encoder import EncoderSettings, PairNetwork, encode_frames  # noqa: E402
from dl4art.siamese.frame import thread_frame  # noqa: E402
from dl4art.simulation.families import FamilyPlan  # noqa: E402
from dl4art.simulation.statistics import STATISTICS  # noqa: E402

TINY = training.ComparerSettings(
    families=3,
    stop=2,
    epochs=1,
    steps=2,
    batch=2,
    canvas=192,
    precision="float32",
    encoder=EncoderSettings(filters=(4, 4, 6, 6, 8), hidden=8, size=6, head=8),
)
PLAN = FamilyPlan(cloths=2, plates=3, crops=1, size_px=152)


@pytest.fixture(scope="module")
def drawn():
    return samples.draw_family_samples("train", range(3), PLAN)


@pytest.fixture(scope="module")
def frames(drawn):
    density = np.exp(drawn.statistics[..., 0])
    framed = [thread_frame(grey, known) for grey, known in zip(drawn.grey, density, strict=True)]
    pixels = np.concatenate([frame.ravel() for frame in framed]).astype(np.float16)
    return samples.Frames(pixels, np.array([frame.shape for frame in framed]), density)


@pytest.fixture
def batches(drawn, frames):
    return training.FamilyBatches(drawn, frames, TINY)


def test_a_batch_has_two_plates_of_every_cloth_of_its_families(batches):
    given, known = batches[0]
    assert given["crops"].shape == (8, 192, 192, 2)
    assert given["density"].shape == (8, 2)
    labels = known["labels"]
    assert len(np.unique(labels[:, 0])) == 2
    cloths, counts = np.unique(labels[:, 1], return_counts=True)
    assert len(cloths) == 4
    assert set(counts) == {2}
    assert len(np.unique(labels[:, 2])) == 8


def test_every_family_has_its_turn(drawn, frames):
    batches = training.FamilyBatches(drawn, frames, replace(TINY, batch=1))
    seen = [int(batches[index][1]["labels"][0, 0]) for index in range(6)]
    assert sorted(seen[:3]) == sorted(seen[3:]) == [0, 1, 2]


def test_batches_are_repeatable_and_change_with_the_epoch(drawn, frames, batches):
    again = training.FamilyBatches(drawn, frames, TINY)
    np.testing.assert_array_equal(again[1][0]["crops"], batches[1][0]["crops"])
    later = training.FamilyBatches(drawn, frames, TINY, epoch=1)
    again.on_epoch_end()
    np.testing.assert_array_equal(again[1][0]["crops"], later[1][0]["crops"])
    assert np.abs(later[1][0]["crops"] - batches[1][0]["crops"]).max() > 0


def test_crops_are_framed_and_stand_with_statistics_and_densities_of_their_own(drawn, frames, batches):
    given, known = batches[0]
    framed = frames.each()
    for crop, density, (_, _, plate), statistics in zip(
        given["crops"], given["density"], known["labels"], known["statistics"], strict=True
    ):
        (number,) = np.flatnonzero(drawn.plate == plate)
        np.testing.assert_array_equal(density, frames.density[number])
        np.testing.assert_array_equal(statistics, batches.statistics[number])
        # all of it is there, somewhere and in some position
        if max(framed[number].shape) <= 192:
            seen = crop[..., 0][crop[..., 1] > 0]
            own = framed[number][np.isfinite(framed[number])].astype(np.float32)
            np.testing.assert_array_equal(np.sort(seen), np.sort(own))
    assert known["statistics"].shape[-1] == len(STATISTICS) - 1
    np.testing.assert_allclose(batches.statistics.mean(axis=(0, 1)), 0, atol=0.15)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """One tiny training, interrupted after its first epoch."""
    folder = tmp_path_factory.mktemp("run")
    told: list[str] = []

    def start(settings):
        return PairNetwork(settings.encoder)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(samples, "PLANS", {"train": PLAN, "stop": PLAN})
        for function in (samples.simulate_families, samples.frame_families):
            patch.setitem(function.__kwdefaults__, "shard", 3)
        for epochs in (1, 2):
            told.append(f"until {epochs}")
            best = training.train_comparer(
                replace(TINY, epochs=epochs),
                folder / "run",
                workers=1,
                tell=told.append,
                start=start,
                crops=folder / "crops",
            )
    return folder / "run", best, told


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
    assert [path.name for path in (folder.parent / "crops").iterdir() if path.name.startswith(".")] == []


def test_a_trainer_has_the_loss_that_was_asked_for():
    for name, loss in training.LOSSES.items():
        assert training.ComparerTrainer(PairNetwork(TINY.encoder), 1.0, name).pair_loss is loss


def test_the_best_epoch_s_weights_are_those_of_a_comparison(trained, frames):
    _, best, _ = trained
    comparison = PairNetwork(TINY.encoder)
    fresh = encode_frames(comparison.encoder, frames.each(), frames.density)
    comparison.load_weights(best)
    again = encode_frames(comparison.encoder, frames.each(), frames.density)
    assert np.abs(again - fresh).max() > 1e-4
    # no optimizer travels with them
    assert best.stat().st_size < 250_000


def test_the_settings_that_made_the_weights_stand_beside_them(trained):
    folder, _, _ = trained
    assert '"canvas": 192' in (folder / "settings.json").read_text(encoding="utf-8")
    assert '"size": 6' in (folder / "settings.json").read_text(encoding="utf-8")
