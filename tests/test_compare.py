"""The command as its users meet it: two plates, bad input, wrong calls."""

import csv
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


def test_a_report_with_a_weave_match(plates, tmp_path, capsys):
    assert run(*plates, "--report", tmp_path / "r", "-o", tmp_path / "r.json") == 0
    shown = capsys.readouterr().out
    # 4.5 cm are too little for a match, and it is said
    assert "weave match: not enough overlap" in shown
    assert [line for line in shown.splitlines() if line.startswith("written to")] == [
        f"written to {tmp_path / name}" for name in ("r.json", "r.html")
    ]
    page = (tmp_path / "r.html").read_text("utf-8")
    found = result_of(tmp_path / "r.json")
    assert f"<strong>{found['verdict'].capitalize()}</strong>" in page
    assert "Not enough overlap" in page
    assert found["weave_match"]["finding"] == "not enough overlap"
    assert run(*plates, "-o", tmp_path / "plain.json") == 0
    assert "weave_match" not in result_of(tmp_path / "plain.json")


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


# Collections


@pytest.fixture
def collection(tmp_path):
    """Four canvases: two of one cloth, one of another, and one of other densities in two plates."""
    folder = tmp_path / "plates"
    (folder / "four").mkdir(parents=True)
    write(folder / "one.tif", 1)
    write(folder / "two.tif", 2)
    write(folder / "three.tif", 3, smooth=12)
    write(folder / "four" / "left.tif", 4, level=200)
    write(folder / "four" / "right.tif", 5, level=200)
    return folder


@pytest.fixture
def encoded(monkeypatch):
    """The files that are encoded, in their order."""
    files, encode = [], FabricComparer.encode

    def noted(self, plate, **how):
        files.append(Path(plate.path).name)
        return encode(self, plate, **how)

    monkeypatch.setattr(FabricComparer, "encode", noted)
    return files


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_collection(collection, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(collection, "-o", out, "--crops", "9") == 0
    shown = capsys.readouterr()
    assert {path.name for path in out.iterdir()} == {
        *("catalogue.db", "collection.json", "dendrogram.png", "matrix.csv", "matrix.png"),
        *("neighbours.csv", "pairs.csv"),
    }
    pairs = {(row["a"], row["b"]): row for row in rows_of(out / "pairs.csv")}
    assert {pair: row["verdict"] for pair, row in pairs.items()} == {
        ("four", "one"): "excluded",
        ("four", "three"): "excluded",
        ("four", "two"): "excluded",
        ("one", "three"): "unlike",
        ("one", "two"): "compatible",
        ("three", "two"): "unlike",
    }
    matrix = rows_of(out / "matrix.csv")
    assert [row[""] for row in matrix] == ["four", "one", "three", "two"]
    assert float(matrix[1]["two"]) == pytest.approx(float(pairs["one", "two"]["similarity"]), abs=1e-5)
    nearest = {row["canvas"]: row["neighbour"] for row in rows_of(out / "neighbours.csv") if row["rank"] == "1"}
    assert (nearest["one"], nearest["two"]) == ("two", "one")
    found = result_of(out / "collection.json")
    assert [group["canvases"] for group in found["groups"]] == [["one", "two"]]
    assert sorted(found["order"]) == ["four", "one", "three", "two"]
    assert found["canvases"][0]["files"] == [str(collection / "four" / name) for name in ("left.tif", "right.tif")]
    assert found["verdicts"] == {"compatible": 1, "unlike": 2, "excluded": 3, "undecided": 0}
    assert (found["expected_false_matches"]["pairs"], found["expected_false_matches"]["left_open"]) == (6, 3)
    assert (found["model"]["name"], found["seed"], found["failed"]) == ("fake 00000000", 0, [])
    said = " ".join(shown.out.split())
    assert "pairs 6: 1 compatible, 2 unlike, 3 excluded" in said
    assert "in each of which every canvas is compatible with every other 1 one, two" in said
    assert "How many false matches to expect is not known: this model was not tested for it" in said
    assert said.endswith(f"written to {out}")
    assert max(map(len, shown.out.splitlines())) <= 100
    assert shown.err == ""


def test_a_pair_of_a_collection_is_what_comparing_the_two_gives(collection, plates, tmp_path):
    assert run(collection, "-o", tmp_path / "out") == 0
    assert run(collection / "three.tif", collection / "one.tif", "-o", tmp_path / "r.json") == 0
    alone = result_of(tmp_path / "r.json")
    (row,) = [row for row in rows_of(tmp_path / "out" / "pairs.csv") if {row["a"], row["b"]} == {"one", "three"}]
    for name in ("similarity", "low", "high", "apart"):
        assert float(row[name]) == pytest.approx(alone[name], abs=1e-6)
    assert row["verdict"] == alone["verdict"]


def test_each_plate_is_encoded_once(collection, tmp_path, encoded):
    assert run(collection, "-o", tmp_path / "out") == 0
    assert sorted(encoded) == ["left.tif", "one.tif", "right.tif", "three.tif", "two.tif"]
    first = (tmp_path / "out" / "pairs.csv").read_bytes()
    encoded.clear()
    assert run(collection, "-o", tmp_path / "out") == 0
    assert encoded == []
    assert (tmp_path / "out" / "pairs.csv").read_bytes() == first
    (collection / "one.tif").rename(collection / "renamed.tif")
    write(collection / "five.tif", 6)
    assert run(collection, "-o", tmp_path / "out") == 0
    assert encoded == ["five.tif"]


def test_a_table_groups_plates_and_the_catalogue_may_lie_elsewhere(collection, tmp_path, encoded):
    table = tmp_path / "table.csv"
    table.write_text("canvas,file\nA,plates/one.tif\nA,plates/two.tif\nB,plates/three.tif\n")
    words = ("--catalogue", tmp_path / "all.db")
    assert run(table, "-o", tmp_path / "out", *words) == 0
    assert run(collection, "-o", tmp_path / "other", *words) == 0
    assert len(encoded) == 5
    assert not (tmp_path / "out" / "catalogue.db").exists()
    (row,) = rows_of(tmp_path / "out" / "pairs.csv")
    assert (row["a"], row["b"]) == ("A", "B")


def test_one_unreadable_plate_among_many(collection, tmp_path, capsys):
    (collection / "three.tif").write_bytes(b"Dear colleague,\n")
    write(collection / "four" / "right.tif", 5, level=200, shape=(300, 900))
    assert run(collection, "-o", tmp_path / "out") == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith(f"error: {collection / 'four' / 'right.tif'}: only 3 readable crops")
    assert lines[1].startswith(f"error: {collection / 'three.tif'}: ")
    found = result_of(tmp_path / "out" / "collection.json")
    assert [(row["canvas"], Path(row["file"]).name) for row in found["failed"]] == [
        ("four", "right.tif"),
        ("three", "three.tif"),
    ]
    assert all(row["message"] for row in found["failed"])
    assert [canvas["name"] for canvas in found["canvases"]] == ["four", "one", "two"]


def test_fewer_than_two_canvases_that_can_be_used(collection, tmp_path, capsys):
    for name in ("two.tif", "three.tif", "four/left.tif", "four/right.tif"):
        (collection / name).write_bytes(b"")
    assert run(collection, "-o", tmp_path / "out") == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines()[-1].endswith("fewer than two canvases can be used, and nothing is written.")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"catalogue.db"}


def test_a_file_that_a_table_names_and_that_is_not_there(collection, tmp_path, capsys):
    table = collection / "table.csv"
    table.write_text("canvas,file\nA,one.tif\nB,two.tif\nC,nowhere.tif\n")
    assert run(table, "-o", tmp_path / "out") == 1
    assert capsys.readouterr().err == f"error: {collection / 'nowhere.tif'}: no such file\n"


def test_copies_scales_and_little_plates_in_a_collection_are_told(collection, tmp_path, capsys):
    write(collection / "two.tif", 2, shape=(600, 600))
    (collection / "copy.tif").write_bytes((collection / "one.tif").read_bytes())
    write(collection / "three.tif", 3, dpi=600, shape=(1100, 1100))
    assert run(collection, "-o", tmp_path / "out") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"{collection / 'copy.tif'} and {collection / 'one.tif'} are the same picture" in said
    assert "the plates have 200 to 236.22 px/cm: all were resampled" in said
    assert f"{collection / 'two.tif'}: 4 crops used where 30 were asked for" in said


@pytest.fixture
def stopped(counter, encoded, monkeypatch):
    """Interrupt the third plate that is encoded."""
    looked = counter.predict

    def stop_at_third(pictures, *, px_per_cm):
        counter.interrupt = len(encoded) == 3
        return looked(pictures, px_per_cm=px_per_cm)

    monkeypatch.setattr(counter, "predict", stop_at_third)
    return encoded


def test_an_interrupted_collection_goes_on_where_it_was(collection, tmp_path, stopped, capsys):
    assert run(collection, "-o", tmp_path / "out", "--crops", "9") == 130
    said = f"2 of 5 plates are done and kept in {tmp_path / 'out' / 'catalogue.db'}; the same command goes on"
    assert said in capsys.readouterr().err
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"catalogue.db"}
    assert stopped == ["left.tif", "right.tif", "one.tif"]
    assert run(collection, "-o", tmp_path / "out", "--crops", "9") == 0
    assert stopped[3:] == ["one.tif", "three.tif", "two.tif"]


def test_results_in_the_collection_itself(collection):
    for _ in range(2):
        assert run(collection, "-o", collection / "out") == 0
    assert len(result_of(collection / "out" / "collection.json")["canvases"]) == 4


# Searching a catalogue


@pytest.fixture
def catalogue(collection, tmp_path, capsys):
    assert run(collection, "-o", tmp_path / "out") == 0
    capsys.readouterr()
    return tmp_path / "out" / "catalogue.db"


def test_a_plate_against_a_catalogue(catalogue, tmp_path, capsys):
    before = catalogue.read_bytes()
    assert run(write(tmp_path / "new.tif", 7), "--against", catalogue, "--top", "3", "-o", tmp_path / "r.json") == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "nearest of 4 canvases in the catalogue" in shown
    found = result_of(tmp_path / "r.json")
    assert found["searched"] == 4
    assert {row["canvas"] for row in found["neighbours"][:2]} == {"one", "two"}
    assert found["neighbours"][2]["verdict"] == "unlike"
    assert found["neighbours"][0]["low"] <= found["neighbours"][0]["similarity"]
    assert found["expected_false_matches"]["pairs"] == 4
    assert catalogue.read_bytes() == before


def test_a_canvas_that_the_catalogue_has_is_left_out(catalogue, collection, encoded, capsys):
    assert run(collection / "four", "--against", catalogue) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "four is in the catalogue already, as four: that one is left out" in said
    assert "nearest of 3 canvases" in said
    assert encoded == []


def test_a_catalogue_of_other_parameters(catalogue, collection, plates, capsys):
    for name, there, here in (("crops", 30, 7), ("seed", 0, 1)):
        words = (f"--{name}", here)
        assert run(plates[0], "--against", catalogue, *words) == 2
        assert f"{name} {there} there and {here} here" in capsys.readouterr().err
        assert run(collection, "-o", catalogue.parent, *words) == 2
        assert "Ask for the same ones, or choose another file" in capsys.readouterr().err


def test_a_catalogue_of_another_model(catalogue, plates, monkeypatch, capsys):
    comparer = FabricComparer.from_pretrained()
    for other in (
        replace(comparer, folder=replace(comparer.folder, sha256="1" * 64)),
        replace(comparer, calibration=replace(CALIBRATION, slope=2.0)),
    ):
        monkeypatch.setattr(FabricComparer, "from_pretrained", lambda model=None, other=other: other)
        assert run(plates[0], "--against", catalogue) == 2
        assert "was made with another model or other parameters" in capsys.readouterr().err


def test_a_damaged_catalogue(catalogue, collection, plates, capsys):
    catalogue.write_bytes(b"x" * 5000)
    for words in ([plates[0], "--against", catalogue], [collection, "-o", catalogue.parent]):
        assert run(*words) == 2
        assert f"error: {catalogue}: is damaged, or no catalogue" in capsys.readouterr().err


def test_a_plate_that_cannot_be_looked_up(catalogue, tmp_path, capsys):
    (tmp_path / "empty.tif").write_bytes(b"")
    assert "the file is empty" in refusal(capsys, tmp_path, tmp_path / "empty.tif", "--against", catalogue)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a.tif"], "one plate has nothing to be compared with"),
        (["nowhere.tif"], "no such file or folder"),
        (["plates"], "Name it with -o"),
        (["plates", "-o", "a.tif"], "cannot be made"),
        (["plates", "-o", "out", "--catalogue", "nowhere/c.db"], "the folder nowhere does not exist"),
        (["plates", "-o", "out", "--top", "3"], "--top goes with --against"),
        (["a.tif", "b.tif", "--catalogue", "c.db"], "--catalogue is for a collection"),
        (["a.tif", "b.tif", "--against", "a.tif"], "Leave B out"),
        (["plates", "-o", "out", "--report", "r.html"], "--report is for two plates"),
        (["a.tif", "--against", "nowhere.db"], "no such file"),
        (["plates/one.tif", "-o", "out"], "one plate has nothing"),
    ],
)
@pytest.mark.usefixtures("plates")
def test_a_collection_that_is_called_wrongly(words, said, collection, monkeypatch, capsys):
    monkeypatch.chdir(collection.parent)
    assert run(*words) == 2
    assert said in capsys.readouterr().err


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
        (["a.tif", "b.tif", "--report", "r.pdf"], 2),
        ([".", "-o", "out"], 2),
        (["a.tif", "--against", "c.db"], 2),
        (["a.tif", "--top", "3"], 2),
    ],
)
def test_nothing_heavy_is_imported_before_the_call_stands(words, code, call_door):
    assert call_door("compare", words) == (code, [])


def test_it_runs_as_a_module(run_python):
    done = run_python("-m", "dl4art.compare", "a.tif", "b.tif")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: a.tif: no such file")
