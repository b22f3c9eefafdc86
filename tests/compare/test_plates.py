"""The command as its users meet it: two plates, bad input, wrong calls."""

import re

import numpy as np
import pytest
import tifffile
from PIL import Image

from dl4art.siamese.comparison import MEANINGS


def test_a_table_on_screen(plates, capsys, run):
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


def test_a_json_with_the_agreed_names(plates, tmp_path, capsys, run, result_of):
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


def test_the_same_call_writes_the_same_bytes_and_swapped_plates_the_same_numbers(plates, tmp_path, run, result_of):
    for name, order in (("1", plates), ("2", plates), ("3", plates[::-1])):
        assert run(*order, "-o", tmp_path / name, "--crops", "5") == 0
    assert (tmp_path / "1.json").read_bytes() == (tmp_path / "2.json").read_bytes()
    there, back = (result_of(tmp_path / f"{name}.json") for name in ("1", "3"))
    for name in ("similarity", "low", "high", "apart"):
        assert there[name] == pytest.approx(back[name], abs=1e-6)
    assert there["canvases"]["a"] == back["canvases"]["b"]


def test_other_cloth_is_unlike(plates, tmp_path, capsys, run, write):
    write(plates[1], 2, smooth=9)
    assert run(*plates) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "verdict unlike: the densities do not exclude one cloth, but the network finds another one" in shown
    assert re.search(
        "of different cloths of about the same densities, (8.|9.|more than 99) % look at least as alike", shown
    )


def test_other_densities_exclude(plates, capsys, run, write):
    write(plates[1], 2, level=200)
    assert run(*plates) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "excluded: the thread densities differ by more than one bolt of cloth shows" in shown


def test_the_scale_can_be_stated(tmp_path, run, write, result_of):
    plates = [write(tmp_path / f"{name}.tif", seed, dpi=None) for seed, name in enumerate("ab")]
    assert run(*plates, "--dpi", "508", "-o", tmp_path / "r.json") == 0
    assert result_of(tmp_path / "r.json")["canvases"]["b"]["scale_source"] == "user"


def test_a_report_with_a_weave_match(plates, tmp_path, capsys, run, result_of):
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


def test_the_same_file_twice(plates, capsys, run):
    assert run(plates[0], plates[0]) == 0
    assert "are the same picture: this says nothing about two canvases" in " ".join(capsys.readouterr().out.split())


def test_a_copy_under_another_name(plates, tmp_path, capsys, run):
    copy = tmp_path / "copy.tif"
    copy.write_bytes(plates[0].read_bytes())
    assert run(plates[0], copy) == 0
    assert "are the same picture" in " ".join(capsys.readouterr().out.split())


def test_plates_of_different_scale(plates, tmp_path, run, write, result_of):
    write(plates[1], 2, dpi=600, shape=(1100, 1100))
    assert run(*plates, "-o", tmp_path / "r.json") == 0
    (warning,) = [text for text in result_of(tmp_path / "r.json")["warnings"] if "px/cm" in text]
    assert "a.tif has 200 px/cm and" in warning
    assert "236.22: both were resampled to 200 px/cm" in warning


def test_a_colour_photograph(plates, tmp_path, run, write, result_of):
    write(plates[1], 2, colour=True)
    assert run(*plates, "-o", tmp_path / "r.json") == 0
    assert [text for text in result_of(tmp_path / "r.json")["warnings"] if text.startswith(f"{plates[1]}: colour")]


def test_twill(plates, tmp_path, counter, run, result_of):
    counter.message = "looks like twill or basket weave; the counter knows plain weave"
    assert run(*plates, "-o", tmp_path / "r.json") == 0
    warnings = result_of(tmp_path / "r.json")["warnings"]
    assert sum("in 9 of 9 crops: looks like twill" in text for text in warnings) == 2


def test_fewer_than_four_usable_crops(plates, write, refusal):
    write(plates[1], 2, shape=(300, 900))
    said = refusal(*plates)
    assert said.startswith(f"error: {plates[1]}: only 3 readable crops of 1.5 cm among 3 looked at, and at least 4")
    assert said.count("\n") == 1


def test_no_readable_crop(plates, refusal):
    tifffile.imwrite(
        plates[1],
        np.random.default_rng(1).integers(90, 92, (900, 900), np.uint8),
        resolution=(508, 508),
        resolutionunit="INCH",
    )
    said = refusal(*plates)
    assert f"{plates[1]}: no readable crop of 1.5 cm among 9 looked at" in said
    assert "9: the vertical threads cannot be read here" in said


def test_a_blank_plate(plates, refusal):
    tifffile.imwrite(plates[0], np.full((900, 900), 9, np.uint8), resolution=(508, 508), resolutionunit="INCH")
    assert f"{plates[0]}: no usable area" in refusal(*plates)


@pytest.mark.parametrize("spoil", [b"", b"Dear colleague,\n", b"II*\0\x08\0\0\0"])
@pytest.mark.parametrize("which", [0, 1])
def test_one_unreadable_file_of_the_two(plates, spoil, which, refusal):
    plates[which].write_bytes(spoil)
    said = refusal(*plates)
    assert said.startswith(f"error: {plates[which]}: ")
    assert str(plates[1 - which]) not in said
    assert said.count("\n") == 1


def test_two_unreadable_files_are_both_named(plates, refusal):
    for path in plates:
        path.write_bytes(b"")
    said = refusal(*plates)
    assert [line.partition(": the file is empty")[0] for line in said.splitlines()] == [f"error: {p}" for p in plates]


def test_a_file_that_turns_out_to_be_damaged(plates, tmp_path, refusal):
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (900, 900), np.uint8))
    path = tmp_path / "b.png"
    picture.save(path, dpi=(508, 508))
    path.write_bytes(path.read_bytes()[:200_000])
    assert refusal(plates[0], path).startswith(f"error: {path}: ")


def test_no_scale(plates, write, refusal):
    write(plates[0], dpi=None)
    said = refusal(*plates)
    assert str(plates[0]) in said
    assert "--px-per-cm" in said


# Wrong calls


def test_no_such_file(plates, tmp_path, capsys, run):
    assert run(plates[0], tmp_path / "nowhere.tif") == 2
    assert capsys.readouterr().err.startswith(f"error: {tmp_path / 'nowhere.tif'}: no such file")


def test_a_folder_is_no_plate(plates, tmp_path, capsys, run):
    assert run(tmp_path, plates[0]) == 2
    assert "is a folder. Name the file of one plate" in capsys.readouterr().err


def test_an_output_that_cannot_be_written(plates, tmp_path, capsys, run):
    for place in (tmp_path / "nowhere" / "r.json", tmp_path, tmp_path / "r.csv"):
        assert run(*plates, "-o", place) == 2
        assert capsys.readouterr().err.startswith(f"error: {place}: ")


@pytest.mark.parametrize(
    "words", [["--crops", "3"], ["--crops", "x"], ["--seed", "x"], ["--seed", "-1"], ["c.tif"], ["--nonsense"]]
)
def test_a_wrong_call(words, plates, capsys, run):
    with pytest.raises(SystemExit) as stop:
        run(*plates, *words)
    assert stop.value.code == 2
    assert capsys.readouterr().err


def test_interrupted(plates, tmp_path, counter, capsys, run):
    counter.interrupt = True
    assert run(*plates, "-o", tmp_path / "r.json") == 130
    assert capsys.readouterr().err == "interrupted: nothing was written\n"
    assert {path.name for path in tmp_path.iterdir()} == {"a.tif", "b.tif"}


def test_a_disk_that_is_full_leaves_no_result(plates, tmp_path, monkeypatch, capsys, run):
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
