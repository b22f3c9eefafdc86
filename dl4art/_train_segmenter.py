"""What the training command does with labelled photographs: its options, and the room that does the work."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dl4art.utils import cli, tables
from dl4art.utils.backend import load_keras
from dl4art.utils.errors import InputError
from dl4art.utils.files import make_folder
from dl4art.utils.holding import held

_PHOTOGRAPHS = tuple(suffix for suffix in cli.PICTURES if not suffix.startswith(".dc"))
_SIMULATED = ("pictures", "check")
NETWORKS = ("light", "mc-dm", "res-unet", "unet")
"""Names in `dl4art.craquelure.networks`, which brings Keras."""


def add_options(group: Any) -> None:
    """Add what can be said of a segmenter that is trained on one's own photographs."""
    group.add_argument("--window", type=cli.positive_integer, metavar="PX", help="segmenter: side of the slices (512)")
    group.add_argument(
        "--network",
        choices=NETWORKS,
        help="segmenter: train this one from nothing, instead of the shipped weights",
    )
    group.add_argument(
        "--encoder-weights",
        metavar="FILE",
        help="segmenter: of ResNet-50 on ImageNet, as Keras has them (..._notop.h5), for --network res-unet",
    )


def train_on_photographs(args: argparse.Namespace, given: dict[str, Any], tell: Callable[[str], None]) -> Path:
    """Train a segmenter on a folder of labelled photographs; print its split, what it came to, and the model."""
    if strange := [f"--{name}" for name in _SIMULATED if name in given]:
        raise InputError(f"{' and '.join(strange)} has no meaning with --data. Leave it out.")
    root, output = Path(args.data), Path(args.output)
    files = cli.gather([root], (*_PHOTOGRAPHS, ".json"))
    if not root.is_dir():
        raise InputError(f"{root}: is not a folder. Name the folder of all labelled photographs.")
    from dl4art.craquelure import own_pictures

    # what an earlier run has left there is no data
    own = own_pictures.read_own([path for path in files if output.resolve() not in path.resolve().parents], root)
    for name, why in own.left_out:
        tell(f"left out: {name}: {why}")
    if own.unlabelled:
        tell(f"pictures without labels: {own.unlabelled}")

    load_keras()
    from dl4art.craquelure.own_release import finish_own_segmenter
    from dl4art.craquelure.own_training import OwnSettings, choose_start, train_own_segmenter

    if args.window:
        given = {**given, "window_px": args.window}
    settings = dataclasses.replace(OwnSettings(), **given)
    split = own_pictures.split_pictures(own.found, settings.seed)
    rows = [(tables.terminal_text(name), *rest) for name, *rest in own_pictures.picture_rows(split)]
    print(tables.text_table([("photograph", "size in px", "for"), *rows]), flush=True)
    if own.left_out:
        print(f"left out: {len(own.left_out)} that cannot be read", flush=True)
    start = choose_start(settings, base=args.base, network=args.network, encoder_weights=args.encoder_weights)
    make_folder(output)
    with held(output):
        train_own_segmenter(start, split, output, tell=tell, quiet=args.quiet)
        done = finish_own_segmenter(start, split, output, left_out=own.left_out, tell=tell)
    print(done.outcome)
    return done.model
