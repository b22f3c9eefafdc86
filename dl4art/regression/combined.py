"""Network and spectrum together: the default counter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from dl4art.regression.calibration import RISK, Floats, features
from dl4art.regression.counter import Array, Readings, ThreadCounter, judged, prepared
from dl4art.regression.estimate import ThreadEstimate
from dl4art.regression.legibility import CLIPPED, blank_share, clipped_share
from dl4art.regression.spectral import refine_density, spectral_peaks
from dl4art.regression.weave import FEATURES, weave_features, weave_logit

_REACH = 0.08  # how far from the network's density the spectrum is searched, as a share of it
_HIDDEN = 0.1  # share of a picture without weave that is told as the reason why it cannot be read


@dataclass(frozen=True, eq=False)
class CombinedCounter:
    """Network and spectrum together: the network says where the peak must lie, the spectrum refines it.

    Where both agree, the estimate lies between them, as near the spectrum's as its quality and the calibration say;
    where they do not, the network's stands. Disagreement, of the two or of the spectrum asked without the network,
    widens the interval and can end in no estimate. Other weaves than plain are told by their spectrum too.
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
        return [
            self.judge(reading, look(picture, reading))
            for picture, reading in zip(grey, self.network.read(grey).each(), strict=True)
        ]

    def presume(self, pictures: Sequence[npt.NDArray[Any]] | npt.NDArray[Any]) -> Array:
        """Densities also where there is no estimate; as `ThreadCounter.presume`, refined by the spectrum near them."""
        grey = [prepared(picture, 200.0) for picture in pictures]
        readings = self.network.read(grey).each()
        return np.array([_near(*parts)[0] for parts in zip(grey, readings, strict=True)], np.float32).reshape(-1, 2)

    def judge(self, reading: Readings, evidence: Evidence) -> ThreadEstimate:
        """Turn what the network and `look` say of one picture into an estimate, or the reason why there is none."""
        calibration = self.network.calibration
        density = combine(reading.density[0], evidence, calibration)
        known = evidence_features(reading, evidence)[0]
        risky = known[:, :RISK] @ np.array(calibration.risk) > calibration.combined_limit
        legible = legibility(reading, evidence)[0] @ np.array(calibration.legibility) >= calibration.legible
        clipped = bool(evidence.clipped > CLIPPED)
        reason = "too much of it is clipped to one tone" if clipped else ""
        if not reason and not legible.all() and evidence.blank > _HIDDEN:
            reason = "no weave shows in a part of it"
        return judged(
            calibration,
            reading,
            density,
            doubtful=risky | ~legible | clipped,
            half=calibration.half_width(known @ np.array(calibration.doubt), combined=True),
            reason=reason,
            other_weave=bool(weave_logit(evidence.weave, calibration.twill) > calibration.other_weave),
        )


@dataclass(frozen=True, eq=False)
class Evidence:
    """What a picture says beside the network's reading of it; for one picture or, with an axis n before, for many.

    Arrays are (2,), vertical and horizontal, but for the last three.
    """

    density: Array
    """Near the network's, th/cm."""
    quality: Array
    """Of that, 0 to 1."""
    alone: Array
    """Density that the spectrum would have given without the network; NaN for none."""
    blank: Array
    """(), share of the picture in which no weave shows."""
    clipped: Array
    """(), share of the picture that is clipped."""
    weave: Array
    """(2, 2, 19), `dl4art.regression.weave.weave_features`"""

    @classmethod
    def of_cells(cls, density: Array, quality: Array, blank: Array, clipped: Array) -> Evidence:
        """Of the cells of a map, where the spectrum is not asked without the network, nor for other weaves."""
        return cls(density, quality, density, blank, clipped, np.zeros((len(density), 2, 2, FEATURES), np.float32))


def look(picture: Array, reading: Readings) -> Evidence:
    """Ask the spectrum of one picture, near the network's densities and without them."""
    density, quality = _near(picture, reading)
    return Evidence(
        density,
        quality,
        np.array([peak.density for peak in spectral_peaks(picture, 200.0, reading="phase")], np.float32),
        np.array(blank_share(picture, 200.0, density), np.float32),
        np.array(clipped_share(picture), np.float32),
        weave_features(picture, 200.0, density, reading.tilt[0]).astype(np.float32),
    )


def _near(picture: Array, reading: Readings) -> tuple[Array, Array]:
    """Densities by the spectrum near the network's, and their qualities, (2,) each."""
    (vertical, horizontal), (tilt_v, tilt_h) = reading.density[0].tolist(), reading.tilt[0].tolist()
    peaks = refine_density(
        picture, 200.0, vertical, horizontal, tilt_vertical=tilt_v, tilt_horizontal=tilt_h, reach=_REACH
    )
    density = np.array([peak.density for peak in peaks], np.float32)
    quality = np.nan_to_num(np.array([peak.quality for peak in peaks], np.float32))
    return np.where(np.isfinite(density), density, reading.density[0]), quality


class Combining(Protocol):
    """What a calibration says of how far to follow the spectrum."""

    @property
    def spectral_share(self) -> float:
        """Weight of the spectrum's density at quality one."""

    @property
    def agreement(self) -> float:
        """Relative difference up to which spectrum and network are averaged."""


def combine(density: Array, evidence: Evidence, calibration: Combining) -> Array:
    """Combine the network's densities with those of the spectrum near them; all arrays of one shape."""
    apart = np.abs(evidence.density / density - 1)
    share = np.clip(np.float32(calibration.spectral_share) * evidence.quality, 0, 1) * (apart <= calibration.agreement)
    together: Array = (density + share * (evidence.density - density)).astype(np.float32)
    return together


def evidence_features(reading: Readings, evidence: Evidence) -> Floats:
    """Give the `calibration.features` of readings (n, 2) and of the spectra of the same pictures, (n, 2, 6)."""
    near = np.abs(evidence.density / reading.density - 1)
    alone = np.abs(evidence.alone / reading.density - 1)
    quality = np.broadcast_to(evidence.quality, near.shape)
    return features(reading.log_error, reading.readable, alone=alone, near=near, quality=quality)


def legibility(reading: Readings, evidence: Evidence) -> Floats:
    """Give what speaks for pictures being legible, (n, 2, 3): one, the network's logit, the share without weave."""
    blank = np.broadcast_to(evidence.blank[..., None], reading.readable.shape)
    return np.stack([np.ones_like(blank), reading.readable, blank], axis=-1)
