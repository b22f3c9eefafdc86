"""What the comparer is trained on, and what it is judged by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from keras import ops

from dl4art.siamese.encoder import pair_logits
from dl4art.simulation.fields import Array

Scorer = Callable[[npt.NDArray[np.intp]], Array]
"""From the numbers of n crops to the logits of all pairs among them, (n, n, 2): straight and turned."""


class KnownCrops(Protocol):
    """Crops of which it is known what they show, such as `dl4art.siamese.samples.FamilySamples`."""

    @property
    def family(self) -> npt.NDArray[np.int32]:
        """Number of the family of cloths, (n,)."""

    @property
    def cloth(self) -> npt.NDArray[np.int32]:
        """Number of the cloth, (n,)."""

    @property
    def plate(self) -> npt.NDArray[np.int32]:
        """Number of the plate, (n,)."""


_EASY = 0.3
"""Share of the strangers' half of the loss that goes to pairs from two families, which densities mostly part."""
_AT_ONCE = 400
_NEVER = -1e9  # logit of a pair that does not count


def pair_loss(labels: Any, logits: Any) -> Any:
    """Cross-entropy over all pairs of crops in a batch.

    Half of the weight is on pairs of one cloth under two plates, the rest on strangers, most of it on those of one
    family. Crops of one plate are left out: they look alike for reasons that are not the cloth.

    Parameters
    ----------
    labels : (n, 3)
        Family, cloth and plate of each crop.
    logits : (n, n, 2)
        From `PairHead`: straight and turned by a quarter; which of the two it is, is not said.
    """
    same, near, far, logit = _parted(labels, logits)

    def share(mask: Any) -> Any:
        return mask / ops.maximum(ops.sum(mask), 1.0)

    weight = 0.5 * (share(same) + (1 - _EASY) * share(near) + _EASY * share(far))
    losses = ops.relu(logit) - logit * same + ops.log1p(ops.exp(-ops.abs(logit)))
    return ops.sum(weight * losses)


def contrastive_loss(labels: Any, logits: Any) -> Any:
    """Supervised contrastive loss: among all others, each crop is to find those of its cloth under another plate.

    The mean over crops and their partners of minus the logarithm of the softmax of the pair's logit, over all pairs of
    the crop but those of its own plate (Khosla et al., Supervised Contrastive Learning, NeurIPS 2020, with the logit of
    the head for the cosine over the temperature). Arguments as for `pair_loss`.
    """
    same, near, far, logit = _parted(labels, logits)
    total = ops.logsumexp(ops.where(same + near + far > 0, logit, _NEVER), axis=1, keepdims=True)
    each = ops.sum(same * (total - logit), axis=1) / ops.maximum(ops.sum(same, axis=1), 1.0)
    return _mean_of_anchors(each, same)


def triplet_loss(labels: Any, logits: Any) -> Any:
    """Triplet loss of each crop with its hardest partner and its hardest stranger in the batch.

    The mean of ``log(1 + exp(hardest stranger - hardest partner))``, in logits (Hermans et al., In Defense of the
    Triplet Loss, 2017: batch hard, soft margin). Arguments as for `pair_loss`.
    """
    same, near, far, logit = _parted(labels, logits)
    partner = ops.min(ops.where(same > 0, logit, -_NEVER), axis=1)
    stranger = ops.max(ops.where(near + far > 0, logit, _NEVER), axis=1)
    # a crop without a partner has no say, and must not bring infinities in
    over = ops.where(ops.sum(same, axis=1) > 0, stranger - partner, 0.0)
    return _mean_of_anchors(ops.softplus(over), same)


LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "pair cross-entropy": pair_loss,
    "supervised contrastive": contrastive_loss,
    "triplet of the hardest": triplet_loss,
}
"""What a comparer can be trained with, by name."""


def _parted(labels: Any, logits: Any) -> tuple[Any, Any, Any, Any]:
    """Masks (n, n) of pairs of one cloth under two plates, of one family, and of two; and one logit for each pair."""
    family, cloth, plate = (
        ops.cast(ops.expand_dims(labels[:, i], 0) == ops.expand_dims(labels[:, i], 1), "float32") for i in range(3)
    )
    logit = ops.logaddexp(logits[..., 0], logits[..., 1]) - float(np.log(2))
    return cloth * (1 - plate), family * (1 - cloth), 1 - family, logit


def _mean_of_anchors(each: Any, same: Any) -> Any:
    """Mean over the crops that have a partner."""
    anchors = ops.cast(ops.sum(same, axis=1) > 0, "float32")
    return ops.sum(each * anchors) / ops.maximum(ops.sum(anchors), 1.0)


def statistics_loss(statistics: Any, predicted: Any) -> Any:
    """Mean of ``min(|error|, error^2)``, nearly, over standardised statistics of the threads; any shape."""
    error = ops.abs(statistics - predicted)
    return ops.mean(ops.where(error < 1, 0.5 * error * error, error - 0.5))


@dataclass(frozen=True)
class PairResults:
    """How well cloths are told apart. The areas are under the ROC curve of same cloth against other cloth."""

    pair_auc: float
    """Pairs of crops from two plates; strangers are of one family, of nearly one density."""
    open_auc: float
    """The same with strangers from anywhere, one crop a plate."""
    canvas_auc: float
    """Pairs of plates, all crops of the one against all of the other; strangers of one family."""
    pairs: int
    """Pairs of crops in one family."""
    canvases: int
    """Pairs of plates in one family."""

    def to_dict(self) -> dict[str, float]:
        """Give all as JSON values."""
        return asdict(self)


def canvas_logit(logits: npt.ArrayLike) -> float:
    """One logit for two plates from those of all pairs of their crops, (n, m, 2): plates lie one way or the other."""
    return float(pair_logits(np.asarray(logits).mean(axis=(0, 1))))


def evaluate_pairs(samples: KnownCrops, score: Scorer) -> PairResults:
    """Judge a way of scoring pairs on families of cloths.

    Parameters
    ----------
    samples : KnownCrops
        Crops of cloths that were not trained on.
    score : callable
        See `Scorer`; for an encoder, `scorer`.

    Returns
    -------
    PairResults
    """
    pair_scores: list[Array] = []
    pair_truths: list[npt.NDArray[np.bool_]] = []
    canvas_scores, canvas_truths = [], []
    for family in np.unique(samples.family):
        chosen = np.flatnonzero(samples.family == family)
        logits, plate, cloth = score(chosen), samples.plate[chosen], samples.cloth[chosen]
        above = plate[:, None] < plate[None]
        pair_scores.append(pair_logits(logits)[above])
        pair_truths.append((cloth[:, None] == cloth[None])[above])
        plates, firsts = np.unique(plate, return_index=True)
        for i, first in enumerate(plates):
            for j in range(i + 1, len(plates)):
                canvas_scores.append(canvas_logit(logits[plate == first][:, plate == plates[j]]))
                canvas_truths.append(cloth[firsts[i]] == cloth[firsts[j]])
    scores, truths = np.concatenate(pair_scores), np.concatenate(pair_truths)
    return PairResults(
        _auc(truths, scores),
        _open_auc(samples, score),
        _auc(np.array(canvas_truths), np.array(canvas_scores)),
        len(scores),
        len(canvas_scores),
    )


def _open_auc(samples: KnownCrops, score: Scorer) -> float:
    """Area for strangers from anywhere; some hundred crops at a time, or the pairs were too many."""
    _, chosen = np.unique(samples.plate, return_index=True)
    scores, truths = [], []
    for start in range(0, len(chosen), _AT_ONCE):
        part = chosen[start : start + _AT_ONCE]
        above = samples.plate[part][:, None] < samples.plate[part][None]
        scores.append(pair_logits(score(part))[above])
        truths.append((samples.cloth[part][:, None] == samples.cloth[part][None])[above])
    return _auc(np.concatenate(truths), np.concatenate(scores))


def _auc(truths: npt.NDArray[np.bool_], scores: npt.NDArray[Any]) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(truths, scores))


def scorer(vectors: Array, head: Any) -> Scorer:
    """Score pairs by a head on vectors that stand ready.

    Parameters
    ----------
    vectors : ndarray of shape (n, 2, d)
        From `dl4art.siamese.encoder.encode`.
    head : PairHead
        From `dl4art.siamese.encoder.build_head`.
    """

    def score(chosen: npt.NDArray[np.intp]) -> Array:
        mine = vectors[chosen]
        rows = [ops.convert_to_numpy(head(mine[i : i + 50], mine)) for i in range(0, len(mine), 50)]
        return np.concatenate(rows)

    return score
