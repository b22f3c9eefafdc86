"""Cut plates into crops that carry their scale and origin; pack and unpack the labels of crops."""

from __future__ import annotations

import argparse
import glob
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dl4art import __version__
from dl4art.utils import cli, tables
from dl4art.utils.errors import InputError, OutputError, reason
from dl4art.utils.files import check_unchanged, file_state, make_folder, remove
from dl4art.utils.holding import held
from dl4art.utils.journal import Journal, Shape
from dl4art.utils.names import names_for
from dl4art.utils.progress import progress

if TYPE_CHECKING:
    from dl4art.cropping.packing import Packed

_HEADER = ("plate", "status", "crops", "size in cm", "px/cm", "scale from", "message")
_ROW: Shape = {**dict.fromkeys(_HEADER, str), "crops": int, "written": list}


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
    parser.add_argument(
        "inputs",
        nargs="+",
        metavar="FILE|FOLDER",
        help="TIFF, PNG, JPEG or DICOM; folders whole. With --pack or --unpack one folder",
    )
    parser.add_argument(
        "-o", "--output", metavar="FOLDER", required=True, help="where the crops go, as 8-bit TIFF, or the labels"
    )
    parser.add_argument("--crop-cm", type=cli.positive_number, default=1.5, metavar="CM", help="side (default: 1.5)")
    places = parser.add_mutually_exclusive_group()
    places.add_argument("--step", type=cli.positive_number, metavar="CM", help="of the grid (default: crops touch)")
    places.add_argument("--random", type=cli.positive_integer, metavar="N", help="so many at random places instead")
    parser.add_argument(
        "--seed", type=_seed, default=0, metavar="S", help="of the random places or the split (default: 0)"
    )
    labels = parser.add_argument_group("labels of crops (no plates are cut)").add_mutually_exclusive_group()
    labels.add_argument(
        "--pack",
        action="store_true",
        help="labelme files to archives of masks, NAME_V.npz and NAME_H.npz, and a split by canvas (a folder, or the "
        "name before the last number), split.csv",
    )
    labels.add_argument("--unpack", action="store_true", help="archives of masks to labelme files, NAME.json")
    return parser


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of zero or more")
    return int(text)


def _crop(args: argparse.Namespace) -> int:
    output = Path(args.output)
    if args.pack or args.unpack:
        return _pack(args, output)
    files = cli.outside(cli.gather(args.inputs), output)
    make_folder(output)
    parameters = {"crop_cm": args.crop_cm, "step": args.step, "random": args.random, "seed": args.seed}
    parameters |= {**cli.scale_arguments(args), "version": __version__}
    rows: list[dict[str, Any]] = []
    try:
        with (
            held(output),
            Journal(output, parameters, row=_ROW) as journal,
            progress(len(files), "cutting", quiet=args.quiet) as advance,
        ):
            for path, name in zip(files, names_for(files, journal.names()), strict=True):
                rows.append(_kept(journal, path, output) or _cut(path, output, name, args, journal))
                advance(1)
    except KeyboardInterrupt:
        done = sum(row["crops"] for row in rows)
        raise KeyboardInterrupt(
            f"{done} crops of {len(rows)} of {len(files)} files are in {output}; the same command goes on from there"
        ) from None
    print(_table(rows))
    return cli.SOME_FAILED if any(row["status"] == "failed" for row in rows) else 0


def _kept(journal: Journal, path: Path, output: Path) -> dict[str, Any] | None:
    """Row of a plate that has been cut, all of whose crops are there."""
    row = journal.row(path)
    if row is None or not all((output / name).is_file() for name in row["written"]):
        return None
    return {**row, "plate": str(path)}


def _cut(path: Path, output: Path, name: str, args: argparse.Namespace, journal: Journal) -> dict[str, Any]:
    """Cut one plate; what is wrong with it is in the row."""
    # only now that the call stands: this brings NumPy and SciPy
    from dl4art.cropping import read_plate
    from dl4art.cropping.export import export_crops

    row: dict[str, Any] = dict.fromkeys(_HEADER, "") | {"plate": str(path), "status": "ok", "crops": 0}
    begun = False
    try:
        state = file_state(path)
        plate = read_plate(path, **cli.scale_arguments(args))
        journal.begin(path, name, fresh=not _crops_of(output, name))
        begun = True
        width, height = plate.size_cm
        row |= {"size in cm": f"{width:.2f} x {height:.2f}", "px/cm": f"{plate.px_per_cm:.2f}"}
        row |= {"scale from": plate.scale_source, "message": "; ".join(plate.notes)}
        written = export_crops(
            plate, output, name, size_cm=args.crop_cm, step_cm=args.step, count=args.random, seed=args.seed
        )
        row["crops"] = len(written)
        if args.random and len(written) < args.random:
            row["message"] = "; ".join([f"no room for {args.random} crops", *plate.notes])
        check_unchanged(path, state)
        journal.add(path, {**row, "written": [file.name for file in written]})
    except OutputError:
        raise
    except Exception as error:  # one bad file is one row, whatever is wrong with it
        row |= {"status": "failed", "message": reason(error, path), "crops": 0}
        # half of its crops, or crops of half a plate, are no result
        for crop in _crops_of(output, name) if begun else ():
            remove(crop)
    return row


def _crops_of(output: Path, name: str) -> list[Path]:
    """Crops whose names begin so."""
    return list(output.glob(f"{glob.escape(name)}_x*_y*.tif"))


def _pack(args: argparse.Namespace, output: Path) -> int:
    folder = Path(args.inputs[0])
    settings = {"--step": args.step, "--random": args.random, "--px-per-cm": args.px_per_cm}
    settings |= {"--dpi": args.dpi, "--size-cm": args.size_cm}
    if meaningless := [name for name, value in settings.items() if value]:
        raise InputError(f"{meaningless[0]} has no meaning for labels. Leave it out.")
    if len(args.inputs) > 1 or not folder.is_dir():
        raise InputError(f"{' '.join(args.inputs)}: is not one folder. Name the folder of all labelled crops.")
    files = cli.gather([folder], (*cli.PICTURES, ".json", ".npz"))
    if output.resolve() != folder.resolve():  # of an earlier run
        files = [path for path in files if output.resolve() not in path.resolve().parents]

    from dl4art.cropping.label_pictures import archive_stems, label_stems
    from dl4art.cropping.packing import pack_labels, unpack_labels

    total = len(label_stems(files) if args.pack else archive_stems(files))
    if not total:
        missing = "labels" if args.pack else "archives of masks (NAME_V.npz, NAME_H.npz)"
        raise InputError(f"{folder}: no {missing} in this folder. Name the one that holds them.")
    make_folder(output)
    rows: list[Packed] = []
    try:
        with held(output), progress(total, "packing" if args.pack else "unpacking", quiet=args.quiet) as advance:
            for row in (pack_labels if args.pack else unpack_labels)(files, folder, output):
                rows.append(row)
                advance(1)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"labels of {len(rows)} of {total} crops are in {output}") from None
    names = ("crop", "canvas", "status", "message")
    print(_lines(names, [asdict(row) for row in rows]))
    if args.pack:
        _split([row for row in rows if row.status == "ok"], output, args.seed)
    return cli.SOME_FAILED if any(row.status == "failed" for row in rows) else 0


def _split(rows: Sequence[Packed], output: Path, seed: int) -> None:
    """Deal out the canvases, write which crop goes where, and say how many there are."""
    from dl4art.cropping.canvases import split_canvases

    counts = Counter(row.canvas for row in rows)
    splits = split_canvases(counts, seed)
    table = [{"crop": row.crop, "canvas": row.canvas, "split": splits.get(row.canvas)} for row in rows]
    tables.write_csv(output / "split.csv", ("crop", "canvas", "split"), table)
    listed = [
        {"canvas": name, "crops": number, "split": splits.get(name, "")} for name, number in sorted(counts.items())
    ]
    print("", _lines(("canvas", "crops", "split"), listed, numeric=(1,)), sep="\n")
    if len(counts) == 1:
        print(
            "All labels are of one canvas: no honest split is possible, because what is learnt from a canvas must be "
            "tested on others. If they are of several, put the crops of each into a folder of its own."
        )


def _table(rows: Sequence[dict[str, Any]]) -> str:
    return _lines(_HEADER, rows, numeric=(2, 3, 4))


def _lines(columns: Sequence[str], rows: Sequence[dict[str, Any]], numeric: Sequence[int] = ()) -> str:
    cells = [tuple(tables.plain_text(str(row[column])) for column in columns) for row in rows]
    return tables.text_table([columns, *cells], numeric)


if __name__ == "__main__":
    sys.exit(main())
