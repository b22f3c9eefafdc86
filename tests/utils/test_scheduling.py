"""Work on a real cluster of several processes, some of which are killed while they work."""

import os
import pickle
import signal
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from dl4art.utils import scheduling
from dl4art.utils.errors import InputError, ModelError, SchedulerError
from dl4art.utils.models import ModelFolder
from dl4art.utils.scheduling import Sent, as_done

WORK = '''
import os
import signal
import time
from pathlib import Path

def square(number, tell):
    tell(0.5)
    if number < 0:
        raise ValueError(f"{number} is below zero")
    return number**2

class Stuck:
    """Squares; at its first try with one number it waits to be killed."""

    def __init__(self, number, folder):
        self.number, self.folder = number, Path(folder)

    def __call__(self, number, tell):
        started = self.folder / f"{number}-{os.getpid()}"
        first = not list(self.folder.glob(f"{number}-*"))
        started.touch()
        if number == self.number and first:
            time.sleep(240)
        return number**2

class Unreadable:
    def __reduce__(self):
        return torn, ()

def torn():
    if os.environ.get("DL4ART_TEST_CLIENT"):
        raise ValueError("torn")
    return 1

def unreadable(number, tell):
    return Unreadable()

def deadly(number, tell):
    if number == 1:
        time.sleep(0.5)  # whoever starts workers anew must have seen this one first
        os.kill(os.getpid(), signal.SIGKILL)
    return number**2
'''


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    """A module that workers can import as well: cheap, and without TensorFlow."""
    folder = tmp_path_factory.mktemp("modules")
    (folder / "work_of_tests.py").write_text(WORK, encoding="utf-8")
    sys.path.insert(0, str(folder))
    import work_of_tests

    yield work_of_tests
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def cluster(start_cluster, work):
    """The address of two workers; what has cost two of them their lives is given up."""
    folder = Path(work.__file__).parent
    with start_cluster(2, folder, DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="1") as (address, _):
        yield address


# In this process


def test_items_are_done_in_their_order_and_shares_add_up(work):
    told = []
    found = list(as_done(work.square, iter([3, -1, 2]), advance=told.append))
    assert [item for item, _ in found] == [3, -1, 2]
    assert (found[0][1], found[2][1]) == (9, 4)
    assert str(found[1][1]) == "-1 is below zero"
    assert told == [0.5] * 6


def test_each_item_is_taken_when_the_one_before_has_been_dealt_with(work):
    dealt = []

    def items():
        for number in range(3):
            assert len(dealt) == number
            yield number

    for item, _ in as_done(work.square, items()):
        dealt.append(item)
    assert dealt == [0, 1, 2]


def test_an_interruption_is_no_result():
    def stop(_item, _tell):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        next(as_done(stop, [1]))


# On a cluster


def test_a_cluster_gives_what_this_process_gives(work, cluster, tmp_path):
    told = []
    found = dict(
        as_done(work.square, range(-1, 20), scheduler=cluster, needs=lambda _: [tmp_path], advance=told.append)
    )
    assert isinstance(found.pop(-1), ValueError)
    assert found == dict(as_done(work.square, range(20)))
    assert told == [1.0] * 21


def test_a_worker_that_is_killed_changes_nothing(work, cluster, tmp_path):
    killed = []

    def kill():
        end = time.monotonic() + 120  # a busy machine takes long to begin
        while not killed and time.monotonic() < end:
            for path in tmp_path.glob("3-*"):
                killed.append(int(path.name.partition("-")[2]))
                os.kill(killed[0], signal.SIGKILL)
            time.sleep(0.02)

    killer = threading.Thread(target=kill)
    killer.start()
    found = dict(as_done(work.Stuck(3, tmp_path), range(8), scheduler=cluster))
    killer.join()
    assert found == {number: number**2 for number in range(8)}
    workers = {int(path.name.partition("-")[2]) for path in tmp_path.glob("3-*")}
    assert len(killed) == 1
    assert workers > set(killed)  # another one has done it


def test_what_kills_one_worker_after_the_other_is_given_up_and_the_rest_is_done(work, cluster):
    found = dict(as_done(work.deadly, range(4), scheduler=cluster))
    lost = found.pop(1)
    assert isinstance(lost, InputError)
    assert "one worker after the other was lost over it" in str(lost)
    assert found == {0: 0, 2: 4, 3: 9}


def test_files_that_workers_cannot_see(work, cluster, tmp_path):
    with pytest.raises(SchedulerError, match=r"none\.tif: the worker on .* cannot see it.*under the same path"):
        list(as_done(work.square, [1], scheduler=cluster, needs=lambda _: [tmp_path / "none.tif"]))


def test_another_version_on_the_workers(work, cluster, monkeypatch):
    monkeypatch.setattr(scheduling, "__version__", "0.0.1")
    with pytest.raises(SchedulerError, match=r"has dl4art .* and not 0\.0\.1\. Install the same everywhere"):
        list(as_done(work.square, [1], scheduler=cluster))


def test_work_that_workers_do_not_know(cluster, tmp_path, monkeypatch):
    (tmp_path / "only_here.py").write_text("def work(item, tell):\n    return item\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    import only_here

    with pytest.raises(
        SchedulerError,
        match=r"one machine cannot read what another one sends \(.*only_here.*\)\. Install the same",
    ):
        list(as_done(only_here.work, [1], scheduler=cluster))


def test_no_scheduler_there(work, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(scheduling, "CONNECT_S", 0.5)
    with pytest.raises(SchedulerError, match=r"^tcp://127\.0\.0\.1:9: no Dask scheduler answers there within 0\.5 s"):
        list(as_done(work.square, [1], scheduler="tcp://127.0.0.1:9"))


def test_dask_is_not_installed(work, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(SchedulerError, match=r'pip install "dl4art\[distributed\]"'):
        list(as_done(work.square, [1], scheduler="tcp://127.0.0.1:9"))


def test_no_workers_and_then_no_scheduler(work, start_cluster, monkeypatch, caplog):
    with start_cluster(0, Path(work.__file__).parent) as (address, process):
        monkeypatch.setattr(scheduling, "PATIENCE_S", 0.5)
        with pytest.raises(SchedulerError, match=rf"no worker there for 0\.5 s.*dask worker {address}"):
            list(as_done(work.square, [1], scheduler=address))
        assert "no worker there; waiting for one" in caplog.text
        monkeypatch.setattr(scheduling, "PATIENCE_S", 60)
        caplog.clear()

        def kill():
            end = time.monotonic() + 120
            while "waiting for one" not in caplog.text and time.monotonic() < end:
                time.sleep(0.02)
            process.kill()

        threading.Thread(target=kill).start()
        with pytest.raises(SchedulerError, match=r"the scheduler is gone\. Start it and call again"):
            list(as_done(work.square, [1], scheduler=address))


def test_a_result_that_cannot_be_read_here(work, cluster, monkeypatch):
    monkeypatch.setenv("DL4ART_TEST_CLIENT", "yes")  # the workers were started without
    with pytest.raises(SchedulerError, match=r"one machine cannot read what another one sends \(.*torn"):
        list(as_done(work.unreadable, [1], scheduler=cluster))


# Models


def load(name):
    if name.endswith("none"):
        raise ModelError(f"{name}: neither a model folder nor the name of a shipped model")
    return model(name)


def model(name, sha256="1" * 64):
    return SimpleNamespace(folder=ModelFolder("m", Path(name), Path(name), sha256, {}, {"slope": 1.0}))


def test_a_model_is_loaded_where_it_is_sent():
    here = model("/models/m")
    sent = Sent(here, load)
    assert sent() is here
    there = pickle.loads(pickle.dumps(sent))
    assert there() is not here
    assert there().folder.path == Path("/models/m")
    assert pickle.loads(pickle.dumps(sent))() is there()


def test_another_model_where_it_is_sent():
    sent = pickle.loads(pickle.dumps(Sent(model("/models/m", "2" * 64), load)))
    with pytest.raises(SchedulerError, match=r"has another model there\. Copy the folder to all machines"):
        sent()


def test_no_model_where_it_is_sent():
    with pytest.raises(SchedulerError, match="cannot load the model: /models/none: neither a model folder"):
        pickle.loads(pickle.dumps(Sent(model("/models/none"), load)))()
