from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from dl4art.cropping import write_crop
from dl4art.cropping.labels import read_labelme, write_masks
from dl4art.regression.labelled import canvas_rows, fingerprint, read_labelled, split_crops
from dl4art.utils.cli import PICTURES, gather
from dl4art.utils.errors import InputError

DENSITIES = [(10, 12), (14, 9), (17, 16), (12, 15)]


def read(folder):
    return read_labelled(gather([folder], (*PICTURES, ".json", ".npz")), folder)


@pytest.fixture
def mine(labelled_folder, tmp_path):
    """A copy that may be changed."""
    return shutil.copytree(labelled_folder, tmp_path / "mine")


def rewritten(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_crops_have_picture_canvas_and_density(labelled_folder):
    crops = read(labelled_folder)
    assert [crop.name for crop in crops[:3]] == ["canvas-0/crop-0", "canvas-0/crop-1", "canvas-1/crop-0"]
    for crop in crops:
        number = int(crop.canvas.removeprefix("canvas-"))
        assert crop.grey.shape == (220, 220)
        assert crop.density == pytest.approx(DENSITIES[number], rel=2e-3)
        vertical, horizontal = crop.gradient.astype(float)
        assert np.abs(vertical[1]).max() < 1e-3 < vertical[0].min()
        assert np.abs(horizontal[0]).max() < 1e-3 < horizontal[1].min()


def test_archives_beside_pictures_are_labels_too(mine):
    before = read(mine)
    for path in sorted(mine.rglob("*.json")):
        write_masks(read_labelme(path), path.with_suffix(".tif"), thread_width=4.0)
        path.unlink()
    after = read(mine)
    assert [crop.name for crop in after] == [crop.name for crop in before]
    for old, new in zip(before, after, strict=True):
        assert new.density == pytest.approx(old.density, rel=0.01)


def test_another_scale_is_resampled(labelled_folder, tmp_path):
    picture, labels = labelled_folder / "canvas-1" / "crop-0.tif", labelled_folder / "canvas-1" / "crop-0.json"
    (tmp_path / "a").mkdir()
    from dl4art.cropping import read_plate

    write_crop(tmp_path / "a" / "crop-0.tif", read_plate(picture).read().astype(np.uint8), 100.0, {})
    shutil.copy(labels, tmp_path / "a" / "crop-0.json")
    (crop,) = read(tmp_path)
    assert crop.grey.shape == (440, 440)
    assert crop.density == pytest.approx((7, 4.5), rel=3e-3)


def test_the_split_is_by_canvas(labelled_folder):
    split = split_crops(read(labelled_folder))
    canvases = [{crop.canvas for crop in crops} for crops in split.values()]
    assert [len(names) for names in canvases] == [2, 1, 1]
    assert len(set.union(*canvases)) == 4
    rows = canvas_rows(split)
    assert [row[:2] for row in rows] == [(f"canvas-{n}", 2) for n in range(4)]


@pytest.mark.parametrize(("left", "said"), [(1, "of one canvas (canvas-0)"), (2, "of 2 canvases (canvas-0, canvas-1)")])
def test_too_few_canvases_are_no_honest_split(mine, left, said):
    for number in range(left, 4):
        shutil.rmtree(mine / f"canvas-{number}")
    with pytest.raises(InputError, match="no honest split is possible") as error:
        split_crops(read(mine))
    assert said in str(error.value)


def test_the_fingerprint_knows_pictures_and_labels(mine):
    first = fingerprint(read(mine))
    assert first == fingerprint(read(mine)[::-1])
    rewritten(mine / "canvas-0" / "crop-0.json", lambda content: content["shapes"].pop())
    assert fingerprint(read(mine)) != first


def only(direction):
    def change(content):
        content["shapes"] = [shape for shape in content["shapes"] if shape["label"] != direction]

    return change


def upper(content):
    for shape in content["shapes"]:
        if shape["label"] == "vertical":
            shape["points"] = [[x, min(y, 110.0)] for x, y in shape["points"]]


def beyond(content):
    content["shapes"][0]["points"] = [[x + 400, y] for x, y in content["shapes"][0]["points"]]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (only("vertical"), "crop-0.json: no vertical threads, and at least two are needed. Draw all threads"),
        (lambda content: content.update(imageWidth=300), "labels of another picture? Draw them on this one"),
        (lambda content: content.update(imagePath="gone.tif"), "there is no such picture. Put it there"),
        (upper, "the vertical threads are not drawn all over the crop: 5"),
        (lambda content: content.pop("shapes"), "field 'shapes' is missing"),
        (lambda content: content.update(imagePath="crop-1.tif"), "and crop-0.tif lies beside it: labels of another"),
        (beyond, "crop-0.json: 1 vertical thread is drawn outside the picture, 1"),
    ],
)
def test_labels_that_cannot_be_used_are_named(mine, change, said):
    rewritten(mine / "canvas-0" / "crop-0.json", change)
    with pytest.raises(InputError) as error:
        read(mine)
    assert said in str(error.value)
    assert "--check lists what is wrong" in str(error.value)


def test_a_crop_and_its_copy_are_not_two_canvases(mine):
    shutil.copytree(mine / "canvas-1", mine / "canvas-9")
    with pytest.raises(InputError, match=r"canvas-1/crop-0.json, or to a copy of it"):
        read(mine)


def test_all_that_is_wrong_is_said_at_once(mine):
    for path in mine.rglob("*.json"):
        rewritten(path, only("horizontal"))
    with pytest.raises(InputError) as error:
        read(mine)
    assert str(error.value).count("no horizontal threads") == 3
    assert "And 5 more." in str(error.value)


@pytest.mark.parametrize(
    ("gone", "said"), [("_V.npz", "no such file"), (".tif", "archives of masks without a picture")]
)
def test_archives_that_are_not_whole(mine, gone, said):
    labels = mine / "canvas-0" / "crop-0.json"
    write_masks(read_labelme(labels), labels.with_suffix(".tif"), thread_width=4.0)
    labels.unlink()
    labels.with_name(f"crop-0{gone}").unlink()
    with pytest.raises(InputError, match=said):
        read(mine)


def test_a_crop_of_less_than_a_window(write_labelled_crops, tmp_path):
    write_labelled_crops(tmp_path, [(10, 12)], crops=1, side=180)
    with pytest.raises(InputError, match=r"shows 0.90 x 0.90 cm, and at least 1 x 1 cm is needed"):
        read(tmp_path)


def test_pictures_without_labels_are_none(mine):
    for path in mine.rglob("*.json"):
        path.unlink()
    with pytest.raises(InputError, match="no labelled crops in this folder"):
        read(mine)
