import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dl4art.utils.errors import InputError, OutputError
from dl4art.utils.files import sha256
from dl4art.utils.journal import Journal, journal_path

SETTINGS = {"method": "auto", "size_cm": (3.0, 2.0)}


@pytest.fixture
def sources(tmp_path):
    paths = [tmp_path / name for name in ("a.tif", "b.tif")]
    for path in paths:
        path.write_bytes(path.name.encode())
    return paths


@pytest.fixture
def result(tmp_path):
    return tmp_path / "r.csv"


def start(result, sources):
    """Begin a run that does the first file and dies."""
    with Journal(result, SETTINGS) as journal:
        journal.add(sources[0], {"count": 12.5})
    return journal.path


def test_the_next_run_with_the_same_settings_goes_on(result, sources, caplog):
    path = start(result, sources)
    assert path.name == ".r.csv.journal.jsonl"
    with Journal(result, dict(reversed(SETTINGS.items()))) as journal:
        assert journal.row(sources[0]) == {"count": 12.5}
        assert journal.row(sources[1]) is None
        journal.add(sources[1], {"count": 3})
    assert "1 rows are done" in caplog.text
    with Journal(result, SETTINGS) as journal:
        assert [journal.row(source) for source in sources] == [{"count": 12.5}, {"count": 3}]


def test_other_settings_are_refused_with_what_to_do(result, sources, caplog):
    path = start(result, sources)
    with pytest.raises(InputError, match=r"1 input is done .*method 'auto', not 'spectral'; size_cm .* delete") as told:
        Journal(result, {"method": "spectral"})
    assert str(path) in str(told.value)
    assert caplog.text == ""
    path.unlink()
    with Journal(result, {"method": "spectral"}) as journal:
        assert journal.row(sources[0]) is None


def test_a_folder_keeps_its_journal_inside(tmp_path, sources):
    path = start(tmp_path, sources)
    assert path == tmp_path / ".journal.jsonl"
    with pytest.raises(InputError, match=f"to begin anew, delete {tmp_path}\\."):
        Journal(tmp_path, {})


def test_a_copy_of_an_input_is_what_it_was_and_another_of_its_size_is_not(result, sources):
    start(result, sources)
    os.utime(sources[0], ns=(1, 1))
    with Journal(result, SETTINGS) as journal:
        assert journal.row(sources[0]) == {"count": 12.5}
    sources[0].write_bytes(b"b.tif")
    os.utime(sources[0], ns=(1, 1))
    with Journal(result, SETTINGS) as journal:
        assert journal.row(sources[0]) is None


def test_what_is_kept_is_for_the_input_as_it_was_asked_for(result, sources):
    with Journal(result, SETTINGS) as journal:
        journal.row(sources[0])
        content = sha256(sources[0])
        sources[0].write_bytes(b"other")
        journal.add(sources[0], {"count": 1}, content=content)
    with Journal(result, SETTINGS) as journal:
        assert journal.row(sources[0]) is None


def test_an_input_that_was_begun_keeps_its_name_and_is_no_other_one(result, sources):
    with Journal(result, SETTINGS) as journal:
        journal.begin(sources[0], "a")
        assert journal.row(sources[0]) is None
    with Journal(result, SETTINGS) as journal:
        assert journal.names() == {str(sources[0]): "a"}
        assert journal.rows() == {str(sources[0]): {}}
        journal.begin(sources[0], "a")
        sources[0].write_bytes(b"other")
        with pytest.raises(InputError, match="has changed since its results, a, were written"):
            journal.begin(sources[0], "a")
        journal.begin(sources[0], "a", fresh=True)
        journal.add(sources[0], {"crops": 3})
    with Journal(result, SETTINGS) as journal:
        assert journal.row(sources[0]) == {"crops": 3}
        assert journal.names() == {str(sources[0]): "a"}


def test_without_rows_nothing_is_left_behind(result):
    with Journal(result, SETTINGS) as journal:
        assert journal.path.exists()
    assert not journal.path.exists()


def test_a_run_that_adds_nothing_keeps_what_was_there(result, sources):
    start(result, sources)
    with pytest.raises(KeyboardInterrupt), Journal(result, SETTINGS):
        raise KeyboardInterrupt
    with Journal(result, SETTINGS) as journal:
        assert journal.row(sources[0]) == {"count": 12.5}


def test_a_file_that_has_changed_is_done_again(result, sources):
    start(result, sources)
    sources[0].write_bytes(b"mended")
    with Journal(result, SETTINGS) as journal:
        assert journal.row(sources[0]) is None


def test_a_file_that_has_vanished_is_not_taken_over(result, sources):
    start(result, sources)
    sources[0].unlink()
    with Journal(result, SETTINGS) as journal:
        assert journal.row(sources[0]) is None


def test_a_row_is_on_disk_at_once(result, sources, monkeypatch):
    synchronised = []
    with Journal(result, SETTINGS) as journal:
        monkeypatch.setattr(os, "fsync", synchronised.append)
        journal.add(sources[0], {"count": 1})
        assert json.loads(journal.path.read_text().splitlines()[-1])["row"] == {"count": 1}
        assert len(synchronised) == 1


@settings(deadline=None)  # what is written is synchronised, which takes as long as the disk likes
@given(cut=st.integers(min_value=0, max_value=400))
def test_a_journal_cut_anywhere_gives_whole_rows_or_none(cut, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    sources = [folder / str(number) for number in range(3)]
    with Journal(folder / "r.csv", SETTINGS) as journal:
        for number, source in enumerate(sources):
            source.touch()
            journal.add(source, {"count": number})
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole[:cut])
    with Journal(folder / "r.csv", SETTINGS) as journal:
        rows = [journal.row(source) for source in sources]
        done = sum(row is not None for row in rows)
        assert rows == [{"count": number} for number in range(done)] + [None] * (3 - done)
        journal.add(sources[2], {"count": 2})
    with Journal(folder / "r.csv", SETTINGS) as journal:
        assert journal.row(sources[2]) == {"count": 2}


@pytest.mark.parametrize("content", ["", "[]\n", "null\nnull\n", '{"parameters": 1}\n{"source": 2}\n', "\0\0"])
def test_a_file_that_is_no_journal_is_no_obstacle(content, result, sources):
    Journal(result, SETTINGS).path.write_text(content)
    with Journal(result, SETTINGS) as journal:
        assert journal.row(sources[0]) is None


def test_bytes_that_are_no_text_are_no_obstacle(result, sources):
    Journal(result, SETTINGS).path.write_bytes(b"\xff\xfe\n")
    with Journal(result, SETTINGS) as journal:
        assert journal.row(sources[0]) is None


def test_discard_removes_it_and_may_be_repeated(result, sources):
    path = start(result, sources)
    Journal.discard(result)
    Journal.discard(result)
    assert not path.exists()


def test_a_place_that_cannot_be_written_is_an_error_that_says_so(tmp_path, sources):
    with pytest.raises(OutputError, match="cannot be written"), Journal(tmp_path / "nowhere" / "r.csv", SETTINGS):
        pass


def test_a_full_disk_is_an_error_that_says_so(result, sources, monkeypatch):
    def full(_descriptor):
        raise OSError(28, "No space left on device")

    with Journal(result, SETTINGS) as journal:
        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OutputError, match="No space left"):
            journal.add(sources[0], {})


def test_rows_are_taken_only_while_it_is_open(result, sources):
    with Journal(result, SETTINGS) as journal:
        pass
    with pytest.raises(RuntimeError, match="with block"):
        journal.add(sources[0], {})


def test_a_name_is_kept_without_reading_the_input(result, tmp_path):
    with Journal(result, SETTINGS) as journal:
        journal.keep_name(tmp_path / "none.tif", "none")
    before = journal_path(result).read_bytes()
    with Journal(result, SETTINGS) as journal:
        journal.keep_name(tmp_path / "none.tif", "none")
        assert journal.names() == {str(tmp_path / "none.tif"): "none"}
        assert journal.row(tmp_path / "none.tif") is None
    assert journal_path(result).read_bytes() == before


@pytest.mark.parametrize("name", ["../up", "..", ".", "/tmp/x", "a/b", "a\\b", "C:x", "NUL.tif", "x\0", "y" * 300])
def test_names_that_lead_elsewhere_are_passed_over(name, result, sources):
    with Journal(result, SETTINGS) as journal:
        journal.begin(sources[0], name)
        journal.begin(sources[1], "b")
    assert Journal(result, SETTINGS).names() == {str(sources[1]): "b"}


@pytest.mark.parametrize(
    ("row", "kept"),
    [
        ({"text": "a", "number": 1.5, "texts": ["a"], "two": ["a", "b"]}, True),
        ({"text": "a", "number": None, "texts": [], "two": ["a", "b"]}, True),
        ({"text": None, "number": 1.5, "texts": ["a"], "two": ["a", "b"]}, False),
        ({"text": "a", "number": float("nan"), "texts": ["a"], "two": ["a", "b"]}, False),
        ({"text": "a", "number": 1.5, "texts": [1], "two": ["a", "b"]}, False),
        ({"text": "a", "number": 1.5, "texts": ["a"], "two": ["a"]}, False),
        ({"text": "a", "number": 1.5, "texts": ["a"]}, False),
        ({}, False),
    ],
)
def test_rows_of_another_shape_are_done_again(row, kept, result, sources):
    with Journal(result, SETTINGS) as journal:
        journal.add(sources[0], row)
    shape = {"text": str, "number": float | None, "texts": list, "two": (str, str)}
    assert (Journal(result, SETTINGS, row=shape).row(sources[0]) == row) == kept
