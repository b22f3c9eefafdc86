from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from dl4art.regression.lattice import find_lattice
from dl4art.regression.phase import mean_wave, phase_spectrum
from dl4art.regression.spectral import SpectralCounter, refine_density, spectral_peaks
from dl4art.regression.spectrum import normalise, power_spectrum
from dl4art.utils.errors import InputError, ScaleError


def phase_across(density, tilt, size, px_per_cm, *, upright):
    """Thread phase of an even grid, tilted counter-clockwise as seen."""
    y, x = (np.mgrid[:size, :size] + 0.5) / px_per_cm
    angle = np.deg2rad(tilt)
    along = np.cos(angle) * x - np.sin(angle) * y if upright else np.sin(angle) * x + np.cos(angle) * y
    return density * along


def weave(vertical, horizontal, *, tilts=(0.0, 0.0), size=300, px_per_cm=200.0, kind="threads", noise=1.0, seed=0):
    """Plain weave drawn with threads on a ground, as a checkerboard of floats, or with vertical threads in pairs."""
    rng = np.random.default_rng(seed)
    v = phase_across(vertical, tilts[0], size, px_per_cm, upright=True) + rng.uniform()
    h = phase_across(horizontal, tilts[1], size, px_per_cm, upright=False) + rng.uniform()
    if kind == "pairs":
        # every second thread moved towards its neighbour by a fifth of the spacing
        v = v + 0.2 * np.sin(np.pi * v) / np.pi
    floats = np.cos(np.pi * v) * np.cos(np.pi * h)
    yarn = np.clip(np.cos(2 * np.pi * v), 0, 1) + np.clip(np.cos(2 * np.pi * h), 0, 1)
    picture = {"checkerboard": floats, "threads": yarn + 0.4 * floats, "pairs": yarn + 0.4 * floats}[kind]
    grain = ndimage.gaussian_filter(rng.standard_normal(picture.shape), 1.2)
    tone = ndimage.gaussian_filter(rng.standard_normal(picture.shape), 25)
    return picture / picture.std() + noise * grain / grain.std() + 2 * tone / tone.std()


def numbers(estimate):
    return np.array([estimate.vertical_per_cm, estimate.horizontal_per_cm], dtype=float)


grids = st.tuples(st.floats(5.5, 24), st.floats(5.5, 24))
angles = st.tuples(st.floats(-17, 17), st.floats(-17, 17))


@settings(max_examples=20, deadline=None)
@given(grids, angles, st.integers(0, 99))
def test_an_even_weave_is_read_at_any_tilt(densities, tilts, seed):
    picture = weave(*densities, tilts=tilts, seed=seed)
    # the radius of a peak gives way to low-frequency tone; the phase does not
    for reading, share, degrees in (("phase", 0.02, 1.0), ("peak", 0.05, 2.5)):
        v, h = spectral_peaks(picture, 200.0, reading=reading)
        assert (v.density, h.density) == pytest.approx(densities, rel=share)
        assert (v.tilt, h.tilt) == pytest.approx(tilts, abs=degrees)


@pytest.mark.parametrize("kind", ["threads", "checkerboard"])
@pytest.mark.parametrize("reading", ["phase", "peak"])
@pytest.mark.parametrize("densities", [(8.0, 13.0), (14.0, 14.5), (19.0, 12.0)])
def test_both_faces_of_plain_weave_are_read(kind, reading, densities):
    v, h = spectral_peaks(weave(*densities, kind=kind), 200.0, reading=reading)
    assert (v.density, h.density) == pytest.approx(densities, rel=0.015)


@pytest.mark.parametrize("reading", ["phase", "peak"])
def test_transposing_swaps_the_directions(reading):
    counter = SpectralCounter(reading=reading)
    pictures = [weave(7 + s, 21 - s, tilts=(s, -3), seed=s)[: 300 - 20 * s] for s in range(5)]
    for picture in pictures:
        upright, turned = counter.predict([picture, picture.T])
        assert numbers(turned) == pytest.approx(numbers(upright)[::-1], abs=1e-3)
        assert (turned.vertical_tilt, turned.horizontal_tilt) == pytest.approx(
            (-upright.horizontal_tilt, -upright.vertical_tilt), abs=1e-2
        )
        assert turned.vertical_low == pytest.approx(upright.horizontal_low, abs=1e-3)


@settings(max_examples=15, deadline=None)
@given(
    st.floats(6, 20), st.floats(6, 20), st.floats(0.01, 1000), st.floats(-1e4, 1e4), st.sampled_from(["peak", "phase"])
)
def test_polarity_brightness_and_contrast_do_not_matter(vertical, horizontal, gain, offset, reading):
    picture = weave(vertical, horizontal)
    first = spectral_peaks(picture, 200.0, reading=reading)
    second = spectral_peaks(offset - gain * picture, 200.0, reading=reading)
    for a, b in zip(first, second, strict=True):
        assert (a.density, a.quality) == pytest.approx((b.density, b.quality), abs=1e-3)


def test_the_scale_is_only_a_unit():
    picture = weave(10, 15, px_per_cm=200.0)
    coarse = spectral_peaks(picture, 150.0, reading="phase")
    assert [p.density for p in coarse] == pytest.approx([7.5, 11.25], rel=0.01)


@pytest.mark.parametrize("size", [150, 225, 300, 400])
def test_every_size_of_crop_is_read(size):
    (found,) = SpectralCounter().predict([weave(12, 16, size=size)])
    assert numbers(found) == pytest.approx([12, 16], rel=0.02)


def test_an_array_of_pictures_is_a_list_of_pictures():
    pictures = np.stack([weave(10 + k, 15, seed=k) for k in range(3)])
    assert SpectralCounter().predict(pictures) == SpectralCounter().predict(list(pictures))


def test_noise_is_not_counted():
    rng = np.random.default_rng(1)
    pictures = [ndimage.gaussian_filter(rng.standard_normal((300, 300)), s) for s in np.linspace(0, 4, 30)]
    found = SpectralCounter().predict(pictures)
    assert {e.status for e in found} == {"no-estimate"}
    assert all("stand out" in e.message and e.vertical_per_cm is None for e in found)


@pytest.mark.parametrize("picture", [np.zeros((300, 300)), np.full((300, 300), 7, np.uint8)])
def test_one_grey_is_not_counted(picture):
    assert SpectralCounter().predict([picture])[0].status == "no-estimate"


def test_one_system_of_threads_is_not_two():
    stripes = np.cos(2 * np.pi * phase_across(12, 0, 300, 200.0, upright=True))
    stripes = stripes + 0.5 * np.random.default_rng(0).standard_normal(stripes.shape)
    (found,) = SpectralCounter().predict([stripes])
    assert found.status == "no-estimate"
    assert "horizontal" in found.message


@pytest.mark.parametrize("seed", range(6))
def test_paired_threads_are_never_counted_once(seed):
    (found,) = SpectralCounter().predict([weave(16 + 0.5 * seed, 13, kind="pairs", seed=seed)])
    if found.status == "ok":
        assert found.vertical_per_cm == pytest.approx(16 + 0.5 * seed, rel=0.03)
    else:
        assert "pairs" in found.message


def test_intervals_are_wider_where_the_weave_is_faint():
    clear, faint = SpectralCounter().predict([weave(12, 14, noise=0.3), weave(12, 14, noise=2.5)])
    assert clear.vertical_low < 12 < clear.vertical_high
    assert faint.vertical_high - faint.vertical_low > clear.vertical_high - clear.vertical_low


def test_a_density_that_varies_is_averaged_over_the_whole_window():
    # from 11 to 13 threads per cm across the window: the mean is 12, whatever the window's middle says
    x = (np.arange(300) + 0.5) / 200
    phase = 11 * x + 2 / 1.5 * x**2 / 2 + np.where(x > 0.75, 0.6, -0.6) * (x - 0.75)
    picture = np.cos(2 * np.pi * phase)[None, :] + np.cos(2 * np.pi * 15 * x)[:, None]
    picture = picture + 0.3 * np.random.default_rng(0).standard_normal(picture.shape)
    (found,) = SpectralCounter().predict([picture])
    assert found.vertical_per_cm == pytest.approx((phase[-1] - phase[0]) / (x[-1] - x[0]), rel=0.01)


@pytest.mark.parametrize("kind", ["threads", "checkerboard"])
@pytest.mark.parametrize("tilts", [(0.0, 0.0), (6.0, -4.0)])
def test_a_rough_density_is_refined(kind, tilts):
    picture = weave(13, 9.5, tilts=tilts, kind=kind)
    for reading, tolerance in (("phase", 0.005), ("peak", 0.015)):
        v, h = refine_density(
            picture, 200.0, 13.5, 9.2, tilt_vertical=tilts[0] + 1, tilt_horizontal=tilts[1] - 1, reading=reading
        )
        assert (v.density, h.density) == pytest.approx((13, 9.5), rel=tolerance)
        assert min(v.quality, h.quality) > 0.5


def test_where_nothing_is_near_the_rough_density_stays():
    v, h = refine_density(weave(20, 9.5, noise=0.5), 200.0, 14.2, 9.5)
    assert v.quality < 0.3 < h.quality
    assert v.density == pytest.approx(14.2, rel=0.13)


def test_refining_noise_has_low_quality():
    noise = np.random.default_rng(3).standard_normal((300, 300))
    assert max(p.quality for p in refine_density(noise, 200.0, 12, 15)) < 0.3


def test_a_single_wave_has_its_own_gradient_and_full_quality():
    picture = np.cos(2 * np.pi * phase_across(12.34, 5, 300, 200.0, upright=True)).astype(np.float32)
    wave, quality = mean_wave(phase_spectrum(picture, 200.0), np.array([12.0, -1.0]))
    assert np.hypot(*wave) == pytest.approx(12.34, rel=2e-3)
    assert quality > 0.9


def test_normalisation_is_local_and_odd():
    picture = weave(12, 15)
    normal = normalise(picture, 200.0)
    np.testing.assert_allclose(normalise(-picture, 200.0), -normal, atol=1e-5)
    changed = picture.copy()
    changed[:40] += 500
    np.testing.assert_allclose(normalise(changed, 200.0)[200:], normal[200:], atol=1e-2)


def test_the_spectrum_of_noise_is_flat():
    noise = np.random.default_rng(0).standard_normal((300, 300)).astype(np.float32)
    spectrum = power_spectrum(noise, 200.0, highest=30)
    assert np.median(spectrum.ratio) == pytest.approx(1, abs=0.1)
    # each half of the plane is the other turned by 180 degrees
    np.testing.assert_allclose(spectrum.ratio[::-1, ::-1], spectrum.ratio, rtol=1e-3)
    assert spectrum.step <= 0.2


def test_a_spectrum_without_peaks_has_no_lattice():
    flat = power_spectrum(np.zeros((300, 300), np.float32), 200.0, highest=30)
    assert find_lattice(flat, 4.5, 27, 20) is None


@pytest.mark.parametrize(
    ("picture", "error", "message"),
    [
        (np.zeros((300, 300, 3)), InputError, "two axes"),
        (np.full((300, 300), np.nan), InputError, "not finite"),
        (np.zeros((100, 300)), InputError, r"0\.50 cm"),
    ],
)
def test_what_is_no_crop_is_refused(picture, error, message):
    with pytest.raises(error, match=message):
        spectral_peaks(picture, 200.0)


@pytest.mark.parametrize("scale", [0, -1, float("nan"), float("inf")])
def test_a_scale_that_is_none_is_refused(scale):
    with pytest.raises(ScaleError, match="px_per_cm"):
        spectral_peaks(np.zeros((300, 300)), scale)


@pytest.mark.parametrize("horizontal", [0.1, 0.5, 1.0])
def test_diagonals_that_climb_to_one_peak_make_no_lattice(rng, horizontal):
    across = np.arange(300) / 200
    stripes = 100 * np.cos(2 * np.pi * 10 * across) + rng.normal(size=(300, 300))
    _, found = refine_density(stripes, 200.0, 20.0, horizontal)
    assert found.density == pytest.approx(horizontal, rel=0.1)
