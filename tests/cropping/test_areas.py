from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

from dl4art.cropping import plate_from_array, usable_area
from dl4art.cropping.areas import Areas, excluded_cells, inside, masked_cells, read_areas
from dl4art.utils.errors import InputError

SHAPE = (400, 600)  # 4 x 6 cm at 100 px/cm


@pytest.fixture
def plate():
    return plate_from_array(np.zeros(SHAPE, np.uint8), 100.0)


def shape(label, points, kind="polygon"):
    return {"label": label, "points": points, "shape_type": kind}


@pytest.fixture
def labelme(tmp_path):
    def write(*shapes, size=SHAPE):
        path = tmp_path / "areas.json"
        path.write_text(json.dumps({"shapes": list(shapes), "imageHeight": size[0], "imageWidth": size[1]}))
        return path

    return write


LEFT = [[0, 0], [300, 0], [300, 400], [0, 400]]


def test_polygons_are_regions_in_cm_but_for_those_to_leave_out(labelme, plate):
    areas = read_areas(
        labelme(
            shape("insert", LEFT), shape("Exclude", [[300, 0], [600, 400]], "rectangle"), shape("insert", LEFT[:3])
        ),
        plate,
    )
    assert list(areas.regions) == ["insert"]
    assert len(areas.regions["insert"]) == 2
    np.testing.assert_allclose(areas.regions["insert"][0], np.array(LEFT) / 100)
    np.testing.assert_allclose(areas.excluded[0], [(3, 0), (6, 0), (6, 4), (3, 4)])


def test_cells_lie_in_a_part_with_their_middles(labelme, plate):
    areas = read_areas(labelme(shape("exclude", LEFT)), plate)
    cells = excluded_cells(areas, plate)
    assert cells.shape == (16, 24)
    assert cells[:, :12].all()
    assert not cells[:, 12:].any()
    found = inside(areas.excluded, np.array([1.0, 5.0]), np.array([2.0]))
    assert found.tolist() == [[True, False]]


def test_the_white_of_a_mask_is_left_out(plate, tmp_path):
    mask = np.zeros(SHAPE, np.uint8)
    mask[:100] = 255
    mask[300:310, 300:320] = 255  # less than half of a cell
    Image.fromarray(mask).save(tmp_path / "mask.png")
    cells = masked_cells(tmp_path / "mask.png", plate)
    assert cells.shape == (16, 24)
    assert cells[:4].all()
    assert not cells[4:].any()


def test_a_black_and_white_mask_of_one_bit(plate, tmp_path):
    mask = np.zeros(SHAPE, bool)
    mask[:, :150] = True
    Image.fromarray(mask).save(tmp_path / "mask.png")
    assert masked_cells(tmp_path / "mask.png", plate).mean(axis=0).tolist() == [1] * 6 + [0] * 18


def test_masks_are_read_in_bands(plate, tmp_path, monkeypatch, rng):
    mask = np.kron(rng.random((20, 30)) < 0.5, np.ones((20, 20))).astype(np.uint8)
    Image.fromarray(mask).save(tmp_path / "mask.png")
    whole = masked_cells(tmp_path / "mask.png", plate)
    monkeypatch.setattr("dl4art.cropping.usable._BAND_PX", 7000)
    np.testing.assert_array_equal(masked_cells(tmp_path / "mask.png", plate), whole)
    assert 0.2 < whole.mean() < 0.9


@pytest.mark.parametrize("size", [(400, 600), (401, 633), (26, 75), (20, 10)])
@pytest.mark.parametrize("px_per_cm", [100.0, 99.97, 33.3])
def test_cells_are_those_of_the_usable_area(size, px_per_cm, tmp_path, rng):
    plate = plate_from_array(rng.integers(0, 255, size).astype(np.uint8), px_per_cm)
    Image.fromarray(np.full(size, 255, np.uint8)).save(tmp_path / "mask.png")
    cells = masked_cells(tmp_path / "mask.png", plate)
    assert cells.shape == usable_area(plate).shape == excluded_cells(Areas((), {}), plate).shape
    assert cells.all()


def test_a_mask_of_another_size_names_both(plate, tmp_path):
    Image.fromarray(np.zeros((10, 20), np.uint8)).save(tmp_path / "mask.png")
    with pytest.raises(InputError, match=r"20 x 10 px.*600 x 400 px"):
        masked_cells(tmp_path / "mask.png", plate)


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (shape("", LEFT), "has no label"),
        (shape("a", LEFT, "circle"), "is a circle"),
        (shape("a", LEFT[:2]), "make no polygon"),
        (shape("a", [[0, 0], [1, float("nan")], [2, 2]]), "make no polygon"),
        (shape("a", "none"), "no list of"),
        ({"label": "a"}, "no list of"),
        (7, "is a int"),
    ],
)
def test_broken_shapes_are_named(labelme, plate, broken, said):
    with pytest.raises(InputError, match=rf"shape 2.*{said}"):
        read_areas(labelme(shape("fine", LEFT), broken), plate)


def test_files_that_are_not_labelme_of_this_plate(labelme, plate, tmp_path):
    with pytest.raises(InputError, match=r"50 x 40 px.*600 x 400 px"):
        read_areas(labelme(size=(40, 50)), plate)
    (tmp_path / "x.json").write_text("{")
    with pytest.raises(InputError, match="is not JSON"):
        read_areas(tmp_path / "x.json", plate)
    (tmp_path / "x.json").write_text("[]")
    with pytest.raises(InputError, match="'shapes' is missing"):
        read_areas(tmp_path / "x.json", plate)
    with pytest.raises(InputError, match="cannot be read"):
        read_areas(tmp_path / "none.json", plate)
