from __future__ import annotations

import numpy as np
import pytest

from dl4art.regression import samples
from dl4art.regression.counter import WINDOW
from dl4art.simulation.samples import CELL, Samples, draw_samples


def test_shards_are_what_would_be_drawn_at_once(tmp_path):
    told = []
    drawn = samples.simulate_samples(tmp_path, "stop", 3, 80, workers=1, shard=2, done=told.append)
    whole = draw_samples("stop", range(4), 80)
    assert len(drawn) == 4  # whole shards
    np.testing.assert_array_equal(drawn.grey, whole.grey)
    np.testing.assert_array_equal(drawn.density, whole.density)
    assert told == [2, 4]


def test_what_is_on_disk_is_not_drawn_again(tmp_path, monkeypatch):
    first = samples.simulate_samples(tmp_path, "stop", 2, 80, workers=1, shard=2)
    monkeypatch.setattr(samples, "draw_samples", lambda *_, **__: pytest.fail("drawn again"))
    second = samples.simulate_samples(tmp_path, "stop", 2, 80, workers=2, shard=2)
    np.testing.assert_array_equal(first.grey, second.grey)


def test_several_processes_draw_the_same(tmp_path):
    one = samples.simulate_samples(tmp_path / "one", "stop", 4, 80, workers=1, shard=2)
    two = samples.simulate_samples(tmp_path / "two", "stop", 4, 80, workers=2, shard=2)
    np.testing.assert_array_equal(one.grey, two.grey)


def stripes(density, side=304):
    """Crops of upright stripes of exact densities, as dense the other way by their truth."""
    x = np.arange(side) + 0.5
    grey = [np.tile(np.rint(127 + 100 * np.cos(2 * np.pi * d * x / 200)), (side, 1)) for d in density]
    cells = np.repeat(np.array(density, np.float32), 2 * (side // CELL) ** 2)
    count = len(density)
    return Samples(
        np.array(grey).astype(np.uint8),
        cells.reshape(count, 2, side // CELL, side // CELL),
        np.zeros((count, 2), np.float32),
        np.arange(2 * count, dtype=np.float32).reshape(count, 2),
        np.arange(count) % 2 == 0,
    )


def test_crops_are_made_as_fine_as_the_cloths_at_hand():
    drawn = stripes([10.0, 18.0, 20.0, 24.0, 26.0])
    finer, chosen = samples.made_finer(drawn, np.array([28.0]))
    # 10 would have to be made nearly three times as fine, and half as fine again is the most
    assert chosen.tolist() == [2, 3, 4]
    assert finer.grey.shape == (3, WINDOW, WINDOW)
    assert finer.density.shape == (3, 2, 1, 1)
    assert finer.density == pytest.approx(28.0, rel=0.025)
    assert finer.readable.tolist() == drawn.readable[chosen].tolist()
    assert finer.plain.tolist() == [True, False, True]
    for picture, density in zip(finer.grey.astype(float), finer.density[:, 0, 0, 0], strict=True):
        row = picture[100] - picture[100].mean()
        wave = np.exp(-2j * np.pi * density * (np.arange(WINDOW) + 0.5) / 200)
        assert 2 * abs((row * wave).mean()) == pytest.approx(100, abs=10)


def test_without_finer_cloths_nothing_is_made_finer():
    finer, chosen = samples.made_finer(stripes([10.0, 20.0]), ())
    assert len(finer) == len(chosen) == 0
    assert finer.density.shape == (0, 2, 1, 1)


def test_the_density_of_the_part_that_is_kept_is_told():
    drawn = stripes([20.0])
    edge = (drawn.density.shape[-1] - round(1.3 * WINDOW / CELL)) // 2
    drawn.density[..., :edge] = 99
    # the mean that decides by how much is another one then
    finer, _ = samples.made_finer(drawn, np.array([45.0]))
    assert finer.density == pytest.approx(20 * 45 / drawn.density.mean(), rel=0.03)
