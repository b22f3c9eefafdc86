"""Say which class photographs of paintings are of: craquelure by region, kinds of artworks, painters."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dl4art import __version__
from dl4art.utils import cli, tables
from dl4art.utils.backend import load_keras
from dl4art.utils.errors import InputError, reason
from dl4art.utils.files import atomic_path, check_unchanged, file_state, sha256
from dl4art.utils.holding import held
from dl4art.utils.journal import Journal, Shape
from dl4art.utils.progress import progress

if TYPE_CHECKING:
    from dl4art.utils.models import ModelFolder
    from dl4art.utils.window_classifier import Opinion

PHOTOGRAPHS = tuple(suffix for suffix in cli.PICTURES if not suffix.startswith(".dc"))
_SHIPPED = ("craquelure",)
"""Kinds that a model is shipped for."""
_ELEMENT = {"element_px": "--element-px", "element_mm": "--element-mm"}


@dataclass(frozen=True)
class Classifier:
    """What a model says of a file, and what has to be said beside it."""

    ask: Callable[[Path], Opinion]
    model: ModelFolder
    note: str = ""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, those of the process if left out, and return its exit code."""
    return cli.run(_classify, _parser(), argv)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dl4art.classify",
        description=__doc__,
        epilog="The answer is averaged over windows of the photograph (for painters it is looked at as a whole), and "
        "one of the classes is always named: look at the confidence. Train models with python -m dl4art.train. Exit "
        "code: 0 all done; 1 some files failed, the rest is written; 2 the call is wrong.",
        parents=[cli.scale_options(), cli.general_options()],
    )
    parser.add_argument("what", choices=sorted(_LOADERS), help="what to tell apart")
    parser.add_argument("inputs", nargs="+", metavar="FILE|FOLDER", help="TIFF, PNG or JPEG; folders whole")
    parser.add_argument("-o", "--output", metavar="FILE", help="write .csv or .json, and a bar chart beside it as .png")
    parser.add_argument("--format", nargs="+", choices=tables.FORMATS, help="what to write (default: as -o ends)")
    parser.add_argument("--model", metavar="NAME|FOLDER", help="the model (craquelure has a shipped one)")
    element = parser.add_mutually_exclusive_group()
    element.add_argument("--element-px", type=cli.positive_integer, metavar="N", help="craquelure: side of the top-hat")
    element.add_argument("--element-mm", type=cli.positive_number, metavar="N", help="the same on the painting, in mm")
    return parser


def _classify(args: argparse.Namespace) -> int:
    if args.format and not args.output:
        raise InputError("--format says how to write a file. Name the file with -o.")
    if not args.model and args.what not in _SHIPPED:
        raise InputError(
            f"no model for {args.what} is shipped: --model is needed, a folder that python -m dl4art.train {args.what} "
            "has made."
        )
    if args.what != "craquelure" and (said := [word for name, word in _ELEMENT.items() if getattr(args, name)]):
        raise InputError(f"{said[0]} has no meaning for {args.what}. Leave it out.")
    outputs = tables.result_paths(args.output, args.format) if args.output else {}
    chart = next(iter(outputs.values())).with_suffix(".png") if outputs else None
    for path in outputs.values():
        tables.check_output(path)
    files = cli.gather(args.inputs, PHOTOGRAPHS)
    if chart is not None:
        files = _without_chart(files, args.inputs, chart, next(iter(outputs.values())))

    with ExitStack() as stack:
        for path in filter(None, (*outputs.values(), chart)):
            stack.enter_context(held(path))
        # only now that the call stands: this brings NumPy and TensorFlow
        load_keras()
        classifier = _LOADERS[args.what](args)
        rows = _rows(files, classifier, args, next(iter(outputs.values()), None))
        print(_table(rows, list(classifier.model.config["classes"])))
        if classifier.note:
            print(f"\nnote: {classifier.note}")
        if chart is not None:
            _write(outputs, chart, rows, classifier, args)
            print(f"\nwritten to {' and '.join(map(str, [*outputs.values(), chart]))}")
    return cli.SOME_FAILED if any(row["status"] == "failed" for row in rows) else 0


def _without_chart(files: list[Path], given: Sequence[str], chart: Path, table: Path) -> list[Path]:
    """Leave out the chart of an earlier run, which lies in a folder of photographs; no photograph is to become one."""
    ours = [path for path in files if path.resolve() == chart.resolve()]
    if ours and (str(ours[0]) in given or not table.exists()):
        raise InputError(f"{ours[0]}: would be replaced by the chart. Choose another name with -o.")
    if not (left := [path for path in files if path not in ours]):
        raise InputError(f"{chart}: is a chart of answers, and there are no photographs beside it. Name some.")
    return left


def _rows(
    files: Sequence[Path], classifier: Classifier, args: argparse.Namespace, result: Path | None
) -> list[dict[str, Any]]:
    """Classify, and keep what is done in a journal beside the first output."""
    rows: dict[Path, dict[str, Any]] = {}
    settings = {**_parameters(args), "model": f"{classifier.model.name} {classifier.model.sha256[:8]}"}
    try:
        with ExitStack() as stack:
            shape = _shape(classifier.model.config["classes"])
            known = settings | {"version": __version__}
            journal = stack.enter_context(Journal(result, known, row=shape)) if result else None
            rows = journal.kept(files) if journal else {}
            advance = stack.enter_context(progress(len(files), "looking", quiet=args.quiet))
            advance(len(rows))
            for path in [path for path in files if path not in rows]:
                rows[path] = _row(path, classifier)
                # what failed may have been mended by the next run
                if journal and rows[path]["status"] == "ok":
                    journal.add(path, rows[path], content=rows[path]["sha256"])
                advance(1)
    except KeyboardInterrupt:
        if result is None and rows:
            print(_table([*rows.values()], list(classifier.model.config["classes"])))
            told = f"{len(rows)} of {len(files)} files are looked at; nothing was written, because -o was not given"
            raise KeyboardInterrupt(told) from None
        done = sum(row["status"] == "ok" for row in rows.values())
        raise KeyboardInterrupt(cli.kept_so_far(done, len(files), f"beside {result}")) from None
    return [rows[path] for path in files]


def _shape(classes: Sequence[str]) -> Shape:
    """Tell what a row of `_row` is made of, for a journal."""
    texts = ("file", "status", "class", "message", "sha256", "model", "note")
    numbers = ("confidence", *(f"p {name}" for name in classes))
    counts = ("windows", "agreeing")
    return {**dict.fromkeys(texts, str), **dict.fromkeys(numbers, int | float), **dict.fromkeys(counts, int)}


def _parameters(args: argparse.Namespace) -> dict[str, Any]:
    return {name: getattr(args, name) for name in ("what", *_ELEMENT)} | cli.scale_arguments(args)


def _load_craquelure(args: argparse.Namespace) -> Classifier:
    from dl4art.craquelure.regions import DEFAULT_MODEL, Element, element_of, load_regions, open_enhanced

    network = load_regions(args.model or DEFAULT_MODEL)
    element = element_of(network)
    if args.element_px or args.element_mm:
        element = Element(args.element_px or element.px, args.element_mm)
    scale = cli.scale_arguments(args)
    assert network.folder is not None
    return Classifier(
        lambda path: network.classify(open_enhanced(path, element, **scale)), network.folder, network.note
    )


def _load_artwork(args: argparse.Namespace) -> Classifier:
    from dl4art.cropping.photographs import read_photograph
    from dl4art.paintings.artworks import load_artworks

    network = load_artworks(args.model)
    assert network.folder is not None
    return Classifier(lambda path: network.classify(read_photograph(path)), network.folder, network.note)


def _load_painter(args: argparse.Namespace) -> Classifier:
    from dl4art.paintings.painters import PainterClassifier

    network = PainterClassifier.from_pretrained(args.model)
    assert network.folder is not None
    return Classifier(network.classify, network.folder)


_LOADERS: dict[str, Callable[[argparse.Namespace], Classifier]] = {
    "artwork": _load_artwork,
    "craquelure": _load_craquelure,
    "painter": _load_painter,
}


def _row(path: Path, classifier: Classifier) -> dict[str, Any]:
    """Classify one photograph; what is wrong with it is in the row."""
    made_by = {"model": f"{classifier.model.name} {classifier.model.sha256[:8]}", "note": classifier.note}
    state = file_state(path)
    try:
        opinion, content = classifier.ask(path), sha256(path)
        check_unchanged(path, state)
    except Exception as error:  # one bad file is one row, whatever is wrong with it
        return {"file": str(path), "status": "failed", "message": reason(error, path), "sha256": None, **made_by}
    shares = {f"p {name}": float(value) for name, value in zip(opinion.classes, opinion.probability, strict=True)}
    return {
        "file": str(path),
        "status": "ok",
        "class": opinion.said,
        "confidence": opinion.confidence,
        **shares,
        "windows": len(opinion.places),
        "agreeing": opinion.agreeing,
        "message": "",
        "sha256": content,
        **made_by,
    }


def _write(
    outputs: dict[str, Path], chart: Path, rows: list[dict[str, Any]], classifier: Classifier, args: argparse.Namespace
) -> None:
    from dl4art.utils.evaluation_figures import draw_opinions
    from dl4art.utils.pages import png
    from dl4art.utils.provenance import provenance

    classes = list(classifier.model.config["classes"])
    columns = ("file", "status", "class", "confidence", *(f"p {name}" for name in classes), "windows", "agreeing")
    for name, path in outputs.items():
        if name == "csv":
            tables.write_csv(path, (*columns, "model", "note", "message", "sha256"), rows)
        else:
            model = {"name": classifier.model.name, "sha256": classifier.model.sha256}
            inputs = [{"file": row["file"], "sha256": row["sha256"]} for row in rows]
            origin = provenance(parameters=_parameters(args), inputs=inputs, model=model)
            tables.write_json(path, {"note": classifier.note, "results": rows, "provenance": origin})
    done = [row for row in rows if row["status"] == "ok"]
    shares = [[row[f"p {name}"] for name in classes] for row in done]
    with atomic_path(chart) as path:
        path.write_bytes(png(draw_opinions([Path(row["file"]).name for row in done], classes, shares, classifier.note)))
    Journal.discard(next(iter(outputs.values())))


def _table(rows: Sequence[dict[str, Any]], classes: Sequence[str]) -> str:
    lines: list[tuple[str, ...]] = [("photograph", "status", "class", "confidence", *classes, "windows", "")]
    for row in rows:
        name = tables.terminal_text(row["file"])
        if row["status"] == "failed":
            lines.append((name, "failed", *[""] * (len(classes) + 3), " ".join(row["message"].split())))
            continue
        shares = [f"{row[f'p {known}']:.2f}" for known in classes]
        windows = f"{row['agreeing']} of {row['windows']}"
        lines.append((name, "ok", row["class"], f"{row['confidence']:.2f}", *shares, windows, ""))
    return tables.text_table(lines, numeric=range(3, 4 + len(classes)))


if __name__ == "__main__":
    sys.exit(main())
