"""The command as its users meet it: two plates, bad input, wrong calls."""

import json
import re
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from dl4art import compare
from dl4art.regression.estimate import ThreadEstimate
from dl4art.siamese import FabricComparer
from dl4art.siamese.calibration import UNCALIBRATED, quantiles
from dl4art.siamese.comparison import MEANINGS
from dl4art.utils.models import ModelFolder

CALIBRATION = replace(
    UNCALIBRATED,
    unlike=0.3,
    compatible=0.7,
    crops=8,
    same=quantiles(np.linspace(0.5, 1.0, 200)),
    different=quantiles(np.linspace(0.0, 0.6, 200)),
)


class Counter:
    """Finds 12 and 15 th/cm, or what it is told to, in all but even grey."""

    name = "test-counter"

    def __init__(self):
        self.message = ""
        self.found = 12.0
        self.interrupt = False

    def predict(self, pictures, *, px_per_cm):
        if self.interrupt:
            signal.raise_signal(signal.SIGINT)
        return [self.one(picture) for picture in pictures]

    def one(self, picture):
        if np.ptp(picture) < 3:
            return ThreadEstimate("no-estimate", message="the vertical threads cannot be read here")
        # a plate's brightness stands for its cloth
        return ThreadEstimate("ok", self.found + (6 if picture.mean() > 180 else 0), 15.0, message=self.message)


class Encoder:
    """Describes a framed crop by how much its rows and its columns differ, where there is one."""

    output_shape = (None, 2)

    def predict_on_batch(self, batch):
        picture, there = batch[..., 0], batch[..., 1].sum(axis=(1, 2))
        steps = [np.diff(picture, axis=axis) for axis in (1, 2)]
        return np.stack([np.sqrt((step**2).sum(axis=(1, 2)) / there) for step in steps], axis=1)


def head(first, second):
    """The nearer two descriptions are, the likelier is one cloth; straight only."""
    apart = np.abs(first[:, None] - second[None]).sum(axis=(2, 3))
    return np.stack([7 - 26 * apart, np.full_like(apart, -40)], axis=-1)


@pytest.fixture(autouse=True)
def counter(monkeypatch):
    """The one counter of a test; both networks are stood in for."""
    counter = Counter()
    folder = ModelFolder("fake", Path(), Path(), "0" * 64, {}, {})
    comparer = FabricComparer(folder, CALIBRATION, Encoder(), head, counter)
    monkeypatch.setattr(FabricComparer, "from_pretrained", lambda model=None: comparer)
    return counter


def write(path, seed=0, *, smooth=1, level=100, dpi=508, shape=(900, 900), colour=False):
    """A plate of 4.5 x 4.5 cm; `smooth` is its cloth."""
    picture = np.random.default_rng(seed).normal(0, 1, shape)
    for _ in range(smooth):
        picture = picture + np.roll(picture, 1, axis=0)
    picture = np.clip(np.rint(level + 12 * picture), 0, 255).astype(np.uint8)
    if colour:
        picture = np.stack([picture] * 3, axis=-1)
    scale = {"resolution": (dpi, dpi), "resolutionunit": "INCH"} if dpi else {}
    tifffile.imwrite(path, picture, **scale)
    return path


@pytest.fixture
def plates(tmp_path):
    return write(tmp_path / "a.tif", 1), write(tmp_path / "b.tif", 2)


def run(*words):
    return compare.main([str(word) for word in words])


def result_of(path):
    return json.loads(path.read_text("utf-8"))


def test_a_table_on_screen(plates, capsys):
    assert run(*plates) == 0
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert lines[0].split() == ["file", "size", "in", "cm", "crops", "vertical/cm", "horizontal/cm", "like", "itself"]
    assert re.fullmatch(r"A a.tif 4.5 x 4.5 9 12.00 ± 0.00 15.00 ± 0.00 0.[89]\d", " ".join(lines[1].split()))
    assert re.match(r"similarity  0.[89]\d  \(95 % interval 0.[789]\d to 0.[89]\d; ", lines[4])
    assert "81 pairs of crops" in lines[4]
    assert lines[5].startswith("verdict     compatible: nothing found here speaks against one cloth")
    said = " ".join(shown.out.split())
    assert "calibrated on simulated canvases" in said
    assert "cannot see what all crops of a plate share" in said
    assert "no proof" in said
    assert max(map(len, lines)) <= 100
    assert shown.err == ""


def test_a_json_with_the_agreed_names(plates, tmp_path, capsys):
    assert run(*plates, "-o", tmp_path / "r.json", "--crops", "6", "--seed", "5") == 0
    assert capsys.readouterr().out.endswith(f"written to {tmp_path / 'r.json'}\n")
    found = result_of(tmp_path / "r.json")
    assert found["low"] <= found["similarity"] <= found["high"]
    assert (found["meaning"], found["pairs"], found["seed"]) == (MEANINGS[found["verdict"]], 36, 5)
    assert (found["model"], found["counter"]) == ("fake 00000000", "test-counter")
    assert {"dl4art", "keras", "numpy"} <= set(found["versions"])
    a = found["canvases"]["a"]
    assert (a["file"], a["crops"], len(a["positions_cm"]), len(a["sha256"])) == (str(plates[0]), 6, 6, 64)
    assert (a["vertical_per_cm"], a["vertical_sd"], a["control"]["pairs"]) == (12.0, 0.0, 9)
    assert any("simulated" in text for text in found["limits"])
    assert found["parameters"] == {"crops": 6, "px_per_cm": None, "size_cm": None}
    assert {path.name for path in tmp_path.iterdir()} == {"a.tif", "b.tif", "r.json"}


def test_the_same_call_writes_the_same_bytes_and_swapped_plates_the_same_numbers(plates, tmp_path):
    for name, order in (("1", plates), ("2", plates), ("3", plates[::-1])):
        assert run(*order, "-o", tmp_path / name, "--crops", "5") == 0
    assert (tmp_path / "1.json").read_bytes() == (tmp_path / "2.json").read_bytes()
    there, back = (result_of(tmp_path / f"{name}.json") for name in ("1", "3"))
    for name in ("similarity", "low", "high", "apart"):
        assert there[name] == pytest.approx(back[name], abs=1e-6)
    assert there["canvases"]["a"] == back["canvases"]["b"]


def test_other_cloth_is_unlike(plates, tmp_path, capsys):
    write(plates[1], 2, smooth=9)
    assert run(*plates) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "verdict unlike: the densities do not exclude one cloth, but the network finds another one" in shown
    assert re.search(
        "of different cloths of about the same densities, (8.|9.|more than 99) % look at least as alike", shown
    )


def test_other_densities_exclude(plates, capsys):
    write(plates[1], 2, level=200)
    assert run(*plates) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "excluded: the thread densities differ by more than one bolt of cloth shows" in shown


def test_the_scale_can_be_stated(tmp_path):
    plates = [write(tmp_path / f"{name}.tif", seed, dpi=None) for seed, name in enumerate("ab")]
    assert run(*plates, "--dpi", "508", "-o", tmp_path / "r.json") == 0
    assert result_of(tmp_path / "r.json")["canvases"]["b"]["scale_source"] == "user"


# Bad input


def test_the_same_file_twice(plates, capsys):
    assert run(plates[0], plates[0]) == 0
    assert "are the same picture: this says nothing about two canvases" in " ".join(capsys.readouterr().out.split())


def test_a_copy_under_another_name(plates, tmp_path, capsys):
    copy = tmp_path / "copy.tif"
    copy.write_bytes(plates[0].read_bytes())
    assert run(plates[0], copy) == 0
    assert "are the same picture" in " ".join(capsys.readouterr().out.split())


def test_plates_of_different_scale(plates, tmp_path):
    write(plates[1], 2, dpi=600, shape=(1100, 1100))
    assert run(*plates, "-o", tmp_path / "r.json") == 0
    (warning,) = [text for text in result_of(tmp_path / "r.json")["warnings"] if "px/cm" in text]
    assert "a.tif has 200 px/cm and" in warning
    assert "236.22: both were resampled to 200 px/cm" in warning


def test_a_colour_photograph(plates, tmp_path):
    write(plates[1], 2, colour=True)
    assert run(*plates, "-o", tmp_path / "r.json") == 0
    assert [text for text in result_of(tmp_path / "r.json")["warnings"] if text.startswith(f"{plates[1]}: colour")]


def test_twill(plates, tmp_path, counter):
    counter.message = "looks like twill or basket weave; the counter knows plain weave"
    assert run(*plates, "-o", tmp_path / "r.json") == 0
    warnings = result_of(tmp_path / "r.json")["warnings"]
    assert sum("in 9 of 9 crops: looks like twill" in text for text in warnings) == 2


def refusal(capsys, tmp_path, *words):
    """What is said when a plate cannot be used: exit 1, one line, no result file."""
    assert run(*words, "-o", tmp_path / "r.json") == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert not (tmp_path / "r.json").exists()
    assert all(line.startswith("error: ") for line in shown.err.splitlines())
    return shown.err


def test_fewer_than_four_usable_crops(plates, tmp_path, capsys):
    write(plates[1], 2, shape=(300, 900))
    said = refusal(capsys, tmp_path, *plates)
    assert said.startswith(f"error: {plates[1]}: only 3 readable crops of 1.5 cm among 3 looked at, and at least 4")
    assert said.count("\n") == 1


def test_no_readable_crop(plates, tmp_path, capsys):
    tifffile.imwrite(
        plates[1],
        np.random.default_rng(1).integers(90, 92, (900, 900), np.uint8),
        resolution=(508, 508),
        resolutionunit="INCH",
    )
    said = refusal(capsys, tmp_path, *plates)
    assert f"{plates[1]}: no readable crop of 1.5 cm among 9 looked at" in said
    assert "9: the vertical threads cannot be read here" in said


def test_a_blank_plate(plates, tmp_path, capsys):
    tifffile.imwrite(plates[0], np.full((900, 900), 9, np.uint8), resolution=(508, 508), resolutionunit="INCH")
    assert f"{plates[0]}: no usable area" in refusal(capsys, tmp_path, *plates)


@pytest.mark.parametrize("spoil", [b"", b"Dear colleague,\n", b"II*\0\x08\0\0\0"])
@pytest.mark.parametrize("which", [0, 1])
def test_one_unreadable_file_of_the_two(plates, tmp_path, spoil, which, capsys):
    plates[which].write_bytes(spoil)
    said = refusal(capsys, tmp_path, *plates)
    assert said.startswith(f"error: {plates[which]}: ")
    assert str(plates[1 - which]) not in said
    assert said.count("\n") == 1


def test_two_unreadable_files_are_both_named(plates, tmp_path, capsys):
    for path in plates:
        path.write_bytes(b"")
    said = refusal(capsys, tmp_path, *plates)
    assert [line.partition(": the file is empty")[0] for line in said.splitlines()] == [f"error: {p}" for p in plates]


def test_a_file_that_turns_out_to_be_damaged(plates, tmp_path, capsys):
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (900, 900), np.uint8))
    path = tmp_path / "b.png"
    picture.save(path, dpi=(508, 508))
    path.write_bytes(path.read_bytes()[:200_000])
    assert refusal(capsys, tmp_path, plates[0], path).startswith(f"error: {path}: ")


def test_no_scale(plates, tmp_path, capsys):
    write(plates[0], dpi=None)
    said = refusal(capsys, tmp_path, *plates)
    assert str(plates[0]) in said
    assert "--px-per-cm" in said


# Wrong calls


def test_no_such_file(plates, tmp_path, capsys):
    assert run(plates[0], tmp_path / "nowhere.tif") == 2
    assert capsys.readouterr().err.startswith(f"error: {tmp_path / 'nowhere.tif'}: no such file")


def test_a_folder_is_no_plate(plates, tmp_path, capsys):
    assert run(tmp_path, plates[0]) == 2
    assert "is a folder. Name the file of one plate" in capsys.readouterr().err


def test_an_output_that_cannot_be_written(plates, tmp_path, capsys):
    for place in (tmp_path / "nowhere" / "r.json", tmp_path, tmp_path / "r.csv"):
        assert run(*plates, "-o", place) == 2
        assert capsys.readouterr().err.startswith(f"error: {place}: ")


@pytest.mark.parametrize(
    "words", [["--crops", "3"], ["--crops", "x"], ["--seed", "x"], ["--seed", "-1"], ["c.tif"], ["--nonsense"]]
)
def test_a_wrong_call(words, plates, capsys):
    with pytest.raises(SystemExit) as stop:
        run(*plates, *words)
    assert stop.value.code == 2
    assert capsys.readouterr().err


def test_interrupted(plates, tmp_path, counter, capsys):
    counter.interrupt = True
    assert run(*plates, "-o", tmp_path / "r.json") == 130
    assert capsys.readouterr().err == "interrupted: nothing was written\n"
    assert {path.name for path in tmp_path.iterdir()} == {"a.tif", "b.tif"}


def test_a_disk_that_is_full_leaves_no_result(plates, tmp_path, monkeypatch, capsys):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("dl4art.utils.tables.json.dumps", full)
        assert run(*plates, "-o", tmp_path / "r.json") == 2
    assert "No space left" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"a.tif", "b.tif"}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--help"], 0),
        (["--version"], 0),
        (["--nonsense"], 2),
        ([], 2),
        (["one.tif"], 2),
        (["a.tif", "b.tif"], 2),
        (["a.tif", "b.tif", "--crops", "2"], 2),
        (["a.tif", "b.tif", "-o", "r.csv"], 2),
    ],
)
def test_nothing_heavy_is_imported_before_the_call_stands(words, code, call_door):
    assert call_door("compare", words) == (code, [])


def test_it_runs_as_a_module(run_python):
    done = run_python("-m", "dl4art.compare", "a.tif", "b.tif")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: a.tif: no such file")
