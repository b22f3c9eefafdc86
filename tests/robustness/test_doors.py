"""Every door that writes: one run at a time, other settings refused, faults survived, no network asked."""

import errno
import json
import random
import re
import socket

import pytest

pytest.importorskip("resource")  # faults are injected as POSIX systems let one

from robustness import faults
from robustness.doors import DOORS
from robustness.faults import KINDS, Scene

from dl4art.utils import files
from dl4art.utils.holding import held
from dl4art.utils.journal import Journal

QUICK = [door for door in DOORS if not door.slow]
every_door = pytest.mark.parametrize("door", QUICK, ids=lambda door: door.name)
REMEMBERING = [door for door in QUICK if door.other]
ELSEWHERE = {"gather"}
"""Doors that ask the network."""


@pytest.fixture(scope="module")
def scene_of(tmp_path_factory):
    """Give the scene of a door, set up once."""
    made = {}

    def scene(door):
        if door.name not in made:
            made[door.name] = Scene(door, tmp_path_factory.mktemp("scene"))
        return made[door.name]

    return scene


# a fault of each kind for one door, and of the kinds in turn for the others: more are in the long suite
STRUCK = [(DOORS[0], kind) for kind in KINDS] + [
    # processes in which no network has run take long to begin: the last two kinds kill such
    (door, KINDS[number % (len(KINDS) - 2 * door.network)])
    for number, door in enumerate(QUICK[1:], start=5)
]


# Ctrl-C may strike as a library makes an object, which it cannot put away then
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize(("door", "kind"), STRUCK, ids=[f"{door.name}, {kind}" for door, kind in STRUCK])
def test_a_fault_costs_nothing_but_time(door, kind, scene_of):
    rng = random.Random(f"{door.name} {kind}")
    assert scene_of(door).strike(kind, rng.random(), rng).problem == ""


@pytest.mark.parametrize("name", ["count", "model pack", "model unpack"])
def test_wherever_a_run_is_killed_the_next_one_clears_up_and_ends_as_if_it_had_not_been(name, scene_of):
    scene = scene_of(next(door for door in DOORS if door.name == name))
    steps = scene.reference.steps
    found = [scene.strike("kill -9 at a step", (step + 0.5) / steps, random.Random(1)) for step in range(steps)]
    assert [(step, fault.problem) for step, fault in enumerate(found) if fault.problem] == []


JOURNALS = {
    "count": ".r.csv.journal.jsonl",
    "crop": ".journal.jsonl",
    "map": ".journal.jsonl",
    "simulate": ".crop-0.journal.jsonl",
    "segment": ".journal.jsonl",
    "classify craquelure": ".r.csv.journal.jsonl",
    "gather": ".sources.csv.journal.jsonl",
}


@pytest.mark.parametrize("name", JOURNALS)
def test_a_journal_of_a_stranger_leads_nowhere(name, scene_of, monkeypatch, tmp_path):
    scene = scene_of(next(door for door in DOORS if door.name == name))
    scene.fresh()
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "discard", lambda _: None)
        assert scene.run()[0] == 0
    path = scene.out / JOURNALS[name]
    header, *lines = path.read_text("utf-8").splitlines()

    def elsewhere():
        here = [found for found in scene.inputs.parent.parent.rglob("*") if scene.out not in found.parents]
        return {*here, *tmp_path.iterdir()}

    before = elsewhere()
    for change in (
        {"row": {}},
        {"row": {"written": 7}},
        {"row": None, "name": "../../evil"},
        {"row": None, "name": ".."},
        {"row": None, "name": str(tmp_path / "evil")},
    ):
        told = [json.dumps({**json.loads(line), **change}) for line in lines]
        path.write_text("\n".join([header, *told, ""]), encoding="utf-8")
        assert scene.run()[0] == 0
        assert elsewhere() == before
        assert faults.results(scene.out) == scene.reference.results


def test_the_judge_notices_what_is_lost_half_written_or_done_twice(scene_of, monkeypatch):
    from contextlib import contextmanager

    from dl4art.utils import journal, tables

    @contextmanager
    def careless(path):
        yield path

    scene = scene_of(DOORS[0])
    with monkeypatch.context() as patch:
        patch.setattr(tables, "atomic_path", careless)
        found = [scene.strike("disk full midway", at, random.Random(1)).problem for at in (0.75, 0.85, 0.95)]
    assert any("is not whole" in problem for problem in found)
    with monkeypatch.context() as patch:
        patch.setattr(journal.Journal, "row", lambda *_: None)
        found = [scene.strike("disk full", at, random.Random(1)).problem for at in (0.75, 0.95)]
    assert any("done again" in problem for problem in found)
    with monkeypatch.context() as patch:
        patch.setattr(faults, "_without_provenance", lambda value: value)
        patch.setattr(files, "sweep", lambda _: None)
        # two runs a second apart differ in when they were made
        scene.reference.results["r.json"]["provenance"].pop("created", None)
        assert "the rerun differs in r.json" in scene.strike("Ctrl-C", 0.5, random.Random(1)).problem


@every_door
def test_a_second_run_is_told_who_is_at_work(door, scene_of):
    scene = scene_of(door)
    scene.fresh()
    names = {
        "count": "r.json",
        "compare two": "r.html",
        "model pack": "model.zip",
        "model unpack": "m",
        "classify craquelure": "r.png",
    }
    with held(scene.out / names[door.name] if door.name in names else scene.out):
        code, worked, said = scene.run()
    assert code == 2
    assert "another run is writing there: process" in said
    assert worked == []
    assert scene.run()[0] == 0


@pytest.mark.parametrize("door", REMEMBERING, ids=lambda door: door.name)
def test_other_settings_are_refused_where_there_are_results(door, scene_of, capsys):
    scene = scene_of(door)
    scene.fresh()
    assert scene.run()[0] == 0
    before = faults.results(scene.out)
    worked = []
    assert door.run(scene.inputs, scene.out, worked, *door.other) == 2
    said = capsys.readouterr().err
    assert "with other settings" in said or "holds a training with" in said
    assert re.search("choose another (place|folder) with -o", said)
    assert worked == []
    assert faults.results(scene.out) == before


@pytest.mark.parametrize("door", [door for door in QUICK if door.name not in ELSEWHERE], ids=lambda door: door.name)
def test_no_network_is_asked(door, scene_of, monkeypatch):
    def refuse(*_args, **_how):
        raise AssertionError("a door asks the network")

    scene = scene_of(door)
    scene.fresh()
    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)
    assert scene.run()[0] == 0


def test_every_command_is_struck():
    from dl4art.__main__ import commands

    assert {door.name.split()[0] for door in DOORS} == {*commands()}


def test_a_gathering_without_a_network_says_so(scene_of, monkeypatch):
    def unreachable(*_args, **_how):
        raise OSError(errno.ENETUNREACH, "Network is unreachable")

    scene = scene_of(next(door for door in DOORS if door.name == "gather"))
    scene.fresh()
    with monkeypatch.context() as patch:
        for name in ("create_connection", "getaddrinfo"):
            patch.setattr(socket, name, unreachable)
        code, _, said = scene.run()
    assert code == 1
    assert "no connection ([Errno 101] Network is unreachable)" in said
    assert "None of the servers can be reached. Is this computer connected to the network?" in said
    # what failed is asked for again
    assert scene.run()[0] == 0
    assert faults.results(scene.out) == scene.reference.results


def test_the_shipped_network_asks_no_other(tmp_path, monkeypatch, capsys):
    from pathlib import Path

    from dl4art import count
    from dl4art.utils.backend import load_keras

    load_keras()  # what libraries do when they are loaded is theirs

    def refuse(*_args, **_how):
        raise AssertionError("a door asks the network")

    for name in ("connect", "connect_ex", "bind"):
        monkeypatch.setattr(socket.socket, name, refuse)
    sample = Path(__file__).parents[2] / "cropping" / "crops" / "sample-011.tif"
    assert count.main([str(sample), "-o", str(tmp_path / "r.csv"), "--quiet"]) == 0


@every_door
def test_names_that_are_written_suit_every_system(door, scene_of):
    from dl4art.utils.names import safe_path

    scene = scene_of(door)
    scene.fresh()
    assert scene.run()[0] == 0
    written = [path.relative_to(scene.out) for path in scene.out.rglob("*")]
    assert written
    assert [safe_path(path) for path in written] == written
