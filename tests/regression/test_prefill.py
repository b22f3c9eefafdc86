import json

import numpy as np
import pytest
import tifffile

from dl4art.cropping.labels import density, read_labelme
from dl4art.cropping.plate import plate_from_array
from dl4art.regression.count_file import FileCount
from dl4art.regression.estimate import ThreadEstimate
from dl4art.regression.prefill import find_threads, prefill_labels
from dl4art.utils.errors import InputError

VERTICAL, HORIZONTAL = 12.0, 15.0


def weave(rows=300, columns=300, px_per_cm=200):
    y, x = ((np.arange(n) + 0.5) / px_per_cm for n in (rows, columns))
    pixels = np.sin(2 * np.pi * VERTICAL * x)[None] + np.sin(2 * np.pi * HORIZONTAL * y)[:, None]
    return (120 + 40 * pixels).astype(np.uint8)


class Counter:
    def predict(self, pictures, *, px_per_cm):
        ok = ThreadEstimate("ok", VERTICAL, HORIZONTAL, 11.9, 12.1, 14.9, 15.1, 0.0, 0.0)
        return [ok if np.ptp(picture) > 1 else ThreadEstimate("no-estimate", message="blank") for picture in pictures]


def test_threads_are_written_beside_the_crops_that_have_none(tmp_path):
    for name in ("a", "b", "c", "d"):
        tifffile.imwrite(tmp_path / f"{name}.tif", weave() if name != "c" else np.full((300, 300), 9, np.uint8))
    (tmp_path / "b.json").write_text("drawn by hand")
    (tmp_path / "d.tif").write_text("a letter")
    crops = [tmp_path / f"{name}.tif" for name in "abcd"]
    done = list(prefill_labels(crops, Counter()))
    assert [item.status for item in done] == ["written", "kept", "no-estimate", "failed"]
    assert done[2].message.startswith("blank")
    assert (tmp_path / "b.json").read_text() == "drawn by hand"
    labels = read_labelme(tmp_path / "a.json")
    assert (done[0].vertical, done[0].horizontal) == (len(labels.vertical), len(labels.horizontal)) == (18, 22)
    assert density(labels) == pytest.approx((VERTICAL, HORIZONTAL), rel=0.02)
    content = json.loads((tmp_path / "a.json").read_text())
    assert (content["imagePath"], content["imageData"]) == ("a.tif", None)
    assert max(len(shape["points"]) for shape in content["shapes"]) < 20
    assert sorted(path.name for path in tmp_path.glob("*.json")) == ["a.json", "b.json"]


def test_two_pictures_of_one_name_share_their_labels(tmp_path):
    for ending in ("tif", "tiff"):
        tifffile.imwrite(tmp_path / f"a.{ending}", weave())
    done = prefill_labels([tmp_path / "a.tif", tmp_path / "a.tiff"], Counter())
    assert [item.status for item in done] == ["written", "kept"]


@pytest.mark.parametrize("end", ["V", "H"])
def test_masks_that_are_there_are_not_set_aside(tmp_path, end):
    tifffile.imwrite(tmp_path / "a.tif", weave())
    (tmp_path / f"a_{end}.npz").write_bytes(b"drawn by hand")
    (done,) = prefill_labels([tmp_path / "a.tif"], Counter())
    assert (done.status, done.message) == ("kept", f"a_{end}.npz is there already; nothing was changed")
    assert not (tmp_path / "a.json").exists()


def test_lines_are_in_the_pixels_of_the_picture():
    plate = plate_from_array(weave(450, 480, px_per_cm=300), 300.0)
    count = FileCount("a", "ok", VERTICAL, HORIZONTAL)
    labels, sure = find_threads(plate, count)
    assert labels.shape == (450, 480)
    assert density(labels, px_per_cm=300.0) == pytest.approx((VERTICAL, HORIZONTAL), rel=0.02)
    assert max(line[:, 0].max() for line in labels.vertical) > 440
    assert all(0.5 <= share <= 1 for share in sure)


def test_a_plate_is_no_crop():
    with pytest.raises(InputError, match=r"4\.0 x 3\.5 cm is more than a crop"):
        find_threads(plate_from_array(weave(700, 800), 200.0), FileCount("a", "ok", VERTICAL, HORIZONTAL))
