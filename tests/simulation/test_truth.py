import numpy as np
import pytest

from dl4art.cropping.labels import density
from dl4art.simulation import centre_lines, draw_crop, plate_lines, stage
from dl4art.simulation.render import phase_gradient
from dl4art.simulation.truth import TruthSum


def means(picture):
    return float(picture.vertical_density.mean()), float(picture.horizontal_density.mean())


def test_the_densities_are_those_of_the_cloth(picture):
    assert means(picture()) == pytest.approx((12, 9), rel=0.005)


@pytest.mark.parametrize("tilt", [-20, -5, 3, 20])
def test_tilt_changes_the_angles_and_not_the_densities(picture, tilt):
    tilted = picture(radiograph=picture.radiograph(tilt=tilt))
    assert means(tilted) == pytest.approx((12, 9), rel=0.01)
    assert tilted.vertical_angle.mean() == pytest.approx(tilt, abs=0.1)
    assert tilted.horizontal_angle.mean() == pytest.approx(tilt, abs=0.1)


def test_skew_turns_the_horizontal_threads_alone(picture):
    skewed = picture(radiograph=picture.radiograph(tilt=2, skew=4))
    assert skewed.vertical_angle.mean() == pytest.approx(2, abs=0.1)
    assert skewed.horizontal_angle.mean() == pytest.approx(6, abs=0.1)


def test_positive_angles_lean_to_the_left_as_a_turn_counter_clockwise_does(picture):
    (line, *_) = centre_lines(picture(radiograph=picture.radiograph(tilt=10))).vertical[3:]
    top, bottom = line[line[:, 1].argmin()], line[line[:, 1].argmax()]
    assert top[0] < bottom[0]


def test_a_turned_cloth_has_its_densities_exchanged(picture):
    assert means(picture(picture.cloth(9.0, 12.0))) == pytest.approx(means(picture())[::-1], rel=0.005)


@pytest.mark.parametrize("number", [0, 1, 2, 3])
def test_counting_the_centre_lines_gives_the_density_of_a_window(number):
    picture = draw_crop("sample", number).picture
    window = np.s_[50:250, 50:250]
    truth = picture.vertical_density[window].mean(), picture.horizontal_density[window].mean()
    assert density(centre_lines(picture), window) == pytest.approx(truth, rel=2e-3)


def test_centre_lines_lie_where_the_phase_is_whole(picture):
    shown = picture(picture.cloth(wobble=0.1, short_irregularity=0.1))
    labels = centre_lines(shown)
    assert 10 <= len(labels.vertical) <= 13
    assert 8 <= len(labels.horizontal) <= 10
    for line in labels.vertical:
        rows = (line[:, 1] - 0.5).astype(int)
        columns = line[:, 0] - 0.5
        below = np.floor(columns).astype(int)
        part = columns - below
        phase = shown.vertical_phase[rows, below] * (1 - part) + shown.vertical_phase[rows, below + 1] * part
        assert np.abs(phase - np.rint(phase)).max() < 1e-3


def test_threads_are_bright_on_their_centre_lines(picture):
    shown = picture()
    (line,) = centre_lines(shown).vertical[5:6]
    on_thread = shown.grey[:, int(line[100, 0])]
    between = shown.grey[:, int(line[100, 0] + 100 / 12)]
    assert on_thread.mean() > between.mean() + 0.2


@pytest.mark.parametrize(("changes", "sign"), [({"missing": 0.2}, -1), ({"doubled": 0.2}, 1)])
def test_missing_and_doubled_threads_count_as_the_definition_says(picture, changes, sign):
    shown = picture(picture.cloth(14.0, 14.0, **changes), side=1.5)
    found = means(shown)
    assert sign * (found[0] - 14) > 0.3
    window = np.s_[50:250, 50:250]
    inside = shown.vertical_density[window].mean(), shown.horizontal_density[window].mean()
    assert density(centre_lines(shown), window) == pytest.approx(inside, rel=2e-3)


def test_lines_of_a_plate_are_those_of_its_picture(picture):
    cloth, radiograph = picture.cloth(wobble=0.1), picture.radiograph(tilt=4)
    near = centre_lines(picture(cloth, radiograph, side=1.5))
    far = plate_lines(stage(cloth, radiograph, (1.5, 1.5), 3), 200.0)
    assert far.shape == near.shape == (300, 300)
    window = np.s_[50:250, 50:250]
    assert density(far, window) == pytest.approx(density(near, window), rel=5e-3)


def test_no_gradient_is_taken_across_the_border_of_two_pieces():
    phase = np.tile(np.arange(8, dtype=np.float32), (5, 1))
    phase[:, 4:] += 100
    piece = np.zeros((5, 8), np.int8)
    piece[:, 4:] = 1
    piece[0] = -1
    down, right = phase_gradient(phase, piece)
    assert np.isnan(right[0]).all()
    assert (right[1:] == 1).all()
    assert (down[1:] == 0).all()


def test_cells_hold_the_means_of_their_pixels_however_the_plate_is_cut(picture):
    shown = picture(picture.cloth(wobble=0.1))
    whole, parts = TruthSum((200, 200), 200.0), TruthSum((200, 200), 200.0)
    whole.add(shown, 0, 0)
    for row in (0, 130):
        for col in (0, 70):
            rows, cols = slice(row, 130 if row == 0 else 200), slice(col, 70 if col == 0 else 200)
            parts.add(Cut(shown, rows, cols), row, col)
    for name in TruthSum.QUANTITIES:
        assert getattr(parts.means(), name) == pytest.approx(getattr(whole.means(), name), rel=1e-5)
    assert whole.means().vertical_density.shape == (4, 4)
    assert whole.means().vertical_density[1, 2] == pytest.approx(shown.vertical_density[50:100, 100:150].mean())


class Cut:
    """A part of a picture, with the truth that the whole has there."""

    def __init__(self, picture, rows, cols):
        self.grey = picture.grey[rows, cols]
        for name in TruthSum.QUANTITIES:
            setattr(self, name, getattr(picture, name)[rows, cols])
