from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from dl4art.simulation import cloth as cloths
from dl4art.simulation.threads import lay_threads, piece_densities


def rng(seed=0):
    return np.random.default_rng(seed)


def test_patterns_of_the_weaves():
    assert cloths.weave_pattern("plain").tolist() == [[1, -1], [-1, 1]]
    basket = cloths.weave_pattern("basket")
    assert basket.shape == (4, 4)
    assert (basket[:2, :2] == 1).all()
    twill = cloths.weave_pattern("twill", 2, 1, 1)
    assert twill.tolist() == [[1, 1, -1], [-1, 1, 1], [1, -1, 1]]


@pytest.mark.parametrize("sense", [-1, 1])
def test_a_twill_steps_by_one_thread_from_row_to_row(sense):
    twill = cloths.weave_pattern("twill", 3, 1, sense)
    for upper, lower in pairwise(twill):
        assert (np.roll(upper, sense) == lower).all()
    assert (twill.sum(axis=0) == 2).all()


def test_densities_cover_the_range_on_a_logarithmic_scale():
    drawn = np.array([cloths.draw_density(generator) for generator in [rng()] for _ in range(4000)])
    low, high = cloths.DENSITY_RANGE
    assert low <= drawn.min() < low * 1.01
    assert high * 0.99 < drawn.max() <= high
    assert abs(np.median(drawn) - np.sqrt(low * high)) < 0.5


def test_a_cloth_has_the_densities_that_were_asked_for():
    cloth = cloths.draw_cloth(rng(), weave="twill", vertical_density=9.0, horizontal_density=14.0, ply=0.4)
    assert (cloth.vertical.density, cloth.horizontal.density, cloth.ply) == (9.0, 14.0, 0.4)
    assert cloth.weave == "twill"
    assert cloths.draw_cloth(rng()) != cloth


def even(**changes):
    settings = dict.fromkeys(cloths.Yarns.__dataclass_fields__, 0.0)
    return cloths.Yarns(**{**settings, "density": 10.0, "width": 0.7, "long_scale": 1.0, "wobble_scale": 1.0,
                           "slub_scale": 1.0, **changes})  # fmt: skip


def spacings(**changes):
    return np.diff(lay_threads(rng(), even(**changes), (0.0, 40.0), (0.0, 0.5)).centres)


def test_an_even_cloth_is_even():
    assert np.allclose(spacings(), 0.1, atol=1e-4)


def test_paired_threads_leave_every_other_space_narrower():
    narrow, wide = np.sort([spacings(pairing=0.2)[::2].mean(), spacings(pairing=0.2)[1::2].mean()])
    assert (narrow, wide) == pytest.approx((0.08, 0.12), abs=1e-4)


def test_a_missing_thread_is_not_there_and_its_shed_stays_empty():
    threads = lay_threads(rng(), even(missing=0.1), (0.0, 40.0), (0.0, 0.5))
    gaps = np.diff(threads.centres)
    wide = gaps > 0.15
    assert 0.05 < wide.mean() < 0.15
    assert np.allclose(gaps[wide], 0.2, atol=1e-4)
    # over and under go on as if the missing thread had been there
    assert (np.diff(threads.sheds)[wide] == 2).all()
    assert (np.diff(threads.sheds)[~wide] == 1).all()


def test_two_threads_in_one_shed_count_as_two():
    threads = lay_threads(rng(), even(doubled=0.1), (0.0, 40.0), (0.0, 0.5))
    shared = np.diff(threads.sheds) == 0
    assert 0.05 < shared.mean() < 0.15
    at = np.array([threads.centres[5], threads.centres[25]], np.float32)
    phase = threads.phase(at, np.full(2, 0.2, np.float32))
    assert phase == pytest.approx([5, 25], abs=1e-3)
    # they lie side by side and touch
    assert np.allclose(np.diff(threads.centres)[shared], 0.1 * max(0.55, 0.9 * even().width), atol=1e-4)


def test_the_phase_is_linear_between_threads_and_follows_their_strays():
    threads = lay_threads(rng(), even(wobble=0.1, short_irregularity=0.1), (0.0, 4.0), (0.0, 4.0))
    along = np.full(3, 2.0, np.float32)
    column = int(np.rint((2.0 - threads.start) / threads.stray_step))
    at = threads.centres[20:22] + threads.strays[20:22, column]
    places = np.array([at[0], at.mean(), at[1]], np.float32)
    assert threads.phase(places, along) == pytest.approx([20, 20.5, 21], abs=0.03)


def test_pieces_of_a_cloth_have_its_densities_and_drift_as_it_does():
    generator = rng(3)
    cloth = cloths.draw_cloth(generator, vertical_density=9.0, horizontal_density=14.0)
    steady, drifting = (
        replace(cloth, horizontal=replace(cloth.horizontal, long_irregularity=drift, missing=0.0, doubled=0.0))
        for drift in (0.0, 0.06)
    )
    calm, wild = (
        np.array([piece_densities(generator, each, 12.0)[1] for _ in range(40)]) for each in (steady, drifting)
    )
    assert calm.mean() == pytest.approx(14.0, rel=0.01)
    assert wild.std() > 3 * calm.std()
