"""Draw X-ray plates of canvases whose every thread is known, with their truth beside them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from dl4art import __version__
from dl4art.utils import cli, tables
from dl4art.utils.files import make_folder
from dl4art.utils.holding import held
from dl4art.utils.journal import Journal, Shape
from dl4art.utils.progress import progress

_HEADER = ("plate", "size in cm", "px/cm", "vertical/cm", "horizontal/cm", "weave")
_ROW: Shape = {"means": (str, str), "weave": str, "written": list}
_CROP_CM = 1.5
_PLATE_CM = (12.0, 10.0)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, those of the process if left out, and return its exit code."""
    return cli.run(_simulate, _parser(), argv)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dl4art.simulate",
        description=__doc__,
        epilog="Beside each NAME.tif lie NAME.truth.npz (densities and angles in cells of 0.25 cm, centre-lines of all "
        "threads) and NAME.truth.json (cloth, radiograph, seed). The same call gives the same files. Exit code: 0 all "
        "done; 2 the call is wrong.",
        parents=[cli.general_options()],
    )
    parser.add_argument("-o", "--output", metavar="FOLDER", required=True, help="where the plates go, as TIFF")
    parser.add_argument("--seed", type=_seed, default=0, metavar="S", help="another draws other canvases (default: 0)")
    number = parser.add_mutually_exclusive_group()
    number.add_argument("--plates", type=cli.positive_integer, default=3, metavar="N", help="how many (default: 3)")
    number.add_argument(
        "--crops",
        type=cli.positive_integer,
        metavar="N",
        help=f"so many crops of {_CROP_CM} cm instead: painted canvas alone, no stretcher, seams or edges",
    )
    parser.add_argument("--size-cm", type=cli.size, metavar="WxH", help="of each (default: 12x10; crops: 1.5x1.5)")
    parser.add_argument("--dpi", type=cli.positive_number, metavar="N", help="resolution (default: 600; crops: 508)")
    parser.add_argument("--bits", type=int, choices=(8, 16), default=8, help="depth of the grey values (default: 8)")
    parser.add_argument("--same-cloth", action="store_true", help="all from one cloth, each painted in its own way")
    return parser


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of zero or more")
    return int(text)


def _simulate(args: argparse.Namespace) -> int:
    # only now that the call stands: this brings NumPy and SciPy
    from dl4art.simulation.plates import check_plate, draw_plate, tile_count, write_plate

    output = Path(args.output)
    crops = args.crops is not None
    count = args.crops if crops else args.plates
    size_cm = args.size_cm or ((_CROP_CM, _CROP_CM) if crops else _PLATE_CM)
    # 508 dpi are the 200 px/cm at which crops are counted
    px_per_cm = (args.dpi or (508 if crops else 600)) / 2.54
    check_plate(size_cm, px_per_cm)
    make_folder(output)
    series = output / f"{'crop' if crops else 'plate'}-{args.seed}"
    parameters = {"size_cm": size_cm, "px_per_cm": px_per_cm, "bits": args.bits, "same_cloth": args.same_cloth}
    tiles = tile_count(size_cm, px_per_cm)
    rows: list[tuple[str, ...]] = [_HEADER]
    try:
        with (
            held(output),
            Journal(series, {**parameters, "version": __version__}, row=_ROW) as journal,
            progress(count * tiles, "drawing", quiet=args.quiet) as advance,
        ):
            for number in range(count):
                path = output / f"{series.name}-{number:03d}.tif"
                kept = journal.row(path)
                if kept is None or not all((output / name).is_file() for name in kept["written"]):
                    scene = draw_plate(args.seed, number, size_cm, same_cloth=args.same_cloth, furnished=not crops)
                    about: dict[str, Any] = {"seed": args.seed, "number": number, "same_cloth": args.same_cloth}
                    truth = write_plate(path, scene, px_per_cm, bits=args.bits, about=about, advance=advance)
                    means = [f"{mean:.2f}" for mean in truth.mean_densities()]
                    written = [path.with_suffix(end).name for end in (".tif", ".truth.npz", ".truth.json")]
                    kept = {"means": means, "weave": scene.sheet.cloth.weave, "written": written}
                    journal.add(path, kept)
                else:
                    advance(tiles)
                size = f"{size_cm[0]:g} x {size_cm[1]:g}"
                rows.append((str(path), size, f"{px_per_cm:.2f}", *kept["means"], kept["weave"]))
    except KeyboardInterrupt:
        done = f"{len(rows) - 1} of {count} are in {output}; the same command goes on from there"
        raise KeyboardInterrupt(done) from None
    print(tables.text_table([tuple(map(tables.plain_text, row)) for row in rows], numeric=(1, 2, 3, 4)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
