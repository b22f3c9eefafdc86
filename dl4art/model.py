"""List, show and check models, and pack one into a single file to hand on."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from dl4art import __version__
from dl4art.utils import cli, tables
from dl4art.utils.backend import load_keras
from dl4art.utils.errors import reason
from dl4art.utils.holding import held
from dl4art.utils.model_files import (
    ModelKind,
    check_fit,
    find_folders,
    kind_of,
    model_size,
    pack_model,
    read_card,
    unpack_model,
)
from dl4art.utils.models import ModelFolder, locate_model, open_model, shipped_models
from dl4art.utils.progress import progress

KINDS = (
    ModelKind("counter", "regression", side="window_px", px=200),
    ModelKind("comparer", "siamese", side="crop_px", px=300),
    ModelKind("segmenter", "craquelure", side="reach_px", px=None, px_per_cm=None),
    ModelKind("regions", "craquelure", side="element", px=None, px_per_cm=None),
    ModelKind("painters", "paintings", side="head", px=None, px_per_cm=None),
    ModelKind("autoencoder", "paintings", side="unpooling", px=None, px_per_cm=None),
    ModelKind("artworks", "paintings", side="window_side_px", px=None, px_per_cm=None),
)
"""What is shipped; each is loaded in `_load`."""
_ROOMS = tuple(kind.room for kind in KINDS)
_LISTED = ("model", "kind", "size", "sha256", "made by", "what for")
_CHECKED = ("model", "kind", "sha256", "status", "message")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, those of the process if left out, and return its exit code."""
    return cli.run(_model, _parser(), argv)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dl4art.model",
        description=__doc__,
        epilog="Exit code: 0 all done; 1 a model is not in order; 2 the call is wrong. "
        "Each of these answers to --help.",
    )
    parser.add_argument("--version", action="version", version=f"dl4art {__version__}")
    jobs = parser.add_subparsers(dest="job", required=True, metavar="list|show|check|pack|unpack")

    def job(name: str, what: str) -> argparse.ArgumentParser:
        return jobs.add_parser(name, help=what, description=f"{what}.".capitalize(), parents=[cli.general_options()])

    def takes_model(parser: argparse.ArgumentParser, name: str = "model", nargs: str | None = None) -> None:
        parser.add_argument(name, nargs=nargs, metavar="NAME|FOLDER", help="a shipped model, or a model folder")

    listing = job("list", "list the shipped models and those in folders")
    listing.add_argument("folders", nargs="*", metavar="FOLDER", help="model folders, and folders of such, whole")
    takes_model(job("show", "show a model's card, hash and configuration"))
    takes_model(job("check", "check that models are whole, fit this version and load"), "models", "+")
    packing = job("pack", "pack a model into one file")
    takes_model(packing)
    packing.add_argument("-o", "--output", required=True, metavar="FILE.zip", help="where it goes")
    unpacking = job("unpack", "unpack a model that was packed")
    unpacking.add_argument("file", metavar="FILE.zip", help="a packed model")
    unpacking.add_argument("-o", "--output", required=True, metavar="FOLDER", help="a new or empty folder")
    return parser


def _model(args: argparse.Namespace) -> int:
    return {"list": _list, "show": _show, "check": _check, "pack": _pack, "unpack": _unpack}[args.job](args)


def _list(args: argparse.Namespace) -> int:
    places = {locate_model(name, [room]).resolve(): name for room in _ROOMS for name in shipped_models(room)}
    for place in (place for folder in args.folders for place in find_folders(folder)):
        # a bare name would mean a shipped model
        places.setdefault(place.resolve(), str(place if len(place.parts) > 1 else place.resolve()))
    rows, failed = [], False
    for place, name in places.items():
        try:
            model = open_model(place)
            size = f"{model_size(model) / 1e6:.1f} MB"
            made_by, summary = model.config.get("dl4art", ""), read_card(place).facts.get("summary", "")
            rows.append((name, _kind(model), size, model.sha256[:8], made_by, summary))
        except Exception as error:  # one damaged model is one row
            failed = True
            rows.append((name, "", "", "", "", f"failed: {reason(error, place)}"))
    print(_table(_LISTED, rows, numeric=(2,)))
    return cli.SOME_FAILED if failed else 0


def _show(args: argparse.Namespace) -> int:
    model = open_model(locate_model(args.model, _ROOMS))
    card = read_card(model.path)
    facts = {
        "path": model.path,
        "kind": _kind(model),
        "size": f"{model_size(model)} bytes",
        "sha256": model.sha256,
        "made by": f"dl4art {model.config.get('dl4art', '?')}",
    }
    print(_table(None, [*facts.items(), *card.facts.items()]))
    print()
    text = tables.terminal_text(card.text)
    if sys.stdout.isatty():
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(text, hyperlinks=False))
    else:
        print(text)
    print("\nconfig.json:")
    print(json.dumps(model.config, indent=2))
    return 0


def _check(args: argparse.Namespace) -> int:
    rows = []
    with progress(len(args.models), "checking", quiet=args.quiet) as advance:
        for name in args.models:
            rows.append(_checked(name))
            advance(1)
    return _report(rows)


def _checked(name: str, *, load: bool = True) -> tuple[str, ...]:
    """Check one model; what is wrong with it is in the row."""
    kind = sha256 = ""
    place = Path(name)
    try:
        place = locate_model(name, _ROOMS)
        model = open_model(place)
        kind, sha256 = _kind(model), model.sha256[:8]
        read_card(place)
        fitting = check_fit(model, KINDS)
        if load:
            _load(fitting, place.resolve())  # a bare name would mean a shipped model
    except Exception as error:  # one bad model is one row, whatever is wrong with it
        return name, kind, sha256, "failed", reason(error, place)
    return name, kind, sha256, "ok", ""


def _load(kind: ModelKind, folder: Path) -> None:
    """Load a model with the class that owns it. This brings TensorFlow."""
    if kind.name == "counter":
        from dl4art.regression.count_file import load_counter

        load_counter("network", folder)
    elif kind.name == "segmenter":
        load_keras()
        from dl4art.craquelure.segmenter import Segmenter

        Segmenter.from_pretrained(folder)
    elif kind.name == "regions":
        load_keras()
        from dl4art.craquelure.regions import load_regions

        load_regions(folder)
    elif kind.name == "artworks":
        load_keras()
        from dl4art.paintings.artworks import load_artworks

        load_artworks(folder)
    elif kind.name == "painters":
        load_keras()
        from dl4art.paintings.painters import PainterClassifier

        PainterClassifier.from_pretrained(folder)
    elif kind.name == "autoencoder":
        load_keras()
        from dl4art.paintings.autoencoder_training import open_autoencoder

        open_autoencoder(folder)
    else:
        from dl4art.siamese import FabricComparer

        FabricComparer.from_pretrained(folder)


def _pack(args: argparse.Namespace) -> int:
    with held(args.output):
        model = pack_model(locate_model(args.model, _ROOMS), args.output)
    print(f"packed: {args.output}, {model.name} {model.sha256[:8]}")
    return 0


def _unpack(args: argparse.Namespace) -> int:
    unpack_model(args.file, args.output)
    return _report([_checked(str(Path(args.output).resolve()), load=False)])


def _report(rows: Sequence[tuple[str, ...]]) -> int:
    print(_table(_CHECKED, rows))
    return cli.SOME_FAILED if any(status == "failed" for *_, status, _ in rows) else 0


def _kind(model: ModelFolder) -> str:
    kind = kind_of(model.config, KINDS)
    return kind.name if kind else "?"


def _table(header: tuple[str, ...] | None, rows: Sequence[tuple[object, ...]], numeric: Sequence[int] = ()) -> str:
    # cards and settings are what others wrote
    lines = [[" ".join(tables.terminal_text(str(cell)).split()) for cell in row] for row in rows]
    return tables.text_table([header, *lines] if header else lines, numeric)


if __name__ == "__main__":
    sys.exit(main())
