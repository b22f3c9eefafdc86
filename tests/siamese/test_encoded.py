from dataclasses import replace

import numpy as np
import pytest

from dl4art.siamese.encoded import cautions


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
    assert said in " ".join(cautions(first, second, halved=False, enough=4))
    assert said not in " ".join(cautions(*both, halved=False, enough=4))


def test_a_count_that_may_be_halved_is_said_with_both_names(both):
    (text, *_) = cautions(*both, halved=True, enough=1)
    assert "plate 1 is half or twice that of plate 2" in text
