from dataclasses import replace

import numpy as np
import pytest

from dl4art.craquelure.augment import Augmentation, augmented, cut_window

NONE = Augmentation(turned=False, inverted=0, filtered=0, noisy=0, tone=0, hue=0, saturation=0)


@pytest.fixture
def window(rng):
    picture = rng.integers(30, 220, (16, 16, 3)).astype(np.float32)
    return picture, (picture[..., 0] > 150).astype(np.uint8)


def test_windows_are_parts_of_the_picture_and_of_its_mask(rng):
    picture = np.arange(40 * 30 * 3).reshape(40, 30, 3).astype(np.uint8)
    mask = (picture[..., 0] % 3).astype(np.uint8)
    places = set()
    for _ in range(40):
        window, classes = cut_window(rng, picture, mask, 16)
        assert window.shape == (16, 16, 3)
        assert np.array_equal(window[..., 0] % 3, classes)
        places.add(window.tobytes())
    assert len(places) > 20


def test_small_pictures_are_mirrored(rng):
    picture = np.arange(12).reshape(2, 2, 3).astype(np.uint8)
    window, classes = cut_window(rng, picture, np.array([[0, 1], [2, 0]], np.uint8), 4)
    assert classes.tolist() == [[0, 1, 1, 0], [2, 0, 0, 2], [2, 0, 0, 2], [0, 1, 1, 0]]
    assert np.array_equal(window[:2, :2], picture)


def test_without_strength_nothing_changes(rng, window):
    picture, mask = augmented(rng, *window, NONE)
    assert np.array_equal(picture, window[0])
    assert np.array_equal(mask, window[1])


def test_turns_take_the_mask_along(rng, window):
    turned = [augmented(rng, *window, replace(NONE, turned=True)) for _ in range(60)]
    assert len({picture.tobytes() for picture, _ in turned}) == 8
    for picture, mask in turned:
        assert np.array_equal(mask, picture[..., 0] > 150)


@pytest.mark.parametrize(
    "change", [{"filtered": 1.0}, {"noisy": 1.0}, {"tone": 0.2}, {"hue": 0.1}, {"saturation": 0.5}, {"inverted": 1.0}]
)
def test_each_changes_the_picture_and_not_the_mask(rng, window, change):
    picture, mask = augmented(rng, *window, replace(NONE, **change))
    assert picture.dtype == np.float32
    assert 0 <= picture.min() <= picture.max() <= 255
    assert np.abs(picture - window[0]).mean() > 0.5
    assert np.array_equal(mask, window[1])
    # it is the same picture still
    likeness = np.corrcoef(picture.ravel(), window[0].ravel())[0, 1]
    assert likeness == pytest.approx(-1, abs=1e-6) if "inverted" in change else likeness > 0.6


def test_a_turned_hue_keeps_greys_and_moves_colours_as_much_as_asked(rng):
    grey, red = np.full((4, 4, 3), 100, np.float32), np.zeros((4, 4, 3), np.float32)
    red[..., 0] = 200
    nothing = np.zeros((4, 4), np.uint8)
    assert np.array_equal(augmented(rng, grey, nothing, replace(NONE, hue=0.5))[0], grey)

    class Third:
        """Turns by the third of a circle that is asked for at most."""

        def uniform(self, low, high, size=None):
            return high if size is None else np.full(size, high)

        def random(self):
            return 1.0

        def normal(self, mean, deviation):
            return mean

    green = augmented(Third(), red, nothing, replace(NONE, hue=1 / 3))[0]
    assert np.array_equal(green, np.roll(red, 1, axis=-1))
