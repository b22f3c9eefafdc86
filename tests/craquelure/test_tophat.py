import numpy as np
import pytest

from dl4art.craquelure.metrics import line_scores
from dl4art.craquelure.tophat import TopHat, enhance, side_from_mm, tophat_cracks, tune_tophat
from dl4art.simulation.crack_kinds import draw_kind
from dl4art.simulation.cracks import crack_profile, grow_cracks
from dl4art.utils.errors import InputError


@pytest.fixture
def cracked(rng):
    """Dark cracks on a light ground that gets darker to the right; picture and truth."""
    profile = crack_profile(grow_cracks(rng, draw_kind(rng, "dutch"), (120, 160)), (120, 160))
    ground = np.linspace(0.9, 0.5, 160, dtype=np.float32)
    grey = ground * (1 - 0.6 * profile.coverage) + rng.normal(0, 0.01, (120, 160))
    return np.rint(np.clip(grey, 0, 1) * 255).astype(np.uint8), profile.label


def test_a_dark_line_is_enhanced_to_its_depth_and_a_wide_band_is_not():
    picture = np.full((40, 40), 200, np.uint8)
    picture[10:13] = 149
    picture[25:38] = 50
    depth = enhance(picture, TopHat(side_px=7))
    assert depth[11] == pytest.approx(np.full(40, 0.2), abs=1e-6)
    assert depth[[5, 18, 30]].max() == 0


def test_light_lines_are_the_dark_ones_of_the_negative(cracked):
    picture, _ = cracked
    light = tophat_cracks(255 - picture, TopHat(light=True))
    assert np.array_equal(light, tophat_cracks(picture, TopHat()))
    assert light.any()


def test_colours_are_taken_as_brightness(cracked):
    picture, _ = cracked
    colours = np.repeat(picture[..., None], 3, axis=2)
    assert enhance(colours, TopHat()) == pytest.approx(enhance(picture, TopHat()), abs=1e-6)


def test_specks_are_left_out():
    picture = np.full((40, 40), 200, np.uint8)
    picture[5:8, 5:8] = 0
    picture[20] = 0
    found = tophat_cracks(picture, TopHat(smallest_px=10))
    assert found[20].all()
    assert not found[:10].any()


def test_cracks_are_found_and_tuning_beats_a_bad_setting(cracked):
    picture, truth = cracked
    settings, f1 = tune_tophat([picture], [truth], sides_px=(3, 9), thresholds=(0.08, 0.15, 0.5))
    assert settings.side_px == 9
    assert f1 > 0.9
    assert f1 == pytest.approx(line_scores(truth, tophat_cracks(picture, settings)).f1)
    assert f1 > line_scores(truth, tophat_cracks(picture, TopHat(3, 0.5))).f1 + 0.1


def test_millimetres_become_an_odd_number_of_pixels():
    assert side_from_mm(0.9, 100) == 9
    assert side_from_mm(1.0, 100) in (9, 11)
    assert side_from_mm(0.01, 100) == 3


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: TopHat(side_px=8), "side_px is 8"),
        (lambda: TopHat(threshold=1.5), "threshold is 1.5"),
        (lambda: side_from_mm(1.0, 0.0), "px_per_cm is 0"),
        (lambda: side_from_mm(float("nan"), 10.0), "side_mm is nan"),
        (lambda: tune_tophat([np.zeros((9, 9), np.uint8)], [np.zeros((9, 9), bool)]), "no picture shows a crack"),
    ],
)
def test_wrong_settings_are_refused(call, words):
    with pytest.raises(InputError, match=words):
        call()
