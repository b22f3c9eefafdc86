import numpy as np
import pytest

from dl4art.siamese import samples
from dl4art.siamese.frame import thread_frame
from dl4art.simulation.families import FAMILY_SPLITS, FamilyPlan, draw_family
from dl4art.simulation.statistics import STATISTICS, thread_statistics

PLAN = FamilyPlan(cloths=2, plates=2, crops=1, size_px=120)


@pytest.fixture(scope="module")
def drawn():
    return samples.draw_family_samples("train", range(2), PLAN)


def test_every_crop_is_kept_with_its_cloth_and_its_plate(drawn):
    assert drawn.grey.shape == (8, 120, 120)
    assert drawn.grey.dtype == np.uint8
    assert drawn.statistics.shape == (8, 2, len(STATISTICS))
    assert drawn.family.tolist() == [0] * 4 + [1] * 4
    assert drawn.cloth.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert drawn.plate.tolist() == list(range(8))


def test_what_is_known_stands_beside_the_crop_as_it_lies(drawn):
    assert drawn.turned.any()
    assert not drawn.turned.all()
    for number, crop in enumerate(draw_family("train", 1, PLAN), 4):
        np.testing.assert_array_equal(drawn.grey[number], np.rint(crop.grey * 255))
        np.testing.assert_array_equal(drawn.statistics[number], thread_statistics(crop))
        cloth = crop.scene.sheet.cloth
        upright = (cloth.vertical.density, cloth.horizontal.density)
        assert tuple(drawn.density[number]) == pytest.approx(upright[::-1] if crop.turned else upright)


def test_cloths_of_a_family_are_matched_either_way(drawn):
    # the crop's own density is near its cloth's, in the same direction
    log_density = drawn.statistics[..., STATISTICS.index("log_density")]
    np.testing.assert_allclose(np.exp(log_density), drawn.density, rtol=0.12)


def test_taking_some_keeps_all_that_is_known_of_them(drawn):
    some = drawn.take(drawn.cloth == 3)
    assert len(some) == 2
    np.testing.assert_array_equal(some.grey, drawn.grey[6:])
    assert some.plate.tolist() == [6, 7]


def test_shards_are_drawn_once_and_read_again(tmp_path, monkeypatch, drawn):
    told: list[int] = []
    first = samples.simulate_families(tmp_path, "train", 2, PLAN, workers=1, shard=1, done=told.append)
    assert told == [1, 2]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "families-train-120-0000.npz",
        "families-train-120-0001.npz",
    ]
    monkeypatch.setattr(samples, "draw_family_samples", lambda *_: pytest.fail("drawn again"))
    again = samples.simulate_families(tmp_path, "train", 2, PLAN, workers=1, shard=1)
    for name in drawn.__dataclass_fields__:
        np.testing.assert_array_equal(getattr(first, name), getattr(drawn, name))
        np.testing.assert_array_equal(getattr(again, name), getattr(drawn, name))


def test_crops_are_framed_shard_by_shard_by_nearly_their_true_densities(tmp_path):
    plan = FamilyPlan(cloths=1, plates=2, crops=1, size_px=160)
    drawn = samples.simulate_families(tmp_path, "train", 2, plan, workers=1, shard=1)
    frames = samples.frame_families(tmp_path, "train", 2, plan, workers=1, shard=1)
    assert len(frames) == len(drawn) == 4
    true = np.exp(drawn.statistics[..., STATISTICS.index("log_density")])
    np.testing.assert_allclose(frames.density, true, rtol=0.04)
    assert np.abs(frames.density / true - 1).min() > 0
    for framed, grey, density in zip(frames.each(), drawn.grey, frames.density, strict=True):
        np.testing.assert_allclose(framed, thread_frame(grey, density), atol=5e-3)
    assert (tmp_path / "frames-train-160-0001.npz").exists()
    again = samples.frame_families(tmp_path, "train", 2, plan, workers=1, shard=1)
    np.testing.assert_array_equal(again.pixels, frames.pixels)


def test_there_is_a_plan_for_every_split():
    assert set(samples.PLANS) == set(FAMILY_SPLITS)
    # canvases are judged on crops of 1.5 cm of plain weave
    assert all(samples.PLANS[split].size_px == 300 for split in ("stop", "calibrate", "test", "held-out"))
    assert all(samples.PLANS[split].other_weaves == 0 for split in ("calibrate", "test"))
