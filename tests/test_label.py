"""The command as its users meet it: opening, prefilling, checking."""

import numpy as np
import pytest
import tifffile

from dl4art import label
from dl4art.cropping import labelme
from dl4art.cropping.labels import read_labelme, write_masks
from dl4art.regression import count_file
from dl4art.regression.estimate import ThreadEstimate


def weave(path):
    y, x = (np.arange(300) / 200 for _ in range(2))
    pixels = np.sin(2 * np.pi * 12 * x)[None] + np.sin(2 * np.pi * 15 * y)[:, None]
    tifffile.imwrite(path, (120 + 40 * pixels).astype(np.uint8), description=path.name)
    return path


class Counter:
    def __init__(self):
        self.vertical = 12.0

    def predict(self, pictures, *, px_per_cm):
        return [ThreadEstimate("ok", self.vertical, 15.0, 11.8, 12.2, 14.7, 15.3, 0.0, 0.0) for _ in pictures]


@pytest.fixture(autouse=True)
def counter(monkeypatch):
    counter = Counter()
    monkeypatch.setattr(count_file, "load_counter", lambda: counter)
    return counter


@pytest.fixture
def crops(tmp_path):
    folder = tmp_path / "crops"
    folder.mkdir()
    weave(folder / "a.tif")
    weave(folder / "b.tif")
    return folder


def test_prefilled_labels_pass_the_check(crops, capsys):
    assert label.main([str(crops), "--prefill"]) == 0
    assert capsys.readouterr().out.count("written") == 2
    assert label.main([str(crops), "--prefill"]) == 0
    assert capsys.readouterr().out.count("kept") == 2
    assert label.main([str(crops), "--check"]) == 0
    assert capsys.readouterr().out == "2 files: nothing is missing or doubtful\n"


@pytest.mark.parametrize("name", ["a.tif", "a.json"])
def test_one_crop_is_checked_alone(crops, name, capsys):
    assert label.main([str(crops / "a.tif"), "--prefill"]) == 0
    capsys.readouterr()
    assert label.main([str(crops / name), "--check"]) == 0
    assert capsys.readouterr().out == "1 file: nothing is missing or doubtful\n"


def test_archives_of_masks_are_checked(crops, counter, capsys):
    for name in "ab":
        assert label.main([str(crops / f"{name}.tif"), "--prefill"]) == 0
        write_masks(read_labelme(crops / f"{name}.json"), crops / f"{name}.tif", thread_width=5.0)
        (crops / f"{name}.json").unlink()
    capsys.readouterr()
    assert label.main([str(crops), "--check"]) == 0
    assert capsys.readouterr().out == "2 files: nothing is missing or doubtful\n"
    (crops / "b_V.npz").unlink()
    counter.vertical = 14.0
    assert label.main([str(crops), "--check"]) == 1
    table = capsys.readouterr().out
    assert "a_V.npz  unlike the count  vertical threads:" in table
    assert "b_H.npz  one direction     there is no b_V.npz beside it." in table
    assert "2 files: 2 findings in 2" in table
    assert label.main([str(crops / "b.tif"), "--check"]) == 1
    assert "there is no b_V.npz" in capsys.readouterr().out


def test_findings_are_rows_and_an_exit_code(crops, counter, capsys):
    assert label.main([str(crops / "a.tif"), "--prefill"]) == 0
    counter.vertical = 14.0
    assert label.main([str(crops), "--check"]) == 1
    table = capsys.readouterr().out
    assert "a.json  unlike the count  vertical threads:" in table
    assert "b.tif   no labels" in table
    assert table.endswith("2 files: 2 findings in 2\n")


def test_a_crop_without_scale_is_said_so_and_stops_no_other(crops, capsys):
    tifffile.imwrite(crops / "c.tif", np.zeros((290, 300), np.uint8))
    assert label.main([str(crops), "--prefill"]) == 1
    table = capsys.readouterr().out
    assert (table.count("written"), table.count("failed")) == (2, 1)
    assert "--px-per-cm" in table


def test_an_interruption_says_what_is_written(crops, counter, monkeypatch, capsys):
    from dl4art.regression import prefill

    inner = prefill.find_threads

    def find(plate, count):
        if plate.path.name == "b.tif":
            raise KeyboardInterrupt
        return inner(plate, count)

    monkeypatch.setattr(prefill, "find_threads", find)
    assert label.main([str(crops), "--prefill"]) == 130
    assert "1 files of labels are written" in capsys.readouterr().err
    assert (crops / "a.json").exists()


@pytest.mark.parametrize(("ended", "code"), [(0, 0), (1, 1), (-11, 1)])
def test_labelme_is_opened_on_the_folder(crops, monkeypatch, ended, code):
    opened = []
    monkeypatch.setattr(labelme, "open_labelme", lambda place: opened.append(place) or ended)
    assert label.main([str(crops)]) == code
    assert opened == [crops]


def test_what_is_wrong_with_the_call_is_said(crops, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(labelme.shutil, "which", lambda name: None)
    monkeypatch.setattr(labelme, "find_spec", lambda name: None)
    (tmp_path / "empty").mkdir()
    for words, said in (
        ([str(crops)], "labelme is not installed"),
        ([str(crops), "--dpi", "300"], "no meaning"),
        ([str(tmp_path / "none"), "--check"], "no such file"),
        ([str(tmp_path / "empty"), "--check"], "no files"),
    ):
        assert label.main(words) == 2
        assert said in capsys.readouterr().err
    with pytest.raises(SystemExit):
        label.main([str(crops), "--check", "--prefill"])


@pytest.mark.parametrize(("words", "code"), [(["--help"], 0), (["--wrong"], 2), (["none", "--check"], 2)])
def test_nothing_heavy_is_imported_before_the_call_stands(words, code, call_door):
    assert call_door("label", words) == (code, [])
