"""The notebooks run from end to end, on almost no data, and are kept without what they have printed."""

import json
import os
from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "regression").glob("*.ipynb"))


def test_there_is_a_notebook():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_it_runs(path, run_python):
    # by itself: what the project demands of its own warnings, no kernel keeps
    words = ["-c", os.devnull, "--rootdir", path.parent, "-p", "no:cacheprovider", "--nbmake", "--nbmake-timeout=900"]
    done = run_python("-m", "pytest", "-q", *words, path, DL4ART_NOTEBOOK="tiny")
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert "1 passed" in done.stdout


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_it_is_kept_without_outputs(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
