"""Training on folders of pictures and asking what was trained, as a user would."""

import shutil

import numpy as np
import pytest
from PIL import Image

from dl4art import classify, model, train
from dl4art.utils.errors import InputError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two painters, three pictures each: stripes that lie and stripes that stand."""
    folder = tmp_path_factory.mktemp("painters")
    rng = np.random.default_rng(8)
    for painter, turned in (("lying", False), ("standing", True)):
        (folder / painter).mkdir()
        for number in range(4):
            waves = np.broadcast_to(np.sin(np.arange(40) * 1.4 + number)[:, None], (40, 40))
            grey = 120 + 60 * (waves.T if turned else waves) + rng.normal(0, 5, (40, 40))
            Image.fromarray(grey.astype(np.uint8)).save(folder / painter / f"work{number}.png")
    return folder


@pytest.mark.parametrize("what", ["painter", "autoencoder"])
def test_help_and_wrong_calls_are_answered_at_once(call_door, what):
    assert call_door("train", [what, "--help"]) == (0, [])
    assert call_door("train", [what, "--data", "none", "-o", "out"]) == (2, [])
    assert call_door("train", [what, "--data", "none"]) == (2, [])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--folds", "9"], "Choose 2 to 4 folds"),
        (["--encoder", "x", "--px", "64"], "--px has no meaning with --encoder"),
        (["--px", "50", "--folds", "2"], "px: 50 is not a multiple of 4"),
    ],
)
def test_impossible_wishes(folder, tmp_path, capsys, words, said):
    assert train.main(["painter", "--data", str(folder), "-o", str(tmp_path / "out"), *words]) == 2
    assert said in capsys.readouterr().err


def test_one_class_and_the_same_picture_in_two(folder, tmp_path, capsys):
    data = shutil.copytree(folder, tmp_path / "data")
    shutil.copy(data / "lying" / "work0.png", data / "standing" / "copy.png")
    assert train.main(["painter", "--data", str(data), "-o", str(tmp_path / "out")]) == 2
    assert "can be in one class only" in capsys.readouterr().err
    shutil.rmtree(data / "standing")
    assert train.main(["painter", "--data", str(data), "-o", str(tmp_path / "out")]) == 2
    assert "only one class" in capsys.readouterr().err


def test_what_is_left_out_is_told_with_why_and_no_file_is_promised_that_is_not_there(folder, tmp_path, capsys):
    data = shutil.copytree(folder, tmp_path / "data")
    (data / "lying" / "damaged.jpg").write_bytes(b"\xff\xd8\xff no picture")
    assert train.main(["painter", "--data", str(data), "-o", str(tmp_path / "out"), "--folds", "9"]) == 2
    shown = capsys.readouterr()
    assert "damaged.jpg: damaged" in shown.err
    assert "left_out.csv" not in shown.out
    for number in range(4):
        (data / "lying" / f"work{number}.png").write_bytes(b"")
    assert train.main(["painter", "--data", str(data), "-o", str(tmp_path / "out"), "--folds", "9"]) == 2
    assert "class lying (5 files were left out, the first, damaged.jpg: damaged" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "rate", "seed"), [([], 2e-3, 1), (["--size", "full", "--seed", "4"], 2e-4, 4)])
def test_each_size_has_its_rate_and_the_seed_is_that_of_everything(folder, tmp_path, monkeypatch, words, rate, seed):  # noqa: PLR0917
    seen = []

    def stop(settings, *_, **__):
        seen.append(settings)
        raise InputError("enough")

    monkeypatch.setattr("dl4art.paintings.painter_training.train_painters", stop)
    calls = ["painter", "--data", str(folder), "-o", str(tmp_path / "out"), "--folds", "2"]
    assert train.main([*calls, *words]) == 2
    assert (seen[0].autoencoder.rate, seen[0].autoencoder.seed, seen[0].seed) == (rate, seed, seed)


def test_from_pictures_to_answers(folder, tmp_path, capsys):
    data = shutil.copytree(folder, tmp_path / "my data é")
    (data / "lying" / "damaged.jpg").write_bytes(b"\xff\xd8\xff no picture")
    Image.new("CMYK", (40, 50), (10, 200, 0, 0)).save(data / "lying" / "loose.jpg")
    encoder = tmp_path / "encoder"
    words = ["--data", str(data), "-o", str(encoder), "--px", "32", "--epochs", "1", "--steps", "2"]
    assert train.main(["autoencoder", *words]) == 0
    out = capsys.readouterr().out
    assert "9 pictures to use, 1 left out" in out
    assert (encoder / "reconstructions.png").is_file()
    assert "damaged.jpg" in (encoder / "left_out.csv").read_text()

    output = tmp_path / "out"
    words = [
        "--data",
        str(data),
        "-o",
        str(output),
        "--encoder",
        str(encoder / "model"),
        "--folds",
        "2",
        "--epochs",
        "2",
    ]
    assert train.main(["painter", *words]) == 0
    shown = capsys.readouterr()
    assert "left out: 1" in shown.out
    assert "nearest neighbour on pixels" in shown.out
    assert "accuracy, mean over the folds" in shown.out

    assert model.main(["check", str(output / "model"), str(encoder / "model")]) == 0
    checked = capsys.readouterr().out
    assert "painters" in checked
    assert "autoencoder" in checked

    asked = ["--model", str(output / "model")]
    files = [str(data / "lying" / name) for name in ("work0.png", "loose.jpg", "damaged.jpg")]
    assert classify.main(["painter", *files, *asked, "-o", str(tmp_path / "said.csv")]) == 1
    rows = (tmp_path / "said.csv").read_text().splitlines()
    assert [row.split(",")[1] for row in rows[1:]] == ["ok", "ok", "failed"]
    assert classify.main(["painter", files[0], "--model", str(encoder / "model")]) == 2
    assert "kind 'autoencoder', and 'painter' is needed" in capsys.readouterr().err
