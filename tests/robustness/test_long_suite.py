"""What the long suite keeps of an earlier run, and how doors and formats are named."""

from pathlib import Path

import pytest

pytest.importorskip("resource")  # faults are injected as POSIX systems let one


@pytest.fixture(scope="module")
def suite(load_script):
    return load_script(Path(__file__).parents[2] / "utils" / "long_suite.py")


def test_doors_are_named_in_full_or_by_their_first_word(suite):
    names = ["crop", "crop pack", "count", "train artwork"]
    assert suite._named(names, None) == names
    assert suite._named(names, ["crop"]) == ["crop", "crop pack"]
    assert suite._named(names, ["crop pack", "train"]) == ["crop pack", "train artwork"]
    assert suite._named(names, ["co"]) == []


def mutants(suite, **formats):
    rows = {name: dict.fromkeys(suite.OUTCOMES, 0) | {"read": read} for name, read in formats.items()}
    tried = sum(formats.values())
    return {"tried": tried, "wanted": tried, "formats": rows, "problems": [{"format": name} for name in formats]}


def test_what_was_not_tried_again_stays(suite):
    before = mutants(suite, TIFF=5, PNG=7)
    merged = suite._merged(before, mutants(suite, PNG=2, CSV=3) | {"wanted": 9})
    assert {name: row["read"] for name, row in merged["formats"].items()} == {"TIFF": 5, "PNG": 2, "CSV": 3}
    assert (merged["tried"], merged["wanted"]) == (10, 14)
    assert [problem["format"] for problem in merged["problems"]] == ["TIFF", "PNG", "CSV"]


def test_faults_and_memory_are_merged_by_door(suite):
    def struck(**doors):
        return {"survived": {name: {"Ctrl-C": [1, count]} for name, count in doors.items()}, "problems": []}

    before = struck(count=3, map=4) | {"injected": 7, "wanted": 7, "problems": [{"door": "map"}, {"door": "count"}]}
    merged = suite._merged(before, struck(map=2) | {"injected": 2, "wanted": 2})
    assert merged["survived"]["map"] == {"Ctrl-C": [1, 2]}
    assert (merged["injected"], merged["wanted"]) == (5, 5)
    assert merged["problems"] == [{"door": "count"}]
    rows = [{"door": "count", "code": 0}, {"door": "segment", "code": 1}]
    merged = suite._merged({"doors": rows, "problems": rows[1:]}, {"doors": [{"door": "segment"}], "problems": []})
    assert merged == {"doors": [rows[0], {"door": "segment"}], "problems": []}


def test_a_name_that_is_none_is_told(suite, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["long_suite.py", "--only", "segmet"])
    with pytest.raises(SystemExit):
        suite.main()
    assert "segmet: neither a door nor a format" in capsys.readouterr().err


def test_a_run_of_one_door_is_written_beside_the_others(suite, monkeypatch, tmp_path, capsys):
    output = tmp_path / "r.json"
    words = ["long_suite.py", "-o", str(output), "--parts", "faults", "--faults", "1", "--only"]
    for door in ("model unpack", "model pack"):  # the quickest
        monkeypatch.setattr("sys.argv", [*words, door])
        assert suite.main() == 0
    found = suite.json.loads(output.read_text("utf-8"))["faults"]
    assert [*found["survived"]] == ["model unpack", "model pack"]
    assert found["injected"] == found["wanted"] > 20
    assert "| model unpack |" in capsys.readouterr().out
