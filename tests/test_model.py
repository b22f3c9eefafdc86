import json
import shutil
import sys
from pathlib import Path

import pytest

import dl4art
from dl4art import model
from dl4art.utils.models import find_model, write_model


@pytest.fixture
def mine(tmp_path):
    """A copy of the shipped counter."""
    return Path(shutil.copytree(find_model("threads").path, tmp_path / "mine"))


def change(folder, **entries):
    """Change entries of a configuration; those that are None are taken out."""
    config = json.loads((folder / "config.json").read_text()) | entries
    kept = {name: value for name, value in config.items() if value is not None}
    (folder / "config.json").write_text(json.dumps(kept))


def lines(capsys):
    return capsys.readouterr().out.splitlines()


def test_all_that_is_shipped_is_listed(capsys):
    assert model.main(["list"]) == 0
    header, *rows = lines(capsys)
    assert header.split() == ["model", "kind", "size", "sha256", "made", "by", "what", "for"]
    shipped = {path.name for path in Path(dl4art.__file__).parent.glob("*/models/*")}
    assert {row.split()[0] for row in rows} == shipped >= {"threads", "fabrics"}
    threads = next(row for row in rows if row.startswith("threads"))
    assert find_model("threads").sha256[:8] in threads
    assert "counter" in threads
    assert threads.endswith("with intervals")
    assert not any(" ? " in row for row in rows)


def test_local_models_are_listed_beside_the_shipped_ones(mine, tmp_path, capsys):
    assert model.main(["list", str(tmp_path), str(mine)]) == 0
    assert sum(line.startswith(f"{mine} ") for line in lines(capsys)) == 1


def test_a_shipped_folder_is_listed_once(capsys):
    assert model.main(["list", str(find_model("threads").path)]) == 0
    assert sum(line.startswith("threads ") for line in lines(capsys)) == 1


def test_a_local_model_never_looks_like_a_shipped_one(mine, tmp_path, monkeypatch, capsys):
    mine.rename(tmp_path / "threads")
    monkeypatch.chdir(tmp_path)
    assert model.main(["list", "threads"]) == 0
    assert str(tmp_path / "threads") in capsys.readouterr().out
    change(tmp_path / "threads", filters=[4, 4])
    assert model.main(["check", "threads", "./threads"]) == 1
    _, shipped, local = lines(capsys)
    assert shipped.split()[3] == "ok"
    assert "instead of 5 numbers of channels" in local


def test_a_damaged_model_is_one_row_of_the_list(mine, capsys):
    (mine / "config.json").write_text("{")
    assert model.main(["list", str(mine)]) == 1
    *_, last = lines(capsys)
    assert "failed: " in last
    assert "cannot be read as JSON" in last


def test_a_model_is_shown_with_its_card_hash_and_configuration(capsys):
    assert model.main(["show", "fabrics"]) == 0
    shown = capsys.readouterr().out
    fabrics = find_model("fabrics", room="siamese")
    for part in (
        str(fabrics.path),
        fabrics.sha256,
        "comparer",
        "BSD-3-Clause",
        "# Fabric comparer\n",
        '"crop_px": 300',
    ):
        assert part in shown
    assert "---\nsummary" not in shown


def test_on_a_terminal_the_card_is_laid_out(mine, monkeypatch, capsys):
    (mine / "MODEL_CARD.md").write_text("---\nsummary: s\n---\n# Counter\n\n- *one*\n")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    assert model.main(["show", str(mine)]) == 0
    shown = capsys.readouterr().out
    assert "# Counter" not in shown
    assert "Counter" in shown
    assert "• " in shown


def test_a_card_cannot_steer_the_terminal(mine, capsys):
    (mine / "MODEL_CARD.md").write_text("---\nsummary: good\x1b[2K\u202eevil\n---\n\x1b]0;title\x07text\x9b1m\n")
    change(mine, dl4art="\x1b[31m0.1.0")
    for words in (["show", str(mine)], ["list", str(mine)], ["check", str(mine)]):
        model.main(words)
        shown = capsys.readouterr().out
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & {*shown}


def test_what_is_in_order_is_ok(mine, capsys):
    assert model.main(["check", "threads", "fabrics", str(mine)]) == 0
    _, *rows = lines(capsys)
    assert [row.split()[1] for row in rows] == ["counter", "comparer", "counter"]
    assert [row.split()[3] for row in rows] == ["ok"] * 3


def _no_card(folder):
    (folder / "MODEL_CARD.md").unlink()


def _bad_card(folder):
    (folder / "MODEL_CARD.md").write_bytes(b"\xff")


def _bad_config(folder):
    (folder / "config.json").write_text("{")


def _other_weights(folder):
    (folder / "model.weights.h5").write_bytes(b"other")


def _bad_weights(folder):
    found = find_model(folder)
    (folder / "model.weights.h5").write_bytes(b"no weights at all")
    write_model(folder, config=found.config, calibration=found.calibration, card="x")


def _bad_calibration(folder):
    (folder / "calibration.json").write_text("{}")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_no_card, "MODEL_CARD.md missing"),
        (_bad_card, "cannot be read as text"),
        (_bad_config, "cannot be read as JSON"),
        (_other_weights, "not those that config.json names"),
        (_bad_weights, "no weights that can be read safely"),
        (_bad_calibration, "cannot be loaded as a thread counter"),
        (lambda folder: change(folder, window_px=300), "window_px is 300, and a counter of this version needs 200"),
        (lambda folder: change(folder, window_px=None), "not known to this version"),
        (lambda folder: change(folder, px_per_cm=100), "px_per_cm is 100"),
        (lambda folder: change(folder, dl4art="99.0.0"), "newer than this one"),
        (lambda folder: change(folder, filters=[8, 8]), "instead of 5 numbers of channels"),
        (lambda folder: change(folder, filters="many"), "many instead of 5 numbers of channels"),
        (shutil.rmtree, "neither a model folder nor"),
    ],
)
def test_what_is_wrong_is_one_row_that_says_so(mine, capsys, damage, said):
    damage(mine)
    assert model.main(["check", str(mine), "threads"]) == 1
    _, bad, good = lines(capsys)
    assert " failed " in bad
    assert said in bad
    assert " ok" in good


def test_a_comparer_that_is_none_is_told(tmp_path, capsys):
    fabrics = find_model("fabrics", room="siamese")
    mine = Path(shutil.copytree(fabrics.path, tmp_path / "mine"))
    for network in ([], {"legs": 4}):
        change(mine, network=network)
        assert model.main(["check", str(mine)]) == 1
        assert " failed " in capsys.readouterr().out


def test_a_model_is_handed_on_in_one_file(mine, tmp_path, capsys):
    packed, there = tmp_path / "model.zip", tmp_path / "there"
    assert model.main(["pack", "threads", "-o", str(packed)]) == 0
    assert find_model("threads").sha256[:8] in capsys.readouterr().out
    assert model.main(["unpack", str(packed), "-o", str(there)]) == 0
    assert " ok" in capsys.readouterr().out
    assert {path.name: path.read_bytes() for path in there.iterdir()} == {
        path.name: path.read_bytes() for path in mine.iterdir()
    }
    # a run that was killed at its very end may be given again
    assert model.main(["unpack", str(packed), "-o", str(there)]) == 0
    assert " ok" in capsys.readouterr().out
    (there / "MODEL_CARD.md").write_text("mine", encoding="utf-8")
    assert model.main(["unpack", str(packed), "-o", str(there)]) == 2
    assert capsys.readouterr().err.startswith("error: ")
    assert (there / "MODEL_CARD.md").read_text(encoding="utf-8") == "mine"


def test_what_was_unpacked_and_does_not_fit_is_told(mine, tmp_path, capsys):
    change(mine, dl4art="99.0.0")
    assert model.main(["pack", str(mine), "-o", str(tmp_path / "model.zip")]) == 0
    assert model.main(["unpack", str(tmp_path / "model.zip"), "-o", str(tmp_path / "there")]) == 1
    assert "newer than this one" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        ["show", "nonsense"],
        ["list", "nonsense"],
        ["pack", "nonsense", "-o", "model.zip"],
        ["pack", "threads", "-o", "model.tar"],
        ["unpack", "nonsense.zip", "-o", "there"],
    ],
)
def test_calls_that_cannot_be_answered_are_refused(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert model.main(words) == 2
    assert capsys.readouterr().err.startswith("error: ")
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["--help"], 0),
        (["check", "--help"], 0),
        ([], 2),
        (["check"], 2),
        (["pack", "threads"], 2),
        (["list"], 0),
        (["show", "threads"], 0),
        (["pack", "threads", "-o", "model.zip"], 0),
        (["unpack", "none.zip", "-o", "there"], 2),
        (["check", "nonsense"], 1),
    ],
)
def test_nothing_heavy_is_imported_but_to_load_a_network(words, code, call_door):
    assert call_door("model", words) == (code, [])
