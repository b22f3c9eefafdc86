"""Download pictures by class from a table of addresses, with source and licence beside them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from dl4art.utils import cli, tables
from dl4art.utils.progress import progress


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, those of the process if left out, and return its exit code."""
    return cli.run(_gather, _parser(), argv)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dl4art.gather",
        description=__doc__,
        epilog="The table has the columns class, and url (a picture) or iiif (an image service); if wanted also name, "
        "painting (views of one painting get a folder of their own), source and licence. Museums with open access "
        "publish such tables. Pictures that are there already are kept, so that the same command goes on after a stop; "
        "FOLDER/sources.csv tells of each where it is from, its licence, or why it failed. What a server's robots.txt "
        "forbids is not fetched. Exit code: 0 all done; 1 some failed; 2 the call is wrong.",
        parents=[cli.general_options()],
    )
    parser.add_argument("table", metavar="TABLE.csv", help="which pictures")
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="gets a folder for each class")
    parser.add_argument(
        "--pause", type=cli.positive_number, default=1.0, metavar="S", help="seconds between requests (default: 1)"
    )
    parser.add_argument("--tries", type=cli.positive_integer, default=4, metavar="N", help="for each (default: 4)")
    parser.add_argument(
        "--timeout",
        type=cli.positive_number,
        default=30.0,
        metavar="S",
        help="that a server may be silent (default: 30)",
    )
    parser.add_argument(
        "--largest", type=cli.positive_number, default=50.0, metavar="MB", help="of a file, at most (default: 50)"
    )
    parser.add_argument(
        "--px",
        type=cli.positive_integer,
        default=1024,
        metavar="N",
        help="longer side of pictures from image services (default: 1024)",
    )
    return parser


def _gather(args: argparse.Namespace) -> int:
    from dl4art.paintings.download import NO_CONNECTION, Fetcher, Manners
    from dl4art.paintings.gathering import SOURCES, gather_pictures, summary

    manners = Manners(args.pause, args.tries, args.timeout, max(300.0, args.timeout), round(args.largest * 1e6))
    folder = Path(args.output)
    with ExitStack() as stack:
        try:
            rows = gather_pictures(
                args.table,
                folder,
                Fetcher(manners),
                px=args.px,
                begin=lambda count: stack.enter_context(progress(count, "gathering", quiet=args.quiet)),
            )
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"what was gathered is in {folder}; the same command goes on from there") from None
    print(tables.terminal_text(tables.text_table(summary(rows), numeric=(1, 2, 3))))
    failed = [row for row in rows if row["status"] == "failed"]
    for row in failed:
        print(tables.terminal_text(f"failed: {row['address']}: {row['message']}"), file=sys.stderr)
    if failed and len(failed) == len(rows) and failed[0]["message"].startswith(NO_CONNECTION):
        print("None of the servers can be reached. Is this computer connected to the network?", file=sys.stderr)
    if not args.quiet:
        print(tables.terminal_text(f"written: {folder / SOURCES}"), file=sys.stderr)
    return cli.SOME_FAILED if failed else 0


if __name__ == "__main__":
    sys.exit(main())
