from __future__ import annotations

import numpy as np
import pytest

from dl4art.regression.choice import Opinions, choose, fit_choice, odds, second_guess


@pytest.fixture
def canvases(rng):
    """Opinions on 1,500 pictures: the first candidate errs where it doubts itself, the second everywhere else."""
    truth = rng.uniform(6, 24, (1500, 2))
    doubt = rng.normal(size=truth.shape)
    first = truth * np.where(doubt > 0, 1.2, 1.002)
    second = truth * np.where(doubt > 0, 0.995, 0.8)
    return Opinions(np.stack([first, second], -1), np.full((1500, 2, 1), np.nan), doubt[..., None]), truth


def test_the_reading_that_is_right_is_learnt_to_be_believed(canvases):
    opinions, truth = canvases
    trees, logits = fit_choice(opinions, truth, np.arange(1500))
    density, logit = choose(opinions.candidates, logits, (1, 1))
    assert (np.abs(density / truth - 1) < 0.03).mean() > 0.97
    assert (logit > 0).mean() > 0.97
    known = opinions[:50]
    np.testing.assert_allclose(choose(known.candidates, odds(known, trees), (1, 1))[0], truth[:50], rtol=0.01)


def test_pictures_of_one_canvas_are_not_learnt_from_and_tested_on(canvases, monkeypatch):
    from dl4art.regression import choice

    opinions, truth = canvases
    sizes = []
    fit = choice.fit_trees

    def noted(values, happened, **settings):
        sizes.append(len(values))
        return fit(values, happened, **settings)

    monkeypatch.setattr(choice, "fit_trees", noted)
    fit_choice(opinions, truth, np.repeat([0, 1, 2], 500), folds=3)
    assert sizes == [4000, 4000, 4000, 6000]


def test_directions_are_one_kind(canvases):
    opinions, truth = canvases
    trees, _ = fit_choice(opinions, truth, np.arange(1500))
    turned = Opinions(opinions.candidates[:, ::-1], opinions.others[:, ::-1], opinions.known[:, ::-1])
    np.testing.assert_allclose(odds(turned, trees), odds(opinions, trees)[:, ::-1])


def test_what_is_missing_is_never_believed(canvases):
    opinions, truth = canvases
    gone = opinions.candidates.copy()
    gone[:, :, 0] = np.nan
    trees, logits = fit_choice(Opinions(gone, opinions.others, opinions.known), truth, np.arange(1500))
    assert np.isneginf(logits[..., 0]).all()
    assert np.isfinite(Opinions(gone, opinions.others, np.full_like(opinions.known, np.inf)).features()).all()
    density, _ = choose(gone, logits, (1, 1))
    np.testing.assert_allclose(density, gone[..., 1], rtol=1e-6)
    assert np.isfinite(odds(opinions, trees)).all()


def test_readings_that_say_nearly_the_same_are_averaged():
    candidates = np.array([[[10.0, 10.2, 12.0], [8.0, np.nan, 8.0]]])
    logits = np.array([[[2.0, 2.0, 1.9], [0.0, -np.inf, -3.0]]])
    density, logit = choose(candidates, logits, (1, 1, 1))
    np.testing.assert_allclose(density, [[10.1, 8.0]], rtol=1e-6)
    np.testing.assert_allclose(choose(candidates, logits, (1, 3, 1))[0], [[10.15, 8.0]], rtol=1e-6)
    assert logit.tolist() == [[2.0, 0.0]]


def test_the_second_guess_says_something_else():
    candidates = np.array([[[10.0, 10.1, 12.0, 5.0], [8.0, np.nan, 8.1, 8.0]]])
    logits = np.array([[[2.0, 1.9, -1.0, 0.5], [0.0, -np.inf, -3.0, 0.0]]])
    assert second_guess(candidates, logits, np.array([[10.0, 8.0]])).tolist() == [[5.0, 8.0]]
