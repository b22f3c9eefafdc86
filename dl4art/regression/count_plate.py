"""From a plate to one estimate: where it is looked at, in which batches, and what that comes to."""

from __future__ import annotations

from collections import Counter as Counts
from collections.abc import Iterator, Sequence
from itertools import islice
from statistics import fmean, pstdev
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dl4art.cropping.crops import CROP_CM
from dl4art.cropping.plate import EDGE_CM, PX_PER_CM, Plate
from dl4art.regression.estimate import ThreadEstimate
from dl4art.utils.errors import InputError

Picture: TypeAlias = NDArray[np.float32]

WINDOW_CM = 1.0  # the smallest picture that can be counted
WHOLE_CM = 3.0  # a picture up to this size is counted in one piece, a larger one in crops

NUMBERS = (
    "vertical_per_cm",
    "horizontal_per_cm",
    "vertical_low",
    "vertical_high",
    "horizontal_low",
    "horizontal_high",
    "vertical_tilt",
    "horizontal_tilt",
)


class Counter(Protocol):
    """What counts pictures: `ThreadCounter`, `SpectralCounter` or both together."""

    def predict(self, pictures: Sequence[Picture], *, px_per_cm: float) -> list[ThreadEstimate]:
        """Return one estimate per picture."""
        ...


def count_plate(plate: Plate, counter: Counter, *, batch_size: int = 32) -> ThreadEstimate:
    """Count the threads of one plate.

    A plate of up to 3 cm a side is counted in one piece. A larger one is counted in crops of 1.5 cm side by side, and
    the estimate is the mean over the readable ones. Its interval is the mean of theirs, not a narrower one: what
    a counter gets wrong on one crop of a canvas it tends to get wrong on the next.

    Parameters
    ----------
    plate : Plate
        With its scale.
    counter : Counter
        From `load_counter`.
    batch_size : int
        Number of pictures that are in memory and go through the network together.

    Returns
    -------
    ThreadEstimate

    Raises
    ------
    InputError
        If the plate is smaller than 1 cm, or cannot be read after all.
    """
    (result,) = count_plates([plate], counter, batch_size=batch_size)
    if isinstance(result, Exception):
        raise result
    return result


def count_plates(
    plates: Sequence[Plate], counter: Counter, *, batch_size: int = 32
) -> list[ThreadEstimate | Exception]:
    """Count several plates as `count_plate` does, with pictures of equal shape in common batches.

    Returns
    -------
    list
        For each plate its estimate, or what went wrong with it.
    """
    estimates: list[list[ThreadEstimate]] = [[] for _ in plates]
    errors: dict[int, Exception] = {}
    pieces = _pieces(plates, errors)
    while batch := list(islice(pieces, batch_size)):
        for shape in dict.fromkeys(picture.shape for _, picture in batch):
            alike = [(index, picture) for index, picture in batch if picture.shape == shape]
            for (index, _), result in zip(alike, _predict(counter, [picture for _, picture in alike]), strict=True):
                if isinstance(result, Exception):
                    errors[index] = result
                else:
                    estimates[index].append(result)
    return [errors[index] if index in errors else mean_estimate(found) for index, found in enumerate(estimates)]


def cut_pictures(plate: Plate) -> Iterator[Picture]:
    """Cut out what is looked at: the whole up to 3 cm a side, else crops of 1.5 cm side by side, at 200 px/cm.

    The crops are centred; what is left over at the borders is less than a crop in all. They are read in rows, so that
    no strip of a file is decoded once for each crop.

    Raises
    ------
    InputError
        If the plate is smaller than 1 cm, or cannot be read.
    """
    width_cm, height_cm = plate.size_cm
    if round(min(width_cm, height_cm) * PX_PER_CM) < round(WINDOW_CM * PX_PER_CM):
        raise InputError(
            f"{plate.path}: shows {width_cm:.2f} x {height_cm:.2f} cm, and at least {WINDOW_CM:g} x {WINDOW_CM:g} cm "
            "are needed. Cut a larger crop, or check the scale."
        )
    if max(width_cm, height_cm) <= WHOLE_CM:
        yield plate.sample(0.0, 0.0, width_cm, height_cm, px_per_cm=PX_PER_CM)
        return
    wide, high = min(CROP_CM, width_cm), min(CROP_CM, height_cm)
    # a plate of 6 cm whose pixels come to 5.999 cm holds four crops, as in `cut_crops`
    columns, rows = int((width_cm + EDGE_CM) / wide), int((height_cm + EDGE_CM) / high)
    left, top = max(0.0, width_cm - columns * wide) / 2, max(0.0, height_cm - rows * high) / 2
    for row in range(rows):
        band = plate.sample(left, top + row * high, columns * wide, high, px_per_cm=PX_PER_CM)
        step = band.shape[1] // columns
        yield from (band[:, place * step : (place + 1) * step] for place in range(columns))


def mean_estimate(estimates: Sequence[ThreadEstimate]) -> ThreadEstimate:
    """Mean over the readable ones of several estimates, with how many they are and how far they spread in `message`."""
    if len(estimates) == 1:
        return estimates[0]
    readable = [estimate for estimate in estimates if estimate.status == "ok"]
    reasons = Counts(estimate.message for estimate in estimates if estimate.message)
    remarks = [f"in {times} of {len(estimates)} crops: {reason}" for reason, times in reasons.most_common(3)]
    if not readable:
        none = f"none of {len(estimates)} crops is readable"
        return ThreadEstimate("no-estimate", message="; ".join([none, *remarks]))
    columns = {name: [getattr(estimate, name) for estimate in readable] for name in NUMBERS}
    numbers: dict[str, Any] = {name: None if None in values else fmean(values) for name, values in columns.items()}
    spread = [f"{pstdev(columns[name]):.2f} {name.partition('_')[0]}" for name in NUMBERS[:2]]
    summary = f"mean over {len(readable)} of {len(estimates)} crops, standard deviation {', '.join(spread)}"
    return ThreadEstimate("ok", **numbers, message="; ".join([summary, *remarks]))


def _pieces(plates: Sequence[Plate], errors: dict[int, Exception]) -> Iterator[tuple[int, Picture]]:
    for index, plate in enumerate(plates):
        try:
            yield from ((index, picture) for picture in cut_pictures(plate))
        except Exception as error:  # a plate may turn out to be damaged in its middle
            errors[index] = error


def _predict(counter: Counter, pictures: list[Picture]) -> Sequence[ThreadEstimate | Exception]:
    try:
        return counter.predict(pictures, px_per_cm=PX_PER_CM)
    except Exception as error:  # the others of the batch must not fail with it
        if len(pictures) == 1:
            return [error]
        return [result for picture in pictures for result in _predict(counter, [picture])]
