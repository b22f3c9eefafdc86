"""What the training command does with painters: teach an autoencoder, train and test a classifier on its features."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dl4art.utils import cli, tables
from dl4art.utils.backend import load_keras
from dl4art.utils.errors import Dl4artError, InputError, reason
from dl4art.utils.files import check_unchanged, file_state
from dl4art.utils.progress import progress

if TYPE_CHECKING:
    from dl4art.paintings.autoencoder_training import AutoencoderSettings

Tell = Callable[[str], None]
KINDS = ("autoencoder", "painter")
"""What can be trained so."""
_ENCODER = ("px", "fit", "size", "unpooling", "loss", "encoder_epochs", "steps")
_SIZES = ("thin", "full")


def main(argv: Sequence[str]) -> int:
    """Run ``train autoencoder`` or ``train painter`` with these arguments, and return the exit code."""
    return cli.run(_train, _parser(argv[0]), argv)


def _parser(what: str) -> argparse.ArgumentParser:
    alone = what == "autoencoder"
    parser = argparse.ArgumentParser(
        prog=f"python -m dl4art.train {what}",
        description="Teach a convolutional autoencoder on any pictures, without labels."
        if alone
        else "Train a classifier of painters on the features of an autoencoder, and test it beside its rivals.",
        epilog="The same command goes on after a stop."
        if alone
        else "A folder for each painter: FOLDER/PAINTER/picture.jpg. Views of one painting go into a folder of their "
        "own in it, are named NAME_1, NAME_2, or are listed in FOLDER/groups.csv (file,group); they are never on both "
        "sides. The same command goes on after a stop.",
        parents=[cli.general_options()],
    )
    parser.add_argument("what", choices=[what], help=argparse.SUPPRESS)
    pictures = "pictures, folders in it whole" if alone else "a folder for each painter"
    parser.add_argument("--data", metavar="FOLDER", required=True, help=pictures)
    parser.add_argument("-o", "--output", required=True, metavar="FOLDER", help="gets the results and the model")
    number = cli.positive_integer
    parser.add_argument("--seed", type=_seed, default=1, metavar="N", help="of everything (default: 1)")
    encoder = parser.add_argument_group("the autoencoder")
    if not alone:
        encoder.add_argument(
            "--encoder", metavar="FOLDER", help="one that is taught already, and its way with pictures"
        )
    encoder.add_argument(
        "--px", type=number, metavar="N", help="side of the squares that pictures become (default: 256)"
    )
    encoder.add_argument(
        "--fit", choices=("pad", "crop", "stretch"), help="how: with black borders, cut, or out of shape (default: pad)"
    )
    encoder.add_argument(
        "--size",
        choices=_SIZES,
        help="thin: 16 and 32 filters (default); full: 200 and 200, as in the study, for a GPU",
    )
    encoder.add_argument(
        "--unpooling", choices=("upsampling", "positions"), help="how the decoder enlarges (default: upsampling)"
    )
    encoder.add_argument(
        "--loss",
        choices=("mse", "kullback-leibler"),
        help="default: mse; the other weighs errors in dark colours more, and may shift colours",
    )
    word = "epochs" if alone else "encoder-epochs"
    encoder.add_argument(f"--{word}", dest="encoder_epochs", type=number, metavar="N", help="at most (default: 25)")
    encoder.add_argument("--steps", type=number, metavar="N", help="batches in an epoch (default: 100)")
    if not alone:
        _head_options(parser)
    return parser


def _head_options(parser: argparse.ArgumentParser) -> None:
    number = cli.positive_integer
    head = parser.add_argument_group("the classifier")
    head.add_argument(
        "--head",
        choices=("texture", "flat"),
        help="what it gets of the features: how they go together (default), or all, as in the study (246 million "
        "weights at full size)",
    )
    head.add_argument(
        "--thaw",
        action="store_true",
        help="teach the encoder, too, once the rest has learnt: slow, "
        "and with few pictures it forgets more than it learns",
    )
    head.add_argument("--epochs", type=number, metavar="N", help="at most (default: 100)")
    head.add_argument("--rate", type=cli.positive_number, metavar="X", help="learning rate (default: 0.001)")
    testing = parser.add_argument_group("testing")
    testing.add_argument("--folds", type=number, metavar="N", help="parts that are tested on in turn (default: 10)")
    testing.add_argument("--repeats", type=number, metavar="N", help="how often they are dealt out anew (default: 1)")
    testing.add_argument("--apart", action="store_true", help="pictures with equal names but for a number are apart")


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of zero or more")
    return int(text)


def _train(args: argparse.Namespace) -> int:
    def tell(text: str) -> None:
        if not args.quiet:
            print(text, file=sys.stderr, flush=True)

    if not Path(args.data).is_dir():
        raise InputError(f"{args.data}: no such folder. Give the folder that has the pictures.")
    try:
        model = (_train_autoencoder if args.what == "autoencoder" else _train_painter)(args, tell)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"what is done is in {args.output}; the same command goes on from there") from None
    print(f"trained and tested: {model}")
    return 0


def _autoencoder_settings(args: argparse.Namespace) -> AutoencoderSettings:
    from dl4art.paintings.autoencoder import RATES, SIZES
    from dl4art.paintings.autoencoder_training import AutoencoderSettings

    given = {name: getattr(args, name) for name in ("px", "fit", "unpooling", "loss", "steps", "seed")}
    size = args.size or "thin"
    given |= {"epochs": args.encoder_epochs, "filters": SIZES[size], "rate": RATES[size]}
    return AutoencoderSettings(**{name: value for name, value in given.items() if value is not None})


def _train_autoencoder(args: argparse.Namespace, tell: Tell) -> Path:
    from dl4art.cropping.photographs import fingerprint
    from dl4art.utils.class_folders import PHOTOGRAPHS

    data, output = Path(args.data), Path(args.output)
    files = [path for path in cli.gather([data], PHOTOGRAPHS) if output.resolve() not in path.resolve().parents]
    seen: dict[str, Path] = {}
    states = {path: file_state(path) for path in files}
    left_out: list[dict[str, str]] = []
    with progress(len(files), "reading", quiet=args.quiet) as advance:
        for path in files:
            try:
                twin = seen.setdefault(fingerprint(path), path)
            except (Dl4artError, OSError) as error:
                left_out.append({"file": str(path), "why": reason(error, path)})
            else:
                if twin is not path:
                    left_out.append({"file": str(path), "why": f"shows the same as {twin}"})
            advance(1)
    paths = list(seen.values())
    print(f"{len(paths)} pictures to use, {len(left_out)} left out", flush=True)
    for row in left_out:
        tell(tables.terminal_text(f"left out: {row['file']}: {row['why']}"))

    load_keras()
    import hashlib

    from dl4art.paintings.autoencoder_training import check_enough, open_autoencoder, train_autoencoder
    from dl4art.paintings.painter_training import spread, write_reconstructions
    from dl4art.paintings.standard import read_all
    from dl4art.utils.files import make_folder

    settings = _autoencoder_settings(args)
    check_enough(settings, len(paths))
    make_folder(output)
    tables.write_csv(output / "left_out.csv", ("file", "why"), left_out)
    pictures = read_all(paths, settings.px, settings.fit)
    for path in paths:  # what is learnt from must be what was looked at
        check_unchanged(path, states[path])
    fingers = hashlib.sha256("\n".join(sorted(seen)).encode()).hexdigest()
    names = [str(path.relative_to(data)) for path in paths]
    model = train_autoencoder(settings, pictures, names, output, fingerprint=fingers, tell=tell, quiet=args.quiet)
    write_reconstructions(open_autoencoder(model.path)[1], pictures[spread(len(pictures))], output)
    print(f"squared error on pictures held out: {model.calibration['squared_error_held_out']:.5f} (0 to 1)")
    return model.path


def _train_painter(args: argparse.Namespace, tell: Tell) -> Path:
    said = [name for name in _ENCODER if getattr(args, name) is not None]
    if args.encoder and said:
        raise InputError(
            f"--{said[0].replace('_', '-')} has no meaning with --encoder, which has its own. Leave it out."
        )
    from dl4art.cropping.photographs import fingerprint
    from dl4art.utils.class_folders import PHOTOGRAPHS, read_class_folders
    from dl4art.utils.folds import make_folds

    data, output = Path(args.data), Path(args.output)
    with progress(len(cli.gather([data], PHOTOGRAPHS)), "reading", quiet=args.quiet) as advance:
        grouping: Any = "picture" if args.apart else "name"
        found = read_class_folders(data, fingerprint, grouping=grouping, leave=[output], advance=advance)
    rows = [(tables.terminal_text(name), *rest) for name, *rest in found.rows()]
    print(tables.text_table([("painter", "pictures", "paintings"), *rows], numeric=(1, 2)), flush=True)
    for path, why in found.left_out:
        tell(tables.terminal_text(f"left out: {path}: {why}"))
    # impossible folds are told before anything heavy
    make_folds(found, args.folds or 10)
    if found.left_out:
        print(f"left out: {len(found.left_out)}, see {output / 'left_out.csv'}", flush=True)

    load_keras()
    from dl4art.paintings.heads import HeadSettings
    from dl4art.paintings.painter_training import PainterSettings, train_painters

    given = {"pooling": args.head, "epochs": args.epochs, "rate": args.rate}
    settings = PainterSettings(
        head=HeadSettings(**{n: v for n, v in given.items() if v is not None}, thaw=args.thaw),
        autoencoder=_autoencoder_settings(args),
    )
    more = {name: getattr(args, name) for name in ("folds", "repeats", "seed") if getattr(args, name) is not None}
    settings = dataclasses.replace(settings, **more)
    model = train_painters(settings, found, output, encoder=args.encoder, tell=tell, quiet=args.quiet)
    print((output / "evaluation.txt").read_text(encoding="utf-8"))
    print((output / "baselines.txt").read_text(encoding="utf-8"))
    return model
