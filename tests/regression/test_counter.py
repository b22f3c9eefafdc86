"""The laws of a counter, tested on the shipped weights with simulated crops that were never trained on."""

from __future__ import annotations

import dataclasses
import shutil

import numpy as np
import pytest
from scipy import ndimage

from dl4art.regression import CombinedCounter, SpectralCounter, ThreadCounter
from dl4art.regression.choice import odds
from dl4art.regression.combined import Evidence, combine, doubt_features, opinions_of
from dl4art.regression.counter import _batches, _starts
from dl4art.simulation.samples import draw_samples
from dl4art.utils.errors import InputError, ModelError, ScaleError
from dl4art.utils.models import find_model

NUMBERS = ("vertical_per_cm", "horizontal_per_cm")


@pytest.fixture(scope="module")
def crops():
    """A few readable crops of 1.5 cm and their true densities."""
    samples = draw_samples("sample", range(24), 304)
    use = samples.readable.min(axis=1) > 3
    assert use.sum() >= 6
    return samples.grey[use], samples.density.mean(axis=(2, 3))[use]


@pytest.fixture(scope="module")
def network():
    return ThreadCounter.from_pretrained()


@pytest.fixture(scope="module", params=["network", "combined"])
def counter(request, network):
    return network if request.param == "network" else CombinedCounter(network)


def numbers(estimates):
    return np.array([[getattr(e, name) if e.status == "ok" else np.nan for name in NUMBERS] for e in estimates])


def test_counts_what_is_there(counter, crops):
    pictures, truth = crops
    found = numbers(counter.predict(pictures))
    assert np.isfinite(found).all(axis=1).mean() >= 0.8
    assert np.nanmedian(np.abs(found / truth - 1)) < 0.015


def test_intervals_hold_the_estimate(counter, crops):
    for estimate in counter.predict(crops[0]):
        if estimate.status == "ok":
            assert 0 < estimate.vertical_low < estimate.vertical_per_cm < estimate.vertical_high
            assert 0 < estimate.horizontal_low < estimate.horizontal_per_cm < estimate.horizontal_high


def test_transposing_swaps_the_counts(counter, crops):
    upright, turned = numbers(counter.predict(crops[0])), numbers(counter.predict(crops[0].transpose(0, 2, 1)))
    np.testing.assert_allclose(turned[:, ::-1], upright, atol=1e-3)


def test_inverting_changes_nothing(counter, crops):
    positive, negative = numbers(counter.predict(crops[0])), numbers(counter.predict(255 - crops[0]))
    np.testing.assert_allclose(negative, positive, atol=1e-2)


@pytest.mark.parametrize("axis", [1, 2])
def test_flipping_changes_little(counter, crops, axis):
    plain, flipped = numbers(counter.predict(crops[0])), numbers(counter.predict(np.flip(crops[0], axis)))
    difference = np.abs(plain - flipped)
    # the network alone has learnt this only roughly, the spectrum knows it
    limit = 0.1 if isinstance(counter, ThreadCounter) else 0.05
    assert np.nanmedian(difference) < limit
    assert np.nanmax(difference) < 5 * limit


def test_flipping_turns_the_tilt(network, crops):
    plain, flipped = network.read(crops[0]).tilt, network.read(np.flip(crops[0], 2)).tilt
    assert np.abs(plain + flipped).max() < 2.0


def test_neither_batch_nor_brightness_nor_type_matters(counter, crops):
    together = numbers(counter.predict(crops[0]))
    alone = np.concatenate([numbers(counter.predict([picture])) for picture in crops[0]])
    np.testing.assert_allclose(alone, together, atol=1e-4)
    deeper = numbers(counter.predict(crops[0].astype(np.uint16) * 100 + 777))
    np.testing.assert_allclose(deeper, together, atol=1e-2)


def test_a_finer_scan_gives_the_same_counts(network, crops):
    picture = crops[0][0]
    enlarged = np.kron(picture, np.ones((2, 2)))
    (once,), (twice,) = network.predict([picture]), network.predict([enlarged], px_per_cm=400)
    assert twice.vertical_per_cm == pytest.approx(once.vertical_per_cm, rel=0.02)


def test_soft_and_coarse_cloth_is_read_at_a_smaller_scale_too(network, crops):
    pictures, truth = crops
    known = (truth.min(axis=1) > 8) & (truth.max(axis=1) < 20)
    assert known.sum() >= 4
    enlarged = [ndimage.zoom(picture.astype(np.float32), 4 / 3, order=3) for picture in pictures[known]]
    assert min(enlarged[0].shape) * 0.75**2 >= 200
    found = network.read(enlarged).density * 4 / 3
    assert np.median(np.abs(found / truth[known] - 1)) < 0.015


def test_noise_and_blank_get_no_estimate(counter, rng):
    noise = rng.normal(size=(300, 300)).astype(np.float32)
    blank = np.full((300, 300), 9, np.uint8)
    assert [e.status for e in counter.predict([noise, blank])] == ["no-estimate", "no-estimate"]
    assert all("cannot be read" in e.message for e in counter.predict([noise, blank]))


def test_a_guess_is_made_of_what_is_refused_too(counter, crops, rng):
    pictures, truth = crops
    assert np.median(np.abs(counter.presume(pictures) / truth - 1)) < 0.015
    guess = counter.presume(rng.normal(size=(1, 300, 300)))
    assert guess.shape == (1, 2)
    assert (guess > 0).all()


def test_plain_weave_is_not_taken_for_another(network, crops):
    assert not any("twill" in estimate.message for estimate in CombinedCounter(network).predict(crops[0]))


def test_twill_is_taken_for_another_weave(network):
    samples = draw_samples("twill", range(1000, 1016), 304)
    readable = samples.grey[samples.readable.min(axis=1) > 2]
    assert len(readable) >= 6
    flagged = ["twill" in estimate.message for estimate in CombinedCounter(network).predict(readable)]
    assert np.mean(flagged) >= 0.5


@pytest.mark.parametrize(
    ("picture", "what"),
    [
        (np.zeros((300, 300, 3)), "not grey"),
        (np.full((300, 300), np.nan), "NaN"),
        (np.full((300, 300), np.inf), "NaN or infinity"),
        (np.zeros((150, 300)), "smaller than a window"),
        (np.zeros((300, 300), complex), "not grey"),
    ],
)
def test_bad_pictures_are_refused(network, picture, what):
    with pytest.raises(InputError, match=what):
        network.predict([picture])


@pytest.mark.parametrize("scale", [0, -3, np.nan, np.inf])
def test_a_scale_must_be_a_positive_number(network, scale):
    with pytest.raises(ScaleError, match="px_per_cm"):
        network.predict([np.zeros((300, 300))], px_per_cm=scale)


def test_a_model_folder_is_a_model(network, crops, tmp_path):
    shutil.copytree(find_model("threads").path, tmp_path / "mine")
    mine = ThreadCounter.from_pretrained(tmp_path / "mine")
    np.testing.assert_array_equal(mine.read(crops[0][:2]).density, network.read(crops[0][:2]).density)
    assert mine.name.startswith("mine ")


def test_a_model_of_another_shape_is_refused(tmp_path):
    from dl4art.utils.models import write_model

    shutil.copytree(find_model("threads").path, tmp_path / "mine")
    folder = find_model(tmp_path / "mine")
    write_model(folder.path, config={**folder.config, "filters": [4, 4, 4]}, calibration=folder.calibration, card="x")
    with pytest.raises(ModelError, match="instead of 5 numbers of channels"):
        ThreadCounter.from_pretrained(tmp_path / "mine")


def test_where_no_weave_shows_in_half_of_a_picture_there_is_no_estimate(network, crops):
    half = crops[0][:4].copy()
    half[:, :, 150:] = half[:, :, :150].mean(axis=(1, 2), keepdims=True)
    estimates = CombinedCounter(network).predict(half)
    assert [estimate.status for estimate in estimates] == ["no-estimate"] * 4
    assert any("no weave shows in a part of it" in estimate.message for estimate in estimates)


def test_a_picture_that_is_clipped_by_a_third_gets_no_estimate(network, crops):
    for clip in (np.maximum, np.minimum):
        share = 0.36 if clip is np.maximum else 0.64
        dull = [clip(crop, np.quantile(crop, share)) for crop in crops[0][:3]]
        for estimate in CombinedCounter(network).predict([*dull, *(255 - crop for crop in dull)]):
            assert estimate.status == "no-estimate"
            assert "vertical and horizontal threads cannot be read" in estimate.message
            assert "clipped to one tone" in estimate.message


def test_the_spectrum_refines_only_what_it_agrees_with(network):
    calibration = dataclasses.replace(network.calibration, spectral_share=1.0, agreement=0.04)
    evidence = Evidence.of_cells(np.array([[10.2, 12.0]]), np.ones((1, 2)), np.zeros(1), np.zeros(1))
    np.testing.assert_allclose(combine(np.array([[10.0, 10.0]]), evidence, calibration), [[10.2, 10.0]], rtol=1e-6)


def test_doubt_grows_with_disagreement(network, crops):
    counter = CombinedCounter(network)
    reading, evidence = counter.look(crops[0])
    logit = odds(opinions_of(reading, evidence, network.calibration), network.calibration.choice).max(axis=-1)
    apart = dataclasses.replace(evidence, scales=evidence.scales * [1.4, 1, 1], alone=evidence.alone * [0.6, 1, 1, 1])
    torn = odds(opinions_of(reading, apart, network.calibration), network.calibration.choice).max(axis=-1)
    assert (torn <= logit).mean() > 0.9
    assert np.median(logit - torn) > 0.5
    near, far = (doubt_features(reading, evidence, part) @ network.calibration.doubt for part in (logit, torn))
    assert np.median(far - near) > 0.1


def test_the_second_guess_is_another_one(network, crops, rng):
    counter = CombinedCounter(network)
    first, second = counter.guesses(np.concatenate([crops[0][:3], rng.integers(0, 255, (2, 304, 304))]))
    assert first.shape == second.shape == (5, 2)
    differs = np.abs(second / first - 1)
    assert ((differs == 0) | (differs > 0.03)).all()
    assert (differs[3:] > 0).any()
    assert counter.predict([]) == []
    assert counter.presume([]).shape == (0, 2)


def test_remarks_on_what_was_not_trained_on(network, crops):
    loose = dataclasses.replace(network.calibration, densities=(30.0, 40.0), other_weave=-np.inf)
    (estimate,) = CombinedCounter(dataclasses.replace(network, calibration=loose)).predict(crops[0][:1])
    assert "outside 30 to 40" in estimate.message
    assert "twill" in estimate.message


def test_windows_cover_a_row_evenly():
    assert _starts(14, 14) == [0]
    assert _starts(27, 14)[0] == 0
    assert _starts(27, 14)[-1] == 13
    assert max(np.diff(_starts(80, 14))) <= 6


def test_batches_hold_one_shape_each():
    pictures = [np.zeros((300, 300)), np.zeros((200, 300)), np.zeros((300, 300))]
    assert list(_batches(pictures)) == [[0, 2], [1]]


def test_all_counters_answer_in_one_form(network, crops):
    for counter in (network, CombinedCounter(network), SpectralCounter()):
        (estimate,) = counter.predict(crops[0][:1])
        assert set(estimate.to_dict()) >= {"status", "vertical_per_cm", "horizontal_high", "vertical_tilt", "message"}
