"""Count threads per centimetre in pictures of canvas, each with its 95 % interval."""

from __future__ import annotations

import argparse
import logging
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from dl4art import __version__
from dl4art.utils import cli, tables
from dl4art.utils.errors import InputError
from dl4art.utils.holding import held
from dl4art.utils.journal import Journal
from dl4art.utils.progress import progress
from dl4art.utils.provenance import provenance

_log = logging.getLogger("dl4art.count")  # __name__ is "__main__" when this runs as a command

_HEADER = ("file", "status", "vertical/cm", "horizontal/cm", "size in cm", "message")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, those of the process if left out, and return its exit code."""
    return cli.run(_count, _parser(), argv)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dl4art.count",
        description=__doc__,
        epilog="Exit code: 0 all done; 1 some files failed, the rest is written; 2 the call is wrong.",
        parents=[cli.scale_options(), cli.general_options()],
    )
    parser.add_argument("inputs", nargs="+", metavar="FILE|FOLDER", help="TIFF, PNG, JPEG or DICOM; folders whole")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the table here (.csv or .json) and not on screen")
    parser.add_argument("--format", type=_formats, metavar="csv,json", help="format of the output, or both")
    parser.add_argument(
        "--method",
        choices=("auto", "network", "spectral"),
        default="auto",
        help="network and spectrum together (auto, the default), or one of them alone",
    )
    parser.add_argument("--model", metavar="NAME|FOLDER", help="the network to use (default: the one that is shipped)")
    parser.add_argument("--batch-size", type=cli.positive_integer, default=32, metavar="N", help="default: 32")
    return parser


def _formats(text: str) -> list[str]:
    formats = [name.strip().lower() for name in text.split(",")]
    if not set(formats) <= set(tables.FORMATS):
        raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(tables.FORMATS)}, or both")
    return formats


def _count(args: argparse.Namespace) -> int:
    if args.format and not args.output:
        raise InputError("--format says how to write a file. Name the file with -o.")
    if args.model and args.method == "spectral":
        raise InputError("--model has no meaning for --method spectral, which uses no network. Leave one of them out.")
    outputs = tables.result_paths(args.output, args.format) if args.output else {}
    for path in outputs.values():
        tables.check_output(path)
    files = cli.gather(args.inputs)

    with ExitStack() as stack:
        for path in outputs.values():
            stack.enter_context(held(path))
        rows, parameters = _count_files(files, args, outputs)
        if outputs:
            _write(outputs, rows, parameters)
        else:
            print(_table(rows))
    return cli.SOME_FAILED if any(row["status"] == "failed" for row in rows) else 0


def _count_files(
    files: list[Path], args: argparse.Namespace, outputs: dict[str, Path]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Count, and keep what is done in a journal beside the first output."""
    # only now that the call stands: this brings NumPy and, with a network, TensorFlow
    from dl4art.regression.count_file import ROW, count_files, load_counter

    counter = load_counter(args.method, args.model)
    made_by = {"method": args.method, "model": getattr(counter, "name", args.method), "version": __version__}
    scale = cli.scale_arguments(args)
    folders = {Path(name) for name in args.inputs if Path(name).is_dir()}
    result = next(iter(outputs.values()), None)
    rows: dict[Path, dict[str, Any]] = {}
    try:
        with ExitStack() as stack:
            shape = {**ROW, **dict.fromkeys(made_by, str)}
            journal = stack.enter_context(Journal(result, made_by | scale, row=shape)) if result else None
            if journal:
                rows = journal.kept(files)
            left = [path for path in files if path not in rows]
            advance = stack.enter_context(progress(len(files), "counting", quiet=args.quiet))
            advance(len(rows))
            crops = [not folders.isdisjoint(path.parents) for path in left]
            counts = count_files(left, counter, **scale, crops=crops, batch_size=args.batch_size)
            for path, count in zip(left, counts, strict=True):
                rows[path] = count.to_dict() | made_by
                # what failed may have been mended by the next run
                if journal and count.status != "failed":
                    journal.add(path, rows[path], content=count.sha256)
                advance(1)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(_what_is_left(result, [*rows.values()], len(files))) from None
    return [rows[path] for path in files], made_by | scale


def _what_is_left(result: Path | None, rows: list[dict[str, Any]], total: int) -> str:
    """Leave what is done of an interrupted run in the journal or on screen, and say so."""
    if result is None and rows:
        print(_table(rows))
        return f"{len(rows)} of {total} files are counted; nothing was written, because -o was not given"
    return cli.kept_so_far(sum(row["status"] != "failed" for row in rows), total, f"beside {result}")


def _write(outputs: dict[str, Path], rows: list[dict[str, Any]], parameters: dict[str, Any]) -> None:
    for name, path in outputs.items():
        if name == "csv":
            tables.write_csv(path, list(rows[0]), rows)
        else:
            inputs = [{"file": row["file"], "sha256": row["sha256"]} for row in rows]
            origin = provenance(parameters=parameters, inputs=inputs, model=parameters["model"])
            tables.write_json(path, {"results": rows, "provenance": origin})
    Journal.discard(next(iter(outputs.values())))
    for row in rows:
        if row["status"] == "failed":
            _log.warning("failed: %s: %s", row["file"], row["message"])
    found = Counter(row["status"] for row in rows)
    summary = ", ".join(f"{found[status]} {status}" for status in ("ok", "no-estimate", "failed") if found[status])
    files = "1 file" if len(rows) == 1 else f"{len(rows)} files"
    print(f"{files}: {summary}; written to {' and '.join(map(str, outputs.values()))}")


def _table(rows: list[dict[str, Any]]) -> str:
    lines = [_HEADER]
    for row in rows:
        vertical, horizontal = _with_interval(row, "vertical"), _with_interval(row, "horizontal")
        size = f"{row['width_cm']:.2f} x {row['height_cm']:.2f}" if row["width_cm"] else ""
        message = " ".join(row["message"].split())
        lines.append((tables.plain_text(row["file"]), row["status"], vertical, horizontal, size, message))
    return tables.text_table(lines, numeric=(2, 3, 4))


def _with_interval(row: dict[str, Any], direction: str) -> str:
    value, low, high = (row[f"{direction}_{name}"] for name in ("per_cm", "low", "high"))
    if value is None:
        return ""
    return f"{value:.2f}" if low is None or high is None else f"{value:.2f} ({low:.2f}-{high:.2f})"


if __name__ == "__main__":
    sys.exit(main())
