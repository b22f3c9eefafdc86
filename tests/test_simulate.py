import json

import pytest

from dl4art import simulate
from dl4art.cropping import read_plate


def files(folder):
    """What a person sees in a folder: hidden files, such as the journal, left out."""
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_plates_are_written_with_their_truth(tmp_path, capsys):
    out = tmp_path / "new" / "plates"
    assert simulate.main(["-o", str(out), "--seed", "7", "--plates", "2", "--size-cm", "1x0.8", "--bits", "16"]) == 0
    assert files(out) == [f"plate-7-00{n}{end}" for n in (0, 1) for end in (".tif", ".truth.json", ".truth.npz")]
    plate = read_plate(out / "plate-7-000.tif")
    assert plate.dtype == "uint16"
    assert plate.px_per_cm == pytest.approx(600 / 2.54, abs=0.01)
    assert plate.size_cm == pytest.approx((1, 0.8), abs=0.01)
    record = json.loads((out / "plate-7-001.truth.json").read_text())
    assert (record["seed"], record["number"]) == (7, 1)
    table = capsys.readouterr().out
    assert f"{record['mean']['vertical_density']:.2f}" in table


def test_the_same_call_gives_the_same_bytes_and_another_seed_others(tmp_path):
    for name, seed in (("one", "3"), ("two", "3"), ("three", "4")):
        assert simulate.main(["-o", str(tmp_path / name), "--seed", seed, "--crops", "1", "--size-cm", "0.6x0.6"]) == 0
    one, two = (list(map(path_bytes, sorted((tmp_path / name).glob("[!.]*")))) for name in ("one", "two"))
    assert one == two
    other = (tmp_path / "three" / "crop-4-000.tif").read_bytes()
    assert other != (tmp_path / "one" / "crop-3-000.tif").read_bytes()


def path_bytes(path):
    return path.read_bytes()


def test_crops_are_what_the_counter_takes(tmp_path):
    assert simulate.main(["-o", str(tmp_path / "crops"), "--crops", "2", "--same-cloth"]) == 0
    first, second = (json.loads((tmp_path / "crops" / f"crop-0-00{n}.truth.json").read_text()) for n in (0, 1))
    assert read_plate(tmp_path / "crops" / "crop-0-000.tif").shape == (300, 300)
    assert first["cloth"] == second["cloth"]
    assert first["radiograph"] != second["radiograph"]
    assert first["furniture"] is None


@pytest.mark.parametrize(
    "wrong", [["--plates", "0"], ["--plates", "1", "--crops", "1"], ["--bits", "12"], ["--seed", "-1"], ["--dpi", "x"]]
)
def test_wrong_arguments_are_refused(tmp_path, wrong):
    with pytest.raises(SystemExit) as stop:
        simulate.main(["-o", str(tmp_path / "a"), *wrong])
    assert stop.value.code == 2
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("impossible", [["--size-cm", "0.1x3"], ["--dpi", "20"]])
def test_impossible_plates_and_places_are_refused_before_any_work(tmp_path, capsys, impossible):
    assert simulate.main(["-o", str(tmp_path / "a"), *impossible]) == 2
    assert capsys.readouterr().err.startswith("error: ")
    (tmp_path / "file").touch()
    assert simulate.main(["-o", str(tmp_path / "file")]) == 2
    assert files(tmp_path) == ["file"]


def test_what_is_drawn_before_an_interruption_stays(tmp_path, capsys, monkeypatch):
    from dl4art.simulation import plates

    inner = plates.draw_plate

    def draw(seed, number, *args, **options):
        if number == 1:
            raise KeyboardInterrupt
        return inner(seed, number, *args, **options)

    monkeypatch.setattr(plates, "draw_plate", draw)
    assert simulate.main(["-o", str(tmp_path), "--crops", "3", "--size-cm", "0.6x0.6"]) == 130
    assert files(tmp_path) == ["crop-0-000.tif", "crop-0-000.truth.json", "crop-0-000.truth.npz"]
    assert "1 of 3" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "code"), [(["--help"], 0), (["--wrong"], 2), (["-o", "x", "--crops", "none"], 2)])
def test_nothing_heavy_is_imported_before_the_call_stands(words, code, call_door):
    assert call_door("simulate", words) == (code, [])
