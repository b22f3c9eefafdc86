import csv
import json
import os
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dl4art.utils import tables
from dl4art.utils.errors import OutputError


def read(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def test_csv_has_the_columns_in_order_and_empty_cells_for_what_is_unknown(tmp_path):
    rows = [{"b": 1.5, "a": 'é, "x"', "c": "not asked for"}, {"b": None}]
    tables.write_csv(tmp_path / "t.csv", ["a", "b"], rows)
    assert read(tmp_path / "t.csv") == [["a", "b"], ['é, "x"', "1.5"], ["", ""]]
    assert (tmp_path / "t.csv").read_bytes().startswith(b"a,b\n")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_text_that_a_spreadsheet_would_run_is_disarmed(text, tmp_path):
    tables.write_csv(tmp_path / "t.csv", ["a", "n"], [{"a": text, "n": -1.0}])
    assert read(tmp_path / "t.csv")[1] == ["'" + " ".join(text.splitlines()), "-1.0"]


@given(st.text(), st.sampled_from("=+-@"))
def test_no_cell_is_a_formula_or_spans_lines(tmp_path_factory, text, first):
    path = tmp_path_factory.mktemp("table") / "t.csv"
    tables.write_csv(path, ["a", "b"], [{"a": text, "b": first + text}])
    header, cells = read(path)
    assert header == ["a", "b"]
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells)


def test_a_row_that_fails_leaves_the_old_table_alone(tmp_path):
    tables.write_csv(tmp_path / "t.csv", ["a"], [{"a": 1}])

    def rows():
        yield {"a": 2}
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        tables.write_csv(tmp_path / "t.csv", ["a"], rows())
    assert read(tmp_path / "t.csv") == [["a"], ["1"]]
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_file_names_that_are_no_unicode_can_be_written(tmp_path):
    name = os.fsdecode(b"plate-\xff.tif")
    tables.write_csv(tmp_path / "t.csv", ["file"], [{"file": name}])
    tables.write_json(tmp_path / "t.json", {"file": name})
    assert read(tmp_path / "t.csv")[1] == ["plate-\N{REPLACEMENT CHARACTER}.tif"]
    assert json.loads((tmp_path / "t.json").read_text("utf-8"))["file"] == "plate-\N{REPLACEMENT CHARACTER}.tif"


def test_json_refuses_what_is_no_number(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        tables.write_json(tmp_path / "t.json", {"a": float("nan")})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("output", "formats", "expected"),
    [
        ("r.csv", None, {"csv": "r.csv"}),
        ("r.JSON", None, {"json": "r.JSON"}),
        ("r", None, {"csv": "r.csv"}),
        ("r.csv", ["json", "csv"], {"csv": "r.csv", "json": "r.json"}),
        ("r", ["csv", "json"], {"csv": "r.csv", "json": "r.json"}),
        ("r.csv", ["json"], {"json": "r.json"}),
    ],
)
def test_where_results_go(output, formats, expected, tmp_path):
    assert tables.result_paths(tmp_path / output, formats) == {k: tmp_path / v for k, v in expected.items()}


def test_an_ending_that_promises_another_format_is_refused():
    with pytest.raises(OutputError, match=r"r\.xlsx: results are written as \.csv or \.json"):
        tables.result_paths("r.xlsx")


def test_a_folder_is_no_place_for_a_result(tmp_path):
    with pytest.raises(OutputError, match=r"is a folder\. Give the name of a file"):
        tables.result_paths(tmp_path)


def test_an_output_is_checked_before_the_work(tmp_path, monkeypatch):
    tables.check_output(tmp_path / "r.csv")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OutputError, match="does not exist"):
        tables.check_output(tmp_path / "nowhere" / "r.csv")
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(OutputError, match="may not write"):
        tables.check_output(tmp_path / "r.csv")


def test_text_table_lines_up():
    table = tables.text_table([("file", "n"), ("a.tif", "1.5"), ("long.tif", "12.25")], numeric=[1])
    assert table.splitlines() == ["file          n", "a.tif       1.5", "long.tif  12.25"]


@given(st.lists(st.tuples(*[st.text(string.ascii_letters, min_size=1)] * 3), min_size=1))
def test_text_table_keeps_every_cell_and_its_column(rows):
    lines = tables.text_table(rows).splitlines()
    assert [tuple(line.split()) for line in lines] == rows
    assert len({line.rindex(" ") for line in lines}) == 1
