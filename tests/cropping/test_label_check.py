import json
import shutil

import numpy as np
import pytest
import tifffile

from dl4art.cropping.label_check import check_file, check_labels, median_spacing
from dl4art.cropping.labels import ThreadLabels, read_labelme, write_labelme, write_masks


def straight(x, top=0.0, bottom=300.0, lean=0.0):
    return np.array([[x, top], [x + lean, bottom]])


def write(folder, vertical=None, horizontal=None, name="a", size=(300, 300)):
    """A crop and its labels: 20 upright threads and 15 level ones, if not told otherwise."""
    vertical = [straight(x) for x in np.arange(7.5, 300, 15)] if vertical is None else vertical
    horizontal = [straight(y)[:, ::-1] for y in np.arange(10.0, 300, 20)] if horizontal is None else horizontal
    folder.mkdir(exist_ok=True)
    tifffile.imwrite(folder / f"{name}.tif", np.zeros(size, np.uint8))
    write_labelme(ThreadLabels(tuple(vertical), tuple(horizontal), (300, 300)), folder / f"{name}.json", f"{name}.tif")
    return folder / f"{name}.json"


def changed(path, shape=None, **fields):
    """Change fields of a labelme file, or of its first shape."""
    content = json.loads(path.read_text())
    content["shapes"][0] |= shape or {}
    path.write_text(json.dumps(content | fields))
    return path


def found(path, root=None):
    return [finding.finding for finding in check_file(path, root or path.parent).findings]


def test_nothing_is_found_in_good_labels(tmp_path):
    checked = check_file(write(tmp_path), tmp_path)
    assert checked.findings == ()
    assert checked.picture == tmp_path / "a.tif"
    assert (len(checked.labels.vertical), len(checked.labels.horizontal)) == (20, 15)


@pytest.mark.parametrize("direction", ["vertical", "horizontal"])
@pytest.mark.parametrize(
    ("line", "finding"),
    [
        (straight(37.5 + 3), "drawn twice"),
        (straight(37.5 - 2, 80, 240, lean=3), "drawn twice"),
        (straight(37.5, lean=25), "crossing"),
        (straight(-30), "outside the picture"),
        (straight(292.5, 0, 345, lean=0), "outside the picture"),
    ],
)
def test_a_doubtful_thread_is_found_both_ways(tmp_path, direction, line, finding):
    threads = [straight(x) for x in np.arange(7.5, 300, 15)]
    if finding == "outside the picture":
        threads.pop()
    threads = [*threads, line]
    if direction == "horizontal":
        path = write(tmp_path, horizontal=[thread[:, ::-1] for thread in threads])
    else:
        path = write(tmp_path, vertical=threads)
    assert {*found(path)} == {finding}
    message = check_file(path, tmp_path).findings[0].message
    assert direction in message
    assert "shape" in message


def test_the_place_of_a_crossing_is_said(tmp_path):
    path = write(tmp_path, vertical=[straight(50), straight(100), straight(150), straight(120, lean=60)])
    (finding,) = check_file(path, tmp_path).findings
    assert "shapes 3 and 4 (vertical), near x = 150, y = 150 px" in finding.message


def test_a_thread_in_two_pieces_is_not_drawn_twice(tmp_path):
    pieces = [straight(52.5, 0, 148), straight(52.5, 152, 300)]
    others = [straight(x) for x in np.arange(7.5, 300, 15) if x != 52.5]
    assert found(write(tmp_path, vertical=[*others, *pieces])) == []


def test_threads_that_touch_at_their_ends_are_let_be(tmp_path):
    close = [straight(x) for x in np.arange(7.5, 300, 15)]
    close[4] = np.array([[67.5, 0], [67.5, 200], [80.0, 300]])
    assert found(write(tmp_path, vertical=close)) == []


@pytest.mark.parametrize(
    ("shape", "finding", "said"),
    [
        ({"label": "vertcal"}, "unknown name", "shape 1: field 'label' is 'vertcal'"),
        ({"points": [[1, 0], [1, 300]]}, "no thread", "holds 2 points"),
        ({"shape_type": "circle"}, "no thread", "'circle'"),
        ({"points": [[0, 5], [9, 5], [9, 5]]}, "no thread", "without length"),
    ],
)
def test_a_bad_shape_hides_no_other(tmp_path, shape, finding, said):
    path = changed(write(tmp_path, vertical=[straight(x) for x in (5, 20, 35, 35.5)]), shape)
    findings = check_file(path, tmp_path).findings
    assert [item.finding for item in findings] == [finding, "drawn twice"]
    assert said in findings[0].message


@pytest.mark.parametrize("count", [0, 1])
def test_one_direction_is_not_enough(tmp_path, count):
    path = write(tmp_path, horizontal=[straight(9)[:, ::-1]][:count])
    (finding,) = check_file(path, tmp_path).findings
    assert finding.finding == "one direction"
    assert finding.message.startswith(["no horizontal threads.", "1 horizontal thread."][count])


def test_no_shapes_are_no_labels(tmp_path):
    assert found(write(tmp_path, vertical=[], horizontal=[])) == ["no labels"]


def test_labels_of_another_picture(tmp_path):
    checked = check_file(write(tmp_path, size=(300, 200)), tmp_path)
    assert "300 x 300 px, and a.tif has 200 x 300 px" in checked.findings[0].message
    assert checked.picture is checked.labels is None


@pytest.mark.parametrize(
    ("image", "said"),
    [
        ("../../etc/passwd", "outside the folder"),
        ("..\\secret.tif", "outside the folder"),
        ("/etc/hostname", "outside the folder"),
        ("C:\\crops\\a.tif", "outside the folder"),
        ("\\\\server\\share\\a.tif", "outside the folder"),
        ("none.tif", "no such picture"),
        (".", "no such picture"),
        ("a.json", "labels of another picture"),
        ("", "'imagePath' is missing"),
        (None, "'imagePath' is missing"),
        ("a\0.tif", "null"),
        (9999 * "a", "cannot be used"),
    ],
)
def test_a_picture_elsewhere_is_not_looked_at(tmp_path, image, said):
    path = changed(write(tmp_path / "crops"), imagePath=image)
    (finding,) = check_file(path, path.parent).findings
    assert finding.finding == "picture"
    assert said in finding.message


def test_labels_that_name_the_picture_of_others(tmp_path):
    write(tmp_path, name="b")
    path = changed(write(tmp_path), imagePath="b.tif")
    (finding,) = check_file(path, tmp_path).findings
    assert finding.finding == "picture"
    assert "'b.tif', and a.tif lies beside it: labels of another picture?" in finding.message


def test_a_picture_is_labelled_once(tmp_path):
    first = write(tmp_path)
    second = shutil.copy(first, tmp_path / "again.json")
    one, two = check_labels([tmp_path / "a.tif", first, second], tmp_path)
    assert one.findings == ()
    assert [finding.message for finding in two.findings] == [
        f"belongs to the same picture as {first}, or to a copy of it. Keep one of them."
    ]


def test_many_threads_outside_are_one_finding(tmp_path):
    path = write(tmp_path, vertical=[straight(x) for x in np.arange(400.0, 700, 15)])
    (finding,) = check_file(path, tmp_path).findings
    assert finding.message.startswith("shapes 1, 2, 3 and 17 more (vertical): up to 385 px outside. Draw them again")


def masks(folder, **options):
    """A crop whose labels are archives."""
    path = write(folder, **options)
    write_masks(read_labelme(path), path.with_suffix(".tif"), thread_width=5.0)
    path.unlink()
    return sorted(folder.iterdir())


def test_archives_are_labels(tmp_path):
    (checked,) = check_labels(masks(tmp_path), tmp_path)
    assert checked.findings == ()
    assert (checked.file.name, checked.picture.name) == ("a_V.npz", "a.tif")
    assert (len(checked.labels.vertical), len(checked.labels.horizontal)) == (20, 15)


@pytest.mark.parametrize(
    ("options", "change", "finding", "said"),
    [
        ({}, lambda folder: (folder / "a_V.npz").unlink(), "one direction", "there is no a_V.npz"),
        ({"horizontal": []}, lambda folder: None, "one direction", "no horizontal threads"),
        ({}, lambda folder: (folder / "a_H.npz").write_bytes(b"PK"), "unreadable", "a_H.npz"),
        ({}, lambda folder: (folder / "a.tif").unlink(), "picture", "Put a.tif there"),
        ({}, lambda folder: (folder / "a.tif").write_bytes(b"II"), "picture", "a.tif: "),
        ({"size": (300, 200)}, lambda folder: None, "picture", "300 x 300 px, its picture has 200 x 300 px"),
    ],
)
def test_what_is_wrong_with_archives(tmp_path, options, change, finding, said):
    masks(tmp_path, **options)
    change(tmp_path)
    (checked,) = check_labels(sorted(tmp_path.iterdir()), tmp_path)
    assert [found.finding for found in checked.findings] == [finding]
    assert said in checked.findings[0].message


def test_labels_in_a_folder_of_their_own_belong_to_their_crops(tmp_path):
    path = write(tmp_path / "crops")
    (tmp_path / "labels").mkdir()
    moved = changed(path.rename(tmp_path / "labels" / "a.json"), imagePath="..\\crops\\a.tif")
    crop = tmp_path / "crops" / "a.tif"
    (checked,) = check_labels([crop, moved], tmp_path)
    assert checked.findings == ()
    assert checked.picture.resolve() == crop
    alone, without = check_labels([moved, crop], tmp_path / "labels")
    assert alone.findings[0].finding == "picture"
    assert without.findings[0].finding == "no labels"


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b"[" * 100_000, b'{"shapes": 3}', b'{"shapes": []}'])
def test_what_is_no_labelme_file_is_one_finding(tmp_path, content):
    path = write(tmp_path)
    path.write_bytes(content)
    (checked,) = check_labels([tmp_path / "a.tif", path], tmp_path)
    assert [finding.finding for finding in checked.findings] == ["unreadable"]
    assert str(path) not in checked.findings[0].message


def test_the_spacing_needs_two_lines():
    assert np.isnan(median_spacing(np.zeros((1, 5))))
    assert np.isnan(median_spacing(np.empty((0, 5))))
    assert median_spacing(np.array([[9.0, 9], [1, np.nan], [4, 5]])) == 4
