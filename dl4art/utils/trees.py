"""Boosted trees as plain tables: fitted by scikit-learn, stored as text or arrays, read without pickle."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Trees:
    """Boosted classification trees, all nodes in one table; their sum is a logit."""

    feature: npt.NDArray[np.int16]
    """Of each node, the number of the value it asks for; -1 for leaves."""
    threshold: npt.NDArray[np.float64]
    left: npt.NDArray[np.int32]
    """Next node up to the threshold, by its number in the table."""
    right: npt.NDArray[np.int32]
    value: npt.NDArray[np.float64]
    roots: npt.NDArray[np.int32]
    start: float
    """What the trees are added to."""

    def logits(self, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Logits of n rows of values, (n, k); none of them may be NaN."""
        known = np.asarray(values, np.float64)
        row = np.arange(len(known))[:, None]
        node = np.broadcast_to(self.roots.astype(np.intp), (len(known), len(self.roots)))
        while (inner := self.feature[node] >= 0).any():
            low = known[row, self.feature[node]] <= self.threshold[node]
            node = np.where(inner, np.where(low, self.left[node], self.right[node]), node)
        found: npt.NDArray[np.float64] = self.start + self.value[node].sum(axis=1)
        return found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Trees) and all(
            np.array_equal(getattr(self, name), getattr(other, name)) for name in _NAMES
        )

    __hash__ = None  # type: ignore[assignment]

    def to_dict(self) -> dict[str, Any]:
        """Return the table as JSON values, each column one line of text."""
        columns = {name: " ".join(map(repr, getattr(self, name).tolist())) for name in _NAMES[:-1]}
        return {**columns, "start": self.start}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Trees:
        """Read what `to_dict` gave; KeyError, TypeError or ValueError if it is something else."""
        columns = {name: np.array(values[name].split(), _TYPES[name]) for name in _NAMES[:-1]}
        found = cls(**columns, start=float(values["start"]))
        size = len(found.feature)
        steps = np.concatenate([found.left, found.right, found.roots])
        if {len(columns[name]) for name in _NAMES[:-2]} != {size} or (steps < 0).any() or (steps >= size).any():
            raise ValueError("the table of trees is not whole")
        inner, own = found.feature >= 0, np.arange(size)
        # children come after their parents: a walk that could turn back would have no end
        if (np.minimum(found.left, found.right)[inner] <= own[inner]).any():
            raise ValueError("the table of trees leads in circles")
        if not np.isfinite(np.concatenate([found.value, found.threshold[inner], [found.start]])).all():
            raise ValueError("the table of trees holds values that are no numbers")
        return found


_NAMES = tuple(field.name for field in fields(Trees))
_TYPES = {
    "feature": np.int16,
    "threshold": np.float64,
    "left": np.int32,
    "right": np.int32,
    "value": np.float64,
    "roots": np.int32,
}


def fit_trees(values: Floats, happened: npt.NDArray[np.bool_], *, seed: int = 1, **settings: Any) -> Trees:
    """Fit trees whose logit is that of an event.

    Parameters
    ----------
    values : (n, k) array
        What is known, without NaN.
    happened : (n,) array of bool
        Whether the event happened; if always or never, the trees know no more than that.
    seed : int
        Of the fit.
    **settings
        Of scikit-learn's `HistGradientBoostingClassifier`.
    """
    if happened.all() or not happened.any():
        none, zero = np.full(1, -1, np.int16), np.zeros(1)
        first = np.zeros(1, np.int32)
        return Trees(none, zero, first, first, zero, first, 5.0 if happened.all() else -5.0)
    from sklearn.ensemble import HistGradientBoostingClassifier

    fitted = HistGradientBoostingClassifier(random_state=seed, **settings).fit(values, happened)
    nodes = [tree.nodes for (tree,) in fitted._predictors]
    roots = np.cumsum([0, *map(len, nodes)])[:-1]
    every = np.concatenate(nodes)
    first = np.repeat(roots, [len(part) for part in nodes])
    leaf = every["is_leaf"].astype(bool)
    return Trees(
        np.where(leaf, -1, every["feature_idx"]).astype(np.int16),
        np.where(leaf, 0.0, every["num_threshold"]).astype(np.float64),
        np.where(leaf, 0, every["left"] + first).astype(np.int32),
        np.where(leaf, 0, every["right"] + first).astype(np.int32),
        np.where(leaf, every["value"], 0.0).astype(np.float64),
        roots.astype(np.int32),
        float(np.ravel(fitted._baseline_prediction)[0]),
    )
