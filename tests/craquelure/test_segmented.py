"""From a photograph to its folder, with a stand-in for the network that calls dark cracks and white loss."""

import json
import tracemalloc

import numpy as np
import pytest
import tifffile
from PIL import Image

from dl4art.craquelure import labels, measures, overlay, segmented
from dl4art.craquelure.labels import read_damage
from dl4art.craquelure.measures import LEFT_OUT
from dl4art.craquelure.segmented import COLUMNS, SegmentOptions, failed_row, segment_photograph
from dl4art.utils.errors import InputError

FILES = ["classes.png", "damage.json", "overlay.png", "report.html", "summary.json"]


class Dark:
    """Calls what is black craquelure and what is white loss."""

    name, summary = "dark 01234567", "what is dark"

    def count_tiles(self, shape):
        return 2

    def segment_tiles(self, read, shape, *, advance):
        classes = np.zeros(shape, np.uint8)
        for top in range(0, shape[0], 100):
            grey = read(top, min(top + 100, shape[0]), 0, shape[1])[..., 1]
            classes[top : top + 100][grey < 40] = 1
            classes[top : top + 100][grey > 215] = 2
        advance()
        advance()
        return classes


@pytest.fixture
def grey():
    """A wall of paint with a net of cracks and one loss."""
    grey = np.full((120, 160), 128, np.uint8)
    grey[::20] = grey[:, ::20] = 0
    grey[1:20, 1:20] = 255
    return grey


def classes_of(folder):
    with Image.open(folder / "classes.png") as image:
        return np.array(image)


def test_a_photograph_becomes_a_folder_and_a_row(grey, tmp_path):
    path, told = tmp_path / "wall.png", []
    Image.fromarray(grey).save(path)
    options = SegmentOptions(size_cm=(16, 12), title="A <wall>", inventory="inv. 7")
    row = segment_photograph(path, tmp_path / "out" / "wall", Dark(), options, advance=told.append)
    folder = tmp_path / "out" / "wall"
    assert sorted(file.name for file in folder.iterdir()) == FILES
    assert sum(told) == pytest.approx(1)
    assert set(COLUMNS) < set(row)
    assert (row["status"], row["width"], row["height"], row["folder"]) == ("ok", 160, 120, "wall")
    assert row["loss_percent"] == pytest.approx(100 * 19 * 19 / (120 * 160), abs=1e-4)
    assert row["loss_cm2"] == pytest.approx(3.61)
    assert row["median_width_mm"] == pytest.approx(1, rel=0.01)
    # the last rows and columns are open, and the loss is no paint
    assert (row["islands"], row["median_island_px"]) == (5 * 7 - 1, 361)

    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    assert summary["inputs"][0]["sha256"] == row["sha256"]
    assert (summary["model"], summary["title"]) == (Dark.name, "A <wall>")
    assert summary["parameters"]["size_cm"] == [16, 12]
    assert summary["crack_cm_per_cm2"] == pytest.approx(row["crack_cm_per_cm2"], abs=1e-4)
    assert len(summary["rose"]) == measures.ROSE_BINS
    assert summary["directions_degrees"] == [90, 0] or summary["directions_degrees"] == [0, 90]

    assert np.array_equal(classes_of(folder), np.select([grey == 0, grey == 255], [1, 2]))
    assert np.array_equal(read_damage(folder / "damage.json", width_px=1) == 2, grey == 255)
    drawing = json.loads((folder / "damage.json").read_text("utf-8"))
    assert (folder / drawing["imagePath"]).resolve() == path.resolve()
    with Image.open(folder / "overlay.png") as image:
        assert image.size == (160, 120)

    page = (folder / "report.html").read_text("utf-8")
    for part in ("A &lt;wall&gt;", "inv. 7", "what is dark", row["sha256"], "3.61 cm²", "about"):
        assert part in page
    assert "http" not in page
    assert page.count("<img") == 5


def test_without_a_scale_there_are_shares_and_pixels_and_it_says_so(grey, tmp_path):
    Image.fromarray(grey).save(tmp_path / "wall.png", dpi=(72, 72))
    row = segment_photograph(tmp_path / "wall.png", tmp_path / "out", Dark())
    assert {name for name in COLUMNS if row[name] is None} == {
        "px_per_cm",
        "loss_cm2",
        "crack_cm_per_cm2",
        "median_width_mm",
        "median_island_mm2",
    }
    assert "no scale" in row["message"]
    assert "72 dpi" in row["message"]
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "not known" in page
    assert "cm²" not in page
    assert "No scale, so no centimetres" in page


def test_a_scale_that_only_the_file_states_is_to_be_looked_at(grey, tmp_path):
    Image.fromarray(grey).save(tmp_path / "wall.png", dpi=(25.4, 25.4))
    row = segment_photograph(tmp_path / "wall.png", tmp_path / "out", Dark())
    assert "16.0 x 12.0 cm" in row["message"]
    assert "--size-cm" in row["message"]
    assert "a pixel is 1 mm wide" in row["message"]


@pytest.mark.parametrize(("suffix", "black"), [("png", 0), ("tif", 0), ("jpg", 9)])
def test_what_is_white_in_a_mask_counts_nowhere(grey, tmp_path, suffix, black):
    drawn = np.full(grey.shape, black, np.uint8)
    drawn[:, :80] = 255
    Image.fromarray(grey).save(tmp_path / "wall.png")
    Image.fromarray(drawn).save(tmp_path / f"mask.{suffix}", **({"quality": 100} if suffix == "jpg" else {}))
    options = SegmentOptions(mask=tmp_path / f"mask.{suffix}")
    row = segment_photograph(tmp_path / "wall.png", tmp_path / "out", Dark(), options)
    assert (row["left_out_percent"], row["loss_percent"]) == (50, 0)
    classes = classes_of(tmp_path / "out")
    assert (classes[:, :80] == LEFT_OUT).all()
    assert row["craquelure_percent"] == pytest.approx(100 * (grey[:, 80:] == 0).mean(), abs=1e-4)
    # those that touch it may go on below it
    assert row["islands"] == 5 * 3
    summary = json.loads((tmp_path / "out" / "summary.json").read_text("utf-8"))
    assert [len(item["sha256"]) for item in summary["inputs"]] == [64, 64]


def test_a_mask_of_another_size_is_refused_before_the_work(grey, tmp_path):
    Image.fromarray(grey).save(tmp_path / "wall.png")
    Image.fromarray(grey[:, :100]).save(tmp_path / "mask.png")
    with pytest.raises(InputError, match=r"mask.png: 100 x 120 px, but its photograph has 160 x 120"):
        segment_photograph(tmp_path / "wall.png", tmp_path / "out", Dark(), SegmentOptions(mask=tmp_path / "mask.png"))
    assert not (tmp_path / "out").exists()


def test_a_mask_the_wrong_way_round_is_remarked_and_one_of_all_is_no_error(grey, tmp_path):
    Image.fromarray(grey).save(tmp_path / "wall.png")
    Image.fromarray(np.full(grey.shape, 255, np.uint8)).save(tmp_path / "mask.png")
    row = segment_photograph(
        tmp_path / "wall.png", tmp_path / "out", Dark(), SegmentOptions(30.0, mask=tmp_path / "mask.png")
    )
    assert "leaves out 100% of the photograph" in row["message"]
    assert row["loss_percent"] is None
    assert json.loads((tmp_path / "out" / "summary.json").read_text("utf-8"))["loss_percent"] is None
    assert "nothing can be said" in (tmp_path / "out" / "report.html").read_text("utf-8")


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "CMYK", "I;16"])
@pytest.mark.parametrize("suffix", ["png", "tif", "jpg"])
def test_pictures_of_all_modes_give_the_same_classes(grey, tmp_path, mode, suffix):
    if (suffix == "jpg" and mode not in {"L", "CMYK"}) or (suffix, mode) == ("png", "CMYK"):
        pytest.skip("there are no such files")
    path = tmp_path / f"wall.{suffix}"
    if mode == "I;16":
        image = Image.fromarray(grey.astype(np.uint16) * 257)
    else:
        image = Image.fromarray(grey).convert("RGB" if mode in {"RGBA", "CMYK"} else "L").convert(mode, dither=0)
    image.save(path, **({"quality": 100, "subsampling": 0} if suffix == "jpg" else {}))
    segment_photograph(path, tmp_path / "out", Dark())
    found = classes_of(tmp_path / "out")
    # where there are but black and white, grey is one of them
    where = grey == 0 if mode == "1" else np.ones(grey.shape, bool)
    assert np.array_equal(found[where], np.select([grey == 0, grey == 255], [1, 2])[where])


def test_a_photograph_without_damage_has_a_report_without_drawings(tmp_path):
    Image.fromarray(np.full((90, 400), 128, np.uint8)).save(tmp_path / "plain.png")
    row = segment_photograph(tmp_path / "plain.png", tmp_path / "out", Dark(), SegmentOptions(40.0))
    assert (row["islands"], row["median_width_px"], row["crack_cm_per_cm2"]) == (0, None, 0)
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "No paint loss was found. No cracks were found." in page
    assert page.count("<img") == 2


def test_a_large_photograph_takes_a_byte_a_pixel_and_a_band(tmp_path, monkeypatch):
    shape = 4000, 1500
    for place, name, value in (
        (measures, "_STRIP_AREA_PX", 100_000),
        (overlay, "_BAND_PX", 100_000),
        (segmented, "_BAND_PX", 100_000),
        (segmented, "OVERLAY_PX", 500),
        (labels, "_TILE_PX", 400),
    ):
        monkeypatch.setattr(place, name, value)
    pixels = np.full((*shape, 3), 128, np.uint8)
    pixels[::500], pixels[:, ::500] = 0, 0
    # what is imported late
    Image.fromarray(pixels[:200, :200]).save(tmp_path / "small.png")
    segment_photograph(tmp_path / "small.png", tmp_path / "small", Dark())
    tifffile.imwrite(tmp_path / "large.tif", pixels, photometric="rgb", rowsperstrip=100)
    mask = np.zeros(shape, np.uint8)
    mask[:200] = 255
    tifffile.imwrite(tmp_path / "mask.tif", mask, rowsperstrip=100)
    del pixels, mask
    tracemalloc.start()
    row = segment_photograph(
        tmp_path / "large.tif", tmp_path / "out", Dark(), SegmentOptions(mask=tmp_path / "mask.tif")
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert row["islands"] == 6 * 2  # not those that touch the mask, or the border
    assert peak < 4 * shape[0] * shape[1]
    with Image.open(tmp_path / "out" / "overlay.png") as image:
        assert image.size == (188, 500)
    assert json.loads((tmp_path / "out" / "summary.json").read_text("utf-8"))["overlay_reduced"] == 8


def test_what_failed_is_a_row_too(tmp_path):
    row = failed_row(tmp_path / "a.png", "is bad")
    assert [*row] == [*COLUMNS]
    assert (row["status"], row["message"], row["width"]) == ("failed", "is bad", None)
