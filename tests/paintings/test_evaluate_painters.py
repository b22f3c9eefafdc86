"""The maintainers' script for real painters: windows of paintings, and what few paintings can mean."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SCRIPT = Path(__file__).parents[2] / "utils" / "evaluate_painters.py"
pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="the scripts are not here")


@pytest.fixture(scope="module")
def script(load_script):
    return load_script(SCRIPT)


@pytest.fixture
def windows(script, tmp_path):
    """Windows of two paintings by each of two painters."""
    paths = []
    rng = np.random.default_rng(2)
    for painter in ("a", "b"):
        for number in range(2):
            path = tmp_path / "paintings" / painter / f"work é {number}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            coarse = rng.integers(0, 256, (20, 30, 3)).astype(np.uint8)
            Image.fromarray(np.kron(coarse, np.ones((16, 16, 1), np.uint8))).save(path)
            paths.append(path)
    script.cut_paintings(paths, tmp_path / "windows", 0)
    return script.read_class_folders(tmp_path / "windows", script.fingerprint)


def test_windows_of_a_painting_belong_together(script, windows):
    assert windows.classes == ("a", "b")
    assert len({*windows.groups}) == 4
    assert len(windows.pictures) == 4 * script.WINDOWS
    assert {script.read_photograph(picture.path).shape for picture in windows.pictures} == {(script.SIDE, script.SIDE)}


def test_paintings_are_named_by_all_their_windows(script, windows, tmp_path):
    """Two dealings into two folds: all right in the first, one painting wrong in the second."""
    folder = tmp_path / "result"
    (folder / "folds").mkdir(parents=True)
    groups, labels = np.array(windows.groups), np.array(windows.labels)
    names = sorted({*windows.groups})
    for dealing in range(2):
        for fold in range(2):
            numbers = np.flatnonzero(np.isin(groups, names[fold::2]))
            share = np.eye(2)[labels[numbers]] * 0.6 + 0.2
            # one window is badly wrong, which the others outweigh
            share[0] = share[0][::-1]
            if dealing and fold:
                share[groups[numbers] == names[1]] = [0.1, 0.9]
            number = 2 * dealing + fold + 1
            np.savez(folder / "folds" / f"fold-{number:02d}.npz", numbers=numbers, probability=share)
    text = script.by_painting(folder, windows, 2)
    assert "of 4: 4, 3 in 2 dealings, mean 3.5, deviation 0.7; the most frequent painter alone: 2" in text
    # Wilson's interval for 3.5 of 4
    assert "0.40 to 0.99" in text
