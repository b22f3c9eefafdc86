"""Several plates mapped one after the other, or by several machines at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from dl4art.regression.counter import ThreadCounter
from dl4art.regression.mapped_plate import MapOptions, MappedPlate, finished_plate, map_plate
from dl4art.utils.scheduling import Sent, Tell, as_done


@dataclass(frozen=True)
class MapJob:
    """A plate to map, the folder of its report, and how it is made."""

    plate: Path
    folder: Path
    options: MapOptions


class PlateMapper:
    """Maps plates, here or on other machines, unless that has been done."""

    def __init__(self, network: ThreadCounter, *, go_on: bool) -> None:
        self.sent, self.go_on = Sent(network, ThreadCounter.from_pretrained), go_on

    def __call__(self, job: MapJob, tell: Tell) -> MappedPlate:
        """Map a plate; see `dl4art.regression.map_plate`."""
        network = self.sent()
        before = finished_plate(job.plate, job.folder, network, job.options) if self.go_on else None
        return before or map_plate(job.plate, job.folder, network, job.options, advance=tell)


def map_plates(
    jobs: Sequence[MapJob],
    network: ThreadCounter,
    *,
    go_on: bool = True,
    scheduler: str | None = None,
    advance: Callable[[float], None] = lambda _share: None,
) -> Iterator[tuple[MapJob, MappedPlate | Exception]]:
    """Map plates, each into its own folder.

    Parameters
    ----------
    jobs : sequence of MapJob
        The folders above those of the reports must exist.
    network : ThreadCounter
        The shipped one, say.
    go_on : bool
        Take over what an earlier call has finished.
    scheduler : str, optional
        Of the Dask cluster that maps; see `dl4art.utils.scheduling.as_done`. Reports then name absolute paths.
    advance : callable
        Told now and then what share of all the work has just been done.

    Yields
    ------
    (MapJob, MappedPlate or Exception)
        As they are done; InputError where a plate cannot be used.

    Raises
    ------
    SchedulerError
        If the cluster cannot do the work.
    """
    mapper = PlateMapper(network, go_on=go_on)
    given = {_absolute(job) if scheduler else job: job for job in jobs}
    share = 1 / max(1, len(given))
    done = as_done(mapper, given, scheduler=scheduler, needs=_needs, advance=lambda part: advance(part * share))
    for job, outcome in done:
        yield given[job], outcome


def _absolute(job: MapJob) -> MapJob:
    mask, regions = (None if path is None else path.absolute() for path in (job.options.mask, job.options.regions))
    options = replace(job.options, mask=mask, regions=regions)
    return MapJob(job.plate.absolute(), job.folder.absolute(), options)


def _needs(job: MapJob) -> list[Path]:
    given = [path for path in (job.options.mask, job.options.regions) if path is not None]
    return [job.plate, *given, job.folder if job.folder.exists() else job.folder.parent]
