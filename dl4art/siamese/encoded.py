"""A canvas as a comparison needs it: its crops encoded, with all that a result says of it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from dl4art.cropping.crops import CROP_CM
from dl4art.cropping.plate import PX_PER_CM, Plate
from dl4art.siamese.calibration import Densities
from dl4art.siamese.canvas import CanvasCrops
from dl4art.siamese.comparison import CanvasRecord, Control
from dl4art.siamese.stability import CropNeeds
from dl4art.utils.files import sha256

ENCODING = 2
"""Of how plates are cut, counted, framed and encoded; raised when a plate would be encoded otherwise than before."""
_OTHER_SCALE = 0.01  # from which difference on two plates count as scanned at different scales


@dataclass(frozen=True, eq=False)
class EncodedCanvas:
    """What a comparison needs to know of a canvas; from `FabricComparer.encode`."""

    record: CanvasRecord
    vectors: npt.NDArray[np.float32]
    """Of its crops, (n, 2, d)."""
    counted: npt.NDArray[np.float64]
    """Densities of its crops and the half-widths of their intervals, (n, 2, 2)."""
    content_seed: int
    """Of the draws for its interval, from what the crops show."""
    notes: tuple[str, ...]
    """What a person should know of the plate and its crops."""
    counter: str
    """Name of what counted the crops."""
    seed: int
    """Of the choice of crops."""
    pixels: npt.NDArray[np.float32] | None = None
    """The crops themselves, (n, 300, 300), as long as they are at hand; a catalogue does not keep them."""

    @cached_property
    def mean(self) -> npt.NDArray[np.float32]:
        """Mean vectors of the crops, (2, d)."""
        mean: npt.NDArray[np.float32] = self.vectors.mean(axis=0, dtype=np.float64).astype(np.float32)
        return mean

    @cached_property
    def densities(self) -> Densities:
        """Of all crops together."""
        return Densities.of(self.counted[:, 0], self.counted[:, 1])


def canvas_record(plate: Plate, canvas: CanvasCrops, control: Control) -> CanvasRecord:
    """Write down what a result says of a canvas."""
    width, height = plate.size_cm
    return CanvasRecord(
        file=str(plate.path),
        sha256=sha256(plate.path) if plate.path.is_file() else "",
        width_cm=round(width, 3),
        height_cm=round(height, 3),
        px_per_cm=round(plate.px_per_cm, 3),
        scale_source=plate.scale_source,
        **_told(canvas.densities),
        crops=len(canvas),
        looked_at=canvas.looked_at,
        crop_cm=CROP_CM,
        positions_cm=tuple((float(x), float(y)) for x, y in canvas.positions_cm),
        control=control,
    )


def joined(
    plates: Sequence[EncodedCanvas], name: str, control: Callable[[npt.NDArray[np.float32], int], Control], crops: int
) -> EncodedCanvas:
    """Make one canvas of the plates that show parts of it, whatever their order.

    Parameters
    ----------
    plates : sequence of EncodedCanvas
        At least one.
    name : str
        What the canvas is called.
    control : callable
        Compares vectors with themselves, given a seed.
    crops : int
        How many of all to use: as many of each plate as of the next, where it has them.

    Returns
    -------
    EncodedCanvas
        Its record gives the size of the largest plate, the scale of the coarsest and positions on each crop's own.
    """
    # by what they show, so that neither their order nor their names change a number
    parts = list({plate.content_seed: plate for plate in sorted(plates, key=lambda plate: plate.content_seed)}.values())
    again = [f"{len(plates) - len(parts)} of its plates show the same as another and count once"]
    if len(parts) == 1:
        (only,) = parts
        return replace(only, notes=(*only.notes, *(again if len(plates) > 1 else ())))
    shares = _shares([part.record.crops for part in parts], crops)
    vectors, counted = (
        np.concatenate([getattr(part, what)[:share] for part, share in zip(parts, shares, strict=True)])
        for what in ("vectors", "counted")
    )
    records = [part.record for part in parts]
    seed = _seed_of(str(part.content_seed) for part in parts)
    scales = [record.px_per_cm for record in records]
    notes = sorted(f"{share} crops of {record.file}" for record, share in zip(records, shares, strict=True))
    notes += again if len(plates) > len(parts) else []
    if max(scales) / min(scales) - 1 > _OTHER_SCALE:
        notes.append(f"its plates have {min(scales):g} to {max(scales):g} px/cm: all were resampled to {PX_PER_CM:g}")
    notes += [f"{part.record.file}: {text}" for part in parts for text in part.notes]
    positions = [r.positions_cm[:share] for r, share in zip(records, shares, strict=True)]
    record = CanvasRecord(
        file=name,
        sha256=hashlib.sha256("".join(sorted(record.sha256 for record in records)).encode()).hexdigest(),
        width_cm=max(record.width_cm for record in records),
        height_cm=max(record.height_cm for record in records),
        px_per_cm=min(scales),
        scale_source=", ".join(sorted({record.scale_source for record in records})),
        **_told(Densities.of(counted[:, 0], counted[:, 1])),
        crops=len(vectors),
        looked_at=sum(record.looked_at for record in records),
        crop_cm=CROP_CM,
        positions_cm=tuple(place for part in positions for place in part),
        control=control(vectors, seed),
    )
    return EncodedCanvas(record, vectors, counted, seed, tuple(notes), parts[0].counter, parts[0].seed)


def _shares(available: Sequence[int], wanted: int) -> list[int]:
    """How many of each to take, as evenly as can be, to have as many as are wanted."""
    shares = [0] * len(available)
    for _ in range(min(wanted, sum(available))):
        fewest = min((share, place) for place, share in enumerate(shares) if share < available[place])
        shares[fewest[1]] += 1
    return shares


def _seed_of(texts: Iterable[str]) -> int:
    return int.from_bytes(hashlib.sha256(" ".join(texts).encode()).digest()[:8], "little")


def _told(densities: Densities) -> dict[str, Any]:
    """Densities as `CanvasRecord` gives them."""
    d = densities
    return {
        "vertical_per_cm": d.vertical,
        "vertical_low": d.vertical - d.vertical_half,
        "vertical_high": d.vertical + d.vertical_half,
        "vertical_sd": d.vertical_sd,
        "horizontal_per_cm": d.horizontal,
        "horizontal_low": d.horizontal - d.horizontal_half,
        "horizontal_high": d.horizontal + d.horizontal_half,
        "horizontal_sd": d.horizontal_sd,
    }


def cautions(first: EncodedCanvas, second: EncodedCanvas, *, halved: bool, needs: CropNeeds) -> list[str]:
    """Say what a person should know before believing a comparison.

    Parameters
    ----------
    first, second : EncodedCanvas
        The canvases.
    halved : bool
        Their densities agree if one of them is halved or doubled, and not as they are.
    needs : CropNeeds
        How many crops of each a verdict needs.
    """
    return [*pair_cautions(first, second, halved=halved), *own_cautions(first, needs), *own_cautions(second, needs)]


def pair_cautions(first: EncodedCanvas, second: EncodedCanvas, *, halved: bool) -> list[str]:
    """Say what holds of the two together; see `cautions`."""
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
    return said


def own_cautions(canvas: EncodedCanvas, needs: CropNeeds) -> list[str]:
    """Say what holds of one canvas, whatever it is compared with; see `cautions`."""
    record = canvas.record
    said = [f"{record.file}: {text}" for text in canvas.notes]
    if few := needs.caution(record.crops):
        said.append(f"{record.file}: {few}")
    if record.control.similarity < 0.5:
        said.append(
            f"{record.file}: its own halves are only {record.control.similarity:.2f} similar. It may show more "
            "than one cloth, or too little of it; compare parts of it"
        )
    return said
