"""What tests of the dense readings share."""

from __future__ import annotations

import numpy as np
import pytest

from dl4art.cropping import plate_from_array
from dl4art.regression import ThreadCounter
from dl4art.simulation.plates import draw_plate, render_tiles
from dl4art.simulation.truth import TruthSum


@pytest.fixture(scope="session")
def shipped():
    """The shipped network."""
    return ThreadCounter.from_pretrained()


@pytest.fixture(scope="session")
def drawn():
    """A plain simulated plate, 4.5 x 3.5 cm at 200 px/cm: its grey values, 0 to 255, and its truth."""
    pixels, truth = np.zeros((700, 900), np.float32), TruthSum((700, 900), 200.0)
    for (row, col, rows, cols), tile in render_tiles(draw_plate(3, 0, (4.5, 3.5), furnished=False), 200.0):
        pixels[row : row + rows, col : col + cols] = np.rint(255 * tile.grey)
        truth.add(tile, row, col)
    return pixels, truth.means()


@pytest.fixture(scope="session")
def plate(drawn):
    """The same, as a plate."""
    return plate_from_array(drawn[0], 200.0)
