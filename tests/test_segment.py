"""The command as its users meet it, with a tiny network that was never trained, or one that only looks for black."""

import csv
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from dl4art import model, segment
from dl4art.craquelure.segmented import COLUMNS


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The folder of a tiny model."""
    from dl4art.utils.backend import load_keras

    load_keras().utils.set_random_seed(3)
    from dl4art.craquelure.networks import build_network
    from dl4art.craquelure.segmenter import save_segmenter

    folder, filters = tmp_path_factory.mktemp("models") / "tiny", (3, 4, 4, 5, 5)
    card = "---\nsummary: a tiny one\n---\n# Tiny\n"
    save_segmenter(build_network("light", filters), folder, name="light", filters=filters, card=card)
    return folder


@pytest.fixture
def photographs(tmp_path, rng):
    folder = tmp_path / "photographs"
    (folder / "deep").mkdir(parents=True)
    for name in ("a.png", "b.jpg", "deep/A.tif"):
        Image.fromarray(rng.integers(0, 256, (40, 60, 3), np.uint8)).save(folder / name)
    return folder


class Dark:
    """Calls what is dark craquelure, without the minutes that networks take to be set up."""

    summary = ""

    def __init__(self, name):
        self.name = name

    def count_tiles(self, shape):
        return 1

    def segment_tiles(self, read, shape, *, advance):
        advance()
        return (read(0, shape[0], 0, shape[1])[..., 1] < 40).astype(np.uint8)


@pytest.fixture
def call(tmp_path, monkeypatch):
    """Call the command with that instead of a network; results go to ``out``."""
    from dl4art.craquelure.segmenter import Segmenter

    monkeypatch.setattr(Segmenter, "from_pretrained", Dark)

    def run(*words):
        return segment.main([*map(str, words), "-o", str(tmp_path / "out"), "--model", "dark", "--quiet"])

    return run


def table(tmp_path):
    with (tmp_path / "out" / "segments.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def names(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_a_folder_becomes_folders_and_a_table(photographs, tmp_path, tiny, capsys):
    words = ["-o", str(tmp_path / "out"), "--model", str(tiny), "--quiet", "--px-per-cm", "20", "--title", "A view"]
    assert segment.main([str(photographs), *words]) == 0
    assert names(tmp_path / "out") == ["A-2", "a", "b", "segments.csv"]
    rows = table(tmp_path)
    assert list(rows[0]) == [*COLUMNS]
    assert [(row["file"], row["folder"]) for row in rows] == [
        (str(photographs / "a.png"), "a"),
        (str(photographs / "b.jpg"), "b"),
        (str(photographs / "deep" / "A.tif"), "A-2"),
    ]
    assert {(row["status"], row["width"], row["height"], row["px_per_cm"]) for row in rows} == {
        ("ok", "60", "40", "20.0")
    }
    summary = json.loads((tmp_path / "out" / "a" / "summary.json").read_text("utf-8"))
    assert summary["model"].startswith("tiny ")
    assert (summary["parameters"]["px_per_cm"], summary["title"]) == (20, "A view")
    assert float(rows[0]["loss_percent"]) == pytest.approx(summary["loss_percent"], abs=1e-4)
    assert "a tiny one" in (tmp_path / "out" / "a" / "report.html").read_text("utf-8")
    shown = capsys.readouterr()
    assert shown.err == ""
    assert "loss cm2" in shown.out
    assert shown.out.count(" ok ") == 3
    assert str(tmp_path / "out" / "a" / "report.html") in shown.out


def test_one_bad_file_is_one_row(photographs, call, tmp_path, capsys):
    (photographs / "c.tif").write_text("a letter")
    (photographs / "d.png").touch()
    assert call(photographs) == 1
    rows = table(tmp_path)
    assert [row["status"] for row in rows] == ["ok", "ok", "failed", "failed", "ok"]
    assert all(row["message"] for row in rows)
    assert names(tmp_path / "out") == ["A-2", "a", "b", "segments.csv"]
    shown = capsys.readouterr().out
    # one remark for all that it is about
    assert shown.count("no scale, so no centimetres") == 1
    assert "(3 of 3 photographs)" in shown


def test_what_nobody_thought_of_stops_no_other(photographs, call, tmp_path, monkeypatch):
    from dl4art.craquelure import segmented

    inner = segmented.segment_photograph

    def fails(path, *rest, **options):
        if path.name == "a.png":
            raise MemoryError("no room")
        return inner(path, *rest, **options)

    monkeypatch.setattr(segmented, "segment_photograph", fails)
    assert call(photographs) == 1
    assert table(tmp_path)[0]["message"] == "cannot be used (MemoryError: no room)"


@pytest.fixture
def interrupted(photographs, call, monkeypatch):
    """A run that was stopped at the second of three photographs; gives which ones are worked on from then."""
    from dl4art.craquelure import segmented

    inner, done = segmented.segment_photograph, []

    def stops(path, *rest, **options):
        done.append(path.name)
        if len(done) == 2:
            raise KeyboardInterrupt
        return inner(path, *rest, **options)

    monkeypatch.setattr(segmented, "segment_photograph", stops)
    assert call(photographs) == 130
    done.clear()
    monkeypatch.setattr(segmented, "segment_photograph", lambda path, *rest, **options: (
        done.append(path.name),
        inner(path, *rest, **options),
    )[1])  # fmt: skip
    return done


def test_an_interrupted_run_goes_on(capsys, interrupted, photographs, call, tmp_path):
    assert "1 of 3 files are done and kept in" in capsys.readouterr().err
    assert call(photographs) == 0
    assert interrupted == ["b.jpg", "A.tif"]
    assert [row["status"] for row in table(tmp_path)] == ["ok"] * 3
    assert names(tmp_path / "out") == ["A-2", "a", "b", "segments.csv"]
    # and what is done is not done again
    assert call(photographs / "a.png") == 0
    assert interrupted[2:] == []


def test_with_other_settings_it_is_refused(capsys, interrupted, photographs, call, tmp_path):
    capsys.readouterr()
    assert call(photographs, "--px-per-cm", "50") == 2
    said = capsys.readouterr().err
    assert "px_per_cm None, not 50.0" in said
    assert interrupted == []
    (tmp_path / "out" / ".journal.jsonl").unlink()
    assert call(photographs, "--px-per-cm", "50") == 0


def test_what_is_not_as_it_was_is_done_again(interrupted, photographs, call, tmp_path):
    shutil.rmtree(tmp_path / "out" / "a")
    assert call(photographs) == 0
    assert interrupted == ["a.png", "b.jpg", "A.tif"]


def test_a_mask_that_came_later_counts(interrupted, photographs, tmp_path, capsys):
    (tmp_path / "masks").mkdir()
    Image.fromarray(np.eye(40, 60, dtype=bool)).save(tmp_path / "masks" / "a.png")
    words = ["-o", str(tmp_path / "out"), "--model", "dark", "--mask", str(tmp_path / "masks")]
    assert segment.main([str(photographs), *words]) == 0
    assert f"{photographs / 'b.jpg'}: no mask in" in capsys.readouterr().err
    assert interrupted == ["a.png", "b.jpg", "A.tif"]
    assert [float(row["left_out_percent"]) for row in table(tmp_path)] == [pytest.approx(40 / 24, abs=1e-4), 0, 0]


def test_what_is_done_is_not_read_again(photographs, call, tmp_path, monkeypatch):
    from dl4art.utils import files, journal

    (tmp_path / "masks").mkdir()
    Image.fromarray(np.eye(40, 60, dtype=bool)).save(tmp_path / "masks" / "a.png")
    words = (photographs / "a.png", "--mask", tmp_path / "masks" / "a.png")
    assert call(*words) == 0
    read = []
    monkeypatch.setattr(journal, "sha256", lambda path: (read.append(path), files.sha256(path))[1])
    before = (tmp_path / "out" / "segments.csv").read_bytes()
    assert call(*words) == 0
    assert read == []
    assert (tmp_path / "out" / "segments.csv").read_bytes() == before
    # a copy has another time, and is what it was
    shutil.copy(tmp_path / "masks" / "a.png", tmp_path / "other.png")
    (tmp_path / "other.png").replace(tmp_path / "masks" / "a.png")
    assert call(*words) == 0
    assert [path.parent.name for path in read] == ["masks"]


@pytest.mark.parametrize("change", [lambda path: path.write_bytes(b"other"), lambda path: path.unlink()])
def test_a_photograph_that_changes_under_way_leaves_nothing_half_made(change, photographs, call, tmp_path, monkeypatch):
    from dl4art.craquelure import segmented

    inner = segmented.write_report

    def changed(report, photograph, *rest, **options):
        inner(report, photograph, *rest, **options)
        if photograph.path.name == "b.jpg":
            change(photograph.path)

    kept = (photographs / "b.jpg").read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(segmented, "write_report", changed)
        assert call(photographs) == 1
    assert [row["status"] for row in table(tmp_path)] == ["ok", "failed", "ok"]
    assert "since it was begun to be read" in table(tmp_path)[1]["message"]
    assert names(tmp_path / "out") == ["A-2", "a", "segments.csv"]
    (photographs / "b.jpg").write_bytes(kept)
    assert call(photographs) == 0
    assert names(tmp_path / "out") == ["A-2", "a", "b", "segments.csv"]


def test_who_comes_second_is_told_before_the_network_is_loaded(photographs, call, tmp_path, monkeypatch, capsys):
    from dl4art.craquelure.segmenter import Segmenter
    from dl4art.utils.holding import held

    monkeypatch.setattr(Segmenter, "from_pretrained", lambda _: pytest.fail("loaded"))
    (tmp_path / "out").mkdir()
    with held(tmp_path / "out"):
        assert call(photographs) == 2
    assert "another run is writing there: process" in capsys.readouterr().err


def test_masks_among_the_photographs_are_no_photographs(photographs, call, tmp_path):
    mask = photographs / "mask.png"
    Image.fromarray(np.full((40, 60), 255, np.uint8)).save(mask)
    assert call(photographs / "a.png", mask, "--mask", mask) == 0
    (row,) = table(tmp_path)
    assert (row["left_out_percent"], row["loss_percent"]) == ("100.0", "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("none.png", "no such file"),
        ("empty", "no files to read"),
        ("photographs --mask photographs/a.png", "a mask is for one photograph"),
        ("photographs/a.png --mask none.png", "no such file"),
        ("photographs/a.png --mask photographs/a.png", "all there is to work on"),
        ("photographs --mask empty", "no file in this folder has the name of a photograph"),
    ],
)
@pytest.mark.usefixtures("photographs")
def test_calls_that_cannot_be_answered_are_refused(tmp_path, monkeypatch, words, said, capsys):
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    assert segment.main([*words.split(), "-o", "out"]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_mask_of_another_size_is_a_row(photographs, call, tmp_path):
    Image.fromarray(np.zeros((30, 60), np.uint8)).save(tmp_path / "mask.png")
    assert call(photographs / "a.png", "--mask", tmp_path / "mask.png") == 1
    assert "60 x 30 px, but its photograph has 60 x 40" in table(tmp_path)[0]["message"]


def test_results_among_the_photographs_are_no_photographs(photographs, call):
    for _ in range(2):
        assert segment.main([str(photographs), "-o", str(photographs / "out"), "--model", "dark", "--quiet"]) == 0
    assert names(photographs / "out") == ["A-2", "a", "b", "segments.csv"]


def test_without_a_model_it_says_so_at_once(photographs, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(segment, "shipped_models", lambda room: [])
    assert segment.main([str(photographs), "-o", str(tmp_path / "out")]) == 2
    assert "no network for photographs comes with this installation" in capsys.readouterr().err
    assert segment.main([str(photographs), "-o", str(tmp_path / "out"), "--model", "nonsense"]) == 2
    assert "nonsense: neither a model folder nor" in capsys.readouterr().err


def test_an_output_that_cannot_be_written_is_refused(photographs, call, tmp_path, capsys):
    (tmp_path / "out").write_text("mine")
    assert call(photographs) == 2
    assert "cannot be made" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", [["--dpi", "0"], ["--size-cm", "3"], ["--px-per-cm", "9", "--dpi", "300"], []])
def test_wrong_arguments_are_refused(photographs, wrong):
    with pytest.raises(SystemExit) as stop:
        segment.main([str(photographs), *wrong])
    assert stop.value.code == 2


@pytest.mark.parametrize(
    ("words", "code"), [(["--help"], 0), ([], 2), (["none.png", "-o", "out"], 2), (["a", "--mask", "b", "-o", "c"], 2)]
)
def test_nothing_heavy_is_imported_before_the_call_stands(words, code, call_door):
    assert call_door("segment", words) == (code, [])


def test_the_model_is_known_to_the_command_for_models(tiny, tmp_path, capsys):
    assert model.main(["list", str(tiny)]) == 0
    row = capsys.readouterr().out.splitlines()[-1]
    assert "segmenter" in row
    assert row.endswith("a tiny one")
    assert model.main(["check", str(tiny)]) == 0
    assert model.main(["show", str(tiny)]) == 0
    assert "reach_px" in capsys.readouterr().out
    assert model.main(["pack", str(tiny), "-o", str(tmp_path / "tiny.zip")]) == 0
    assert model.main(["unpack", str(tmp_path / "tiny.zip"), "-o", str(tmp_path / "again")]) == 0
    config = json.loads((tmp_path / "again" / "config.json").read_text("utf-8"))
    (tmp_path / "again" / "config.json").write_text(json.dumps(config | {"filters": [3]}), "utf-8")
    capsys.readouterr()
    assert model.main(["check", str(tmp_path / "again")]) == 1
    assert "do not fit the network" in capsys.readouterr().out
