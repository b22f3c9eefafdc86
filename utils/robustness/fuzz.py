"""Mutants read one by one: what came of each, how long it took, and how much memory."""

from __future__ import annotations

import faulthandler
import logging
import os
import random
import re
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robustness.reader import LIMITS, Reader

LIMIT_S = 10.0
"""A reader that takes longer hangs."""
LIMIT_BYTES = 600_000_000
"""A reader that takes more, beyond what was there, has been blown up; the limits under which it reads are far lower."""
OUTCOMES = ("read", "refused", "crash", "traceback", "hang", "memory")
"""The first two are allowed."""


@dataclass(frozen=True)
class Outcome:
    """What came of a mutant."""

    kind: str
    """One of `OUTCOMES`."""
    detail: str = ""
    seconds: float = 0.0
    bytes: int = 0


class HangError(BaseException):
    """No `Exception`, so that no reader takes it for one of the file's."""


def mutant(reader: Reader, seed: int) -> bytes:
    """Make the mutant of a seed."""
    rng = random.Random(f"{reader.format} {reader.name} {seed}")
    samples = reader.samples()
    return reader.mutate(samples[seed % len(samples)], rng)


def outcome(reader: Reader, data: bytes, folder: Path) -> Outcome:
    """Read some bytes."""
    from dl4art.utils.errors import Dl4artError

    path = folder / reader.file
    path.write_bytes(data)
    before = _reset_peak()
    began = time.monotonic()
    try:
        with _within(LIMIT_S), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reader.read(path)
        found = Outcome("read")
    except Dl4artError as error:
        # a path may be repeated by an error message as Python writes it
        named = str(folder) in str(error)
        said = re.sub(r"\d+", "0", str(error).replace(str(folder), ""))[:120]
        found = Outcome("refused" if named else "traceback", said if named else f"does not name the file: {error}")
    except HangError:
        found = Outcome("hang", f"longer than {LIMIT_S:g} s")
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(where.filename).name}:{where.lineno}"
        found = Outcome("traceback", f"{type(error).__name__} at {place}: {str(error)[:200]}")
    used = max(0, _peak() - before)
    if found.kind in OUTCOMES[:2] and used > LIMIT_BYTES:
        found = Outcome("memory", f"{used / 1e6:.0f} MB; {found.detail}")
    return Outcome(found.kind, found.detail, time.monotonic() - began, used)


@contextmanager
def lowered_limits() -> Iterator[None]:
    """Read under limits at which a bomb shows, and without what libraries log."""
    before = {name: os.environ.get(name) for name in LIMITS}
    os.environ.update(LIMITS)
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(disabled)
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    def stop(*_: Any) -> None:
        raise HangError

    if not hasattr(signal, "setitimer"):  # Windows
        yield
        return
    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _reset_peak() -> int:
    """Let the largest memory so far be the present one, on Linux, and give that."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> int:
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return 0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) * 1024 if found else 0


def work(connection: Any, reader_index: int, seeds: range, folder: str) -> None:
    """Read mutants in a process of its own: say which is begun, and what came of it."""
    from robustness.readers import READERS

    faulthandler.disable()
    sys.stderr = sys.stdout = open(os.devnull, "w")  # noqa: SIM115 (until the process ends)
    reader = READERS[reader_index]
    if reader.slow:
        from dl4art.utils.backend import load_keras

        load_keras()
    with lowered_limits():
        # imports are not what is timed
        outcome(reader, reader.samples()[0], Path(folder))
        for seed in seeds:
            connection.send(seed)
            connection.send(outcome(reader, mutant(reader, seed), Path(folder)))
    connection.send(None)
