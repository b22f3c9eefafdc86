from __future__ import annotations

import numpy as np
import pytest

from dl4art.utils.backend import load_keras

keras = load_keras()
from dl4art.regression import labelled, labelled_windows, training  # noqa: E402 (Keras is loaded silently first)
from dl4art.regression.losses import LOCAL  # noqa: E402
from dl4art.simulation.samples import draw_samples  # noqa: E402
from dl4art.utils.cli import PICTURES, gather  # noqa: E402

EQUALISED, LOCALLY = labelled_windows.EQUALISED_VIEW, labelled_windows.LOCAL_VIEW


@pytest.fixture(scope="module")
def crops(labelled_folder):
    return labelled.read_labelled(gather([labelled_folder], (*PICTURES, ".json")), labelled_folder)


@pytest.fixture(scope="module")
def samples():
    return draw_samples("train", range(3), 240)


def make(crops, view=EQUALISED, **words):
    return labelled_windows.LabelledWindows(
        crops, view, **{"batch": 5, "draws": 13, "degrees": 0, "strain": 0, **words}
    )


def test_batches_add_up_to_the_draws(crops):
    windows = make(crops)
    assert [len(windows[n][0]) for n in range(len(windows))] == [5, 5, 3]
    pictures, truths = windows[0]
    assert pictures.shape == (5, 200, 200, 1)
    assert truths.shape == (5, 1)
    assert (pictures.min(), pictures.max()) == (0, 1)


def test_truths_are_the_densities_of_the_crops(crops):
    truths = np.concatenate([batch[1] for batch in (make(crops, draws=60)[n] for n in range(12))]).ravel()
    known = np.array([crop.density for crop in crops])
    assert np.abs(truths[:, None] / known.ravel() - 1).min(axis=1).max() < 0.02
    # vertical and horizontal ones
    assert np.abs(truths[:, None] / known[:, 0] - 1).min(axis=1).max() > 0.02


def test_draws_depend_on_seed_epoch_and_number_only(crops):
    first, second = make(crops, seed=4, degrees=6), make(crops, seed=4, degrees=6)
    second[0]
    np.testing.assert_array_equal(first[2][0], second[2][0])
    second.on_epoch_end()
    assert np.abs(first[2][0] - second[2][0]).max() > 0
    np.testing.assert_array_equal(second[1][0], make(crops, seed=4, degrees=6, epoch=1)[1][0])
    assert np.abs(first[2][0] - make(crops, seed=5, degrees=6)[2][0]).max() > 0


def test_fixed_windows_stay(crops):
    windows = make(crops, fixed=True, epoch=3)
    before = windows[0][0]
    windows.on_epoch_end()
    np.testing.assert_array_equal(windows[0][0], before)
    np.testing.assert_array_equal(make(crops)[0][0], before)


def test_without_draws_each_variant_comes_once(crops):
    windows = make(crops[:2], draws=0, batch=40)
    assert len(windows) == 5
    seen = np.concatenate([windows[n][0] for n in range(5)])
    assert len(seen) == 168
    windows.on_epoch_end()
    again = np.concatenate([windows[n][0] for n in range(5)])
    assert not np.array_equal(seen, again)
    np.testing.assert_allclose(np.sort(seen.sum(axis=(1, 2, 3))), np.sort(again.sum(axis=(1, 2, 3))), rtol=1e-6)


def test_the_shipped_networks_truth_is_that_of_its_own_windows(samples):
    """A simulated crop in the form of a labelled one gives what `training.Windows` gives."""
    old = training.Windows(samples, batch=12)
    made = labelled_windows.simulated_crops(samples)
    for row, (sample, direction) in enumerate(old.items):
        shift = (-20.0, -20.0)
        matrix = np.eye(2)[::-1] if direction else np.eye(2)
        warp = labelled_windows.Warp(matrix, shift)
        windows = make(made, LOCALLY)
        picture, truth = windows._window(int(sample), warp)
        np.testing.assert_array_equal(picture, old[0][0][row, ..., 0])
        # between the cells of the simulated truth this one is interpolated
        np.testing.assert_allclose(truth[:LOCAL], old[0][1][row, :LOCAL], rtol=0.02)
        assert truth[LOCAL] == pytest.approx(old[0][1][row, LOCAL], rel=2e-3)
        np.testing.assert_allclose(truth[LOCAL + 1 :], old[0][1][row, LOCAL + 1 :], rtol=1e-3, atol=1e-3)


def test_what_a_person_drew_is_readable(crops):
    truths = make(crops, LOCALLY)[0][1]
    assert (truths[:, LOCAL + 1] == 1).all()
    assert np.abs(truths[:, LOCAL + 2]).max() < 0.01


def test_a_rotation_is_in_the_truth(crops):
    truths = make(crops, LOCALLY, degrees=5, draws=40, batch=40)[0][1]
    assert 0.1 < np.abs(truths[:, LOCAL + 2]).max() <= 0.501


def test_windows_are_zoomed_to_what_is_aimed_at(samples):
    made = labelled_windows.simulated_crops(samples)
    aim = 1.2 * max(max(crop.density) for crop in made)
    windows = make(made, LOCALLY, draws=80, batch=80, zoom=1.25, aims=[aim])
    near = np.abs(windows[0][1][:, LOCAL] / aim - 1) < 0.1
    # crops of 240 px have room for 1.2, and chance alone brings few there
    assert near.sum() > 20
    assert np.abs(make(made, LOCALLY, draws=80, batch=80)[0][1][:, LOCAL] / aim - 1).min() > 0.1


def test_joined_batches_lie_side_by_side(crops, samples):
    first, second = make(crops, LOCALLY, draws=10), training.Windows(samples, batch=2)
    joined = labelled_windows.Joined(first, second)
    assert [len(joined[n][0]) for n in range(len(joined))] == [7, 7, 2]
    np.testing.assert_array_equal(joined[1][0][5:], second[1][0])
    joined.on_epoch_end()
    assert first.epoch == 1
