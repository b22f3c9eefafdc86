import numpy as np
import pytest

from dl4art.simulation import render, stage
from dl4art.simulation.families import FamilyCrop, FamilyPlan, draw_family
from dl4art.simulation.statistics import SAMPLED, STATISTICS, thread_statistics


@pytest.fixture
def measure(picture):
    def made(turned=False, size=1.5, tilt=0.0, **changes):
        scene = stage(picture.cloth(**changes), picture.radiograph(tilt=tilt), (size, size), 5)
        crop = FamilyCrop(0, 0, turned, scene, (0, 0), render(scene), (9.0, 9.0))
        return [dict(zip(STATISTICS, row, strict=True)) for row in thread_statistics(crop)]

    return made


def test_even_threads_have_no_spread(measure):
    vertical, horizontal = measure(vertical=14.0, horizontal=9.0)
    assert np.exp(vertical["log_density"]) == pytest.approx(14, rel=0.005)
    assert np.exp(horizontal["log_density"]) == pytest.approx(9, rel=0.005)
    for found in (vertical, horizontal):
        assert np.exp(found["log_width"]) == pytest.approx(0.75, rel=0.005)
        assert found["crimp"] == 0.5
        for name in STATISTICS:
            if "spread" in name or name in ("log_wobble", "log_spacing_pairing", "log_spacing_drift"):
                assert np.exp(found[name]) == pytest.approx(0.01, abs=0.003), name


def test_tilt_changes_nothing(measure):
    straight, tilted = measure()[0], measure(tilt=12.0)[0]
    assert tilted["log_density"] == pytest.approx(straight["log_density"], abs=0.005)
    assert tilted["log_width"] == pytest.approx(straight["log_width"], abs=0.01)
    assert np.exp(tilted["log_spacing_spread"]) < 0.02


@pytest.mark.parametrize(
    ("property_", "statistic", "value"),
    [
        ("short_irregularity", "log_spacing_spread", 0.12),
        ("pairing", "log_spacing_pairing", 0.2),
        ("width_spread", "log_width_spread", 0.12),
        ("slub_spread", "log_slub_spread", 0.2),
    ],
)
def test_each_irregularity_is_found_where_it_is(measure, property_, statistic, value):
    found = measure(vertical=14.0, horizontal=14.0, slub_scale=0.15, **{property_: value})
    for row in found:
        assert np.exp(row[statistic]) == pytest.approx(value, rel=0.35)


def test_strays_of_threads_are_wobble(measure):
    calm, wild = measure(wobble=0.0)[0], measure(wobble=0.12)[0]
    assert np.exp(wild["log_wobble"]) > 3 * np.exp(calm["log_wobble"])


def test_missing_threads_leave_gaps(measure):
    assert measure(missing=0.15)[0]["gaps"] > 0
    assert measure()[0]["gaps"] == 0


def test_a_turned_crop_has_its_directions_changed_over(measure):
    assert measure(turned=True) == measure()[::-1]


def test_all_is_finite_for_whatever_is_drawn():
    plan = FamilyPlan(cloths=2, plates=1, crops=1, size_px=160, other_weaves=0.5)
    for number in range(4):
        for crop in draw_family("train", number, plan):
            assert np.isfinite(thread_statistics(crop)).all()


def test_what_is_sampled_leaves_out_what_all_threads_of_a_cloth_share():
    assert set(STATISTICS) - set(SAMPLED) == {"crimp", "bulge"}
