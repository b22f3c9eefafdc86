"""Train a fresh classifier in each fold, and keep what it says, so that an interrupted run goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from dl4art.utils.class_folders import ClassFolders
from dl4art.utils.errors import InputError
from dl4art.utils.evaluation import Answer, Evaluation, Probabilities
from dl4art.utils.files import atomic_path, make_folder
from dl4art.utils.folds import Fold

Curve = Mapping[str, Sequence[float]]
"""Values after each epoch by name, as in `History.history` of Keras."""
Learn = Callable[[Fold, int], tuple[Probabilities, Curve]]
"""From a fold and its number to the probabilities (n, classes) of what it tests on, and the learning curve."""


def data_fingerprint(found: ClassFolders) -> str:
    """SHA-256 of what a training sees: which pictures are of which class, and what belongs together."""
    known = sorted(f"{p.label} {p.group} {p.split} {p.sha256}" for p in found.pictures)
    return hashlib.sha256("\n".join(known).encode("utf-8", "surrogateescape")).hexdigest()


def cross_validate(
    found: ClassFolders,
    folds: Sequence[Fold],
    learn: Learn,
    folder: str | Path,
    *,
    tell: Callable[[str], None] = print,
) -> tuple[Evaluation, list[Curve]]:
    """Train and test in each fold.

    Parameters
    ----------
    found : ClassFolders
        The pictures.
    folds : sequence of Fold
        From `make_folds`.
    learn : callable
        Trains a fresh classifier on a fold and asks it.
    folder : path
        Gets ``fold-01.npz`` and so on, each when it is done; those that are there are not trained again. It is of one
        training only, see `dl4art.utils.fine_tuning.claim`.
    tell : callable
        Told how each fold went.

    Returns
    -------
    evaluation : Evaluation
    curves : list of mappings
        Of each fold.

    Raises
    ------
    InputError
        If what an earlier run has left cannot be read.
    """
    folder = Path(folder)
    make_folder(folder)
    labels = np.array(found.labels, np.intp)
    answers, curves = [], []
    for number, fold in enumerate(folds):
        path = folder / f"fold-{number + 1:02d}.npz"
        if not path.exists():
            probability, curve = learn(fold, number)
            with atomic_path(path) as temporary:
                text = json.dumps({name: [float(value) for value in values] for name, values in curve.items()})
                np.savez(temporary, numbers=fold.test, probability=probability, curve=np.array(text))
        try:
            with np.load(path, allow_pickle=False) as kept:
                answer, curve = Answer(kept["numbers"], kept["probability"]), json.loads(str(kept["curve"]))
        except (OSError, ValueError, KeyError) as error:
            raise InputError(f"{path}: cannot be read ({error}). Delete it, and this fold is trained again.") from error
        right = float((labels[fold.test] == answer.probability.argmax(axis=1)).mean())
        tell(f"fold {number + 1} of {len(folds)}: {len(fold.test)} pictures, accuracy {right:.3f}")
        answers.append(answer)
        curves.append(curve)
    return Evaluation(found.classes, found.labels, found.groups, answers), curves
