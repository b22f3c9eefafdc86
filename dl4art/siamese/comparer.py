"""Comparing canvases with the network: two plates in, one similarity with its interval and a verdict out."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import chain, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from dl4art.cropping.plate import PX_PER_CM, Plate
from dl4art.siamese.calibration import Calibration, bolts_apart, halved
from dl4art.siamese.canvas import (
    CROPS,
    asked_densities,
    readable_crops,
)
from dl4art.siamese.comparison import MEANINGS, Comparison, Control, limits_of
from dl4art.siamese.encoded import ENCODING, EncodedCanvas, canvas_record, cautions, joined
from dl4art.siamese.false_matches import expected_matches
from dl4art.siamese.looks import FACTORS, CountedCanvas, Looks, agree, doubled_densities
from dl4art.siamese.similarity import PairScores, best_of, content_seed, evidence, interval
from dl4art.siamese.spectra import spectrum_vectors, with_spectra
from dl4art.siamese.stability import CropNeeds
from dl4art.utils.backend import load_keras
from dl4art.utils.errors import ModelError
from dl4art.utils.models import ModelFolder, find_model
from dl4art.utils.provenance import versions
from dl4art.utils.weights import check_sides, check_weights

if TYPE_CHECKING:
    from dl4art.regression.count_plate import Counter

DEFAULT_MODEL = "fabrics"
"""The model that is shipped."""
Array = npt.NDArray[np.float32]
Pictures = Sequence[npt.NDArray[Any]] | npt.NDArray[Any]

_PAIRS = 20_000  # scored at a time


@dataclass(frozen=True, eq=False)
class FabricComparer:
    """Compares cloths with the shipped network, or with one from a model folder.

    Crops are counted, brought into the frame of their threads and encoded once, two vectors each; a small head scores
    all pairs of two canvases on these (the idea of aggregating many pairs is that of Murillo-Fuentes et al., arXiv
    2506.20272; network and aggregation are our own).

    Make one with `from_pretrained`.
    """

    folder: ModelFolder
    calibration: Calibration
    encoder: Any = field(repr=False)
    head: Any = field(repr=False)
    counter: Counter | None = field(default=None, repr=False)
    """Measures the densities of crops and canvases; the shipped thread counter, once it is needed, if None."""

    @classmethod
    def from_pretrained(cls, model: str | Path | None = None, *, counter: Counter | None = None) -> FabricComparer:
        """Load a comparer.

        Parameters
        ----------
        model : str or path, optional
            Name of a shipped model or a model folder; the shipped one if left out.
        counter : Counter, optional
            What finds readable crops and their densities; the shipped thread counter if left out.

        Raises
        ------
        ModelError
            If there is no such model, or its files are not whole.
        """
        folder = find_model(model or DEFAULT_MODEL, room="siamese")
        load_keras()
        from dl4art.siamese import encoder as networks

        check_sides(folder.path, _sides(folder.config.get("network")))
        check_weights(folder.weights)
        try:
            made_of: dict[str, Any] = {
                name: tuple(value) if isinstance(value, list) else value
                for name, value in folder.config["network"].items()
            }
            both = networks.PairNetwork(networks.EncoderSettings(**made_of))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what does not fit is an error, and said once
                both.load_weights(folder.weights)
            calibration = Calibration.from_dict(folder.calibration)
            # what is read of it later must be there, too
            CropNeeds.of(calibration, folder.calibration)
            expected_matches(folder.calibration, 1)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError) as error:
            raise ModelError(f"{folder.path}: cannot be loaded as a fabric comparer ({error})") from error
        return cls(folder, calibration, both.encoder, both.head, counter)

    @property
    def name(self) -> str:
        """Name and first digits of the hash: enough to tell two models apart."""
        return f"{self.folder.name} {self.folder.sha256[:8]}"

    @property
    def needs(self) -> CropNeeds:
        """How many crops of each canvas a verdict needs."""
        return CropNeeds.of(self.calibration, self.folder.calibration)

    def score_pairs(self, crops_a: Pictures, crops_b: Pictures, *, px_per_cm: float = PX_PER_CM) -> Array:
        """Score each crop of one list with each of another.

        Crops whose threads cannot be counted are looked at in two frames, by the counter's guess and by the spectrum,
        and scored in those that agree best; how alike their spectra are as they lie counts as well. Where twice a
        density of the one crop is that of the other, they are looked at that way, too.

        Parameters
        ----------
        crops_a, crops_b : arrays of shape (n, rows, cols) and (m, rows, cols), or sequences of (rows, cols) arrays
            Grey crops of any real type, negative or positive, each side at least 1 cm; 300 x 300 px by rights.
        px_per_cm : float
            Their scale; other than 200 px/cm they are resampled.

        Returns
        -------
        ndarray of shape (n, m), float32
            Pair scores, 0 to 1: how much the two look like one cloth, straight or turned by a quarter. For two
            canvases, `compare` makes more of them than their mean.

        Raises
        ------
        InputError
            If a crop is not grey, not finite or smaller than 1 cm.
        """
        grey = [_prepared(crops, px_per_cm) for crops in (crops_a, crops_b)]
        first, second = (self.look(crops) for crops in grey)
        first, second = self.double(first, grey[0], second.density), self.double(second, grey[1], first.density)
        logits = self.score_looks(first, second).logits
        scores: Array = (1 / (1 + np.exp(-np.clip(logits, -80, 80)))).astype(np.float32)
        return scores

    def compare(
        self,
        plate_a: Plate,
        plate_b: Plate,
        *,
        crops: int = CROPS,
        seed: int = 0,
        advance: Callable[[int], None] = lambda _crops: None,
    ) -> Comparison:
        """Compare two canvases.

        Parameters
        ----------
        plate_a, plate_b : Plate
            From `read_plate`. Their order does not matter.
        crops : int
            How many crops of each to use, at least four; fewer are where a plate has fewer readable ones.
        seed : int
            Of the choice of crops and of the interval.
        advance : callable
            Told how many crops have just been found.

        Returns
        -------
        Comparison

        Raises
        ------
        InputError
            If a plate has fewer than four readable crops, or cannot be read.
        """
        first, second = (self.encode(plate, crops=crops, seed=seed, advance=advance) for plate in (plate_a, plate_b))
        return self.compare_encoded(first, second)

    def encode(
        self,
        plate: Plate,
        *,
        crops: int = CROPS,
        seed: int = 0,
        advance: Callable[[int], None] = lambda _crops: None,
    ) -> EncodedCanvas:
        """Find readable crops of a canvas, count and encode them: all that a comparison needs of it.

        Parameters
        ----------
        plate, crops, seed, advance
            As for `compare`.

        Raises
        ------
        InputError
            If the plate has fewer than four readable crops, or cannot be read.
        """
        counter = self._counter()
        canvas = readable_crops(plate, counter, count=crops, seed=seed, advance=advance)
        vectors = self.embed(canvas.pixels, density=canvas.counted[:, 0])
        own_seed = content_seed(canvas.pixels, seed)
        assumed = (f"scale {plate.scale_source}",) if plate.scale_source.startswith("assumed") else ()
        return EncodedCanvas(
            canvas_record(plate, canvas, self._control(vectors, own_seed)),
            vectors,
            canvas.counted,
            own_seed,
            (*assumed, *plate.notes, *canvas.remarks),
            getattr(counter, "name", type(counter).__name__),
            seed,
            canvas.pixels,
        )

    def settings(self, *, crops: int = CROPS, seed: int = 0) -> dict[str, Any]:
        """All that `encode` depends on besides the plate: what was encoded with other settings cannot be compared."""
        judged_by = hashlib.sha256(json.dumps(self.calibration.to_dict(), sort_keys=True).encode()).hexdigest()
        return {
            "model": self.name,
            "calibration": judged_by[:8],
            "counter": getattr(self._counter(), "name", type(self.counter).__name__),
            "encoding": ENCODING,
            "crops": crops,
            "seed": seed,
        }

    def join(self, plates: Sequence[EncodedCanvas], name: str, *, crops: int = CROPS) -> EncodedCanvas:
        """Make one canvas of its plates, each encoded by itself; `crops` of them are shared out among the plates."""
        return joined(plates, name, self._control, crops)

    def compare_encoded(self, first: EncodedCanvas, second: EncodedCanvas) -> Comparison:
        """Compare two canvases that `encode` has been through, by the same model and with the same seed."""
        scores = self.pair_scores(*self.meant(first, second))
        similarity, low, high = self._judged(scores, (first.content_seed, second.content_seed))
        apart, doubled = (bolts_apart(first.densities, second.densities, doubled=yes) for yes in (False, True))
        fewest = min(first.record.crops, second.record.crops)
        verdict = self.calibration.verdict(low, high, apart, doubled, fewest)
        same_below, different_above = self.calibration.ranks(similarity)
        ratio = self.calibration.likelihood_ratio
        return Comparison(
            similarity,
            low,
            high,
            verdict,
            MEANINGS[verdict],
            scores.straight.size,
            bool(scores.turned.mean() > scores.straight.mean()),
            apart,
            ratio(similarity),
            ratio(low),
            ratio(high),
            same_below,
            different_above,
            first.record,
            second.record,
            tuple(cautions(first, second, halved=doubled <= 1 < apart, needs=self.needs)),
            self.name,
            self.folder.sha256,
            first.counter,
            first.seed,
            versions(),
            limits_of(self.folder.calibration),
        )

    def meant(self, first: CountedCanvas, second: CountedCanvas) -> tuple[Array, Array]:
        """Give the vectors by which two canvases are compared, (n, 2, d) and (m, 2, d).

        They are those by the densities as counted, unless these are of one bolt only with one of them doubled, and the
        canvases are more alike with it doubled than without. That needs the crops of the canvas.
        """
        best = first.vectors, second.vectors
        if not halved(first.densities, second.densities):
            return best
        ways = [best]
        for swap, (one, other) in enumerate(((first, second), (second, first))):
            for factors in FACTORS:
                if one.pixels is not None and bolts_apart(one.densities.times(factors), other.densities) <= 1:
                    vectors = self.embed(one.pixels, density=one.counted[:, 0] * factors)
                    ways.append((other.vectors, vectors) if swap else (vectors, other.vectors))
        return max(ways, key=lambda both: evidence(self.pair_scores(*both)))

    def embed(self, pictures: Pictures, px_per_cm: float = PX_PER_CM, density: npt.ArrayLike | None = None) -> Array:
        """Encode pictures, each once: the vectors of the vertical and of the horizontal threads, (n, 2, d).

        They are looked at in the frame of their threads, for which their densities, (n, 2) in th/cm, must be known;
        left out, they are counted.
        """
        grey = _prepared(pictures, px_per_cm)
        if density is None:
            density = asked_densities(self._counter(), grey)[1][:, 0]
        return self._encoded(grey, np.asarray(density, np.float64).reshape(-1, 2))

    def look(
        self,
        pictures: Pictures,
        px_per_cm: float = PX_PER_CM,
        *,
        counts: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None = None,
    ) -> Looks:
        """Look at crops in all the ways that `score_pairs` compares.

        Parameters
        ----------
        pictures, px_per_cm
            As for `score_pairs`.
        counts : (n, 2) and (n, 2, 2) arrays, optional
            Their densities as counted, NaN where they cannot be, and as guessed; found if left out.
        """
        grey = _prepared(pictures, px_per_cm)
        if counts is None:
            asked, guessed = asked_densities(self._counter(), grey)
            counted = asked[:, 0]
        else:
            counted, guessed = counts
        first = self._encoded(grey, guessed[:, 0])
        second = first.copy()
        doubtful = np.asarray(np.isnan(counted).any(axis=1))
        if doubtful.any():
            refused = [grey[index] for index in np.flatnonzero(doubtful)]
            second[doubtful] = self._encoded(refused, guessed[doubtful, 1])
        doubled = np.full((len(first), 2 * len(FACTORS), *first.shape[1:]), np.nan, np.float32)
        return Looks((first, second), guessed, spectrum_vectors(grey), doubtful, doubled)

    def double(self, looks: Looks, pictures: Pictures, beside: npt.NDArray[np.floating[Any]]) -> Looks:
        """Look at crops by twice a density as well, where they agree then with others.

        Parameters
        ----------
        looks : Looks
            What `look` gives of them.
        pictures : sequence of n arrays
            The crops, at 200 px/cm.
        beside : (m, 2) array
            Densities of those they are to be compared with, th/cm.
        """
        doubled = looks.doubled.copy()
        for way, density in enumerate(doubled_densities(looks.guessed, looks.doubtful).swapaxes(0, 1)):
            asked = np.flatnonzero(agree(density, beside).any(axis=1))
            if len(asked):
                grey = _prepared([pictures[index] for index in asked.tolist()], PX_PER_CM)
                doubled[asked, way] = self._encoded(grey, density[asked])
        return replace(looks, doubled=doubled)

    def score_looks(self, first: Looks, second: Looks) -> PairScores:
        """Score each crop of one list with each of another as `score_pairs` does; from `look` and `double`."""
        plain = (self.pair_scores(a, b) for a, b in product(first.views, second.views))
        turned_about = (table.T for table in self.doubled_scores(second, first))
        scores = best_of(chain(plain, self.doubled_scores(first, second), turned_about))
        doubtful = first.doubtful[:, None] | second.doubtful
        return with_spectra(
            scores,
            first.spectra,
            second.spectra,
            doubtful,
            weight=self.calibration.spectrum_weight,
            middle=self.calibration.spectrum_middle,
        )

    def doubled_scores(self, one: Looks, other: Looks) -> Iterator[PairScores]:
        """Score crops with densities of the one list doubled; minus infinity where they do not agree then."""
        for way, density in enumerate(doubled_densities(one.guessed, one.doubtful).swapaxes(0, 1)):
            rows = np.flatnonzero(np.isfinite(one.doubled[:, way]).all(axis=(1, 2)))
            where = agree(density[rows], other.density)
            if where.any():
                table = self.pair_scores(one.doubled[rows, way], other.views[0])
                whole = np.full((2, len(density), len(other.density)), -np.inf)
                odds = np.stack([table.straight, table.turned]) + self.calibration.doubled_odds
                whole[:, rows] = np.where(where, odds, -np.inf)
                yield PairScores(*whole)

    def _encoded(self, grey: Sequence[Array], density: npt.NDArray[np.float64]) -> Array:
        from dl4art.siamese.encoder import encode_frames
        from dl4art.siamese.frame import thread_frame

        frames = [thread_frame(picture, own) for picture, own in zip(grey, density, strict=True)]
        return encode_frames(self.encoder, frames, density)

    def _counter(self) -> Counter:
        return self.counter or _shipped_counter()

    def pair_scores(self, first: Array, second: Array) -> PairScores:
        """Score all pairs of n and m encoded crops, (n, 2, d) and (m, 2, d)."""
        keras = load_keras()
        logits = np.zeros((len(first), len(second), 2))
        rows = max(1, _PAIRS // max(1, len(second)))
        for start in range(0, len(first) if len(second) else 0, rows):
            part = self.head(first[start : start + rows], second)
            logits[start : start + rows] = keras.ops.convert_to_numpy(part)
        return PairScores(logits[..., 0], logits[..., 1])

    def _judged(self, scores: PairScores, seeds: tuple[int, int]) -> tuple[float, float, float]:
        """Similarity and its interval."""
        low, high = interval(scores, seeds)
        similarity, low, high = self.calibration.similarity([evidence(scores), low, high]).tolist()
        return similarity, low, high

    def _control(self, vectors: Array, seed: int) -> Control:
        scores = self.pair_scores(vectors[::2], vectors[1::2])
        return Control(*self._judged(scores, (seed, seed + 1)), scores.straight.size)


def _sides(network: Any) -> Any:
    """All numbers of channels in what a configuration says of the networks."""
    if not isinstance(network, dict):
        return network
    return [side for value in network.values() for side in (value if isinstance(value, list) else [value])]


def _prepared(pictures: Pictures, px_per_cm: float) -> list[Array]:
    from dl4art.regression.counter import prepared

    return [prepared(picture, px_per_cm) for picture in pictures]


@lru_cache(maxsize=1)
def _shipped_counter() -> Counter:
    from dl4art.regression import CombinedCounter

    return CombinedCounter.from_pretrained()
