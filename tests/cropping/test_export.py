import numpy as np
import pytest
import tifffile

from dl4art import __version__
from dl4art.cropping import cut_crops, export_crops, plate_from_array, read_plate, write_crop
from dl4art.cropping.tones import to_uint8, tone_range
from dl4art.cropping.writing import read_description
from dl4art.utils.errors import InputError, OutputError


def test_a_crop_on_disk_gives_its_scale_and_description_back(tmp_path):
    pixels = np.arange(300 * 300, dtype=np.uint32).reshape(300, 300).astype(np.uint8)
    write_crop(tmp_path / "c.tif", pixels, 200.0, {"plate": "Kröller.tif", "x_cm": 1.25})
    plate = read_plate(tmp_path / "c.tif")
    assert (plate.px_per_cm, plate.scale_source, plate.notes) == (200.0, "TIFF tag", ())
    np.testing.assert_array_equal(plate.read(), pixels)
    assert read_description(tmp_path / "c.tif") == {"plate": "Kröller.tif", "x_cm": 1.25, "dl4art": __version__}


@pytest.mark.parametrize("px_per_cm", [200.0, 236.2204724409449, 118.11])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_scales_and_types_survive_writing(tmp_path, px_per_cm, dtype):
    pixels = (np.eye(40) * 200).astype(dtype)
    write_crop(tmp_path / "c.tif", pixels, px_per_cm, {}, compression="deflate")
    plate = read_plate(tmp_path / "c.tif")
    assert plate.px_per_cm == pytest.approx(px_per_cm, rel=1e-6)
    assert plate.dtype == dtype
    np.testing.assert_array_equal(plate.read(), pixels)


def test_the_same_crop_is_the_same_bytes(tmp_path):
    for name in ("a.tif", "b.tif"):
        write_crop(tmp_path / name, np.zeros((9, 9), np.uint8), 200.0, {"seed": 1})
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()


def test_what_is_no_crop_or_has_no_place_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"c\.tif"):
        write_crop(tmp_path / "c.tif", np.zeros((3, 4, 3), np.uint8), 200.0, {})
    with pytest.raises(InputError, match="float64"):
        write_crop(tmp_path / "c.tif", np.zeros((3, 4)), 200.0, {})
    with pytest.raises(OutputError, match=r"c\.tif"):
        write_crop(tmp_path / "none" / "c.tif", np.zeros((3, 4), np.uint8), 200.0, {})
    assert list(tmp_path.iterdir()) == []


def test_foreign_files_have_no_description(tmp_path):
    for text in ("an ordinary caption", "[1, 2]", None):
        tifffile.imwrite(tmp_path / "a.tif", np.zeros((5, 5), np.uint8), description=text, metadata=None)
        assert read_description(tmp_path / "a.tif") == {}


def test_plates_of_8_bit_keep_their_grey_values(tmp_path, weave):
    pixels = weave(400, 400).round().astype(np.uint8)
    plate = plate_from_array(pixels, 200.0, "p.tif")
    assert tone_range(plate) == (0, 255)
    (path,) = export_crops(plate, tmp_path)
    np.testing.assert_array_equal(read_plate(path).read(), pixels[:300, :300])


def test_other_plates_get_tones_that_hold_the_weave_and_not_the_letters(weave):
    pixels = (weave(1000, 1000) * 40).astype(np.uint16)
    pixels[100:140, 100:140] = 65535
    plate = plate_from_array(pixels, 200.0)
    low, high = tone_range(plate)
    assert low < 75 * 40
    assert 165 * 40 < high < 12000
    crop = to_uint8(plate.read(slice(300, 600), slice(300, 600)), (low, high))
    assert crop.std() > 40
    assert ((crop == 0) | (crop == 255)).mean() < 0.01


def test_tones_keep_the_order_of_greys_and_cut_what_lies_beyond():
    grey = np.linspace(-50, 350, 1000, dtype=np.float32)
    tones = to_uint8(grey, (0.0, 300.0))
    assert (np.diff(tones.astype(int)) >= 0).all()
    assert (tones[0], tones[-1]) == (0, 255)
    assert to_uint8(np.float32([150.0]), (0.0, 300.0)) in (127, 128)


def test_tones_of_one_grey_do_not_divide_by_zero():
    low, high = tone_range(plate_from_array(np.full((300, 300), 7, np.uint16), 200.0))
    assert low < 7 < high


def test_all_crops_of_a_plate_say_where_they_lie(tmp_path, weave):
    plate = plate_from_array((weave(900, 900, 236.22) * 50).astype(np.uint16), 236.22, "dir/plate.tif")
    paths = export_crops(plate, tmp_path, count=3, seed=4)
    expected = cut_crops(plate, count=3, seed=4)
    assert len(paths) == 3
    for path, (x, y), pixels in zip(paths, expected.positions_cm, expected.pixels, strict=True):
        found = read_description(path)
        assert (found["plate"], found["seed"], found["px_per_cm"]) == ("plate.tif", 4, 200.0)
        assert (found["x_cm"], found["y_cm"]) == (x, y)
        assert path.name == f"plate_x{x:07.3f}_y{y:07.3f}.tif"
        np.testing.assert_array_equal(read_plate(path).read(), to_uint8(pixels, found["tones"]))
