from dataclasses import replace

import numpy as np
import pytest

from dl4art.simulation import READABLE, Cloth, contrast_to_noise, render, stage
from dl4art.simulation.cloth import weave_pattern
from dl4art.simulation.families import (
    FAMILY_SPLITS,
    WITHIN,
    FamilyCrop,
    FamilyPlan,
    draw_family,
    draw_matched_cloths,
    draw_readable_plate,
    draw_shared_family,
)

SMALL = FamilyPlan(cloths=2, plates=2, crops=2, size_px=80)


def drawn(split="train", number=0, plan=SMALL):
    return list(draw_family(split, number, plan))


def test_cloths_of_a_family_have_nearly_one_density_and_nothing_else_in_common(rng):
    for _ in range(20):
        cloths = draw_matched_cloths(rng, 5)
        for side in ("vertical", "horizontal"):
            densities = [getattr(cloth, side).density for cloth in cloths]
            assert 0 < np.ptp(densities) < WITHIN
            assert np.ptp([getattr(cloth, side).crimp for cloth in cloths]) > 0.01


def test_the_same_number_gives_the_same_crops_and_no_split_shares_any():
    first, again = drawn(), drawn()
    assert len(first) == len(again) > 0
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.grey, other.grey)
    densities = {crop.scene.sheet.cloth.vertical.density for split in FAMILY_SPLITS for crop in drawn(split)}
    cloths = {(split, crop.cloth) for split in FAMILY_SPLITS for crop in drawn(split)}
    assert len(densities) == len(cloths)


def test_one_plate_more_changes_no_other():
    few = drawn(plan=SMALL)
    more = [crop for crop in drawn(plan=FamilyPlan(cloths=2, plates=3, crops=2, size_px=80)) if crop.plate < 2]
    for one, other in zip(few, more, strict=True):
        np.testing.assert_array_equal(one.grey, other.grey)


def test_crops_can_be_read_and_those_of_a_plate_do_not_overlap():
    for number in range(3):
        corners: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for crop in drawn(number=number):
            assert min(crop.readable) >= READABLE
            assert min(contrast_to_noise(crop.picture)) >= READABLE
            corners.setdefault((crop.cloth, crop.plate), []).append(crop.corner)
        for places in corners.values():
            assert len(places) == SMALL.crops
            assert max(abs(a - b) for a, b in zip(*places, strict=True)) >= SMALL.size_px


def test_plates_differ_in_all_but_the_cloth():
    first, second = {crop.plate: crop.scene for crop in drawn() if crop.cloth == 0}.values()
    assert first.sheet.cloth is second.sheet.cloth
    assert first.radiograph.ground != second.radiograph.ground
    assert first.radiograph.film != second.radiograph.film


def test_a_turned_crop_is_the_picture_turned(picture):
    made = picture(side=0.4)
    scene = stage(picture.cloth(), picture.radiograph(), (0.4, 0.4), 1)
    for turned in (False, True):
        crop = FamilyCrop(0, 0, turned, scene, (0, 0), made, (9.0, 9.0))
        np.testing.assert_array_equal(crop.grey, np.rot90(made.grey) if turned else made.grey)


def test_other_weaves_and_the_held_out_look_are_drawn_where_they_are_asked_for():
    plan = FamilyPlan(cloths=1, plates=1, crops=1, size_px=80, other_weaves=1.0)
    weaves = {crop.scene.sheet.cloth.weave for number in range(8) for crop in drawn(number=number, plan=plan)}
    assert weaves == {"twill", "basket"}
    held_out = drawn("held-out")
    assert all(crop.scene.radiograph.ground.scraped and crop.scene.sheet.cloth.ply for crop in held_out)
    assert not any(crop.scene.radiograph.ground.scraped or crop.scene.sheet.cloth.ply for crop in drawn("test"))


def test_a_cloth_that_nothing_can_show_gives_no_crops(picture, rng):
    even = picture.cloth()
    # no gaps and no waves: threads so wide that they make one even sheet
    felt = Cloth("plain", weave_pattern("plain"), *[replace(even.vertical, width=60.0, crimp=0.0)] * 2)
    _, places = draw_readable_plate(rng, felt, 1, 80)
    assert places == []


@pytest.mark.parametrize("crops", [1, 5])
def test_a_plate_gives_as_many_crops_as_asked_for(crops, picture, rng):
    scene, places = draw_readable_plate(rng, picture.cloth(), crops, 100)
    assert len({corner for corner, _, _ in places}) == crops
    corner, shown, _ = places[0]
    again = render(scene, 200.0, (*corner, 100, 100))
    np.testing.assert_array_equal(shown.grey, again.grey)


def test_cloths_of_a_shared_family_lie_under_the_same_radiographs():
    crops = list(draw_shared_family("test", 0, SMALL))
    assert len(crops) == SMALL.cloths * SMALL.plates * SMALL.crops
    looks = {(crop.cloth, crop.plate): crop.scene.radiograph for crop in crops}
    for plate in range(SMALL.plates):
        assert looks[0, plate] is looks[1, plate]
        # the same paint, and yet not the same picture of it
        assert len({crop.scene.seed for crop in crops if crop.plate == plate}) == SMALL.cloths
    assert looks[0, 0] != looks[0, 1]
    assert min(min(crop.readable) for crop in crops) >= READABLE
