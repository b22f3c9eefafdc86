"""A canvas as a comparison needs it: its crops encoded, with all that a result says of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dl4art.cropping.crops import CROP_CM
from dl4art.cropping.plate import PX_PER_CM, Plate
from dl4art.siamese.calibration import Densities
from dl4art.siamese.canvas import CanvasCrops
from dl4art.siamese.comparison import CanvasRecord, Control
from dl4art.utils.files import sha256

_OTHER_SCALE = 0.01  # from which difference on two plates count as scanned at different scales


@dataclass(frozen=True, eq=False)
class EncodedCanvas:
    """What a comparison needs to know of a canvas; from `FabricComparer.encode`."""

    record: CanvasRecord
    vectors: npt.NDArray[np.float32]
    """Of its crops, (n, 2, d)."""
    densities: Densities
    content_seed: int
    """Of the draws for its interval, from what the crops show."""
    notes: tuple[str, ...]
    """What a person should know of the plate and its crops."""
    counter: str
    """Name of what counted the crops."""
    seed: int
    """Of the choice of crops."""


def canvas_record(plate: Plate, canvas: CanvasCrops, control: Control) -> CanvasRecord:
    """Write down what a result says of a canvas."""
    densities = canvas.densities
    width, height = plate.size_cm
    return CanvasRecord(
        str(plate.path),
        sha256(plate.path) if plate.path.is_file() else "",
        round(width, 3),
        round(height, 3),
        round(plate.px_per_cm, 3),
        plate.scale_source,
        densities.vertical,
        densities.vertical - densities.vertical_half,
        densities.vertical + densities.vertical_half,
        densities.vertical_sd,
        densities.horizontal,
        densities.horizontal - densities.horizontal_half,
        densities.horizontal + densities.horizontal_half,
        densities.horizontal_sd,
        len(canvas),
        canvas.looked_at,
        CROP_CM,
        tuple((float(x), float(y)) for x, y in canvas.positions_cm),
        control,
    )


def cautions(first: EncodedCanvas, second: EncodedCanvas, *, halved: bool, enough: int) -> list[str]:
    """Say what a person should know before believing a comparison.

    Parameters
    ----------
    first, second : EncodedCanvas
        The canvases.
    halved : bool
        Their densities agree if one of them is halved or doubled, and not as they are.
    enough : int
        Crops of each from which on the network's verdict counts.
    """
    a, b = first.record, second.record
    said = []
    if halved:
        said.append(
            f"a density of {a.file} is half or twice that of {b.file}, and the other one agrees: one of the counts may "
            "have taken two threads for one. Count a few centimetres of both by eye"
        )
    if first.content_seed == second.content_seed or (a.sha256 and a.sha256 == b.sha256):
        said.append(f"{a.file} and {b.file} are the same picture: this says nothing about two canvases")
    if abs(a.px_per_cm / b.px_per_cm - 1) > _OTHER_SCALE:
        said.append(
            f"{a.file} has {a.px_per_cm:g} px/cm and {b.file} {b.px_per_cm:g}: both were resampled to {PX_PER_CM:g} "
            "px/cm, and a difference in sharpness may be left"
        )
    for canvas in (first, second):
        record = canvas.record
        said += [f"{record.file}: {text}" for text in canvas.notes]
        if record.crops < enough:
            said.append(
                f"{record.file}: {record.crops} crops are too few for the network's verdict, which needs {enough} of "
                "each canvas; the similarity is a hint. Give a larger part of the canvas, or ask for more crops"
            )
        if record.control.similarity < 0.5:
            said.append(
                f"{record.file}: its own halves are only {record.control.similarity:.2f} similar. It may show more "
                "than one cloth, or too little of it; compare parts of it"
            )
    return said
