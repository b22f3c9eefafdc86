"""Cut plates into crops that carry their scale and where they come from."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dl4art.utils import cli, tables
from dl4art.utils.errors import InputError, OutputError, reason
from dl4art.utils.files import make_folder
from dl4art.utils.progress import progress

_HEADER = ("plate", "status", "crops", "size in cm", "px/cm", "scale from", "message")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, those of the process if left out, and return its exit code."""
    return cli.run(_crop, _parser(), argv)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dl4art.crop",
        description=f"{__doc__} Blank film, lettering and clipped areas are left out.",
        epilog="Exit code: 0 all done; 1 some files failed, the rest is written; 2 the call is wrong.",
        parents=[cli.scale_options(), cli.general_options()],
    )
    parser.add_argument("inputs", nargs="+", metavar="FILE|FOLDER", help="TIFF, PNG, JPEG or DICOM; folders whole")
    parser.add_argument("-o", "--output", metavar="FOLDER", required=True, help="where the crops go, as 8-bit TIFF")
    parser.add_argument("--crop-cm", type=cli.positive_number, default=1.5, metavar="CM", help="side (default: 1.5)")
    places = parser.add_mutually_exclusive_group()
    places.add_argument("--step", type=cli.positive_number, metavar="CM", help="of the grid (default: crops touch)")
    places.add_argument("--random", type=cli.positive_integer, metavar="N", help="so many at random places instead")
    parser.add_argument("--seed", type=_seed, default=0, metavar="S", help="of the random places (default: 0)")
    return parser


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of zero or more")
    return int(text)


def _crop(args: argparse.Namespace) -> int:
    output = Path(args.output)
    # crops of an earlier run are not plates, even where they lie among them
    files = [path for path in cli.gather(args.inputs) if output.resolve() not in path.resolve().parents]
    if not files:
        raise InputError(f"{output}: all input files lie in the output folder. Name another one with -o.")
    make_folder(output)
    rows: list[dict[str, Any]] = []
    try:
        with progress(len(files), "cutting", quiet=args.quiet) as advance:
            for path, name in zip(files, _names(files), strict=True):
                rows.append(_cut(path, output, name, args))
                advance(1)
    except KeyboardInterrupt:
        done = sum(row["crops"] for row in rows)
        raise KeyboardInterrupt(f"{done} crops of {len(rows)} of {len(files)} files are in {output}") from None
    print(_table(rows))
    return cli.SOME_FAILED if any(row["status"] == "failed" for row in rows) else 0


def _names(files: Sequence[Path]) -> list[str]:
    """Name the crops of each file after it, with a number where two files of one name meet."""
    names: dict[str, str] = {}
    for path in files:
        name, number = path.stem, 1
        while name.lower() in names:  # file systems may not tell cases apart
            number += 1
            name = f"{path.stem}-{number}"
        names[name.lower()] = name
    return [*names.values()]


def _cut(path: Path, output: Path, name: str, args: argparse.Namespace) -> dict[str, Any]:
    """Cut one plate; what is wrong with it is in the row."""
    # only now that the call stands: this brings NumPy and SciPy
    from dl4art.cropping import read_plate
    from dl4art.cropping.export import export_crops

    row: dict[str, Any] = dict.fromkeys(_HEADER, "") | {"plate": str(path), "status": "ok", "crops": 0}
    try:
        plate = read_plate(path, **cli.scale_arguments(args))
        width, height = plate.size_cm
        row |= {"size in cm": f"{width:.2f} x {height:.2f}", "px/cm": f"{plate.px_per_cm:.2f}"}
        row |= {"scale from": plate.scale_source, "message": "; ".join(plate.notes)}
        written = export_crops(
            plate, output, name, size_cm=args.crop_cm, step_cm=args.step, count=args.random, seed=args.seed
        )
        row["crops"] = len(written)
        if args.random and len(written) < args.random:
            row["message"] = "; ".join([f"no room for {args.random} crops", *plate.notes])
    except OutputError:
        raise
    except Exception as error:  # one bad file is one row, whatever is wrong with it
        row |= {"status": "failed", "message": reason(error, path)}
    return row


def _table(rows: Sequence[dict[str, Any]]) -> str:
    lines = [_HEADER, *(tuple(tables.plain_text(str(row[column])) for column in _HEADER) for row in rows)]
    return tables.text_table(lines, numeric=(2, 3, 4))


if __name__ == "__main__":
    sys.exit(main())
