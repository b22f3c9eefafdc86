import numpy as np
import pytest

from dl4art.craquelure.patterns import RADII, PatternNetwork, PatternTrainer, fit_patterns, patterns
from dl4art.utils.windows import InMemory, cut_windows


@pytest.fixture
def window(rng):
    lines = np.zeros((64, 64, 2), np.uint8)
    lines[rng.choice(64, 6, replace=False), :, 0] = 200
    lines[:, rng.choice(64, 3, replace=False), 1] = 120
    return lines


def test_shares_add_up_to_one(window):
    shares = np.exp(patterns(window)).reshape(len(RADII), 10) - 1e-3
    assert np.allclose(shares.sum(axis=1), 1)


def test_turning_mirroring_and_another_depth_change_nothing(window):
    known = patterns(window)
    for changed in (np.rot90(window), window[::-1], window.transpose(1, 0, 2)):
        assert np.allclose(patterns(changed), known, atol=0.02)
    # half of the depth is a root of a half of what is stored
    assert np.allclose(patterns(np.rint(window * 0.5**0.5).astype(np.uint8)), known, atol=0.02)


def test_an_empty_window_has_no_pattern():
    shares = np.exp(patterns(np.zeros((16, 16, 1), np.uint8))).reshape(len(RADII), 10) - 1e-3
    assert np.allclose(shares[:, 0], 1)


@pytest.mark.parametrize("classes", [2, 3])
def test_what_can_be_told_apart_is_told_apart(rng, classes):
    labels = np.repeat(np.arange(classes), 40)
    # rings round each other, which no line parts
    angle = rng.uniform(0, 2 * np.pi, len(labels))
    values = (1 + 2 * labels)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    network = fit_patterns(values + rng.normal(0, 0.1, values.shape), labels.tolist(), classes, seed=1)
    answers = network.answer(values)
    assert (answers.argmax(axis=1) == labels).mean() > 0.95
    assert np.allclose(answers.sum(axis=1), 1)


def test_answers_are_those_of_scikit_learn(rng):
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    values, labels = rng.normal(size=(60, 5)), np.tile([0, 1, 2], 20)
    known = make_pipeline(
        StandardScaler(),
        Nystroem(gamma=1 / 5, n_components=60, random_state=3),
        LogisticRegression(max_iter=2000),
    ).fit(values, labels)
    ours = fit_patterns(values, labels.tolist(), 3, seed=3).answer(values)
    assert np.allclose(ours, known.predict_proba(values), atol=1e-3)


def test_saved_and_loaded_it_says_the_same(rng, tmp_path):
    network = fit_patterns(rng.normal(size=(20, 4)), [0, 1] * 10, 2, seed=1)
    network.save_weights(tmp_path / "model.npz")
    again = PatternNetwork.empty(2)
    again.load_weights(tmp_path / "model.npz")
    values = rng.normal(size=(3, 4))
    assert np.array_equal(again.answer(values), network.answer(values))
    with pytest.raises(ValueError, match="do not fit together"):
        PatternNetwork.empty(3).load_weights(tmp_path / "model.npz")


def test_windows_are_counted_once_for_all_folds(window, monkeypatch):
    counted = []
    monkeypatch.setattr(
        "dl4art.craquelure.patterns.patterns", lambda window: counted.append(1) or np.array([window.mean()])
    )
    windows = cut_windows([(InMemory(window), [(0, 0)]), (InMemory(window // 2), [(0, 0)])] * 2, 64)
    trainer = PatternTrainer()
    for pictures in ([0, 1, 2], [1, 2, 3]):
        trainer(windows.of(pictures), [0, 1, 0, 1], 2, seed=1, held=None, quiet=True)
    assert len(counted) == 4
