"""Train a thread counter or a fabric comparer, on simulated canvases or on labelled crops; it can be interrupted."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from dl4art.utils import cli, tables
from dl4art.utils.backend import load_keras
from dl4art.utils.errors import InputError

_OPTIONS = {
    "counter": {"epochs", "crops", "draws", "check", "seed", "data"},
    "comparer": {"epochs", "families", "steps", "check", "seed"},
}
_NUMBERS = ("epochs", "crops", "draws", "families", "steps", "check", "seed")
_WITH_DATA = {"base": "--from", "architecture": "--architecture", "preset": "--preset"}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, those of the process if left out, and return its exit code."""
    return cli.run(_train, _parser(), argv)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dl4art.train",
        description=__doc__,
        epilog="Without options the recipe is that of the shipped weights. What is done is on disk after each epoch.",
        parents=[cli.general_options()],
    )
    parser.add_argument("what", choices=sorted(_OPTIONS), help="what to train")
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="gets crops, state and model")
    parser.add_argument("--epochs", type=cli.positive_integer, metavar="N", help="passes over the draws")
    parser.add_argument("--crops", type=cli.positive_integer, metavar="N", help="counter: simulated crops to train on")
    parser.add_argument("--draws", type=cli.positive_integer, metavar="N", help="counter: windows seen in an epoch")
    parser.add_argument("--families", type=cli.positive_integer, metavar="N", help="comparer: families of cloths")
    parser.add_argument("--steps", type=cli.positive_integer, metavar="N", help="comparer: batches in an epoch")
    parser.add_argument(
        "--check", type=cli.positive_integer, metavar="N", help="crops or families to calibrate on, and to test on"
    )
    parser.add_argument("--seed", type=_seed, metavar="N", help="seed of the training")
    parser.add_argument("--workers", type=cli.positive_integer, default=2, metavar="N", help="processes (default: 2)")
    labelled = parser.add_argument_group("counter, on labelled crops")
    labelled.add_argument(
        "--data",
        metavar="FOLDER",
        help="crops with labels (NAME.json, or NAME_V.npz and NAME_H.npz), of three canvases at least; a canvas is a "
        "folder, or the name before the last number",
    )
    labelled.add_argument(
        "--from", dest="base", metavar="shipped|FOLDER", help="start from these weights (default: from nothing)"
    )
    labelled.add_argument("--architecture", choices=("vgg", "vgg-inception"), help="network (default: vgg)")
    labelled.add_argument("--preset", choices=("upstream",), help="recipe of the upstream project, with vgg-inception")
    return parser


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of zero or more")
    return int(text)


def _train(args: argparse.Namespace) -> int:
    given = {name: getattr(args, name) for name in _NUMBERS if getattr(args, name) is not None}
    stated = given if args.data is None else {**given, "data": args.data}
    if strange := [f"--{name}" for name in stated if name not in _OPTIONS[args.what]]:
        raise InputError(f"{' and '.join(strange)} has no meaning for a {args.what}. Leave it out.")
    if args.data is None and (alone := [text for name, text in _WITH_DATA.items() if getattr(args, name) is not None]):
        raise InputError(f"{' and '.join(alone)} has no meaning without --data, the folder of labelled crops.")
    files = cli.gather([args.data], (*cli.PICTURES, ".json", ".npz")) if args.data else []
    if args.data and not Path(args.data).is_dir():
        raise InputError(f"{args.data}: is not a folder. Name the folder of all labelled crops.")

    folder = Path(args.output)

    def tell(text: str) -> None:
        if not args.quiet:
            print(text, file=sys.stderr, flush=True)

    train = _train_counter if args.what == "counter" else _train_comparer
    try:
        if args.data is None:
            model = train(given, folder, args.workers, tell)
        else:
            model = _train_on_labels(args, files, given, tell)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"what is done is in {folder}; the same command goes on from there") from None
    print(f"trained, calibrated and tested: {model}")
    return 0


def _train_counter(given: dict[str, Any], folder: Path, workers: int, tell: Callable[[str], None]) -> Path:
    load_keras()
    from dl4art.regression.release import finish_model
    from dl4art.regression.training import TrainingSettings, train_counter

    settings = dataclasses.replace(TrainingSettings(), **given)
    train_counter(settings, folder, workers=workers, tell=tell)
    return finish_model(settings, folder, workers=workers, tell=tell)


def _train_on_labels(
    args: argparse.Namespace, files: Sequence[Path], given: dict[str, Any], tell: Callable[[str], None]
) -> Path:
    from dl4art.regression.labelled import canvas_rows, read_labelled, split_crops
    from dl4art.regression.presets import choose_settings, find_base

    base = find_base(args.base) if args.base else None
    settings = choose_settings(given, base=base, architecture=args.architecture, preset=args.preset)
    output, root = Path(args.output), Path(args.data)
    # what an earlier run has left there is no data
    files = [path for path in files if output.resolve() not in path.resolve().parents]
    split = split_crops(read_labelled(files, root), settings.seed)
    rows = [(tables.plain_text(name), str(number), use) for name, number, use in canvas_rows(split)]
    print(tables.text_table([("canvas", "crops", "for"), *rows], numeric=(1,)), flush=True)

    load_keras()
    from dl4art.regression.fine_tuning import train_labelled
    from dl4art.regression.labelled_release import finish_labelled

    start, before = (base.folder.weights, base.folder.path) if base else (None, None)
    weights = train_labelled(settings, split, output, base=start, workers=args.workers, tell=tell, quiet=args.quiet)
    return finish_labelled(settings, split, output, weights, before, workers=args.workers, tell=tell)


def _train_comparer(given: dict[str, Any], folder: Path, workers: int, tell: Callable[[str], None]) -> Path:
    load_keras()
    from dl4art.siamese.release import finish_comparer
    from dl4art.siamese.training import ComparerSettings, train_comparer

    settings = dataclasses.replace(ComparerSettings(), **given)
    train_comparer(settings, folder, workers=workers, tell=tell)
    return finish_comparer(settings, folder, workers=workers, tell=tell)


if __name__ == "__main__":
    sys.exit(main())
