import numpy as np
import pytest

from dl4art.craquelure.losses import LOSSES, cross_entropy, dice, focal, mixed1, mixed2

# two pixels: class 0 with p = 0.7, class 2 with p = 0.2
TRUTH = np.array([[[0, 2]]])
PROBABLE = np.array([[[[0.7, 0.2, 0.1], [0.5, 0.3, 0.2]]]], np.float32)
LOGITS = np.log(PROBABLE) + 1.7  # a constant must not matter

CROSS_ENTROPY = -(np.log(0.7) + np.log(0.2)) / 2
FOCAL = -0.5 * (0.3**2 * np.log(0.7) + 0.8**2 * np.log(0.2)) / 2
# class by class: (2 x shared + 1) / (probable + true + 1)
DICE = 1 - ((2 * 0.7 + 1) / (1.2 + 1 + 1) + (0 + 1) / (0.5 + 0 + 1) + (2 * 0.2 + 1) / (0.3 + 1 + 1)) / 3


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        (cross_entropy, CROSS_ENTROPY),
        (focal, FOCAL),
        (dice, DICE),
        (mixed1, DICE + FOCAL),
        (lambda truth, logits: mixed1(truth, logits, weight=0.3), DICE + 0.3 * FOCAL),
        (mixed2, DICE + FOCAL + CROSS_ENTROPY),
        (lambda truth, logits: focal(truth, logits, alpha=1.0, gamma=0.0), CROSS_ENTROPY),
    ],
)
def test_by_hand(loss, expected):
    assert float(loss(TRUTH, LOGITS)) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_right_answers_cost_nearly_nothing_and_wrong_ones_a_finite_price(name, rng):
    truth = rng.integers(0, 3, (2, 8, 9))
    sure = 60 * np.eye(3, dtype=np.float32)[truth]
    right, wrong = float(LOSSES[name](truth, sure)), float(LOSSES[name](truth, -sure))
    assert right == pytest.approx(0, abs=1e-6)
    assert 0.5 < wrong < 1000


@pytest.mark.parametrize("name", LOSSES)
def test_a_step_against_the_slope_is_a_step_down(name, rng):
    truth, logits = rng.integers(0, 3, (1, 2, 2)), rng.normal(size=(1, 2, 2, 3)).astype(np.float32)
    loss = LOSSES[name]
    slope = np.zeros_like(logits)
    for place in np.ndindex(logits.shape):
        moved = logits.copy()
        moved[place] += 0.01
        slope[place] = float(loss(truth, moved)) - float(loss(truth, logits))
    assert float(loss(truth, logits - 5 * slope / np.abs(slope).max() * 0.01)) < float(loss(truth, logits))
