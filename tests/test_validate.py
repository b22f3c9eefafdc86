"""The command as its users meet it."""

import csv
import json

import pytest

from dl4art import map as mapper
from dl4art import validate as door
from dl4art.simulation.plates import draw_plate, write_plate
from dl4art.simulation.truth import CELL_CM


@pytest.fixture
def plate(plain_plate):
    return plain_plate[0]


@pytest.fixture
def manual(plain_plate, tmp_path):
    """What a patient person would have counted."""
    _, truth = plain_plate
    lines = ["x_cm,y_cm,direction,count,width_cm"]
    for x, y in ((1.0, 1.0), (2.0, 1.5), (3.0, 2.0)):
        rows, cols = (slice(round((c - 0.5) / CELL_CM), round((c + 0.5) / CELL_CM)) for c in (y, x))
        for name in ("vertical", "horizontal"):
            lines.append(f"{x},{y},{name},{getattr(truth, f'{name}_density')[rows, cols].mean():.2f},1")
    path = tmp_path / "manual.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_counts_are_set_against_a_new_map(plate, manual, tmp_path, capsys):
    assert door.main([str(plate), str(manual), "-o", str(tmp_path / "out"), "--quiet"]) == 0
    shown = capsys.readouterr()
    assert "limits of agreement" in shown.out
    assert shown.err == ""
    document = json.loads((tmp_path / "out" / "validation.json").read_text())
    assert (document["spots"][0]["direction"], document["compared"]) == ("vertical", 6)
    assert document["relative_error"] < 0.03
    assert document["within_one"] == 1
    with (tmp_path / "out" / "validation.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 6
    assert "Bland-Altman" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")


def test_counts_are_set_against_a_map_that_is_there(plate, manual, tmp_path, capsys):
    assert mapper.main([str(plate), "-o", str(tmp_path / "map"), "--quiet"]) == 0
    capsys.readouterr()
    assert door.main([str(plate), str(manual), "--map", str(tmp_path / "map"), "--quiet"]) == 0
    assert "6 of 6" in capsys.readouterr().out
    other = tmp_path / "other.tif"
    write_plate(other, draw_plate(4, 0, (4.0, 3.0), furnished=False), 200.0)
    assert door.main([str(other), str(manual), "--map", str(tmp_path / "map"), "--quiet"]) == 2
    assert "is not the map of" in capsys.readouterr().err


def test_what_is_wrong_is_a_sentence(plate, manual, tmp_path, capsys):
    assert door.main([str(plate), str(tmp_path / "none.csv")]) == 2
    assert "no such file" in capsys.readouterr().err
    manual.write_text("x_cm,y_cm,direction,count,width_cm\n9,1,v,10,1\n")
    assert door.main([str(plate), str(manual)]) == 2
    assert "does not lie on" in capsys.readouterr().err
    manual.write_text("x_cm,y_cm,direction,threads,width_cm\n1,1,v,10,1\n")
    assert door.main([str(plate), str(manual)]) == 2
    assert "no column count" in capsys.readouterr().err
    manual.write_text("x_cm,y_cm,direction,count,width_cm\n1,1,v,10,1\n")
    assert door.main([str(plate), str(manual), "--map", str(tmp_path)]) == 2
    assert "Make the map again" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "code"), [(["--help"], 0), ([], 2), (["none.tif", "none.csv"], 2)])
def test_nothing_heavy_is_imported_before_the_call_stands(words, code, call_door):
    assert call_door("validate", words) == (code, [])
