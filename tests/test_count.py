"""The command as its users meet it: files, folders, bad input, interruptions."""

import csv
import json
import signal

import numpy as np
import pytest
import tifffile
from PIL import Image

from dl4art import count
from dl4art.regression import count_file
from dl4art.regression.estimate import ThreadEstimate
from dl4art.utils.holding import held

COLUMNS = [
    "file",
    "status",
    "vertical_per_cm",
    "horizontal_per_cm",
    "vertical_low",
    "vertical_high",
    "horizontal_low",
    "horizontal_high",
    "vertical_threads",
    "horizontal_threads",
    "width_cm",
    "height_cm",
    "px_per_cm",
    "message",
]


class Counter:
    """Finds 12 and 15 th/cm in all but an even grey, and can be told to be interrupted."""

    name = "test-counter"

    def __init__(self):
        self.seen = 0
        self.interrupt_after = None

    def predict(self, pictures, *, px_per_cm):
        if self.interrupt_after is not None and self.seen >= self.interrupt_after:
            signal.raise_signal(signal.SIGINT)
        self.seen += len(pictures)
        return [self.one(picture) for picture in pictures]

    def one(self, picture):
        if np.ptp(picture) < 1:
            return ThreadEstimate("no-estimate", message="even grey: no weave to be seen")
        return ThreadEstimate("ok", 12.0, 15.0, 11.8, 12.2, 14.7, 15.3, 0.0, 0.0)


@pytest.fixture(autouse=True)
def counter(monkeypatch):
    """The one counter of a test, in place of a trained one."""
    counter = Counter()
    monkeypatch.setattr(count_file, "load_counter", lambda method, model=None: counter)
    return counter


def write(path, picture=None, dpi=508, shape=(300, 300)):
    if picture is None:
        picture = np.random.default_rng(0).integers(60, 190, shape, np.uint8)
    scale = {"resolution": np.broadcast_to(dpi, 2).tolist(), "resolutionunit": "INCH"} if dpi else {}
    tifffile.imwrite(path, picture, **scale)
    return path


@pytest.fixture
def crops(tmp_path):
    """A folder of five crops."""
    folder = tmp_path / "crops"
    folder.mkdir()
    for number in range(5):
        write(folder / f"c{number}.tif")
    return folder


def rows_of(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def run(*words):
    return count.main([str(word) for word in words])


def test_a_table_on_screen(crops, capsys):
    write(crops / "grey.tif", np.full((300, 300), 90, np.uint8))
    assert run(crops) == 0
    shown = capsys.readouterr()
    lines = shown.out.splitlines()
    assert lines[0].split() == ["file", "status", "vertical/cm", "horizontal/cm", "size", "in", "cm", "message"]
    assert lines[1].split() == [
        str(crops / "c0.tif"), "ok", "12.00", "(11.80-12.20)", "15.00", "(14.70-15.30)", "1.50", "x", "1.50",
    ]  # fmt: skip
    assert "no-estimate" in lines[6]
    assert lines[6].endswith("even grey: no weave to be seen")
    assert len(lines) == 7
    assert shown.err == ""


def test_a_csv_with_the_agreed_columns(crops, tmp_path, capsys):
    assert run(crops, "-o", tmp_path / "r.csv") == 0
    rows = rows_of(tmp_path / "r.csv")
    assert list(rows[0])[: len(COLUMNS)] == COLUMNS
    assert [row["file"] for row in rows] == [str(crops / f"c{number}.tif") for number in range(5)]
    first = rows[0]
    assert (first["status"], first["vertical_per_cm"], first["horizontal_high"]) == ("ok", "12.0", "15.301")
    assert (first["vertical_threads"], first["horizontal_threads"]) == ("18.0", "22.5")
    assert (first["width_cm"], first["height_cm"], first["px_per_cm"]) == ("1.5", "1.5", "200.0")
    assert (first["method"], first["model"], len(first["sha256"])) == ("auto", "test-counter", 64)
    assert capsys.readouterr().out == f"5 files: 5 ok; written to {tmp_path / 'r.csv'}\n"
    assert {path.name for path in tmp_path.iterdir()} == {"crops", "r.csv"}


def test_a_json_with_provenance_beside_it(crops, tmp_path):
    assert run(crops, "-o", tmp_path / "r.csv", "--format", "csv,json", "--batch-size", "2") == 0
    document = json.loads((tmp_path / "r.json").read_text("utf-8"))
    assert [row["file"] for row in document["results"]] == [row["file"] for row in rows_of(tmp_path / "r.csv")]
    origin = document["provenance"]
    assert (origin["model"], origin["parameters"]["method"]) == ("test-counter", "auto")
    assert origin["inputs"][0] == {"file": str(crops / "c0.tif"), "sha256": document["results"][0]["sha256"]}


def test_batches_change_nothing(crops, tmp_path):
    write(crops / "other.tif", shape=(240, 300))
    for size in ("1", "4", "32"):
        run(crops, "-o", tmp_path / f"{size}.csv", "--batch-size", size)
    assert rows_of(tmp_path / "1.csv") == rows_of(tmp_path / "4.csv") == rows_of(tmp_path / "32.csv")


def test_the_scale_can_be_stated(tmp_path):
    path = write(tmp_path / "a.tif", dpi=None, shape=(600, 800))
    for words in (("--px-per-cm", "400"), ("--dpi", "1016"), ("--size-cm", "2x1.5")):
        assert run(path, *words, "-o", tmp_path / "r.csv") == 0
        (row,) = rows_of(tmp_path / "r.csv")
        assert (row["width_cm"], row["height_cm"], row["px_per_cm"]) == ("2.0", "1.5", "400.0")


def test_a_crop_without_scale_is_assumed_in_a_folder_only(crops, tmp_path):
    path = write(crops / "c0.tif", dpi=None)
    assert run(path, "-o", tmp_path / "file.csv") == 1
    assert run(crops, "-o", tmp_path / "folder.csv") == 0
    row = rows_of(tmp_path / "folder.csv")[0]
    assert (row["px_per_cm"], row["message"]) == ("200.0", "scale assumed: 300x300 crop")


def test_a_large_plate_is_a_mean_over_crops(tmp_path):
    write(tmp_path / "plate.tif", shape=(800, 1000))
    assert run(tmp_path, "-o", tmp_path / "r.csv") == 0
    (row,) = rows_of(tmp_path / "r.csv")
    assert row["message"].startswith("mean over 6 of 6 crops")
    assert (row["vertical_threads"], row["width_cm"]) == ("60.0", "5.0")


# Bad input


def bad_row(tmp_path, folder, name):
    """Count a folder with one bad file; it must have cost nothing but its own row."""
    assert run(folder, "-o", tmp_path / "r.csv") == 1
    rows = {row["file"]: row for row in rows_of(tmp_path / "r.csv")}
    assert [rows.pop(str(folder / f"c{number}.tif"))["status"] for number in range(5)] == ["ok"] * 5
    row = rows.pop(str(folder / name))
    assert rows == {}
    assert row["status"] == "failed"
    assert row["vertical_per_cm"] == row["vertical_threads"] == ""
    assert "cannot be read or counted" not in row["message"]  # the message of last resort
    return row


def test_no_file(tmp_path, capsys):
    assert run(tmp_path / "nowhere.tif") == 2
    assert capsys.readouterr().err.startswith(f"error: {tmp_path / 'nowhere.tif'}: no such file or folder")


def test_an_empty_folder(tmp_path, capsys):
    assert run(tmp_path) == 2
    assert "no files to read in this folder" in capsys.readouterr().err


def test_one_bad_file_among_good_ones(crops, tmp_path, capsys):
    (crops / "bad.tif").write_text("not a picture")
    row = bad_row(tmp_path, crops, "bad.tif")
    shown = capsys.readouterr()
    assert shown.err == f"failed: {crops / 'bad.tif'}: {row['message']}\n"
    assert shown.out.startswith("6 files: 5 ok, 1 failed; written to")


def test_zero_bytes(crops, tmp_path):
    (crops / "bad.tif").touch()
    assert "zero bytes" in bad_row(tmp_path, crops, "bad.tif")["message"]


@pytest.mark.parametrize("kept", [4, 9, 60, 300, 20000])
@pytest.mark.parametrize("suffix", [".tif", ".png", ".jpg"])
def test_a_truncated_file(kept, suffix, crops, tmp_path):
    path = crops / f"bad{suffix}"
    noise = np.random.default_rng(1).integers(0, 255, (300, 300), np.uint8)
    Image.fromarray(noise).save(path, dpi=(508, 508))
    path.write_bytes(path.read_bytes()[:kept])
    assert bad_row(tmp_path, crops, path.name)["message"]


def test_a_text_named_tif(crops, tmp_path):
    (crops / "bad.tif").write_text("Dear colleague,\n")
    assert "not a TIFF" in bad_row(tmp_path, crops, "bad.tif")["message"]


def test_a_picture_without_scale(crops, tmp_path):
    write(crops / "bad.tif", dpi=None, shape=(300, 400))
    message = bad_row(tmp_path, crops, "bad.tif")["message"]
    assert "--px-per-cm" in message
    assert "--size-cm" in message


def test_the_resolution_of_a_screen(crops, tmp_path):
    write(crops / "bad.tif", dpi=72, shape=(300, 400))
    assert "72 dpi" in bad_row(tmp_path, crops, "bad.tif")["message"]


@pytest.mark.parametrize(("value", "name"), [(np.nan, "NaN"), (np.inf, "infinite")])
def test_values_that_are_no_numbers(value, name, crops, tmp_path):
    picture = np.random.default_rng(2).random((300, 300), np.float32)
    picture[100, 200] = value
    write(crops / "bad.tif", picture)
    assert f"1 {name}" in bad_row(tmp_path, crops, "bad.tif")["message"]


def test_all_one_grey(crops, tmp_path):
    write(crops / "grey.tif", np.full((300, 300), 128, np.uint8))
    assert run(crops, "-o", tmp_path / "r.csv") == 0
    row = rows_of(tmp_path / "r.csv")[-1]
    assert (row["status"], row["vertical_per_cm"]) == ("no-estimate", "")
    assert row["message"]


def test_smaller_than_a_window(crops, tmp_path):
    write(crops / "bad.tif", shape=(150, 300))
    row = bad_row(tmp_path, crops, "bad.tif")
    assert row["message"].startswith("shows 1.50 x 0.75 cm, and at least 1 x 1 cm are needed")
    assert (row["width_cm"], row["height_cm"]) == ("1.5", "0.75")


def test_a_wildly_anisotropic_scale(crops, tmp_path):
    write(crops / "bad.tif", dpi=(508, 2540), shape=(1500, 300))
    message = bad_row(tmp_path, crops, "bad.tif")["message"]
    assert "200 px/cm across but 1000 px/cm down" in message


def test_an_output_that_cannot_be_written(crops, tmp_path, counter, capsys):
    for place in (tmp_path / "nowhere" / "r.csv", crops, crops / "c0.tif" / "r.csv", "r.xlsx"):
        assert run(crops, "-o", place) == 2
        assert capsys.readouterr().err.startswith(f"error: {place}: ")
    assert counter.seen == 0


def test_a_disk_that_is_full_in_the_end_keeps_the_journal(crops, tmp_path, monkeypatch, capsys):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("csv.writer", full)
        assert run(crops, "-o", tmp_path / "r.csv") == 2
    assert "No space left" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"crops", ".r.csv.journal.jsonl"}


@pytest.mark.parametrize(
    "words",
    [
        ["--format", "csv"],
        ["--format", "xlsx", "-o", "r.csv"],
        ["--method", "spectral", "--model", "small"],
        ["--method", "guess"],
        ["--batch-size", "0"],
        ["--nonsense"],
    ],
)
def test_a_wrong_call(words, crops, capsys):
    try:
        code = run(crops, *words)
    except SystemExit as stop:  # argparse
        code = stop.code
    assert code == 2
    assert capsys.readouterr().err


# Interruptions


def test_what_is_done_is_on_disk_and_the_next_run_goes_on(crops, tmp_path, counter, capsys):
    write(crops / "a-bad.tif", dpi=72, shape=(300, 400))
    words = (crops, "-o", tmp_path / "r.csv", "--batch-size", "2")
    counter.interrupt_after = 3
    assert run(*words) == 130
    # a-bad and c0, then c1 and c2, then interrupted
    said = capsys.readouterr().err
    assert said.startswith(f"interrupted: 3 of 6 files are done and kept beside {tmp_path / 'r.csv'}; the same command")
    assert said.count("\n") == 1
    assert {path.name for path in tmp_path.iterdir()} == {"crops", ".r.csv.journal.jsonl"}

    counter.interrupt_after, counter.seen = None, 0
    assert run(*words) == 1
    assert counter.seen == 2
    assert "3 rows are done" in capsys.readouterr().err
    assert [row["status"] for row in rows_of(tmp_path / "r.csv")] == ["failed"] + ["ok"] * 5
    assert {path.name for path in tmp_path.iterdir()} == {"crops", "r.csv"}


def test_a_resumed_result_is_the_uninterrupted_one(crops, tmp_path, counter):
    assert run(crops, "-o", tmp_path / "whole.csv") == 0
    counter.interrupt_after, counter.seen = 1, 0
    assert run(crops, "-o", tmp_path / "r.csv", "--batch-size", "1") == 130
    counter.interrupt_after = None
    assert run(crops, "-o", tmp_path / "r.csv") == 0
    assert (tmp_path / "r.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_other_settings_are_refused_until_what_is_done_is_deleted(crops, tmp_path, counter, capsys):
    counter.interrupt_after = 2
    assert run(crops, "-o", tmp_path / "r.csv", "--batch-size", "2") == 130
    counter.interrupt_after, counter.seen = None, 0
    words = (crops, "-o", tmp_path / "r.csv", "--px-per-cm", "220")
    assert run(*words) == 2
    said = capsys.readouterr().err
    assert "2 inputs are done there with other settings (px_per_cm None, not 220.0)" in said
    assert counter.seen == 0
    (tmp_path / ".r.csv.journal.jsonl").unlink()
    assert run(*words) == 0
    assert {row["px_per_cm"] for row in rows_of(tmp_path / "r.csv")} == {"220.0"}


def test_what_was_done_holds_however_the_files_are_named(crops, tmp_path, counter, monkeypatch):
    counter.interrupt_after = 2
    assert run(crops, "-o", tmp_path / "r.csv", "--batch-size", "2") == 130
    counter.interrupt_after, counter.seen = None, 0
    monkeypatch.chdir(tmp_path)
    assert run("crops", "-o", "r.csv") == 0
    assert counter.seen == 3
    assert [row["file"] for row in rows_of(tmp_path / "r.csv")] == [f"crops/c{number}.tif" for number in range(5)]


@pytest.mark.parametrize("change", ["changed", "gone"])
def test_a_file_that_changes_while_it_is_counted(change, crops, tmp_path, counter, monkeypatch):
    def predict(pictures, *, px_per_cm):
        if change == "gone":
            (crops / "c1.tif").unlink()
        else:
            write(crops / "c1.tif", shape=(310, 300))
        return [counter.one(picture) for picture in pictures]

    monkeypatch.setattr(counter, "predict", predict)
    assert run(crops, "-o", tmp_path / "r.csv") == 1
    rows = rows_of(tmp_path / "r.csv")
    assert [row["status"] for row in rows] == ["ok", "failed", "ok", "ok", "ok"]
    assert change in rows[1]["message"]


def test_a_result_that_another_run_holds(crops, tmp_path, counter, capsys):
    with held(tmp_path / "r.json"):
        assert run(crops, "-o", tmp_path / "r.csv", "--format", "csv,json") == 2
    assert "another run is writing there: process" in capsys.readouterr().err
    assert counter.seen == 0
    assert run(crops, "-o", tmp_path / "r.csv", "--format", "csv,json") == 0


def test_interrupted_before_anything_is_done(crops, tmp_path, counter, capsys):
    counter.interrupt_after = 0
    assert run(crops, "-o", tmp_path / "r.csv") == 130
    assert capsys.readouterr().err == "interrupted: nothing was written\n"
    assert {path.name for path in tmp_path.iterdir()} == {"crops"}


def test_interrupted_on_screen_shows_what_is_done(crops, counter, capsys):
    counter.interrupt_after = 2
    assert run(crops, "--batch-size", "2") == 130
    shown = capsys.readouterr()
    assert [line.split()[1] for line in shown.out.splitlines()] == ["status", "ok", "ok"]
    assert "2 of 5 files are counted; nothing was written" in shown.err


# What must answer at once


@pytest.mark.parametrize(
    ("words", "code"),
    [(["--help"], 0), (["--version"], 0), (["--nonsense"], 2), ([], 2), (["nowhere.tif"], 2), (["."], 2)],
)
def test_nothing_heavy_is_imported_before_the_call_stands(words, code, call_door):
    assert call_door("count", words) == (code, [])


def test_it_runs_as_a_module(run_python):
    done = run_python("-m", "dl4art.count", "nowhere.tif")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: nowhere.tif: no such file or folder")
