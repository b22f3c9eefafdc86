from __future__ import annotations

import csv
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
import tifffile
from PIL import Image

from dl4art.cropping import plate_from_array
from dl4art.regression.map_figures import ColourLimits, draw_map
from dl4art.regression.map_files import CELL_COLUMNS, write_map
from dl4art.regression.map_report import write_report
from dl4art.regression.map_summary import summarise
from dl4art.regression.maps import ThreadMap
from dl4art.utils.errors import OutputError
from dl4art.utils.provenance import provenance


@pytest.fixture
def found(rng, thread_map):
    shape = 6, 9
    density = np.stack([rng.normal(12, 0.2, shape), rng.normal(15, 0.5, shape)], axis=-1)
    density[2, 3] = np.nan
    return thread_map(density, density - 13, blank="clipped")


@pytest.fixture
def about():
    return {"title": "Girl <b>& pearl", "inventory": "inv. 670"} | provenance(parameters={"step_cm": 0.5}, model="m 12")


def test_all_that_is_promised_lies_in_the_folder(found, about, tmp_path):
    written = write_map(tmp_path, found, summarise(found), about)
    assert sorted(path.name for path in written) == sorted(path.name for path in tmp_path.iterdir())
    assert {path.suffix for path in written} == {".csv", ".json", ".tif", ".png"}


def test_cells_have_a_row_each_and_blank_ones_no_numbers(found, about, tmp_path):
    write_map(tmp_path, found, summarise(found), about)
    with (tmp_path / "cells.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == CELL_COLUMNS
    assert len(rows) == 54
    first, blank = rows[0], rows[2 * 9 + 3]
    assert (float(first["x_cm"]), float(first["y_cm"]), first["status"]) == (0.25, 0.25, "ok")
    low, value, high = (float(first[name]) for name in ("vertical_low", "vertical_per_cm", "vertical_high"))
    assert value == pytest.approx(found.density[0, 0, 0], abs=1e-3)
    assert (low + high) / 2 == pytest.approx(value, abs=1e-3)
    assert blank["status"] == "clipped"
    assert {blank[name] for name in CELL_COLUMNS[2:-1]} == {""}


def test_the_tiffs_hold_the_numbers_and_their_scale(found, about, tmp_path):
    write_map(tmp_path, found, summarise(found), about)
    with tifffile.TiffFile(tmp_path / "horizontal_density.tif") as file:
        page = file.pages[0]
        np.testing.assert_array_equal(page.asarray(), found.density[..., 1])
        assert page.dtype == np.float32
        assert page.tags["XResolution"].value[0] / page.tags["XResolution"].value[1] == pytest.approx(2.0)
        assert page.tags["ResolutionUnit"].value == 3
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "vertical_angle.tif"), found.angle[..., 0])


def test_the_summary_says_where_it_comes_from(found, about, tmp_path):
    write_map(tmp_path, found, summarise(found), about)
    document = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert document["vertical"]["cells"] == document["cells"]["ok"] == 53
    assert document["parameters"] == {"step_cm": 0.5}
    assert document["model"] == "m 12"
    assert document["title"] == "Girl <b>& pearl"


def test_the_same_map_gives_the_same_pictures(found, about, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_map(tmp_path / name, found, summarise(found), about)
    for path in (tmp_path / "a").glob("*.png"):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
        with Image.open(path) as picture:
            assert min(picture.size) > 200


@pytest.mark.parametrize("quantity", ["density", "deviation", "angle"])
def test_colour_limits_are_the_users(found, quantity):
    limits = ColourLimits((10, 20), 2.0, 3.0)
    images = [axes.images[0] for axes in draw_map(found, quantity, limits).axes if axes.images]
    expected = {"density": (10, 20), "deviation": (-2, 2), "angle": (-3, 3)}[quantity]
    assert [image.get_clim() for image in images] == [expected, expected]
    own = [axes.images[0].get_clim() for axes in draw_map(found, quantity, ColourLimits()).axes if axes.images]
    assert all(low < high for low, high in own)


def test_a_map_without_a_number_can_be_drawn(found):
    empty = ThreadMap(
        found.x_cm, found.y_cm, *(np.full_like(found.density, np.nan) for _ in range(3)), found.status + 3
    )
    for quantity in ("density", "deviation", "angle"):
        draw_map(empty, quantity, ColourLimits())


def test_a_folder_that_is_none_is_refused(found, about, tmp_path):
    (tmp_path / "taken").write_text("mine")
    with pytest.raises(OutputError):
        write_map(tmp_path / "taken", found, summarise(found), about)
    assert (tmp_path / "taken").read_text() == "mine"


class Reader(HTMLParser):
    """Collects what a page refers to and its text."""

    def __init__(self):
        super().__init__()
        self.sources, self.text, self.tags = [], [], set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data):
        self.text.append(data)


def test_the_report_needs_nothing_but_itself(found, about, tmp_path, rng):
    plate = plate_from_array(rng.uniform(0, 255, (600, 900)), 200.0, "plate.tif")
    path = tmp_path / "report.html"
    write_report(path, plate, found, summarise(found), about, tones=(0, 255), remarks=["the first of two pages"])
    page = path.read_text(encoding="utf-8")
    reader = Reader()
    reader.feed(page)
    assert len(reader.sources) == 5
    assert all(source.startswith("data:image/") for source in reader.sources)
    assert not re.search(r"https?://|@import|url\(", page)
    assert "script" not in reader.tags
    text = " ".join(" ".join(reader.text).split())
    for words in (
        "Girl <b>& pearl",
        "inv. 670",
        "4.5 x 3.0 cm",
        "53 of 54 cells",
        "1 clipped",
        "the first of two pages",
    ):
        assert words in text
    assert "The warp is vertical" in text
    assert "b" not in reader.tags
