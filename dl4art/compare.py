"""Tell from their X-ray plates whether two canvases, or which of many, could be one cloth."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dl4art.utils import cli, tables
from dl4art.utils.errors import InputError, OutputError, reason
from dl4art.utils.files import make_folder
from dl4art.utils.holding import held
from dl4art.utils.progress import in_steps, progress

if TYPE_CHECKING:
    from dl4art.cropping import Plate
    from dl4art.siamese import CanvasRecord, Comparison
    from dl4art.siamese.canvas_files import CanvasFiles
    from dl4art.siamese.comparison_report import WovenPlates

_STEPS = 1000  # of a progress bar
_HEADER = ("", "file", "size in cm", "crops", "vertical/cm", "horizontal/cm", "like itself")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, those of the process if left out, and return its exit code."""
    return cli.run(_run, _parser(), argv)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dl4art.compare",
        description=__doc__,
        epilog="Verdicts: compatible (nothing speaks against one cloth), unlike (the network finds another cloth), "
        "excluded (the thread densities do), undecided. Of a collection the folder gets collection.json, matrix.csv, "
        "pairs.csv, neighbours.csv, matrix.png, dendrogram.png and the catalogue. Exit code: 0 compared; 1 a plate "
        "cannot be used, the rest is written if two canvases are left; 2 the call is wrong. A scale that is stated "
        "holds for all plates.",
        parents=[cli.scale_options(), cli.scheduler_options(), cli.general_options()],
    )
    parser.add_argument(
        "a",
        metavar="A",
        help="plate of the one canvas: TIFF, PNG, JPEG or DICOM; or a collection: a folder with a file or a folder of "
        "plates for each canvas, or a CSV with the columns canvas and file",
    )
    parser.add_argument("b", metavar="B", nargs="?", help="plate of the other")
    parser.add_argument(
        "-o", "--output", metavar="PATH", help="write all of the result here as well (.json); of a collection a folder"
    )
    parser.add_argument(
        "--catalogue", metavar="FILE", help="where a collection's encoded plates are kept (default: catalogue.db in -o)"
    )
    parser.add_argument(
        "--against", metavar="FILE", help="look A, a plate or a folder of its plates, up in a catalogue"
    )
    parser.add_argument(
        "--top", type=cli.positive_integer, metavar="N", help="neighbours to find with --against (default: 10)"
    )
    parser.add_argument(
        "--report",
        metavar="FILE",
        help="write a report with pictures here (.html); it holds a weave match as well, for which both are mapped",
    )
    parser.add_argument("--crops", type=_crops, default=30, metavar="N", help="crops of each plate (default: 30)")
    parser.add_argument("--seed", type=_seed, default=0, metavar="N", help="of the choice of crops (default: 0)")
    parser.add_argument("--model", metavar="NAME|FOLDER", help="the network to use (default: the one that is shipped)")
    return parser


def _crops(text: str) -> int:
    number = cli.positive_integer(text)
    if number < 4:
        raise argparse.ArgumentTypeError(f"{number} crops are too few to compare a canvas; at least 4 are needed")
    return number


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 on")
    return int(text)


def _run(args: argparse.Namespace) -> int:
    if args.catalogue and (args.b or args.against):
        raise InputError("--catalogue is for a collection: one folder or CSV file, and -o.")
    if args.against and args.b:
        raise InputError("--against looks one canvas up. Leave B out.")
    if args.report and not args.b:
        raise InputError("--report is for two plates. Name the second.")
    if args.scheduler and (args.b or args.against):
        raise InputError("--scheduler is for a collection: one folder or CSV file, and -o.")
    if args.top and not args.against:
        raise InputError("--top goes with --against.")
    if args.against:
        return _search(args)
    return _compare(args) if args.b else _collection(args)


def _collection(args: argparse.Namespace) -> int:
    from dl4art.siamese.canvas_files import collection_files

    source = Path(args.a)
    if not source.exists():
        raise InputError(f"{source}: no such file or folder. Check its name; you are in {Path.cwd()}.")
    if not (source.is_dir() or source.suffix.lower() == ".csv"):
        raise InputError(
            f"{source}: one plate has nothing to be compared with. Name a second, or a catalogue: --against."
        )
    if not args.output:
        raise InputError(f"{source}: a collection needs a folder for the results. Name it with -o.")
    folder = Path(args.output)
    canvases = collection_files(source, leave=[folder])
    make_folder(folder)
    tables.check_output(folder / "collection.json")
    catalogue = Path(args.catalogue) if args.catalogue else folder / "catalogue.db"
    tables.check_output(catalogue)
    with held(folder):
        return _compare_all(args, source, canvases, folder, catalogue)


def _compare_all(
    args: argparse.Namespace, source: Path, canvases: Sequence[CanvasFiles], folder: Path, catalogue: Path
) -> int:
    # only now that the call stands: this brings NumPy and TensorFlow
    from dl4art.siamese import FabricComparer
    from dl4art.siamese.collection_encoding import EncodeOptions
    from dl4art.siamese.collection_files import ComparedCollection
    from dl4art.siamese.collection_run import compare_collection
    from dl4art.siamese.collection_text import collection_text

    comparer = FabricComparer.from_pretrained(args.model)
    options = EncodeOptions(args.crops, args.seed, **cli.scale_arguments(args))
    found = compare_collection(
        comparer,
        source,
        canvases,
        folder=folder,
        catalogue=catalogue,
        options=options,
        progress=_progress(args),
        scheduler=args.scheduler,
    )
    if not isinstance(found, ComparedCollection):
        fewer = f"{source}: fewer than two canvases can be used, and nothing is written."
        return _refused([*(f"{plate.file}: {plate.message}" for plate in found), fewer])
    print(f"{collection_text(found)}\n\nwritten to {folder}")
    return _refused([f"{plate.file}: {plate.message}" for plate in found.failed]) if found.failed else 0


def _search(args: argparse.Namespace) -> int:
    output = _output(args.output, ".json") if args.output else None
    catalogue = _file(args.against)
    files = cli.gather([args.a])
    with _holding(output):
        return _search_for(args, files, catalogue, output)


def _search_for(args: argparse.Namespace, files: list[Path], catalogue: Path, output: Path | None) -> int:
    # only now that the call stands: this brings NumPy and TensorFlow
    from dl4art.siamese import FabricComparer
    from dl4art.siamese.canvas_files import CanvasFiles
    from dl4art.siamese.collection_encoding import EncodeOptions
    from dl4art.siamese.collection_run import search_catalogue
    from dl4art.siamese.collection_text import search_text

    comparer = FabricComparer.from_pretrained(args.model)
    options = EncodeOptions(args.crops, args.seed, **cli.scale_arguments(args))
    canvas = CanvasFiles(Path(args.a).name, tuple(files))
    found = search_catalogue(
        comparer, canvas, catalogue=catalogue, options=options, top=args.top or 10, progress=_progress(args)
    )
    failed = [f"{plate.file}: {plate.message}" for plate in found.failed]
    if found.canvas is None:
        return _refused(failed)
    if output:
        tables.write_json(output, found.to_dict())
    print(search_text(found, found.canvas))
    if output:
        print(f"\nwritten to {output}")
    return _refused(failed) if failed else 0


def _progress(args: argparse.Namespace) -> Callable[[int, str], AbstractContextManager[Callable[[int], None]]]:
    return lambda total, what: progress(total, what, quiet=args.quiet)


def _compare(args: argparse.Namespace) -> int:
    output = _output(args.output, ".json") if args.output else None
    report = _output(args.report, ".html") if args.report else None
    paths = [_file(name) for name in (args.a, args.b)]
    with _holding(output, report):
        return _compare_plates(args, paths, output, report)


def _compare_plates(args: argparse.Namespace, paths: Sequence[Path], output: Path | None, report: Path | None) -> int:
    # only now that the call stands: this brings NumPy and TensorFlow
    from dl4art.cropping import read_plate
    from dl4art.siamese import FabricComparer

    comparer = FabricComparer.from_pretrained(args.model)
    scale = cli.scale_arguments(args)
    plates, failed = [], []
    for path in paths:
        try:
            plates.append(read_plate(path, **scale))
        except Exception as error:  # a sentence for each of the two, whatever is wrong with it
            failed.append(f"{path}: {reason(error, path)}")
    if failed:
        return _refused(failed)
    try:
        with progress(2 * args.crops, "comparing", quiet=args.quiet) as advance:
            canvases = [comparer.encode(plate, crops=args.crops, seed=args.seed, advance=advance) for plate in plates]
        result = comparer.compare_encoded(*canvases)
        woven = _woven(args, plates) if report else None
    except InputError as error:
        return _refused([str(error)])
    parameters = {"crops": args.crops, **scale}
    if output:
        match = {"weave_match": woven.match.to_dict()} if woven else {}
        tables.write_json(output, result.to_dict() | match | {"parameters": parameters})
    print(_text(result))
    if woven:
        print(f"\n{_wrapped('weave match: ' + woven.match.sentence)}")
    if report:
        from dl4art.siamese.comparison_report import write_comparison
        from dl4art.utils.provenance import provenance

        about = provenance(parameters=parameters | {"seed": args.seed}, inputs=paths, model=comparer.name)
        write_comparison(report, comparer, plates, canvases, result, about=about, weave=woven)
    for written in filter(None, (output, report)):
        print(f"\nwritten to {written}")
    return 0


@contextmanager
def _holding(*results: Path | None) -> Iterator[None]:
    """Hold the files that are to be written."""
    with ExitStack() as stack:
        for path in filter(None, results):
            stack.enter_context(held(path))
        yield


def _woven(args: argparse.Namespace, plates: Sequence[Plate]) -> WovenPlates:
    from dl4art.regression import ThreadCounter
    from dl4art.siamese.comparison_report import match_plates

    with progress(_STEPS, "matching the weave", quiet=args.quiet) as advance:
        return match_plates(plates, ThreadCounter.from_pretrained(), seed=args.seed, advance=in_steps(advance, _STEPS))


def _output(name: str, kind: str) -> Path:
    path = Path(name)
    if path.is_dir():
        raise OutputError(f"{path}: is a folder. Give the name of a file, e.g. {path / 'result'}{kind}.")
    path = path if path.suffix else path.with_suffix(kind)
    if path.suffix.lower() != kind:
        what = "comparison" if kind == ".json" else "report"
        raise OutputError(f"{path}: a {what} is written as {kind}. Choose a name that ends so.")
    tables.check_output(path)
    return path


def _file(name: str) -> Path:
    path = Path(name)
    if path.is_dir():
        raise InputError(f"{path}: is a folder. Name the file of one plate.")
    if not path.exists():
        raise InputError(f"{path}: no such file. Check its name; you are in {Path.cwd()}.")
    return path


def _refused(sentences: Sequence[str]) -> int:
    for sentence in sentences:
        print(f"error: {sentence}", file=sys.stderr)
    return cli.SOME_FAILED


def _text(result: Comparison) -> str:
    rows = [_HEADER, _row("A", result.a), _row("B", result.b)]
    sure = f"(95 % interval {result.low:.2f} to {result.high:.2f}; {result.pairs} pairs of crops)"
    remarks = [_wrapped(f"- {tables.plain_text(text)}", indent=2) for text in result.warnings]
    return "\n\n".join(
        [
            tables.text_table(rows, numeric=(3,)),
            f"similarity  {result.similarity:.2f}  {sure}\n"
            + _wrapped(f"verdict     {result.verdict}: {result.meaning}", indent=12),
            _wrapped(" ".join(result.in_words())),
            *(["\n".join(remarks)] if remarks else []),
        ]
    )


def _row(letter: str, canvas: CanvasRecord) -> tuple[str, ...]:
    name = tables.plain_text(os.path.basename(canvas.file))
    return (
        letter,
        name,
        f"{canvas.width_cm:.1f} x {canvas.height_cm:.1f}",
        str(canvas.crops),
        f"{canvas.vertical_per_cm:.2f} ± {canvas.vertical_sd:.2f}",
        f"{canvas.horizontal_per_cm:.2f} ± {canvas.horizontal_sd:.2f}",
        f"{canvas.control.similarity:.2f}",
    )


def _wrapped(text: str, indent: int = 0) -> str:
    width = max(60, min(100, shutil.get_terminal_size().columns))
    return textwrap.fill(text, width, subsequent_indent=" " * indent, break_on_hyphens=False)


if __name__ == "__main__":
    sys.exit(main())
