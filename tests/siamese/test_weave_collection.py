"""Collections: simulated ones, and the published maps that are kept beside the checkout, never in it."""

import importlib.util
import os
from pathlib import Path

import numpy as np
import pytest

from dl4art.siamese import match_collection
from dl4art.siamese.bolts import draw_pair

FOLDER = os.environ.get("DL4ART_DATA", "")
SCRIPT = Path(__file__).parents[2] / "utils" / "evaluate_weave_matches.py"


def load():
    spec = importlib.util.spec_from_file_location("evaluate_weave_matches", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_neighbours_come_first_in_a_collection():
    maps = {}
    for number in (8, 12):
        maps |= zip((f"{number}a", f"{number}b"), draw_pair(np.random.default_rng(number), related=True), strict=True)
    seen = []
    found = match_collection(maps, surrogates=40, advance=seen.append)
    assert len(seen) == 6
    assert [item.rank for item in found.ranked] == list(range(1, len(found.ranked) + 1))
    assert {(item.a, item.b) for item in found.ranked[:2]} == {("8a", "8b"), ("12a", "12b")}
    assert found.ranked[0].expected < 0.05
    assert sorted(found.percentiles) == ["plain_r", "statistic"]
    assert found.to_dict()["ranked"][0]["match"]["r"] == found.ranked[0].match.r


def test_an_empty_collection_is_empty():
    found = match_collection({})
    assert found.ranked == ()
    assert found.percentiles == {}


@pytest.mark.skipif(not SCRIPT.is_file(), reason="utils/evaluate_weave_matches.py is not beside the tests")
def test_the_script_measures_simulated_pairs():
    row = load().simulated(30.0, 0.0, pairs=4, surrogates=20)
    assert row["pairs_of_each"] == 4
    assert 0 <= row["false_positive_rate_at_p_0.01"] <= row["true_positive_rate_at_p_0.01"] <= 1


@pytest.mark.skipif(not FOLDER, reason="DL4ART_DATA does not name the folder of real test images")
@pytest.mark.skipif(not SCRIPT.is_file(), reason="utils/evaluate_weave_matches.py is not beside the tests")
def test_the_known_match_of_two_vermeers_stands_out():
    maps = load().read_published(Path(FOLDER) / "6_weave_maps")
    found = match_collection(maps, surrogates=30)
    rank = next(item for item in found.ranked if (item.a, item.b) == ("L27", "L28"))
    assert (rank.match.direction_a, rank.match.direction_b) == ("vertical", "vertical")
    assert rank.match.flipped
    assert rank.match.p <= 0.01
    # a plain correlation puts it sixth
    assert rank.rank < 6
    # most pairs are unrelated, so probabilities have to be spread evenly
    p = np.array([item.match.p for item in found.ranked])
    assert (p <= 0.05).mean() < 0.12
