"""Counting with the network: pictures in, thread densities with calibrated intervals out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dl4art.regression.calibration import Calibration
from dl4art.regression.estimate import ThreadEstimate
from dl4art.regression.preprocess import normalise
from dl4art.utils.backend import load_keras
from dl4art.utils.errors import InputError, ModelError, ScaleError
from dl4art.utils.model_files import ModelKind
from dl4art.utils.models import ModelFolder, find_model
from dl4art.utils.weights import check_sides, check_weights

DEFAULT_MODEL = "threads"
"""The model that is shipped."""
WINDOW = 200
COUNTER = ModelKind("counter", "regression", side="window_px", px=WINDOW)
"""What a model folder of this room is."""
COARSER = 0.75
"""A smaller scale at which a picture is read too, if it is large enough."""
SCALES = (1.0, COARSER, COARSER**2)
"""Scales that `ThreadCounter.read` makes one reading of."""
_FINEST = 24.0  # th/cm up to which a coarser reading is listened to, as the network sees it
_STEP = 6  # outputs (of 8 px) from one window to the next, at most: about a quarter of a window
_AT_ONCE = 200  # pictures of which resampled copies are held together
_BATCH_PIXELS = 3_000_000  # pictures that go through the network together hold no more than this

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Readings:
    """What the network reads in n pictures; axis 1 is vertical, horizontal threads."""

    density: Array
    """(n, 2), th/cm"""
    log_error: Array
    """(n, 2), natural logarithm of the relative error that the network expects of itself"""
    tilt: Array
    """(n, 2), degrees, counter-clockwise"""
    readable: Array
    """(n, 2), logit of readability"""

    def each(self) -> Iterator[Readings]:
        """One picture's readings after the other, axes kept."""
        for index in range(len(self.density)):
            part = slice(index, index + 1)
            yield Readings(**{name: getattr(self, name)[part] for name in Readings.__dataclass_fields__})


@dataclass(frozen=True, eq=False)
class ThreadCounter:
    """Counts threads with the shipped network, or with one from a model folder.

    The network is a small VGG regression trained with NMAE on simulated canvases (after Delgado et al., arXiv
    2303.15999, where a far larger one is trained on labelled crops). It has one direction only and sees each picture
    twice, the second time transposed; it works on windows of 1 cm and a picture's density is the mean over the windows
    in it, weighted by the trust the network has in each.

    Make one with `from_pretrained`.
    """

    folder: ModelFolder
    calibration: Calibration
    trunk: Any = field(repr=False)
    profiles: Array = field(repr=False)
    """(2, side): weights of a window's outputs along and across the threads, each summing to one."""

    @classmethod
    def from_pretrained(cls, model: str | Path | None = None) -> ThreadCounter:
        """Load a counter.

        Parameters
        ----------
        model : str or path, optional
            Name of a shipped model or a model folder; the shipped one if left out.

        Raises
        ------
        ModelError
            If there is no such model, or its files are not whole.
        """
        folder = find_model(model or DEFAULT_MODEL)
        if folder.config.get("architecture") == "vgg-inception":
            raise ModelError(
                f"{folder.path}: is a vgg-inception network, which reads single windows. It counts crops (python -m "
                "dl4art.count); for all else take a counter of architecture vgg."
            )
        keras = load_keras()
        from dl4art.regression.network import build_trainer, build_trunk

        sides = check_sides(folder.path, folder.config.get("filters"), 5)
        check_weights(folder.weights)
        try:
            trunk = build_trunk(sides)
            trainer = build_trainer(trunk)
            trainer.load_weights(folder.weights)
            calibration = Calibration.from_dict(folder.calibration)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, OSError) as error:
            raise ModelError(f"{folder.path}: cannot be loaded as a thread counter ({error})") from error
        raw = keras.ops.convert_to_numpy(trainer.get_layer("pool").profiles)
        raw = raw + raw[:, ::-1]
        profiles = np.exp(raw - raw.max(axis=1, keepdims=True))
        return cls(folder, calibration, trunk, profiles / profiles.sum(axis=1, keepdims=True))

    @property
    def name(self) -> str:
        """Name and first digits of the hash: enough to tell two models apart."""
        return f"{self.folder.name} {self.folder.sha256[:8]}"

    def read(self, pictures: Sequence[npt.NDArray[Any]] | npt.NDArray[Any]) -> Readings:
        """Read densities without judging them.

        A picture that is large enough is read again at three quarters of its size, where coarse or blurred cloth is
        easier to see, and if it can be at three quarters of that; a reading that the network trusts more counts more.

        Parameters
        ----------
        pictures : sequence of (rows, cols) arrays, or array of shape (n, rows, cols)
            Grey pictures at 200 px/cm, each side at least 200 px, of any real type.

        Returns
        -------
        Readings
        """
        return blended(self.read_scales(pictures))

    def read_scales(
        self, pictures: Sequence[npt.NDArray[Any]] | npt.NDArray[Any], scales: Sequence[float] = SCALES
    ) -> dict[float, Readings]:
        """Read pictures at several scales, each by itself.

        Parameters
        ----------
        pictures : sequence of (rows, cols) arrays, or array of shape (n, rows, cols)
            As for `read`.
        scales : sequence of float
            How many times as large a picture is made; with 1 among them.

        Returns
        -------
        dict
            Readings by their scale, NaN where a picture is too small for it.
        """
        found = {}
        for scale in scales:
            large = [i for i, picture in enumerate(pictures) if min(picture.shape) * scale >= WINDOW]
            found[scale] = Readings(*(np.full((len(pictures), 2), np.nan, np.float32) for _ in _FIELDS))
            for start in range(0, len(large), _AT_ONCE):
                some = large[start : start + _AT_ONCE]
                part = self._read([pictures[i] if scale == 1 else _resampled(pictures[i], scale) for i in some])
                for name in _FIELDS:
                    getattr(found[scale], name)[some] = getattr(part, name)
            found[scale].density[:] *= np.float32(scale)
        return found

    def _read(self, pictures: Sequence[npt.NDArray[Any]] | npt.NDArray[Any]) -> Readings:
        """Read pictures at the scale they have."""
        out = np.zeros((len(pictures), 2, 4), np.float32)
        for indices in _batches(pictures):
            normal = np.stack([normalise(pictures[index]) for index in indices])
            out[indices, 0] = self._pool(self._outputs(normal))
            out[indices, 1] = self._pool(self._outputs(normal.transpose(0, 2, 1)))
        # a transposed picture leans the other way
        tilt = 10 * out[:, :, 2] * np.array([1, -1], np.float32)
        return Readings(out[:, :, 0].copy(), out[:, :, 1], tilt, out[:, :, 3])

    def predict(
        self, pictures: Sequence[npt.NDArray[Any]] | npt.NDArray[Any], *, px_per_cm: float = 200.0
    ) -> list[ThreadEstimate]:
        """Count the threads in pictures.

        Parameters
        ----------
        pictures : sequence of (rows, cols) arrays, or array of shape (n, rows, cols)
            Grey pictures of any real type, negative or positive, each side at least 1 cm.
        px_per_cm : float
            Their scale; other than 200 px/cm they are resampled.

        Returns
        -------
        list of ThreadEstimate
            One for each picture, in order.

        Raises
        ------
        InputError
            If a picture is not grey, not finite or smaller than 1 cm.
        """
        grey = [prepared(picture, px_per_cm) for picture in pictures]
        return [self.judge(reading) for reading in self.read(grey).each()]

    def presume(self, pictures: Sequence[npt.NDArray[Any]] | npt.NDArray[Any]) -> Array:
        """Densities of pictures at 200 px/cm, (n, 2), th/cm, also where `predict` would give none: not to be relied on.

        For what needs to know roughly how far the threads lie apart before it can look at them.
        """
        return self.read(pictures).density

    def judge(self, reading: Readings) -> ThreadEstimate:
        """Turn the readings of one picture into an estimate, or the reason why there is none."""
        log_error = reading.log_error[0]
        return judged(
            self.calibration,
            reading,
            reading.density[0],
            doubtful=(log_error > self.calibration.network_limit)
            | (reading.readable[0] < self.calibration.network_readable),
            half=self.calibration.half_width(log_error, combined=False),
        )

    def _outputs(self, normal: Array) -> Array:
        outputs: Array = np.asarray(self.trunk.predict_on_batch(normal[..., None]))
        return outputs

    def _pool(self, outputs: Array) -> Array:
        """Pool (n, rows, cols, 5) over all windows to (n, 4): density, log error, angle, readable."""
        side = self.profiles.shape[1]
        own, values = decoded(outputs)
        profile = self.profiles[0][:, None] * self.profiles[1]
        total = np.zeros((len(outputs), 3))
        weights = np.zeros((len(outputs), 1))
        for row in _starts(outputs.shape[1], side):
            for col in _starts(outputs.shape[2], side):
                cut = (slice(None), slice(row, row + side), slice(col, col + side))
                weight = own[cut] * profile
                pooled = np.einsum("nij,nijk->nk", weight, values[cut]) / weight.sum(axis=(1, 2))[:, None]
                trust = np.exp(-np.clip(pooled[:, 1:2], -7, 2))
                total += trust * pooled
                weights += trust
        # whether a picture can be read is asked of all of it alike
        readable = outputs[..., 4].mean(axis=(1, 2))
        return np.column_stack([total / weights, readable]).astype(np.float32)


_FIELDS = tuple(Readings.__dataclass_fields__)


def _resampled(picture: npt.NDArray[Any], scale: float) -> Array:
    from dl4art.cropping import PX_PER_CM, plate_from_array

    return plate_from_array(np.asarray(picture), PX_PER_CM).sample(px_per_cm=scale * PX_PER_CM)


def decoded(outputs: Array) -> tuple[Array, Array]:
    """Weights of the network's outputs, (..., 5), and density, log error and angle there, (..., 3)."""
    from dl4art.regression.network import REFERENCE_DENSITY

    own: Array = np.exp(np.clip(outputs[..., 1], -6, 6))
    values: Array = outputs[..., [0, 2, 3]]
    values[..., 0] = REFERENCE_DENSITY * np.exp(np.clip(values[..., 0], -1.4, 1.4))
    return own, values


def blended(scales: Mapping[float, Readings]) -> Readings:
    """Make one of the readings at scale 1 and at smaller ones; a reading that the network trusts more counts more."""
    first = scales[1.0]
    total = _weighted(first)
    for scale, readings in scales.items():
        if scale < 1:
            known = np.isfinite(readings.density) & (first.density <= scale * _FINEST)
            total += np.where(known[..., None], _weighted(readings), 0.0)
    return _mean(total)


def blend(fine: Readings, coarse: Readings, scale: float) -> Readings:
    """Join readings of the same places with those at a coarser scale, as `ThreadCounter.read` does; any shape."""
    return _mean(_weighted(fine) + _weighted(coarse, fine.density <= scale * _FINEST))


def _weighted(readings: Readings, known: npt.NDArray[np.bool_] | bool = True) -> npt.NDArray[np.float64]:
    """All numbers of readings and ones, (n, 2, 5), times their weight: by the error that the network expects.

    None of it counts where they are not `known`: made coarser, fine cloth lies beyond what the network knows.
    """
    trust = known * np.exp(-3 * np.clip(readings.log_error, -7, 2).astype(np.float64))
    values = [getattr(readings, name) for name in _FIELDS]
    weighted: npt.NDArray[np.float64] = trust[..., None] * np.stack([*values, np.ones_like(trust)], axis=-1)
    return weighted


def _mean(total: npt.NDArray[np.float64]) -> Readings:
    """Make readings of the sum of weighted ones."""
    values = (total[..., :-1] / total[..., -1:]).astype(np.float32)
    return Readings(**{name: values[..., index] for index, name in enumerate(_FIELDS)})


def judged(
    calibration: Calibration,
    reading: Readings,
    density: Array,
    *,
    doubtful: npt.NDArray[np.bool_],
    half: Array,
    reason: str = "",
    other_weave: bool = False,
) -> ThreadEstimate:
    """Turn one picture's numbers into an estimate, or into the reason why there is none.

    Parameters
    ----------
    calibration : Calibration
        With the densities that the network was trained on.
    reading : Readings
        Of this one picture.
    density, half : (2,) arrays
        What was made of the reading, th/cm, and the half-width of its interval as a share of it.
    doubtful : (2,) array
        Directions in which the numbers are not to be relied on.
    reason : str
        Why that is so, if it is known; without numbers, since the reasons of the crops of a plate are counted.
    other_weave : bool
        Whether the weave is taken for another than plain.
    """
    directions = ("vertical", "horizontal")
    unread = [name for name, yes in zip(directions, doubtful, strict=True) if yes]
    remarks = []
    if other_weave:
        remarks.append("looks like twill or basket weave; the counter knows plain weave")
    if unread:
        unreadable = f"the {' and '.join(unread)} threads cannot be read here" + (f", {reason}" if reason else "")
        return ThreadEstimate("no-estimate", message="; ".join([unreadable, *remarks]))
    tilt = reading.tilt[0]
    low, high = calibration.densities
    remarks += [
        f"{name} density is outside {low:g} to {high:g} th/cm, which the counter was trained on"
        for name, value in zip(directions, density, strict=True)
        if not low <= value <= high
    ]
    remarks += [
        f"{name} threads lean more than 20 degrees, which the counter was not trained on"
        for name, value in zip(directions, tilt, strict=True)
        if abs(value) > 20
    ]
    (vertical, horizontal), (width_v, width_h) = density.tolist(), (half * density).tolist()
    return ThreadEstimate(
        "ok",
        vertical,
        horizontal,
        max(0.0, vertical - width_v),
        vertical + width_v,
        max(0.0, horizontal - width_h),
        horizontal + width_h,
        float(tilt[0]),
        float(tilt[1]),
        "; ".join(remarks),
    )


def prepared(picture: npt.NDArray[Any], px_per_cm: float) -> Array:
    """Check a picture and bring it to 200 px/cm."""
    grey = np.asarray(picture)
    if grey.ndim != 2 or not (np.issubdtype(grey.dtype, np.number) or grey.dtype == bool) or np.iscomplexobj(grey):
        raise InputError(
            f"a picture of shape {grey.shape} and type {grey.dtype} is not grey. Give (rows, cols) numbers."
        )
    if not (np.isfinite(px_per_cm) and px_per_cm > 0):
        raise ScaleError(f"px_per_cm is {px_per_cm}, not a positive number of pixels per centimetre")
    grey = grey.astype(np.float32)
    if not np.isfinite(grey).all():
        raise InputError("a picture holds NaN or infinity. Replace those pixels first.")
    if abs(px_per_cm / 200 - 1) > 1e-9:
        from dl4art.cropping import plate_from_array

        grey = plate_from_array(grey, px_per_cm).sample()
    if min(grey.shape) < WINDOW:
        rows, cols = grey.shape
        raise InputError(
            f"a picture of {cols / 200:.2f} x {rows / 200:.2f} cm is smaller than a window of 1 cm. Give a larger one."
        )
    return grey


def _batches(pictures: Sequence[npt.NDArray[Any]] | npt.NDArray[Any]) -> Iterator[list[int]]:
    """Give indices of pictures of one shape, no more together than memory is meant to hold."""
    alike: dict[tuple[int, ...], list[int]] = {}
    for index, picture in enumerate(pictures):
        alike.setdefault(picture.shape, []).append(index)
    for shape, indices in alike.items():
        count = max(1, _BATCH_PIXELS // (shape[0] * shape[1]))
        yield from (indices[start : start + count] for start in range(0, len(indices), count))


def _starts(outputs: int, side: int) -> list[int]:
    """First outputs of windows that cover a row of outputs evenly from end to end."""
    room = outputs - side
    return [round(place) for place in np.linspace(0, room, -(-room // _STEP) + 1)]
