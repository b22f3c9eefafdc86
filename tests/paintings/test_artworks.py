import dataclasses
import json

import h5py
import keras
import numpy as np
import pytest
from PIL import Image

from dl4art import classify, train
from dl4art.cropping.photographs import fingerprint
from dl4art.paintings.artworks import ArtworkNetwork, artwork_plan, build_artwork_network, load_artworks
from dl4art.utils.class_folders import read_class_folders
from dl4art.utils.class_training import train_on_classes
from dl4art.utils.errors import InputError, ModelError
from dl4art.utils.window_training import Recipe

LEARN = [
    *("--side", "32", "--filters", "4", "--epochs", "12", "--batch", "16", "--rate", "0.003"),
    *("--optimizer", "rmsprop", "--windows", "6", "--folds", "2"),
]


def draw(path, upright, number, mode="RGB", size=(44, 40)):
    """Stripes, upright and light or level and dark."""
    rng = np.random.default_rng([number, upright])
    x, y = np.meshgrid(np.arange(size[0]), np.arange(size[1]))
    wave = np.sin((x if upright else y) * 2 * np.pi / rng.uniform(6, 9) + rng.uniform(0, 6))
    tone = 40 if upright else -40
    colours = 120 + 50 * wave[..., None] * rng.uniform(0.5, 1, 3) + tone + rng.normal(0, 20, (size[1], size[0], 3))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.clip(colours, 0, 255).astype(np.uint8)).convert(mode).save(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two classes of eight pictures, of many modes, with one that is damaged."""
    place = tmp_path_factory.mktemp("b\N{LATIN SMALL LETTER A WITH DIAERESIS}r lin")
    for number in range(8):
        mode = ("RGB", "L", "P", "RGBA", "RGB", "RGB", "RGB", "RGB")[number]
        draw(place / "level" / f"p{number}.png", False, number, mode)
        draw(place / "up right" / f"q\N{LATIN SMALL LETTER E WITH ACUTE} {number}.png", True, number, mode)
    draw(place / "level" / "cmyk.jpg", False, 99, "CMYK")
    (place / "level" / "torn.png").write_bytes((place / "level" / "p0.png").read_bytes()[:300])
    return place


@pytest.fixture(scope="module")
def trained(folder, tmp_path_factory):
    output = tmp_path_factory.mktemp("out")
    assert train.main(["artwork", "--data", str(folder), "-o", str(output), "--h5", *LEARN]) == 0
    return output


def test_two_kinds_of_pictures_are_learnt_to_above_95_percent(trained):
    figures = json.loads((trained / "evaluation.json").read_text())
    assert figures["accuracy"] > 0.95
    assert figures["pictures"] == 17
    assert figures["about"]["optimizer"] == "rmsprop"


def test_everything_is_written(trained):
    names = {path.relative_to(trained).as_posix() for path in trained.rglob("*") if path.is_file()}
    assert names == {
        *("evaluation.json", "evaluation.txt", "confusion.csv", "confusion.png", "predictions.csv", "curves.png"),
        *("right_and_wrong.png", "left_out.csv", "settings.json", "folds/fold-01.npz", "folds/fold-02.npz", "model.h5"),
        *("model/config.json", "model/calibration.json", "model/MODEL_CARD.md", "model/model.weights.h5"),
    }
    assert 'torn.png,"damaged or cut short' in (trained / "left_out.csv").read_text()
    assert "Tested in 2 folds" in (trained / "model" / "MODEL_CARD.md").read_text()


def test_the_model_and_its_h5_say_the_same(trained):
    windows = np.random.default_rng(1).integers(0, 256, (3, 32, 32, 3)).astype(np.float32)
    plain = keras.models.load_model(trained / "model.h5", compile=False)
    ours = load_artworks(trained / "model").network
    assert np.allclose(plain.predict_on_batch(windows), ours.predict_on_batch(windows), atol=1e-5)


def test_new_pictures_are_named(trained, tmp_path, capsys):
    draw(tmp_path / "new.png", True, 1000, size=(90, 60))
    (tmp_path / "torn.png").write_bytes(b"no picture")
    words = ["artwork", str(tmp_path), "--model", str(trained / "model"), "-o", str(tmp_path / "said.json")]
    assert classify.main([*words, "--format", "csv", "json"]) == 1
    shown = capsys.readouterr().out
    assert "up right" in shown
    assert "failed" in shown
    good, bad = json.loads((tmp_path / "said.json").read_text())["results"]
    assert (good["class"], good["windows"], bad["status"]) == ("up right", 6, "failed")
    assert good["p level"] + good["p up right"] == pytest.approx(1)
    assert len((tmp_path / "said.csv").read_text().splitlines()) == 3
    assert (tmp_path / "said.png").stat().st_size > 3000


def test_the_same_seed_gives_the_same_figures(folder, tmp_path):
    words = ["artwork", "--data", str(folder), *LEARN, "--epochs", "1", "--windows", "1"]
    places = [tmp_path / name for name in ("one", "two")]
    assert [train.main([*words, "-o", str(place)]) for place in places] == [0, 0]
    first, again = ((place / "predictions.csv").read_text() for place in places)
    assert first == again


def test_nothing_is_learnt_from_a_picture_that_is_tested_on(folder, tmp_path):
    seen = []

    def spy(windows, labels, classes, *, held, **_):
        seen.append(({*windows.picture.tolist()}, set() if held is None else {*held.picture.tolist()}))
        return build_artwork_network(tiny, 32, classes), {"loss": [1.0]}

    found = read_class_folders(folder, fingerprint)
    tiny = ArtworkNetwork(filters=2, dense=2)
    plan = dataclasses.replace(artwork_plan(Recipe(), network=tiny, side=32, folds=4), train=spy)
    train_on_classes(plan, found, tmp_path, tell=lambda _: None)
    *folds, everything = seen
    assert everything == ({*range(17)}, set())
    assert len(folds) == 4
    for learnt, tested in folds:
        assert learnt | tested == {*range(17)}
        assert not learnt & tested


def test_train_and_test_folders(tmp_path, capsys):
    for split, numbers in (("train", range(5)), ("test", range(5, 8))):
        for number in numbers:
            for name, upright in (("a", False), ("b", True)):
                draw(tmp_path / "data" / split / name / f"{number}.png", upright, number)
    words = ["artwork", "--data", str(tmp_path / "data"), *LEARN, "--epochs", "1"]
    assert train.main([*words, "-o", str(tmp_path / "out")]) == 0
    card = (tmp_path / "out/model/MODEL_CARD.md").read_text()
    assert "the pictures in train" in card
    assert "Tested on the pictures in test.\n" in card
    assert train.main([*words, "-o", str(tmp_path / "final"), "--final"]) == 0
    card = (tmp_path / "final/model/MODEL_CARD.md").read_text()
    assert "all pictures" in card
    assert "the model itself has been tested on nothing" in card
    figures = json.loads((tmp_path / "out/evaluation.json").read_text())
    assert [fold["pictures"] for fold in figures["folds"]] == [6]


def test_parameters_of_the_study():
    network = build_artwork_network(ArtworkNetwork(flat=True), 256, 2)
    assert network.get_layer("convolve_1").count_params() == 896
    assert network.get_layer("dense").count_params() == 128 * 128 * 32 * 128 + 128
    pooled = build_artwork_network(ArtworkNetwork(), 256, 2)
    assert pooled.get_layer("dense").count_params() == 8 * 8 * 32 * 128 + 128
    assert [layer.rate for layer in pooled.layers if isinstance(layer, keras.layers.Dropout)] == [0.2, 0.5]
    deep = build_artwork_network(ArtworkNetwork(blocks=3, filters=4), 64, 5)
    assert deep.get_layer("convolve_3").filters == 16
    assert deep.output_shape == (None, 5)


def test_vgg16_is_frozen_and_takes_the_users_weights(tmp_path):
    trunk = keras.applications.VGG16(include_top=False, weights=None, input_shape=(32, 32, 3))
    trunk.save_weights(tmp_path / "mine_notop.weights.h5")
    settings = ArtworkNetwork(vgg16=True, dense=4)
    network = build_artwork_network(settings, 32, 2, tmp_path / "mine_notop.weights.h5")
    inner = next(layer for layer in network.layers if isinstance(layer, keras.Model))
    assert np.array_equal(inner.get_weights()[0], trunk.get_weights()[0])
    assert len(network.trainable_variables) == 4
    (tmp_path / "other.weights.h5").write_bytes(b"no weights")
    with pytest.raises(ModelError, match=r"other.weights.h5: not the weights of VGG-16"):
        build_artwork_network(settings, 32, 2, tmp_path / "other.weights.h5")
    with pytest.raises(InputError, match=r"none.h5: no such file. Give the weights of VGG-16"):
        artwork_plan(Recipe(), network=settings, weights=tmp_path / "none.h5", side=32)
    # two files of one name are two beginnings
    base = artwork_plan(Recipe(), network=settings, weights=tmp_path / "mine_notop.weights.h5", side=32).base
    assert base.startswith("VGG-16 (mine_notop.weights.h5 ")


def test_keras_own_file_of_vgg16_is_read(tmp_path):
    """The file that Keras hands out is of its older format, a group of weights for each layer."""
    trunk = keras.applications.VGG16(include_top=False, weights=None, input_shape=(32, 32, 3))
    path = tmp_path / "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [layer.name.encode() for layer in trunk.layers]
        file.attrs["backend"], file.attrs["keras_version"] = b"tensorflow", b"2.1.0"
        for layer in trunk.layers:
            group = file.create_group(layer.name)
            names = [f"{layer.name}/{variable.name}:0" for variable in layer.weights]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name, value in zip(names, layer.get_weights(), strict=True):
                group[name] = value
    network = build_artwork_network(ArtworkNetwork(vgg16=True, dense=4), 32, 2, path)
    inner = next(layer for layer in network.layers if isinstance(layer, keras.Model))
    for one, other in zip(inner.get_weights(), trunk.get_weights(), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize(("words", "rate"), [([], 0.01), (["--rate", "0.5"], 0.5)])
def test_sgd_has_a_rate_of_its_own(words, rate, folder, tmp_path, monkeypatch):
    plans = []

    def stop(plan, *_, **__):
        plans.append(plan)
        raise InputError("enough")

    monkeypatch.setattr("dl4art.utils.class_training.train_on_classes", stop)
    calls = ["artwork", "--data", str(folder), "-o", str(tmp_path / "out"), "--optimizer", "sgd", "--loss", "binary"]
    assert train.main([*calls, *words]) == 2
    recipe = plans[0].recipe
    assert (recipe["optimizer"], recipe["rate"], recipe["loss"], recipe["batch"]) == ("sgd", rate, "binary", 64)


def test_windows_that_cannot_be_halved_are_refused():
    with pytest.raises(InputError, match=r"halved 3 times\. Choose a multiple of 8"):
        artwork_plan(Recipe(), network=ArtworkNetwork(blocks=3), side=20)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["artwork", "x.png"], "--model is needed"),
        (["artwork", "x.png", "--model", "m", "--element-px", "9"], "--element-px has no meaning for artwork"),
        (["craquelure", "x.png", "--format", "csv"], "Name the file with -o"),
    ],
)
def test_wrong_calls(words, says, capsys):
    assert classify.main(words) == 2
    assert says in capsys.readouterr().err


def test_a_model_of_another_kind_is_refused(trained, capsys, folder):
    words = ["craquelure", str(folder / "level" / "p0.png"), "--model", str(trained / "model")]
    assert classify.main(words) == 2
    assert "kind 'artwork', and 'craquelure-region' is needed" in capsys.readouterr().err


def test_a_training_with_other_settings_is_not_mixed_in(folder, trained, capsys):
    words = ["artwork", "--data", str(folder), "-o", str(trained), *LEARN, "--seed", "7"]
    assert train.main(words) == 2
    assert "seed 1, not 7" in capsys.readouterr().err
