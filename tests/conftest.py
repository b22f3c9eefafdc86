"""What several tests share."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import dl4art


@pytest.fixture
def rng():
    return np.random.default_rng(20260)


@pytest.fixture
def run_python(tmp_path):
    """Run Python in an empty folder, as a user would, with the dl4art that is being tested (installed or not)."""

    def run(*words, **environment):
        variables = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
        variables["PYTHONPATH"] = str(Path(dl4art.__file__).parents[1])
        folder = tmp_path / "elsewhere"
        folder.mkdir(exist_ok=True)
        return subprocess.run(
            [sys.executable, "-P", *map(str, words)],
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
            env=variables | environment,
        )

    return run
