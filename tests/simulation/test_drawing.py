import numpy as np
import pytest

from dl4art.simulation import drawing

SHAPE = (120, 160)


@pytest.mark.parametrize("manner", drawing._MANNERS)
def test_each_manner_leaves_thin_marks(manner, rng, monkeypatch):
    monkeypatch.setattr(drawing, "_MANNERS", (manner,))
    surface = np.full((*SHAPE, 3), 0.6, np.float32)
    changed = [np.abs(drawing.draw_lines(rng, surface) - surface).max(axis=-1) for _ in range(8)]
    for change in changed:
        assert change.shape == SHAPE
        assert (change > 0.05).mean() < 0.6
    assert np.mean([(change > 0.05).any() for change in changed]) > 0.4


def test_colours_stay_in_range(rng):
    surface = rng.random((*SHAPE, 3), np.float32)
    for _ in range(20):
        drawn = drawing.draw_lines(rng, surface)
        assert drawn.dtype == np.float32
        assert 0 <= drawn.min() <= drawn.max() <= 1


def test_paint_brighter_than_white_takes_lines_too(rng):
    for _ in range(20):
        assert np.isfinite(drawing.draw_lines(rng, np.full((40, 40, 3), 1.2, np.float32))).all()
