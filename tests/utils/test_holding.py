import os
import signal
import subprocess
import sys

import pytest

from dl4art.utils.errors import OutputError
from dl4art.utils.files import temporary_prefix
from dl4art.utils.holding import held
from dl4art.utils.journal import journal_path

HOLD = """
import sys, time
from dl4art.utils.holding import held
with held(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other(tmp_path):
    """Another process that holds a result: the process, and the result."""
    folder = tmp_path / "out"
    folder.mkdir()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", HOLD, str(folder), "--secret word"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout.readline() == "held\n"
        yield process, folder
        process.kill()


def enter(result):
    with held(result):
        pass


def test_the_second_run_is_told_who_holds_it(other):
    process, folder = other
    with pytest.raises(OutputError, match=rf"out: another run is writing there: process {process.pid} on .* since 20"):
        enter(folder)


def test_a_run_that_was_killed_holds_nothing(other):
    process, folder = other
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert os.listdir(folder) == [".dl4art.lock"]
    enter(folder)
    assert os.listdir(folder) == []


def test_what_a_killed_run_has_left_of_a_result_and_of_its_journal_is_cleared_away(tmp_path):
    result = tmp_path / "r.csv"
    for written in (result, journal_path(result)):
        (tmp_path / f"{temporary_prefix(written)}abcd1234{''.join(written.suffixes[-2:])}").touch()
    assert len(os.listdir(tmp_path)) == 2
    enter(result)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("stop", [ValueError, KeyboardInterrupt])
def test_it_is_let_go_of_however_the_run_ends(stop, tmp_path):
    def end_badly():
        with held(tmp_path / "r.csv"):
            assert os.listdir(tmp_path) == [".r.csv.lock"]
            raise stop

    with pytest.raises(stop):
        end_badly()
    assert os.listdir(tmp_path) == []
    enter(tmp_path / "r.csv")


def test_results_side_by_side_do_not_hinder_each_other(tmp_path):
    with held(tmp_path / "a.csv"), held(tmp_path / "b.csv"), pytest.raises(OutputError, match=r"a\.csv: another run"):
        enter(tmp_path / "a.csv")


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(OutputError, match="nothing can be written there"):
        enter(tmp_path / "none" / "r.csv")


def test_what_a_killed_run_has_left_is_cleared_away(tmp_path):
    left = tmp_path / f"{temporary_prefix(tmp_path / 'r.csv')}abcd1234.csv"
    left.write_text("ha")
    enter(tmp_path / "r.csv")
    assert os.listdir(tmp_path) == []


COUNT = """
import sys
from pathlib import Path
from dl4art.utils.errors import OutputError
from dl4art.utils.holding import held
folder = Path(sys.argv[1])
for _ in range(50):
    while True:
        try:
            with held(folder):
                number = int((folder / "n").read_text())
                (folder / "n").write_text(str(number + 1))
            break
        except OutputError:
            continue
"""


def test_no_two_ever_hold_it_at_a_time(tmp_path):
    (tmp_path / "n").write_text("0")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", COUNT, str(tmp_path)]
    workers = [subprocess.Popen(command, env=environment) for _ in range(2)]
    assert [worker.wait(120) for worker in workers] == [0, 0]
    assert (tmp_path / "n").read_text() == "100"


def test_a_folder_that_is_made_beside_itself_is_held_and_swept_there(tmp_path):
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / f"{temporary_prefix(folder)}abcd1234").mkdir()
    with held(folder, beside=True):
        assert {*os.listdir(tmp_path)} == {"model", ".model.lock"}
        assert os.listdir(folder) == []
    assert os.listdir(tmp_path) == ["model"]
