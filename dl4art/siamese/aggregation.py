"""Ways to make one number of two canvases from their crops, to be compared with each other on known canvases."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from scipy import stats

from dl4art.siamese.comparer import FabricComparer
from dl4art.siamese.similarity import Array, PairScores, either, evidence

_TRIMMED = 0.2  # of the pairs, at either end
_BOUND = 4.0  # log odds beyond which one pair counts for no more

Vectors = npt.NDArray[np.float32]


def _joined(scores: PairScores, middle: Callable[[Array], float]) -> float:
    return float(either(middle(scores.straight), middle(scores.turned)))


WAYS: dict[str, Callable[[PairScores], float]] = {
    "mean log odds": evidence,
    "trimmed mean": lambda scores: _joined(scores, lambda values: float(stats.trim_mean(values.ravel(), _TRIMMED))),
    "median": lambda scores: _joined(scores, lambda values: float(np.median(values))),
    "bounded log odds": lambda scores: _joined(scores, lambda values: float(np.clip(values, -_BOUND, _BOUND).mean())),
    "mean probability": lambda scores: _joined(scores, lambda values: float((1 / (1 + np.exp(-values))).mean())),
}
"""From the scores of all pairs. What `FabricComparer.compare` does comes first."""
MEAN_VECTORS = "one score for the mean vectors"


def aggregate(comparer: FabricComparer, first: Vectors, second: Vectors) -> dict[str, float]:
    """Compare two canvases in each way.

    Parameters
    ----------
    comparer : FabricComparer
        Scores the pairs.
    first, second : (n, 2, d) and (m, 2, d) arrays
        Their crops, encoded.
    """
    scores = comparer.pair_scores(first, second)
    found = {name: way(scores) for name, way in WAYS.items()}
    means = [vectors.mean(axis=0, keepdims=True) for vectors in (first, second)]
    return found | {MEAN_VECTORS: evidence(comparer.pair_scores(*means))}


def areas(rows: Sequence[dict[str, float]], same: Sequence[bool]) -> dict[str, float]:
    """Area under the ROC curve of each way, over known pairs of canvases."""
    from sklearn.metrics import roc_auc_score

    return {name: float(roc_auc_score(same, [row[name] for row in rows])) for name in rows[0]}
