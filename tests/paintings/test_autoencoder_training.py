import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from dl4art.utils.backend import load_keras

keras = load_keras()
from dl4art.paintings import autoencoder_training as training  # noqa: E402 (Keras is loaded silently first)
from dl4art.paintings.autoencoder import RATES, SIZES, answer, build_autoencoder, reconstruction_loss  # noqa: E402
from dl4art.utils.errors import InputError, ModelError  # noqa: E402
from dl4art.utils.models import open_model  # noqa: E402

TINY = training.AutoencoderSettings(filters=(4, 6), px=32, side=32, epochs=3, steps=15, batch=4, rate=1e-2, seed=3)


@pytest.fixture(scope="module")
def pictures():
    rng = np.random.default_rng(1)
    coarse = rng.integers(0, 256, (8, 4, 4, 3))
    return np.kron(coarse, np.ones((1, 8, 8, 1))).astype(np.uint8)


def train(folder, pictures, settings=TINY, tell=lambda _: None, fingerprint="a"):
    groups = list(map(str, range(len(pictures))))
    return training.train_autoencoder(settings, pictures, groups, folder, fingerprint=fingerprint, tell=tell)


@pytest.fixture(scope="module")
def trained(tmp_path_factory, pictures):
    """A training that is over; not to be changed."""
    folder = tmp_path_factory.mktemp("trained")
    train(folder, pictures)
    return folder


def curve_of(folder):
    return json.loads((folder / "training.json").read_text())["curve"]


def test_it_learns_and_is_saved(trained, pictures):
    curve = curve_of(trained)
    settings, autoencoder, encoder = training.open_autoencoder(trained / "model")
    assert settings == TINY
    model = open_model(trained / "model")
    assert model.calibration["squared_error_held_out"] == min(row["val_squared_error"] for row in curve)
    assert answer(encoder, pictures).shape == (8, 8, 8, 6)
    error = np.square((answer(autoencoder, pictures) - pictures) / 255).mean()
    assert error < 0.7 * curve[0]["loss"]


@pytest.mark.parametrize("unpooling", ["upsampling", "positions"])
def test_at_full_size_the_first_steps_lead_downhill(pictures, unpooling):
    """At the rate of the thin network they end at one mean colour."""
    keras.utils.set_random_seed(0)
    network, _ = build_autoencoder(SIZES["full"], unpooling)
    network.compile(keras.optimizers.Adam(RATES["full"]), loss=reconstruction_loss("mse"))
    few = pictures[:4].astype(np.float32)
    for _ in range(30):
        network.train_on_batch(few, few)
    error = np.square((np.asarray(network.predict_on_batch(few)) - few) / 255).mean()
    assert error < 0.6 * (pictures[:4] / 255).var()


def test_it_goes_on_where_it_was(trained, tmp_path, pictures):
    def stop(text):
        if text.startswith("epoch 2"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, pictures, tell=stop)
    told = []
    parts = train(tmp_path, pictures, tell=told.append)
    assert "2 of 3 epochs are done" in told[0]
    for one, other in zip(curve_of(tmp_path), curve_of(trained), strict=True):
        assert one == pytest.approx(other, rel=1e-3)
    # and once more costs nothing
    told.clear()
    assert train(tmp_path, pictures, tell=told.append).sha256 == parts.sha256
    assert not told


def test_a_folder_holds_one_training(trained, pictures):
    with pytest.raises(InputError, match="other pictures"):
        train(trained, pictures, fingerprint="b")
    with pytest.raises(InputError, match="loss 'mse', not 'kullback-leibler'"):
        train(trained, pictures, replace(TINY, loss="kullback-leibler"))


@pytest.mark.parametrize(
    ("change", "words"),
    [({"px": 34}, "px: 34"), ({"side": 30}, "side: 30"), ({"side": 64}, "from 32 to 32"), ({"side": 16}, "side: 16")],
)
def test_settings_that_cannot_be(tmp_path, pictures, change, words):
    with pytest.raises(InputError, match=words):
        train(tmp_path, pictures, replace(TINY, **change))


def test_too_few(tmp_path, pictures):
    with pytest.raises(InputError, match="3 paintings"):
        train(tmp_path, pictures[:3])


def test_models_of_other_kinds_are_refused(trained, tmp_path):
    path = shutil.copytree(trained / "model", tmp_path / "model")
    config = json.loads((path / "config.json").read_text())
    for change, words in (({"kind": "painter"}, "of the kind 'painter'"), ({"filters": [4, 9]}, "cannot be loaded"),
                          ({"filters": 3}, "cannot be loaded")):  # fmt: skip
        (path / "config.json").write_text(json.dumps({**config, **change}))
        with pytest.raises(ModelError, match=words):
            training.open_autoencoder(path)


def test_squares_depend_on_seed_and_epoch_alone(pictures):
    def make(**more):
        return training.Squares(pictures, 16, **{"batch": 4, "steps": 3, "seed": 1, **more})

    one, other = make(), make()
    assert len(one) == 3
    assert np.array_equal(one[2][0], other[2][0])
    assert np.array_equal(*one[1])
    one.on_epoch_end()
    assert not np.array_equal(one[2][0], other[2][0])
    assert np.array_equal(one[2][0], make(epoch=1)[2][0])
    fixed = make(fixed=True)
    fixed.on_epoch_end()
    assert np.array_equal(fixed[2][0], other[2][0])


@pytest.mark.parametrize("share", [0.01, 0.3, 0.99])
def test_groups_are_held_out_whole(share):
    groups = [f"g{number // 3}" for number in range(30)]
    held = training.hold_out(groups, share, 5)
    sides = [
        {group for group, out in zip(groups, held, strict=True) if out is np.bool_(side)} for side in (True, False)
    ]
    assert all(sides)
    assert not sides[0] & sides[1]
    assert abs(held.mean() - share) <= 0.1 + 1e-9
    assert np.array_equal(held, training.hold_out(groups, share, 5))
