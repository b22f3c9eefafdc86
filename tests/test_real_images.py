"""The bars on real images. They are kept beside the checkout, never in it, and nothing is fitted to their labels."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from dl4art.utils.errors import ModelError

FOLDER = os.environ.get("DL4ART_DATA", "")
SCRIPT = Path(__file__).parents[1] / "utils" / "evaluate_real.py"

pytestmark = [
    pytest.mark.skipif(not FOLDER, reason="DL4ART_DATA does not name the folder of real test images"),
    pytest.mark.skipif(not SCRIPT.is_file(), reason="utils/evaluate_real.py is not beside the tests"),
]


@pytest.fixture(scope="module")
def script(load_script):
    """The maintainers' script, which knows the folder's layout."""
    return load_script(SCRIPT)


@pytest.fixture(scope="module", params=["spectral", "auto"])
def counter(request, script):
    try:
        return script.make_counter(request.param)
    except ModelError as error:
        pytest.skip(f"no counter {request.param}: {error}")


def test_readable_windows_of_the_xray(script, counter):
    cases = [case for case in script.xray(Path(FOLDER)) if case.truth is not None]
    scores, _ = script.run(counter, cases)
    assert (scores.cases, scores.within_5_percent) == (4, 1.0)


def test_unreadable_windows_of_the_xray(script, counter):
    if type(counter).__name__ == "SpectralCounter":
        pytest.skip("the spectral method has no trained notion of what can be read")
    scores, _ = script.run(counter, [case for case in script.xray(Path(FOLDER)) if case.truth is None])
    assert (scores.refused, scores.unreadable) == (2, 2)


def test_photographs_at_three_scales_both_ways(script, counter):
    cases = script.varied(script.photographs(Path(FOLDER), "A"))
    scores, _ = script.run(counter, cases)
    assert len(cases) == 29 * 6
    assert scores.within_5_percent >= 0.92
    assert scores.median_error <= 0.015


def test_chambray_at_three_scales_both_ways(script, counter):
    scores, _ = script.run(counter, script.varied(script.chambray(Path(FOLDER))))
    assert scores.within_5_percent >= 0.95


def test_paired_threads_are_not_halved(script, counter):
    cases = script.photographs(Path(FOLDER), "B")
    _, found = script.run(counter, cases)
    assert len(cases) == 2
    for estimate, case in zip(found, cases, strict=True):
        if estimate.status == "ok":
            ratio = np.array([estimate.vertical_per_cm, estimate.horizontal_per_cm]) / case.truth
            assert np.all((ratio > 1 / 1.5) & (ratio < 1.5)), case.name
