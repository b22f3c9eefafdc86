"""Train what counts, compares, segments or classifies, on simulated data or on your own."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dl4art import _train_classes, _train_painters
from dl4art._train_segmenter import add_options, train_on_photographs
from dl4art.utils import cli, tables
from dl4art.utils.backend import load_keras
from dl4art.utils.errors import InputError
from dl4art.utils.files import make_folder
from dl4art.utils.holding import held

_OPTIONS = {
    "counter": {"epochs", "crops", "draws", "check", "seed"},
    "comparer": {"epochs", "families", "steps", "check", "seed"},
    "segmenter": {"epochs", "pictures", "steps", "check", "seed"},
}
_NUMBERS = ("epochs", "crops", "draws", "families", "pictures", "steps", "check", "seed")
_WORDS = {
    "data": "--data",
    "unlabelled": "--unlabelled",
    "base": "--from",
    "architecture": "--architecture",
    "preset": "--preset",
    "px_per_cm": "--px-per-cm",
    "dpi": "--dpi",
    "size_cm": "--size-cm",
    "network": "--network",
    "encoder_weights": "--encoder-weights",
    "window": "--window",
}
_SOURCES = {"data", "unlabelled"}
_SCALE = {"px_per_cm", "dpi", "size_cm"}
_WITH = {
    ("counter", "data"): {"base", "architecture", "preset"},
    ("counter", "unlabelled"): {"base", *_SCALE},
    ("comparer", "data"): {"base", *_SCALE},
    ("segmenter", "data"): {"base", "network", "encoder_weights", "window"},
}
"""What goes with data of one's own."""
_FOLDERS = (*_train_classes.KINDS, *_train_painters.KINDS)
_UNSURE = {("counter", "unlabelled"), ("comparer", "data")}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments, those of the process if left out, and return its exit code."""
    words = sys.argv[1:] if argv is None else argv
    if words and words[0] in _train_classes.KINDS:
        return _train_classes.main(words)
    if words and words[0] in _train_painters.KINDS:
        return _train_painters.main(words)
    return cli.run(_train, _parser(), argv)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m dl4art.train",
        description=__doc__,
        epilog="Without options the recipe is that of the shipped weights. What is done is on disk after each epoch. "
        f"What learns from folders of pictures has options of its own: python -m dl4art.train {'|'.join(_FOLDERS)} "
        "--help.",
        parents=[cli.scale_options(), cli.general_options()],
    )
    parser.add_argument("what", choices=sorted(_OPTIONS), help="what to train")
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="gets crops, state and model")
    parser.add_argument("--epochs", type=cli.positive_integer, metavar="N", help="passes over the draws")
    parser.add_argument("--crops", type=cli.positive_integer, metavar="N", help="counter: simulated crops to train on")
    parser.add_argument("--draws", type=cli.positive_integer, metavar="N", help="counter: windows seen in an epoch")
    parser.add_argument("--families", type=cli.positive_integer, metavar="N", help="comparer: families of cloths")
    parser.add_argument("--pictures", type=cli.positive_integer, metavar="N", help="segmenter: simulated paintings")
    parser.add_argument(
        "--steps", type=cli.positive_integer, metavar="N", help="comparer, segmenter: batches in an epoch"
    )
    parser.add_argument(
        "--check",
        type=cli.positive_integer,
        metavar="N",
        help="crops, families or paintings to test on (and calibrate)",
    )
    parser.add_argument("--seed", type=_seed, metavar="N", help="seed of the training")
    parser.add_argument(
        "--workers",
        type=cli.positive_integer,
        default=2,
        metavar="N",
        help="processes that simulate, threads that warp (default: 2)",
    )
    own = parser.add_argument_group("on data of one's own")
    own.add_argument(
        "--data",
        metavar="FOLDER",
        help="counter: crops with labels (NAME.json, or NAME_V.npz and NAME_H.npz), of three canvases at least; a "
        "canvas is a folder, or the name before the last number. Comparer: a folder of plates for each canvas, or a "
        "table with the columns canvas and file; six canvases at least, three of them with two plates. Segmenter: "
        "photographs with labels (labelme, or NAME_mask.png with the numbers of the classes), two at least",
    )
    own.add_argument(
        "--unlabelled",
        nargs="+",
        metavar="FOLDER|FILE",
        help="counter: plates or crops without labels, of the canvas at hand; what the counter is sure of teaches it",
    )
    own.add_argument(
        "--from",
        dest="base",
        metavar="shipped|FOLDER",
        help="start from these weights (default: the shipped ones; with labels from nothing)",
    )
    add_options(own)
    own.add_argument("--architecture", choices=("vgg", "vgg-inception"), help="of a counter (default: vgg)")
    own.add_argument("--preset", choices=("upstream",), help="recipe of the upstream project, with vgg-inception")
    return parser


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of zero or more")
    return int(text)


def _train(args: argparse.Namespace) -> int:
    given = {name: getattr(args, name) for name in _NUMBERS if getattr(args, name) is not None}
    _check_words(args, given)
    folder = Path(args.output)

    def tell(text: str) -> None:
        if not args.quiet:
            print(text, file=sys.stderr, flush=True)

    try:
        if (learn := _LEARN.get((args.what, _source(args)))) is not None:
            model = learn(args, given, tell)
        else:
            model = _TRAIN[args.what](given, folder, args.workers, tell)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"what is done is in {folder}; the same command goes on from there") from None
    # canvases of one's own are too few to calibrate on, and without labels there may be nothing to learn
    done = "trained, calibrated and tested" if (args.what, _source(args)) not in _UNSURE else "done"
    if args.what == "segmenter":
        done = "trained and tested"
    print(f"{done}: {model}")
    return 0


def _source(args: argparse.Namespace) -> str:
    """Tell which data of one's own are given; none if empty."""
    return next((name for name in _SOURCES if getattr(args, name) is not None), "")


def _check_words(args: argparse.Namespace, given: dict[str, Any]) -> None:
    """Raise InputError if words are given that mean nothing together."""
    said = {name: word for name, word in _WORDS.items() if getattr(args, name) is not None}
    source = _source(args)
    if len(said.keys() & _SOURCES) > 1:
        raise InputError("--data is for what is labelled and --unlabelled for the rest: leave one out.")
    if said and not source:
        raise InputError(f"{' and '.join(said.values())} has no meaning without --data or --unlabelled, your own data.")
    known = {f"--{name}": name in _OPTIONS[args.what] for name in given}
    if source:
        # a counter has no plates to learn from pairwise, a comparer no use for single ones
        known |= {word: name in {source, *_WITH.get((args.what, source), ())} for name, word in said.items()}
        known[_WORDS[source]] = (args.what, source) in _WITH
    if strange := [word for word, yes in known.items() if not yes]:
        raise InputError(f"{' and '.join(strange)} has no meaning for a {args.what}. Leave it out.")


def _train_counter(given: dict[str, Any], folder: Path, workers: int, tell: Callable[[str], None]) -> Path:
    load_keras()
    from dl4art.regression.release import finish_model
    from dl4art.regression.training import TrainingSettings, train_counter

    settings = dataclasses.replace(TrainingSettings(), **given)
    with _working_in(folder):
        train_counter(settings, folder, workers=workers, tell=tell)
        return finish_model(settings, folder, workers=workers, tell=tell)


def _train_on_labels(args: argparse.Namespace, given: dict[str, Any], tell: Callable[[str], None]) -> Path:
    files = cli.gather([args.data], (*cli.PICTURES, ".json", ".npz"))
    if not Path(args.data).is_dir():
        raise InputError(f"{args.data}: is not a folder. Name the folder of all labelled crops.")
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
    with _working_in(output):
        weights = train_labelled(settings, split, output, base=start, workers=args.workers, tell=tell, quiet=args.quiet)
        return finish_labelled(settings, split, output, weights, before, workers=args.workers, tell=tell)


def _train_comparer(given: dict[str, Any], folder: Path, workers: int, tell: Callable[[str], None]) -> Path:
    load_keras()
    from dl4art.siamese.release import finish_comparer
    from dl4art.siamese.training import ComparerSettings, train_comparer

    settings = dataclasses.replace(ComparerSettings(), **given)
    with _working_in(folder):
        train_comparer(settings, folder, workers=workers, tell=tell)
        return finish_comparer(settings, folder, workers=workers, tell=tell)


def _train_on_canvases(args: argparse.Namespace, given: dict[str, Any], tell: Callable[[str], None]) -> Path:
    from dl4art.siamese.canvas_files import collection_files

    output = Path(args.output)
    canvases = collection_files(args.data, leave=[output], least=0)

    from functools import partial

    from dl4art.cropping.reading import read_plate
    from dl4art.siamese import own_plates

    opened = partial(read_plate, assume_crop=True, **cli.scale_arguments(args))
    plates = own_plates.own_plates(canvases, opened)
    own_plates.check_enough(plates, args.data)

    load_keras()
    from dl4art.regression import CombinedCounter
    from dl4art.siamese.own_release import find_own_base, finish_own
    from dl4art.siamese.own_training import OwnSettings, claim_own, train_own
    from dl4art.utils.progress import progress

    base, network = find_own_base(args.base or "shipped")
    settings = dataclasses.replace(OwnSettings(), base=f"{base.name} {base.sha256[:8]}", **given)
    counter = CombinedCounter.from_pretrained()
    with _working_in(output):
        claim_own(settings, plates, output, counter=counter.name, **cli.scale_arguments(args))
        with progress(len(plates), "framing plates", quiet=args.quiet) as advance:
            framed = own_plates.frame_plates(
                plates,
                output / "plates",
                counter,
                crops=settings.crops,
                seed=settings.seed,
                opened=opened,
                advance=advance,
            )
        left_out = [plate for plate in framed if not len(plate)]
        for plate in left_out:
            tell(f"left out: {plate.plate.name}: {plate.message}")
        readable = [plate for plate in framed if len(plate)]
        own_plates.check_enough([plate.plate for plate in readable], args.data, "readable ")
        split = own_plates.split_plates(readable, settings.seed)
        rows = [(tables.plain_text(name), *map(str, rest)) for name, *rest in own_plates.canvas_rows(split)]
        print(tables.text_table([("canvas", "plates", "crops", "for"), *rows], numeric=(1, 2)), flush=True)
        trained = train_own(
            settings, split, output, network, base.weights, workers=args.workers, tell=tell, quiet=args.quiet
        )
        return finish_own(settings, split, output, base, trained, left_out=left_out, workers=args.workers, tell=tell)


def _train_unlabelled(args: argparse.Namespace, given: dict[str, Any], tell: Callable[[str], None]) -> Path:
    output = Path(args.output)
    files = [path for path in cli.gather(args.unlabelled) if output.resolve() not in path.resolve().parents]

    from functools import partial

    from dl4art.cropping.reading import read_plate
    from dl4art.regression.presets import PRESETS, find_base
    from dl4art.regression.unlabelled import read_unlabelled

    base = find_base(args.base or "shipped")
    if base.architecture != "vgg":
        raise InputError(
            f"--from names a model of architecture {base.architecture}, which reads no plates. Leave it out."
        )
    settings = dataclasses.replace(PRESETS["unlabelled"], base=base.name, filters=base.filters, **given)
    opened = partial(read_plate, assume_crop=True, **cli.scale_arguments(args))
    data = read_unlabelled(files, opened, seed=settings.seed)
    for name, why in data.left_out:
        tell(f"left out: {name}: {why}")

    load_keras()
    from dl4art.regression.self_training import refine_counter

    with _working_in(output):
        return refine_counter(settings, data, output, base, workers=args.workers, tell=tell, quiet=args.quiet)


@contextmanager
def _working_in(folder: Path) -> Iterator[None]:
    """Make the folder of a training, and hold it."""
    make_folder(folder)
    with held(folder):
        yield


def _train_segmenter(given: dict[str, Any], folder: Path, workers: int, tell: Callable[[str], None]) -> Path:
    load_keras()
    from dl4art.craquelure.release import finish_segmenter
    from dl4art.craquelure.training import SegmenterSettings, train_segmenter

    settings = dataclasses.replace(SegmenterSettings(), **given)
    train_segmenter(settings, folder, workers=workers, tell=tell)
    return finish_segmenter(settings, folder, workers=workers, tell=tell)


_TRAIN = {"counter": _train_counter, "comparer": _train_comparer, "segmenter": _train_segmenter}
_LEARN = {
    ("counter", "data"): _train_on_labels,
    ("counter", "unlabelled"): _train_unlabelled,
    ("comparer", "data"): _train_on_canvases,
    ("segmenter", "data"): train_on_photographs,
}


if __name__ == "__main__":
    sys.exit(main())
