"""Work done item by item, in this process or on a Dask cluster; who asks for it need not know which."""

from __future__ import annotations

import logging
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Any, Generic, Protocol, TypeVar

from dl4art import __version__
from dl4art.utils.errors import InputError, ModelError, SchedulerError
from dl4art.utils.models import ModelFolder, general_name


class LostWorkersError(InputError):
    """A cluster has lost one worker after the other over an item."""


Item = TypeVar("Item")
Result = TypeVar("Result")
Tell = Callable[[float], None]
"""Told what share of an item has just been done."""
CONNECT_S = 5.0
"""How long to wait for a scheduler."""
PATIENCE_S = 60.0
"""How long to wait for a worker where there is none: one that was lost is started anew within seconds."""
_FETCH_S = 30.0  # how long to wait for a result that is there
_LOOK_S = 1.0  # from one look at whether there are workers to the next
_ONE = Lock()  # an item at a time in a process: the networks take all cores it has
_log = logging.getLogger(__name__)


def as_done(
    work: Callable[[Item, Tell], Result],
    items: Iterable[Item],
    *,
    scheduler: str | None = None,
    needs: Callable[[Item], Sequence[Path]] = lambda _item: (),
    advance: Tell = lambda _share: None,
) -> Iterator[tuple[Item, Result | Exception]]:
    """Do some work for each item and give the results as they are done.

    Without a scheduler, items are done in their order by this process. On a cluster, an item whose worker is lost goes
    to another one. Nothing is kept here: write each result down before you ask for the next.

    Parameters
    ----------
    work : callable
        Takes an item and what to tell shares of the work to, which add up to one at most. For a cluster it must be
        picklable, and do the same wherever and however often it is called.
    items : iterable
        Taken one by one while others are worked on.
    scheduler : str, optional
        Address of a Dask scheduler, ``tcp://host:port``.
    needs : callable
        Files and folders that an item needs, which other machines must see under the same absolute path.
    advance : callable
        Told what share of an item has just been done: one for each when all is done.

    Yields
    ------
    (item, result)
        In place of the result the exception, if the work has raised one.

    Raises
    ------
    SchedulerError
        If the cluster cannot do the work: no scheduler there, no workers, other versions, files they cannot see.
    """
    if scheduler is None:
        return _here(work, items, advance)
    return _on_cluster(work, items, scheduler, needs, advance)


def _here(
    work: Callable[[Item, Tell], Result], items: Iterable[Item], advance: Tell
) -> Iterator[tuple[Item, Result | Exception]]:
    for item in items:
        left = 1.0

        def tell(share: float) -> None:
            nonlocal left
            step = min(share, left)
            left -= step
            advance(step)

        outcome: Result | Exception
        try:
            outcome = work(item, tell)
        except Exception as error:
            outcome = error
        tell(1.0)
        yield item, outcome


def _on_cluster(
    work: Callable[[Item, Tell], Result],
    items: Iterable[Item],
    address: str,
    needs: Callable[[Item], Sequence[Path]],
    advance: Tell,
) -> Iterator[tuple[Item, Any]]:
    with _connected(address) as client:
        workers = _Workers(client, address)
        ready: SimpleQueue[Any] = SimpleQueue()
        under_way: dict[str, tuple[Any, Item]] = {}
        suspects: list[Item] = []

        def send(item: Item) -> None:
            paths = [str(Path(path).absolute()) for path in needs(item)]
            future = client.submit(_remotely, work, item, paths, __version__, pure=False)
            under_way[future.key] = future, item
            future.add_done_callback(ready.put)

        def done(*, wait: bool) -> Iterator[tuple[Item, Any]]:
            """Give what has been done by now; if need be, wait for something."""
            while under_way:
                try:
                    future = ready.get(timeout=_LOOK_S) if wait else ready.get_nowait()
                    outcome = _outcome(future, address)
                except Empty:
                    if not wait:
                        return
                    workers.check()
                except LookupError:
                    ready.put(future)
                    if not wait:
                        return
                    time.sleep(_LOOK_S / 10)
                    workers.check()
                else:
                    yield under_way.pop(future.key)[1], outcome
                    wait = False

        def settled(found: Iterable[tuple[Item, Any]]) -> Iterator[tuple[Item, Any]]:
            for item, outcome in found:
                if isinstance(outcome, LostWorkersError):
                    suspects.append(item)
                else:
                    advance(1.0)
                    yield item, outcome

        for item in items:
            send(item)
            yield from settled(done(wait=False))
        while under_way:
            yield from settled(done(wait=True))
        # Dask also blames what merely waited for the same workers: alone, the guilty one is told from the others
        for item in suspects:
            send(item)
            while under_way:
                yield from done(wait=True)
            advance(1.0)


def _remotely(work: Callable[[Item, Tell], Result], item: Item, paths: Sequence[str], version: str) -> Result:
    """Work on an item on a worker's machine."""
    if __version__ != version:
        raise SchedulerError(f"{_here_is()} has dl4art {__version__} and not {version}. Install the same everywhere.")
    for path in paths:
        if not Path(path).exists():
            raise SchedulerError(
                f"{path}: {_here_is()} cannot see it. Plates, results and models must lie where all machines see them "
                "under the same path."
            )
    with _ONE:
        return work(item, lambda _share: None)


def _outcome(future: Any, address: str) -> Any:
    """Give what came of an item; LookupError if that was lost with its worker, and is being made again."""
    from distributed import KilledWorker

    if future.status == "finished":
        try:
            return future.result(timeout=_FETCH_S)
        except Exception as lost:
            if future.status == "finished" and not isinstance(lost, TimeoutError):
                raise _unlike(address, lost) from lost
            if future.status not in ("error", "cancelled"):
                raise LookupError from lost
    if future.status == "cancelled":
        raise SchedulerError(f"{address}: the scheduler is gone. Start it and call again: what is done is kept.")
    if future.status != "error":
        raise LookupError
    error = future.exception()
    if isinstance(error, KilledWorker):
        return LostWorkersError("one worker after the other was lost over it. Does it fit into their memory?")
    if isinstance(error, SchedulerError):
        raise error
    if isinstance(error, ImportError) or "deserialization of the task graph" in str(error):
        raise _unlike(address, error)
    return error


def _unlike(address: str, error: Exception) -> SchedulerError:
    why = str(error.__cause__ or error).partition("\n")[0]
    return SchedulerError(
        f"{address}: one machine cannot read what another one sends ({why}). Install the same dl4art, Python and "
        "libraries on all machines."
    )


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    try:
        from distributed import Client
    except ImportError as error:
        raise SchedulerError(
            f'{address}: for a cluster Dask is needed, which is not installed. pip install "dl4art[distributed]"'
        ) from error
    with _hushed():
        try:
            client = Client(address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError) as error:
            raise SchedulerError(
                f"{address}: no Dask scheduler answers there within {CONNECT_S:g} s ({str(error) or 'no answer'}). "
                "Start one with the command dask scheduler, which prints its address."
            ) from error
        with client:
            yield client


@contextmanager
def _hushed() -> Iterator[None]:
    """Keep Dask from telling of lost workers and connections, which is said here, unless everything is asked for."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client")]
    before = [logger.level for logger in loggers]
    if not _log.isEnabledFor(logging.DEBUG):
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


class _Workers:
    """Knows since when a cluster has had no worker."""

    def __init__(self, client: Any, address: str) -> None:
        self.client, self.address = client, address
        self.none_since: float | None = None

    def check(self) -> None:
        """Raise SchedulerError if there has been none for too long."""
        if self.client.scheduler_info()["workers"]:
            self.none_since = None
        elif self.none_since is None:
            self.none_since = time.monotonic()
            _log.warning("%s: no worker there; waiting for one", self.address)
        elif time.monotonic() - self.none_since > PATIENCE_S:
            raise SchedulerError(
                f"{self.address}: no worker there for {PATIENCE_S:g} s. Start some with the command dask worker "
                f"{self.address} and call again: what is done is kept."
            )


class _HasFolder(Protocol):
    @property
    def folder(self) -> ModelFolder: ...


Model = TypeVar("Model", bound=_HasFolder)


class Sent(Generic[Model]):
    """A model that can be sent to other machines: only its name goes, and each process loads it once.

    Call it for the model.

    Parameters
    ----------
    model : object
        With a `folder`.
    load : callable
        Gives the same from the name of a shipped model, or a folder.
    """

    def __init__(self, model: Model, load: Callable[[str], Model]) -> None:
        self._model: Model | None = model
        self._load, self._name = load, general_name(model.folder)
        self._folder = model.folder.sha256, model.folder.calibration

    def __call__(self) -> Model:
        """Give the model; SchedulerError if another machine has another one."""
        if self._model is None:
            try:
                self._model = _loaded(self._load, self._name)
            except ModelError as error:
                raise SchedulerError(f"{_here_is()} cannot load the model: {error}") from error
        folder = self._model.folder
        if (folder.sha256, folder.calibration) != self._folder:
            raise SchedulerError(
                f"{folder.path}: {_here_is()} has another model there. Copy the folder to all machines."
            )
        return self._model

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_model": None}


@lru_cache(maxsize=4)
def _loaded(load: Callable[[str], Model], name: str) -> Model:
    return load(name)


def _here_is() -> str:
    return f"the worker on {platform.node()}"
