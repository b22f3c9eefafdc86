from __future__ import annotations

import json
import os
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from dl4art.regression.map_figures import ColourLimits
from dl4art.regression.map_overview import common_limits, joined, write_overview
from dl4art.regression.map_summary import summarise
from dl4art.regression.mapped_plate import ELSEWHERE, MapOptions, finished_plate, map_plate, read_map
from dl4art.regression.maps import STATUSES
from dl4art.utils.errors import InputError, OutputError


@pytest.fixture(scope="module")
def picture(drawn, tmp_path_factory):
    """The plate of the tests, 4.5 x 3.5 cm, as a file."""
    path = tmp_path_factory.mktemp("plate") / "view.png"
    Image.fromarray(drawn[0].astype(np.uint8)).save(path, dpi=(508, 508))
    return path


@pytest.fixture(scope="module")
def mapped(picture, shipped, tmp_path_factory):
    return map_plate(picture, tmp_path_factory.mktemp("map") / "out", shipped, MapOptions(title="A view"))


def drawn_on(tmp_path, *shapes):
    path = tmp_path / "areas.json"
    shapes = [{"label": name, "points": points, "shape_type": "rectangle"} for name, points in shapes]
    path.write_text(json.dumps({"shapes": shapes, "imageHeight": 700, "imageWidth": 900}))
    return path


def test_a_map_is_read_back_as_it_was_written(mapped):
    again = read_map(mapped.folder)
    np.testing.assert_array_equal(again.status, mapped.found.status)
    for name in ("x_cm", "y_cm", "density", "half", "angle"):
        np.testing.assert_allclose(getattr(again, name), getattr(mapped.found, name), atol=1e-3)


def test_what_is_no_map_is_said_so(tmp_path):
    with pytest.raises(InputError, match="is no table of cells"):
        read_map(tmp_path)
    (tmp_path / "cells.csv").write_text("x_cm,y_cm,status\n1,2,fine\n")
    with pytest.raises(InputError, match="Make the map again"):
        read_map(tmp_path)


def test_a_finished_map_is_not_made_again_and_another_is(mapped, picture, shipped):
    options = MapOptions(title="A view")
    again = finished_plate(picture, mapped.folder, shipped, options)
    assert again is not None
    assert again.summary.vertical.mean == pytest.approx(mapped.summary.vertical.mean, abs=1e-3)
    assert again.about["remarks"] == mapped.about["remarks"]
    limits = ColourLimits(density=(8, 16))
    for other in ({"step_cm": 0.25}, {"limits": limits}, {"inventory": "12-B"}, {"films": "one"}):
        assert finished_plate(picture, mapped.folder, shipped, replace(options, **other)) is None
    assert finished_plate(picture, mapped.folder / "none", shipped, options) is None


def test_masks_are_blank_and_regions_have_numbers_of_their_own(picture, shipped, mapped, tmp_path):
    areas = drawn_on(tmp_path, ("exclude", [[0, 0], [300, 700]]), ("insert", [[600, 0], [900, 700]]))
    found = map_plate(picture, tmp_path / "out", shipped, MapOptions(regions=areas))
    masked = STATUSES.index("masked")
    assert (found.found.status[:, :2] == masked).all()
    assert not (found.found.status[:, 4:] == masked).any()
    assert list(found.regions) == ["insert", ELSEWHERE]
    inserted = mapped.found.x_cm > 3
    mean = np.nanmean(found.found.density[:, inserted, 0])
    assert found.regions["insert"].vertical.mean == pytest.approx(mean, abs=1e-4)
    total = sum(part.vertical.cells for part in found.regions.values())
    assert total == found.summary.vertical.cells < mapped.summary.vertical.cells
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "<h2>Regions</h2>" in page
    assert "insert" in page
    assert "<h2>Regions</h2>" not in (mapped.folder / "report.html").read_text(encoding="utf-8")
    document = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert document["cells"]["masked"] > 0
    assert set(document["regions"]) == {"insert", ELSEWHERE}
    assert len(document["inputs"]) == 2
    again = finished_plate(picture, tmp_path / "out", shipped, MapOptions(regions=areas))
    assert again is not None
    assert list(again.regions) == ["insert", ELSEWHERE]


def test_a_picture_or_a_labelme_file_may_be_the_mask(picture, shipped, tmp_path):
    mask = np.zeros((700, 900), np.uint8)
    mask[:, :300] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    by_picture = map_plate(picture, tmp_path / "a", shipped, MapOptions(mask=tmp_path / "mask.png"))
    areas = drawn_on(tmp_path, ("exclude", [[0, 0], [300, 700]]))
    by_polygon = map_plate(picture, tmp_path / "b", shipped, MapOptions(mask=areas))
    np.testing.assert_array_equal(by_picture.found.status, by_polygon.found.status)
    Image.fromarray(255 - mask // 17).save(tmp_path / "mask.png")
    turned = map_plate(picture, tmp_path / "c", shipped, MapOptions(mask=tmp_path / "mask.png"))
    assert any("other way round" in remark for remark in turned.about["remarks"])
    assert turned.summary.vertical.mean is None


def test_a_mask_of_another_size_is_refused_before_anything_is_written(picture, shipped, tmp_path):
    Image.fromarray(np.zeros((10, 10), np.uint8)).save(tmp_path / "mask.png")
    with pytest.raises(InputError, match="10 x 10 px"):
        map_plate(picture, tmp_path / "out", shipped, MapOptions(mask=tmp_path / "mask.png"))
    assert not (tmp_path / "out").exists()


def test_no_space_left_leaves_no_half_files(picture, shipped, tmp_path, monkeypatch):
    real = os.replace

    def full(source, target):
        if str(target).endswith("vertical_angle.tif"):
            raise OSError(28, "No space left on device")
        real(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OutputError, match="No space left on device"):
        map_plate(picture, tmp_path / "out", shipped)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert "summary.json" not in names
    assert not any(name.startswith(".") for name in names)
    monkeypatch.undo()
    assert finished_plate(picture, tmp_path / "out", shipped, MapOptions()) is None


def test_several_plates_have_one_report_over_all(mapped, tmp_path):
    other = replace(mapped, path=mapped.path.with_name("other.png"), folder=mapped.folder.parent / "other")
    total = write_overview(mapped.folder.parent, [mapped, other], ColourLimits(), {"title": "Two", "inventory": "i 1"})
    assert total.vertical.cells == 2 * mapped.summary.vertical.cells
    assert total.vertical.mean == pytest.approx(mapped.summary.vertical.mean, rel=1e-6)
    page = (mapped.folder.parent / "report.html").read_text(encoding="utf-8")
    assert 'href="out/report.html"' in page
    assert 'href="other/report.html"' in page
    assert page.count("data:image/png") == 3
    document = json.loads((mapped.folder.parent / "summary.json").read_text())
    assert set(document["plates"]) == {"out", "other"}
    assert document["title"] == "Two"


def test_all_plates_have_the_same_colours(mapped):
    low, high = common_limits([mapped], ColourLimits()).density
    known = mapped.found.density[np.isfinite(mapped.found.density)]
    assert low < np.quantile(known, 0.05)
    assert high > np.quantile(known, 0.95)
    stated = ColourLimits(density=(8.0, 20.0))
    assert common_limits([mapped], stated) == stated
    blank = replace(mapped.found, density=np.full_like(mapped.found.density, np.nan))
    assert common_limits([replace(mapped, found=blank)], ColourLimits()).density is None
    assert summarise(joined([blank])).vertical.mean is None
