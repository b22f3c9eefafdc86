"""A progress bar on stderr, for people only."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def progress(total: int, what: str, *, quiet: bool = False) -> Iterator[Callable[[int], None]]:
    """Show how far a loop has come, with the time left.

    Parameters
    ----------
    total : int
        Number of steps.
    what : str
        What is being done, e.g. ``"counting"``.
    quiet : bool
        Show nothing. Nothing is shown either where stderr is not a terminal.

    Yields
    ------
    callable
        To be called with the number of steps just done.
    """
    if quiet or not sys.stderr.isatty():
        yield lambda _steps: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda steps: bar.advance(task, steps)


def in_steps(advance: Callable[[int], None], steps: int) -> Callable[[float], None]:
    """Turn shares of a whole into whole steps of a progress bar, never more of them than there are."""
    done = 0.0

    def tell(share: float) -> None:
        nonlocal done
        before, done = int(done * steps), min(1.0, done + share)
        advance(int(done * steps) - before)

    return tell
