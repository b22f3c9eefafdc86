import pytest
from hypothesis import given
from hypothesis import strategies as st

from dl4art.cropping.canvases import SPLITS, canvas_of, split_canvases


@pytest.mark.parametrize(
    ("name", "canvas"),
    [
        ("portrait_12", "portrait"),
        ("portrait-3", "portrait"),
        ("P-1207_x001.500_y000.000", "P-1207"),
        ("view_of_1650_04", "view_of_1650"),
        ("portrait", "portrait"),
        ("portrait12", "portrait12"),
        ("_12", "_12"),
        ("a/b/crop_12", "a/b"),
        ("a-1/crop_12", "a-1"),
    ],
)
def test_the_canvas_is_the_folder_or_the_name_before_the_number(name, canvas):
    assert canvas_of(name) == canvas


@given(st.sets(st.text(min_size=1), min_size=3, max_size=60), st.integers(0, 99))
def test_every_canvas_has_one_split_and_no_split_is_empty(names, seed):
    found = split_canvases(names, seed)
    assert set(found) == names
    assert set(found.values()) == set(SPLITS)
    counts = [list(found.values()).count(split) for split in SPLITS]
    assert counts[0] >= counts[1] == counts[2]
    assert found == split_canvases(sorted(names, reverse=True), seed)


def test_two_canvases_one_canvas_and_none():
    assert sorted(split_canvases("ab").values()) == ["test", "train"]
    assert split_canvases(["a", "a"]) == {}
    assert split_canvases([]) == {}


def test_the_seed_shuffles():
    names = [f"canvas {number}" for number in range(20)]
    assert len({tuple(split_canvases(names, seed).values()) for seed in range(5)}) == 5
