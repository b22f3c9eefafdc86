"""What could be told at best: pairs of crops judged by the true statistics of their own threads, without a picture.

The simulator knows each thread that crosses a crop. From those threads come the numbers by which cloths differ
(density, irregularity of spacing and of width, slubs, crimp), and a classifier on the numbers of two crops says how
well cloths can be told apart from samples of that size. A network that sees the crops is measured against it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dl4art.siamese.samples import FamilySamples
from dl4art.simulation.fields import Array
from dl4art.simulation.statistics import STATISTICS


@dataclass(frozen=True, eq=False)
class Oracle:
    """A classifier on the true statistics of two crops; from `fit_oracle`."""

    classifier: Any
    columns: tuple[int, ...]
    mean: Array
    spread: Array

    def score(self, statistics: Array) -> Array:
        """Score all pairs among n crops.

        Parameters
        ----------
        statistics : ndarray of shape (n, 2, k)
            As in `FamilySamples.statistics`.

        Returns
        -------
        ndarray of shape (n, n, 2)
            Logits of "same cloth", the one crop lying straight to the other, and turned by a quarter.
        """
        known = ((statistics - self.mean) / self.spread)[..., self.columns]
        count = len(known)
        scores = np.empty((count, count, 2, 2), np.float32)
        for one in range(2):
            for other in range(2):
                rows = _symmetric(known[:, None, one], known[None, :, other])
                scores[:, :, one, other] = self.classifier.decision_function(rows.reshape(count * count, -1)).reshape(
                    count, count
                )
        straight = scores[..., 0, 0] + scores[..., 1, 1]
        return np.stack([straight, scores[..., 0, 1] + scores[..., 1, 0]], axis=-1)


def _symmetric(first: Array, second: Array) -> Array:
    """Join two lists of numbers so that it does not show which came first."""
    rows: Array = np.concatenate([np.abs(first - second), first + second], axis=-1)
    return rows


def fit_oracle(samples: FamilySamples, statistics: Sequence[str] = STATISTICS, *, trees: int = 300) -> Oracle:
    """Train the classifier: gradient-boosted trees on one thread direction of two crops.

    The two directions of a crop are drawn independently of each other, so that their scores add up.

    Parameters
    ----------
    samples : FamilySamples
        Crops of other cloths than those it is to be tested on.
    statistics : sequence of str
        Which of `dl4art.simulation.statistics.STATISTICS` it may use.
    trees : int
        Number of trees.

    Returns
    -------
    Oracle
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    # here, as the plates' positions are known, threads are compared with those that they ought to be compared with
    upright = np.where(samples.turned[:, None, None], samples.statistics[:, ::-1], samples.statistics)
    mean, spread = upright.mean(axis=(0, 1)), upright.std(axis=(0, 1)) + np.float32(1e-6)
    columns = tuple(STATISTICS.index(name) for name in statistics)
    known = ((upright - mean) / spread)[..., columns]
    first, second = _pairs(samples)
    rows = np.concatenate([_symmetric(known[first, side], known[second, side]) for side in range(2)])
    same = np.tile(samples.cloth[first] == samples.cloth[second], 2)
    classifier = HistGradientBoostingClassifier(
        max_iter=trees, learning_rate=0.08, max_leaf_nodes=15, l2_regularization=1.0, random_state=0
    )
    classifier.fit(rows, same, sample_weight=np.where(same, 0.5 / same.mean(), 0.5 / (1 - same.mean())))
    return Oracle(classifier, columns, mean, spread)


def _pairs(samples: FamilySamples) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """All pairs of crops of one family from two plates."""
    firsts, seconds = [], []
    for family in np.unique(samples.family):
        chosen = np.flatnonzero(samples.family == family)
        one, other = np.nonzero(samples.plate[chosen][:, None] < samples.plate[chosen][None])
        firsts.append(chosen[one])
        seconds.append(chosen[other])
    return np.concatenate(firsts), np.concatenate(seconds)
