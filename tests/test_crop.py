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
    """What a person sees in a folder: hidden files, such as the journal, left out."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


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
    words = [str(plates / "a.tif"), "--crop-cm", "3.4"]
    assert crop.main([*words, "-o", str(tmp_path / "few"), "--random", "4"]) == 0
    assert "no room" not in capsys.readouterr().out
    assert crop.main([*words, "-o", str(tmp_path / "many"), "--random", "40"]) == 0
    assert "no room for 40 crops" in capsys.readouterr().out
    assert len(names(tmp_path / "many")) == 9


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
    monkeypatch.setattr(crop, "_cut", inner)
    written = (tmp_path / "crops" / "a_x000.000_y000.000.tif").stat().st_mtime_ns
    assert crop.main([str(plates), "-o", str(tmp_path / "crops")]) == 0
    assert capsys.readouterr().out.count("3.50 x 3.50") == 1
    assert len(names(tmp_path / "crops")) == 6
    assert (tmp_path / "crops" / "a_x000.000_y000.000.tif").stat().st_mtime_ns == written


def test_crops_cut_in_other_ways_are_not_mixed(plates, tmp_path, capsys):
    words = [str(plates), "-o", str(tmp_path / "crops")]
    assert crop.main(words) == 0
    before = names(tmp_path / "crops")
    assert crop.main([*words, "--step", "1"]) == 2
    assert "step None, not 1.0" in capsys.readouterr().err
    assert names(tmp_path / "crops") == before


def test_a_plate_that_has_changed_is_not_mixed_with_its_old_crops(plates, tmp_path, capsys):
    words = [str(plates), "-o", str(tmp_path / "crops")]
    assert crop.main(words) == 0
    canvas(plates / "a.tif", rows=800)
    assert crop.main(words) == 1
    assert "has changed since its results, a, were written" in capsys.readouterr().out
    for path in (tmp_path / "crops").glob("a_*.tif"):
        path.unlink()
    assert crop.main(words) == 0


def test_a_second_plate_of_a_name_does_not_take_it_over(plates, tmp_path):
    assert crop.main([str(plates / "deep"), "-o", str(tmp_path / "crops")]) == 0
    before = (tmp_path / "crops" / "b_x000.000_y000.000.tif").read_bytes()
    canvas(plates / "b.tif", rows=350, columns=350)
    assert crop.main([str(plates), "-o", str(tmp_path / "crops")]) == 0
    assert (tmp_path / "crops" / "b_x000.000_y000.000.tif").read_bytes() == before
    assert "b-2_x000.000_y000.000.tif" in names(tmp_path / "crops")


def test_crops_of_plates_whose_names_windows_cannot_have(tmp_path):
    for name in ("a:b. .tif", "nul.tif", "A_b.tif"):
        canvas(tmp_path / name, rows=310, columns=310)
    assert crop.main([str(tmp_path), "-o", str(tmp_path / "crops")]) == 0
    assert names(tmp_path / "crops") == [f"{name}_x000.000_y000.000.tif" for name in ("A_b", "_nul", "a_b-2")]


@pytest.mark.parametrize(("words", "code"), [(["--help"], 0), (["--wrong"], 2), (["none.tif", "-o", "crops"], 2)])
def test_nothing_heavy_is_imported_before_the_call_stands(words, code, call_door):
    assert call_door("crop", words) == (code, [])


def labelled(folder, *names):
    """Crops with labels, straight threads, as `--pack` takes them."""
    across = [np.array([[x, 0.0], [x, 300.0]]) for x in range(8, 300, 16)]
    made = cropping.ThreadLabels(tuple(across), tuple(line[:, ::-1] for line in across), (300, 300))
    for name in names:
        path = folder / f"{name}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        tifffile.imwrite(path, np.zeros((300, 300), np.uint8), description=name)
        cropping.write_labelme(made, path.with_suffix(".json"), path.name)
    return folder


def test_labels_are_packed_split_by_canvas_and_unpacked(tmp_path, capsys):
    folder = labelled(tmp_path / "in", "a_1", "a_2", "b_1", "c_1")
    packed = tmp_path / "packed"
    assert crop.main(["--pack", str(folder), "-o", str(packed), "--seed", "3"]) == 0
    table = capsys.readouterr().out
    assert "a           2  " in table
    assert "honest" not in table
    lines = (packed / "split.csv").read_text().splitlines()
    assert lines[0] == "crop,canvas,split"
    splits = dict(line.split(",")[1:] for line in lines[1:])
    assert sorted(splits.values()) == ["stop", "test", "train"]
    assert len(lines) == 5
    assert lines[1].split(",")[1:] == lines[2].split(",")[1:]
    assert crop.main(["--unpack", str(packed), "-o", str(tmp_path / "back")]) == 0
    assert names(tmp_path / "back") == ["a_1.json", "a_2.json", "b_1.json", "c_1.json"]
    assert len(cropping.read_labelme(tmp_path / "back" / "a_1.json").vertical) == 19


def test_labels_of_one_canvas_cannot_be_split_and_a_bad_one_is_a_row(tmp_path, capsys):
    folder = labelled(tmp_path / "in", "a_1", "a_2")
    (folder / "a_3_H.npz").write_bytes(b"")
    assert crop.main(["--pack", str(folder), "-o", str(folder / "packed"), "--quiet"]) == 1
    table = capsys.readouterr().out
    assert "a_3   a       failed  " in table
    assert "a_3_V.npz: no such file" in table
    assert "no honest split is possible" in table
    assert (folder / "packed" / "split.csv").read_text() == "crop,canvas,split\na_1,a,\na_2,a,\n"
    # archives of an earlier run are not packed again
    (folder / "a_3_H.npz").unlink()
    assert crop.main(["--pack", str(folder), "-o", str(folder / "packed"), "--quiet"]) == 0


def test_what_has_no_meaning_for_labels_is_refused(tmp_path, plates, capsys):
    folder = labelled(tmp_path / "in", "a_1")
    for words, said in (
        (["--pack", str(folder), "--step", "1"], "--step has no meaning"),
        (["--unpack", str(folder), "--dpi", "300"], "--dpi has no meaning"),
        (["--pack", str(folder / "a_1.json")], "is not one folder"),
        (["--pack", str(folder), str(folder)], "is not one folder"),
        (["--pack", str(plates)], "no labels in this folder"),
        (["--unpack", str(folder)], "no archives of masks"),
    ):
        assert crop.main([*words, "-o", str(tmp_path / "out")]) == 2
        assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_what_was_packed_before_an_interruption_stays(tmp_path, capsys, monkeypatch):
    from dl4art.cropping import packing

    def draw(path, *others):
        if path.name == "a_2.json":
            raise KeyboardInterrupt
        return inner(path, *others)

    inner = packing.draw_masks
    monkeypatch.setattr(packing, "draw_masks", draw)
    assert crop.main(["--pack", str(labelled(tmp_path / "in", "a_1", "a_2")), "-o", str(tmp_path / "out")]) == 130
    assert names(tmp_path / "out") == ["a_1_H.npz", "a_1_V.npz"]
    assert "labels of 1 of 2 crops" in capsys.readouterr().err
