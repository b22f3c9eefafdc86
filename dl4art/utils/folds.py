"""What to learn from and what to test on: folds in which each class has its share, and no group is on both sides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import GroupKFold

from dl4art.utils.class_folders import ClassFolders
from dl4art.utils.errors import InputError

Numbers = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Fold:
    """Numbers of the pictures to learn from and to test on, in order."""

    train: Numbers
    test: Numbers


def make_folds(found: ClassFolders, count: int, *, seed: int = 0, repeats: int = 1, blocks: bool = False) -> list[Fold]:
    """Divide the pictures of a folder of classes.

    Parameters
    ----------
    found : ClassFolders
        The pictures. Where they are in ``train`` and ``test``, that is the one fold.
    count : int
        Number of folds.
    seed : int
        Of the dealing; the same seed gives the same folds.
    repeats : int
        How often everything is dealt out anew.
    blocks : bool
        Blocks of pictures that follow each other in the order of their names, instead of dealing: where neighbours may
        belong together and nobody knows which. Seed and repeats have no meaning then.

    Returns
    -------
    list of Fold
        ``count * repeats`` of them; each picture is tested on once in each repeat.

    Raises
    ------
    InputError
        If a class has fewer groups than folds; the message says how many folds are possible.
    """
    if {picture.split for picture in found.pictures} != {""}:
        split = np.array([picture.split for picture in found.pictures])
        return [Fold(np.flatnonzero(split == "train"), np.flatnonzero(split == "test"))]
    most = largest_count(found.labels, found.groups)
    if not 2 <= count <= most:
        scarce = min(found.rows(), key=lambda row: int(row[2]))
        advice = (
            f"Choose 2 to {most} folds."
            if most > 1
            else "No folds are possible: add pictures, or tell with folders or names of their own what is apart."
        )
        if scarce[1] != scarce[2]:
            # the numbers that a camera gives its pictures look like those of views
            advice += " If names that differ in the last number alone are of different things, add --apart."
        raise InputError(
            f"{found.folder}: {count} folds cannot be made, class {scarce[0]} has {scarce[1]} pictures in {scarce[2]} "
            f"group{'s' if scarce[2] != '1' else ''}, and pictures that belong together stay together. {advice}"
        )
    if blocks:
        return block_folds(found.labels, found.groups, count)
    return [fold for turn in range(repeats) for fold in grouped_folds(found.labels, found.groups, count, (seed, turn))]


def largest_count(labels: Sequence[int], groups: Sequence[str]) -> int:
    """Give the largest number of folds possible: that of the groups in the class with the fewest."""
    pairs = {*zip(labels, groups, strict=True)}
    return min(sum(label == wanted for label, _ in pairs) for wanted in {*labels})


def grouped_folds(
    labels: Sequence[int], groups: Sequence[str], count: int, seed: int | Sequence[int] = 0
) -> list[Fold]:
    """Deal out groups to folds, each class apart, so that each fold has its share of each class.

    scikit-learn's GroupKFold deals, largest groups first; chance decides among equal ones, and which fold is which.

    Parameters
    ----------
    labels : sequence of int
        Class of each picture.
    groups : sequence of str
        Group of each picture; a group is of one class.
    count : int
        Number of folds, at most `largest_count`.
    seed : int or sequence of int
        Of the dealing.
    """
    rng = np.random.default_rng(seed)
    known, names = np.array(labels), np.array(groups)
    fold_of = np.empty(len(known), np.intp)
    for label in np.unique(known):
        own = np.flatnonzero(known == label)
        _, group = np.unique(names[own], return_inverse=True)
        shuffled = rng.permutation(group.max() + 1)[group]
        order = rng.permutation(count)
        for number, (_, test) in enumerate(GroupKFold(count).split(own, groups=shuffled)):
            fold_of[own[test]] = order[number]
    return _folds(fold_of, count)


def block_folds(labels: Sequence[int], groups: Sequence[str], count: int) -> list[Fold]:
    """Cut each class into equal blocks of pictures that follow each other; a group goes where its first picture is.

    Parameters are those of `grouped_folds`; the pictures of each class are in order.

    Raises
    ------
    InputError
        If a group is so large that a block is left empty.
    """
    known = np.array(labels)
    fold_of = np.empty(len(known), np.intp)
    for label in np.unique(known):
        own = np.flatnonzero(known == label)
        first: dict[str, int] = {}
        for place, number in enumerate(own):
            fold_of[number] = first.setdefault(groups[int(number)], place * count // len(own))
        if len(np.unique(fold_of[own])) < count:
            raise InputError(
                f"{count} blocks cannot be cut: one group is larger than a block. Choose fewer folds, or no blocks."
            )
    return _folds(fold_of, count)


def _folds(fold_of: Numbers, count: int) -> list[Fold]:
    return [Fold(np.flatnonzero(fold_of != fold), np.flatnonzero(fold_of == fold)) for fold in range(count)]
