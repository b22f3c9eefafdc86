"""What is to be beaten: nearest neighbour and support vectors on pixels and on features."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from dl4art.utils.evaluation import Answer
from dl4art.utils.folds import Fold

Distances = npt.NDArray[np.float64]
BASELINES = ("nearest neighbour", "SVM")
_COSTS = (1.0, 10.0, 100.0)
_BLOCK = 1 << 14


def squared_distances(values: npt.NDArray[np.generic]) -> Distances:
    """Squared Euclidean distances between all rows of (n, ...), in pieces, so that they are never all in memory twice.

    Returns
    -------
    ndarray, shape (n, n)
    """
    flat = values.reshape(len(values), -1)
    products = np.zeros((len(flat), len(flat)))
    for start in range(0, flat.shape[1], _BLOCK):
        part = flat[:, start : start + _BLOCK].astype(np.float64)
        products += part @ part.T
    norms = np.diag(products)
    distances: Distances = np.maximum(norms[:, None] + norms[None] - 2 * products, 0)
    np.fill_diagonal(distances, 0)
    return distances


def evaluate_baselines(
    distances: Distances, labels: Sequence[int], folds: Sequence[Fold], classes: int
) -> dict[str, list[Answer]]:
    """Test nearest neighbour and a support vector machine in the same folds as a classifier.

    The machine has a Gaussian kernel, whose width is the mean distance (``gamma="scale"`` of scikit-learn, or nearly);
    its cost is chosen among 1, 10 and 100 by cross-validation of the pictures that it learns from.

    Parameters
    ----------
    distances : ndarray, shape (n, n)
        From `squared_distances`.
    labels : sequence of int
        Class of each picture.
    folds : sequence of Fold
        From `make_folds`.
    classes : int
        How many.

    Returns
    -------
    dict
        Answers of each fold by the names in `BASELINES`; all the probability is on the class that is named.
    """
    known = np.array(labels, np.intp)
    kernel = np.exp(-2 * distances / max(float(distances.mean()), 1e-12))
    answers: dict[str, list[Answer]] = {name: [] for name in BASELINES}
    for fold in folds:
        own, other = np.ix_(fold.train, fold.train), np.ix_(fold.test, fold.train)
        neighbour = KNeighborsClassifier(1, metric="precomputed").fit(distances[own], known[fold.train])
        parts = min(3, int(np.bincount(known[fold.train], minlength=classes).min()))
        machine = SVC(kernel="precomputed")
        if parts > 1:
            machine = GridSearchCV(machine, {"C": _COSTS}, cv=parts)
        machine.fit(kernel[own], known[fold.train])
        said = (neighbour.predict(distances[other]), machine.predict(kernel[other]))
        for name, named in zip(BASELINES, said, strict=True):
            answers[name].append(Answer(fold.test, np.eye(classes)[named]))
    return answers
