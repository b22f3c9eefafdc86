import json
import math

import numpy as np
import pytest
from PIL import Image, ImageDraw

from dl4art.craquelure import measures
from dl4art.craquelure.measures import LEFT_OUT, ROSE_BINS, measure_damage
from dl4art.utils.errors import InputError


def line(angle, width=3, length=160, side=240):
    """A crack through the middle, at an angle in degrees counter-clockwise from level."""
    picture = Image.new("L", (side, side))
    way = length / 2 * np.array([math.cos(math.radians(angle)), -math.sin(math.radians(angle))])
    ends = [tuple((side / 2 + sign * way).tolist()) for sign in (-1, 1)]
    ImageDraw.Draw(picture).line(ends, fill=1, width=width)
    return np.array(picture)


@pytest.mark.parametrize("angle", [0, 20, 45, 70, 90, 135, 160])
def test_the_length_of_a_line_does_not_depend_on_its_direction(angle):
    assert measure_damage(line(angle)).crack_length_px == pytest.approx(160, rel=0.08)


def test_the_length_of_a_circle():
    y, x = np.mgrid[:200, :200] - 100
    found = measure_damage((np.abs(np.hypot(x, y) - 70) < 2).astype(int))
    assert found.crack_length_px == pytest.approx(2 * math.pi * 70, rel=0.04)
    assert found.mean_width_px == pytest.approx(4, rel=0.1)
    assert found.islands.count == 1
    assert found.islands.median == pytest.approx(math.pi * 68**2, rel=0.02)
    assert np.ptp(found.rose) < 0.06


@pytest.mark.parametrize("width", [1, 3, 5, 9])
def test_widths(width):
    mask = np.zeros((60, 200), int)
    mask[20 : 20 + width] = 1
    found = measure_damage(mask)
    assert found.mean_width_px == pytest.approx(width, rel=0.12)
    assert found.wide_px == pytest.approx(width, abs=0.01)


@pytest.mark.parametrize("width", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("upright", [False, True])
def test_the_median_width_is_right_for_even_widths_too(width, upright):
    mask = np.zeros((60, 200), int)
    mask[20 : 20 + width] = 1
    found = measure_damage(mask.T if upright else mask, 20.0)
    assert found.median_width_px == pytest.approx(width, abs=0.05)
    assert found.median_width_mm == pytest.approx(width / 2, abs=0.03)
    assert found.widths[width] > 0.95
    assert sum(found.widths) == pytest.approx(1)


@pytest.mark.parametrize("angle", [20, 45, 63, 110, 135])
def test_the_median_width_does_not_depend_on_the_direction(angle):
    y, x = np.mgrid[:240, :240] - 120
    slope = math.radians(angle)
    across = x * math.sin(slope) + y * math.cos(slope)
    found = measure_damage((np.abs(across) < 3.5).astype(int))
    assert found.median_width_px == pytest.approx(7, rel=0.1)


@pytest.mark.parametrize(("angles", "said"), [((0,), [0]), ((75,), [75]), ((30, 120), [30, 120])])
def test_directions_in_which_more_cracks_run(angles, said):
    mask = np.logical_or.reduce([line(angle, length=220) for angle in angles]).astype(int)
    assert sorted(measure_damage(mask).directions) == said


def test_a_ring_has_no_direction():
    y, x = np.mgrid[:200, :200] - 100
    assert measure_damage((np.abs(np.hypot(x, y) - 70) < 2).astype(int)).directions == ()


def test_what_is_left_out_counts_nowhere():
    mask = np.zeros((60, 100), int)
    mask[::10] = mask[:, ::10] = 1
    mask[25:28, 45:48] = 2
    whole = measure_damage(mask, 10.0)
    mask[:, 50:] = LEFT_OUT
    half = measure_damage(mask, 10.0)
    assert (half.area_px, half.left_out_px, half.area_cm2) == (3000, 3000, 30)
    assert (half.loss_px, half.loss_cm2) == (9, 0.09)
    assert half.crack_percent == pytest.approx(whole.crack_percent, rel=0.02)
    assert half.loss_percent == 2 * whole.loss_percent
    # the column beside what is left out may go on below it
    assert (whole.islands.count, half.islands.count) == (5 * 9, 5 * 4)


@pytest.mark.parametrize("angle", [0, 30, 90, 150])
def test_the_rose_points_the_way_of_the_cracks(angle):
    rose = measure_damage(line(angle)).rose
    assert sum(rose) == pytest.approx(1)
    assert int(np.argmax(rose)) == round(angle * ROSE_BINS / 180) % ROSE_BINS
    assert max(rose) > 0.8


def test_areas_in_percent_and_in_centimetres():
    mask = np.zeros((100, 200), int)
    mask[10:20, 10:30] = 2
    mask[60] = 1
    found = measure_damage(mask, px_per_cm=50.0)
    assert found.loss_percent == pytest.approx(1.0)
    assert found.crack_percent == pytest.approx(1.0)
    assert found.area_cm2 == pytest.approx(8)
    assert found.loss_cm2 == pytest.approx(0.08)
    assert found.crack_cm_per_cm2 == pytest.approx(4 / 8, rel=0.06)
    assert found.mean_width_mm == pytest.approx(0.2, rel=0.07)


def test_without_a_scale_there_are_no_centimetres():
    found = measure_damage(np.eye(20, dtype=int))
    assert (found.area_cm2, found.loss_cm2, found.crack_cm_per_cm2, found.mean_width_mm) == (None,) * 4
    assert found.crack_percent == pytest.approx(5)


def test_islands_that_leave_the_picture_do_not_count():
    mask = np.zeros((50, 50), int)
    mask[::10] = mask[:, ::10] = 1
    found = measure_damage(mask).islands
    # the last row and column of islands touch the border
    assert (found.count, found.small, found.median, found.large) == (16, 81, 81, 81)


def test_strips_measure_as_the_whole(monkeypatch, rng):
    mask = np.zeros((300, 80), int)
    for angle in (0, 40, 90):
        mask |= line(angle, side=300, length=280)[:, 110:190]
    whole = measure_damage(mask)
    monkeypatch.setattr(measures, "_STRIP_PX", 70)
    strips = measure_damage(mask)
    assert strips.crack_length_px == pytest.approx(whole.crack_length_px, rel=0.01)
    assert strips.rose == pytest.approx(whole.rose, abs=0.01)
    assert strips.wide_px == whole.wide_px
    assert strips.islands == whole.islands


def test_a_picture_without_damage_gives_valid_json():
    text = json.dumps(measure_damage(np.zeros((9, 9), np.uint8)).to_dict(), allow_nan=False)
    found = json.loads(text)
    assert found["loss_percent"] == 0
    assert found["mean_width_px"] is None
    assert found["islands"]["median"] is None


@pytest.mark.parametrize(
    ("mask", "scale", "words"),
    [
        (np.full((3, 3), 7), None, "holds 7, which is no class"),
        (np.zeros((0, 3), int), None, "is no picture"),
        (np.zeros((3, 3), int), -1.0, "px_per_cm is -1"),
    ],
)
def test_wrong_arguments_are_refused(mask, scale, words):
    with pytest.raises(InputError, match=words):
        measure_damage(mask, scale)
