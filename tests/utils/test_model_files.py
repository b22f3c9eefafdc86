import os
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dl4art import __version__
from dl4art.utils import model_files
from dl4art.utils.errors import Dl4artError, InputError, ModelError, OutputError
from dl4art.utils.files import sha256
from dl4art.utils.model_files import ModelCard, ModelKind, check_fit, find_folders, pack_model, read_card, unpack_model
from dl4art.utils.models import TEXTS, WEIGHTS, open_model, write_model

KINDS = (ModelKind("reader", "library", "page_px", 7), ModelKind("singer", "choir", "score_px", 9, px_per_cm=3))
ANY = ModelKind("painter", "studio", "reach_px", None, px_per_cm=None)
FITTING = {"page_px": 7, "px_per_cm": 200, "dl4art": __version__}
CARD = "---\nsummary: Reads: aloud\ntags: [a, b]\n---\n\n# Reader\n\nIt reads.\n"


def make(folder, config=FITTING, weights=b"weights", name=WEIGHTS[0], card=CARD):
    folder.mkdir(parents=True)
    (folder / name).write_bytes(weights)
    return write_model(folder, config=config, calibration={"scale": 1.1}, card=card)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def zipped(path, members, method=zipfile.ZIP_STORED):
    """A ZIP of names and bytes, in this order."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, compress_type=method)
    return path


@pytest.fixture
def folder(tmp_path):
    make(tmp_path / "reader")
    return tmp_path / "reader"


@pytest.fixture
def packed(folder, tmp_path):
    pack_model(folder, tmp_path / "reader.zip")
    return tmp_path / "reader.zip"


# Which there are


def test_models_are_found_below_a_folder_and_in_itself(folder, tmp_path):
    make(tmp_path / "runs" / "b" / "model")
    make(tmp_path / "runs" / ".hidden" / "model")
    make(tmp_path / "runs" / "a")
    (tmp_path / "runs" / "b" / "model.weights.h5").touch()  # of a training, and no model
    assert find_folders(tmp_path / "runs") == [tmp_path / "runs" / "a", tmp_path / "runs" / "b" / "model"]
    assert find_folders(folder) == [folder]


def test_an_incomplete_model_is_not_passed_over(folder):
    (folder / "config.json").unlink()
    assert find_folders(folder) == [folder]


def test_folders_without_a_model_are_refused(tmp_path):
    with pytest.raises(InputError, match="no model in this folder"):
        find_folders(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        find_folders(tmp_path / "none")


# Cards


def test_a_card_has_facts_and_a_text(folder):
    assert read_card(folder) == ModelCard({"summary": "Reads: aloud", "tags": "[a, b]"}, "# Reader\n\nIt reads.")


@pytest.mark.parametrize(
    ("text", "card"),
    [
        ("", ModelCard()),
        ("# Only text\n", ModelCard(text="# Only text")),
        ("---\n---\ntext", ModelCard(text="text")),
        ("---\nno colon\nempty:\n---", ModelCard()),
        ("---\nnever: closed\n", ModelCard(text="---\nnever: closed")),
    ],
)
def test_cards_of_other_forms_are_read_too(folder, text, card):
    (folder / "MODEL_CARD.md").write_text(text)
    assert read_card(folder) == card


def test_a_card_that_is_no_text_is_named(folder):
    (folder / "MODEL_CARD.md").write_bytes(b"\xff\xfe")
    with pytest.raises(ModelError, match=r"MODEL_CARD\.md: cannot be read as text"):
        read_card(folder)


# Fit


def test_a_model_of_this_version_fits(folder, tmp_path):
    assert check_fit(open_model(folder), KINDS) == KINDS[0]
    older = make(tmp_path / "older", {"score_px": 9, "px_per_cm": 3, "dl4art": "0.0.9rc1"})
    assert check_fit(older, KINDS) == KINDS[1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"page_px": 8}, "page_px is 8, and a reader of this version needs 7"),
        ({"px_per_cm": None}, "px_per_cm is None"),
        ({"dl4art": "999.0"}, f"newer than this one, {__version__}. Update"),
        ({"dl4art": "0.999.0.dev1"}, "newer than this one"),
        ({"dl4art": 3}, "stated as 3"),
        ({"dl4art": "new"}, "stated as 'new'"),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, change, said):
    model = make(tmp_path / "odd", FITTING | change)
    with pytest.raises(ModelError, match=said):
        check_fit(model, KINDS)


def test_a_model_of_no_known_kind_does_not_fit(tmp_path):
    with pytest.raises(ModelError, match="neither page_px nor score_px"):
        check_fit(make(tmp_path / "odd", {"dl4art": __version__}), KINDS)


# One file


@settings(deadline=None)  # what is written is synchronised, which takes as long as the disk likes
@given(weights=st.binary(), card=st.text(st.characters(codec="utf-8")), name=st.sampled_from(WEIGHTS))
def test_what_is_packed_comes_out_again_and_packs_alike(weights, card, name):
    with tempfile.TemporaryDirectory() as place:
        here = Path(place)
        make(here / "one", weights=weights, card=card, name=name)
        pack_model(here / "one", here / "one.zip")
        model = unpack_model(here / "one.zip", here / "two")
        assert contents(here / "two") == contents(here / "one")
        assert model.path == here / "two"
        pack_model(here / "two", here / "two.zip")
        assert (here / "one.zip").read_bytes() == (here / "two.zip").read_bytes()


def test_only_the_files_of_a_model_are_packed(folder, packed, tmp_path):
    (folder / "notes.txt").write_text("private")
    (folder / "MODEL_CARD.md").chmod(0o600)
    os.utime(folder / "config.json", (0, 0))
    pack_model(folder, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == packed.read_bytes()
    assert zipfile.ZipFile(packed).namelist() == ["MODEL_CARD.md", "calibration.json", "config.json", WEIGHTS[0]]


def test_the_bytes_are_the_same_on_every_computer(tmp_path):
    make(tmp_path / "fixed", {"page_px": 7})
    pack_model(tmp_path / "fixed", tmp_path / "fixed.zip")
    assert sha256(tmp_path / "fixed.zip") == "755801dfd0163c822d1d4a0789f86f702ea23e340f756722ba7da8e0f5414fdf"


def test_a_damaged_model_is_not_packed(folder, tmp_path):
    (folder / WEIGHTS[0]).write_bytes(b"other")
    with pytest.raises(ModelError, match="not those that"):
        pack_model(folder, tmp_path / "reader.zip")
    assert not (tmp_path / "reader.zip").exists()


def test_what_would_not_be_unpacked_is_not_packed(folder, packed, tmp_path, monkeypatch):
    before = packed.read_bytes()
    monkeypatch.setitem(model_files._LARGEST, WEIGHTS[0], 3)
    with pytest.raises(ModelError, match="larger than 3 bytes"):
        pack_model(folder, packed)
    assert packed.read_bytes() == before
    with pytest.raises(InputError, match="7 bytes"):
        unpack_model(packed, tmp_path / "new")
    assert {path.name for path in tmp_path.iterdir()} == {"reader", "reader.zip"}


@pytest.mark.parametrize("name", ["reader/config.json", "model", "none/model.zip"])
def test_a_model_is_packed_only_where_it_can_be(folder, tmp_path, name):
    before = contents(folder)
    with pytest.raises(OutputError, match=r"-o|ends so"):
        pack_model(folder, tmp_path / name)
    assert contents(folder) == before


def test_an_empty_folder_takes_a_model_and_a_new_one_is_made(folder, packed, tmp_path):
    (tmp_path / "empty").mkdir()
    for place in (tmp_path / "empty", tmp_path / "deep" / "new"):
        assert contents(unpack_model(packed, place).path) == contents(folder)
        assert place.stat().st_mode == folder.stat().st_mode


def test_what_is_there_stays(packed, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for name in ("full", "file", "file/below"):
        with pytest.raises(OutputError, match="Choose another place"):
            unpack_model(packed, tmp_path / name)
    assert contents(tmp_path / "full") == {"letter.txt": b"mine"}
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize(
    "name",
    [
        "../config.json",
        "/config.json",
        "deep/config.json",
        "..\\config.json",
        "config.json/",
        "CONFIG.JSON",
        "notes.txt",
    ],
)
def test_members_that_are_no_file_of_a_model_are_refused(folder, tmp_path, name):
    path = zipped(tmp_path / "bad.zip", [*contents(folder).items(), (name, b"{}")])
    with pytest.raises(InputError, match="no file of a model"):
        unpack_model(path, tmp_path / "new")
    assert {path.name for path in tmp_path.iterdir()} == {"reader", "bad.zip"}


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_file_that_is_there_twice_is_refused(folder, tmp_path):
    path = zipped(tmp_path / "bad.zip", [*contents(folder).items(), ("config.json", b"{}")])
    with pytest.raises(InputError, match="a file twice"):
        unpack_model(path, tmp_path / "new")


def test_a_bomb_is_refused(folder, tmp_path):
    members = contents(folder) | {WEIGHTS[0]: bytes(10_000_000)}
    path = zipped(tmp_path / "bad.zip", members.items(), zipfile.ZIP_DEFLATED)
    with pytest.raises(InputError, match="10000000 bytes out of"):
        unpack_model(path, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_bomb_that_states_a_small_size_is_no_larger_than_that(folder, tmp_path):
    members = contents(folder) | {WEIGHTS[0]: bytes(1_000_000)}
    data = zipped(tmp_path / "bad.zip", members.items(), zipfile.ZIP_DEFLATED).read_bytes()
    assert data.count((1_000_000).to_bytes(4, "little")) == 2
    (tmp_path / "bad.zip").write_bytes(data.replace((1_000_000).to_bytes(4, "little"), (900).to_bytes(4, "little")))
    with pytest.raises(InputError, match="cannot be unpacked"):
        unpack_model(tmp_path / "bad.zip", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_model_that_somebody_zipped_by_hand_is_one_too(folder, tmp_path):
    path = zipped(tmp_path / "hand.zip", contents(folder).items(), zipfile.ZIP_DEFLATED)
    assert contents(unpack_model(path, tmp_path / "new").path) == contents(folder)
    path = zipped(tmp_path / "hand.zip", contents(folder).items(), zipfile.ZIP_LZMA)
    with pytest.raises(InputError, match="compressed in a way"):
        unpack_model(path, tmp_path / "newer")


@pytest.mark.parametrize("name", [*TEXTS, WEIGHTS[0]])
def test_an_incomplete_model_is_not_unpacked(folder, tmp_path, name):
    path = zipped(tmp_path / "bad.zip", [item for item in contents(folder).items() if item[0] != name])
    with pytest.raises(ModelError, match=rf"bad\.zip: not a complete model, .*{name}"):
        unpack_model(path, tmp_path / "new")
    assert {path.name for path in tmp_path.iterdir()} == {"reader", "bad.zip"}


def test_other_weights_are_not_unpacked(folder, tmp_path):
    path = zipped(tmp_path / "bad.zip", (contents(folder) | {WEIGHTS[0]: b"other"}).items())
    with pytest.raises(ModelError, match="not those that"):
        unpack_model(path, tmp_path / "new")


@pytest.mark.parametrize("data", [b"", b"a letter", b"PK\x03\x04"])
def test_what_is_no_zip_is_refused(tmp_path, data):
    (tmp_path / "bad.zip").write_bytes(data)
    with pytest.raises(InputError, match="cannot be unpacked"):
        unpack_model(tmp_path / "bad.zip", tmp_path / "new")
    with pytest.raises(InputError, match="no such file"):
        unpack_model(tmp_path / "none.zip", tmp_path / "new")


@settings(deadline=None)
@given(data=st.data())
def test_a_damaged_zip_gives_the_model_or_a_reason(data):
    with tempfile.TemporaryDirectory() as place:
        here = Path(place)
        make(here / "one")
        pack_model(here / "one", here / "one.zip")
        whole = bytearray((here / "one.zip").read_bytes())
        for _ in range(data.draw(st.integers(1, 3))):
            whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
        (here / "one.zip").write_bytes(whole[: data.draw(st.integers(1, len(whole)))])
        try:
            unpack_model(here / "one.zip", here / "two")
        except Dl4artError:
            assert {path.name for path in here.iterdir()} == {"one", "one.zip"}
        else:
            assert contents(here / "two")[WEIGHTS[0]] == b"weights"


def test_settings_too_deep_to_be_read_are_named(folder):
    (folder / "config.json").write_text('{"a":' + "[" * 100_000)
    with pytest.raises(ModelError, match="cannot be read as JSON"):
        open_model(folder)


def test_a_kind_may_take_any_size_and_scale(tmp_path):
    make(tmp_path / "painter", {"reach_px": 93, "dl4art": __version__})
    assert check_fit(open_model(tmp_path / "painter"), (*KINDS, ANY)) is ANY
