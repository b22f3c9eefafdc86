"""Map thread density and thread angle over a plate, and write a report that can be printed."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dl4art import __version__
from dl4art.utils import cli, tables
from dl4art.utils.errors import InputError
from dl4art.utils.files import make_folder
from dl4art.utils.holding import held
from dl4art.utils.journal import Journal
from dl4art.utils.names import names_for
from dl4art.utils.progress import in_steps, progress

if TYPE_CHECKING:
    from dl4art.regression import ThreadCounter
    from dl4art.regression.map_run import MapJob
    from dl4art.regression.map_summary import MapSummary
    from dl4art.regression.mapped_plate import MappedPlate

Drawn = tuple[Path | None, Path | None]
"""Mask and regions of a plate."""
_STEPS = 1000
_FINEST_CM = 0.1


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, those of the process if left out, and return its exit code."""
    return cli.run(_map, _parser(), argv)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dl4art.map",
        description=__doc__,
        epilog="The folder gets report.html, cells.csv, summary.json, maps as TIFF (numbers) and PNG (pictures). "
        "Several plates are taken for parts of one canvas: each gets a folder of its own, and report.html sums up. "
        "Exit code: 0 done; 1 a plate cannot be mapped, the rest is written; 2 the call is wrong.",
        parents=[cli.scale_options(), cli.scheduler_options(), cli.general_options()],
    )
    parser.add_argument("plates", nargs="+", metavar="PLATE", help="TIFF, PNG, JPEG, DICOM, or a folder of them")
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="where the report goes")
    parser.add_argument(
        "--step", type=cli.positive_number, default=0.5, metavar="CM", help="a cell every so many cm (default: 0.5)"
    )
    parser.add_argument(
        "--mask",
        metavar="FILE",
        help="picture of the plate's size whose white is left out, or labelme polygons named 'exclude'",
    )
    parser.add_argument(
        "--regions",
        metavar="FILE",
        help="labelme polygons: 'exclude' is left out, all other names get numbers of their own; for several plates, "
        "this and --mask name folders with a file for each plate",
    )
    parser.add_argument("--title", default="", help="of the painting, for the report")
    parser.add_argument("--inventory", default="", help="inventory number, for the report")
    parser.add_argument("--films", default="", metavar="TEXT", help="how the films lie, for the report: '2 x 3 films'")
    parser.add_argument(
        "--density-limits", type=_limits, metavar="LOW:HIGH", help="ends of the colour scale of densities, per cm"
    )
    parser.add_argument("--deviation-limit", type=cli.positive_number, metavar="N", help="of deviations, per cm")
    parser.add_argument("--angle-limit", type=cli.positive_number, metavar="N", help="of angles, degrees")
    parser.add_argument("--model", metavar="NAME|FOLDER", help="the network to use (default: the one that is shipped)")
    return parser


def _limits(text: str) -> tuple[float, float]:
    low, colon, high = text.partition(":")
    try:
        limits = float(low), float(high)
    except ValueError:
        limits = 0.0, 0.0
    if not (colon and limits[0] < limits[1]):
        raise argparse.ArgumentTypeError(f"{text!r} is not two numbers, the smaller first, with a colon: 10:16")
    return limits


def _map(args: argparse.Namespace) -> int:
    if args.step < _FINEST_CM:
        raise InputError(
            f"--step {args.step:g}: a cell every {args.step:g} cm is too fine. Take {_FINEST_CM:g} or more."
        )
    plates, folder = cli.gather(args.plates), Path(args.output)
    drawn = {path: (cli.beside(path, args.mask), cli.beside(path, args.regions)) for path in plates}
    if len(plates) > 1 and not all(Path(given).is_dir() for given in (args.mask, args.regions) if given):
        raise InputError(
            "a mask or a file of regions is for one plate. For several name a folder with a file for each."
        )
    make_folder(folder)
    with held(folder):
        return _map_into(folder, plates, drawn, args)


def _map_into(folder: Path, plates: Sequence[Path], drawn: Mapping[Path, Drawn], args: argparse.Namespace) -> int:
    # only now that the call stands: this brings NumPy and TensorFlow
    from dl4art.regression import ThreadCounter
    from dl4art.regression.map_figures import ColourLimits
    from dl4art.regression.map_overview import write_overview
    from dl4art.regression.map_run import MapJob
    from dl4art.regression.mapped_plate import MapOptions

    network = ThreadCounter.from_pretrained(args.model)
    parameters = {"step": args.step, **cli.scale_arguments(args), "model": network.name, "version": __version__}
    # a report of one plate lies in the folder itself
    parameters |= {"plate": os.path.abspath(plates[0])} if len(plates) == 1 else {"plates": "several"}
    told = {"title": args.title, "inventory": args.inventory, "films": args.films}
    limits = ColourLimits(args.density_limits, args.deviation_limit, args.angle_limit)
    with Journal(folder, parameters) as journal:
        names = names_for(plates, journal.names()) if len(plates) > 1 else ["."]
        jobs = []
        for path, name in zip(plates, names, strict=True):
            options = MapOptions(
                args.step,
                **cli.scale_arguments(args),
                mask=drawn[path][0],
                regions=drawn[path][1],
                limits=limits,
                **told,
            )
            jobs.append(MapJob(path, folder / name, options))
            # a plate that has changed is mapped anew, and its report replaced as a whole
            journal.keep_name(path, name)
        mapped = _mapped(args, jobs, network)
    done = [mapped[path] for path in plates if path in mapped]
    for plate in done:
        if len(plates) > 1:
            print(plate.path.name)
        print(f"{_text(plate.summary)}\n")
        for name, part in plate.regions.items():
            print(f"{name}\n{tables.text_table(part.table(), numeric=range(1, 7))}\n")
        for remark in plate.about["remarks"]:
            print(f"remark: {remark}\n")
    if len(plates) > 1 and done:
        write_overview(folder, done, limits, told)
    if done:
        print(f"read {folder / 'report.html'}; the numbers are in files beside it")
    return 0 if len(done) == len(plates) else cli.SOME_FAILED


def _mapped(args: argparse.Namespace, jobs: Sequence[MapJob], network: ThreadCounter) -> dict[Path, MappedPlate]:
    """Map the plates that can be mapped, and say what is wrong with the others."""
    from dl4art.regression.map_run import map_plates

    mapped: dict[Path, MappedPlate] = {}
    with progress(_STEPS * len(jobs), "mapping", quiet=args.quiet) as advance:
        whole = in_steps(advance, _STEPS * len(jobs))
        found = map_plates(jobs, network, go_on=len(jobs) > 1, scheduler=args.scheduler, advance=whole)
        try:
            for job, outcome in found:
                if isinstance(outcome, InputError):
                    print(f"error: {outcome}", file=sys.stderr)
                elif isinstance(outcome, Exception):
                    raise outcome
                else:
                    mapped[job.plate] = outcome
        except KeyboardInterrupt:
            kept = f"{len(mapped)} of {len(jobs)} plates are done and kept; the same command goes on from there"
            raise KeyboardInterrupt(kept if mapped else "") from None
    return mapped


def _text(summary: MapSummary) -> str:
    counts = ", ".join(f"{count} {name}" for name, count in summary.cells.items() if count)
    table = tables.text_table(summary.table(), numeric=range(1, 7))
    return f"{table}\n\nwarp: {summary.warp} ({summary.criterion})\ncells: {counts}"


if __name__ == "__main__":
    sys.exit(main())
