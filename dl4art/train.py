"""Train a thread counter on simulated canvases; an interrupted training goes on where it stopped."""

from __future__ import annotations

import argparse
import dataclasses
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from dl4art.utils import cli

_log = logging.getLogger("dl4art.train")


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
    parser.add_argument("what", choices=("counter",), help="what to train")
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="gets crops, state and model")
    parser.add_argument("--epochs", type=cli.positive_integer, metavar="N", help="passes over the draws")
    parser.add_argument("--crops", type=cli.positive_integer, metavar="N", help="simulated crops to train on")
    parser.add_argument("--draws", type=cli.positive_integer, metavar="N", help="windows seen in an epoch")
    parser.add_argument("--check", type=cli.positive_integer, metavar="N", help="crops to calibrate on, and to test on")
    parser.add_argument("--seed", type=int, metavar="N", help="seed of the training")
    parser.add_argument("--workers", type=cli.positive_integer, default=2, metavar="N", help="processes (default: 2)")
    return parser


def _train(args: argparse.Namespace) -> int:
    from dl4art.utils.backend import load_keras

    load_keras()
    from dl4art.regression.release import finish_model
    from dl4art.regression.training import TrainingSettings, train_counter

    given = {name: getattr(args, name) for name in ("epochs", "crops", "draws", "check", "seed")}
    settings = dataclasses.replace(
        TrainingSettings(), **{name: value for name, value in given.items() if value is not None}
    )
    folder = Path(args.output)

    def tell(text: str) -> None:
        if not args.quiet:
            print(text, file=sys.stderr, flush=True)

    try:
        train_counter(settings, folder, workers=args.workers, tell=tell)
        model = finish_model(settings, folder, workers=args.workers, tell=tell)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"what is done is in {folder}; the same command goes on from there") from None
    print(f"trained, calibrated and tested: {model}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
