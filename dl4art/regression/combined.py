"""Network and spectrum together: the default counter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from dl4art.regression.calibration import Floats, features
from dl4art.regression.choice import Opinions, choose, odds, second_guess
from dl4art.regression.counter import SCALES, Array, Readings, ThreadCounter, blended, judged, prepared
from dl4art.regression.estimate import ThreadEstimate
from dl4art.regression.legibility import CLIPPED, blank_share, clipped_share
from dl4art.regression.spectral import refine_density, spectral_peaks
from dl4art.regression.weave import FEATURES, weave_features, weave_logit

FINER = 1.3
"""A larger scale at which pictures are read too: fine cloth is easier to see there."""
EVERY_SCALE = (FINER, *SCALES)
FINENESS = (6.0, 3.0, 1.0, 1.0, 3.0)
"""How much each candidate of `opinions_of` counts where several are right: the phase is finer than the network."""
_REACH = 0.08  # how far from the network's density the spectrum is searched, as a share of it
_HIDDEN = 0.1  # share of a picture without weave that is told as the reason why it cannot be read
_CLIPPED = "too much of it is clipped to one tone"
_UNSEEN = "no weave shows in a part of it"


@dataclass(frozen=True, eq=False)
class CombinedCounter:
    """Network and spectrum together: each is asked in several ways, and the likeliest answer is believed.

    The network reads a picture at several scales, and says where the spectrum's peak must lie; the phase of the threads
    near it refines that, and the spectrum is asked without the network too. Which of these to believe, and whether any
    of them, is told by `dl4art.regression.choice`. Other weaves than plain are told by their spectrum too.
    """

    network: ThreadCounter

    @classmethod
    def from_pretrained(cls, model: str | Path | None = None) -> CombinedCounter:
        """Load the network as `ThreadCounter.from_pretrained` does."""
        return cls(ThreadCounter.from_pretrained(model))

    @property
    def name(self) -> str:
        """Name of the network with the first digits of its hash."""
        return self.network.name

    def predict(
        self, pictures: Sequence[npt.NDArray[Any]] | npt.NDArray[Any], *, px_per_cm: float = 200.0
    ) -> list[ThreadEstimate]:
        """Count the threads in pictures; parameters, result and errors as `ThreadCounter.predict`."""
        grey = [prepared(picture, px_per_cm) for picture in pictures]
        return self.judge(*self.look(grey)) if grey else []

    def presume(self, pictures: Sequence[npt.NDArray[Any]] | npt.NDArray[Any]) -> Array:
        """Densities also where there is no estimate; as `ThreadCounter.presume`, but the likeliest of all readings."""
        return self.guesses(pictures)[0]

    def guesses(self, pictures: Sequence[npt.NDArray[Any]] | npt.NDArray[Any]) -> tuple[Array, Array]:
        """Likeliest densities of pictures at 200 px/cm, and the next likeliest; (n, 2) each, th/cm."""
        grey = [prepared(picture, 200.0) for picture in pictures]
        if not grey:
            return np.zeros((0, 2), np.float32), np.zeros((0, 2), np.float32)
        opinions = opinions_of(*self.look(grey), self.network.calibration)
        logits = odds(opinions, self.network.calibration.choice)
        density, _ = choose(opinions.candidates, logits, FINENESS)
        return density, second_guess(opinions.candidates, logits, density)

    def look(self, grey: Sequence[Array] | npt.NDArray[Any]) -> tuple[Readings, Evidence]:
        """Ask network and spectrum about n pictures at 200 px/cm."""
        scales = self.network.read_scales(grey, EVERY_SCALE)
        reading = blended(scales)
        return reading, evidence_of(grey, reading, scales)

    def judge(self, reading: Readings, evidence: Evidence) -> list[ThreadEstimate]:
        """Turn what `look` says of n pictures into estimates, or the reasons why there are none."""
        calibration = self.network.calibration
        opinions = opinions_of(reading, evidence, calibration)
        density, logit = choose(opinions.candidates, odds(opinions, calibration.choice), FINENESS)
        half = calibration.half_width(doubt_features(reading, evidence, logit) @ np.array(calibration.doubt))
        legible = legibility(reading, evidence) @ np.array(calibration.legibility) >= calibration.legible
        clipped = evidence.clipped > CLIPPED
        doubtful = (-logit > calibration.combined_limit) | ~legible | clipped[:, None]
        hidden = ~legible.all(axis=1) & (evidence.blank > _HIDDEN)
        other = weave_logit(evidence.weave, calibration.twill) > calibration.other_weave
        return [
            judged(
                calibration,
                part,
                density[index],
                doubtful=doubtful[index],
                half=half[index],
                reason=_CLIPPED if clipped[index] else _UNSEEN if hidden[index] else "",
                other_weave=bool(other[index]),
            )
            for index, part in enumerate(reading.each())
        ]


@dataclass(frozen=True, eq=False)
class Evidence:
    """What n pictures say beside the network's reading of them; axis 1 is vertical, horizontal threads."""

    density: Array
    """(n, 2), of the phase near the network's, th/cm."""
    quality: Array
    """(n, 2), of that, 0 to 1."""
    alone: Array
    """(n, 2, 4): density, quality, tilt and evidence against half and twice the density that the spectrum gives
    without the network; NaN for none."""
    scales: Array
    """(n, 2, s, 3): density, log error and logit of readability that the network gives at each of `EVERY_SCALE`; NaN
    where a picture is too small."""
    blank: Array
    """(n,), share of a picture in which no weave shows."""
    clipped: Array
    """(n,), share of a picture that is clipped."""
    weave: Array
    """(n, 2, 2, 19), `dl4art.regression.weave.weave_features`"""

    @classmethod
    def of_cells(cls, density: Array, quality: Array, blank: Array, clipped: Array) -> Evidence:
        """Of the cells of a map, where the spectrum is not asked without the network, nor for other weaves."""
        count = len(density)
        none = np.zeros((count, 2, 4), np.float32), np.zeros((count, 2, len(EVERY_SCALE), 3), np.float32)
        return cls(density, quality, *none, blank, clipped, np.zeros((count, 2, 2, FEATURES), np.float32))


def evidence_of(
    pictures: Sequence[npt.NDArray[Any]] | npt.NDArray[Any], reading: Readings, scales: Mapping[float, Readings]
) -> Evidence:
    """Ask the spectra of pictures, near the network's densities and without them."""
    rows = [
        _look(np.asarray(picture, np.float32), part) for picture, part in zip(pictures, reading.each(), strict=True)
    ]
    density, quality, alone, blank, clipped, weave = (np.array(part, np.float32) for part in zip(*rows, strict=True))
    parts = [np.stack([found.density, found.log_error, found.readable], axis=-1) for found in scales.values()]
    return Evidence(density, quality, alone, np.stack(parts, axis=2), blank, clipped, weave)


def _look(picture: Array, reading: Readings) -> tuple[Any, ...]:
    (vertical, horizontal), (tilt_v, tilt_h) = reading.density[0].tolist(), reading.tilt[0].tolist()
    peaks = refine_density(
        picture, 200.0, vertical, horizontal, tilt_vertical=tilt_v, tilt_horizontal=tilt_h, reach=_REACH
    )
    density = np.array([peak.density for peak in peaks], np.float32)
    density = np.where(np.isfinite(density), density, reading.density[0])
    alone = [
        (peak.density, peak.quality, peak.tilt, peak.octave) for peak in spectral_peaks(picture, 200.0, reading="phase")
    ]
    weave = weave_features(picture, 200.0, density, reading.tilt[0])
    quality = np.nan_to_num([peak.quality for peak in peaks])
    return density, quality, alone, blank_share(picture, 200.0, density), clipped_share(picture), weave


class Combining(Protocol):
    """What a calibration says of how far to follow the spectrum."""

    @property
    def spectral_share(self) -> float:
        """Weight of the spectrum's density at quality one."""

    @property
    def agreement(self) -> float:
        """Relative difference up to which spectrum and network are averaged."""


def combine(density: Array, evidence: Evidence, calibration: Combining) -> Array:
    """Average the network's densities, (n, 2), with those of the phase near them, where they agree."""
    apart = np.abs(evidence.density / density - 1)
    share = np.clip(np.float32(calibration.spectral_share) * evidence.quality, 0, 1) * (apart <= calibration.agreement)
    together: Array = (density + share * (evidence.density - density)).astype(np.float32)
    return together


def opinions_of(reading: Readings, evidence: Evidence, calibration: Combining) -> Opinions:
    """Collect all that is thought of the densities of n pictures."""
    finer, alone = evidence.scales[:, :, 0, 0], evidence.alone
    candidates = [
        combine(reading.density, evidence, calibration),
        evidence.density,
        reading.density,
        finer,
        alone[..., 0],
    ]
    known = [
        evidence.quality[..., None],
        np.abs(reading.tilt)[..., None],
        alone[..., 1:2],
        np.abs(alone[..., 2:3] - reading.tilt[..., None]),
        alone[..., 3:],
        reading.log_error[..., None],
        reading.readable[..., None],
        evidence.scales[..., 1],
        evidence.scales[..., 2],
        *(np.broadcast_to(share[:, None, None], (len(share), 2, 1)) for share in (evidence.blank, evidence.clipped)),
    ]
    return Opinions(np.stack(candidates, axis=-1), evidence.scales[:, :, 1:, 0], np.concatenate(known, axis=-1))


def evidence_features(reading: Readings, evidence: Evidence) -> Floats:
    """Give the `calibration.features` of readings and of the spectra of the same pictures, (n, 2, 5)."""
    near = np.abs(evidence.density / reading.density - 1)
    return features(reading.log_error, reading.readable, near=near, quality=evidence.quality)


def doubt_features(reading: Readings, evidence: Evidence, logit: Floats) -> Floats:
    """Give what speaks of the error of the chosen answers, (n, 2, 6), their `odds` among it."""
    return np.concatenate([evidence_features(reading, evidence), logit[..., None]], axis=-1)


def legibility(reading: Readings, evidence: Evidence) -> Floats:
    """Give what speaks for pictures being legible, (n, 2, 3): one, the network's logit, the share without weave."""
    blank = np.broadcast_to(evidence.blank[..., None], reading.readable.shape)
    return np.stack([np.ones_like(blank), reading.readable, blank], axis=-1)
