"""Set threads counted by hand against the map of a plate."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from dl4art.utils import cli, tables
from dl4art.utils.errors import InputError
from dl4art.utils.files import make_folder
from dl4art.utils.holding import held
from dl4art.utils.progress import in_steps, progress

if TYPE_CHECKING:
    from dl4art.cropping import Plate
    from dl4art.regression.validation import ManualCount

_STEPS = 1000


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, those of the process if left out, and return its exit code."""
    return cli.run(_validate, _parser(), argv)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dl4art.validate",
        description=__doc__,
        epilog="The table is a CSV with the columns x_cm, y_cm (middle of the counted stretch, from the upper-left "
        "corner), direction (vertical or horizontal), count and width_cm (across the threads). Exit code: 0 done; 1 "
        "the plate cannot be mapped; 2 the call or the table is wrong.",
        parents=[cli.scale_options(), cli.general_options()],
    )
    parser.add_argument("plate", metavar="PLATE", help="TIFF, PNG, JPEG or DICOM")
    parser.add_argument("manual", metavar="TABLE", help="what was counted by hand, as CSV")
    parser.add_argument("-o", "--output", metavar="FOLDER", help="gets report.html, validation.csv and validation.json")
    parser.add_argument("--map", metavar="FOLDER", help="what dl4art.map has made of the plate, instead of a new map")
    parser.add_argument(
        "--step", type=cli.positive_number, default=0.5, metavar="CM", help="of a new map: a cell every so many cm"
    )
    parser.add_argument("--model", metavar="NAME|FOLDER", help="the network to use (default: the one that is shipped)")
    return parser


def _validate(args: argparse.Namespace) -> int:
    for name in (args.plate, args.manual):
        if not Path(name).is_file():
            raise InputError(f"{name}: no such file. Check its name; you are in {Path.cwd()}.")

    # only now that the call stands: this brings NumPy
    from dl4art.cropping import read_plate
    from dl4art.regression.validation import check_spots, read_manual

    counts = read_manual(args.manual)
    plate = read_plate(args.plate, **cli.scale_arguments(args))
    check_spots(counts, plate)
    if not args.output:
        return _checked(args, counts, plate)
    make_folder(args.output)
    with held(args.output):
        return _checked(args, counts, plate)


def _checked(args: argparse.Namespace, counts: Sequence[ManualCount], plate: Plate) -> int:
    from dl4art.regression.validation import agreement, compare_counts
    from dl4art.utils.provenance import provenance

    if args.map:
        from dl4art.regression.mapped_plate import check_map_of, read_map

        check_map_of(args.map, args.plate)
        found, model = read_map(args.map), None
    else:
        from dl4art.regression import ThreadCounter
        from dl4art.regression.maps import map_threads

        network = ThreadCounter.from_pretrained(args.model)
        model = network.name
        try:
            with progress(_STEPS, "mapping", quiet=args.quiet) as advance:
                found = map_threads(plate, network, step_cm=args.step, advance=in_steps(advance, _STEPS))
        except InputError as error:
            print(f"error: {error}", file=sys.stderr)
            return cli.SOME_FAILED
    checked = compare_counts(counts, found)
    summary = agreement(checked)

    from dl4art.regression.validation_report import agreement_rows, write_validation

    rows = [spot.to_dict() for spot in checked]
    columns = list(rows[0])
    cells = [[_cell(value) for value in row.values()] for row in rows]
    print(tables.text_table([columns, *cells], numeric=range(len(columns))))
    print()
    print(tables.text_table(agreement_rows(summary)))
    if args.output:
        folder = Path(args.output)
        about = provenance(
            parameters={"step_cm": found.step_cm, **cli.scale_arguments(args)},
            inputs=[args.plate, args.manual],
            model=model,
        )
        tables.write_csv(folder / "validation.csv", columns, rows)
        write_validation(folder / "report.html", plate, checked, summary, about)
        tables.write_json(folder / "validation.json", {**about, **summary.to_dict(), "spots": rows})
        print(f"\nread {folder / 'report.html'}; the numbers are in files beside it")
    return 0


def _cell(value: object) -> str:
    if value is None:
        return "blank"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    sys.exit(main())
