import math

import numpy as np
import pytest
from PIL import Image

from dl4art.craquelure.damage_figures import draw_islands, draw_rose, draw_widths
from dl4art.craquelure.damage_report import conclusions, finding, measure_table, write_report
from dl4art.craquelure.measures import LEFT_OUT, ROSE_BINS, measure_damage
from dl4art.craquelure.overlay import reduce
from dl4art.craquelure.tiles import read_from
from dl4art.cropping.photographs import read_photograph
from dl4art.utils.provenance import provenance


@pytest.fixture
def mask():
    """A net of cracks, two px wide across and one down, and a loss."""
    mask = np.zeros((300, 400), np.uint8)
    mask[::30] = mask[1::30] = mask[:, ::40] = 1
    mask[100:110, 200:210] = 2
    return mask


def test_the_finding_is_a_sentence(mask):
    said = finding(measure_damage(mask, 20.0))
    assert said.startswith("0.0833 % of the surface is marked as paint loss, 0.25 cm².")
    assert "cm of cracks" in said
    assert "cm" not in finding(measure_damage(mask))
    assert finding(measure_damage(0 * mask)) == "No paint loss was found. No cracks were found."
    assert "nothing can be said" in finding(measure_damage(0 * mask + LEFT_OUT))


def test_the_table_has_what_is_known(mask):
    head, *rows = measure_table(measure_damage(mask, 20.0))
    assert head[1:] == ("in the photograph", "on the painting")
    table = {name: values for name, *values in rows}
    assert table["Surface that counts"] == ["120\N{NARROW NO-BREAK SPACE}000 px", "300 cm²"]
    assert table["Paint loss"] == ["0.0833 %", "0.25 cm²"]
    assert table["Islands, closed all round"] == ["81", ""]
    assert table["Size of islands, median"][1] == "273 mm²"
    # without a scale the last column is not there at all
    assert {len(row) for row in measure_table(measure_damage(mask))} == {2}
    assert len(measure_table(measure_damage(0 * mask))) == 7


def test_conclusions_say_what_the_scale_allows(mask):
    assert any("0.5 mm wide" in sentence for sentence in conclusions(measure_damage(mask, 20.0)))
    assert any("--size-cm" in sentence for sentence in conclusions(measure_damage(mask)))


def test_widths_are_bars_in_millimetres_of_all_the_length(mask):
    found = measure_damage(mask, 20.0)
    (axes,) = draw_widths(found).axes
    assert sum(bar.get_height() for bar in axes.patches) == pytest.approx(100)
    # a pixel is half a millimetre
    assert axes.patches[1].get_x() + axes.patches[1].get_width() / 2 == pytest.approx(0.5)
    assert axes.get_xlabel() == "width, mm"
    assert draw_widths(measure_damage(mask)).axes[0].get_xlabel() == "width, px"


def test_islands_are_bars_that_count_them_all(mask):
    found = measure_damage(mask)
    (axes,) = draw_islands(found).axes
    assert sum(bar.get_height() for bar in axes.patches) == found.islands.count == 81
    (line,) = axes.lines
    assert line.get_xdata()[0] == found.islands.median


def test_the_rose_shows_both_ends_of_each_direction(mask):
    found = measure_damage(mask)
    (axes,) = draw_rose(found).axes
    radii = np.array([bar.get_height() for bar in axes.patches])
    assert len(radii) == 2 * ROSE_BINS
    assert (radii[:ROSE_BINS] ** 2).sum() == pytest.approx(1)
    assert np.array_equal(radii[:ROSE_BINS], radii[ROSE_BINS:])
    assert radii.argmax() % (ROSE_BINS // 2) == 0


@pytest.fixture
def report(tmp_path):
    def write(mask, **about):
        path = tmp_path / "photo.png"
        Image.fromarray(np.full(mask.shape, 90, np.uint8)).save(path)
        photograph, found = read_photograph(path), measure_damage(mask)
        told = {"title": "", "inventory": "", "warnings": []} | provenance(parameters={}, inputs=[path]) | about
        reduced = reduce(read_from(np.full(mask.shape, 90, np.uint8)), mask, 500)
        write_report(tmp_path / "report.html", photograph, mask, found, told, reduced=reduced)
        return (tmp_path / "report.html").read_text("utf-8")

    return write


def test_a_page_escapes_what_it_is_told(report, mask):
    page = report(mask, title="<script>", warnings=["mind the <gap>"])
    assert "<script>" not in page
    assert "Mind the &lt;gap&gt;." in page
    assert "left out" not in page.split("A detail")[0].split("legend")[-1]


def test_the_detail_is_where_there_is_most_to_see(report):
    mask = np.zeros((900, 1300), np.uint8)
    mask[::9, :400] = 1
    mask[600:880:9, 900:1280] = mask[600:880, 900:1280:9] = 1
    mask[20:60, 700:760] = 2
    page = report(mask)
    assert "A detail at full size" in page
    caption = page.split("420 px a side, ")[1].split(" px from the left and ")
    left, top = int(caption[0]), int(caption[1].split(" ")[0])
    assert 850 <= left <= 880
    assert 450 <= top <= 480


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 2), (419, 2000)])
def test_odd_shapes_have_a_report(report, shape):
    mask = np.zeros(shape, np.uint8)
    mask[shape[0] // 2] = 1
    page = report(mask)
    assert "A detail" not in page
    assert math.prod(shape) >= 1


def test_a_photograph_much_wider_than_high_lies_above_its_overlay(report, mask):
    assert 'class="two"' in report(mask)
    assert 'class="two"' not in report(mask[:100])
