"""The command on collections and catalogues."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest

from dl4art.siamese import FabricComparer


@pytest.fixture
def collection(tmp_path, write):
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


def test_a_collection(collection, tmp_path, capsys, run, result_of):
    out = tmp_path / "out"
    assert run(collection, "-o", out, "--crops", "9") == 0
    shown = capsys.readouterr()
    assert {path.name for path in out.iterdir()} == {
        *(".journal.jsonl", "catalogue.db", "collection.json", "dendrogram.png", "matrix.csv", "matrix.png"),
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


def test_a_pair_of_a_collection_is_what_comparing_the_two_gives(collection, plates, tmp_path, run, result_of):
    assert run(collection, "-o", tmp_path / "out") == 0
    assert run(collection / "three.tif", collection / "one.tif", "-o", tmp_path / "r.json") == 0
    alone = result_of(tmp_path / "r.json")
    (row,) = [row for row in rows_of(tmp_path / "out" / "pairs.csv") if {row["a"], row["b"]} == {"one", "three"}]
    for name in ("similarity", "low", "high", "apart"):
        assert float(row[name]) == pytest.approx(alone[name], abs=1e-6)
    assert row["verdict"] == alone["verdict"]


def test_each_plate_is_encoded_once(collection, tmp_path, encoded, run, write):
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


def test_a_table_groups_plates_and_the_catalogue_may_lie_elsewhere(collection, tmp_path, encoded, run):
    table = tmp_path / "table.csv"
    table.write_text("canvas,file\nA,plates/one.tif\nA,plates/two.tif\nB,plates/three.tif\n")
    words = ("--catalogue", tmp_path / "all.db")
    assert run(table, "-o", tmp_path / "out", *words) == 0
    assert run(collection, "-o", tmp_path / "other", *words) == 0
    assert len(encoded) == 5
    assert not (tmp_path / "out" / "catalogue.db").exists()
    (row,) = rows_of(tmp_path / "out" / "pairs.csv")
    assert (row["a"], row["b"]) == ("A", "B")


def test_one_unreadable_plate_among_many(collection, tmp_path, capsys, *, run, write, result_of):
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


def test_fewer_than_two_canvases_that_can_be_used(collection, tmp_path, capsys, run):
    for name in ("two.tif", "three.tif", "four/left.tif", "four/right.tif"):
        (collection / name).write_bytes(b"")
    assert run(collection, "-o", tmp_path / "out") == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines()[-1].endswith("fewer than two canvases can be used, and nothing is written.")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"catalogue.db"}


def test_a_file_that_a_table_names_and_that_is_not_there(collection, tmp_path, capsys, run):
    table = collection / "table.csv"
    table.write_text("canvas,file\nA,one.tif\nB,two.tif\nC,nowhere.tif\n")
    assert run(table, "-o", tmp_path / "out") == 1
    assert capsys.readouterr().err == f"error: {collection / 'nowhere.tif'}: no such file\n"


def test_copies_scales_and_little_plates_in_a_collection_are_told(collection, tmp_path, capsys, run, write):
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


def test_an_interrupted_collection_goes_on_where_it_was(collection, tmp_path, stopped, capsys, run):
    assert run(collection, "-o", tmp_path / "out", "--crops", "9") == 130
    said = f"2 of 5 plates are done and kept in {tmp_path / 'out' / 'catalogue.db'}; the same command goes on"
    assert said in capsys.readouterr().err
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"catalogue.db"}
    assert stopped == ["left.tif", "right.tif", "one.tif"]
    assert run(collection, "-o", tmp_path / "out", "--crops", "9") == 0
    assert stopped[3:] == ["one.tif", "three.tif", "two.tif"]


def test_a_cluster_that_cannot_be_reached(collection, tmp_path, monkeypatch, capsys, run):
    monkeypatch.setattr("dl4art.utils.scheduling.CONNECT_S", 0.2)
    assert run(collection, "-o", tmp_path / "out", "--scheduler", "tcp://127.0.0.1:9") == 2
    assert "error: tcp://127.0.0.1:9: " in capsys.readouterr().err


def test_results_in_the_collection_itself(collection, run, result_of):
    for _ in range(2):
        assert run(collection, "-o", collection / "out") == 0
    assert len(result_of(collection / "out" / "collection.json")["canvases"]) == 4


# Searching a catalogue


@pytest.fixture
def catalogue(collection, tmp_path, capsys, run):
    assert run(collection, "-o", tmp_path / "out") == 0
    capsys.readouterr()
    return tmp_path / "out" / "catalogue.db"


def test_a_plate_against_a_catalogue(catalogue, tmp_path, capsys, *, run, write, result_of):
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


def test_a_canvas_that_the_catalogue_has_is_left_out(catalogue, collection, encoded, capsys, run):
    assert run(collection / "four", "--against", catalogue) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "four is in the catalogue already, as four: that one is left out" in said
    assert "nearest of 3 canvases" in said
    assert encoded == []


def test_a_catalogue_of_other_parameters(catalogue, collection, plates, capsys, run):
    for name, there, here in (("crops", 30, 7), ("seed", 0, 1)):
        words = (f"--{name}", here)
        assert run(plates[0], "--against", catalogue, *words) == 2
        assert f"{name} {there} there and {here} here" in capsys.readouterr().err
        assert run(collection, "-o", catalogue.parent, *words) == 2
        assert "Ask for the same ones, or choose another file" in capsys.readouterr().err


def test_a_catalogue_of_another_model(catalogue, plates, monkeypatch, capsys, run):
    comparer = FabricComparer.from_pretrained()
    for other in (
        replace(comparer, folder=replace(comparer.folder, sha256="1" * 64)),
        replace(comparer, calibration=replace(comparer.calibration, slope=2.0)),
    ):
        monkeypatch.setattr(FabricComparer, "from_pretrained", lambda model=None, other=other: other)
        assert run(plates[0], "--against", catalogue) == 2
        assert "was made with another model or other parameters" in capsys.readouterr().err


def test_a_damaged_catalogue(catalogue, collection, plates, capsys, run):
    catalogue.write_bytes(b"x" * 5000)
    for words in ([plates[0], "--against", catalogue], [collection, "-o", catalogue.parent]):
        assert run(*words) == 2
        assert f"error: {catalogue}: is damaged, or no catalogue" in capsys.readouterr().err


def test_a_plate_that_cannot_be_looked_up(catalogue, tmp_path, refusal):
    (tmp_path / "empty.tif").write_bytes(b"")
    assert "the file is empty" in refusal(tmp_path / "empty.tif", "--against", catalogue)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a.tif"], "one plate has nothing to be compared with"),
        (["nowhere.tif"], "no such file or folder"),
        (["plates"], "Name it with -o"),
        (["plates", "-o", "a.tif"], "cannot be made"),
        (["plates", "-o", "out", "--catalogue", "nowhere/c.db"], "the folder nowhere does not exist"),
        (["a.tif", "b.tif", "--scheduler", "tcp://a:1"], "--scheduler is for a collection"),
        (["plates", "--against", "c.db", "--scheduler", "tcp://a:1"], "--scheduler is for a collection"),
        (["plates", "-o", "out", "--top", "3"], "--top goes with --against"),
        (["a.tif", "b.tif", "--catalogue", "c.db"], "--catalogue is for a collection"),
        (["a.tif", "b.tif", "--against", "a.tif"], "Leave B out"),
        (["plates", "-o", "out", "--report", "r.html"], "--report is for two plates"),
        (["a.tif", "--against", "nowhere.db"], "no such file"),
        (["plates/one.tif", "-o", "out"], "one plate has nothing"),
    ],
)
@pytest.mark.usefixtures("plates")
def test_a_collection_that_is_called_wrongly(words, said, collection, monkeypatch, capsys, *, run):
    monkeypatch.chdir(collection.parent)
    assert run(*words) == 2
    assert said in capsys.readouterr().err
