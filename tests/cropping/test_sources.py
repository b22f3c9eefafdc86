import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from dl4art.cropping.sources import ArraySource, ToGrey, turned

PICTURE = np.arange(5 * 7, dtype=np.uint8).reshape(5, 7)


def whole(source):
    return source.read(0, source.shape[0], 0, source.shape[1])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientations_are_those_of_exif(orientation):
    image = Image.fromarray(PICTURE)
    image.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(image))
    source = turned(ArraySource(PICTURE, ToGrey()), orientation)
    assert source.shape == expected.shape
    np.testing.assert_array_equal(whole(source), expected)


@given(data=st.data(), orientation=st.integers(1, 8))
def test_a_part_of_a_turned_picture_is_that_part_of_the_whole(data, orientation):
    source = turned(ArraySource(PICTURE, ToGrey()), orientation)
    top, bottom = sorted(data.draw(st.tuples(*[st.integers(0, source.shape[0])] * 2)))
    left, right = sorted(data.draw(st.tuples(*[st.integers(0, source.shape[1])] * 2)))
    np.testing.assert_array_equal(source.read(top, bottom, left, right), whole(source)[top:bottom, left:right])


@pytest.mark.parametrize("orientation", [0, 9, -3])
def test_meaningless_orientations_change_nothing(orientation):
    source = ArraySource(PICTURE, ToGrey())
    assert turned(source, orientation) is source


def test_equal_colours_keep_their_grey_and_alpha_does_not_count():
    samples = np.stack([PICTURE, PICTURE, PICTURE, 255 - PICTURE], axis=-1)
    np.testing.assert_allclose(ToGrey(colours=True)(samples), PICTURE, rtol=1e-6)


def test_white_is_zero_is_counted_downwards_without_wrapping():
    np.testing.assert_array_equal(ToGrey(white=255.0)(PICTURE), 255.0 - PICTURE)
    signed = np.array([[-3, 4]], dtype=np.int16)
    np.testing.assert_array_equal(ToGrey(white=0.0)(signed), [[3, -4]])


def test_palettes_are_looked_up():
    table = np.arange(35, 0, -1, dtype=np.float32)
    np.testing.assert_array_equal(ToGrey(table=table)(PICTURE[..., None]), 35 - PICTURE)
