import json

import numpy as np
import pytest

from dl4art.craquelure import labels
from dl4art.craquelure.labels import read_damage, write_damage
from dl4art.craquelure.measures import LEFT_OUT
from dl4art.craquelure.metrics import line_scores
from dl4art.craquelure.skeleton import skeletonise
from dl4art.craquelure.strips import simplified, trace
from dl4art.simulation.paintings import draw_painting
from dl4art.utils.errors import InputError


def drawn(tmp_path, *shapes, size=(40, 50)):
    path = tmp_path / "photo.json"
    content = {"imageHeight": size[0], "imageWidth": size[1], "imagePath": "photo.jpg"}
    content["shapes"] = [{"label": name, "shape_type": kind, "points": points} for name, kind, points in shapes]
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


SQUARE = [(10, 10), (20, 10), (20, 30), (10, 30)]


def test_shapes_become_classes_and_later_ones_lie_above(tmp_path):
    path = drawn(
        tmp_path,
        ("craquelure", "linestrip", [(0.5, 5.5), (49.5, 5.5)]),
        ("Loss", "polygon", SQUARE),
        ("background", "rectangle", [(12, 12), (14, 14)]),
        ("crack", "polygon", [(30, 20), (34, 20), (34, 39), (30, 39)]),
    )
    mask = read_damage(path)
    assert mask.dtype == np.uint8
    assert (mask[4:7] == 1).all()
    assert (mask == 2).sum() == 10 * 20 - 2 * 2
    assert (mask[20:39, 30:34] == 1).all()
    assert (mask == 1).sum() == 3 * 50 + 4 * 19


def test_simulated_damage_comes_back(tmp_path):
    mask = draw_painting("sample", 10, (160, 200)).mask
    assert set(np.unique(mask)) == {0, 1, 2}
    write_damage(mask, tmp_path / "photo.json", "photo.jpg")
    again = read_damage(tmp_path / "photo.json", shape=mask.shape)
    lost, found = mask == 2, again == 2
    assert (lost & found).sum() / (lost | found).sum() > 0.95
    assert line_scores(mask == 1, again == 1, tolerance_px=2).f1 > 0.97
    content = json.loads((tmp_path / "photo.json").read_text("utf-8"))
    assert (content["imagePath"], content["imageData"]) == ("photo.jpg", None)


def test_a_loss_with_holes_and_at_the_border_keeps_them(tmp_path):
    mask = np.zeros((40, 50), int)
    mask[:30, :35] = 2
    mask[5:10, 5:12] = mask[15:25, 20:30] = 0
    write_damage(mask, tmp_path / "a.json", "a.png")
    assert (read_damage(tmp_path / "a.json") != mask).sum() <= 12


def test_a_large_mask_is_drawn_in_parts_that_come_to_the_same(tmp_path, monkeypatch):
    mask = draw_painting("sample", 10, (160, 200)).mask
    mask[:, 150:] = LEFT_OUT
    write_damage(mask, tmp_path / "whole.json", "photo.jpg")
    monkeypatch.setattr(labels, "_TILE_PX", 64)
    write_damage(mask, tmp_path / "parts.json", "photo.jpg")
    whole, parts = (read_damage(tmp_path / name, shape=mask.shape) for name in ("whole.json", "parts.json"))
    assert (whole != parts).mean() < 0.01
    assert not parts[:, 153:].any()


def test_lines_are_followed_from_fork_to_fork():
    lines = np.zeros((30, 30), bool)
    lines[15] = True
    lines[:15, 10] = True
    strips = trace(skeletonise(lines))
    assert sorted(len(strip) for strip in strips) == [11, 16, 20]
    ends = {tuple(end) for strip in strips for end in (strip[0], strip[-1])}
    assert ends == {(0, 10), (15, 0), (15, 29), (15, 10)}


def test_a_ring_is_one_strip_and_nothing_is_lost():
    y, x = np.mgrid[:40, :40] - 19.5
    ring = skeletonise(np.abs(np.hypot(x, y) - 12) < 1.5)
    (strip,) = trace(ring)
    assert np.array_equal(strip[0], strip[-1])
    assert {tuple(point) for point in strip} == set(map(tuple, np.argwhere(ring).tolist()))


def test_simplified_lines_stay_within_the_tolerance():
    along = np.linspace(0, 6, 200)
    line = np.stack([10 * along, 5 * np.sin(along)], axis=1)
    few = simplified(line, 0.5)
    assert len(few) < 20
    assert np.abs(np.interp(line[:, 0], few[:, 0], few[:, 1]) - line[:, 1]).max() < 0.6
    assert len(simplified(line[:, :1] * [1, 2], 0.1)) == 2


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        (("scratch", "polygon", SQUARE), "shape 1: field 'label' is 'scratch'; name each shape 'background'"),
        (("loss", "linestrip", SQUARE), "'linestrip'; draw craquelure as line strips or polygons"),
        (("loss", "circle", SQUARE), "'circle'"),
        (("craquelure", "polygon", SQUARE[:2]), "holds 2 points"),
    ],
)
def test_other_shapes_are_refused(tmp_path, shape, words):
    with pytest.raises(InputError, match=words):
        read_damage(drawn(tmp_path, shape))


def test_labels_of_another_picture_are_refused(tmp_path):
    with pytest.raises(InputError, match="50 x 40 px, but its picture has 60 x 40"):
        read_damage(drawn(tmp_path), shape=(40, 60))


def test_a_mask_with_other_numbers_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds 255"):
        write_damage(np.full((4, 4), 255), tmp_path / "a.json", "a.png")
    assert not (tmp_path / "a.json").exists()
