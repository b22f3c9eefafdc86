import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from dl4art.siamese.calibration import UNCALIBRATED
from dl4art.siamese.collection import compare_all
from dl4art.siamese.collection_encoding import FailedPlate, KeptCanvas
from dl4art.siamese.collection_files import NEIGHBOURS, ComparedCollection, write_collection
from dl4art.siamese.collection_text import collection_text
from dl4art.siamese.false_matches import KEY
from dl4art.siamese.stability import CropNeeds

CALIBRATION = {KEY: {"any": [1, 1000], "like": [50, 1000]}}


@pytest.fixture(scope="module")
def judge(model_folder):
    from dl4art.siamese import FabricComparer

    comparer = FabricComparer.from_pretrained(model_folder)
    return replace(comparer, calibration=replace(UNCALIBRATED, unlike=0.45, compatible=0.55, crops=8))


@pytest.fixture(scope="module")
def found(judge, made_up):
    """Twenty-five canvases of which one has other densities, and a name that a spreadsheet would run."""
    names = ["=A1", *(f"canvas {number:02d}" for number in range(1, 25))]
    encoded = [made_up(number, number % 7, file=name) for number, name in enumerate(names)]
    encoded[24] = made_up(24, 3, densities=(18.0, 10.0), file=names[24], px_per_cm=100.0)
    kept = [
        KeptCanvas(name, (Path(name),), f"{number}", canvas)
        for number, (name, canvas) in enumerate(zip(names, encoded, strict=True))
    ]
    pairs = compare_all(judge, encoded, wholly=10)
    return ComparedCollection(
        kept, [FailedPlate("x", "x.tif", "the file is empty")], pairs, CALIBRATION, CropNeeds(4, 4, True)
    )


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_all_files_tell_the_same(found, tmp_path):
    write_collection(tmp_path, found, {"seed": 0})
    pairs = rows_of(tmp_path / "pairs.csv")
    assert len(pairs) == 25 * 24 // 2
    excluded = [row for row in pairs if row["verdict"] == "excluded"]
    assert {row["b"] for row in excluded} == {"canvas 24"}
    assert {(row["low"], row["high"], row["compared"]) for row in excluded} == {("", "", "mean vectors")}
    assert {row["compared"] for row in pairs if row["verdict"] != "excluded"} == {"all crops"}
    assert "px/cm" in excluded[0]["remarks"]
    matrix = rows_of(tmp_path / "matrix.csv")
    assert [row[""] for row in matrix] == [*matrix[0]][1:] == ["'=A1", *found.names[1:]]
    for row in pairs[:30]:
        (line,) = [line for line in matrix if line[""] == row["a"]]
        assert float(line[row["b"]]) == pytest.approx(float(row["similarity"]), abs=1e-5)
    neighbours = rows_of(tmp_path / "neighbours.csv")
    assert len(neighbours) == 25 * NEIGHBOURS
    document = json.loads((tmp_path / "collection.json").read_text("utf-8"))
    assert document["seed"] == 0
    assert sum(document["verdicts"].values()) == len(pairs)
    assert document["failed"] == [{"canvas": "x", "file": "x.tif", "message": "the file is empty"}]
    assert document["expected_false_matches"]["of_any_densities"] == pytest.approx(0.3)
    assert document["expected_false_matches"]["left_open"] == 300 - 24
    assert len(document["canvases"]) == 25
    for name in ("matrix.png", "dendrogram.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_the_screen_shows_a_part_and_says_so(found):
    text = collection_text(found)
    assert "and 5 more in collection.json" in text
    assert "Expected false matches, were no two of one cloth: 0.3 in 300 pairs" in " ".join(text.split())
    assert "(95 %: at most 1.7)" in " ".join(text.split())
    assert "the plates have 100 to 200 px/cm" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 100
