"""The bars on real cloths. They are kept beside the checkout, never in it, and nothing is fitted to them."""

import os
from pathlib import Path

import numpy as np
import pytest

from dl4art.siamese import FabricComparer

FOLDER = os.environ.get("DL4ART_DATA", "")
SCRIPT = Path(__file__).parents[2] / "utils" / "evaluate_real_cloths.py"

pytestmark = pytest.mark.skipif(not SCRIPT.is_file(), reason="utils/evaluate_real_cloths.py is not beside the tests")
real = pytest.mark.skipif(not FOLDER, reason="DL4ART_DATA does not name the folder of real test images")


@pytest.fixture(scope="module")
def script(load_script):
    """The maintainers' script, which knows the folder's layout."""
    return load_script(SCRIPT)


@pytest.fixture(scope="module")
def shipped():
    return FabricComparer.from_pretrained()


@pytest.fixture(scope="module")
def fabrics(script):
    return script.fabrics(Path(FOLDER))


@pytest.fixture(scope="module")
def kth(script):
    return script.kth(Path(FOLDER), script.READABLE_SCALES)


def waves(density, count, seed):
    """Crops of vertical threads with noise."""
    x = np.arange(300) / 200
    noise = np.random.default_rng(seed).normal(0, 0.3, (count, 300, 300))
    return (np.cos(2 * np.pi * density * x) + noise).astype(np.float32)


def test_the_spectrum_and_the_area_know_two_densities_apart(script):
    pictures = np.concatenate([waves(9, 3, 0), waves(13, 3, 1)])
    truth = np.kron(np.eye(2), np.ones((3, 3))).astype(np.int8)
    crops = script.Crops("waves", pictures, truth)
    scores = script.log_spectrum(pictures, blur=1.0)
    np.testing.assert_allclose(np.diag(scores), 1, atol=1e-6)
    assert script.area(crops, scores) == 1.0
    assert script.area(crops, -scores) == 0.0


def test_pairs_that_are_left_out_do_not_count(script):
    truth = np.array([[1, 1, 0], [1, 1, -1], [0, -1, 1]], np.int8)
    scores = np.array([[0, 0.5, 0.1], [0, 0, 0.9], [0, 0, 0]])
    crops = script.Crops("three", np.zeros((3, 1, 1), np.float32), truth)
    assert script.area(crops, scores) == 1.0
    said = []
    result = script.evaluate([crops], {"given": lambda pictures: scores}, said.append)
    assert result["three"] == {"pairs": 2, "one cloth": 1, "auc": {"given": 1.0}}
    assert said[-1].split() == ["three", "2", "1", "1.000"]


@real
def test_what_a_plain_spectrum_can_do_is_as_published(script, fabrics):
    assert script.area(fabrics, script.log_spectrum(fabrics.pictures)) == pytest.approx(0.92, abs=0.01)


@real
def test_threads_are_brought_to_one_period(script, kth):
    densities = np.array([script.spectral_peaks(picture, 200.0)[0].density for picture in kth.pictures])
    assert np.median(densities) == pytest.approx(200 / script.PERIOD, rel=0.02)
    assert (np.abs(densities * script.PERIOD / 200 - 1) < 0.1).mean() > 0.9


@real
def test_fabrics_are_told_apart(script, fabrics, shipped):
    assert script.area(fabrics, shipped.score_pairs(fabrics.pictures, fabrics.pictures)) >= 0.95


@real
def test_linen_is_told_from_cotton(script, kth, shipped):
    assert script.area(kth, shipped.score_pairs(kth.pictures, kth.pictures)) >= 0.95
