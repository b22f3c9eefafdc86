import numpy as np
import pytest

from dl4art.cropping import plate_from_array, usable_area

CELL = 50  # px at 200 px/cm


def area(pixels, px_per_cm=200.0):
    return usable_area(plate_from_array(pixels, px_per_cm))


def test_a_plain_canvas_is_usable_throughout_and_cells_cover_it(weave):
    usable = area(weave(460, 620))
    assert usable.shape == (10, 13)
    assert usable.all()


@pytest.mark.parametrize("grey", [2.0, 250.0])
def test_blank_film_round_the_canvas_is_left_out(weave, grey):
    pixels = weave(1000, 1000)
    rim = np.ones(pixels.shape, dtype=bool)
    rim[2 * CELL : -2 * CELL, 2 * CELL : -2 * CELL] = False
    # the film's grain has a fifth of the weave's contrast
    pixels[rim] = np.random.default_rng(1).normal(grey, 10, rim.sum())
    expected = ~rim[::CELL, ::CELL]
    np.testing.assert_array_equal(area(pixels), expected)
    np.testing.assert_array_equal(area(255 - pixels), expected)


def test_more_blank_film_than_canvas_changes_nothing(weave):
    pixels = np.random.default_rng(1).normal(3, 2, (1200, 1200))
    pixels[300:800, 300:800] = weave(500, 500)
    usable = area(pixels)
    assert usable[6:16, 6:16].all()
    assert usable.sum() == 100


def test_clipped_areas_are_left_out_but_dark_interstices_are_not(weave):
    pixels = np.clip(weave(600, 600, noise=3) * 2 - 220, 0, 255).round()
    assert 0.3 < (pixels == 0).mean() < 0.6
    pixels[200:300, 300:450] = 255
    expected = np.ones((12, 12), dtype=bool)
    expected[4:6, 6:9] = False
    np.testing.assert_array_equal(area(pixels), expected)


def test_lead_letters_are_left_out_with_their_surroundings(weave):
    pixels = weave(1000, 1000, noise=2)
    pixels[200:1000:90, 700:760] += 60  # strokes of paint stay
    for x in (220, 290, 360):  # strokes 1.5 mm wide
        pixels[110:290, x : x + 30] = 255
    for picture in (pixels, 255 - pixels):
        usable = area(picture)
        assert not usable[2:6, 4:8].any()
        assert usable[8:].all()
        assert usable[:, 10:].all()


def test_bright_brushwork_all_over_is_no_lettering(weave):
    pixels = weave(1000, 1000, noise=2) * 0.4
    for x in range(60, 1000, 240):
        pixels[:, x : x + 30] += 150
    assert area(pixels).all()


def test_faint_weave_under_paint_stays(weave):
    pixels = weave(1000, 1000, noise=1)
    pixels[300:700, 300:700] = 120 + (pixels[300:700, 300:700] - 120) * 0.2
    assert area(pixels).all()


@pytest.mark.parametrize(
    ("place", "contrast", "grey"), [(np.s_[:, 500:], 0.2, 200), (np.s_[300:700, 300:700], 0.06, 120)]
)
def test_weave_under_opaque_paint_is_neither_film_nor_flat(weave, place, contrast, grey):
    pixels = weave(1000, 1000, noise=1)
    paint = np.zeros(pixels.shape, dtype=bool)
    paint[place] = True
    pixels[paint] = grey + (pixels[paint] - 120) * contrast
    assert area(pixels).all()
    # the same paint with nothing but grain
    pixels[paint] = np.random.default_rng(2).normal(grey, 2, paint.sum())
    assert not area(pixels)[paint[::CELL, ::CELL]].any()


def test_one_grey_is_nowhere_usable():
    assert not area(np.full((400, 400), 80, np.uint8)).any()


@pytest.mark.parametrize("px_per_cm", [118.1, 236.22, 433.0])
def test_scale_does_not_matter(weave, px_per_cm):
    n = round(4 * px_per_cm)
    pixels = weave(n, n, px_per_cm)
    pixels[: round(px_per_cm)] = 1
    usable = area(pixels, px_per_cm)
    assert not usable[:4].any()
    assert usable[5:15, :15].all()


def test_bands_do_not_show(monkeypatch, weave):
    pixels = weave(600, 500, 236.22)
    pixels[:100] = 0
    whole = area(pixels, 236.22)
    monkeypatch.setattr("dl4art.cropping.usable._BAND_PX", 1)
    np.testing.assert_array_equal(area(pixels, 236.22), whole)


def test_plates_smaller_than_a_cell_have_one(weave):
    assert area(weave(20, 30)).shape == (1, 1)
