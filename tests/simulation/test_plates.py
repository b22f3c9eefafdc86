import json
from dataclasses import replace

import numpy as np
import pytest
import tifffile

from dl4art.cropping import read_plate
from dl4art.simulation import Furniture, draw_furniture, draw_plate, plates, render, render_tiles, stage, write_plate
from dl4art.simulation.furniture import Bar, Insert, Join, Lettering, Seam
from dl4art.simulation.plates import check_plate, tile_count
from dl4art.utils.errors import InputError, OutputError

BARE = Furniture((0.0,) * 4, -3.0, 0.0, 4.0, (), (), (), (), (), None)


def furnished(picture, size_cm=(2.0, 2.0), **changes):
    return stage(picture.cloth(), picture.radiograph(), size_cm, 3, replace(BARE, **changes))


@pytest.fixture
def small_tiles(monkeypatch):
    monkeypatch.setattr(plates, "TILE", 64)


@pytest.mark.parametrize(
    "film",
    [
        {"grain": 0.03, "grain_size": 1.5},
        {"grain": 0.03, "clumps": 0.8, "enlarged": 4.0, "blur": 3.5},
        {"equalised": True},
        {"jpeg": 60, "negative": True},
    ],
)
def test_tiles_are_the_plate(picture, small_tiles, film):
    radiograph = picture.radiograph(tilt=5, mottle=0.4, strokes=20, cracks=10, film=film)
    scene = stage(picture.cloth(wobble=0.1), radiograph, (0.9, 0.7), 5)
    whole = render(scene, 200.0, (0, 0, 140, 180))
    grey, phase = np.zeros((140, 180)), np.zeros((140, 180))
    for (row, col, rows, cols), tile in render_tiles(scene, 200.0):
        grey[row : row + rows, col : col + cols] = tile.grey
        phase[row : row + rows, col : col + cols] = tile.horizontal_phase
    assert phase == pytest.approx(whole.horizontal_phase, abs=1e-4)
    # JPEG may round another way where a value lies half-way
    away = np.abs(grey - whole.grey)
    assert np.quantile(away, 0.99) < 1e-4
    assert away.max() < (0.05 if film.get("jpeg") else 1e-4)


def test_a_whole_picture_and_a_plate_differ_in_grain_alone(picture):
    scene = stage(picture.cloth(), picture.radiograph(), (0.5, 0.5), 5)
    away = np.abs(render(scene).grey - render(scene, 200.0, (0, 0, 100, 100)).grey)
    assert 0 < away.max() < 0.1


def test_plates_of_one_seed_repeat_and_may_share_their_cloth():
    first, again, second = (draw_plate(7, number, (1, 1), same_cloth=True) for number in (0, 0, 1))
    assert first.seed == again.seed != second.seed
    assert first.radiograph == again.radiograph != second.radiograph
    assert first.sheet.cloth.vertical == second.sheet.cloth.vertical
    assert draw_plate(7, 0, (1, 1)).sheet.cloth.vertical != draw_plate(7, 1, (1, 1)).sheet.cloth.vertical


@pytest.mark.parametrize("bits", [8, 16])
def test_a_written_plate_is_read_back_with_its_scale_and_truth(picture, tmp_path, bits, small_tiles):
    scene = furnished(picture, (1.5, 1.0), seams=(Seam(True, 0.8, 0.1, 0.5, 0.2),))
    seen = []
    path = tmp_path / "a.tif"
    truth = write_plate(path, scene, 600 / 2.54, bits=bits, about={"seed": 3}, advance=seen.append)
    plate = read_plate(path)
    assert plate.px_per_cm == pytest.approx(236.22, abs=0.01)
    assert plate.size_cm == pytest.approx((1.5, 1.0), abs=0.01)
    assert plate.dtype == f"uint{bits}"
    assert plate.read().max() > (200 if bits == 8 else 50_000)
    assert sum(seen) == tile_count((1.5, 1.0), 600 / 2.54) == 24
    with np.load(tmp_path / "a.truth.npz", allow_pickle=False) as archive:
        assert archive["vertical_density"].shape == (4, 6)
        assert (archive["vertical_density"] == truth.vertical_density).all()
        starts = archive["horizontal_starts"]
        assert len(starts) >= 9
        assert len(archive["horizontal_lines"]) > starts[-1]
    record = json.loads((tmp_path / "a.truth.json").read_text())
    assert record["seed"] == 3
    assert record["cloth"]["vertical"]["density"] == 12
    assert record["mean"]["vertical_density"] == pytest.approx(12, rel=0.02)
    assert record["furniture"]["seams"][0]["at"] == 0.8
    assert not [file for file in tmp_path.iterdir() if file.name.startswith(".")]


def test_the_same_scene_gives_the_same_bytes(picture, tmp_path):
    for name in ("a", "b"):
        write_plate(tmp_path / f"{name}.tif", furnished(picture, (0.6, 0.6)), 200.0)
    for ending in (".tif", ".truth.npz", ".truth.json"):
        assert (tmp_path / f"a{ending}").read_bytes() == (tmp_path / f"b{ending}").read_bytes()


def test_an_interrupted_plate_leaves_nothing(picture, tmp_path):
    def stop(_tiles):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_plate(tmp_path / "a.tif", furnished(picture, (0.6, 0.6)), 200.0, advance=stop)
    assert not list(tmp_path.iterdir())
    with pytest.raises(OutputError):
        write_plate(tmp_path / "none" / "a.tif", furnished(picture, (0.6, 0.6)), 200.0)


@pytest.mark.parametrize(("size", "scale"), [((0.1, 5), 200), ((5, 5000), 200), ((5, 5), 20), ((5, 5), 5000)])
def test_impossible_plates_are_refused(size, scale):
    with pytest.raises(InputError, match="drawn"):
        check_plate(size, scale)
    check_plate((5, 5), 200)


def test_blank_film_is_dark_and_has_no_truth(picture):
    shown = render(furnished(picture, border=(0.5, 0.0, 0.0, 0.0)), 100.0, (0, 0, 200, 200))
    assert shown.grey[:, :45].mean() < 0.1 < shown.grey[:, 60:].mean()
    assert np.isnan(shown.vertical_density[:, :50]).all()
    assert np.isfinite(shown.vertical_density[:, 50:]).all()


def test_truth_follows_an_insert_of_other_cloth(picture):
    scene = furnished(picture, inserts=(Insert(1.0, 1.0, 0.8, 0.8, 0.0, 0.3),))
    shown = render(scene, 200.0, (0, 0, 400, 400))
    other = scene.pieces[0].cloth
    inside, outside = shown.vertical_density[140:260, 140:260], shown.vertical_density[:, :100]
    assert outside.mean() == pytest.approx(12, rel=0.01)
    assert inside.mean() == pytest.approx(other.vertical.density, rel=0.15)
    assert abs(inside.mean() - 12) > 1
    assert np.nanmax(shown.vertical_density) < 3 * max(12, other.vertical.density)


def test_beyond_a_seam_lies_another_piece_of_the_same_cloth(picture):
    shown = render(furnished(picture, seams=(Seam(True, 1.0, 0.1, 0.5, 0.3),)), 100.0, (0, 0, 200, 200))
    assert set(np.unique(shown.piece)) == {0, 1}
    assert shown.vertical_density[:, :90].mean() == pytest.approx(12, rel=0.01)
    assert shown.vertical_density[:, 110:].mean() == pytest.approx(12, rel=0.01)
    step = shown.vertical_phase[:, 100] - shown.vertical_phase[:, 99]
    assert np.abs(step - 0.12).min() > 0.02


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"bars": (Bar(True, 1.0, 3.0, 0.8, 0.05),)}, np.s_[:, 120:]),
        ({"joins": (Join(False, 1.0, 0.8, 0.1, 0.5),)}, np.s_[120:]),
        ({"tacks": ((1.5, 1.5, 0.3),)}, np.s_[140:160, 140:160]),
        ({"lettering": Lettering("HHH", 0.8, 0.8, 0.8)}, np.s_[90:140, 90:140]),
    ],
)
def test_furniture_brightens_its_place(picture, changes, where):
    # the film's levels are those of the whole plate, so compare within one picture
    shown = render(furnished(picture, **changes), 100.0, (0, 0, 200, 200)).grey
    assert shown[where].mean() > shown[:80, :80].mean() + 0.1


def test_drawn_furniture_varies_and_lies_on_the_plate():
    drawn = [draw_furniture(np.random.default_rng(seed), (30.0, 20.0)) for seed in range(60)]
    for parts in ("tacks", "bars", "seams", "inserts", "joins"):
        assert 0 < sum(bool(getattr(one, parts)) for one in drawn) < 60
    assert any(one.lettering for one in drawn)
    assert any(any(one.border) for one in drawn)
    assert all(0 < insert.x < 30 and 0 < insert.y < 20 for one in drawn for insert in one.inserts)
    assert not any(draw_furniture(np.random.default_rng(seed), (5.0, 5.0)).cusping for seed in range(30))


def test_the_smallest_plates_show_canvas_too():
    for seed in range(40):
        left, top, right, bottom = draw_furniture(np.random.default_rng(seed), (0.5, 0.5)).border
        assert left + right < 0.3 > top + bottom


def test_a_crop_bears_no_furniture():
    assert draw_plate(1, 0, (1.0, 1.0), furnished=False).furniture is None


def test_the_file_is_tiled_so_that_it_can_be_read_in_parts(picture, tmp_path):
    write_plate(tmp_path / "a.tif", furnished(picture, (0.6, 0.6)), 200.0)
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        assert tif.pages[0].is_tiled
