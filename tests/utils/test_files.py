import hashlib
import os
import stat

import pytest

from dl4art.utils.errors import InputError, OutputError
from dl4art.utils.files import atomic_path, check_unchanged, file_state, make_folder, remove, sha256, sweep


def test_a_file_appears_only_when_it_is_whole(tmp_path):
    target = tmp_path / "r.csv"
    with atomic_path(target) as temporary:
        temporary.write_text("whole")
        assert not target.exists()
        assert temporary.suffix == ".csv"
        assert temporary.parent == tmp_path
    assert target.read_text() == "whole"
    assert os.listdir(tmp_path) == ["r.csv"]


@pytest.mark.parametrize("stop", [ValueError, KeyboardInterrupt])
def test_what_ends_badly_leaves_the_old_file_and_nothing_else(stop, tmp_path):
    target = tmp_path / "r.csv"
    target.write_text("old")

    def write_half():
        with atomic_path(target) as temporary:
            temporary.write_text("ha")
            raise stop

    with pytest.raises(stop):
        write_half()
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["r.csv"]


def test_a_result_is_as_readable_as_any_other_file(tmp_path):
    (tmp_path / "plain").touch()
    with atomic_path(tmp_path / "result"):
        pass
    assert stat.S_IMODE((tmp_path / "result").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_a_place_that_cannot_be_written_is_an_error_that_says_so(tmp_path):
    with pytest.raises(OutputError, match=r"r\.csv: cannot be written \(No such file or directory\)"):
        atomic_path(tmp_path / "nowhere" / "r.csv").__enter__()


def test_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"canvas")
    assert sha256(tmp_path / "a") == hashlib.sha256(b"canvas").hexdigest()


def test_folders_for_results_are_made_and_what_is_a_file_is_refused(tmp_path):
    make_folder(tmp_path / "a" / "b")
    make_folder(tmp_path / "a" / "b")
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="Choose another place"):
        make_folder(tmp_path / "file" / "c")
    with pytest.raises(OutputError, match="file"):
        make_folder(tmp_path / "file")


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    order = []
    synchronise, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda handle: (order.append("fsync"), synchronise(handle)))
    monkeypatch.setattr(os, "replace", lambda *paths: (order.append("replace"), replace(*paths)))
    with atomic_path(tmp_path / "r.csv"):
        pass
    assert order[:2] == ["fsync", "replace"]


def test_a_name_as_long_as_can_be_has_room_for_its_temporary_file(tmp_path):
    name = "n." + "a" * 245 + ".tif"
    with atomic_path(tmp_path / name) as temporary:
        assert temporary.suffix == ".tif"
    assert os.listdir(tmp_path) == [name]


def leave_half(folder, name):
    """What a kill leaves of a file."""
    context = atomic_path(folder / name)
    left = context.__enter__()
    left.write_text("ha")
    return context, left


def test_what_a_kill_has_left_is_swept_and_nothing_else(tmp_path):
    (tmp_path / "inner").mkdir()
    kept = [leave_half(tmp_path, "r.csv"), leave_half(tmp_path, "s.csv"), leave_half(tmp_path / "inner", "t.csv")]
    mine = [tmp_path / "r.csv", tmp_path / ".dl4art-notes", tmp_path / "inner" / "u.csv"]
    for path in mine:
        path.write_text("mine")
    sweep(tmp_path / "r.csv")
    assert [left.exists() for _, left in kept] == [False, True, True]
    sweep(tmp_path)
    assert not any(left.exists() for _, left in kept)
    assert all(path.exists() for path in mine)


def test_a_file_that_changes_or_vanishes_is_told(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"1")
    before = file_state(path)
    check_unchanged(path, before)
    path.write_bytes(b"22")
    with pytest.raises(InputError, match="a: has changed"):
        check_unchanged(path, before)
    path.unlink()
    with pytest.raises(InputError, match="a: is gone"):
        check_unchanged(path, before)


def test_removing_what_cannot_be_removed_is_an_error_that_says_so(tmp_path):
    remove(tmp_path / "none")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="folder: cannot be replaced"):
        remove(tmp_path / "folder")
