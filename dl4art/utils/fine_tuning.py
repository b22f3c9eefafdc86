"""What trainings that start from a model have in common: the folder they claim, the weights they come to."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

from dl4art.utils.checkpoints import Checkpoints, inner_layers, load_weights, save_weights
from dl4art.utils.errors import InputError, ModelError
from dl4art.utils.files import atomic_path
from dl4art.utils.journal import differences
from dl4art.utils.progress import progress

DATA = "data"
"""Name of the fact that is a fingerprint of what a training sees."""


def claim(folder: Path, facts: Mapping[str, Any], data: str = "other data", *, free: Container[str] = ()) -> None:
    """Write down what is trained in a folder, as ``settings.json``.

    Parameters
    ----------
    folder : Path
        The training's; it must exist.
    facts : mapping
        JSON values: the settings, and under `DATA` a fingerprint of the data.
    data : str
        What to call data whose fingerprint differs.
    free : container of str
        Names of facts that may be others each time.

    Raises
    ------
    InputError
        If the folder holds a training with other facts.
    """
    path = folder / "settings.json"
    now = json.loads(json.dumps(facts))
    if path.exists():
        try:
            before = dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError) as error:
            raise InputError(f"{path}: cannot be read ({error}). Choose another folder with -o.") from error
        if differing := [name for name in now if name not in free and before.get(name) != now[name]]:
            what = ", ".join(
                data if name == DATA else differences({name: before.get(name)}, {name: now[name]})[0]
                for name in differing
            )
            raise InputError(
                f"{folder}: holds a training with {what}. Give the command that began it, to go on, or choose another "
                "folder with -o."
            )
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(now, indent=2) + "\n", encoding="utf-8")


@contextmanager
def dtype_policy(name: str) -> Iterator[None]:
    """Build networks under a policy of Keras, such as ``mixed_bfloat16``."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(name)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def start_from(model: keras.Model, weights: str | Path) -> None:
    """Load the weights of a base, and let its normalisations stay; ModelError if they are of another network."""
    try:
        load_weights(model, weights)
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(
            f"{weights}: cannot be loaded to start from ({error}). Copy the whole folder again."
        ) from error
    # statistics of many thousand crops, which a few hundred must not replace
    for layer in inner_layers(model):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False


def fit(model: keras.Model, data: Any, held: Any, kept: Checkpoints, *, quiet: bool, until: int | None = None) -> None:
    """Train a compiled model for the epochs that are left, with a progress bar unless `quiet`.

    Parameters
    ----------
    model : keras.Model
        Where the last finished epoch left it; see `Checkpoints.restore`.
    data, held : PyDataset
        What it learns from, and what tells when to stop. Their order is their own, so that it does not depend on where
        a training was interrupted.
    kept : Checkpoints
        Of the training.
    quiet : bool
        No progress bar.
    until : int, optional
        Epochs after which to pause; those of the whole training if left out.
    """
    until = kept.epochs if until is None else until
    with progress((until - kept.done) * len(data), "training", quiet=quiet) as advance:
        model.fit(
            data,
            epochs=until,
            initial_epoch=kept.done,
            shuffle=False,
            validation_data=held,
            verbose=0,
            callbacks=[kept, keras.callbacks.LambdaCallback(on_train_batch_end=lambda *_, **__: advance(1))],
        )


def lay_between(build: Callable[[], keras.Model], base: str | Path, trained: Path, share: float, target: Path) -> Path:
    """Lay weights between those of a base and trained ones (Wortsman et al., arXiv 2109.01903).

    Parameters
    ----------
    build : callable
        Builds the network.
    base, trained : path
        Files of weights.
    share : float
        How far from the base's to the trained ones the result lies.
    target : Path
        Where it goes.

    Returns
    -------
    Path
        The target.
    """
    before, after = build(), build()
    before.load_weights(base)
    after.load_weights(trained)
    pairs = zip(before.get_weights(), after.get_weights(), strict=True)
    after.set_weights([old + share * (new - old) for old, new in pairs])
    save_weights(after, target)
    return target
