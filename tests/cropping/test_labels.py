from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dl4art.cropping.labels import ThreadLabels, density, read_labelme, read_masks, write_labelme, write_masks
from dl4art.utils.errors import InputError, OutputError

SHAPE = (300, 300)


def make_labels(seed=0, vertical=12.0, horizontal=16.0, bend=2.0):
    """Threads at uneven spacing, gently bent, from border to border."""
    rng = np.random.default_rng(seed)
    systems = []
    for value in (vertical, horizontal):
        spacing = 200 / value
        # none so near the border that it would leave the picture and come back
        offsets = np.arange(0.5 * spacing, 300 - 0.3 * spacing, spacing)
        offsets += rng.uniform(-0.08, 0.08, len(offsets)) * spacing
        along = np.linspace(0, 300, 13)
        phase = rng.uniform(0, 6)
        systems.append(tuple(np.stack([x + bend * np.sin(along / 60 + phase), along], axis=1) for x in offsets))
    return ThreadLabels(systems[0], tuple(line[:, ::-1] for line in systems[1]), SHAPE)


def assert_same(first, second, tolerance):
    assert first.shape == second.shape
    for ours, theirs in ((first.vertical, second.vertical), (first.horizontal, second.horizontal)):
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a, b, atol=tolerance)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.floats(6, 22), st.floats(6, 22), st.floats(1, 12))
def test_labelme_gives_back_the_centre_lines(tmp_path_factory, seed, vertical, horizontal, width):
    labels = make_labels(seed, vertical, horizontal)
    path = tmp_path_factory.mktemp("labels") / "crop.json"
    write_labelme(labels, path, "crop.tif", thread_width=width)
    assert_same(read_labelme(path), labels, 1e-9)


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10**6), st.floats(7, 18), st.floats(7, 18))
def test_masks_give_back_the_densities(tmp_path_factory, seed, vertical, horizontal):
    labels = make_labels(seed, vertical, horizontal)
    path = tmp_path_factory.mktemp("masks") / "crop.tif"
    write_masks(labels, path, thread_width=0.6 * 200 / max(vertical, horizontal))
    found = read_masks(path)
    assert (len(found.vertical), len(found.horizontal)) == (len(labels.vertical), len(labels.horizontal))
    np.testing.assert_allclose(density(found), density(labels), rtol=0.01)


def test_transposing_swaps():
    labels = make_labels(3)
    assert density(labels.transposed()) == pytest.approx(density(labels)[::-1], rel=1e-12)
    assert_same(labels.transposed().transposed(), labels, 0)


def test_a_window_is_counted_alone():
    lines = [np.array([[x, 0.0], [x, 100.0]]) for x in (*range(5, 55, 10), *range(55, 100, 5))]
    labels = ThreadLabels(tuple(lines), tuple(line[:, ::-1] for line in lines), (100, 100))
    assert density(labels, np.s_[0:45, 60:90], px_per_cm=100) == pytest.approx((20, 10))


def test_the_file_is_what_labelme_reads(tmp_path):
    write_labelme(make_labels(), tmp_path / "a.json", "a.tif")
    content = json.loads((tmp_path / "a.json").read_text())
    assert set(content) == {"version", "flags", "shapes", "imagePath", "imageData", "imageHeight", "imageWidth"}
    assert (content["imageData"], content["imagePath"], content["imageHeight"]) == (None, "a.tif", 300)
    assert set(content["shapes"][0]) == {"label", "points", "group_id", "shape_type", "flags"}
    assert {shape["label"] for shape in content["shapes"]} == {"vertical", "horizontal"}


def labelme(tmp_path, **changes):
    shape = {"label": "V", "points": [[1, 0], [3, 0], [3, 20], [1, 20]], "shape_type": "polygon"}
    content = {"imageHeight": 20, "imageWidth": 30, "shapes": [shape | changes.pop("shape", {})]}
    path = tmp_path / "labels.json"
    path.write_text(json.dumps({k: v for k, v in (content | changes).items() if v != "absent"}))
    return path


def test_short_names_and_line_strips_are_read(tmp_path):
    found = read_labelme(
        labelme(tmp_path, shape={"label": " H ", "points": [[0, 5], [30, 7]], "shape_type": "linestrip"})
    )
    np.testing.assert_array_equal(found.horizontal[0], [[0, 5], [30, 7]])
    np.testing.assert_array_equal(read_labelme(labelme(tmp_path)).vertical[0], [[2, 0], [2, 20]])


def test_a_pointed_end_does_not_bend_the_centre_line(tmp_path):
    points = [[0, 0], [6, 2], [6, 18], [3, 20], [0, 18]]
    line = read_labelme(labelme(tmp_path, shape={"points": points})).vertical[0]
    np.testing.assert_allclose(line[:, 0], 3)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"imageHeight": "absent"}, "imageHeight"),
        ({"imageWidth": -3}, "imageWidth"),
        ({"shapes": {}}, "shapes"),
        ({"shapes": [3]}, "shape 1"),
        ({"shape": {"label": "vertcal"}}, "vertcal"),
        ({"shape": {"points": [[1, 2], [3]]}}, "points"),
        ({"shape": {"points": [[1, 2]]}}, "points"),
        ({"shape": {"shape_type": "circle"}}, "circle"),
        ({"shape": {"points": [[1, 5], [8, 5], [4, 5]]}}, "without length"),
    ],
)
def test_labels_that_cannot_be_used_are_refused(tmp_path, changes, message):
    path = labelme(tmp_path, **changes)
    with pytest.raises(InputError, match=message) as caught:
        read_labelme(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe\x00"])
def test_what_is_no_labelme_file_is_refused(tmp_path, content):
    path = tmp_path / "x.json"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"x\.json"):
        read_labelme(path)
    with pytest.raises(InputError, match=r"none\.json"):
        read_labelme(tmp_path / "none.json")


def test_touching_threads_are_parted(tmp_path):
    labels = make_labels(5, 10, 10, bend=0)
    vertical, _ = write_masks(labels, tmp_path / "crop", thread_width=12)
    mask = np.load(vertical)["arr_0"]
    # a bridge over a quarter of the height between two neighbours
    left, right = (int(labels.vertical[k][0, 0]) for k in (6, 7))
    mask[100:175, left:right] = True
    np.savez(vertical, mask)
    found = read_masks(vertical)
    assert len(found.vertical) == len(labels.vertical)
    assert density(found)[0] == pytest.approx(density(labels)[0], rel=0.01)


def test_a_thread_cut_by_the_border_keeps_its_place(tmp_path):
    lines = tuple(np.array([[x, 0.0], [x, 100.0]]) for x in range(1, 120, 12))
    labels = ThreadLabels(lines, tuple(line[:, ::-1] for line in lines), (100, 100))
    write_masks(labels, tmp_path / "crop.tif", thread_width=6)
    assert read_masks(tmp_path / "crop.tif").vertical[0][:, 0] == pytest.approx(1.0, abs=0.6)
    assert density(read_masks(tmp_path / "crop.tif")) == pytest.approx((200 / 12, 200 / 12), rel=0.01)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"mask": np.ones((3, 3), bool)}, "arr_0"),
        ({"arr_0": np.ones(9, bool)}, "shape"),
        ({"arr_0": np.array([["a"]])}, "not a mask"),
        ({"arr_0": np.array([[None]], dtype=object)}, "plain arrays"),
        ({"arr_0": np.ones((4, 3), bool)}, "must be alike"),
    ],
)
def test_masks_that_cannot_be_used_are_refused(tmp_path, arrays, message):
    np.savez(tmp_path / "a_H.npz", np.ones((3, 3), bool))
    np.savez(tmp_path / "a_V.npz", **arrays)
    with pytest.raises(InputError, match=message):
        read_masks(tmp_path / "a.tif")


def test_missing_and_broken_masks_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"a_V\.npz: no such file"):
        read_masks(tmp_path / "a.tif")
    (tmp_path / "a_V.npz").write_bytes(b"not a zip file")
    with pytest.raises(InputError, match=r"a_V\.npz"):
        read_masks(tmp_path / "a.tif")


def test_an_empty_mask_has_no_density(tmp_path):
    for which in "VH":
        np.savez(tmp_path / f"a_{which}.npz", np.zeros((30, 30), bool))
    with pytest.raises(InputError, match="two threads"):
        density(read_masks(tmp_path / "a"))


def test_an_unwritable_place_is_an_output_error(tmp_path):
    with pytest.raises(OutputError):
        write_labelme(make_labels(), tmp_path / "none" / "a.json", "a.tif")
    with pytest.raises(OutputError):
        write_masks(make_labels(), tmp_path / "none" / "a.tif")
