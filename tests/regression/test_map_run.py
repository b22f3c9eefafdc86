"""What is sent to machines that map; that they do it is tested on a cluster."""

import pickle
from pathlib import Path
from types import SimpleNamespace

import pytest

from dl4art.regression import map_run
from dl4art.regression.map_run import MapJob, PlateMapper, map_plates
from dl4art.regression.mapped_plate import MapOptions
from dl4art.utils.errors import InputError
from dl4art.utils.models import ModelFolder

NETWORK = SimpleNamespace(folder=ModelFolder("threads", Path("threads"), Path("w"), "0" * 64, {}, {}))


@pytest.fixture
def mapped(monkeypatch):
    """The jobs that are done; the plate called bad cannot be."""
    done = []

    def map_plate(path, folder, network, options, *, advance):
        advance(0.25)
        if path.stem == "bad":
            raise InputError(f"{path}: is bad")
        done.append((path, folder, options))
        return f"map of {path}"

    monkeypatch.setattr(map_run, "map_plate", map_plate)
    monkeypatch.setattr(map_run, "finished_plate", lambda path, *_: "old map" if path.stem == "old" else None)
    return done


def jobs_of(*names):
    return [MapJob(Path(f"{name}.tif"), Path("out") / name, MapOptions(mask=Path("m.png"))) for name in names]


def test_each_plate_is_mapped_or_taken_over_or_refused(mapped):
    told = []
    found = {
        job.plate.stem: outcome for job, outcome in map_plates(jobs_of("a", "bad", "old"), NETWORK, advance=told.append)
    }
    assert (found["a"], found["old"], str(found["bad"])) == ("map of a.tif", "old map", "bad.tif: is bad")
    assert [path for path, _, _ in mapped] == [Path("a.tif")]
    assert sum(told) == pytest.approx(1)
    assert told[0] == pytest.approx(0.25 / 3)
    assert next(map_plates(jobs_of("old"), NETWORK, go_on=False))[1] == "map of old.tif"


def test_machines_elsewhere_get_absolute_paths_and_callers_their_own(mapped, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out").mkdir()
    asked = []

    def as_done(work, items, *, scheduler, needs, advance):
        assert scheduler == "tcp://a:1"
        work = pickle.loads(pickle.dumps(work))
        for job in items:
            asked.append(needs(job))
            yield job, f"map of {job.plate.name}"

    monkeypatch.setattr(map_run, "as_done", as_done)
    ((job, _),) = map_plates(jobs_of("a"), NETWORK, scheduler="tcp://a:1")
    assert [job] == jobs_of("a")
    # the folder of the report is yet to be made
    assert asked == [[tmp_path / "a.tif", tmp_path / "m.png", tmp_path / "out"]]


def test_a_mapper_travels_without_its_network():
    mapper = PlateMapper(NETWORK, go_on=True)
    assert mapper.sent() is NETWORK
    assert len(pickle.dumps(mapper)) < 2000
