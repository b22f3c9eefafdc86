"""Label threads in crops with labelme: open, prefill with what the program finds, check."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from dl4art.utils import cli, tables
from dl4art.utils.errors import InputError
from dl4art.utils.holding import held
from dl4art.utils.progress import progress


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, those of the process if left out, and return its exit code."""
    return cli.run(_label, _parser(), argv)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dl4art.label",
        description=f"{__doc__} Draw a polygon round each thread and name it vertical or horizontal.",
        epilog="Exit code: 0 all done, nothing found; 1 some files failed, or the check found something; "
        "2 the call is wrong.",
        parents=[cli.scale_options(), cli.general_options()],
    )
    parser.add_argument(
        "crops",
        metavar="FOLDER|FILE",
        help="crops; their labels lie beside them, as NAME.json (--check reads NAME_V.npz and NAME_H.npz, too)",
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--prefill", action="store_true", help="write the threads that the program finds, to be corrected"
    )
    what.add_argument("--check", action="store_true", help="list what is missing or doubtful, one row per finding")
    return parser


def _label(args: argparse.Namespace) -> int:
    place = Path(args.crops)
    if args.check:
        labels = [place.with_suffix(".json"), *(place.with_name(f"{place.stem}{end}") for end in ("_V.npz", "_H.npz"))]
        places = [place, *(path for path in labels if path.is_file())] if place.is_file() else [place]
        return _check(cli.gather(places, (*cli.PICTURES, ".json", ".npz")), place, args)
    crops = cli.gather([place])
    if args.prefill:
        return _prefill(place, crops, args)
    if any(cli.scale_arguments(args).values()):
        raise InputError("A scale has no meaning for drawing. Leave it out, or add --prefill or --check.")
    from dl4art.cropping.labelme import open_labelme

    return cli.SOME_FAILED if open_labelme(place) else 0


def _prefill(place: Path, crops: list[Path], args: argparse.Namespace) -> int:
    # only now that the call stands: this brings NumPy and TensorFlow
    from dl4art.regression.count_file import load_counter
    from dl4art.regression.prefill import prefill_labels

    rows: list[dict[str, Any]] = []
    try:
        with (
            held(place if place.is_dir() else place.parent),
            progress(len(crops), "labelling", quiet=args.quiet) as advance,
        ):
            for done in prefill_labels(crops, load_counter(), **cli.scale_arguments(args)):
                rows.append(asdict(done))
                advance(1)
    except KeyboardInterrupt:
        written = sum(row["status"] == "written" for row in rows)
        raise KeyboardInterrupt(f"{written} files of labels are written; the same command goes on from there") from None
    _print(rows, ("crop", "status", "vertical", "horizontal", "message"), numeric=(2, 3))
    return cli.SOME_FAILED if any(row["status"] == "failed" for row in rows) else 0


def _check(files: list[Path], place: Path, args: argparse.Namespace) -> int:
    from dl4art.cropping.label_check import check_labels

    checked = check_labels(files, place if place.is_dir() else place.parent)
    findings = [finding for item in checked for finding in item.findings]
    drawn = [(item.file, item.picture, item.labels) for item in checked if item.picture and item.labels]
    if drawn:
        from dl4art.regression.count_file import count_files, load_counter
        from dl4art.regression.label_check import compare_labels

        pictures = [picture for _, picture, _ in drawn]
        with progress(len(drawn), "counting", quiet=args.quiet) as advance:
            counts = count_files(pictures, load_counter(), **cli.scale_arguments(args), crops=True)
            for (file, _, labels), count in zip(drawn, counts, strict=True):
                findings += compare_labels(str(file), labels, count)
                advance(1)
    files_checked = "1 file" if len(checked) == 1 else f"{len(checked)} files"
    if not findings:
        print(f"{files_checked}: nothing is missing or doubtful")
        return 0
    rows = [asdict(finding) for finding in sorted(findings, key=lambda finding: finding.file)]
    _print(rows, ("file", "finding", "message"))
    print(f"{files_checked}: {len(rows)} findings in {len({row['file'] for row in rows})}")
    return cli.SOME_FAILED


def _print(rows: Sequence[dict[str, Any]], columns: Sequence[str], numeric: Sequence[int] = ()) -> None:
    cells = [
        ["" if row[name] is None else " ".join(tables.plain_text(str(row[name])).split()) for name in columns]
        for row in rows
    ]
    print(tables.text_table([columns, *cells], numeric))


if __name__ == "__main__":
    sys.exit(main())
