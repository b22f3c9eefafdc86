import json
import shutil

import keras
import numpy as np
import pytest
from PIL import Image

from dl4art import classify, train
from dl4art.craquelure import region_training, regions
from dl4art.craquelure.regions import (
    Element,
    Enhanced,
    EvenContrast,
    RegionNetwork,
    build_region_network,
    element_of,
    enhanced_picture,
    load_regions,
    open_enhanced,
    region_plan,
)
from dl4art.craquelure.tophat import TopHat
from dl4art.cropping.photographs import read_photograph
from dl4art.simulation.crack_kinds import REGIONS
from dl4art.utils.errors import InputError, ModelError
from dl4art.utils.window_training import Recipe
from dl4art.utils.windows import InMemory, cut_windows

TINY = ["--epochs", "1", "--pictures", "8", "--check", "4", "--workers", "1"]


@pytest.fixture(scope="module")
def demonstration(tmp_path_factory):
    """The demonstration, hardly trained."""
    output = tmp_path_factory.mktemp("demonstration")
    settings = region_training.RegionSettings(
        stop=4,
        train_px=96,
        test_px=128,
        side=64,
        recipe=Recipe(epochs=1, draws=16, batch=8),
        network=RegionNetwork((4, 6)),
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(region_training, "RegionSettings", lambda: settings)
        assert train.main(["craquelure", "-o", str(output), *TINY]) == 0
    return output / "regions"


@pytest.fixture
def photograph(tmp_path, rng):
    grey = rng.integers(0, 256, (70, 90, 3), np.uint8)
    path = tmp_path / "photo.png"
    Image.fromarray(grey).save(path, dpi=(300, 300))
    return path


def test_cracks_darker_and_lighter_than_the_paint_are_two_channels():
    picture = np.full((40, 40, 3), 100, np.uint8)
    picture[10, 5:35] = 36
    picture[30, 5:35] = 164
    seen = enhanced_picture(picture)
    depth = round(255 * (64 / 255) ** 0.5)
    assert seen[10, 20].tolist() == [depth, 0]
    assert seen[30, 20].tolist() == [0, depth]
    assert seen[20, 20].tolist() == [0, 0]


def test_a_part_is_seen_as_in_the_whole(rng):
    picture = rng.integers(0, 256, (60, 50, 3), np.uint8)
    enhanced = Enhanced(InMemory(picture), TopHat(7))
    assert np.array_equal(enhanced.read(20, 45, 15, 30), enhanced_picture(picture, 7)[20:45, 15:30])


def test_the_element_is_stated_in_px_or_mm(photograph, tmp_path):
    opened = read_photograph(photograph)
    assert Element(7).side(opened) == 7
    assert Element(mm=0.75).side(opened) == 9  # 118 px/cm
    Image.new("L", (40, 40)).save(tmp_path / "plain.png")
    with pytest.raises(InputError, match="has no scale, and the structuring element"):
        open_enhanced(tmp_path / "plain.png", Element(mm=0.5))
    assert open_enhanced(tmp_path / "plain.png", Element(mm=0.5), px_per_cm=100.0).top_hat.side_px == 5


def test_faint_and_deep_cracks_of_one_shape_are_alike(rng):
    window = (rng.random((1, 32, 32, 2)) < 0.1).astype(np.float32)
    faint, deep = (keras.ops.convert_to_numpy(EvenContrast()(window * depth)) for depth in (100, 250))
    assert np.allclose(faint, deep, atol=0.05)
    assert keras.ops.convert_to_numpy(EvenContrast()(window * 0)).max() == 0


def test_the_network_takes_windows_of_any_size():
    network = build_region_network(RegionNetwork((4, 6, 8)), 3)
    for side in (64, 90):
        answers = network.predict_on_batch(np.zeros((2, side, side, 2), np.float32))
        assert answers.shape == (2, 3)
        assert np.allclose(answers.sum(axis=1), 1)
    assert sum(isinstance(layer, keras.layers.MaxPooling2D) for layer in network.layers) == 2


def test_the_demonstration_says_what_it_is(demonstration, photograph, tmp_path, capsys):
    assert load_regions(demonstration).classes == REGIONS
    assert element_of(load_regions(demonstration)) == Element()
    assert "not on photographs of\npaintings" in (demonstration / "MODEL_CARD.md").read_text()
    words = ["craquelure", str(photograph), "--model", str(demonstration), "-o", str(tmp_path / "said.csv")]
    assert classify.main([*words, "--format", "csv", "json"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in REGIONS)
    for text in (shown, (tmp_path / "said.csv").read_text(), (tmp_path / "said.json").read_text()):
        assert "trained on simulated crack networks" in text
    (row,) = json.loads((tmp_path / "said.json").read_text())["results"]
    assert sum(row[f"p {name}"] for name in REGIONS) == pytest.approx(1)
    assert row["windows"] == 4
    assert (tmp_path / "said.png").exists()


@pytest.mark.parametrize("element", [{"px": "9", "mm": None}, {"px": 8, "mm": None}, {"px": 9, "mm": -1}, {"px": 9}, 9])
def test_a_model_with_an_element_that_cannot_be_is_refused(element, demonstration, tmp_path):
    folder = shutil.copytree(demonstration, tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "element": element}))
    with pytest.raises(ModelError, match="does not fit this version"):
        load_regions(folder)


def test_an_element_may_be_chosen_when_asking(demonstration, photograph, capsys):
    for element in (["--element-px", "5"], ["--element-mm", "0.4"]):
        assert classify.main(["craquelure", str(photograph), "--model", str(demonstration), *element]) == 0
    assert classify.main(["craquelure", str(photograph), "--model", str(demonstration), "--element-px", "4"]) == 1
    assert "odd side" in capsys.readouterr().out


def test_a_training_may_start_from_a_model(demonstration, rng):
    plan = region_plan(Recipe(epochs=1, draws=2, batch=2, rate=1e-9), method="cnn", base=demonstration, side=64)
    window = InMemory(rng.integers(0, 256, (64, 64, 2), np.uint8))
    windows = cut_windows([(window, [(0, 0)])] * 2, 64)
    before, (after, _) = load_regions(demonstration).network, plan.train(windows, [0, 1], 2, seed=1)
    old, new = (network.get_layer("convolve_2").get_weights()[0] for network in (before, after))
    assert np.allclose(old, new, atol=1e-6)
    assert after.output_shape == (None, 2)
    assert plan.base.startswith("regions ")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Level cracks against a net of cracks."""
    rng, place = np.random.default_rng(7), tmp_path_factory.mktemp("cracks")
    for number in range(8):
        for name in ("level", "net"):
            grey = rng.normal(150, 4, (72, 80))
            grey[rng.choice(72, 6, replace=False)] -= 80
            if name == "net":
                grey[:, rng.choice(80, 9, replace=False)] -= 80
            (place / name).mkdir(exist_ok=True)
            Image.fromarray(np.clip(grey, 0, 255).astype(np.uint8)).save(place / name / f"p{number}.png")
    return place


@pytest.mark.parametrize("method", [[], ["--method", "cnn", "--epochs", "10", "--batch", "8", "--rate", "0.01"]])
def test_a_folder_of_classes_is_learnt_and_evaluated(folder, tmp_path, capsys, monkeypatch, method):
    monkeypatch.setattr(regions, "RECIPE", Recipe(draws=64))
    monkeypatch.setattr(regions, "RegionNetwork", lambda filters=(4, 8), **_: RegionNetwork(filters, dropout=0.0))
    words = ["craquelure", "--data", str(folder), "-o", str(tmp_path), "--side", "64", "--windows", "2", "--folds", "2"]
    assert train.main([*words, "--element-px", "5", *method]) == 0
    figures = json.loads((tmp_path / "evaluation.json").read_text())
    assert figures["accuracy"] > 0.95
    assert "net" in capsys.readouterr().out
    assert (tmp_path / "curves.png").exists() == bool(method)
    model = load_regions(tmp_path / "model")
    assert model.classes == ("level", "net")
    assert model.note == ""
    assert element_of(model) == Element(5)
    assert model.classify(open_enhanced(folder / "net" / "p0.png", Element(5))).said == "net"


def test_only_a_cnn_can_be_started_from(folder, tmp_path, capsys):
    words = ["craquelure", "--data", str(folder), "--side", "64", "--folds", "2"]
    assert train.main([*words, "-o", str(tmp_path / "one")]) == 0
    start = ["--method", "cnn", "--from", str(tmp_path / "one" / "model")]
    assert train.main([*words, "-o", str(tmp_path / "two"), *start]) == 2
    assert "only that can be started from" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--folds", "3"], "--folds has no meaning without --data"),
        (["--in-order", "--apart"], "--in-order and --apart has no meaning without --data"),
        (["--from", "shipped"], "--from has no meaning without --data"),
        (["--data", ".", "--epochs", "3"], "--epochs is for networks. Add --method cnn"),
        (["--method", "cnn"], "--method has no meaning without --data"),
        (["--data", "nowhere"], "nowhere: no such folder"),
        (["--data", ".", "--pictures", "9"], "--pictures is for the demonstration"),
    ],
)
def test_wrong_calls(words, says, capsys, tmp_path):
    assert train.main(["craquelure", "-o", str(tmp_path), *words]) == 2
    assert says in capsys.readouterr().err


def test_a_class_with_too_few_pictures_is_told_before_anything_is_learnt(tmp_path, capsys):
    for name, count in (("a", 6), ("b", 3)):
        (tmp_path / name).mkdir()
        for number in range(count):
            Image.new("L", (20, 20 + number + 20 * (name == "b"))).save(tmp_path / name / f"p{number}.png")
    words = ["craquelure", "--data", str(tmp_path), "-o", str(tmp_path / "out")]
    assert train.main(words) == 2
    assert "class b has 3 pictures in 3 groups" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_model_that_is_not_one_is_refused(tmp_path):
    with pytest.raises(ModelError, match="neither a model folder nor the name"):
        load_regions(tmp_path / "none")
