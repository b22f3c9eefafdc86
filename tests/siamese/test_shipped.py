"""The shipped comparer on plates that it has not seen."""

from pathlib import Path

import numpy as np
import pytest

from dl4art.cropping import read_plate
from dl4art.siamese import FabricComparer

PLATES = Path(__file__).parents[2] / "cropping" / "plates"


def log_odds(scores):
    clipped = np.clip(scores.astype(np.float64), 1e-4, 1 - 1e-4)
    return np.log(clipped / (1 - clipped))


@pytest.fixture(scope="module")
def comparer():
    return FabricComparer.from_pretrained()


@pytest.fixture(scope="module")
def plates():
    return {name: read_plate(PLATES / f"canvas-{name}.tif") for name in ("a-1", "a-2", "b")}


@pytest.fixture(scope="module")
def same(comparer, plates):
    return comparer.compare(plates["a-1"], plates["a-2"], crops=14)


def test_two_plates_of_one_cloth_look_more_alike_than_two_of_two(comparer, plates, same):
    other = comparer.compare(plates["a-1"], plates["b"], crops=14)
    assert same.similarity > 10 * other.similarity
    assert same.verdict in ("compatible", "undecided")
    assert other.verdict in ("unlike", "excluded")
    assert min(same.a.control.similarity, same.b.control.similarity) > 0.5


def test_a_crop_may_hang_any_way(comparer, plates):
    crops = [plates[name].sample()[:300, :300] for name in ("a-1", "a-2")]
    scores = log_odds(comparer.score_pairs(crops, crops))
    for turns in (1, 2, 3):
        turned = log_odds(comparer.score_pairs([np.rot90(crop, turns) for crop in crops], crops))
        # but for what the counter makes of a flipped crop, and the grid it is framed on
        np.testing.assert_allclose(turned, scores, atol=1.0)


def test_negatives_are_scored_as_positives(comparer, plates):
    crops = [plates[name].sample()[:300, :300] for name in ("a-1", "a-2", "b")]
    scores = comparer.score_pairs(crops, crops)
    np.testing.assert_allclose(comparer.score_pairs([255 - crop for crop in crops], crops), scores, atol=0.02)
    np.testing.assert_allclose(scores, scores.T, atol=1e-5)
