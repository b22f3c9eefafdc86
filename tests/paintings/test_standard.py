import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dl4art.paintings.standard import FITS, read_all, read_standard, standardise
from dl4art.utils.errors import InputError


def bars(rows, cols):
    """Left half red, right half blue."""
    picture = np.zeros((rows, cols, 3), np.uint8)
    picture[:, : cols // 2, 0] = 200
    picture[:, cols // 2 :, 2] = 100
    return picture


def test_padding_keeps_the_aspect():
    square = standardise(bars(100, 200), 40)
    assert not square[:10].any()
    assert not square[30:].any()
    assert (square[10:30, :18, 0] == 200).all()
    assert (square[10:30, 22:, 2] == 100).all()
    assert standardise(bars(200, 100), 40)[:, :10].any() == 0


def test_small_pictures_are_not_enlarged_by_padding():
    square = standardise(bars(10, 20), 40)
    assert np.array_equal(square[15:25, 10:30], bars(10, 20))
    assert square.sum() == bars(10, 20).sum()


def test_cropping_takes_the_middle_and_stretching_all():
    wide = bars(40, 80)
    wide[:, :15] = wide[:, -15:] = 255
    assert np.array_equal(standardise(wide, 40, "crop"), wide[:, 20:60])
    stretched = standardise(wide, 40, "stretch")
    assert (stretched[:, [0, 5, -5, -1]] == 255).all()
    assert stretched.any(axis=-1).all()


def test_nothing_aliases():
    stripes = np.zeros((512, 512, 3), np.uint8)
    stripes[:, ::2] = 255
    inner = standardise(stripes, 64)[4:-4, 4:-4]
    assert np.abs(inner.astype(int) - 127).max() < 8


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from([16, 32]), st.sampled_from(FITS))
def test_every_shape_becomes_a_square(rows, cols, px, fit):
    picture = np.full((rows, cols, 3), 90, np.uint8)
    square = standardise(picture, px, fit)
    assert square.shape == (px, px, 3)
    assert {*np.unique(square)} <= {0, 90}
    if fit != "pad":
        assert (square == 90).all()


@pytest.mark.parametrize(
    ("picture", "fit"),
    [(np.zeros((4, 4), np.uint8), "pad"), (np.zeros((4, 4, 3)), "pad"), (np.zeros((0, 4, 3), np.uint8), "pad"),
     (np.zeros((4, 4, 4), np.uint8), "crop"), (np.zeros((4, 4, 3), np.uint8), "fill")],
)  # fmt: skip
def test_what_is_no_picture_is_refused(picture, fit):
    with pytest.raises(InputError, match=r"picture: shape|fit: .fill."):
        standardise(picture, 16, fit)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "CMYK"])
def test_files_of_all_modes_are_read(tmp_path, mode):
    path = tmp_path / f"Velázquez, la Reina {mode}.{'tif' if mode == 'CMYK' else 'png'}"
    Image.new("RGB", (30, 20), (255, 255, 255)).convert(mode).save(path)
    square = read_standard(path, 32)
    assert (square[6:26, 1:31] >= 250).all()
    assert not square[:6].any()
    told = []
    assert np.array_equal(read_all([path, path], 32, advance=told.append), np.stack([square] * 2))
    assert told == [1, 1]
