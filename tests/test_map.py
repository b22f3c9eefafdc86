"""The command as its users meet it."""

import csv
import json

import numpy as np
import pytest
import tifffile
from PIL import Image

from dl4art import map as door


@pytest.fixture
def plate(plain_plate):
    return plain_plate[0]


def test_a_plate_becomes_a_report(plate, tmp_path, capsys):
    folder = tmp_path / "out" / "report"
    words = ["--quiet", "--step", "0.25", "--title", "A view", "--inventory", "inv. 1", "--density-limits", "8:20"]
    assert door.main([str(plate), "-o", str(folder), *words]) == 0
    shown = capsys.readouterr()
    assert "vertical/cm" in shown.out
    assert "report.html" in shown.out
    assert shown.err == ""
    with (folder / "cells.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 16 * 12
    known = [row for row in rows if row["status"] == "ok"]
    assert len(known) > 100
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    mean = np.mean([float(row["vertical_per_cm"]) for row in known])
    assert summary["vertical"]["mean"] == pytest.approx(mean, abs=1e-3)
    assert summary["inputs"][0]["file"] == str(plate)
    assert len(summary["inputs"][0]["sha256"]) == 64
    assert tifffile.imread(folder / "vertical_density.tif").shape == (12, 16)
    assert "A view" in (folder / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("limits", ["12", "20:8", "8:", "a:b"])
def test_wrong_limits_are_a_wrong_call(limits, capsys):
    with pytest.raises(SystemExit) as stop:
        door.main(["plate.tif", "-o", "x", "--density-limits", limits])
    assert stop.value.code == 2
    assert "the smaller first" in capsys.readouterr().err


def test_a_missing_plate_is_a_sentence(tmp_path, capsys):
    assert door.main([str(tmp_path / "none.tif"), "-o", str(tmp_path / "out")]) == 2
    assert "no such file" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_plate_smaller_than_a_window_is_a_sentence(tmp_path, capsys):
    tifffile.imwrite(
        tmp_path / "small.tif", np.zeros((150, 300), np.uint8), resolution=(200, 200), resolutionunit="CENTIMETER"
    )
    assert door.main([str(tmp_path / "small.tif"), "-o", str(tmp_path / "out"), "--quiet"]) == 1
    assert "error:" in capsys.readouterr().err


def test_a_blank_plate_has_a_report_without_numbers(tmp_path, capsys):
    tifffile.imwrite(
        tmp_path / "blank.tif", np.full((400, 400), 90, np.uint8), resolution=(200, 200), resolutionunit="CENTIMETER"
    )
    assert door.main([str(tmp_path / "blank.tif"), "-o", str(tmp_path / "out"), "--quiet"]) == 0
    shown = capsys.readouterr().out
    assert "undetermined" in shown
    assert "no cell of this plate can be read" in shown
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["vertical"]["mean"] is None


def test_an_output_that_is_a_file_is_refused(plate, tmp_path, capsys):
    (tmp_path / "taken").write_text("mine")
    assert door.main([str(plate), "-o", str(tmp_path / "taken")]) != 0
    assert "taken" in capsys.readouterr().err


def test_a_grid_that_is_too_fine_is_a_wrong_call(plate, tmp_path, capsys):
    assert door.main([str(plate), "-o", str(tmp_path / "out"), "--step", "0.05"]) == 2
    assert "too fine" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_several_plates_are_one_canvas_and_go_on_where_they_were(plate, tmp_path, capsys):
    folder = tmp_path / "plates"
    folder.mkdir()
    for name in ("a.tif", "b.tif"):
        (folder / name).write_bytes(plate.read_bytes())
    (folder / "c.tif").write_text("no picture")
    words = [str(folder), "-o", str(tmp_path / "out"), "--quiet", "--title", "Three"]
    assert door.main(words) == 1
    shown = capsys.readouterr()
    assert "c.tif" in shown.err
    assert shown.out.count("vertical/cm") == 2
    assert sorted(path.name for path in (tmp_path / "out").glob("[!.]*")) == ["a", "b", "report.html", "summary.json"]
    assert "Three" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    before = (tmp_path / "out" / "a" / "cells.csv").stat().st_mtime_ns
    (folder / "c.tif").unlink()
    assert door.main(words) == 0
    assert (tmp_path / "out" / "a" / "cells.csv").stat().st_mtime_ns == before


def test_masks_of_several_plates_lie_in_a_folder(plate, tmp_path, capsys):
    other = tmp_path / "other.tif"
    other.write_bytes(plate.read_bytes())
    mask = tmp_path / "mask.png"
    Image.fromarray(np.zeros((600, 800), np.uint8)).save(mask)
    assert door.main([str(plate), str(other), "-o", str(tmp_path / "out"), "--mask", str(mask)]) == 2
    assert "name a folder" in capsys.readouterr().err
    masks = tmp_path / "masks"
    masks.mkdir()
    Image.fromarray(np.full((600, 800), 255, np.uint8)).save(masks / "other.png")
    words = ["--quiet", "--mask", str(masks)]
    assert door.main([str(plate), str(other), "-o", str(tmp_path / "out"), *words]) == 0
    cells = [json.loads((tmp_path / "out" / name / "summary.json").read_text())["cells"] for name in ("plate", "other")]
    assert cells[0]["masked"] == 0
    assert cells[1]["masked"] == 48
    assert "other way round" in capsys.readouterr().out
    Image.fromarray(np.zeros((600, 800), np.uint8)).save(masks / "other.tif")
    assert door.main([str(plate), str(other), "-o", str(tmp_path / "out"), *words]) == 2
    assert "Leave one of them" in capsys.readouterr().err


def test_a_mask_that_is_not_there(plate, tmp_path, capsys):
    assert door.main([str(plate), "-o", str(tmp_path / "out"), "--mask", str(tmp_path / "none.png")]) == 2
    assert "none.png: no such file" in capsys.readouterr().err


def test_an_interrupted_call_says_what_is_kept(plate, tmp_path, monkeypatch, capsys):
    from dl4art.regression import map_run as room

    other = tmp_path / "other.tif"
    other.write_bytes(plate.read_bytes())
    real = room.map_plate

    def stopped(path, *args, **kwargs):
        if path == other:
            raise KeyboardInterrupt
        return real(path, *args, **kwargs)

    monkeypatch.setattr(room, "map_plate", stopped)
    assert door.main([str(plate), str(other), "-o", str(tmp_path / "out"), "--quiet"]) == 130
    assert "1 of 2 plates are done and kept" in capsys.readouterr().err
    assert (tmp_path / "out" / "plate" / "summary.json").exists()


@pytest.mark.parametrize(("words", "code"), [(["--help"], 0), ([], 2), (["none.tif", "-o", "x"], 2)])
def test_nothing_heavy_is_imported_before_the_call_stands(words, code, call_door):
    assert call_door("map", words) == (code, [])
