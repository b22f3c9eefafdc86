import numpy as np
import pytest

from dl4art.utils.backend import load_keras

keras = load_keras()
from dl4art.siamese import losses  # noqa: E402 (Keras is loaded silently first)
from dl4art.siamese.encoder import EncoderSettings, build_head  # noqa: E402
from dl4art.siamese.samples import FamilySamples  # noqa: E402

# family, cloth, plate of eight crops
LABELS = np.array([[0, 0, 0], [0, 0, 1], [0, 1, 2], [0, 1, 3], [1, 2, 4], [1, 2, 5], [1, 3, 6], [1, 3, 6]], np.int32)


def loss_of(logits, labels=LABELS):
    return float(keras.ops.convert_to_numpy(losses.pair_loss(labels, np.asarray(logits, np.float32))))


def logits_for(value_same, value_other, same):
    return np.repeat(np.where(same, value_same, value_other)[..., None], 2, axis=-1)


SAME = LABELS[:, None, 1] == LABELS[None, :, 1]


def test_saying_nothing_costs_log_two():
    assert loss_of(np.zeros((8, 8, 2))) == pytest.approx(np.log(2))


def test_being_right_costs_nothing_and_being_wrong_much():
    assert loss_of(logits_for(30, -30, SAME)) < 1e-6
    assert loss_of(logits_for(-30, 30, SAME)) == pytest.approx(30, rel=0.01)


def test_one_position_is_enough():
    logits = logits_for(30, -30, SAME)
    logits[..., 1] = -30
    assert loss_of(logits) < 1e-6


def test_a_crop_with_itself_or_another_of_its_plate_has_no_say():
    logits = np.random.default_rng(1).normal(size=(8, 8, 2))
    changed = logits.copy()
    changed[range(8), range(8)] += 9
    changed[6, 7] = changed[7, 6] = -9
    assert loss_of(changed) == pytest.approx(loss_of(logits))


def test_strangers_of_the_family_weigh_more_than_others():
    family = LABELS[:, None, 0] == LABELS[None, :, 0]
    near, far = loss_of(logits_for(5, 0, family & ~SAME)), loss_of(logits_for(5, 0, ~family))
    assert near > far > np.log(2)


def other_loss(name, logits, labels=LABELS):
    return float(keras.ops.convert_to_numpy(losses.LOSSES[name](labels, np.asarray(logits, np.float32))))


@pytest.mark.parametrize("name", losses.LOSSES)
def test_each_loss_rewards_being_right_and_is_finite(name):
    right, silent, wrong = (other_loss(name, logits_for(value, -value, SAME)) for value in (30, 0, -30))
    assert right < 1e-6
    assert right < silent < wrong < 70


@pytest.mark.parametrize("name", losses.LOSSES)
def test_no_loss_listens_to_crops_of_one_plate(name, rng):
    logits = rng.normal(size=(8, 8, 2))
    changed = logits.copy()
    changed[range(8), range(8)] += 9
    changed[6, 7] = changed[7, 6] = -9
    assert other_loss(name, changed) == pytest.approx(other_loss(name, logits))


def joined(logits):
    return np.logaddexp(logits[..., 0], logits[..., 1]) - np.log(2)


def test_the_contrastive_loss_is_what_the_paper_says(rng):
    logits = rng.normal(size=(8, 8, 2))
    logit, each = joined(logits), []
    for anchor in range(6):  # crops 6 and 7 have no partner
        others = [i for i in range(8) if LABELS[i, 2] != LABELS[anchor, 2]]
        partners = [i for i in others if LABELS[i, 1] == LABELS[anchor, 1]]
        total = np.log(np.exp(logit[anchor, others]).sum())
        each.append(np.mean([total - logit[anchor, i] for i in partners]))
    assert other_loss("supervised contrastive", logits) == pytest.approx(np.mean(each), rel=1e-5)


def test_the_triplet_loss_takes_the_hardest(rng):
    logits = rng.normal(size=(8, 8, 2))
    logit, each = joined(logits), []
    for anchor in range(6):
        others = [i for i in range(8) if LABELS[i, 2] != LABELS[anchor, 2]]
        partner = min(logit[anchor, i] for i in others if LABELS[i, 1] == LABELS[anchor, 1])
        stranger = max(logit[anchor, i] for i in others if LABELS[i, 1] != LABELS[anchor, 1])
        each.append(np.log1p(np.exp(stranger - partner)))
    assert other_loss("triplet of the hardest", logits) == pytest.approx(np.mean(each), rel=1e-5)


@pytest.mark.parametrize("name", losses.LOSSES)
def test_a_batch_without_partners_trains_nothing_towards_infinity(name):
    alone = np.stack([np.zeros(4), np.arange(4), np.arange(4)], axis=1).astype(np.int32)
    assert np.isfinite(other_loss(name, np.zeros((4, 4, 2)), alone))


def test_statistics_loss_is_square_near_and_straight_far():
    told = np.array([0.0, 0.5, 3.0], np.float32)
    each = [float(losses.statistics_loss(np.zeros(1, np.float32), told[i : i + 1])) for i in range(3)]
    assert each == pytest.approx([0, 0.125, 2.5])


@pytest.fixture(scope="module")
def samples():
    """Three families of three cloths, two plates of each, four crops a plate."""
    count = 3 * 3 * 2 * 4
    family, cloth, plate = ((np.arange(count) // k).astype(np.int32) for k in (24, 8, 4))
    nothing = np.zeros((count, 2), np.float32)
    return FamilySamples(
        np.zeros((count, 1, 1), np.uint8), family, cloth, plate, np.zeros(count, bool), nothing, nothing[..., None]
    )


def told_by(values, noise=0.0):
    rng = np.random.default_rng(3)

    def score(chosen):
        logits = -np.abs(values[chosen][:, None] - values[chosen][None]).astype(np.float32)
        logits = logits + noise * rng.normal(size=logits.shape)
        return np.stack([logits, logits - 5], axis=-1)

    return score


def test_who_knows_the_cloth_is_always_right(samples):
    results = losses.evaluate_pairs(samples, told_by(samples.cloth))
    assert (results.pair_auc, results.open_auc, results.canvas_auc) == (1, 1, 1)
    assert results.canvases == 3 * 15
    assert results.pairs == 3 * 15 * 16
    assert set(results.to_dict()) == {"pair_auc", "open_auc", "canvas_auc", "pairs", "canvases"}


def test_who_knows_the_family_only_is_right_about_strangers_from_elsewhere_only(samples):
    results = losses.evaluate_pairs(samples, told_by(samples.family, noise=0.01))
    assert results.pair_auc == pytest.approx(0.5, abs=0.1)
    assert results.open_auc > 0.8


def test_many_pairs_know_more_than_one(samples):
    results = losses.evaluate_pairs(samples, told_by(samples.cloth % 3, noise=2.0))
    assert 0.6 < results.pair_auc < results.canvas_auc


def test_who_knows_the_plate_gains_nothing(samples):
    assert losses.evaluate_pairs(samples, told_by(samples.plate, noise=50.0)).pair_auc == pytest.approx(0.5, abs=0.1)


def test_plates_lie_one_way_or_the_other():
    logits = np.zeros((4, 3, 2), np.float32)
    logits[..., 0] = 8
    logits[..., 1] = -8
    assert losses.canvas_logit(logits) == pytest.approx(8 - np.log(2))
    # each pair its own way is no position of a plate
    logits[::2] = logits[::2, :, ::-1]
    assert losses.canvas_logit(logits) == pytest.approx(0, abs=1e-5)


def test_a_head_scores_by_parts_as_at_once(rng):
    head = build_head(EncoderSettings(size=6, head=4))
    vectors = rng.normal(size=(120, 2, 7)).astype(np.float32)
    chosen = np.arange(5, 115)
    expected = keras.ops.convert_to_numpy(head(vectors[chosen], vectors[chosen]))
    np.testing.assert_allclose(losses.scorer(vectors, head)(chosen), expected, atol=1e-5)
