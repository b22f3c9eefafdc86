"""Plates that can be compared at once: both networks are stood in for."""

import json
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile

from dl4art import compare
from dl4art.regression.estimate import ThreadEstimate
from dl4art.siamese import FabricComparer
from dl4art.siamese.calibration import UNCALIBRATED, quantiles
from dl4art.utils.models import ModelFolder

CALIBRATION = replace(
    UNCALIBRATED,
    unlike=0.3,
    compatible=0.7,
    crops=8,
    same=quantiles(np.linspace(0.5, 1.0, 200)),
    different=quantiles(np.linspace(0.0, 0.6, 200)),
)


class Counter:
    """Finds 12 and 15 th/cm, or what it is told to, in all but even grey."""

    name = "test-counter"

    def __init__(self):
        self.message = ""
        self.found = 12.0
        self.interrupt = False

    def predict(self, pictures, *, px_per_cm):
        if self.interrupt:
            signal.raise_signal(signal.SIGINT)
        return [self.one(picture) for picture in pictures]

    def one(self, picture):
        if np.ptp(picture) < 3:
            return ThreadEstimate("no-estimate", message="the vertical threads cannot be read here")
        # a plate's brightness stands for its cloth
        return ThreadEstimate("ok", self.found + (6 if picture.mean() > 180 else 0), 15.0, message=self.message)


class Encoder:
    """Describes a framed crop by how much its rows and its columns differ, where there is one."""

    output_shape = (None, 2)

    def predict_on_batch(self, batch):
        picture, there = batch[..., 0], batch[..., 1].sum(axis=(1, 2))
        steps = [np.diff(picture, axis=axis) for axis in (1, 2)]
        return np.stack([np.sqrt((step**2).sum(axis=(1, 2)) / there) for step in steps], axis=1)


def head(first, second):
    """The nearer two descriptions are, the likelier is one cloth; straight only."""
    apart = np.abs(first[:, None] - second[None]).sum(axis=(2, 3))
    return np.stack([7 - 26 * apart, np.full_like(apart, -40)], axis=-1)


@pytest.fixture(autouse=True)
def counter(monkeypatch):
    """The one counter of a test; both networks are stood in for."""
    counter = Counter()
    folder = ModelFolder("fake", Path(), Path(), "0" * 64, {}, {})
    comparer = FabricComparer(folder, CALIBRATION, Encoder(), head, counter)
    monkeypatch.setattr(FabricComparer, "from_pretrained", lambda model=None: comparer)
    return counter


def _write(path, seed=0, *, smooth=1, level=100, dpi=508, shape=(900, 900), colour=False):
    """A plate of 4.5 x 4.5 cm; `smooth` is its cloth."""
    picture = np.random.default_rng(seed).normal(0, 1, shape)
    for _ in range(smooth):
        picture = picture + np.roll(picture, 1, axis=0)
    picture = np.clip(np.rint(level + 12 * picture), 0, 255).astype(np.uint8)
    if colour:
        picture = np.stack([picture] * 3, axis=-1)
    scale = {"resolution": (dpi, dpi), "resolutionunit": "INCH"} if dpi else {}
    tifffile.imwrite(path, picture, **scale)
    return path


@pytest.fixture
def write():
    """Write a plate; see `_write`."""
    return _write


@pytest.fixture
def plates(tmp_path):
    return _write(tmp_path / "a.tif", 1), _write(tmp_path / "b.tif", 2)


@pytest.fixture
def run():
    """Give the command, which takes words of any kind."""
    return lambda *words: compare.main([str(word) for word in words])


@pytest.fixture
def result_of():
    """Give what reads a result."""
    return lambda path: json.loads(path.read_text("utf-8"))


@pytest.fixture
def refusal(run, capsys, tmp_path):
    """Give what is said when a plate cannot be used: exit 1, one line, no result file."""

    def refused(*words):
        assert run(*words, "-o", tmp_path / "r.json") == 1
        shown = capsys.readouterr()
        assert shown.out == ""
        assert not (tmp_path / "r.json").exists()
        assert all(line.startswith("error: ") for line in shown.err.splitlines())
        return shown.err

    return refused
