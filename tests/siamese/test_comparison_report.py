import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dl4art.siamese.bolts import draw_pair
from dl4art.siamese.comparison import WEIGHTIEST
from dl4art.siamese.comparison_figures import draw_densities, draw_pair_scores, draw_plate, draw_standing
from dl4art.siamese.comparison_report import SHOWN, WovenPlates, extreme_pairs, write_comparison
from dl4art.siamese.weave_match import match_weaves
from dl4art.siamese.weave_profiles import WeaveMap


@pytest.fixture
def compared(comparer, plate):
    plates = [plate(seed, f"<plate> {seed}") for seed in (1, 2)]
    canvases = [comparer.encode(each, crops=8) for each in plates]
    return plates, canvases, comparer.compare_encoded(*canvases)


@pytest.fixture
def page(comparer, compared, tmp_path):
    def make(weave=None, **changed):
        plates, canvases, result = compared
        path = tmp_path / "report.html"
        about = {"program": "dl4art"}
        write_comparison(path, comparer, plates, canvases, replace(result, **changed), about=about, weave=weave)
        return path.read_text(encoding="utf-8")

    return make


def test_the_report_is_one_file_that_shows_plates_and_crops(page):
    text = page()
    assert "<plate>" not in text
    assert "&lt;plate&gt; 1 and &lt;plate&gt; 2" in text
    sources = re.findall(r'(?:src|href)="([^"]{5})', text)
    # two plates, three figures, most and least alike crops
    assert sources == ["data:"] * (5 + 2 * SHOWN)
    assert "Weave match" not in text


@pytest.mark.parametrize("verdict", ["compatible", "unlike", "excluded", "undecided"])
def test_it_says_what_can_be_concluded_and_what_cannot(page, verdict):
    text = page(verdict=verdict, warnings=("look twice",))
    assert f"<strong>{verdict.capitalize()}</strong>" in text
    assert "<li>look twice</li>" in text
    cannot = {"compatible": "cannot be concluded that they are one", "excluded": "Check that the sizes"}
    assert cannot.get(verdict, "<li>") in text


def test_a_weave_match_is_shown_if_there_is_one(page):
    first, second = draw_pair(np.random.default_rng(1), related=True)
    found = match_weaves(first, second, surrogates=20)
    text = page(WovenPlates(first, second, found))
    assert "S" + found.sentence[1:60] in text
    assert text.count("<img") == 6 + 2 * SHOWN
    small = WeaveMap(first.vertical[:4, :4], first.horizontal[:4, :4], first.step_cm)
    nothing = match_weaves(small, small, surrogates=20)
    assert "Not enough overlap: " in page(WovenPlates(small, small, nothing))


def test_likelihood_ratios_are_said_the_right_way_round(compared):
    _, _, result = compared
    same = replace(result, likelihood_ratio=4.0, likelihood_ratio_low=0.5, likelihood_ratio_high=WEIGHTIEST)
    other = replace(result, likelihood_ratio=0.25, likelihood_ratio_low=0.01, likelihood_ratio_high=2.0)
    (first,) = [text for text in same.in_words() if "times as often" in text]
    (second,) = [text for text in other.in_words() if "times as often" in text]
    assert "canvases of one cloth look so alike 4 times as often as canvases of different" in first
    assert "0.5 to 100 or more" in first
    assert "densities look so alike 4 times as often as canvases of one cloth" in second
    assert "0.5 to 100 or more" in second


@given(arrays(float, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.floats(-9, 9)), st.integers(1, 8))
def test_no_crop_is_shown_twice_and_the_best_pair_comes_first(logits, count):
    most, least = (extreme_pairs(logits, count, most=most) for most in (True, False))
    for pairs, best in ((most, logits.max()), (least, logits.min())):
        rows, cols = zip(*pairs, strict=True)
        assert len(set(rows)) == len(set(cols)) == len(pairs) == min(count, *logits.shape)
        assert logits[pairs[0]] == best


def test_pictures_show_what_they_are_given(comparer, compared):
    plates, canvases, result = compared
    (axes,) = draw_plate(plates[0], result.a, "red").axes
    assert len(axes.patches) == result.a.crops
    (axes,) = draw_densities(result).axes
    means = {float(line.get_xdata()[0]) for line in axes.lines if line.get_marker() == "o"}
    assert {result.a.vertical_per_cm, result.b.horizontal_per_cm} <= means
    same, other = (tuple(np.linspace(start, start + 0.1, 101)) for start in (0.85, 0.05))
    (axes,) = draw_standing(result, replace(comparer.calibration, same=same, different=other)).axes
    gray, green = (patch.get_data() for patch in axes.patches[:2])
    assert gray.values.sum() == pytest.approx(100)
    assert gray.edges[np.flatnonzero(gray.values)].max() < 0 < green.edges[np.flatnonzero(green.values)].min()
    scores = comparer.pair_scores(canvases[0].vectors, canvases[1].vectors)
    for known, curves in (((), 3), (tuple(np.linspace(-1, 1, 101)), 5)):
        calibration = replace(comparer.calibration, pair_same=known, pair_different=known)
        (axes,) = draw_pair_scores(scores, [scores, scores], calibration).axes
        assert len(axes.patches) == curves
        assert [patch.get_data().values.sum() for patch in axes.patches] == pytest.approx([100] * curves)
