"""Make the sample crops and plates of the folder ``cropping/``, all of them simulated.

    python utils/make_samples.py [FOLDER]

The same version gives the same files.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dl4art.cropping import write_crop
from dl4art.cropping.labels import ThreadLabels, write_labelme, write_masks
from dl4art.simulation import (
    READABLE,
    Cloth,
    Furniture,
    centre_lines,
    contrast_to_noise,
    draw_cloth,
    draw_crop,
    draw_radiograph,
    generator,
    stage,
    write_plate,
)
from dl4art.simulation.furniture import Lettering
from dl4art.simulation.plates import to_pixels

CROPS = (11, 12, 16, 20, 21, 29, 53, 55, 39)
"""Canvases of the split ``sample``, chosen by eye: eight that can be read and, the last, one that cannot."""
PX_PER_CM = 200.0
PLATE_CM = (9.0, 7.6)  # room for thirty crops
PLATE_PX_PER_CM = 600 / 2.54
EVERY = 10
"""Of a centre-line, every tenth point is written to the labelme file."""

README = """\
# Samples to try the program on

All of these are simulated by dl4art itself (`python utils/make_samples.py`), so they may be used and passed on freely,
and every thread in them is known.

- `crops/`: pieces of 1.5 x 1.5 cm from nine different canvases, 300 x 300 px, 8 bit, with the scale in the file. Count
  them with `python -m dl4art.count cropping/crops/`. `{unreadable}` cannot be read: thick paint hides the weave.
- `labels/`: the threads of each crop, as labelme polygons (`NAME.json`) and as masks (`NAME_H.npz`, `NAME_V.npz`).
- `plates/`: three plates of 9 x 7.6 cm at 600 dpi. `canvas-a-1.tif` and `canvas-a-2.tif` show two pieces of one cloth,
  painted and photographed in different ways; `canvas-b.tif`, of 16 bit, shows another, with a strip of blank film and
  lead letters. Beside each lie its truth (`NAME.truth.npz`) and what it was made of (`NAME.truth.json`). Cut a plate
  into crops with `python -m dl4art.crop cropping/plates/ -o my-crops/`.

True threads per centimetre, measured across the threads (densities from the labels may differ by one or two per cent,
for the nearest threads beyond the crop's border are not in them):

| crop | vertical | horizontal |
|---|---|---|
{crops}

| plate | vertical | horizontal |
|---|---|---|
{plates}
"""


@dataclass(frozen=True)
class SamplePlate:
    """A plate: number of the canvas whose radiograph it takes, the cloth, and how it is written."""

    name: str
    number: int
    cloth: Cloth
    bits: int = 8
    furniture: Furniture | None = None


def sample_plates() -> list[SamplePlate]:
    """Give the three plates; their radiographs were chosen by eye, so that the weave can be seen well."""
    first = draw_cloth(generator("sample", 10_000), vertical_density=13.4, horizontal_density=11.2)
    second = draw_cloth(generator("sample", 10_002), vertical_density=17.0, horizontal_density=15.5)
    marked = Furniture(
        border=(0.35, 0.0, 0.0, 0.0),
        fog=-3.0,
        cusping=0.0,
        tack_pitch=5.0,
        tacks=(),
        bars=(),
        seams=(),
        inserts=(),
        joins=(),
        lettering=Lettering("B 17", 4.4, 0.2, 0.5),
    )
    return [
        SamplePlate("canvas-a-1", 20_003, first),
        SamplePlate("canvas-a-2", 20_002, first),
        SamplePlate("canvas-b", 20_019, second, 16, marked),
    ]


def thinned(labels: ThreadLabels) -> ThreadLabels:
    """Labels with fewer points: the last one of each line stays."""
    vertical, horizontal = (
        tuple(line[np.r_[0 : len(line) - 1 : EVERY, len(line) - 1]] for line in lines)
        for lines in (labels.vertical, labels.horizontal)
    )
    return ThreadLabels(vertical, horizontal, labels.shape)


def make_crop(folder: Path, number: int) -> tuple[str, float, float]:
    """Write one crop with its labels, and return its name and true densities."""
    picture = draw_crop("sample", number).picture
    name = f"sample-{number:03d}"
    densities = float(picture.vertical_density.mean()), float(picture.horizontal_density.mean())
    readable = min(contrast_to_noise(picture)) >= READABLE
    assert readable == (number != CROPS[-1]), f"{name}: all but the last crop are to be readable, choose others"
    write_crop(
        folder / "crops" / f"{name}.tif",
        to_pixels(picture.grey),
        PX_PER_CM,
        {"simulated": True, "vertical_per_cm": round(densities[0], 3), "horizontal_per_cm": round(densities[1], 3)},
        compression="deflate",
    )
    labels = centre_lines(picture)
    width = round(0.45 * PX_PER_CM / max(densities), 1)
    write_labelme(thinned(labels), folder / "labels" / f"{name}.json", f"../crops/{name}.tif", thread_width=width)
    write_masks(labels, folder / "labels" / f"{name}.tif", thread_width=width)
    return name, *densities


def make_plate(folder: Path, plate: SamplePlate) -> tuple[str, float, float]:
    """Write one plate with its truth, and return its name and mean densities."""
    radiograph = draw_radiograph(generator("sample", plate.number))
    scene = stage(plate.cloth, radiograph, PLATE_CM, plate.number, plate.furniture)
    path = folder / "plates" / f"{plate.name}.tif"
    about = {"split": "sample", "number": plate.number}
    truth = write_plate(path, scene, PLATE_PX_PER_CM, bits=plate.bits, about=about)
    return plate.name, *truth.mean_densities()


def table(rows: list[tuple[str, float, float]]) -> str:
    """Rows of a Markdown table."""
    return "\n".join(f"| `{name}.tif` | {vertical:.2f} | {horizontal:.2f} |" for name, vertical, horizontal in rows)


def main() -> None:
    """Make them all."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parents[1] / "cropping")
    folder = parser.parse_args().folder
    for part in ("crops", "labels", "plates"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    crops = [make_crop(folder, number) for number in CROPS]
    plates = [make_plate(folder, plate) for plate in sample_plates()]
    text = README.format(unreadable=f"{crops[-1][0]}.tif", crops=table(sorted(crops)), plates=table(plates))
    (folder / "README.md").write_text(text, encoding="utf-8")
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    print(f"{len(crops)} crops and {len(plates)} plates in {folder}, {size / 2**20:.1f} MB")


if __name__ == "__main__":
    main()
