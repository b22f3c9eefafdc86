import hashlib
import os
import stat

import pytest

from dl4art.utils.errors import OutputError
from dl4art.utils.files import atomic_path, make_folder, sha256


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
