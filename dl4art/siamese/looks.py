"""Ways to look at crops before they are compared: by the densities that were counted, and by those that may be meant.

Threads that lie in pairs look like single ones where a film is soft: the counter then finds half their density. Nothing
in the crop alone tells, but another crop of the same cloth, on which the threads were counted one by one, has twice the
density in that direction and the same in the other. Crops that differ so are looked at by the doubled density as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from dl4art.siamese.calibration import Densities

Array = npt.NDArray[np.float32]
Floats = npt.NDArray[np.floating[Any]]

FACTORS = ((2.0, 1.0), (1.0, 2.0))
"""By what vertical and horizontal densities are multiplied: one of the two counts may be half of what it should be."""
AGREE = 0.2
"""Log densities up to which two crops agree: a count that is half of the truth is so only roughly."""
_DENSEST = 45.0  # th/cm; there is no finer cloth


class CountedCanvas(Protocol):
    """Encoded crops of a canvas, such as `dl4art.siamese.encoded.EncodedCanvas`."""

    @property
    def vectors(self) -> Array:
        """By the densities as they are counted, (n, 2, d)."""

    @property
    def counted(self) -> npt.NDArray[np.float64]:
        """These and the half-widths of their intervals, (n, 2, 2)."""

    @property
    def densities(self) -> Densities:
        """Of all crops together."""

    @property
    def pixels(self) -> npt.NDArray[Any] | None:
        """Crops themselves, (n, rows, cols), if they are at hand."""


@dataclass(frozen=True, eq=False)
class Looks:
    """What `FabricComparer.score_pairs` sees of n crops."""

    views: tuple[Array, Array]
    """Vectors (n, 2, d) by the first guess of the densities, and by the second where nothing was counted."""
    guessed: Floats
    """Densities of both views, (n, 2, 2), th/cm."""
    spectra: Array
    """(n, 2, k), from `dl4art.siamese.spectra.spectrum_vectors`."""
    doubtful: npt.NDArray[np.bool_]
    """(n,), crops whose threads cannot be counted."""
    doubled: Array
    """Vectors by the densities that `doubled_densities` gives, (n, 4, 2, d); NaN where they were not asked for."""

    def __getitem__(self, chosen: Any) -> Looks:
        """Look at some of the crops only."""
        first, second = self.views
        rest = (self.guessed[chosen], self.spectra[chosen], self.doubtful[chosen], self.doubled[chosen])
        return Looks((first[chosen], second[chosen]), *rest)

    @property
    def density(self) -> Floats:
        """Densities by the first guess, (n, 2)."""
        return self.guessed[:, 0]


def join_looks(parts: Sequence[Looks]) -> Looks:
    """All crops of several lists."""
    first, second = (np.concatenate([part.views[view] for part in parts]) for view in (0, 1))
    names = ("guessed", "spectra", "doubtful", "doubled")
    rest = (np.concatenate([getattr(part, name) for part in parts]) for name in names)
    return Looks((first, second), *rest)


def doubled_densities(guessed: Floats, doubtful: npt.NDArray[np.bool_]) -> Floats:
    """Densities that may be meant where one count is half of what it should be.

    Parameters
    ----------
    guessed : (n, 2, 2) array
        Vertical and horizontal densities of n crops by a first guess and by a second, th/cm.
    doubtful : (n,) array
        Crops whose second guess counts.

    Returns
    -------
    (n, 4, 2) array
        The first guess times each of `FACTORS`, then the second; NaN for none.
    """
    density = (guessed[:, :, None] * np.array(FACTORS)).reshape(len(guessed), 2 * len(FACTORS), 2)
    asked = np.repeat(np.stack([np.ones_like(doubtful), doubtful], axis=1), len(FACTORS), axis=1)
    return np.where((asked & (density <= _DENSEST).all(axis=-1))[..., None], density, np.nan)


def agree(first: Floats, second: Floats) -> npt.NDArray[np.bool_]:
    """Whether densities are about the same, straight or turned by a quarter: (n, 2) and (m, 2) to (n, m)."""
    with np.errstate(invalid="ignore"):
        apart = [np.abs(np.log(first[:, None] / other[None])).max(axis=-1) for other in (second, second[:, ::-1])]
        near: npt.NDArray[np.bool_] = np.minimum(*apart) < AGREE
    return near
