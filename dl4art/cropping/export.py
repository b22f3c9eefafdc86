"""The crops of a plate as files."""

from __future__ import annotations

from pathlib import Path

from dl4art.cropping.crops import CROP_CM, crop_positions, iterate_crops
from dl4art.cropping.plate import PX_PER_CM, Plate
from dl4art.cropping.tones import to_uint8, tone_range
from dl4art.cropping.usable import usable_area
from dl4art.cropping.writing import write_crop


def export_crops(
    plate: Plate,
    folder: str | Path,
    name: str | None = None,
    *,
    size_cm: float = CROP_CM,
    step_cm: float | None = None,
    count: int | None = None,
    seed: int = 0,
    px_per_cm: float = PX_PER_CM,
) -> list[Path]:
    """Cut crops out of a plate and write them as 8-bit TIFFs ``NAME_x..._y....tif``, one after another.

    All crops of a plate have the same tones. Their tags state resolution, plate, position, tones and seed.

    Parameters
    ----------
    plate : Plate
        The plate.
    folder : path
        Where the crops go; it must exist.
    name : str, optional
        How their names begin; as that of the plate if left out.
    size_cm, step_cm, count, seed, px_per_cm
        As in `cut_crops`.

    Returns
    -------
    list of Path
        The files, in the order of `crop_positions`.

    Raises
    ------
    InputError
        If the plate cannot be read or has no place for a crop.
    OutputError
        If a crop cannot be written.
    """
    usable = usable_area(plate)
    positions = crop_positions(plate, size_cm=size_cm, step_cm=step_cm, count=count, seed=seed, usable=usable)
    tones = tone_range(plate, usable)
    origin = {
        "plate": plate.path.name,
        "size_cm": size_cm,
        "px_per_cm": px_per_cm,
        "scale_source": plate.scale_source,
        "tones": tones,
        "seed": seed if count is not None else None,
    }
    paths = []
    for (x, y), pixels in zip(
        positions.tolist(), iterate_crops(plate, positions, size_cm=size_cm, px_per_cm=px_per_cm), strict=True
    ):
        path = Path(folder) / f"{name or plate.path.stem}_x{x:07.3f}_y{y:07.3f}.tif"
        write_crop(path, to_uint8(pixels, tones), px_per_cm, {**origin, "x_cm": x, "y_cm": y})
        paths.append(path)
    return paths
