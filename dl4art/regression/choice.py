"""Which of several readings of a picture to believe, and how far: learnt on simulated canvases held out for it.

The network at one scale and at others, the phase near it and the spectrum without it seldom err alike. Boosted trees
see all that each says, how sure it is of it, and by how much the others disagree, and give for each reading the odds
of its being right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dl4art.utils.trees import Trees, fit_trees

Floats = npt.NDArray[np.floating[Any]]

RIGHT = 0.03
"""Relative error up to which a reading counts as right."""
_ALIKE = 0.04  # readings no further from the best one, as a share, are averaged with it
_NOBODY, _MOST = 3.0, 20.0  # stand for the missing: a log density further off than any, and endless evidence
_TREES: dict[str, Any] = {
    "max_iter": 200,
    "learning_rate": 0.06,
    "max_leaf_nodes": 12,
    "min_samples_leaf": 40,
    "l2_regularization": 5.0,
}


@dataclass(frozen=True, eq=False)
class Opinions:
    """What is thought of the densities of n pictures; axis 1 is vertical, horizontal threads."""

    candidates: Floats
    """(n, 2, k): readings that may be believed, th/cm; NaN for none."""
    others: Floats
    """(n, 2, m): readings that are merely heard, th/cm; NaN for none."""
    known: Floats
    """(n, 2, q): what else speaks for and against; not finite where missing."""

    def features(self) -> Floats:
        """Give what the trees see of each candidate, (n, 2, k, f)."""
        said = np.concatenate([self.candidates, self.others], axis=-1)
        with np.errstate(invalid="ignore", divide="ignore"):
            log = np.log(said)
        apart = log[..., None, :] - log[..., : self.candidates.shape[-1], None]
        apart = np.clip(np.nan_to_num(apart, nan=_NOBODY), -_NOBODY, _NOBODY)
        # how far the threads of the other direction are agreed upon, from their first candidate
        across = np.abs(apart[:, ::-1, 0])
        known = np.nan_to_num(np.clip(self.known, -_MOST, _MOST), nan=_MOST)
        shared = np.concatenate([known, known[:, ::-1], across], axis=-1)
        count = self.candidates.shape[-1]
        own = np.nan_to_num(log[..., :count], nan=_NOBODY)[..., None]
        number = np.broadcast_to(np.arange(count)[:, None], own.shape)
        spread = np.broadcast_to(shared[:, :, None], (*own.shape[:-1], shared.shape[-1]))
        found: Floats = np.concatenate([spread, apart, own, number], axis=-1)
        return found

    def __getitem__(self, chosen: Any) -> Opinions:
        """Opinions on some of the pictures."""
        return Opinions(self.candidates[chosen], self.others[chosen], self.known[chosen])


def odds(opinions: Opinions, trees: Trees) -> Floats:
    """Logits that each candidate is right, (n, 2, k); minus infinity for none."""
    features = opinions.features()
    logits = trees.logits(features.reshape(-1, features.shape[-1])).reshape(features.shape[:-1])
    return np.where(np.isfinite(opinions.candidates), logits, -np.inf)


def choose(candidates: Floats, logits: Floats, fineness: Sequence[float]) -> tuple[npt.NDArray[np.float32], Floats]:
    """Believe the likeliest candidates.

    Parameters
    ----------
    candidates, logits : (n, 2, k) arrays
        Readings in th/cm, and the `odds` of their being right.
    fineness : k numbers
        How much each counts where several are right.

    Returns
    -------
    density, logit : (n, 2) arrays
        Mean of the likeliest one and of those that say nearly the same, by odds and fineness; and the likeliest one's
        logit.
    """
    best = logits.argmax(axis=-1)[..., None]
    logit = np.take_along_axis(logits, best, axis=-1)
    near = np.abs(candidates / np.take_along_axis(candidates, best, axis=-1) - 1) <= _ALIKE
    weights = np.where(near, np.exp(logits - logit) * np.asarray(fineness), 0.0)
    density = (weights * np.where(near, candidates, 0.0)).sum(axis=-1) / weights.sum(axis=-1)
    return density.astype(np.float32), logit[..., 0]


def fit_choice(
    opinions: Opinions, truth: Floats, canvas: npt.NDArray[np.integer[Any]], folds: int = 5
) -> tuple[Trees, Floats]:
    """Learn which candidates are right.

    Parameters
    ----------
    opinions : Opinions
        On n pictures.
    truth : (n, 2) array
        True densities, th/cm.
    canvas : (n,) array of int
        Numbers of the canvases; none is in two parts.
    folds : int
        In how many parts the pictures are parted for the odds that are returned.

    Returns
    -------
    trees : Trees
        Learnt from all pictures.
    logits : (n, 2, k) array
        `odds` of each picture by trees that have not seen it: what limits and intervals are to be calibrated on.
    """
    features = opinions.features()
    exist = np.isfinite(opinions.candidates)
    right = np.abs(opinions.candidates / truth[..., None] - 1) <= RIGHT

    def fitted(use: npt.NDArray[np.bool_]) -> Trees:
        mask = exist & use[:, None, None]
        return fit_trees(features[mask], right[mask], **_TREES)

    logits = np.empty(exist.shape)
    part = canvas % folds
    for fold in range(folds):
        if (part == fold).any():
            logits[part == fold] = odds(opinions[part == fold], fitted(part != fold))
    return fitted(np.ones(len(truth), bool)), logits


def second_guess(candidates: Floats, logits: Floats, chosen: Floats) -> npt.NDArray[np.float32]:
    """Of the candidates that say something else than what was `chosen`, (n, 2), the likeliest; else that choice."""
    away = np.abs(candidates / chosen[..., None] - 1) > _ALIKE
    left = np.where(away, logits, -np.inf)
    best = left.argmax(axis=-1)[..., None]
    other = np.take_along_axis(candidates, best, axis=-1)[..., 0]
    found = np.take_along_axis(left, best, axis=-1)[..., 0] > -np.inf
    return np.where(found, other, chosen).astype(np.float32)
