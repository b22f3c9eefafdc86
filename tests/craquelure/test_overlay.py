import numpy as np
import pytest
from PIL import Image

from dl4art.craquelure import overlay
from dl4art.craquelure.measures import LEFT_OUT
from dl4art.craquelure.overlay import COLOURS, draw_overlay, reduce, write_classes, write_picture
from dl4art.craquelure.tiles import read_from
from dl4art.utils.errors import OutputError


@pytest.fixture
def picture(rng):
    return rng.integers(0, 256, (50, 70, 3), np.uint8)


@pytest.fixture
def mask():
    mask = np.zeros((50, 70), np.uint8)
    mask[10] = 1
    mask[20:40, 5:30] = 2
    mask[45:] = LEFT_OUT
    return mask


def colour(name):
    return [int(COLOURS[name][place : place + 2], 16) for place in (1, 3, 5)]


def test_a_small_picture_is_left_as_it_is(picture, mask):
    found = reduce(read_from(picture), mask, 70)
    assert found.factor == 1
    assert np.array_equal(found.colours, picture)
    for name, number in (("craquelure", 1), ("loss", 2), ("left out", LEFT_OUT)):
        assert np.array_equal(found.shares[name], 255 * (mask == number))


@pytest.mark.parametrize("band_px", [1, 500, 10**6])
def test_a_large_one_is_reduced_to_means_whatever_the_bands(picture, mask, band_px, monkeypatch):
    monkeypatch.setattr(overlay, "_BAND_PX", band_px)
    found = reduce(read_from(picture), mask, 20)
    assert (found.factor, found.colours.shape) == (4, (13, 18, 3))
    assert np.abs(found.colours[2, 3] - picture[8:12, 12:16].mean(axis=(0, 1))).max() <= 0.5
    # what is left of the last row and column is a mean too
    assert np.abs(found.colours[12, 17] - picture[48:, 68:].mean(axis=(0, 1))).max() <= 0.5
    assert found.shares["craquelure"][2, 5] == pytest.approx(255 / 4, abs=1)
    assert found.shares["loss"][7, 4] == 255


def test_it_is_reduced_further_and_the_factor_with_it(picture, mask):
    found = reduce(read_from(picture), mask, 70).within(35)
    assert found.colours.shape == (25, 35, 3)
    assert found.factor == 2
    assert {layer.shape for layer in found.shares.values()} == {(25, 35)}
    assert found.within(35) is found


@pytest.mark.parametrize("band_px", [1, 10**6])
def test_classes_are_drawn_in_their_colours_over_a_paler_picture(picture, mask, band_px, monkeypatch):
    monkeypatch.setattr(overlay, "_BAND_PX", band_px)
    drawn = draw_overlay(reduce(read_from(picture), mask, 70)).astype(int)
    assert np.abs(drawn[10] - colour("craquelure")).max() < 14
    edge = drawn[20, 5:30]
    assert (edge == colour("loss")).all()
    inner, paint = drawn[25:35, 10:25], drawn[:8]
    assert np.abs(inner - colour("loss")).mean() < np.abs(paint - colour("loss")).mean() / 2
    assert np.ptp(inner, axis=(0, 1)).max() > 20  # the photograph is seen through it
    assert paint.mean() > picture[:8].mean()
    grey = drawn[46:]
    assert np.abs(grey - grey.mean(axis=-1, keepdims=True)).max() < 45


def test_a_hairline_is_seen_in_a_reduced_picture(mask):
    white = np.full((50, 70, 3), 255, np.uint8)
    drawn = draw_overlay(reduce(read_from(white), mask, 18)).astype(int)
    assert np.abs(drawn[2, 10] - 255).max() > 100


def test_the_mask_is_a_palette_picture_of_the_numbers_with_its_scale(tmp_path, mask):
    write_classes(mask, tmp_path / "classes.png", 100.0)
    with Image.open(tmp_path / "classes.png") as image:
        assert image.mode == "P"
        assert np.array_equal(np.array(image), mask)
        assert image.info["dpi"] == pytest.approx((254, 254), rel=1e-3)
        assert image.convert("RGB").getpixel((10, 10)) == tuple(colour("craquelure"))
    write_classes(mask[:, ::2], tmp_path / "classes.png")
    with Image.open(tmp_path / "classes.png") as image:
        assert "dpi" not in image.info
        assert np.array_equal(np.array(image), mask[:, ::2])


def test_what_cannot_be_written_is_said(tmp_path, picture):
    with pytest.raises(OutputError, match="cannot be written"):
        write_picture(picture, tmp_path / "none" / "a.png")
