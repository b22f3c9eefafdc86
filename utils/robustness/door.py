"""What a door is to those who strike it."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

Stand = Callable[[ExitStack, list[str]], None]
"""Puts stand-ins in place, for as long as the stack is open; they note which inputs are worked on."""


@dataclass(frozen=True)
class Door:
    """A door, and how it is called."""

    name: str
    prepare: Callable[[Path], None]
    """Writes inputs into a folder."""
    words: Callable[[Path, Path], list[str]]
    """Gives the arguments, from the folders of inputs and of results."""
    stand: Stand
    done: Callable[[Path], set[str]] = lambda _out: set()
    """Tells which inputs, as the stand-ins note them, have results on disk that need not be made again."""
    other: tuple[str, ...] = ()
    """Words that make other results, and so are refused where there are results; none where results are not kept."""
    refuses: str = ""
    """What it says where the folder was begun with inputs that were others, which then is no loss."""
    network: bool = False
    """Runs one of Keras: processes that are killed are begun where none has run yet, since it may hang after a fork."""
    slow: bool = False
    """Takes long: in the long suite only."""

    def run(self, inputs: Path, out: Path, worked: list[str], *more: str) -> int:
        """Call the door in this process, with more words if need be, and give its exit code."""
        module = importlib.import_module(f"dl4art.{self.name.split()[0]}")
        with standing(self, worked):
            return int(module.main([*self.words(inputs, out), *more]))


@contextmanager
def standing(door: Door, worked: list[str]) -> Iterator[None]:
    """Let a door's stand-ins stand."""
    with ExitStack() as stack:
        door.stand(stack, worked)
        yield


def journalled(pattern: str) -> Callable[[Path], set[str]]:
    """Tell by name which inputs have a row in a journal."""

    def done(out: Path) -> set[str]:
        found = set()
        for path in out.glob(pattern):
            for line in path.read_text(encoding="utf-8").splitlines():
                try:
                    told = json.loads(line)
                except ValueError:  # half a line, of a run that was killed
                    continue
                if told.get("row") is not None:
                    found.add(Path(told["source"]).name)
        return found

    return done
