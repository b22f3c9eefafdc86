"""The command alone: what it hands on, and what it says; the trainings have tests of their own."""

import shutil

import numpy as np
import pytest
from PIL import Image

from dl4art import train
from dl4art.cropping import write_crop
from dl4art.utils.models import find_model


@pytest.fixture
def calls(monkeypatch):
    """What the trainings are called with, in place of hours of work."""
    from dl4art.craquelure import release as segmenter_release
    from dl4art.craquelure import training as segmenter_training
    from dl4art.regression import release as counter_release
    from dl4art.regression import training as counter_training
    from dl4art.siamese import release, training

    made = []

    def keep(name):
        def call(settings, folder, *, workers, tell):
            made.append((name, settings, folder, workers))
            tell(f"{name} at work")
            return folder / "model"

        return call

    monkeypatch.setattr(counter_training, "train_counter", keep("train counter"))
    monkeypatch.setattr(counter_release, "finish_model", keep("finish counter"))
    monkeypatch.setattr(training, "train_comparer", keep("train comparer"))
    monkeypatch.setattr(release, "finish_comparer", keep("finish comparer"))
    monkeypatch.setattr(segmenter_training, "train_segmenter", keep("train segmenter"))
    monkeypatch.setattr(segmenter_release, "finish_segmenter", keep("finish segmenter"))
    return made


@pytest.mark.parametrize(
    ("what", "words", "changed"),
    [
        ("counter", ["--crops", "50", "--epochs", "2"], {"crops": 50, "epochs": 2}),
        ("comparer", ["--families", "8", "--steps", "3", "--check", "4", "--seed", "7"],
         {"families": 8, "steps": 3, "check": 4, "seed": 7}),
        ("comparer", [], {}),
        ("segmenter", ["--pictures", "30", "--steps", "2"], {"pictures": 30, "steps": 2}),
    ],
)  # fmt: skip
def test_it_trains_and_finishes_with_the_recipe(what, words, changed, calls, tmp_path, capsys):  # noqa: PLR0917
    assert train.main([what, "-o", str(tmp_path), "--workers", "1", *words]) == 0
    assert [call[0] for call in calls] == [f"train {what}", f"finish {what}"]
    settings = calls[0][1]
    assert settings == calls[1][1]
    assert {name: getattr(settings, name) for name in changed} == changed
    default = type(settings)()
    assert {name for name in vars(default) if getattr(default, name) != getattr(settings, name)} == set(changed)
    assert calls[0][2:] == (tmp_path, 1)
    shown = capsys.readouterr()
    # a segmenter says no probabilities that could be calibrated
    done = "trained and tested" if what == "segmenter" else "trained, calibrated and tested"
    assert shown.out == f"{done}: {tmp_path / 'model'}\n"
    assert f"train {what} at work" in shown.err


def test_quietly(calls, tmp_path, capsys):
    assert train.main(["comparer", "-o", str(tmp_path), "--quiet"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("what", "option"), [("counter", "--families"), ("comparer", "--crops"), ("comparer", "--draws")]
)
def test_options_of_the_other_training_are_refused(what, option, calls, tmp_path, capsys):
    assert train.main([what, "-o", str(tmp_path), option, "5"]) == 2
    assert f"{option} has no meaning for a {what}" in capsys.readouterr().err
    assert calls == []


def test_an_interruption_says_where_what_is_done_lies(calls, tmp_path, monkeypatch, capsys):
    from dl4art.siamese import training

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train_comparer", interrupted)
    assert train.main(["comparer", "-o", str(tmp_path)]) == 130
    assert f"what is done is in {tmp_path}; the same command goes on" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["comparer"], ["curator", "-o", "x"], ["comparer", "-o", "x", "--steps", "0"]])
def test_a_wrong_call(words, capsys):
    with pytest.raises(SystemExit) as stop:
        train.main(words)
    assert stop.value.code == 2
    assert capsys.readouterr().err


@pytest.fixture
def on_labels(monkeypatch):
    """What a training on labelled crops is called with."""
    from dl4art.regression import fine_tuning, labelled_release

    made = []

    def train(settings, split, folder, **words):
        made.append(("train", settings, {name: len(crops) for name, crops in split.items()}, words))

    def finish(settings, split, folder, weights, base, **words):
        made.append(("finish", settings, base))
        return folder / "model"

    monkeypatch.setattr(fine_tuning, "train_labelled", train)
    monkeypatch.setattr(labelled_release, "finish_labelled", finish)
    return made


def test_labelled_crops_fine_tune_the_shipped_counter(on_labels, labelled_folder, tmp_path, capsys):
    words = ["--data", str(labelled_folder), "--from", "shipped", "-o", str(tmp_path), "--epochs", "2", "--crops", "9"]
    assert train.main(["counter", *words]) == 0
    (_, settings, split, options), (_, same, base) = on_labels
    assert settings == same
    assert (settings.architecture, settings.epochs, settings.crops) == ("vgg", 2, 9)
    assert base == find_model("threads").path
    assert settings.base.startswith("threads ")
    assert split == {"train": 4, "stop": 2, "test": 2}
    assert options["base"] == find_model("threads").weights
    shown = capsys.readouterr().out.splitlines()
    assert shown[0].split() == ["canvas", "crops", "for"]
    assert sorted(line.split()[-1] for line in shown[1:5]) == ["stop", "test", "train", "train"]
    assert shown[-1] == f"trained, calibrated and tested: {tmp_path / 'model'}"


def test_from_nothing_by_the_upstreams_recipe(on_labels, labelled_folder, tmp_path):
    words = ["--data", str(labelled_folder), "--preset", "upstream", "-o", str(tmp_path), "--quiet"]
    assert train.main(["counter", *words]) == 0
    settings = on_labels[0][1]
    assert (settings.architecture, settings.draws, settings.base) == ("vgg-inception", 0, "")
    assert on_labels[0][3]["base"] is None
    assert on_labels[1][2] is None


def test_an_output_in_the_data_is_no_data(on_labels, labelled_folder, tmp_path):
    mine = shutil.copytree(labelled_folder, tmp_path / "mine")
    output = mine / "canvas-0" / "run"
    output.mkdir()
    (output / "settings.json").write_text("{}")
    assert train.main(["counter", "--data", str(mine), "-o", str(output)]) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["counter", "--from", "shipped"], "--from has no meaning without --data"),
        (["counter", "--preset", "upstream"], "--preset has no meaning without --data"),
        (["counter", "--data", "{data}", "--px-per-cm", "200"], "--px-per-cm has no meaning for a counter"),
        (["comparer", "--data", "{data}", "--preset", "upstream"], "--preset has no meaning for a comparer"),
        (["comparer", "--data", "{data}", "--draws", "3"], "--draws has no meaning for a comparer"),
        (
            ["counter", "--data", "{data}", "--unlabelled", "{data}"],
            "--data is for what is labelled and --unlabelled for",
        ),
        (["counter", "--unlabelled", "{data}", "--preset", "upstream"], "--preset has no meaning for a counter"),
        (["counter", "--unlabelled", "{data}/gone"], "no such file or folder"),
        (["comparer", "--unlabelled", "{data}"], "--unlabelled has no meaning for a comparer"),
        (["comparer", "--from", "shipped"], "--from has no meaning without --data"),
        (["comparer", "--data", "{data}"], "4 canvases with plates, and 6 are the least"),
        (["comparer", "--data", "{data}/canvas-0/crop-0.json"], "no column canvas and no column file"),
        (["comparer", "--dpi", "300"], "--dpi has no meaning without --data"),
        (["counter", "--data", "{data}", "--from", "gone"], "gone: neither a model folder nor the name of a shipped"),
        (["counter", "--data", "{data}/gone"], "no such file or folder"),
        (["counter", "--data", "{data}/canvas-0/crop-0.json"], "is not a folder"),
        (["counter", "--data", "{data}/canvas-0"], "of one canvas (crop), so that no honest split is possible"),
        (["counter", "--data", "{data}", "--from", "shipped", "--preset", "upstream"], "trains from nothing"),
        (["counter", "--data", "{data}", "--preset", "upstream", "--draws", "3"], "--draws has no meaning with"),
    ],
)
def test_what_labelled_crops_cannot_be_trained_with(  # noqa: PLR0917
    words, said, on_labels, labelled_folder, tmp_path, capsys
):
    filled = [word.format(data=labelled_folder) for word in words]
    assert train.main([*filled, "-o", str(tmp_path)]) == 2
    assert said in capsys.readouterr().err
    assert on_labels == []


@pytest.fixture
def on_canvases(monkeypatch):
    """What a training on canvases is called with, and a counter that knows all of them."""
    from dl4art.regression import CombinedCounter
    from dl4art.regression.estimate import ThreadEstimate
    from dl4art.siamese import own_release, own_training

    class Known:
        name = "known"

        def predict(self, pictures, *, px_per_cm):
            readable = [picture.mean() > 100 for picture in pictures]
            return [ThreadEstimate("ok", 12.0, 12.0) if yes else ThreadEstimate("no-estimate") for yes in readable]

    made = []

    def train(settings, split, folder, network, base, **words):
        made.append(("train", settings, {name: len(plates) for name, plates in split.items()}, base))
        return own_training.Trained(base, False)

    def finish(settings, split, folder, base, trained, *, left_out, **words):
        made.append(("finish", settings, [plate.plate.canvas for plate in left_out], base))
        return folder / "model"

    monkeypatch.setattr(CombinedCounter, "from_pretrained", Known)
    monkeypatch.setattr(own_training, "train_own", train)
    monkeypatch.setattr(own_release, "finish_own", finish)
    return made


def test_plates_of_canvases_fine_tune_the_shipped_comparer(on_canvases, write_labelled_crops, tmp_path, capsys):
    data = write_labelled_crops(tmp_path / "data", [(12, 12)] * 7)
    # crops of two plates each, one canvas of one, and one that cannot be read
    for place in data.iterdir():
        (place / "crop-0.tif").rename(place / "one.tif")
        (place / "crop-1.tif").rename(place / "two.tif")
    (data / "canvas-1" / "two.tif").unlink()
    write_crop(data / "canvas-2" / "two.tif", np.zeros((220, 220), np.uint8), 200.0, {})
    words = ["comparer", "--data", str(data), "-o", str(tmp_path / "run"), "--families", "9"]
    assert train.main(words) == 0
    (_, settings, split, weights), (_, same, left_out, base) = on_canvases
    assert settings == same
    assert (settings.families, settings.base.split()[0]) == (9, "fabrics")
    assert weights == base.weights
    assert sum(split.values()) == 12
    assert left_out == ["canvas-2"]
    shown = capsys.readouterr()
    assert shown.out.splitlines()[0].split() == ["canvas", "plates", "crops", "for"]
    assert "canvas-1 1 1" in " ".join(shown.out.split())
    assert shown.out.splitlines()[-1] == f"done: {tmp_path / 'run' / 'model'}"
    assert "left out: " in shown.err
    # what was framed is another training's with other words
    assert train.main([*words, "--seed", "5"]) == 2
    assert "holds a training with seed 0, not 5" in capsys.readouterr().err


def test_plates_without_labels_refine_the_shipped_counter(labelled_folder, monkeypatch, tmp_path, capsys):
    from dl4art.regression import self_training

    made = []

    def refine(settings, data, folder, base, **words):
        made.append((settings, data, base))
        return folder / "model"

    monkeypatch.setattr(self_training, "refine_counter", refine)
    (tmp_path / "bad.tif").write_text("no picture")
    words = ["counter", "--unlabelled", str(labelled_folder), str(tmp_path), "-o", str(tmp_path / "run")]
    assert train.main([*words, "--epochs", "3", "--px-per-cm", "100"]) == 0
    ((settings, data, base),) = made
    assert (settings.epochs, settings.labelled, settings.base) == (3, 0.5, base.name)
    # at the scale that is stated they are of 2.2 cm
    assert {crop.grey.shape for crop in data.crops} == {(440, 440)}
    assert len(data.crops) == 8
    shown = capsys.readouterr()
    assert f"left out: {tmp_path / 'bad.tif'}: " in shown.err
    assert shown.out == f"done: {tmp_path / 'run' / 'model'}\n"


def test_a_wrong_call_is_answered_at_once(call_door, tmp_path):
    assert call_door("train", ["counter", "-o", tmp_path, "--preset", "upstream"]) == (2, [])


@pytest.fixture
def photographs(tmp_path):
    """Three photographs with masks, one of them damaged, and one without labels."""
    root = tmp_path / "labelled"
    root.mkdir()
    for number in range(4):
        grey = np.random.default_rng(number).integers(0, 255, (20, 30, 3), np.uint8)
        Image.fromarray(grey).save(root / f"{number}.png")
        Image.fromarray(np.zeros((20, 30), np.uint8)).save(root / f"{number}_mask.png")
    (root / "2.png").write_bytes(b"")
    (root / "3_mask.png").unlink()
    return root


@pytest.fixture
def on_photographs(monkeypatch):
    """What a training on labelled photographs is called with."""
    from dl4art.craquelure import own_release, own_training

    made = []

    def start(settings, **words):
        made.append(("start", settings, words))
        return "start"

    def learn(start, split, folder, **words):
        made.append(("train", start, {name: len(items) for name, items in split.items()}))

    def finish(start, split, folder, *, left_out, tell):
        made.append(("finish", [name for name, _ in left_out]))
        return own_release.Finished(folder / "segmenter", False, "The mean IoU did not rise: so it is.")

    monkeypatch.setattr(own_training, "choose_start", start)
    monkeypatch.setattr(own_training, "train_own_segmenter", learn)
    monkeypatch.setattr(own_release, "finish_own_segmenter", finish)
    return made


def test_a_segmenter_learns_from_labelled_photographs(on_photographs, photographs, tmp_path, capsys):
    out = tmp_path / "run"
    words = ["--data", str(photographs), "-o", str(out), "--window", "64", "--epochs", "2", "--network", "res-unet"]
    assert train.main(["segmenter", *words, "--encoder-weights", "imagenet.h5"]) == 0
    (_, settings, start), trained, finished = on_photographs
    assert (settings.window_px, settings.epochs, settings.batch) == (64, 2, 8)
    assert start == {"base": None, "network": "res-unet", "encoder_weights": "imagenet.h5"}
    assert trained == ("train", "start", {"train": 1, "held": 1})
    assert finished == ("finish", ["2.png"])
    shown = capsys.readouterr()
    assert [line.split()[0] for line in shown.out.splitlines()[:3]] == ["photograph", "0.png", "1.png"]
    assert shown.out.count("held out") == 1
    assert "left out: 1 that cannot be read\nThe mean IoU did not rise" in shown.out
    assert shown.out.endswith(f"trained and tested: {out / 'segmenter'}\n")
    assert "left out: 2.png: " in shown.err
    assert "pictures without labels: 1" in shown.err


@pytest.mark.parametrize(
    ("what", "words", "message"),
    [
        ("segmenter", ["--data", "{}", "--pictures", "5"], "--pictures has no meaning with --data"),
        ("segmenter", ["--data", "{}/0.png"], "0.png: is not a folder"),
        ("segmenter", ["--window", "64"], "--window has no meaning without --data"),
        ("segmenter", ["--unlabelled", "{}"], "--unlabelled has no meaning for a segmenter"),
        ("segmenter", ["--data", "{}", "--architecture", "vgg"], "--architecture has no meaning for a segmenter"),
        ("counter", ["--data", "{}", "--network", "unet"], "--network has no meaning for a counter"),
    ],
)
def test_what_labelled_photographs_do_not_go_with(  # noqa: PLR0917
    what, words, message, on_photographs, photographs, tmp_path, capsys
):
    words = [word.format(photographs) for word in words]
    assert train.main([what, "-o", str(tmp_path / "run"), *words]) == 2
    assert message in capsys.readouterr().err
    assert on_photographs == []


def test_the_networks_to_choose_from_are_those_that_there_are():
    from dl4art._train_segmenter import NETWORKS as NAMES
    from dl4art.craquelure.networks import NETWORKS

    assert sorted(NETWORKS) == sorted(NAMES)
