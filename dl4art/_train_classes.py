"""What the training command does with a folder of classes: its options, and the rooms that do the work."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dl4art.utils import cli, tables
from dl4art.utils.backend import load_keras
from dl4art.utils.errors import InputError
from dl4art.utils.progress import progress

if TYPE_CHECKING:
    from dl4art.utils.class_training import Plan

Tell = Callable[[str], None]
_CHOICES = {
    "optimizer": (("sgd", "rmsprop", "adamw"), None),
    "loss": (("categorical", "binary"), "cross-entropy over the classes (default), or of each against the rest"),
}


def main(argv: Sequence[str]) -> int:
    """Run ``train artwork`` or ``train craquelure`` with these arguments, and return the exit code."""
    return cli.run(_train, _parser(argv[0]), argv)


def _parser(what: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"python -m dl4art.train {what}",
        description=_KINDS[what][0],
        epilog=f"{_DEFAULTS[what]}A folder for each class: FOLDER/CLASS/picture.jpg. Pictures of one painting go into "
        "a folder of their own in it, are named NAME_1, NAME_2, or are listed in FOLDER/groups.csv (file,group); they "
        "are never on both sides. FOLDER/train/CLASS and FOLDER/test/CLASS say what to test on. Each fold is on disk "
        "when it is done, and the same command goes on from there.",
        parents=[cli.scale_options(), cli.general_options()] if what == "craquelure" else [cli.general_options()],
    )
    parser.add_argument("what", choices=[what], help=argparse.SUPPRESS)
    without = "" if what == "artwork" else "; without it the demonstration on simulated cracks is trained"
    parser.add_argument("--data", metavar="FOLDER", required=what == "artwork", help=f"folder of classes{without}")
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="gets the evaluation and the model")
    number = cli.positive_integer
    testing = parser.add_argument_group("testing")
    testing.add_argument("--folds", type=number, metavar="N", help="parts that are tested on in turn (default: 5)")
    testing.add_argument("--repeats", type=number, metavar="N", help="how often they are dealt out anew (default: 1)")
    testing.add_argument(
        "--in-order", action="store_true", help="cut each class into blocks by name, instead of dealing at random"
    )
    testing.add_argument("--apart", action="store_true", help="pictures with equal names but for a number are apart")
    learning = parser.add_argument_group("learning")
    learning.add_argument("--epochs", type=number, metavar="N", help="passes over the windows")
    learning.add_argument("--batch", type=number, metavar="N", help="windows in a batch")
    learning.add_argument("--rate", type=cli.positive_number, metavar="X", help="learning rate at its height")
    for name, (choices, told) in _CHOICES.items():
        learning.add_argument(f"--{name}", choices=choices, help=told)
    learning.add_argument("--windows", type=number, metavar="N", help="windows of each picture to learn from")
    learning.add_argument("--side", type=number, metavar="PX", help="of the windows")
    learning.add_argument("--seed", type=_seed, metavar="N", help="of everything (default: 1)")
    _KINDS[what][1](parser)
    return parser


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of zero or more")
    return int(text)


def _artwork_options(parser: argparse.ArgumentParser) -> None:
    network = parser.add_argument_group("the network")
    network.add_argument("--blocks", type=cli.positive_integer, metavar="N", help="of convolutions (default: 1)")
    network.add_argument("--filters", type=cli.positive_integer, metavar="N", help="of the first block (default: 32)")
    network.add_argument("--flat", action="store_true", help="join all features: 67 million weights, as in the study")
    network.add_argument("--vgg16", metavar="FILE", help="frozen VGG-16 with these weights (..._notop.h5)")
    network.add_argument("--final", action="store_true", help="fit the model on the pictures in test, too")
    network.add_argument("--h5", action="store_true", help="write the model as model.h5, too")


def _craquelure_options(parser: argparse.ArgumentParser) -> None:
    network = parser.add_argument_group("the network")
    element = network.add_mutually_exclusive_group()
    element.add_argument(
        "--element-px", type=cli.positive_integer, metavar="N", help="side of the top-hat (default: 9)"
    )
    element.add_argument("--element-mm", type=cli.positive_number, metavar="N", help="the same on the painting, in mm")
    network.add_argument(
        "--method",
        choices=("patterns", "cnn"),
        help="local patterns, for few photographs (default), or a CNN, for many",
    )
    network.add_argument("--from", dest="base", metavar="shipped|FOLDER", help="CNN: start from these weights")
    shown = parser.add_argument_group("the demonstration, without --data")
    shown.add_argument("--pictures", type=cli.positive_integer, metavar="N", help="simulated paintings")
    shown.add_argument("--check", type=cli.positive_integer, metavar="N", help="simulated paintings to test on")
    shown.add_argument("--workers", type=cli.positive_integer, default=2, metavar="N", help="processes (default: 2)")


def _train(args: argparse.Namespace) -> int:
    def tell(text: str) -> None:
        if not args.quiet:
            print(text, file=sys.stderr, flush=True)

    try:
        model = _KINDS[args.what][2](args, tell)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"what is done is in {args.output}; the same command goes on from there") from None
    print(f"trained and tested: {model}")
    return 0


def _train_artwork(args: argparse.Namespace, tell: Tell) -> Path:
    def plan(more: dict[str, Any]) -> Plan:
        from dl4art.paintings import artworks

        network = {name: getattr(args, name) for name in ("blocks", "filters") if getattr(args, name)}
        recipe = artworks.SGD_RECIPE if args.optimizer == "sgd" else artworks.RECIPE
        return artworks.artwork_plan(
            _recipe(recipe, args),
            network=artworks.ArtworkNetwork(**network, flat=args.flat, vgg16=args.vgg16 is not None),
            weights=args.vgg16,
            **more,
        )

    if args.vgg16 and (args.blocks or args.filters):
        raise InputError("--blocks and --filters have no meaning with --vgg16, which has its own. Leave them out.")
    model = _train_folder(args, plan, tell, final=args.final)
    if args.h5:
        from dl4art.paintings.artworks import load_artworks
        from dl4art.utils.files import atomic_path

        with atomic_path(Path(args.output) / "model.h5") as path:
            network: Any = load_artworks(model).network
            network.save(path)
    return model


def _train_craquelure(args: argparse.Namespace, tell: Tell) -> Path:
    if args.data is None:
        return _train_demonstration(args, tell)
    if said := [f"--{name}" for name in ("pictures", "check") if getattr(args, name)]:
        raise InputError(f"{said[0]} is for the demonstration, which has no --data. Leave one of them out.")

    method: Literal["patterns", "cnn"] = args.method or "patterns"
    learning = [name for name in ("base", "epochs", "batch", "rate", *_CHOICES) if getattr(args, name) is not None]
    if method == "patterns" and learning:
        word = learning[0].replace("base", "from")
        raise InputError(f"--{word} is for networks. Add --method cnn, or leave it out.")

    def plan(more: dict[str, Any]) -> Plan:
        from dl4art.craquelure import regions

        return regions.region_plan(
            _recipe(regions.RECIPE, args),
            method=method,
            element=regions.Element(args.element_px or regions.ELEMENT_PX, args.element_mm),
            base=regions.DEFAULT_MODEL if args.base == "shipped" else args.base,
            scale=cli.scale_arguments(args),
            **more,
        )

    return _train_folder(args, plan, tell)


def _train_demonstration(args: argparse.Namespace, tell: Tell) -> Path:
    known = ("epochs", "seed", "pictures", "check", "workers", "quiet", "verbose", "what", "output")
    given = [name for name, value in vars(args).items() if value not in (None, False) and name not in known]
    if given:
        words = {"base": "from", "in_order": "in-order"}
        named = " and ".join(f"--{words.get(name, name).replace('_', '-')}" for name in given)
        raise InputError(f"{named} has no meaning without --data, your own photographs.")
    load_keras()
    from dl4art.craquelure.region_training import RegionSettings, train_regions

    names = [name for name in ("seed", "pictures", "check") if getattr(args, name) is not None]
    settings = dataclasses.replace(RegionSettings(), **{name: getattr(args, name) for name in names})
    settings = dataclasses.replace(settings, recipe=_recipe(settings.recipe, args))
    return train_regions(settings, args.output, workers=args.workers, tell=tell, quiet=args.quiet)


def _train_folder(
    args: argparse.Namespace, plan: Callable[[dict[str, Any]], Plan], tell: Tell, *, final: bool = False
) -> Path:
    """Read the folder, say what is in it, and train."""
    data, output = Path(args.data), Path(args.output)
    if not data.is_dir():
        raise InputError(f"{data}: no such folder. Give the folder that has a folder for each class.")
    from dl4art.cropping.photographs import fingerprint
    from dl4art.utils.class_folders import PHOTOGRAPHS, read_class_folders
    from dl4art.utils.folds import make_folds

    total = len(cli.gather([data], PHOTOGRAPHS))
    with progress(total, "reading", quiet=args.quiet) as advance:
        found = read_class_folders(
            data, fingerprint, grouping="picture" if args.apart else "name", leave=[output], advance=advance
        )
    rows = [(tables.terminal_text(name), *rest) for name, *rest in found.rows()]
    print(tables.text_table([("class", "pictures", "groups"), *rows], numeric=(1, 2)), flush=True)
    for path, why in found.left_out:
        tell(tables.terminal_text(f"left out: {path}: {why}"))
    testing = {
        "folds": args.folds or 5,
        "repeats": args.repeats or 1,
        "blocks": args.in_order,
        "seed": 1 if args.seed is None else args.seed,
    }
    # impossible folds are told before anything heavy
    make_folds(found, testing["folds"], seed=testing["seed"], blocks=args.in_order)
    if found.left_out:
        print(f"left out: {len(found.left_out)}, see {output / 'left_out.csv'}", flush=True)

    load_keras()
    from dl4art.utils.class_training import train_on_classes

    windows = {word: value for word, value in (("cuts", args.windows), ("side", args.side)) if value}
    model = train_on_classes(plan(testing | windows), found, output, final=final, tell=tell, quiet=args.quiet)
    print((output / "evaluation.txt").read_text(encoding="utf-8"))
    return model


def _recipe(recipe: Any, args: argparse.Namespace) -> Any:
    names = ("epochs", "batch", "rate", *_CHOICES)
    return dataclasses.replace(recipe, **{n: getattr(args, n) for n in names if getattr(args, n) is not None})


_DEFAULTS = {
    "artwork": "By default it learns for 20 epochs from 8 windows of 256 px of each picture, turned by up to 25 "
    "degrees, in batches of 64, by RMSprop at a rate of 0.001 (0.01 for SGD). ",
    "craquelure": "",
}
_KINDS: dict[
    str,
    tuple[str, Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace, Tell], Path]],
] = {
    "artwork": ("Train a classifier of kinds of artworks, a one-block VGG.", _artwork_options, _train_artwork),
    "craquelure": ("Train a classifier of craquelure by class.", _craquelure_options, _train_craquelure),
}
KINDS = tuple(_KINDS)
"""What can be trained so."""
