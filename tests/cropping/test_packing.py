import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st

from dl4art.cropping.archives import load_masks, save_masks
from dl4art.cropping.labels import ThreadLabels, density, read_labelme, write_labelme, write_masks
from dl4art.cropping.packing import draw_masks, pack_labels, unpack_labels

SAMPLES = Path(__file__).parents[2] / "cropping"


def labels(seed=0, spacing=16.0, shape=(300, 300), lean=0.1):
    """Slanted and bent threads at uneven spacing."""
    rng = np.random.default_rng(seed)
    systems = []
    for _ in range(2):
        along = np.linspace(0.5, 299.5, 11)
        tilt, phase = rng.uniform(-lean, lean), rng.uniform(0, 6)
        places = np.arange(40, 260, spacing)
        places += rng.uniform(-0.1, 0.1, len(places)) * spacing
        bends = 2 * np.sin(along / 60 + phase) + tilt * (along - 150)
        systems.append([np.stack([x + bends, along], axis=1) for x in places])
    return ThreadLabels(tuple(systems[0]), tuple(line[:, ::-1] for line in systems[1]), shape)


def write(folder, name="crop_1", size=(300, 300), **options):
    """A crop with its labels as a labelme file."""
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    picture = (folder / name).with_suffix(".tif")
    tifffile.imwrite(picture, np.zeros(size, np.uint8), description=name)
    write_labelme(labels(**options), picture.with_suffix(".json"), picture.name)
    return picture.with_suffix(".json")


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def pack(folder, output):
    return list(pack_labels(files(folder), folder, output))


def unpack(folder, output):
    return list(unpack_labels(files(folder), folder, output))


def assert_same_masks(first, second):
    for one, two in zip(load_masks(first), load_masks(second), strict=True):
        np.testing.assert_array_equal(one, two)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10**6), st.floats(9, 30), st.floats(2, 0.7 * 9))
def test_archives_unpacked_and_packed_again_are_the_same(tmp_path_factory, seed, spacing, width):
    folder = tmp_path_factory.mktemp("packing")
    made = labels(seed, spacing)
    write_masks(made, folder / "a", thread_width=width)
    tifffile.imwrite(folder / "a.tif", np.zeros((300, 300), np.uint8))
    (row,) = unpack(folder, folder)
    assert (row.status, row.message) == ("ok", "")
    again = folder / "again"
    (row,) = pack(folder, again)
    assert (row.status, row.message) == ("ok", "")
    assert_same_masks(folder / "a", again / "a")
    np.testing.assert_allclose(density(read_labelme(folder / "a.json")), density(made), rtol=0.01)


def test_archives_are_packed_as_they_are(tmp_path):
    masks = np.random.default_rng(3).random((2, 300, 300)) > 0.5
    np.savez(tmp_path / "a_1_V.npz", masks[0].astype(np.uint8))
    np.savez(tmp_path / "a_1_H.npz", masks[1])
    for source, target in (("", "one"), ("one", "two")):
        (row,) = pack(tmp_path / source, tmp_path / target)[:1]
        assert (row.crop, row.canvas, row.status) == ("a_1", "a", "ok")
    with np.load(tmp_path / "two" / "a_1_V.npz") as archive:
        assert archive.files == ["arr_0"]
        assert archive["arr_0"].dtype == bool
        np.testing.assert_array_equal(archive["arr_0"], masks[0])


def test_masks_hold_what_the_polygons_hold(tmp_path):
    path = write(tmp_path)
    content = json.loads(path.read_text())
    square = {"points": [[10, 20], [13, 20], [13, 60], [10, 60]], "shape_type": "polygon"}
    line = {"points": [[0, 100], [300, 100]], "shape_type": "linestrip"}
    content["shapes"] = [{"label": "V"} | square, {"label": "horizontal"} | line]
    path.write_text(json.dumps(content))
    vertical, horizontal = draw_masks(path, tmp_path)
    assert vertical[20:60, 10:13].all()
    assert vertical.sum() == 3 * 40
    assert horizontal[96:104].all()
    assert horizontal.sum() == 8 * 300


def test_a_drawn_file_goes_before_archives_of_its_name(tmp_path):
    path = write(tmp_path / "in")
    save_masks(path.with_suffix(""), *np.ones((2, 300, 300), bool))
    pack(tmp_path / "in", tmp_path / "out")
    assert not load_masks(tmp_path / "out" / "crop_1")[0].all()


def test_folders_are_canvases_and_are_kept(tmp_path):
    for name in ("b/one_1", "b/one_2", "a/one_1"):
        write(tmp_path / "in", name)
    rows = pack(tmp_path / "in", tmp_path / "out")
    assert [(row.crop, row.canvas) for row in rows] == [("a/one_1", "a"), ("b/one_1", "b"), ("b/one_2", "b")]
    assert len(files(tmp_path / "out")) == 6
    assert [row.crop for row in unpack(tmp_path / "out", tmp_path / "back")] == ["a/one_1", "b/one_1", "b/one_2"]
    assert json.loads((tmp_path / "back" / "a" / "one_1.json").read_text())["imagePath"] == "one_1.tif"


def test_unpacked_labels_name_the_picture_beside_them(tmp_path):
    path = write(tmp_path)
    pack(tmp_path, tmp_path)
    path.unlink()
    shutil.move(tmp_path / "crop_1.tif", tmp_path / "crop_1.TIFF")
    unpack(tmp_path, tmp_path)
    assert json.loads(path.read_text())["imagePath"] == "crop_1.TIFF"


def test_labels_that_are_there_are_not_unpacked_over(tmp_path):
    path = write(tmp_path)
    before = path.read_bytes()
    pack(tmp_path, tmp_path)
    (row,) = unpack(tmp_path, tmp_path)
    assert row.status == "kept"
    assert path.read_bytes() == before


def save_again(folder, output):
    """Pack what was unpacked, and give the place."""
    assert [row.status for row in pack(folder, output)] == ["ok"]
    return output


def test_specks_are_told(tmp_path):
    path = write(tmp_path)
    vertical, horizontal = draw_masks(path, tmp_path)
    vertical[5:7, 3:5] = True
    (tmp_path / "out").mkdir()
    save_masks(tmp_path / "out" / "a", vertical, horizontal)
    (row,) = unpack(tmp_path / "out", tmp_path / "out")
    assert row.status == "ok"
    assert row.message.startswith("1 polygon is so short that it may be a speck")
    (tmp_path / "out" / "a.tif").write_bytes((tmp_path / "crop_1.tif").read_bytes())
    assert_same_masks(tmp_path / "out" / "a", save_again(tmp_path / "out", tmp_path / "again") / "a")


def test_any_masks_come_back(tmp_path, rng):
    """Threads at a corner, with gaps, that touch, and mere noise."""
    vertical, horizontal = rng.random((2, 300, 300)) < 0.3
    vertical[:, 100:] = np.arange(200) % 16 < 9
    vertical[100:103] = False
    vertical[:, 116:128] = True
    save_masks(tmp_path / "a", vertical, horizontal)
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((300, 300), np.uint8))
    unpack(tmp_path, tmp_path)
    assert_same_masks(tmp_path / "a", save_again(tmp_path, tmp_path / "again") / "a")


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("labels/*_V.npz")), ids=lambda path: path.name)
def test_the_samples_come_back(tmp_path, path):
    name = path.name.removesuffix("_V.npz")
    for file in (path, path.with_name(f"{name}_H.npz"), SAMPLES / "crops" / f"{name}.tif"):
        shutil.copy(file, tmp_path)
    unpack(tmp_path, tmp_path)
    assert_same_masks(tmp_path / name, save_again(tmp_path, tmp_path / "again") / name)


def spoil(path, **fields):
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def shift(path, pixels):
    """Move upright threads to the right."""
    shapes = json.loads(path.read_text())["shapes"]
    for shape in shapes:
        if shape["label"] == "vertical":
            shape["points"] = [[x + pixels, y] for x, y in shape["points"]]
    spoil(path, shapes=shapes)


def only(path, direction):
    spoil(path, shapes=[shape for shape in json.loads(path.read_text())["shapes"] if shape["label"] == direction])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda path: only(path, "horizontal"), "has no vertical threads"),
        (lambda path: only(path, "vertical"), "has no horizontal threads"),
        (lambda path: spoil(path, shapes=[{"label": "V", "points": [[0, 0], [0, 9]]}]), "shape 1: field 'points'"),
        (lambda path: spoil(path, shapes=[{"label": "x", "points": [[0, 0], [0, 9], [2, 9]]}]), "'label' is 'x'"),
        (lambda path: spoil(path, imagePath="../../a.tif"), "outside the folder"),
        (lambda path: spoil(path, imageHeight=10**9), "300,000 megapixels"),
        (lambda path: path.write_text("{"), "is not JSON"),
        (lambda path: path.with_suffix(".tif").unlink(), "no such picture"),
        (lambda path: spoil(path, imagePath="crop_2.tif"), "and crop_1.tif lies beside it: labels of another picture?"),
        (lambda path: shift(path, 300), "14 vertical threads are drawn outside the picture, "),
    ],
)
def test_a_bad_crop_is_a_row_and_stops_no_other(tmp_path, change, said):
    change(write(tmp_path / "in", "crop_1"))
    write(tmp_path / "in", "crop_2")
    bad, good = pack(tmp_path / "in", tmp_path / "out")
    assert (bad.status, good.status) == ("failed", "ok")
    assert said in bad.message
    assert [path.name for path in files(tmp_path / "out")] == ["crop_2_H.npz", "crop_2_V.npz"]


def test_a_copy_of_a_crop_is_not_packed_again(tmp_path):
    first = write(tmp_path / "in", "a/crop_1")
    shutil.copytree(first.parent, tmp_path / "in" / "b")
    once, twice = pack(tmp_path / "in", tmp_path / "out")
    assert (once.status, twice.status) == ("ok", "failed")
    assert "the same picture as" in twice.message


def test_half_a_pair_empty_masks_and_other_sizes_are_refused(tmp_path):
    ones = np.ones((300, 300), bool)
    np.savez(tmp_path / "a_H.npz", ones)
    save_masks(tmp_path / "b", ones, ~ones)
    save_masks(tmp_path / "c", ones[:200], ones[:200])
    (tmp_path / "d_V.npz").write_bytes(b"PK nonsense")
    rows = pack(tmp_path, tmp_path / "out")
    assert [row.status for row in rows] == ["failed"] * 4
    for row, said in zip(
        rows, ("a_V.npz: no such file", "b_H.npz: has no horizontal", "300 x 200 px", "d_V"), strict=True
    ):
        assert said in row.message
    assert [row.status for row in unpack(tmp_path, tmp_path)] == ["failed", "ok", "ok", "failed"]


def test_a_crop_of_another_size_is_not_packed(tmp_path):
    write(tmp_path, size=(250, 300), shape=(250, 300))
    (row,) = pack(tmp_path, tmp_path / "out")
    assert "is of 300 x 250 px, and archives hold crops of 300 x 300 px" in row.message
