"""Plain spectra of crops: what is left to compare where threads cannot be counted, and so not be framed either."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from dl4art.siamese.similarity import PairScores

Array = npt.NDArray[np.float32]

SIDE = 300
"""Pixels of a crop that are looked at: 1.5 cm at 200 px/cm."""
_REACH = 45  # waves across those, up to which the spectrum is looked at: 30 in 1 cm
_BLUR = 1.0  # in waves; two crops of one cloth differ by as much


def spectrum_vectors(pictures: Sequence[npt.NDArray[Any]]) -> Array:
    """Log power spectra of crops as vectors of length one: as they lie and turned by a quarter, (n, 2, d).

    Of a larger crop the middle counts; a smaller one lies on an empty ground.

    Parameters
    ----------
    pictures : sequence of (rows, cols) arrays
        Grey crops at 200 px/cm, negative or positive.
    """
    middle = slice(SIDE // 2 - _REACH, SIDE // 2 + _REACH + 1)
    vectors = np.zeros((len(pictures), 2, (2 * _REACH + 1) ** 2), np.float32)
    for number, picture in enumerate(pictures):
        rows, cols = (slice((side - min(side, SIDE)) // 2, (side + min(side, SIDE)) // 2) for side in picture.shape)
        cut = np.asarray(picture[rows, cols], np.float64)
        even = (cut - cut.mean()) / (cut.std() + 1e-6) * np.hanning(cut.shape[0])[:, None] * np.hanning(cut.shape[1])
        power = np.abs(np.fft.fftshift(np.fft.fft2(even, s=(SIDE, SIDE)))) ** 2
        spectrum = np.log1p(ndimage.gaussian_filter(power[middle, middle], _BLUR))
        spectrum -= spectrum.mean()
        spectrum /= np.linalg.norm(spectrum) + 1e-12
        vectors[number] = spectrum.ravel(), spectrum.T.ravel()
    return vectors


def with_spectra(
    scores: PairScores,
    first: Array,
    second: Array,
    doubtful: npt.NDArray[np.bool_],
    *,
    weight: float,
    middle: float,
) -> PairScores:
    """Add what the spectra say to the scores of doubtful pairs.

    Parameters
    ----------
    scores : PairScores
        Of n and m crops.
    first, second : (n, 2, d) and (m, 2, d) arrays
        From `spectrum_vectors`.
    doubtful : (n, m) array of bool
        Pairs in which the threads of a crop could not be counted.
    weight, middle : float
        What a cosine of spectra is worth in log odds, and the one that says nothing.
    """
    straight, turned = (first[:, 0] @ second[:, way].T for way in (0, 1))
    bonus = weight * doubtful
    return PairScores(scores.straight + bonus * (straight - middle), scores.turned + bonus * (turned - middle))
