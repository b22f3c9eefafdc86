import csv
import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from dl4art.cropping.photographs import fingerprint
from dl4art.utils.backend import load_keras
from dl4art.utils.class_folders import read_class_folders

load_keras()
from dl4art.paintings import painter_training as training  # noqa: E402 (Keras is loaded silently first)
from dl4art.paintings.autoencoder import answer  # noqa: E402
from dl4art.paintings.autoencoder_training import AutoencoderSettings, open_autoencoder  # noqa: E402
from dl4art.paintings.baselines import BASELINES  # noqa: E402
from dl4art.paintings.heads import HeadSettings, pooled_features  # noqa: E402
from dl4art.paintings.painters import PainterClassifier  # noqa: E402
from dl4art.paintings.standard import read_all, read_standard  # noqa: E402
from dl4art.utils.errors import InputError, ModelError  # noqa: E402

TINY = training.PainterSettings(
    head=HeadSettings(units=16, epochs=12, batch=8, rate=1e-2),
    autoencoder=AutoencoderSettings(filters=(4, 6), px=32, side=32, epochs=1, steps=6, batch=4),
    folds=2,
)


@pytest.fixture(scope="module")
def found(striped_folder):
    return read_class_folders(striped_folder, fingerprint)


@pytest.fixture(scope="module")
def trained(found, tmp_path_factory):
    """A training that is over, and what it told; not to be changed."""
    output = tmp_path_factory.mktemp("painters")
    told = []
    training.train_painters(TINY, found, output, tell=told.append)
    return output, told


def test_it_writes_all_that_there_is_to_say(trained):
    output, told = trained
    names = {path.name for path in output.iterdir()}
    assert {
        "evaluation.json", "evaluation.txt", "confusion.png", "predictions.csv", "baselines.csv", "baselines.txt",
        "curves.png", "reconstructions.png", "right_and_wrong.png", "left_out.csv", "model", "autoencoder", "folds",
    } <= names  # fmt: skip
    assert any(text.startswith("memory: ") for text in told)
    evaluation = json.loads((output / "evaluation.json").read_text())
    assert evaluation["pictures"] == 16
    assert evaluation["accuracy"] > 0.95
    with (output / "baselines.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["method"] for row in rows] == [
        "classifier",
        *(f"{name} on {what}" for what in ("pixels", "features", "pooled features") for name in BASELINES),
    ]
    assert float(rows[0]["accuracy"]) == pytest.approx(evaluation["accuracy"], abs=1e-4)
    card = (output / "model" / "MODEL_CARD.md").read_text()
    assert "has seen the pictures tested on" in card
    assert "classifier" in card


def test_the_model_names_the_painter(trained, striped_folder):
    model = PainterClassifier.from_pretrained(trained[0] / "model")
    assert model.classes == ("broad", "narrow é")
    paths = sorted(striped_folder.rglob("*.png"))
    opinions = [model.classify(path) for path in paths]
    assert np.mean([opinion.said == path.parent.name for opinion, path in zip(opinions, paths, strict=True)]) > 0.8
    assert opinions[0].probability.sum() == pytest.approx(1, abs=1e-5)
    squares = np.stack([read_standard(path, 32) for path in paths])
    assert model.predict(squares) == pytest.approx(np.stack([o.probability for o in opinions]), abs=1e-4)
    with pytest.raises(InputError, match="Pass"):
        model.predict(squares[:, :16])


def test_what_is_done_is_not_done_again(trained, found, tmp_path):
    output = shutil.copytree(trained[0], tmp_path / "again")
    last = max((output / "folds").iterdir())
    before = np.load(last)["probability"]
    last.unlink()
    first = min((output / "folds").iterdir()).read_bytes()
    told = []
    training.train_painters(TINY, found, output, tell=told.append)
    assert not any("to learn from" in text for text in told)
    assert min((output / "folds").iterdir()).read_bytes() == first
    # the same seed gives the same figures
    assert np.load(last)["probability"] == pytest.approx(before, abs=1e-4)
    old, new = (json.loads((path / "evaluation.json").read_text()) for path in (trained[0], output))
    assert {**old, "about": 0} == {**new, "about": 0}
    with pytest.raises(InputError, match="seed 1, not 2"):
        training.train_painters(replace(TINY, seed=2), found, output)


def test_the_same_seed_gives_the_same_folds_and_figures_from_the_beginning(trained, found, tmp_path):
    training.train_painters(TINY, found, tmp_path, tell=lambda _: None)
    for name in ("fold-01.npz", "fold-02.npz"):
        first, again = (np.load(place / "folds" / name) for place in (trained[0], tmp_path))
        assert np.array_equal(first["numbers"], again["numbers"])
        assert again["probability"] == pytest.approx(first["probability"], abs=1e-4)
    for name in ("confusion.csv", "baselines.csv"):
        assert (tmp_path / name).read_text() == (trained[0] / name).read_text()


def test_an_encoder_may_be_thawed(trained, found):
    _, _, encoder = open_autoencoder(trained[0] / "autoencoder" / "model")
    before = encoder.get_weights()
    pictures = read_all([picture.path for picture in found.pictures], 32)
    settings = replace(TINY, head=replace(TINY.head, thaw=True, pooling="flat", epochs=5))
    features = pooled_features(encoder, None, pictures)
    known = training.Described(settings, found, pictures, features, encoder)
    network, curve = training.train_classifier(known, np.arange(16), 0)
    assert len(curve["loss"]) == 5 + 1
    assert answer(network, pictures).shape == (16, 2)
    # the fold's own copy has learnt, and the next fold begins where this one did
    after = network.get_layer("encoder").get_weights()
    assert all(not np.array_equal(one, other) for one, other in zip(before, after, strict=True))
    assert all(np.array_equal(one, other) for one, other in zip(before, encoder.get_weights(), strict=True))


def test_other_models_are_refused(trained, tmp_path):
    with pytest.raises(ModelError, match="kind 'autoencoder', and 'painter' is needed"):
        PainterClassifier.from_pretrained(trained[0] / "autoencoder" / "model")
    path = shutil.copytree(trained[0] / "model", tmp_path / "model")
    config = json.loads((path / "config.json").read_text())
    for change in (
        {"fit": "fill"},
        {"filters": [4, 7]},
        {"classes": None},
        {"head": {"depth": 3}},
        {"px": "x"},
        {"px": float("inf")},
    ):
        (path / "config.json").write_text(json.dumps({**config, **change}))
        with pytest.raises(ModelError, match="does not fit this version"):
            PainterClassifier.from_pretrained(path)
    (path / "config.json").write_text(json.dumps({name: value for name, value in config.items() if name != "kind"}))
    with pytest.raises(ModelError, match="of another kind"):
        PainterClassifier.from_pretrained(path)


def test_an_encoder_that_is_none(trained, found, tmp_path):
    with pytest.raises(ModelError, match="of the kind 'painter', not 'autoencoder'"):
        training.train_painters(TINY, found, tmp_path, encoder=trained[0] / "model")
