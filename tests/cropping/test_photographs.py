import numpy as np
import pytest
import tifffile
from PIL import Image

from dl4art.cropping.photographs import fingerprint, read_photograph
from dl4art.utils.errors import InputError, ScaleError


@pytest.fixture
def colours(rng):
    return rng.integers(0, 256, (20, 30, 3), np.uint8)


def whole(photograph):
    return photograph.read(0, photograph.shape[0], 0, photograph.shape[1])


@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_colours_come_back_as_they_are(tmp_path, colours, name):
    Image.fromarray(colours).save(tmp_path / name)
    photograph = read_photograph(tmp_path / name)
    assert photograph.shape == (20, 30)
    assert np.array_equal(whole(photograph), colours)
    assert np.array_equal(photograph.read(3, 9, 4, 20), colours[3:9, 4:20])


def test_tiled_tiffs_of_16_bits_are_read_in_part(tmp_path, colours):
    tifffile.imwrite(tmp_path / "a.tif", colours.astype(np.uint16) * 257, tile=(16, 16), photometric="rgb")
    assert np.array_equal(read_photograph(tmp_path / "a.tif").read(5, 19, 2, 17), colours[5:19, 2:17])


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "I;16"])
@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_other_modes_become_colours(tmp_path, colours, mode, suffix):
    grey = np.where(colours[..., 0] > 127, 255, 0).astype(np.uint8)
    path = tmp_path / f"a.{suffix}"
    if mode == "I;16":
        Image.fromarray(grey.astype(np.uint16) * 257).save(path)
    else:
        Image.fromarray(grey).convert("RGB" if mode == "RGBA" else "L").convert(mode).save(path)
    assert np.array_equal(whole(read_photograph(path)), np.repeat(grey[..., None], 3, axis=2))


@pytest.mark.parametrize("name", ["a.jpg", "a.tif"])
def test_cmyk_becomes_rgb(tmp_path, name):
    red = Image.new("RGB", (24, 16), (200, 30, 20)).convert("CMYK")
    red.save(tmp_path / name)
    found = whole(read_photograph(tmp_path / name))
    assert found.shape == (16, 24, 3)
    assert np.abs(found.mean(axis=(0, 1)) - (200, 30, 20)).max() < 6


def test_white_is_zero_is_turned_round(tmp_path, colours):
    tifffile.imwrite(tmp_path / "a.tif", colours[..., 0], photometric="miniswhite")
    assert np.array_equal(whole(read_photograph(tmp_path / "a.tif"))[..., 1], 255 - colours[..., 0])


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_orientation_is_honoured(tmp_path, colours, orientation):
    image = Image.fromarray(colours)
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(tmp_path / "a.png", exif=exif)
    expected = {3: np.rot90(colours, 2), 6: np.rot90(colours, -1), 8: np.rot90(colours)}[orientation]
    photograph = read_photograph(tmp_path / "a.png")
    assert photograph.shape == expected.shape[:2]
    assert np.array_equal(photograph.read(1, 15, 2, 18), expected[1:15, 2:18])


def test_scale_is_stated_or_missing(tmp_path, colours):
    path = tmp_path / "a.png"
    Image.fromarray(colours).save(path)
    assert read_photograph(path).px_per_cm is None
    assert "no scale" in read_photograph(path).notes[-1]
    assert read_photograph(path, 40.0).px_per_cm == pytest.approx(40)
    assert read_photograph(path, size_cm=(0.5, 0.5)).px_per_cm == pytest.approx(np.sqrt(60 * 40))
    Image.fromarray(colours).save(path, dpi=(254, 254))
    assert read_photograph(path).px_per_cm == pytest.approx(100, rel=1e-3)
    with pytest.raises(ScaleError):
        read_photograph(path, 1.0)


def test_a_whole_wall_may_have_few_pixels_and_colours_are_no_remark(tmp_path, colours):
    path = tmp_path / "a.tif"
    Image.fromarray(colours).save(path)
    photograph = read_photograph(path, 4.0)
    assert photograph.px_per_cm == 4
    assert photograph.notes == ()


def test_what_is_no_photograph_is_refused(tmp_path, rng):
    tifffile.imwrite(tmp_path / "f.tif", rng.random((8, 8), np.float32))
    (tmp_path / "d.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"\0" * 64)
    (tmp_path / "t.tif").write_bytes(b"II*\0garbage")
    for name, words in (("f.tif", "type float32"), ("d.dcm", "DICOM"), ("t.tif", "damaged"), ("n.png", "cannot be")):
        with pytest.raises(InputError, match=words):
            read_photograph(tmp_path / name)


def test_equal_pictures_have_equal_fingerprints_whatever_their_format(tmp_path, colours):
    for name in ("a.png", "b.tif"):
        Image.fromarray(colours).save(tmp_path / name)
    Image.fromarray(colours[:, ::-1]).save(tmp_path / "c.png")
    a, b, c = (fingerprint(tmp_path / name) for name in ("a.png", "b.tif", "c.png"))
    assert a == b != c


def test_a_picture_that_is_cut_short_has_no_fingerprint(tmp_path, colours):
    Image.fromarray(colours).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:-400])
    with pytest.raises(InputError, match="damaged or cut short"):
        fingerprint(tmp_path / "b.png")
