from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

from dl4art.utils.shards import join_shards, make_shards, read_shard


@dataclass(frozen=True, eq=False)
class Squares:
    number: np.ndarray
    square: np.ndarray


def squares(numbers):
    values = np.array(numbers)
    return Squares(values, values**2)


def never(_numbers):
    pytest.fail("made again")


options = partial(dict, shard=3, workers=1, done=lambda _: None)


def test_whole_shards_are_made_and_told_of(tmp_path):
    told = []
    made = make_shards(Squares, squares, tmp_path / "new", "s", 7, **options(done=told.append))
    assert made.square.tolist() == [n**2 for n in range(9)]
    assert told == [3, 6, 9]
    assert read_shard(Squares, tmp_path / "new" / "s-0001.npz").number.tolist() == [3, 4, 5]


def test_only_what_is_missing_is_made(tmp_path):
    make_shards(Squares, squares, tmp_path, "s", 6, **options())
    assert len(make_shards(Squares, never, tmp_path, "s", 6, **options(workers=2)).number) == 6
    (tmp_path / "s-0000.npz").unlink()
    calls = []

    def noted(numbers):
        calls.append(numbers)
        return squares(numbers)

    assert make_shards(Squares, noted, tmp_path, "s", 6, **options()).number.tolist() == list(range(6))
    assert calls == [range(3)]


def test_what_fails_leaves_the_finished_shards_whole(tmp_path):
    def failing(numbers):
        if 4 in numbers:
            raise OSError("disk full")
        return squares(numbers)

    with pytest.raises(OSError, match="disk full"):
        make_shards(Squares, failing, tmp_path, "s", 6, **options())
    assert [path.name for path in tmp_path.iterdir()] == ["s-0000.npz"]


def test_joining_keeps_the_order():
    joined = join_shards(Squares, [squares(range(2)), squares(range(5, 6))])
    assert joined.number.tolist() == [0, 1, 5]
