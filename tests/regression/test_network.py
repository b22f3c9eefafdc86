from __future__ import annotations

import numpy as np
import pytest

from dl4art.utils.backend import load_keras

keras = load_keras()
network = pytest.importorskip("dl4art.regression.network")

SMALL = (4, 4, 6, 6, 8)


@pytest.fixture(scope="module")
def trunk():
    keras.utils.set_random_seed(3)
    return network.build_trunk(SMALL)


def test_reach_is_what_an_output_looks_at(trunk, rng):
    reach = network.reach(trunk)
    picture = rng.normal(size=(1, reach + 2 * network.STRIDE, reach, 1)).astype(np.float32)
    whole = trunk.predict_on_batch(picture)
    assert whole.shape == (1, 3, 1, len(network.CHANNELS))
    changed = picture.copy()
    changed[0, : network.STRIDE] += 5
    after = trunk.predict_on_batch(changed)
    np.testing.assert_allclose(after[0, 1:], whole[0, 1:], atol=1e-6)
    assert np.abs(after[0, 0] - whole[0, 0]).max() > 1e-5


def test_a_part_of_a_picture_gives_the_same_outputs_as_the_whole(trunk, rng):
    picture = rng.normal(size=(1, 240, 264, 1)).astype(np.float32)
    whole = trunk.predict_on_batch(picture)
    part = trunk.predict_on_batch(picture[:, 2 * network.STRIDE :, 5 * network.STRIDE :])
    np.testing.assert_allclose(part, whole[:, 2:, 5:], atol=1e-4)


def test_polarity_cannot_matter(trunk, rng):
    picture = rng.normal(size=(2, 120, 120, 1)).astype(np.float32)
    np.testing.assert_allclose(trunk.predict_on_batch(-picture), trunk.predict_on_batch(picture), atol=1e-4)


def test_pooling_weighs_places_by_the_network_s_own_trust():
    pool = network.WindowPool(2)
    outputs = np.zeros((1, 2, 2, 5), np.float32)
    outputs[0, 0, 0, 0] = np.log(2)  # twice the reference density at one place of four
    pooled = keras.ops.convert_to_numpy(pool(outputs))
    assert pooled[0, 0] == pytest.approx(network.REFERENCE_DENSITY * 1.25, rel=1e-5)
    outputs[0, 0, 0, 1] = 6.0  # and that place is trusted far more
    pooled = keras.ops.convert_to_numpy(pool(outputs))
    assert pooled[0, 0] == pytest.approx(network.REFERENCE_DENSITY * 2, rel=0.01)


def test_readability_is_asked_of_the_whole_window():
    outputs = np.zeros((1, 2, 2, 5), np.float32)
    outputs[0, 0, 0, 1], outputs[0, 0, 0, 4] = 6.0, 4.0
    assert keras.ops.convert_to_numpy(network.WindowPool(2)(outputs))[0, 4] == pytest.approx(1.0)


def test_trainer_gives_what_the_loss_takes(trunk, rng):
    trainer = network.build_trainer(trunk)
    out = trainer.predict_on_batch(rng.normal(size=(2, 200, 200, 1)).astype(np.float32))
    assert out.shape == (2, 14 * 14 + len(network.CHANNELS))
    assert np.isfinite(out).all()


def test_layers_survive_serialisation(trunk, tmp_path, rng):
    trainer = network.build_trainer(trunk)
    trainer.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    picture = rng.normal(size=(1, 200, 200, 1)).astype(np.float32)
    np.testing.assert_allclose(again.predict_on_batch(picture), trainer.predict_on_batch(picture), atol=1e-5)
