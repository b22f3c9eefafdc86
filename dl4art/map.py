"""Map thread density and thread angle over a plate, and write a report that can be printed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dl4art.utils import cli, tables
from dl4art.utils.errors import InputError
from dl4art.utils.files import make_folder
from dl4art.utils.progress import progress

if TYPE_CHECKING:
    from dl4art.regression.map_summary import MapSummary

_STEPS = 1000


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, those of the process if left out, and return its exit code."""
    return cli.run(_map, _parser(), argv)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dl4art.map",
        description=__doc__,
        epilog="The folder gets report.html, cells.csv, summary.json, maps as TIFF (numbers) and PNG (pictures). Exit "
        "code: 0 done; 1 the plate cannot be mapped; 2 the call is wrong.",
        parents=[cli.scale_options(), cli.general_options()],
    )
    parser.add_argument("plate", metavar="PLATE", help="TIFF, PNG, JPEG or DICOM")
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="where the report goes")
    parser.add_argument(
        "--step", type=cli.positive_number, default=0.5, metavar="CM", help="a cell every so many cm (default: 0.5)"
    )
    parser.add_argument("--title", default="", help="of the painting, for the report")
    parser.add_argument("--inventory", default="", help="inventory number, for the report")
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
    path, folder = Path(args.plate), Path(args.output)
    if not path.is_file():
        what = "is a folder. Name the file of one plate" if path.is_dir() else "no such file. Check its name"
        raise InputError(f"{path}: {what}; you are in {Path.cwd()}.")
    make_folder(folder)

    # only now that the call stands: this brings NumPy and TensorFlow
    from dl4art.cropping import read_plate, usable_area
    from dl4art.cropping.tones import tone_range
    from dl4art.regression import ThreadCounter
    from dl4art.regression.map_figures import ColourLimits
    from dl4art.regression.map_files import write_map
    from dl4art.regression.map_report import write_report
    from dl4art.regression.map_summary import summarise
    from dl4art.regression.maps import map_threads
    from dl4art.utils.provenance import provenance

    network = ThreadCounter.from_pretrained(args.model)
    scale = cli.scale_arguments(args)
    try:
        plate = read_plate(path, **scale)
        with progress(_STEPS, "mapping", quiet=args.quiet) as advance:
            usable = usable_area(plate)
            tones = tone_range(plate, usable)
            found = map_threads(
                plate, network, step_cm=args.step, usable=usable, tones=tones, advance=_in_steps(advance)
            )
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return cli.SOME_FAILED
    summary = summarise(found)
    limits = ColourLimits(args.density_limits, args.deviation_limit, args.angle_limit)
    about = {"title": args.title, "inventory": args.inventory} | provenance(
        parameters={"step_cm": args.step, **scale}, inputs=[path], model=network.name
    )
    known = {"width_cm": plate.size_cm[0], "height_cm": plate.size_cm[1], "px_per_cm": plate.px_per_cm}
    written = write_map(folder, found, summary, {**about, **known, "scale_source": plate.scale_source}, limits)
    report = folder / "report.html"
    write_report(report, plate, found, summary, about, tones=tones, limits=limits, remarks=plate.notes)
    print(_text(summary))
    print(f"\nread {report}; {len(written)} more files are beside it")
    return 0


def _in_steps(advance: Callable[[int], None]) -> Callable[[float], None]:
    """Turn shares into whole steps of the progress bar."""
    done = 0.0

    def tell(share: float) -> None:
        nonlocal done
        before, done = int(done * _STEPS), done + share
        advance(int(done * _STEPS) - before)

    return tell


def _text(summary: MapSummary) -> str:
    counts = ", ".join(f"{count} {name}" for name, count in summary.cells.items() if count)
    table = tables.text_table(summary.table(), numeric=range(1, 7))
    return f"{table}\n\nwarp: {summary.warp} ({summary.criterion})\ncells: {counts}"


if __name__ == "__main__":
    sys.exit(main())
