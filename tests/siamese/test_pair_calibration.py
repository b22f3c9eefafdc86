from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from dl4art.siamese import pair_calibration
from dl4art.siamese.calibration import fit_doubled
from dl4art.siamese.pair_calibration import few_crops, known_pair_scores


def test_known_pairs_of_crops_are_of_two_plates_and_readable(tiny, held):
    same, different = known_pair_scores(tiny, held)
    readable = np.isfinite(held.counted).all(axis=(1, 2))
    counts = [0, 0]
    for a, b in combinations(np.flatnonzero(readable), 2):
        if held.samples.family[a] == held.samples.family[b] and held.samples.plate[a] != held.samples.plate[b]:
            counts[int(held.samples.cloth[a] != held.samples.cloth[b])] += 1
    assert [len(same), len(different)] == counts


def test_refused_crops_are_looked_at_in_a_second_frame(tiny, held):
    refused = np.isnan(held.counted).any(axis=(1, 2))
    assert 0 < refused.sum() < len(refused)
    np.testing.assert_array_equal(held.looks.doubtful, refused)
    wrong = np.stack([held.counted[:, 0], np.full((len(refused), 2), 20.0)], axis=1)
    wrong[refused, 0] = 12.0
    looks = tiny.look(held.samples.grey, counts=(held.counted[:, 0], wrong))
    first, second = looks.views
    np.testing.assert_array_equal(second[~refused], first[~refused])
    assert not np.allclose(second[refused], first[refused])


def test_spectra_are_calibrated_on_pairs_that_cannot_be_counted(tiny, held, monkeypatch):
    asked = []
    monkeypatch.setattr(pair_calibration, "fit_spectra", lambda *kinds: asked.append(kinds) or (2.0, 0.5))
    doubtful = np.ones_like(held.looks.doubtful)
    few = few_crops(tiny, held, 2)
    unread = replace(few, looks=replace(few.looks, doubtful=doubtful[: len(few.samples)]))
    assert pair_calibration.calibrate_spectra(tiny, unread) == (2.0, 0.5)
    same, near, far = asked[0]
    assert len(same) == 3 * 2 * 4
    assert len(near) == 3 * 16
    assert same[:, 1].mean() > far[:, 1].mean()
    read = replace(few, looks=replace(few.looks, doubtful=np.zeros(len(few.samples), bool)))
    pair_calibration.calibrate_spectra(tiny, read)
    assert [len(kind) for kind in asked[1]] == [0, 0, 0]


def test_doubled_densities_are_calibrated_on_pairs_that_agree_only_so(tiny, samples, held, monkeypatch):
    asked = []
    monkeypatch.setattr(pair_calibration, "fit_doubled", lambda *kinds: asked.append(kinds) or -1.0)
    assert pair_calibration.calibrate_doubled(tiny, few_crops(tiny, held, 2)) == 0.0
    guessed = np.tile([[9.0, 12.0]], (len(samples), 2, 1))
    half = samples.plate % 2 == 0
    guessed[half, :, 0] = 4.5
    looks = replace(held.looks, guessed=guessed, doubtful=np.zeros(len(samples), bool))
    few = few_crops(tiny, replace(held, looks=looks), 2)
    assert pair_calibration.calibrate_doubled(tiny, few) == -1.0
    same, near, far, totals = asked[0]
    # one plate of each cloth was counted at half the density: its two crops against those of the other plates
    assert (len(same), len(near), len(far)) == (6 * 4, 6 * 4, 6 * 2 * 2 * 4)
    assert totals == (6 * 4, 3 * 16, 3 * 8 * 8)


@pytest.mark.parametrize("often", [1, 4])
def test_the_more_often_strangers_agree_only_so_the_less_it_says(rng, often):
    same, different = rng.normal(2, 2, 8000), rng.normal(0, 2, 8000)
    found = fit_doubled(same, different[:4000], different[4000:], (8000, 4000 // often, 4000 // often))
    # the log odds of both normal distributions are x / 2 - 1 / 2, less the logarithm of how often
    assert found == pytest.approx(-1 - 2 * np.log(often), abs=0.25)


def test_doubling_counts_for_nothing_if_nothing_is_known_of_it(rng):
    assert fit_doubled([1.0] * 5, rng.normal(size=50), [], (5, 50, 50)) == 0.0
    assert fit_doubled(rng.normal(size=50), [], [], (50, 50, 50)) == 0.0
    # never a bonus
    assert fit_doubled(rng.normal(9, 1, 400), rng.normal(8, 1, 40), [], (400, 4000, 4000)) <= 0.0
