"""The script that draws the reliability diagram, on results made up and on those of the shipped model."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from dl4art.siamese.calibration import calibration_error, reliability
from dl4art.utils.errors import InputError

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "utils" / "draw_reliability.py"
pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="the script is in the checkout, not in the package")


@pytest.fixture(scope="module")
def script(load_script):
    return load_script(SCRIPT)


@pytest.fixture
def results(tmp_path, rng):
    """Two sets whose similarities are probabilities."""
    sets = {}
    for name in ("common family", "held-out family"):
        similarity = rng.random(500)
        steps = reliability(similarity, rng.random(500) < similarity)
        sets[name] = {"canvases": {"reliability": steps, "calibration_error": calibration_error(steps)}}
    path = tmp_path / "results.json"
    path.write_text(json.dumps(sets), encoding="utf-8")
    return path


def test_each_set_is_drawn_where_its_table_says(script, results):
    sets = script.read_steps(results)
    above, below = script.draw_reliability(sets).axes
    diagonal, *curves = above.lines
    np.testing.assert_array_equal(diagonal.get_xydata(), [(0, 0), (1, 1)])
    for curve, (name, (steps, error)) in zip(curves, sets.items(), strict=True):
        np.testing.assert_allclose(curve.get_xydata(), [step[1:] for step in steps])
        assert curve.get_label() == f"{name}: calibration error {error:.3f}"
    assert sum(bar.get_height() for bar in below.patches) == pytest.approx(2)


def test_the_picture_is_written(script, results, tmp_path, monkeypatch):
    output = tmp_path / "r.png"
    monkeypatch.setattr(sys, "argv", ["draw", "--results", str(results), "-o", str(output)])
    script.main()
    assert output.read_bytes().startswith(b"\x89PNG")


def test_results_without_the_table_say_how_to_make_it(script, tmp_path, monkeypatch):
    path = tmp_path / "results.json"
    path.write_text('{"common family": {"canvases": {"auc": 0.9}}}', encoding="utf-8")
    monkeypatch.setattr(sys, "argv", ["draw", "--results", str(path), "-o", str(tmp_path / "r.png")])
    with pytest.raises(SystemExit, match=r"has no reliability table.*python -m dl4art\.train comparer"):
        script.main()
    assert not (tmp_path / "r.png").exists()


@pytest.mark.parametrize("content", ["", "[1]", "{}", '{"a": 1}', '{"a": {}}'])
def test_what_is_no_results_file(script, tmp_path, content):
    path = tmp_path / "results.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"python -m dl4art\.train comparer"):
        script.read_steps(path)


def test_the_shipped_results_are_read_or_refused_in_a_sentence(script):
    path = ROOT / "siamese" / "results.json"
    if '"reliability"' in path.read_text(encoding="utf-8"):
        sets = script.read_steps(path)
        assert sum(step[0] for steps, _ in sets.values() for step in steps) == pytest.approx(len(sets))
    else:
        with pytest.raises(InputError, match="has no reliability table"):
            script.read_steps(path)
