"""The doors that train on pictures of one's own, with little to learn and little that learns; see `doors`."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np

from robustness.door import Door
from robustness.photograph_doors import draw, without_drawing


def _classes(folder: Path) -> None:
    for label in ("one", "other"):
        (folder / label).mkdir()
        for number in range(3):
            draw(number + 10 * (label == "other")).save(folder / label / f"{number}w.png")


def _labelled(folder: Path) -> None:
    from PIL import Image

    for number in range(3):
        picture = draw(number, 32, 40)
        grey = np.asarray(picture)[..., 1]
        mask = np.where(grey < 40, 1, np.where(grey > 225, 2, 0)).astype(np.uint8)
        picture.save(folder / f"w{number}.png")
        Image.fromarray(mask).save(folder / f"w{number}_mask.png")


def _noting_folds(stack: ExitStack, worked: list[str], module: Any) -> None:
    """Note which folds are learnt."""
    inner = module.cross_validate

    def noted(found: Any, folds: Any, learn: Any, *args: Any, **how: Any) -> Any:
        def learning(fold: Any, number: int) -> Any:
            worked.append(f"fold-{number + 1:02d}.npz")
            return learn(fold, number)

        return inner(found, folds, learning, *args, **how)

    stack.enter_context(mock.patch.object(module, "cross_validate", noted))


def _folds(out: Path) -> set[str]:
    return {path.name for path in out.glob("folds/fold-*.npz")}


def _patterns(stack: ExitStack, worked: list[str]) -> None:
    from dl4art.utils import class_training

    _noting_folds(stack, worked, class_training)
    without_drawing(stack, "utils")


def _artworks(stack: ExitStack, worked: list[str]) -> None:
    """Patterns, which learn at once, for a network."""
    from dl4art.craquelure.patterns import PatternTrainer
    from dl4art.paintings import artworks

    stack.enter_context(mock.patch.object(artworks, "trainer", side_effect=lambda *_: PatternTrainer()))
    stack.enter_context(mock.patch.object(artworks, "build_artwork_network"))
    _patterns(stack, worked)


class _Painter:
    """Says of a picture what its light says."""

    def predict(self, pictures: Any) -> Any:
        """Probabilities of two painters."""
        light = np.asarray(pictures, np.float64).mean(axis=(1, 2, 3)) / 255
        return np.stack([light, 1 - light], axis=-1).astype(np.float32)


def _weights(folder: Path, config: dict[str, Any], card: str) -> Any:
    """Write a model folder whose weights are a few bytes."""
    from dl4art.utils.files import atomic_path, make_folder
    from dl4art.utils.models import write_model

    make_folder(folder)
    with atomic_path(folder / "model.npz") as path, open(path, "wb") as file:
        np.savez(file, np.arange(9.0))
    return write_model(folder, config=config, calibration={}, card=card)


def _painters(stack: ExitStack, worked: list[str]) -> None:
    from dl4art.paintings import painter_training as room

    def taught(_settings: Any, _pictures: Any, _groups: Any, folder: Path, **_how: Any) -> Any:
        return _weights(folder / "model", {"kind": "autoencoder"}, "taught\n")

    def saved(_classifier: Any, folder: Path, *, config: Any, card: str, **_how: Any) -> Any:
        return _weights(folder, config, card)

    def described(_network: Any, _pooling: Any, pictures: Any) -> Any:
        return pictures.mean(axis=(1, 2)).astype(np.float32)

    stands = {
        "train_autoencoder": taught,
        "open_autoencoder": lambda _: (SimpleNamespace(), None, None),
        "write_reconstructions": lambda *_: None,
        "build_pooling": lambda _: None,
        "pooled_features": described,
        "train_classifier": lambda *_: (_Painter(), {"loss": [1.0, 0.5]}),
        "answer": lambda network, pictures, *_: network.predict(pictures),
        "save_painters": saved,
    }
    for name, stand in stands.items():
        stack.enter_context(mock.patch.object(room, name, stand))
    _noting_folds(stack, worked, room)
    without_drawing(stack, "utils", "paintings")


def _segmenters(stack: ExitStack, worked: list[str]) -> None:
    """Let a network of one convolution learn."""
    import keras

    from dl4art.craquelure import own_release, own_training
    from dl4art.craquelure.networks import NETWORKS
    from dl4art.utils.checkpoints import Checkpoints

    def network(parts: Any, picture: Any, counts: Any) -> Any:
        features = parts.conv(keras.layers.Rescaling(1 / 127.5, offset=-1)(picture), counts[0], size=1)
        parts.begin_decoder()
        return parts.conv(features, counts[0], size=1)

    ended = Checkpoints.on_epoch_end

    def noted(self: Any, epoch: int, logs: Any = None) -> None:
        worked.append(str(epoch))
        ended(self, epoch, logs)

    stack.enter_context(mock.patch.dict(NETWORKS, {"light": (network, (2,))}))
    stack.enter_context(mock.patch.object(own_training, "_LEAST_STEPS", 1))
    stack.enter_context(mock.patch.object(own_release, "_tuned", return_value=None))
    stack.enter_context(mock.patch.object(Checkpoints, "on_epoch_end", noted))


def _epochs(out: Path) -> set[str]:
    path = out / "training.json"
    return {str(int(row["epoch"])) for row in json.loads(path.read_text("utf-8"))["curve"]} if path.exists() else set()


def _words(what: str, *more: str) -> Any:
    return lambda inputs, out: [what, "--data", str(inputs), "-o", str(out), *more]


_OTHER_PICTURES = "holds a training with other p"
TRAINING_DOORS = (
    Door(
        "train craquelure",
        _classes,
        _words("craquelure", "--folds", "3", "--side", "32", "--windows", "2"),
        _patterns,
        _folds,
        other=("--seed", "2"),
        refuses=_OTHER_PICTURES,
    ),
    Door(
        "train artwork",
        _classes,
        _words("artwork", "--folds", "3", "--side", "32", "--windows", "2"),
        _artworks,
        _folds,
        other=("--seed", "2"),
        refuses=_OTHER_PICTURES,
    ),
    Door(
        "train painter",
        _classes,
        _words("painter", "--folds", "3", "--px", "32"),
        _painters,
        _folds,
        other=("--seed", "2"),
        refuses=_OTHER_PICTURES,
    ),
    Door(
        "train segmenter",
        _labelled,
        _words("segmenter", "--network", "light", "--window", "32", "--epochs", "2"),
        _segmenters,
        _epochs,
        other=("--seed", "2"),
        refuses=_OTHER_PICTURES,
        network=True,
        slow=True,
    ),
)
"""A door more is an entry more. The other trainings have tests of their own that interrupt them."""
