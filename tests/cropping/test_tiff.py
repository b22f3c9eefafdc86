import os

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from dl4art.cropping import read_plate
from dl4art.utils.errors import InputError, ScaleError

SCALE = {"resolution": (200, 200), "resolutionunit": "CENTIMETER"}
RNG = np.random.default_rng(3)
GREY = RNG.integers(0, 256, (90, 130)).astype(np.uint8)


def write(path, pixels=GREY, **options):
    tifffile.imwrite(path, pixels, **{"photometric": "minisblack", "metadata": None, **SCALE, **options})
    return path


@pytest.mark.parametrize("dtype", ["u1", "u2", "u4", "i1", "i2", "i4", "f2", "f4", "f8"])
@pytest.mark.parametrize("layout", [{}, {"tile": (32, 48)}, {"rowsperstrip": 7}, {"bigtiff": True}, {"byteorder": ">"}])
def test_types_and_layouts(tmp_path, dtype, layout):
    pixels = GREY.astype(dtype)
    plate = read_plate(write(tmp_path / "a.tif", pixels, **layout))
    assert plate.dtype == np.dtype(dtype).name
    assert (plate.shape, plate.size_cm, plate.scale_source) == ((90, 130), (0.65, 0.45), "TIFF tag")
    np.testing.assert_array_equal(plate.read(), pixels.astype(np.float32))


@pytest.mark.parametrize("compression", ["lzw", "deflate", "packbits", "zstd"])
@pytest.mark.parametrize("layout", [{"tile": (32, 48)}, {"rowsperstrip": 7}, {"rowsperstrip": 90}])
@pytest.mark.parametrize("predict", [False, True])
def test_lossless_compressions(tmp_path, compression, layout, predict):
    predictor = predict and compression != "packbits"  # which has none
    pixels = GREY.astype(np.uint16) * 250
    plate = read_plate(write(tmp_path / "a.tif", pixels, compression=compression, predictor=predictor, **layout))
    np.testing.assert_array_equal(plate.read(slice(20, 71), slice(40, 101)), pixels[20:71, 40:101])


@pytest.mark.parametrize("layout", [{"tile": (32, 48)}, {"rowsperstrip": 16}])
def test_jpeg_inside_tiff(tmp_path, layout):
    smooth = np.tile(np.linspace(10, 240, 130), (90, 1)).astype(np.uint8)
    plate = read_plate(write(tmp_path / "a.tif", smooth, compression="jpeg", **layout))
    np.testing.assert_allclose(plate.read(), smooth, atol=4)


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_any_part_is_that_part_of_the_whole(tmp_path_factory, data):
    layout = data.draw(st.sampled_from([{}, {"rowsperstrip": 11}, {"tile": (16, 32), "compression": "lzw"}]))
    plate = read_plate(write(tmp_path_factory.mktemp("t") / "a.tif", **layout))
    top, bottom = sorted(data.draw(st.tuples(*[st.integers(0, 90)] * 2)))
    left, right = sorted(data.draw(st.tuples(*[st.integers(0, 130)] * 2)))
    np.testing.assert_array_equal(plate.read(slice(top, bottom), slice(left, right)), GREY[top:bottom, left:right])


def test_white_is_zero_is_inverted_and_said(tmp_path):
    plate = read_plate(write(tmp_path / "a.tif", photometric="miniswhite"))
    np.testing.assert_array_equal(plate.read(), 255 - GREY)
    assert "inverted" in plate.polarity


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("channels", [3, 4])
def test_colours_and_alpha_become_grey_with_a_note(tmp_path, planar, channels):
    planes = [GREY] * 3 + [255 - GREY] * (channels - 3)
    pixels = np.stack(planes, axis=-1 if planar == "contig" else 0)
    plate = read_plate(write(tmp_path / "a.tif", pixels, photometric="rgb", planarconfig=planar, rowsperstrip=20))
    np.testing.assert_allclose(plate.read(slice(10, 60)), GREY[10:60], rtol=1e-5)
    assert "colours made grey" in plate.notes
    assert any("alpha" in note for note in plate.notes) == (channels == 4)


def test_palette_becomes_grey_with_a_note(tmp_path):
    colours = np.stack([np.arange(255, -1, -1) * 257] * 3).astype(np.uint16)
    plate = read_plate(write(tmp_path / "a.tif", photometric="palette", colormap=colours))
    np.testing.assert_allclose(plate.read(), (255.0 - GREY) * 257, rtol=1e-5)
    assert "palette colours made grey" in plate.notes


def test_of_several_pages_the_first_is_read_with_a_note(tmp_path):
    with tifffile.TiffWriter(tmp_path / "a.tif") as tif:
        for page in (GREY, GREY[:50]):
            tif.write(page, photometric="minisblack", metadata=None, **SCALE)
    plate = read_plate(tmp_path / "a.tif")
    assert plate.shape == (90, 130)
    assert plate.notes == ("2 pages in the file: the first was read",)


def test_orientation_turns_the_picture_and_its_scale(tmp_path):
    extra = [(274, "H", 1, 6, True)]
    path = write(tmp_path / "a.tif", resolution=(200, 250), extratags=extra)
    plate = read_plate(path)
    assert plate.shape == (130, 90)
    assert (plate.px_per_cm_x, plate.px_per_cm_y) == (250, 200)
    np.testing.assert_array_equal(plate.read(slice(5, 20), slice(30, 60)), np.rot90(GREY, -1)[5:20, 30:60])


@pytest.mark.parametrize(
    ("resolution", "unit", "expected"),
    [((508, 508), "INCH", 200.0), ((6000, 6000), "INCH", 2362.2), ((236.22, 236.22), "CENTIMETER", 236.22)],
)
def test_units(tmp_path, resolution, unit, expected):
    plate = read_plate(write(tmp_path / "a.tif", resolution=resolution, resolutionunit=unit))
    assert plate.px_per_cm == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(("resolution", "unit"), [((508, 508), "NONE"), ((72, 72), "INCH"), ((0, 0), "INCH")])
def test_a_picture_without_a_scale_is_refused_unless_it_is_stated(tmp_path, resolution, unit):
    path = write(tmp_path / "a.tif", resolution=resolution, resolutionunit=unit)
    with pytest.raises(ScaleError, match=r"a\.tif.*--px-per-cm"):
        read_plate(path)
    assert read_plate(path, 200.0).scale_source == "user"
    assert read_plate(path, size_cm=(1.3, 0.9)).px_per_cm == pytest.approx(100)


@pytest.mark.parametrize("options", [{}, {"compression": "lzw"}, {"tile": (32, 32), "compression": "deflate"}])
@pytest.mark.parametrize("share", [0.2, 0.6, 0.98])
def test_a_file_cut_short_is_refused(tmp_path, options, share):
    path = write(tmp_path / "a.tif", **options)
    os.truncate(path, int(path.stat().st_size * share))
    with pytest.raises(InputError, match=r"a\.tif.*cut short"):
        read_plate(path)


@pytest.mark.parametrize("options", [{}, {"compression": "lzw", "rowsperstrip": 10}])
def test_a_file_cut_short_in_mid_run_is_an_error_message(tmp_path, options):
    path = write(tmp_path / "a.tif", **options)
    plate = read_plate(path)
    plate.read(slice(0, 10))
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(InputError, match="cut short"):
        plate.read(slice(80, 90))
    path.unlink()
    with pytest.raises(InputError, match="cannot be read"):
        plate.read()


def test_sizes_of_segments_that_are_no_whole_numbers_are_refused(tmp_path):
    path = tmp_path / "p.tif"
    tifffile.imwrite(path, np.zeros((64, 64), np.uint8), rowsperstrip=16, resolution=(200, 200), resolutionunit=3)
    with tifffile.TiffFile(path) as tif:
        tag = tif.pages[0].tags["StripByteCounts"]
        place = tag.offset
    data = bytearray(path.read_bytes())
    data[place + 2 : place + 4] = (11).to_bytes(2, "little")  # 32-bit floats
    path.write_bytes(data)
    with pytest.raises(InputError, match="damaged"):
        read_plate(path).sample()


def test_a_damaged_segment_is_named(tmp_path):
    path = write(tmp_path / "a.tif", compression="deflate", rowsperstrip=30)
    with tifffile.TiffFile(path) as tif:
        offset, size = tif.pages[0].dataoffsets[1], tif.pages[0].databytecounts[1]
    with open(path, "r+b") as file:
        file.seek(offset)
        file.write(b"\xff" * size)
    plate = read_plate(path)
    np.testing.assert_array_equal(plate.read(slice(0, 30)), GREY[:30])
    with pytest.raises(InputError, match=r"a\.tif: damaged, the strip at row 30"):
        plate.read(slice(25, 35))


@given(position=st.integers(0, 300), byte=st.integers(0, 255))
@settings(max_examples=60, deadline=None)
def test_damaged_headers_never_end_in_anything_but_our_errors(tmp_path_factory, position, byte):
    path = write(tmp_path_factory.mktemp("t") / "a.tif", GREY[:20, :20])
    content = bytearray(path.read_bytes())
    content[position % len(content)] = byte
    path.write_bytes(content)
    try:
        problem, values = "", read_plate(path, 200.0).read()
    except InputError as error:
        problem, values = str(error), None
    assert "a.tif" in problem if values is None else values.ndim == 2


def test_numbers_that_are_none_are_refused_with_where_and_how_many(tmp_path):
    pixels = GREY.astype(np.float32)
    pixels[40, 50], pixels[41, 60], pixels[89, 0] = np.nan, np.nan, np.inf
    plate = read_plate(write(tmp_path / "a.tif", pixels))
    with pytest.raises(InputError, match=r"a\.tif: 2 NaN and 1 infinite .*row 40, column 50"):
        plate.read()
    assert np.isfinite(plate.read(slice(0, 40))).all()


def test_only_what_is_needed_is_decoded(tmp_path, monkeypatch):
    plate = read_plate(write(tmp_path / "a.tif", compression="lzw", tile=(16, 16)))
    decoded = []
    inner = plate.source._decoded
    monkeypatch.setattr(plate.source, "_decoded", lambda file, index: decoded.append(index) or inner(file, index))
    plate.read(slice(17, 30), slice(33, 50))
    assert decoded == [9 + 2, 9 + 3]


def test_old_segments_leave_the_cache(tmp_path, monkeypatch):
    monkeypatch.setattr("dl4art.cropping.tiff._CACHE_BYTES", 4000)
    plate = read_plate(write(tmp_path / "a.tif", compression="lzw", rowsperstrip=10))
    np.testing.assert_array_equal(plate.read(), GREY)
    assert sum(kept.nbytes for kept in plate.source._kept.values()) <= 4000


def test_a_compressed_strip_too_large_for_memory_is_refused_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("DL4ART_WHOLE_MEGAPIXELS", "0.001")
    with pytest.raises(InputError, match="tiled TIFF"):
        read_plate(write(tmp_path / "a.tif", compression="lzw", rowsperstrip=90))
    read_plate(write(tmp_path / "b.tif", rowsperstrip=90))


def test_complex_numbers_are_no_picture(tmp_path):
    with pytest.raises(InputError, match=r"a\.tif"):
        read_plate(write(tmp_path / "a.tif", GREY.astype(np.complex64)))
