import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dl4art.cropping import plate_from_array
from dl4art.utils.errors import InputError


def density(picture, px_per_cm):
    """Threads per cm of vertical sinusoidal threads, from the slope of the phase: good to 1e-5."""
    line = picture.mean(axis=0)
    spectrum = np.fft.fft(line - line.mean())
    spectrum[len(line) // 2 :] = 0
    phase = np.unwrap(np.angle(np.fft.ifft(spectrum)))
    inner = slice(len(line) // 6, -len(line) // 6)
    x = (np.arange(len(line)) + 0.5) / px_per_cm
    return np.polyfit(x[inner], phase[inner], 1)[0] / (2 * np.pi)


@pytest.mark.parametrize("px_per_cm", [118.11, 200.0, 236.2204724, 393.7, 472.44])
@pytest.mark.parametrize("threads", [5.3, 12.3, 25.7])
def test_densities_are_not_biased_and_contrast_is_kept(weave, px_per_cm, threads):
    picture = weave(40, round(6 * px_per_cm), px_per_cm, vertical=threads, noise=0)
    sampled = plate_from_array(picture, px_per_cm).sample()
    assert density(sampled, 200.0) == pytest.approx(threads, rel=5e-4)
    middle = sampled[:, 200:-200].mean(axis=0)
    assert middle.std() == pytest.approx(25 / np.sqrt(2), rel=0.03)


def test_positions_are_exact():
    ramp = np.tile((np.arange(500) + 0.5) / 236.0, (40, 1))  # grey = x in cm
    sampled = plate_from_array(ramp, 236.0).sample(0.5, 0.05, 1.0, 0.05)
    error = sampled[3] - (0.5 + (np.arange(200) + 0.5) / 200)
    assert abs(error).max() < 0.02 / 200  # a fiftieth of a pixel
    assert abs(error.mean()) < 0.001 / 200


@given(x=st.integers(0, 150), y=st.integers(0, 150), px_per_cm=st.sampled_from([100.0, 200.0, 236.22, 511.3]))
@settings(max_examples=20, deadline=None)
def test_a_part_resampled_is_that_part_of_the_whole_resampled(x, y, px_per_cm):
    pixels = np.random.default_rng(0).normal(100, 20, (round(px_per_cm), round(px_per_cm)))
    plate = plate_from_array(pixels, px_per_cm)
    whole, part = plate.sample(), plate.sample(x / 200, y / 200, 0.2, 0.15)
    assert part.shape == (30, 40)
    np.testing.assert_allclose(part, whole[y : y + 30, x : x + 40], atol=2e-3)


def test_bands_do_not_show(monkeypatch, weave):
    plate = plate_from_array(weave(300, 300), 236.22)
    whole = plate.sample()
    monkeypatch.setattr("dl4art.cropping.resampling._BLOCK_PX", 5000)
    np.testing.assert_allclose(plate.sample(), whole, atol=1e-3)


def test_the_same_scale_and_whole_pixels_leave_grey_values_as_they_are(weave):
    pixels = weave(300, 400).astype(np.float32)
    sampled = plate_from_array(pixels, 200.0).sample(0.35, 0.1, 1.0, 1.0)
    np.testing.assert_array_equal(sampled, pixels[20:220, 70:270])


def test_detail_too_fine_for_the_target_vanishes_instead_of_becoming_false_threads():
    x = np.arange(4000)
    fine = np.tile(100 + 50 * np.sin(2 * np.pi * 0.35 * x), (40, 1))  # 280 periods per cm at 800 px/cm
    sampled = plate_from_array(fine, 800.0).sample()
    assert sampled[:, 10:-10].std() < 0.5


def test_constant_grey_stays_constant_up_to_the_border():
    sampled = plate_from_array(np.full((333, 277), 77.0), 236.22).sample()
    np.testing.assert_allclose(sampled, 77.0, rtol=1e-6)


def test_rectangles_outside_the_plate_are_refused():
    plate = plate_from_array(np.zeros((400, 600)), 200.0)
    for rectangle in [(-0.1, 0, 1, 1), (2.5, 0, 1, 1), (0, 1.5, 1, 1), (0, 0, 0, 1)]:
        with pytest.raises(InputError, match=r"3 x 2 cm"):
            plate.sample(*rectangle)


def test_sizes_rounded_on_the_way_are_forgiven():
    plate = plate_from_array(np.full((300, 300), 9.0), 200.4)
    np.testing.assert_allclose(plate.sample(0, 0, 1.5, 1.5), np.full((300, 300), 9.0), rtol=1e-6)
