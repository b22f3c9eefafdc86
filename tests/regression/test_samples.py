from __future__ import annotations

import numpy as np
import pytest

from dl4art.regression import samples
from dl4art.simulation.samples import draw_samples


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
