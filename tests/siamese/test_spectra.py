from __future__ import annotations

import numpy as np
import pytest

from dl4art.siamese.similarity import PairScores
from dl4art.siamese.spectra import spectrum_vectors, with_spectra


def woven(rng, vertical, horizontal, shape=(300, 300)):
    y, x = np.mgrid[: shape[0], : shape[1]] / 200
    threads = np.cos(2 * np.pi * vertical * x) + np.cos(2 * np.pi * horizontal * y)
    return 100 + 20 * threads + rng.normal(0, 5, shape)


def cosines(first, second, way=0):
    return first[:, 0] @ second[:, way].T


def test_one_cloth_is_more_like_itself_than_like_another(rng):
    crops = [woven(rng, 9, 13), woven(rng, 9, 13), woven(rng, 12, 16)]
    vectors = spectrum_vectors(crops)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=-1), 1, rtol=1e-5)
    like = cosines(vectors, vectors)
    assert like[0, 1] > like[0, 2] + 0.05


def test_negatives_exposure_and_half_turns_change_nothing(rng):
    crop = woven(rng, 9, 13)
    plain, negative, faint, turned = spectrum_vectors([crop, 255 - crop, 0.1 * crop + 40, crop[::-1, ::-1]])
    for other in (negative, faint, turned):
        assert float(plain[0] @ other[0]) == pytest.approx(1, abs=1e-3)


def test_the_second_vector_is_that_of_the_transposed_crop(rng):
    crop = woven(rng, 9, 13)
    upright, level = spectrum_vectors([crop, crop.T])
    np.testing.assert_allclose(upright, level[::-1], atol=1e-6)


def test_sizes_may_differ_and_flat_crops_are_like_nothing(rng):
    crops = [woven(rng, 9, 13), woven(rng, 9, 13, (220, 260)), woven(rng, 9, 13, (400, 360)), woven(rng, 17, 21)]
    like = cosines(*[spectrum_vectors(crops)] * 2)
    assert min(like[0, 1], like[0, 2]) > like[0, 3] + 0.05
    assert np.isfinite(spectrum_vectors([np.full((300, 300), 7)])).all()
    assert spectrum_vectors([]).shape[0] == 0


def test_only_doubtful_pairs_are_changed(rng):
    first, second = spectrum_vectors([woven(rng, 9, 13), woven(rng, 12, 16)]), spectrum_vectors([woven(rng, 13, 9)])
    scores = PairScores(np.zeros((2, 1)), np.zeros((2, 1)))
    doubtful = np.array([[True], [False]])
    found = with_spectra(scores, first, second, doubtful, weight=2.0, middle=0.5)
    assert found.straight[0, 0] == pytest.approx(2 * (cosines(first, second)[0, 0] - 0.5), abs=1e-6)
    assert found.turned[0, 0] == pytest.approx(2 * (cosines(first, second, 1)[0, 0] - 0.5), abs=1e-6)
    assert found.turned[0, 0] > found.straight[0, 0]
    assert found.straight[1, 0] == found.turned[1, 0] == 0
