"""Find craquelure and paint loss in photographs of paintings, and write reports with the numbers."""

from __future__ import annotations

import argparse
import logging
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dl4art import __version__
from dl4art.utils import cli, tables
from dl4art.utils.backend import load_keras
from dl4art.utils.errors import InputError, ModelError, OutputError, reason
from dl4art.utils.files import make_folder
from dl4art.utils.holding import held
from dl4art.utils.journal import Journal, content_key, same_content
from dl4art.utils.models import shipped_models
from dl4art.utils.names import names_for
from dl4art.utils.progress import in_steps, progress

if TYPE_CHECKING:
    from dl4art.craquelure.segmenter import Segmenter

_log = logging.getLogger("dl4art.segment")  # __name__ is "__main__" when this runs as a command

PHOTOGRAPHS = tuple(suffix for suffix in cli.PICTURES if not suffix.startswith(".dc"))
_STEPS = 1000
_HEADER = ("photograph", "status", "size in px", "loss %", "loss cm2", "cracks %", "cm/cm2", "width", "islands", "")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, those of the process if left out, and return its exit code."""
    return cli.run(_segment, _parser(), argv)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dl4art.segment",
        description=__doc__,
        epilog="Each photograph gets a folder with report.html, overlay.png, classes.png (0 background, 1 craquelure, "
        "2 loss, 3 left out), damage.json (for labelme) and summary.json; segments.csv sums up. Without a scale, areas "
        "are in percent and pixels. Exit code: 0 all done; 1 some files failed, the rest is written; 2 the call is "
        "wrong.",
        parents=[cli.scale_options(), cli.general_options()],
    )
    parser.add_argument("inputs", nargs="+", metavar="FILE|FOLDER", help="TIFF, PNG or JPEG; folders whole")
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="where the results go")
    parser.add_argument(
        "--mask",
        metavar="FILE|FOLDER",
        help="picture of the photograph's size whose white is left out; for several photographs, a folder with a mask "
        "of the same name for each",
    )
    parser.add_argument("--title", default="", help="of the painting, for the report")
    parser.add_argument("--inventory", default="", help="inventory number, for the report")
    parser.add_argument("--model", metavar="NAME|FOLDER", help="the network to use (default: the one that is shipped)")
    return parser


def _segment(args: argparse.Namespace) -> int:
    output = Path(args.output)
    files = cli.outside(cli.gather(args.inputs, PHOTOGRAPHS), output)
    masks = _masks(files, args.mask)
    files = [path for path in files if path in masks]
    if not args.model and not shipped_models("craquelure"):
        raise ModelError(
            "no network for photographs comes with this installation of dl4art. Name a model folder with --model."
        )
    make_folder(output)
    table = output / "segments.csv"
    with held(output):
        # only now that the call stands: this brings NumPy and TensorFlow
        load_keras()
        from dl4art.craquelure.segmented import COLUMNS
        from dl4art.craquelure.segmenter import DEFAULT_MODEL, Segmenter

        network = Segmenter.from_pretrained(args.model or DEFAULT_MODEL)
        rows = _rows(files, masks, network, args)
        tables.write_csv(table, COLUMNS, rows)
    print(_table(rows))
    for remark in _remarks(rows):
        print(f"\nremark: {remark}")
    done = [row for row in rows if row["status"] == "ok"]
    if done:
        print(f"\nread {output / done[0]['folder'] / 'report.html'}; all numbers are in {table}")
    return 0 if len(done) == len(rows) else cli.SOME_FAILED


def _masks(files: Sequence[Path], given: str | None) -> dict[Path, Path | None]:
    """Mask of each photograph; masks that lie among the photographs are none."""
    if given is None:
        return dict.fromkeys(files)
    masks = {path: cli.beside(path, given) for path in files}
    place = Path(given).resolve()
    photographs = [path for path in files if place not in (path.resolve(), *path.resolve().parents)]
    if not photographs:
        raise InputError(f"{given}: is the mask and all there is to work on. Name the photograph, too.")
    if len(photographs) > 1 and not Path(given).is_dir():
        raise InputError(
            f"{given}: a mask is for one photograph. For several name a folder with a mask of the same name for each."
        )
    without = [path for path in photographs if masks[path] is None]
    if len(without) == len(photographs):
        raise InputError(f"{given}: no file in this folder has the name of a photograph. Name each mask after its own.")
    for path in without:
        _log.warning("%s: no mask in %s has its name, so nothing of it is left out", path, given)
    return {path: masks[path] for path in photographs}


def _rows(
    files: Sequence[Path], masks: dict[Path, Path | None], network: Segmenter, args: argparse.Namespace
) -> list[dict[str, Any]]:
    """Segment what an interrupted run has not done yet; rows that are done wait in a journal in the output folder."""
    from dl4art.craquelure.segmented import ROW, SegmentOptions

    output, scale = Path(args.output), cli.scale_arguments(args)
    told = {"title": args.title, "inventory": args.inventory}
    settings = {"model": network.name, "version": __version__, **scale, **told}
    rows: dict[Path, dict[str, Any]] = {}
    whole = _STEPS * len(files)
    try:
        with (
            Journal(output, settings, row={**ROW, "mask": dict | None}) as journal,
            progress(whole, "looking", quiet=args.quiet) as steps,
        ):
            advance = in_steps(steps, whole)
            for path, name in zip(files, names_for(files, journal.names()), strict=True):
                mask = masks[path]
                row = journal.row(path)
                if row and _masked_alike(row, mask) and (output / name / "summary.json").exists():
                    # the same photograph may be named by another path
                    row |= {"file": str(path)}
                    advance(1 / len(files))
                else:
                    # one that has changed is done anew, and what was made of it replaced as a whole
                    journal.begin(path, name, fresh=True)
                    options = SegmentOptions(**scale, mask=mask, **told)
                    key = None if mask is None else content_key(mask)
                    row = _one(path, output / name, network, options, lambda share: advance(share / len(files)))
                    # what failed may have been mended by the next run
                    if row["status"] == "ok":
                        journal.add(path, {**row, "mask": key}, content=row["sha256"])
                rows[path] = row
    except KeyboardInterrupt:
        done = sum(row["status"] == "ok" for row in rows.values())
        raise KeyboardInterrupt(cli.kept_so_far(done, len(files), f"in {output}")) from None
    return [rows[path] for path in files]


def _masked_alike(row: dict[str, Any], mask: Path | None) -> bool:
    """Whether a row that is kept is of a photograph of which the same was left out."""
    before = row.get("mask")
    return before is mask if before is None or mask is None else same_content(mask, before)


def _one(
    path: Path, folder: Path, network: Segmenter, options: Any, advance: Callable[[float], None]
) -> dict[str, Any]:
    """Segment one photograph; what is wrong with it is in the row."""
    from dl4art.craquelure.segmented import failed_row, segment_photograph

    try:
        return segment_photograph(path, folder, network, options, advance=advance)
    except OutputError:
        raise
    except Exception as error:  # one bad file is one row, whatever is wrong with it
        return failed_row(path, reason(error, path))


def _table(rows: Sequence[dict[str, Any]]) -> str:
    lines: list[tuple[str, ...]] = [_HEADER]
    for row in rows:
        name, failed = tables.plain_text(row["file"]), row["status"] == "failed"
        if failed:
            lines.append((name, "failed", *[""] * 7, " ".join(row["message"].split())))
            continue
        width = _in(row["median_width_mm"], " mm") or _in(row["median_width_px"], " px")
        numbers = (row[key] for key in ("loss_percent", "loss_cm2", "craquelure_percent", "crack_cm_per_cm2"))
        size = f"{row['width']} x {row['height']}"
        lines.append((name, "ok", size, *map(_in, numbers), width, str(row["islands"]), ""))
    return tables.text_table(lines, numeric=range(3, 9))


def _in(value: float | None, unit: str = "") -> str:
    return "" if value is None else f"{value:.2f}{unit}"


def _remarks(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Gather what is remarkable about photographs that were done, each remark once."""
    done = [row for row in rows if row["status"] == "ok"]
    about = Counter(remark for row in done for remark in row["warnings"])
    if len(done) == 1:
        return [*about]
    return [f"{remark} ({count} of {len(done)} photographs)" for remark, count in about.items()]


if __name__ == "__main__":
    sys.exit(main())
