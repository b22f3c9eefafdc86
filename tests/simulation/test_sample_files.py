"""The samples of the top-level folder ``cropping/`` are what its README says."""

from pathlib import Path

import pytest

from dl4art.cropping import read_plate
from dl4art.cropping.labels import density, read_labelme, read_masks
from dl4art.cropping.writing import read_description

FOLDER = Path(__file__).parents[2] / "cropping"
CROPS = sorted((FOLDER / "crops").iterdir())


def test_they_are_small_and_nine():
    assert len(CROPS) == 9
    assert sum(path.stat().st_size for path in FOLDER.rglob("*") if path.is_file()) < 15e6


@pytest.mark.parametrize("path", CROPS, ids=lambda path: path.stem)
def test_each_crop_states_its_scale_and_its_labels_agree_in_both_formats(path):
    plate = read_plate(path)
    assert plate.shape == (300, 300)
    assert plate.px_per_cm == pytest.approx(200)
    assert plate.scale_source == "TIFF tag"
    stated = read_description(path)
    truth = stated["vertical_per_cm"], stated["horizontal_per_cm"]
    polygons = density(read_labelme(FOLDER / "labels" / f"{path.stem}.json"))
    masks = density(read_masks(FOLDER / "labels" / f"{path.stem}.tif"))
    # labels know nothing of the nearest thread beyond the border
    assert polygons == pytest.approx(truth, rel=0.02)
    assert masks == pytest.approx(polygons, rel=0.015)
    (row,) = (line for line in (FOLDER / "README.md").read_text("utf-8").splitlines() if f"`{path.name}` |" in line)
    assert [float(cell) for cell in row.split("|")[2:4]] == pytest.approx(truth, abs=0.006)


@pytest.mark.parametrize(("name", "dtype"), [("canvas-a-1", "uint8"), ("canvas-a-2", "uint8"), ("canvas-b", "uint16")])
def test_each_plate_has_room_for_thirty_crops(name, dtype):
    plate = read_plate(FOLDER / "plates" / f"{name}.tif")
    assert plate.size_cm == pytest.approx((9, 7.6), abs=0.01)
    assert plate.px_per_cm == pytest.approx(600 / 2.54, abs=0.01)
    assert plate.dtype == dtype
