"""Faults at every write and at random moments: afterwards files are whole, nothing is lost, the rerun is the same."""

from __future__ import annotations

import contextlib
import errno
import io
import json
import multiprocessing
import os
import random
import re
import resource
import shutil
import signal
import sqlite3
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robustness.door import Door
from robustness.whole import not_whole, visible

KINDS = (
    "disk full",
    "disk full midway",
    "permission lost",
    "input deleted",
    "input changed",
    "Ctrl-C",
    "kill -9",
    "kill -9 at a step",
)
PROVENANCE = {"created", "versions", "program"}
"""What two runs may differ in."""
_ALLOWED = {0, 1, 2, 130}
_PATIENCE_S = 120.0


@dataclass(frozen=True)
class Reference:
    """An undisturbed run: what it gave, and how long it took."""

    results: dict[str, Any]
    writes: int
    reads: int
    steps: int
    """Files and folders that were opened to be written, made, renamed or deleted."""
    seconds: float
    largest: int
    """Bytes of the largest file."""


@dataclass(frozen=True)
class Fault:
    """A fault, and what was wrong after it; nothing if it was survived."""

    door: str
    kind: str
    at: float
    code: int
    done: int
    """Inputs with results when it struck."""
    problem: str = ""


class Scene:
    """A door with its inputs in a folder; each fault begins with fresh ones."""

    def __init__(self, door: Door, folder: Path) -> None:
        self.door, self.inputs, self.out, self._kept = door, folder / "in", folder / "out", folder / "kept"
        self._kept.mkdir(parents=True)
        door.prepare(self._kept)
        self.seconds_alone = 0.0
        self.reference = self._undisturbed()

    def fresh(self) -> None:
        """Begin anew, with the inputs' times as they were."""
        for path in (self.inputs, self.out):
            shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(self._kept, self.inputs)
        # labels lie beside their crops
        shutil.copytree(self._kept, self.out) if self.door.name == "label" else self.out.mkdir()

    def mend(self) -> None:
        """Put inputs back that were deleted or changed."""
        for place in (self.inputs, self.out) if self.door.name == "label" else (self.inputs,):
            for path in filter(Path.is_file, self._kept.rglob("*")):
                mended = place / path.relative_to(self._kept)
                if not mended.exists() or mended.read_bytes() != path.read_bytes():
                    shutil.copy2(path, mended)

    def run(self) -> tuple[int, list[str], str]:
        """Call the door: exit code, inputs worked on, what it said."""
        worked: list[str] = []
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = self.door.run(self.inputs, self.out, worked)
        return code, worked, said.getvalue()

    def _undisturbed(self) -> Reference:
        self.fresh()
        self.run()  # imports and caches
        self.fresh()
        began = time.monotonic()
        with watched(self.inputs.parent) as seen:
            code, _, said = self.run()
        seconds = time.monotonic() - began
        if code:
            raise RuntimeError(f"{self.door.name} fails without a fault: {said}")
        largest = max(path.stat().st_size for path in self.out.rglob("*") if path.is_file())
        return Reference(results(self.out), seen.writes, seen.reads, seen.steps, seconds, largest)

    def strike(self, kind: str, at: float, rng: random.Random) -> Fault:
        """Let a fault happen, `at` (0 to 1) of the way through, and look what is left."""
        self.fresh()
        code, said = _STRIKES[kind](self, at, rng)
        problem = "" if code in _ALLOWED else f"exit code {code}: {said[-300:]}"
        if "Traceback" in said:
            problem = problem or f"a traceback: {said[-600:]}"
        done: set[str] = set()
        try:
            problem = problem or "; ".join(filter(None, map(not_whole, visible(self.out))))
            self.mend()
            done = self.door.done(self.out)
            code_again, worked, said_again = self.run()
            if code_again and kind.startswith("input") and self.door.refuses and self.door.refuses in said_again:
                # what was begun with other inputs is not mixed with these; it is begun anew
                self.fresh()
                done = set()
                code_again, worked, said_again = self.run()
            found = results(self.out)
            if code_again:
                problem = problem or f"the rerun ends with {code_again}: {said_again[-400:]}"
            elif again := sorted(done & {*worked}):
                problem = problem or f"done again: {', '.join(again)}"
            elif found != self.reference.results:
                names = sorted(found.keys() ^ self.reference.results.keys()) or [
                    name for name, value in found.items() if value != self.reference.results[name]
                ]
                problem = problem or f"the rerun differs in {', '.join(names)[:200]}"
            if left := [p.name for p in self.out.rglob(".*") if p.name.startswith(".dl4art-") or p.suffix == ".lock"]:
                problem = problem or f"left behind: {', '.join(left)}"
        except Exception as error:  # the fault has broken something that was not foreseen
            problem = problem or f"{type(error).__name__}: {error}"
        return Fault(self.door.name, kind, at, code, len(done), problem)


# Striking


class _Watch:
    """Counts what a run opens under a folder, and strikes at one of these."""

    def __init__(self, folder: Path, strike: Callable[[str, str], None]) -> None:
        self.root, self.strike = str(folder), strike
        self.writes = self.reads = self.steps = 0
        self.inside = False

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = args
            writing = (
                bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)) if isinstance(flags, int) else "r" not in mode
            )
        elif event in ("os.rename", "os.mkdir"):
            path, writing = args[1 if event == "os.rename" else 0], True
        elif event in ("os.remove", "os.rmdir"):
            path, writing = args[0], False
        else:
            return
        if self.inside or not isinstance(path, str | bytes | os.PathLike):
            return
        name = os.fsdecode(path)
        if not name.startswith(self.root):
            return
        self.inside = True
        try:
            if writing or event != "open":
                self.steps += 1
            if writing:
                self.writes += 1
                self.strike("write", name)
            elif event != "open":
                self.strike("delete", name)
            else:
                self.reads += 1
                self.strike("read", name)
        finally:
            self.inside = False


_watch: _Watch | None = None
_hooked = False


def _hook(event: str, args: tuple[Any, ...]) -> None:
    if _watch is not None:
        _watch(event, args)


@contextmanager
def watched(folder: Path, strike: Callable[[str, str], None] = lambda _kind, _name: None) -> Iterator[_Watch]:
    """Let a strike look at all that is opened under a folder; it may raise."""
    global _watch, _hooked  # noqa: PLW0603 (a hook is for ever)
    if not _hooked:
        sys.addaudithook(_hook)
        _hooked = True
    _watch = _Watch(folder, strike)
    try:
        yield _watch
    finally:
        _watch = None


def _run_struck(scene: Scene, strike: Callable[[str, str], None]) -> tuple[int, str]:
    with watched(scene.inputs.parent, strike):
        try:
            code, _, said = scene.run()
        except Exception as error:
            return -1, f"Traceback: {type(error).__name__}: {error}"
    return code, said


def _at_write(number: int, *, for_good: bool) -> Callable[[int], Callable[[str, str], None]]:
    seen = 0

    def strike(error: int) -> Callable[[str, str], None]:
        def look(kind: str, name: str) -> None:
            nonlocal seen
            seen += kind == "write"
            if kind == "write" and (seen == number or (for_good and seen > number)):
                raise OSError(error, os.strerror(error), name)

        return look

    return strike


def _disk_full(scene: Scene, at: float, rng: random.Random) -> tuple[int, str]:
    number = 1 + int(at * scene.reference.writes)
    return _run_struck(scene, _at_write(number, for_good=rng.random() < 0.7)(errno.ENOSPC))


def _permission_lost(scene: Scene, at: float, _rng: random.Random) -> tuple[int, str]:
    number = 1 + int(at * scene.reference.writes)
    return _run_struck(scene, _at_write(number, for_good=True)(errno.EACCES))


def _disk_full_midway(scene: Scene, at: float, _rng: random.Random) -> tuple[int, str]:
    """No file may grow beyond some size: whoever writes more is told in the middle of it, C libraries as well."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(at * scene.reference.largest), hard))
    try:
        return _run_struck(scene, lambda _kind, _name: None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def _input_gone(scene: Scene, at: float, _rng: random.Random) -> tuple[int, str]:
    return _run_struck(scene, _at_read(scene, at, Path.unlink))


def _input_changed(scene: Scene, at: float, _rng: random.Random) -> tuple[int, str]:
    def change(path: Path) -> None:
        others = [other for other in sorted(path.parent.glob(f"*{path.suffix}")) if other != path]
        data = (others[0] if others else path).read_bytes()
        path.write_bytes(data if others else data[: len(data) // 2])

    return _run_struck(scene, _at_read(scene, at, change))


def _at_read(scene: Scene, at: float, act: Callable[[Path], None]) -> Callable[[str, str], None]:
    number, seen = int(at * scene.reference.reads), 0
    inputs = {path for path in scene.inputs.rglob("*") if path.is_file()}

    def look(kind: str, name: str) -> None:
        nonlocal seen
        seen += kind == "read"
        path = Path(name)
        asked = path in inputs or (scene.door.name == "label" and scene.inputs / path.name in inputs)
        if seen > number >= 0 and asked and path.exists() and kind == "read":
            seen = -(10**9)
            act(path)

    return look


def _ctrl_c(scene: Scene, at: float, _rng: random.Random) -> tuple[int, str]:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, max(1e-4, at * scene.reference.seconds))
    try:
        code, _, said = scene.run()
    except KeyboardInterrupt:  # before or after the door's own handling
        code, said = 130, ""
    except Exception as error:
        code, said = -1, f"Traceback: {type(error).__name__}: {error}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return code, said


def _kill(scene: Scene, at: float, _rng: random.Random) -> tuple[int, str]:
    if scene.door.network:
        return _kill_alone(scene, at)
    process = _forked(scene.run)
    time.sleep(max(1e-4, at * scene.reference.seconds))
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return 0, ""


def _forked(run: Callable[[], Any]) -> int:
    """Run something in a copy of this process, and give its number."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # this process may have threads, which the other does not need
        process = os.fork()
    if not process:
        try:
            run()
        finally:
            os._exit(0)
    return process


def _kill_at_step(scene: Scene, at: float, _rng: random.Random) -> tuple[int, str]:
    """Kill as a file is about to be opened for writing, made, renamed or deleted: the same one each time."""
    number = 1 + int(at * scene.reference.steps)
    if scene.door.network:
        _alone(scene, None, step=number)
    else:
        os.waitpid(_forked(lambda: _run_to_step(scene.inputs.parent, number, scene.run)), 0)
    return 0, ""


def _run_to_step(folder: Path, number: int, run: Callable[[], Any]) -> None:
    seen = 0

    def look(kind: str, _name: str) -> None:
        nonlocal seen
        seen += kind != "read"
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)

    with watched(folder, look):
        run()


def _kill_alone(scene: Scene, at: float) -> tuple[int, str]:
    if not scene.seconds_alone:
        scene.seconds_alone = _alone(scene, None)
        scene.fresh()
    _alone(scene, max(1e-4, at * scene.seconds_alone))
    return 0, ""


def _alone(scene: Scene, seconds: float | None, step: int = 0) -> float:
    """Run a door in a process of its own, killed after so many seconds or at a step; tell how long it took."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    words = (there, scene.door.name, str(scene.inputs), str(scene.out), step)
    process = context.Process(target=_run_alone, args=words, daemon=True)
    process.start()
    there.close()
    if here.poll(_PATIENCE_S):
        here.recv()
    began = time.monotonic()
    process.join(_PATIENCE_S if seconds is None else seconds)
    process.kill()
    process.join()
    here.close()
    return time.monotonic() - began


def _run_alone(there: Any, name: str, inputs: str, out: str, step: int) -> None:
    """Run a door in a process in which no network has run, and tell when it begins."""
    from robustness import preloaded  # noqa: F401 (imports are not what is struck)
    from robustness.doors import DOORS

    door = next(door for door in DOORS if door.name == name)
    there.send(name)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        _run_to_step(Path(out).parent, step, lambda: door.run(Path(inputs), Path(out), []))


_STRIKES: dict[str, Callable[[Scene, float, random.Random], tuple[int, str]]] = {
    "disk full": _disk_full,
    "disk full midway": _disk_full_midway,
    "permission lost": _permission_lost,
    "input deleted": _input_gone,
    "input changed": _input_changed,
    "Ctrl-C": _ctrl_c,
    "kill -9": _kill,
    "kill -9 at a step": _kill_at_step,
}


# Looking


def results(out: Path) -> dict[str, Any]:
    """All that a door has written, by name, without what may differ from run to run."""
    found = {}
    for path in visible(out):
        name = str(path.relative_to(out))
        if path.suffix == ".json":
            found[name] = _without_provenance(json.loads(path.read_text(encoding="utf-8")))
            if (path.parent / "model.weights.h5").exists() and isinstance(found[name], dict):
                # of a file of HDF5, whose bytes may differ though its numbers do not
                found[name].pop("sha256", None)
        elif path.suffix == ".db":
            found[name] = _rows(path)
        elif path.suffix == ".h5":
            found[name] = _arrays(path)
        elif path.suffix in (".html", ".csv"):
            # reports say when they were made, tables when a picture was gathered
            found[name] = re.sub(r"\d{4}-\d\d-\d\d[T ][\d:]+(\+00:00| UTC)", "", path.read_text(encoding="utf-8"))
        else:
            found[name] = path.read_bytes()
    return found


def _without_provenance(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_provenance(part) for name, part in value.items() if name not in PROVENANCE}
    return [_without_provenance(part) for part in value] if isinstance(value, list) else value


def _rows(path: Path) -> list[Any]:
    with closing(sqlite3.connect(path)) as database:
        tables = ("settings", "encodings", "canvases")
        return [sorted(database.execute(f"SELECT * FROM {table}").fetchall()) for table in tables]


def _arrays(path: Path) -> dict[str, Any]:
    """Give the numbers in a file of weights, by their places."""
    import h5py

    found: dict[str, Any] = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: found.update({name: item[()].tobytes()}) if isinstance(item, h5py.Dataset) else None
        )
    return found
