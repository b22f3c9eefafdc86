from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dl4art.siamese.comparison import Control
from dl4art.siamese.encoded import cautions, joined
from dl4art.siamese.stability import CropNeeds


@pytest.fixture
def both(comparer, plate):
    return [comparer.encode(plate(seed, f"plate {seed}"), crops=8) for seed in (1, 2)]


def test_comparing_encoded_canvases_is_comparing_their_plates(comparer, both, plate):
    plates = [plate(seed, f"plate {seed}") for seed in (1, 2)]
    assert comparer.compare_encoded(*both) == comparer.compare(*plates, crops=8)


def test_a_canvas_keeps_what_a_result_says_of_it(both):
    canvas = both[0]
    assert canvas.vectors.shape[:2] == (canvas.record.crops, 2)
    assert canvas.record.file == "plate 1"
    assert canvas.densities.vertical == canvas.record.vertical_per_cm == pytest.approx(12, abs=0.5)
    assert canvas.counter == "test-counter"
    # crops do not overlap
    places = np.array(canvas.record.positions_cm)
    apart = np.abs(places[:, None] - places[None]).max(axis=-1) + 9 * np.eye(len(places))
    assert apart.min() >= canvas.record.crop_cm - 1e-6


@pytest.mark.parametrize(
    ("change", "said"),
    [({"crops": 3}, "3 crops are too few"), ({"px_per_cm": 150.0}, "resampled"), ({"sha256": "ab"}, "same picture")],
)
def test_what_weakens_a_comparison_is_said(both, change, said):
    first = replace(both[0], record=replace(both[0].record, sha256="ab"))
    second = replace(both[1], record=replace(both[1].record, **change))
    assert said in " ".join(cautions(first, second, halved=False, needs=CropNeeds(4, 4, True)))
    assert said not in " ".join(cautions(*both, halved=False, needs=CropNeeds(4, 4, True)))


def test_a_count_that_may_be_halved_is_said_with_both_names(both):
    (text, *_) = cautions(*both, halved=True, needs=CropNeeds(1, 1, True))
    assert "plate 1 is half or twice that of plate 2" in text


# Several plates of one canvas


def control_of(vectors, seed):
    return Control(float(vectors.mean()), 0.0, 1.0, len(vectors))


@given(st.lists(st.integers(4, 12), min_size=1, max_size=4), st.integers(4, 30), st.randoms(use_true_random=False))
def test_crops_are_shared_out_evenly_whatever_the_order_of_the_plates(made_up, crops, wanted, random):
    plates = [made_up(number, crops=count) for number, count in enumerate(crops)]
    found = joined(plates, "canvas", control_of, wanted)
    if len(plates) > 1:
        shares = [np.isin(found.vectors[:, 0, 0], plate.vectors[:, 0, 0]).sum() for plate in plates]
        assert sum(shares) == len(found.vectors) == found.record.crops == min(wanted, sum(crops))
        # none has two more than another that has some left
        assert all(share >= max(shares) - 1 for share, count in zip(shares, crops, strict=True) if share < count)
    random.shuffle(plates)
    again = joined(plates, "canvas", control_of, wanted)
    assert (found.record, found.content_seed, set(found.notes)) == (again.record, again.content_seed, set(again.notes))
    np.testing.assert_array_equal(found.vectors, again.vectors)


def test_densities_of_a_joined_canvas_are_those_of_all_its_crops(made_up):
    plates = [made_up(1, densities=(12, 15)), made_up(2, densities=(14, 15))]
    found = joined(plates, "canvas", control_of, 16)
    assert found.record.vertical_per_cm == pytest.approx(13, abs=0.05)
    assert found.densities.vertical_sd == pytest.approx(1, abs=0.1)
    assert found.record.vertical_sd == found.densities.vertical_sd
    assert found.record.file == "canvas"
    assert len(found.record.positions_cm) == len(found.counted) == 16
    assert {"8 crops of 1.tif", "8 crops of 2.tif", "1.tif: a note"} <= set(found.notes)


def test_plates_of_two_scales_and_copies_are_told(made_up):
    plates = [made_up(1), made_up(2, px_per_cm=100.0), made_up(1, file="copy.tif")]
    found = joined(plates, "canvas", control_of, 16)
    assert found.record.crops == 16
    assert found.record.px_per_cm == 100
    assert "1 of its plates show the same as another and count once" in found.notes
    assert "its plates have 100 to 200 px/cm: all were resampled to 200" in found.notes


def test_one_plate_stays_what_it_is(made_up):
    plate = made_up(1)
    assert joined([plate], "canvas", control_of, 4).record == plate.record
