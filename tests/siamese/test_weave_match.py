import json

import numpy as np
import pytest

from dl4art.siamese import WeaveMap, match_weaves
from dl4art.siamese.bolts import draw_pair
from dl4art.siamese.weave_match import LEVEL

FEW = 60


def turned(found, quarter=False, half=False):
    """A map turned over its diagonal, or by half a turn."""
    vertical, horizontal = (found.horizontal.T, found.vertical.T) if quarter else (found.vertical, found.horizontal)
    order = slice(None, None, -1 if half else 1)
    return WeaveMap(vertical[order, order], horizontal[order, order], found.step_cm)


@pytest.fixture(scope="module")
def neighbours():
    return draw_pair(np.random.default_rng(8), related=True, overlap_cm=30)


@pytest.fixture(scope="module")
def found(neighbours):
    return match_weaves(*neighbours, surrogates=FEW)


def test_neighbours_are_found_where_they_lie(neighbours, found):
    assert found.finding == "same bolt supported"
    assert found.p <= LEVEL
    assert (found.best.direction_a, found.best.direction_b) == ("vertical", "vertical")
    assert found.best.overlap_cm == pytest.approx(30, abs=1.5)
    width = neighbours[0].vertical.shape[1] * 0.5
    assert found.best.a_to_cm == pytest.approx(width, abs=1)
    assert found.best.a_from_cm == pytest.approx(width - 30, abs=2)
    assert "same bolt, not the same roll" in found.sentence


def test_the_null_stands_beside_it(found):
    best = found.best
    assert best.drawn == 2 * FEW
    assert best.as_good <= 0.1 * best.drawn
    for values in best.null.values():
        assert list(values) == ["50", "90", "95", "99"]
        assert sorted(values.values()) == list(values.values())
    assert best.statistic > best.null["statistic"]["99"]
    assert best.alignments > 100


def test_both_orders_say_the_same(neighbours, found):
    back = match_weaves(*reversed(neighbours), surrogates=FEW)
    assert back.p == pytest.approx(found.p, abs=1e-6)
    assert back.finding == found.finding
    one, other = found.best, back.best
    assert (one.a_from_cm, one.a_to_cm, one.b_from_cm) == pytest.approx(
        (other.b_from_cm, other.b_to_cm, other.a_from_cm)
    )
    assert (1 + one.stretch) * (1 + other.stretch) == pytest.approx(1)
    if not one.flipped:
        assert one.shift_cm == pytest.approx(-other.shift_cm)


def test_the_same_seed_gives_the_same_numbers(neighbours, found):
    assert match_weaves(*neighbours, surrogates=FEW) == found
    assert match_weaves(*neighbours, surrogates=FEW, seed=1).best.null != found.best.null


@pytest.mark.parametrize(("quarter", "half"), [(True, False), (False, True), (True, True)])
def test_turned_canvases_match_as_well(neighbours, found, quarter, half):
    a, b = neighbours
    again = match_weaves(a, turned(b, quarter, half), surrogates=FEW)
    assert again.finding == "same bolt supported"
    assert again.best.direction_b == ("horizontal" if quarter else "vertical")
    assert again.best.flipped == (found.best.flipped != half)
    assert again.best.r == pytest.approx(found.best.r, abs=0.1)


def test_the_level_of_both_maps_may_differ_a_little(neighbours, found):
    a, b = neighbours
    moist = WeaveMap(b.vertical * np.float32(1.004), b.horizontal, b.step_cm)
    assert match_weaves(a, moist, surrogates=FEW).finding == "same bolt supported"


def test_strangers_are_not_called_neighbours():
    p = [
        match_weaves(*draw_pair(np.random.default_rng([9, number]), related=False), surrogates=40).p
        for number in range(12)
    ]
    assert np.mean(np.array(p) <= LEVEL) <= 1 / 12


def test_other_densities_are_not_supported(neighbours):
    a, b = neighbours
    finer = WeaveMap(b.vertical * 2, b.horizontal * 3, b.step_cm)
    found = match_weaves(a, finer, surrogates=FEW)
    assert found.finding == "not supported"
    assert found.best is None
    assert found.p == 1


@pytest.mark.parametrize("cut", [slice(0, 16), slice(0, 2)])
def test_a_scrap_has_not_enough_overlap(neighbours, cut):
    a, b = neighbours
    scrap = WeaveMap(b.vertical[cut, cut], b.horizontal[cut, cut], b.step_cm)
    found = match_weaves(a, scrap, surrogates=FEW)
    assert found.finding == "not enough overlap"
    assert found.directions == ()


def test_a_blank_map_has_not_enough_overlap(neighbours):
    a, b = neighbours
    blank = np.full_like(b.vertical, np.nan)
    assert match_weaves(a, WeaveMap(blank, blank, b.step_cm), surrogates=FEW).finding == "not enough overlap"


def test_a_result_is_json(found):
    again = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert again["finding"] == found.finding
    assert again["best"]["null"] == found.best.null
