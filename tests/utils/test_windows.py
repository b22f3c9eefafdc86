import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dl4art.utils.windows import InMemory, cut_to_disk, cut_window, cut_windows, even_places, random_places

SIDES = st.integers(1, 300)


@pytest.fixture
def picture(rng):
    return InMemory(rng.integers(0, 256, (30, 50, 3), np.uint8))


@given(SIDES, SIDES, st.integers(1, 100), st.integers(1, 40))
@settings(max_examples=150, deadline=None)
def test_even_windows_lie_inside_and_are_not_too_many(rows, columns, side, most):
    places = even_places((rows, columns), side, most)
    assert 1 <= len(places) <= most
    assert len({*places}) == len(places)
    for top, left in places:
        assert 0 <= top <= max(rows - side, 0)
        assert 0 <= left <= max(columns - side, 0)


@given(SIDES, SIDES, st.integers(1, 100))
@settings(max_examples=50, deadline=None)
def test_even_windows_cover_the_picture_where_they_may(rows, columns, side):
    seen = np.zeros((rows, columns), bool)
    for top, left in even_places((rows, columns), side, 10**6):
        seen[top : top + side, left : left + side] = True
    assert seen.all()


def test_a_single_window_is_in_the_middle():
    assert even_places((30, 50), 10, 1) == [(10, 20)]


def test_random_places_are_inside_and_seeded():
    places = random_places((30, 50), 20, 200, np.random.default_rng(1))
    assert places == random_places((30, 50), 20, 200, np.random.default_rng(1))
    assert {top for top, _ in places} == {*range(11)}
    assert {left for _, left in places} == {*range(31)}
    assert random_places((20, 15), 20, 9, np.random.default_rng(1)) == [(0, 0)]


def test_a_window_is_what_the_picture_shows_there(picture):
    assert np.array_equal(cut_window(picture, (3, 7), 20), picture.pixels[3:23, 7:27])


def test_a_picture_that_is_too_small_is_mirrored(picture):
    window = cut_window(picture, (0, 4), 40)
    assert window.shape == (40, 40, 3)
    assert np.array_equal(window[30], window[29])
    assert np.array_equal(window[39], window[20])


@pytest.mark.parametrize("on_disk", [False, True])
def test_windows_know_their_pictures(picture, tmp_path, on_disk):
    sources = [(picture, [(0, 0), (5, 5)]), (picture, [(1, 1)])]
    windows = cut_to_disk(tmp_path / "windows.bin", sources, 8) if on_disk else cut_windows(sources, 8)
    assert windows.picture.tolist() == [0, 0, 1]
    assert np.array_equal(windows.window(1), picture.pixels[5:13, 5:13])
    last = windows.of([1])
    assert np.array_equal(last.batch(0, 9), picture.pixels[None, 1:9, 1:9])
    means = windows.means(np.array([[1.0], [3.0], [7.0]]), [0, 1])
    assert means.tolist() == [[2.0], [7.0]]
