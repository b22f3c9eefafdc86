import numpy as np
import pytest

from dl4art.simulation import (
    CELL,
    READABLE,
    SPLITS,
    cell_means,
    contrast_to_noise,
    draw_crop,
    draw_samples,
    generator,
)
from dl4art.simulation.exposure import soft_step


def test_the_same_number_gives_the_same_crop_and_another_one_another():
    first, again, other = (draw_crop("test", number, 80).picture for number in (4, 4, 5))
    assert (first.grey == again.grey).all()
    assert (first.vertical_phase == again.vertical_phase).all()
    assert np.abs(first.grey - other.grey).mean() > 0.05


def test_no_two_splits_and_no_two_numbers_share_a_generator():
    firsts = [generator(split, number).integers(2**62) for split in SPLITS for number in range(20)]
    assert len(set(firsts)) == len(firsts)


def test_the_held_out_family_is_never_drawn_elsewhere():
    common = [draw_crop(split, number, 40) for split in ("train", "stop", "test") for number in range(8)]
    held_out = [draw_crop("held-out", number, 40) for number in range(5)]
    assert all(crop.radiograph.ground.scraped == 0 == crop.radiograph.film.clumps for crop in common)
    assert all(crop.cloth.ply == 0 for crop in common)
    assert all(crop.radiograph.ground.scraped > 0 and crop.radiograph.film.clumps > 0 for crop in held_out)
    assert all(crop.cloth.ply > 0 for crop in held_out)


def test_twill_is_drawn_where_it_is_asked_for():
    assert {draw_crop("twill", number, 40).cloth.weave for number in range(5)} == {"twill"}
    assert {draw_crop("train", number, 40).cloth.weave for number in range(15)} == {"plain"}
    mixed = [draw_crop("train", number, 40, other_weaves=0.5).cloth.weave for number in range(40)]
    assert {"plain", "twill", "basket"} == set(mixed)


def test_samples_hold_crops_with_their_truth_in_cells():
    samples = draw_samples("sample", range(2, 4), 80)
    crop = draw_crop("sample", 3, 80)
    assert len(samples) == 2
    assert samples.grey.shape == (2, 80, 80)
    assert samples.density.shape == (2, 2, 10, 10)
    assert (samples.grey[1] == np.rint(crop.picture.grey * 255)).all()
    expected = crop.picture.horizontal_density[CELL : 2 * CELL, :CELL].mean()
    assert samples.density[1, 1, 1, 0] == pytest.approx(expected, rel=1e-5)
    assert tuple(samples.readable[1]) == pytest.approx(contrast_to_noise(crop.picture))
    assert samples.plain.all()


def test_cell_means():
    values = np.arange(16 * 24, dtype=np.float32).reshape(16, 24)
    assert cell_means(values).shape == (2, 3)
    assert cell_means(values)[1, 2] == values[8:, 16:].mean()


def test_the_ratio_grows_with_contrast_and_falls_with_noise(picture):
    # levels not stretched, so that less contrast is less contrast
    def ratio(contrast, mottle=0.4):
        radiograph = picture.radiograph(contrast=contrast, mottle=mottle / contrast, film={"stretched": False})
        return min(contrast_to_noise(picture(radiograph=radiograph)))

    weak, medium, strong = ratio(0.05), ratio(0.3), ratio(1.0)
    assert weak < medium < strong
    assert weak < READABLE < strong
    assert ratio(0.3, mottle=1.2) < medium


def test_pictures_are_grey_values_from_zero_to_one():
    for number in range(6):
        crop = draw_crop("train", number, 80).picture
        assert crop.grey.shape == crop.background.shape == crop.vertical_phase.shape == (80, 80)
        assert crop.grey.dtype == np.float32
        assert 0 <= crop.grey.min() <= crop.grey.max() <= 1


def test_the_deepest_exposure_is_black_and_no_overflow():
    assert soft_step(np.array([-1e6, 0, 1e6], np.float32), 3.0) == pytest.approx([0, 0.5, 1])


def test_the_negative_is_the_inverse_of_the_positive(picture):
    positive, negative = (
        picture(radiograph=picture.radiograph(film={"negative": inverted})).grey for inverted in (False, True)
    )
    assert negative == pytest.approx(1 - positive, abs=1e-6)
