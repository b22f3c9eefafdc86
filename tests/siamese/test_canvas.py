import numpy as np
import pytest

from dl4art.cropping import plate_from_array
from dl4art.regression.estimate import ThreadEstimate
from dl4art.regression.spectral import ThreadPeak
from dl4art.siamese.canvas import asked_densities, counted_densities, readable_crops, spectral_densities
from dl4art.utils.errors import InputError


def test_crops_are_readable_and_do_not_overlap(plate, counter):
    canvas = readable_crops(plate(1), counter, count=30)
    assert canvas.pixels.shape == (12, 300, 300)
    assert canvas.looked_at == counter.seen == 12
    places = {tuple(place) for place in canvas.positions_cm.tolist()}
    assert places == {(1.5 * x, 1.5 * y) for x in range(4) for y in range(3)}
    assert canvas.densities.vertical == pytest.approx(12, abs=0.05)
    assert (canvas.densities.horizontal, canvas.densities.horizontal_half) == (15.0, 0.0)


def test_crops_show_the_place_that_they_name(plate, counter):
    whole = plate(2)
    canvas = readable_crops(whole, counter, count=5, seed=4)
    for pixels, (x, y) in zip(canvas.pixels, canvas.positions_cm, strict=True):
        np.testing.assert_array_equal(pixels, whole.sample(x, y, 1.5, 1.5))


def test_the_seed_decides_which(plate, counter):
    whole = plate(1)
    first, again, other = (readable_crops(whole, counter, count=5, seed=seed).positions_cm for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("few", [4, 7, 11])
def test_few_are_the_first_of_many(few, plate, counter):
    whole = plate(1)
    many = readable_crops(whole, counter, count=12, seed=3).positions_cm
    np.testing.assert_array_equal(readable_crops(whole, counter, count=few, seed=3).positions_cm, many[:few])


def test_unreadable_crops_are_left_out(counter):
    picture = np.random.default_rng(1).normal(12, 1, (600, 600)).astype(np.float32)
    picture[:300] -= 12  # weave, but too dark for this counter
    canvas = readable_crops(plate_from_array(picture, 100), counter, count=8)
    assert len(canvas) == 8
    assert (canvas.positions_cm[:, 1] >= 3).all()
    assert canvas.looked_at == 16
    assert canvas.remarks == ()


def test_it_stops_when_there_are_enough_and_when_patience_ends(plate, counter):
    told = []
    canvas = readable_crops(plate(1, size_cm=(30, 6)), counter, count=10, advance=told.append)
    assert (len(canvas), canvas.looked_at, counter.seen, sum(told)) == (10, 16, 16, 10)
    dark = np.random.default_rng(1).normal(0, 0.5, (450, 6000)).astype(np.float32)
    counter.seen = 0
    with pytest.raises(InputError, match="among 48 looked at"):
        readable_crops(plate_from_array(dark, 100), counter, count=4)
    assert counter.seen == 48


def test_densities_and_their_doubt_come_from_the_counter():
    counted = counted_densities(ThreadEstimate("ok", 12.0, 15.0, 11.8, 12.4, 14.0, 16.0))
    np.testing.assert_allclose(counted, [[12.0, 15.0], [0.3, 1.0]])
    np.testing.assert_array_equal(counted_densities(ThreadEstimate("ok", 12.0, 15.0))[1], [0, 0])
    assert np.isnan(counted_densities(ThreadEstimate("no-estimate"))[0]).all()


def test_remarks_of_the_counter_are_kept(plate, counter):
    counter.message = "looks like twill or basket weave"
    canvas = readable_crops(plate(1), counter, count=30)
    assert canvas.remarks == (
        "12 crops used where 30 were asked for: there are no more readable ones",
        "in 12 of 12 crops: looks like twill or basket weave",
    )


def test_many_unreadable_crops_are_remarked_on(counter):
    picture = np.random.default_rng(1).normal(0, 0.5, (600, 600)).astype(np.float32)
    picture[450:] += 12
    canvas = readable_crops(plate_from_array(picture, 100), counter, count=4)
    assert canvas.remarks == ("12 of 16 crops were left out; 12: the vertical threads cannot be read here",)


@pytest.mark.parametrize(
    ("bright", "said"),
    [
        (0, "dark: no readable crop of 1.5 cm among 16 looked at, and at least 4 are needed; 16: the vertical threads"),
        (1, "dark: only 1 readable crop of 1.5 cm among 16 looked at"),
        (3, "dark: only 3 readable crops of 1.5 cm among 16 looked at, and at least 4 are needed"),
    ],
)
def test_too_few_are_refused_with_their_number(bright, said, counter):
    picture = np.random.default_rng(1).normal(0, 0.5, (600, 600)).astype(np.float32)
    picture[:150, : 150 * bright] += 12
    with pytest.raises(InputError) as refusal:
        readable_crops(plate_from_array(picture, 100, "dark"), counter)
    assert str(refusal.value).startswith(said)


def test_a_plate_smaller_than_a_crop_is_refused_by_name(plate, counter):
    with pytest.raises(InputError, match=r"small: .*smaller than one crop of 1\.5 cm"):
        readable_crops(plate(1, "small", size_cm=(1.2, 1.2)), counter)


def test_fewer_than_four_cannot_be_asked_for(plate, counter):
    with pytest.raises(InputError, match="at least 4"):
        readable_crops(plate(1), counter, count=3)


def test_what_the_counter_refuses_is_guessed_twice(plate, counter):
    crop = plate(1, size_cm=(1.5, 1.5), px_per_cm=200.0, mean=0.0).sample()
    # by the spectrum, as this counter makes no guess
    counted, guessed = asked_densities(counter, [crop, crop + 12])
    assert np.isnan(counted[0, 0]).all()
    np.testing.assert_allclose(counted[1, 0], (12, 15), rtol=0.02)
    np.testing.assert_allclose(guessed, [[(9, 11)] * 2, [(12, 15)] * 2], rtol=0.02)
    assert asked_densities(counter, [np.zeros((300, 300))])[1].tolist() == [[[12, 12]] * 2]
    counter.presume = lambda pictures: np.full((len(pictures), 2), 7.0)
    np.testing.assert_allclose(asked_densities(counter, [crop])[1], [[(7, 7), (9, 11)]], rtol=0.02)
    counter.guesses = lambda pictures: tuple(np.full((len(pictures), 2), guess) for guess in (7.0, 8.0))
    _, guessed = asked_densities(counter, [crop, crop + 12])
    assert guessed[0].tolist() == [[7, 7], [8, 8]]
    np.testing.assert_allclose(guessed[1], [(12, 15)] * 2, rtol=0.02)
    assert [part.shape for part in asked_densities(counter, [])] == [(0, 2, 2), (0, 2, 2)]


def test_the_spectrum_presumes_only_what_a_cloth_can_have(monkeypatch, rng):
    peaks = [ThreadPeak(density, 0.0, 0.0, 0.0) for density in (0.2, 14.0, float("nan"), 55.0)]
    found = iter([(peaks[0], peaks[1]), (peaks[2], peaks[3])])
    monkeypatch.setattr("dl4art.siamese.canvas.spectral_peaks", lambda *_, **__: next(found))
    np.testing.assert_array_equal(spectral_densities(np.zeros((2, 9, 9))), [[12, 14], [12, 12]])
    monkeypatch.undo()
    nothing, noise = np.zeros((300, 300)), rng.normal(size=(300, 300))
    assert ((spectral_densities([nothing, noise]) > 3) & (spectral_densities([nothing, noise]) < 40)).all()
