"""Train a thread counter or a fabric comparer on simulated canvases; an interrupted training goes on."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from dl4art.utils import cli
from dl4art.utils.errors import InputError

_OPTIONS = {
    "counter": {"epochs", "crops", "draws", "check", "seed"},
    "comparer": {"epochs", "families", "steps", "check", "seed"},
}


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
    parser.add_argument("--seed", type=int, metavar="N", help="seed of the training")
    parser.add_argument("--workers", type=cli.positive_integer, default=2, metavar="N", help="processes (default: 2)")
    return parser


def _train(args: argparse.Namespace) -> int:
    given = {name: getattr(args, name) for name in ("epochs", "crops", "draws", "families", "steps", "check", "seed")}
    given = {name: value for name, value in given.items() if value is not None}
    if strange := [f"--{name}" for name in given if name not in _OPTIONS[args.what]]:
        raise InputError(f"{' and '.join(strange)} has no meaning for a {args.what}. Leave it out.")

    from dl4art.utils.backend import load_keras

    load_keras()
    folder = Path(args.output)

    def tell(text: str) -> None:
        if not args.quiet:
            print(text, file=sys.stderr, flush=True)

    train = _train_counter if args.what == "counter" else _train_comparer
    try:
        model = train(given, folder, args.workers, tell)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"what is done is in {folder}; the same command goes on from there") from None
    print(f"trained, calibrated and tested: {model}")
    return 0


def _train_counter(given: dict[str, Any], folder: Path, workers: int, tell: Callable[[str], None]) -> Path:
    from dl4art.regression.release import finish_model
    from dl4art.regression.training import TrainingSettings, train_counter

    settings = dataclasses.replace(TrainingSettings(), **given)
    train_counter(settings, folder, workers=workers, tell=tell)
    return finish_model(settings, folder, workers=workers, tell=tell)


def _train_comparer(given: dict[str, Any], folder: Path, workers: int, tell: Callable[[str], None]) -> Path:
    from dl4art.siamese.release import finish_comparer
    from dl4art.siamese.training import ComparerSettings, train_comparer

    settings = dataclasses.replace(ComparerSettings(), **given)
    train_comparer(settings, folder, workers=workers, tell=tell)
    return finish_comparer(settings, folder, workers=workers, tell=tell)


if __name__ == "__main__":
    sys.exit(main())
