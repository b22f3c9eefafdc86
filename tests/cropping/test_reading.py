import numpy as np
import pytest
from PIL import Image

from dl4art.cropping import read_plate
from dl4art.cropping.sources import LUMA
from dl4art.utils.errors import InputError, ScaleError

RNG = np.random.default_rng(4)
GREY = RNG.integers(0, 256, (60, 80)).astype(np.uint8)
SMOOTH = np.tile(np.linspace(20, 230, 80), (60, 1)).astype(np.uint8)


def test_png_of_8_and_16_bit(tmp_path):
    for pixels in (GREY, GREY.astype(np.uint16) * 257):
        Image.fromarray(pixels).save(tmp_path / "a.png", dpi=(508, 508))
        plate = read_plate(tmp_path / "a.png")
        assert plate.dtype == str(pixels.dtype)
        assert plate.px_per_cm == pytest.approx(200, rel=1e-4)
        assert plate.scale_source == "PNG pHYs"
        np.testing.assert_array_equal(plate.read(), pixels)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "LA"])
def test_png_with_colours_or_alpha_becomes_grey_with_a_note(tmp_path, mode):
    image = Image.fromarray(GREY).convert("RGB" if mode == "P" else mode)
    if mode == "P":
        image = image.quantize(256)
        image.info["transparency"] = bytes(range(256))
    image.save(tmp_path / "a.png", dpi=(508, 508))
    plate = read_plate(tmp_path / "a.png")
    np.testing.assert_allclose(plate.read(), GREY, atol=1 if mode == "P" else 1e-3)
    assert plate.notes


def test_colours_weigh_as_they_look(tmp_path):
    pixels = RNG.integers(0, 256, (20, 30, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png", dpi=(508, 508))
    np.testing.assert_allclose(read_plate(tmp_path / "a.png").read(), pixels @ LUMA, rtol=1e-5)


def test_jpeg_states_its_density_and_orientation(tmp_path):
    image = Image.fromarray(SMOOTH)
    exif = image.getexif()
    exif[0x0112] = 8
    image.save(tmp_path / "a.JPG", dpi=(508, 600), quality=95, exif=exif)
    plate = read_plate(tmp_path / "a.JPG")
    assert plate.shape == (80, 60)
    assert plate.px_per_cm_x == pytest.approx(600 / 2.54)
    assert plate.px_per_cm_y == pytest.approx(508 / 2.54)
    np.testing.assert_allclose(plate.read(), np.rot90(SMOOTH), atol=3)
    assert any("orientation" in note for note in plate.notes)
    assert any("not square" in note for note in plate.notes)


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_pictures_without_a_scale_are_refused(tmp_path, name):
    Image.fromarray(GREY).save(tmp_path / name)
    with pytest.raises(ScaleError, match="--size-cm"):
        read_plate(tmp_path / name)
    assert read_plate(tmp_path / name, size_cm=(0.8, 0.6)).px_per_cm == pytest.approx(100)


def test_a_crop_may_be_assumed(tmp_path):
    Image.fromarray(np.zeros((300, 300), np.uint8)).save(tmp_path / "a.png")
    assert read_plate(tmp_path / "a.png", assume_crop=True).scale_source == "assumed: 300x300 crop"


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.8])
def test_truncated_pictures_are_refused(tmp_path, name, share):
    Image.fromarray(GREY).save(tmp_path / name, dpi=(508, 508))
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputError, match=rf"{name}: damaged or cut short"):
        read_plate(tmp_path / name)


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_huge_pictures_are_refused_with_what_to_do_before_they_are_decoded(tmp_path, monkeypatch, name):
    monkeypatch.setenv("DL4ART_WHOLE_MEGAPIXELS", "0.004")
    Image.fromarray(GREY).save(tmp_path / name, dpi=(508, 508))
    with pytest.raises(InputError, match=rf"{name}: a \w+ of 80 x 60 pixels.*tiled TIFF.*DL4ART_WHOLE_MEGAPIXELS"):
        read_plate(tmp_path / name)


@pytest.mark.parametrize("pixels", [10, 11_000])
def test_pillows_own_limit_neither_warns_nor_stops(tmp_path, monkeypatch, pixels):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", pixels // 4)
    Image.fromarray(GREY).save(tmp_path / "a.png", dpi=(508, 508))
    assert read_plate(tmp_path / "a.png").shape == GREY.shape


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "empty"), (b"just a text, not a picture", "not a TIFF"), (b"II*\0", "damaged")]
)
def test_what_is_no_picture_is_refused_by_name(tmp_path, content, message):
    (tmp_path / "a.tif").write_bytes(content)
    with pytest.raises(InputError, match=rf"a\.tif: .*{message}"):
        read_plate(tmp_path / "a.tif")


def test_the_content_decides_and_not_the_suffix(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "a.png", dpi=(508, 508))
    (tmp_path / "a.png").rename(tmp_path / "a.tif")
    assert read_plate(tmp_path / "a.tif").scale_source == "PNG pHYs"


def test_missing_files_and_folders_are_refused(tmp_path):
    for path in (tmp_path / "none.tif", tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            read_plate(path)
