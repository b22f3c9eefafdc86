import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from dl4art.cropping import plate_from_array
from dl4art.regression.estimate import ThreadEstimate
from dl4art.siamese import FabricComparer
from dl4art.siamese.calibration import UNCALIBRATED, quantiles
from dl4art.siamese.comparison import LIMITS, MEANINGS
from dl4art.utils.errors import InputError, ModelError
from dl4art.utils.models import open_model, write_model

CALIBRATION = replace(
    UNCALIBRATED,
    unlike=0.3,
    compatible=0.7,
    crops=8,
    same=quantiles([0.6, 0.8, 0.9]),
    different=quantiles([0.1, 0.2, 0.5]),
)


@pytest.fixture
def crops(rng):
    return rng.normal(100, 20, (5, 300, 300)).astype(np.float32)


# Pairs


def test_pair_scores_have_the_agreed_form(pairer, crops):
    scores = pairer.score_pairs(crops[:2], crops[2:])
    assert scores.shape == (2, 3)
    assert scores.dtype == np.float32
    assert ((scores > 0) & (scores < 1)).all()
    assert np.ptp(scores) > 1e-4


def test_swapped_lists_give_the_transposed_scores(pairer, crops):
    np.testing.assert_allclose(
        pairer.score_pairs(crops[:2], crops[2:]), pairer.score_pairs(crops[2:], crops[:2]).T, atol=1e-6
    )


def test_a_quarter_turn_of_either_or_the_negative_changes_nothing(pairer, crops):
    plain = pairer.score_pairs(crops[:2], crops[2:])
    # a transposed crop: the two directions change places
    np.testing.assert_allclose(pairer.score_pairs(crops[:2].transpose(0, 2, 1), crops[2:]), plain, atol=1e-5)
    np.testing.assert_allclose(pairer.score_pairs(255 - crops[:2], crops[2:]), plain, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.float16, np.float64])
def test_any_type_will_do(pairer, crops, dtype):
    whole = np.clip(np.rint(crops), 0, 255)
    np.testing.assert_allclose(
        pairer.score_pairs(whole[:2].astype(dtype), whole[2:].astype(dtype)),
        pairer.score_pairs(whole[:2], whole[2:]),
        atol=1e-5,
    )


def test_neither_batches_nor_company_matter(pairer, rng):
    many = rng.normal(size=(19, 200, 210)).astype(np.float32)
    density = rng.uniform(7, 20, (19, 2))
    together = pairer.embed(many, density=density)
    for index in (0, 15, 16, 18):
        alone = pairer.embed(many[index : index + 1], density=density[index])
        np.testing.assert_allclose(together[index], alone[0], atol=1e-4)
    np.testing.assert_allclose(together[..., -1], 5 * np.log(density / 12), atol=1e-5)


def test_densities_are_counted_if_they_are_not_given(pairer, crops):
    np.testing.assert_array_equal(pairer.embed(crops), pairer.embed(crops, density=np.full((5, 2), 13)))


def test_doubtful_crops_are_scored_in_the_frames_that_agree_best(pairer, plate):
    class Doubtful:
        """Gives no estimate and guesses wrong."""

        name = "doubtful"

        def predict(self, pictures, *, px_per_cm):
            return [ThreadEstimate("no-estimate") for _ in pictures]

        def presume(self, pictures):
            return np.full((len(pictures), 2), 20.0)

    crops = [plate(seed, size_cm=(1.5, 1.5), px_per_cm=200.0).sample() for seed in range(3)]
    doubtful = replace(pairer, counter=Doubtful())
    views = [pairer.embed(crops, density=[density] * 3) for density in ((20, 20), (9, 11))]
    logits = np.array([pairer.pair_scores(a, b).logits for a in views for b in views])
    scores = doubtful.score_pairs(crops, crops)
    np.testing.assert_allclose(scores, 1 / (1 + np.exp(-logits.max(axis=0))), atol=1e-3)
    assert np.ptp(logits, axis=0).max() > 0.01


def test_crops_that_the_counter_refuses_are_looked_at_by_their_spectrum(comparer, plate):
    crops = [plate(seed, size_cm=(1.5, 1.5), px_per_cm=200.0, mean=0.0).sample() for seed in range(2)]
    vectors = comparer.embed(crops)
    np.testing.assert_allclose(vectors[..., -1], np.tile(5 * np.log(np.array([9, 11]) / 12), (2, 1)), atol=0.1)


def test_sizes_may_differ(pairer, crops):
    mixed = [crops[0], crops[1][:200, :240], crops[2]]
    scores = pairer.score_pairs(mixed, crops[3:])
    np.testing.assert_allclose(scores[[0, 2]], pairer.score_pairs(crops[[0, 2]], crops[3:]), atol=1e-6)
    assert pairer.score_pairs(np.kron(crops[:1], np.ones((1, 2, 2))), crops[3:], px_per_cm=200).shape == (1, 2)


def test_many_pairs_are_scored_in_parts(pairer, rng, monkeypatch):
    first, second = (rng.normal(size=(count, 2, 7)).astype(np.float32) for count in (7, 9))
    at_once = pairer.pair_scores(first, second)
    monkeypatch.setattr("dl4art.siamese.comparer._PAIRS", 20)
    in_parts = pairer.pair_scores(first, second)
    np.testing.assert_allclose(in_parts.straight, at_once.straight, atol=1e-6)
    np.testing.assert_allclose(in_parts.turned, at_once.turned, atol=1e-6)


def test_no_crops_give_no_scores(pairer, crops):
    assert pairer.score_pairs(crops[:0], crops[:2]).shape == (0, 2)
    assert pairer.score_pairs(crops[:2], crops[:0]).shape == (2, 0)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (np.zeros((1, 300, 300, 3)), "not grey"),
        (np.full((1, 300, 300), np.nan), "NaN"),
        (np.zeros((1, 300, 150)), "smaller than a window of 1 cm"),
        (np.zeros((300, 300)), "not grey"),
    ],
)
def test_bad_crops_are_refused(pairer, crops, bad, said):
    with pytest.raises(InputError, match=said):
        pairer.score_pairs(crops[:1], bad)


# Canvases


def test_two_canvases_compared(comparer, plate):
    result = replace(comparer, calibration=CALIBRATION).compare(plate(1), plate(2, size_cm=(4.5, 4.5)), crops=8)
    assert 0 <= result.low <= result.similarity <= result.high <= 1
    assert result.pairs == 64
    assert result.meaning == MEANINGS[result.verdict]
    assert (result.a.file, result.a.crops, result.b.looked_at) == ("plate 1", 8, 9)
    assert result.a.vertical_per_cm == pytest.approx(12, abs=0.05)
    assert result.a.vertical_low < result.a.vertical_per_cm < result.a.vertical_high
    assert result.b.horizontal_low == result.b.horizontal_per_cm == 15.0
    assert len(result.b.positions_cm) == 8
    assert (result.a.control.pairs, result.counter, result.seed) == (16, "test-counter", 0)
    assert result.a.control.low <= result.a.control.similarity <= result.a.control.high
    assert result.model == f"tiny {result.model_sha256[:8]}"
    assert "simulated" in " ".join(result.limits)
    assert "share" in " ".join(LIMITS)


def test_it_is_json(comparer, plate):
    values = comparer.compare(plate(1), plate(2), crops=5).to_dict()
    assert json.loads(json.dumps(values, allow_nan=False))["canvases"]["b"]["control"]["pairs"] == 6
    assert {"similarity", "low", "high", "verdict", "pairs", "model", "seed", "versions", "warnings"} <= set(values)


def test_the_same_call_gives_the_same_numbers(comparer, plate):
    assert comparer.compare(plate(1), plate(2), crops=6) == comparer.compare(plate(1), plate(2), crops=6)


def test_swapped_canvases_give_the_same_numbers(comparer, plate):
    # of different sizes, so that neither crops nor draws are shared
    a, b = plate(1), plate(2, size_cm=(9.0, 4.5), vertical=7.0)
    there, back = comparer.compare(a, b, crops=9), comparer.compare(b, a, crops=9)
    for name in ("similarity", "low", "high", "same_below", "different_above", "apart"):
        assert getattr(there, name) == pytest.approx(getattr(back, name), abs=1e-6)
    assert (there.verdict, there.turned, there.pairs) == (back.verdict, back.turned, back.pairs)
    assert there.high - there.low > 1e-5
    for one, other in ((there.a, back.b), (there.b, back.a)):
        assert one == other


def test_another_seed_takes_other_crops(comparer, plate):
    first, second = (comparer.compare(plate(1), plate(2), crops=5, seed=seed) for seed in (0, 1))
    assert first.a.positions_cm != second.a.positions_cm
    assert first.similarity != second.similarity


def test_densities_far_apart_exclude(comparer, plate):
    result = comparer.compare(plate(1, mean=12.0), plate(2, mean=18.0), crops=6)
    assert result.verdict == "excluded"
    assert result.apart == pytest.approx(6.0, abs=0.1)


def test_half_the_density_may_be_a_wrong_count(comparer, plate):
    result = comparer.compare(plate(1, mean=12.0), plate(2, mean=24.0), crops=6)
    assert result.verdict == "undecided"
    assert any("two threads for one" in warning for warning in result.warnings)


def test_the_ends_of_the_interval_decide(comparer, plate):
    def verdict(**limits):
        return (
            replace(comparer, calibration=replace(CALIBRATION, **limits)).compare(plate(1), plate(2), crops=6).verdict
        )

    assert verdict(unlike=1.0, compatible=1.0) == "unlike"
    assert verdict(unlike=0.0, compatible=0.0) == "compatible"
    assert verdict(unlike=0.0, compatible=1.0) == "undecided"


def test_few_crops_leave_the_networks_verdict_open(comparer, plate):
    sure = replace(CALIBRATION, unlike=1.0, compatible=1.0, crops=12)
    found = {crops: replace(comparer, calibration=sure).compare(plate(1), plate(2), crops=crops) for crops in (5, 6)}
    assert [found[crops].verdict for crops in (5, 6)] == ["undecided", "unlike"]
    assert any("plate 1: 5 crops are too few for the network's verdict, which needs 6" in w for w in found[5].warnings)
    assert not any("too few" in text for text in found[6].warnings)
    far = replace(comparer, calibration=sure).compare(plate(1), plate(2, mean=18.0), crops=5)
    assert far.verdict == "excluded"


def test_an_uneven_canvas_is_called_so(comparer, plate):
    # a calibration under which nothing is like anything
    strict = replace(comparer, calibration=replace(CALIBRATION, intercept=-30.0))
    result = strict.compare(plate(1), plate(2), crops=5)
    assert [text for text in result.warnings if "its own halves are only 0.00 similar" in text]


def test_the_same_picture_twice_is_said_so(comparer, plate):
    result = comparer.compare(plate(1, "x"), plate(1, "y"), crops=5)
    assert result.warnings[0].startswith("x and y are the same picture")
    assert not any("same picture" in text for text in comparer.compare(plate(1), plate(2), crops=5).warnings)


def test_plates_of_different_scale_are_resampled_and_it_is_said(comparer, plate):
    result = comparer.compare(plate(1), plate(2, px_per_cm=120.0), crops=5)
    assert "plate 1 has 100 px/cm and plate 2 120: both were resampled to 200 px/cm" in result.warnings[0]
    assert result.pairs == 25


def test_remarks_and_notes_are_carried(comparer, plate, counter):
    counter.message = "looks like twill or basket weave; the counter knows plain weave"
    colour = replace(plate(2), notes=("colours turned into grey",))
    result = comparer.compare(plate(1), colour, crops=5)
    assert "plate 2: colours turned into grey" in result.warnings
    assert (
        "plate 1: in 5 of 5 crops: looks like twill or basket weave; the counter knows plain weave" in result.warnings
    )


def test_each_crop_is_encoded_once(comparer, plate):
    class Counting:
        output_shape = comparer.encoder.output_shape

        def __init__(self):
            self.seen = 0

        def predict_on_batch(self, batch):
            self.seen += len(batch)
            return comparer.encoder.predict_on_batch(batch)

    encoder = Counting()
    replace(comparer, encoder=encoder).compare(plate(1), plate(2), crops=7)
    assert encoder.seen == 4 * (7 + 7)  # both directions, either way up


def test_too_few_crops_name_the_plate(comparer, plate):
    with pytest.raises(InputError, match="little: only 2 readable crops"):
        comparer.compare(plate(1), plate(2, "little", size_cm=(3.0, 1.5)), crops=5)


def test_flat_plates_are_refused(comparer, plate):
    with pytest.raises(InputError, match="grey: no usable area"):
        comparer.compare(plate(1), plate_from_array(np.full((600, 600), 9.0), 100, "grey"))


# Models


def test_no_model_of_that_name():
    with pytest.raises(ModelError, match="nonsense: neither a model folder nor"):
        FabricComparer.from_pretrained("nonsense")


def test_a_model_of_another_shape_is_refused(model_folder, tmp_path):
    shutil.copytree(model_folder, tmp_path / "mine")
    folder = open_model(tmp_path / "mine")
    for config in ({"network": {**folder.config["network"], "size": 7}}, {"network": {"legs": 4}}, {}):
        write_model(folder.path, config=config, calibration=folder.calibration, card="x")
        with pytest.raises(ModelError, match=r"cannot be loaded as a fabric comparer|numbers of channels"):
            FabricComparer.from_pretrained(folder.path)


def test_a_thread_counter_is_no_comparer(model_folder, tmp_path):
    shutil.copytree(model_folder, tmp_path / "mine")
    folder = open_model(tmp_path / "mine")
    write_model(folder.path, config=folder.config, calibration={"risk": [1.0]}, card="x")
    with pytest.raises(ModelError, match="fabric comparer"):
        FabricComparer.from_pretrained(folder.path)


@pytest.mark.parametrize(
    "told", [{"stability": {"crops": float("inf")}}, {"stability": [9]}, {"false_matches": {"any": [1, 2]}}]
)
def test_a_calibration_whose_tests_cannot_be_read_is_refused(model_folder, tmp_path, told):
    folder = tmp_path / "model"
    shutil.copytree(model_folder, folder)
    path = folder / "calibration.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | told))
    with pytest.raises(ModelError, match="cannot be loaded as a fabric comparer"):
        FabricComparer.from_pretrained(folder)
