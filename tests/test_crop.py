import numpy as np
import pytest
import tifffile

from dl4art import crop, cropping
from dl4art.cropping import read_plate


def canvas(path, rows=700, columns=700, **options):
    y, x = (np.arange(n) / 200 for n in (rows, columns))
    pixels = 120 + 40 * np.sin(2 * np.pi * 12 * x)[None] * np.sin(2 * np.pi * 14 * y)[:, None]
    options = {"resolution": (200, 200), "resolutionunit": "CENTIMETER", "metadata": None, **options}
    tifffile.imwrite(path, pixels.astype(np.uint8), **options)
    return path


@pytest.fixture
def plates(tmp_path):
    folder = tmp_path / "plates"
    (folder / "deep").mkdir(parents=True)
    canvas(folder / "a.tif")
    canvas(folder / "deep" / "b.TIF", columns=400)
    return folder


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_of_plates_becomes_crops_that_state_their_scale(plates, tmp_path, capsys):
    assert crop.main([str(plates), "-o", str(tmp_path / "new" / "crops")]) == 0
    found = names(tmp_path / "new" / "crops")
    assert found == [*(f"a_x{x}_y{y}.tif" for x in ("000.000", "001.500") for y in ("000.000", "001.500")),
                     "b_x000.000_y000.000.tif", "b_x000.000_y001.500.tif"]  # fmt: skip
    assert read_plate(tmp_path / "new" / "crops" / found[0]).size_cm == (1.5, 1.5)
    table = capsys.readouterr().out
    assert "3.50 x 3.50" in table
    assert "2.00 x 3.50" in table
    assert "TIFF tag" in table


def test_one_bad_file_does_not_stop_the_others(plates, tmp_path, capsys):
    (plates / "aa.tif").write_text("a letter")
    (plates / "ab.tif").touch()
    canvas(plates / "ac.tif", resolution=(72, 72), resolutionunit="INCH")
    assert crop.main([str(plates), "-o", str(tmp_path / "crops")]) == 1
    assert len(names(tmp_path / "crops")) == 6
    table = capsys.readouterr().out
    assert table.count("failed") == 3
    assert "--px-per-cm" in table


def test_random_crops_repeat_with_their_seed(plates, tmp_path):
    for folder, seed in (("one", "3"), ("two", "3"), ("three", "4")):
        assert crop.main([str(plates / "a.tif"), "-o", str(tmp_path / folder), "--random", "3", "--seed", seed]) == 0
    one, two, three = (names(tmp_path / folder) for folder in ("one", "two", "three"))
    assert one == two != three
    assert len(one) == 3
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in one)


@pytest.mark.parametrize(
    ("scale", "width"),
    [(["--px-per-cm", "100"], "7.00"), (["--dpi", "254"], "7.00"), (["--size-cm", "14x14"], "14.00")],
)
def test_the_user_states_the_scale(tmp_path, capsys, scale, width):
    canvas(tmp_path / "a.tif", resolution=None, resolutionunit=None)
    assert (
        crop.main([str(tmp_path / "a.tif"), "-o", str(tmp_path / "crops"), "--crop-cm", "3", "--step", "2", *scale])
        == 0
    )
    assert f"{width} x {width}" in capsys.readouterr().out
    assert read_plate(next((tmp_path / "crops").iterdir())).shape == (600, 600)


def test_fewer_crops_than_asked_for_are_mentioned(plates, tmp_path, capsys):
    words = ["-o", str(tmp_path / "crops"), "--crop-cm", "3.4", "--random"]
    assert crop.main([str(plates / "a.tif"), *words, "4"]) == 0
    assert "no room" not in capsys.readouterr().out
    assert crop.main([str(plates / "a.tif"), *words, "40"]) == 0
    assert "no room for 40 crops" in capsys.readouterr().out
    assert len(names(tmp_path / "crops")) == 9


def test_plates_of_one_name_do_not_overwrite_each_other(plates, tmp_path):
    canvas(plates / "deep" / "A.tif")
    assert crop.main([str(plates), "-o", str(tmp_path / "crops")]) == 0
    assert len(names(tmp_path / "crops")) == 4 + 4 + 2
    assert sum(name.lower().startswith("a-2_") for name in names(tmp_path / "crops")) == 4


def test_a_number_that_parts_two_names_is_not_the_name_of_a_third(plates, tmp_path):
    canvas(plates / "a-2.tif")
    canvas(plates / "deep" / "a.tif")
    assert crop.main([str(plates), "-o", str(tmp_path / "crops")]) == 0
    assert len(names(tmp_path / "crops")) == 3 * 4 + 2


def test_a_failure_nobody_thought_of_stops_no_other_plate(plates, tmp_path, monkeypatch, capsys):
    inner = cropping.read_plate

    def read(path, **scale):
        if path.name == "a.tif":
            raise MemoryError("no room")
        return inner(path, **scale)

    monkeypatch.setattr(cropping, "read_plate", read)
    assert crop.main([str(plates), "-o", str(tmp_path / "crops")]) == 1
    assert len(names(tmp_path / "crops")) == 2
    assert "cannot be used (MemoryError: no room)" in capsys.readouterr().out


def test_crops_among_the_plates_are_not_cut_again(plates):
    for _ in range(2):
        assert crop.main([str(plates), "-o", str(plates / "crops")]) == 0
    assert len(names(plates / "crops")) == 6


@pytest.mark.parametrize(
    "wrong", [["--step", "0"], ["--random", "2", "--step", "1"], ["--seed", "-1"], ["--size-cm", "3"], ["--colour"]]
)
def test_wrong_arguments_are_refused(plates, tmp_path, wrong):
    with pytest.raises(SystemExit) as stop:
        crop.main([str(plates), "-o", str(tmp_path / "crops"), *wrong])
    assert stop.value.code == 2
    assert not (tmp_path / "crops").exists()


def test_missing_input_empty_folder_and_impossible_output_are_refused(plates, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    for arguments in (
        [str(tmp_path / "none.tif"), "-o", str(tmp_path / "crops")],
        [str(tmp_path / "empty"), "-o", str(tmp_path / "crops")],
        [str(plates), "-o", str(plates / "a.tif")],
        [str(plates / "a.tif"), "-o", str(plates)],
    ):
        assert crop.main(arguments) == 2
        assert capsys.readouterr().err.startswith("error: ")
    assert not (tmp_path / "crops").exists()


def test_what_was_cut_before_an_interruption_stays(plates, tmp_path, capsys, monkeypatch):
    inner = crop._cut

    def cut(path, *rest):
        if path.name == "b.TIF":
            raise KeyboardInterrupt
        return inner(path, *rest)

    monkeypatch.setattr(crop, "_cut", cut)
    assert crop.main([str(plates), "-o", str(tmp_path / "crops")]) == 130
    assert len(names(tmp_path / "crops")) == 4
    assert "4 crops of 1 of 2 files" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "code"), [(["--help"], 0), (["--wrong"], 2), (["none.tif", "-o", "crops"], 2)])
def test_nothing_heavy_is_imported_before_the_call_stands(words, code, call_door):
    assert call_door("crop", words) == (code, [])
