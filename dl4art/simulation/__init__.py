"""Canvases whose truth is known: the cloth, then the radiograph of it.

A `Cloth` is the identity of a fabric, a `Radiograph` one way of painting and photographing it; `stage` lays the one
under the other, `render` draws the picture with the thread phases at every pixel. `draw_crop` and `draw_samples` do all
of it by number, `draw_plate` and `write_plate` for whole plates.
"""

from dl4art.simulation.cloth import Cloth, Yarns, draw_cloth
from dl4art.simulation.furniture import Furniture, draw_furniture
from dl4art.simulation.plates import draw_plate, render_tiles, write_plate
from dl4art.simulation.radiograph import Film, Ground, Paint, Radiograph, draw_radiograph
from dl4art.simulation.readability import READABLE, contrast_to_noise
from dl4art.simulation.render import Picture, render
from dl4art.simulation.samples import (
    CELL,
    SPLITS,
    Samples,
    SimulatedCrop,
    Split,
    cell_means,
    draw_crop,
    draw_samples,
    generator,
)
from dl4art.simulation.scene import Scene, stage
from dl4art.simulation.truth import TruthMap, centre_lines, plate_lines

__all__ = [
    "CELL",
    "READABLE",
    "SPLITS",
    "Cloth",
    "Film",
    "Furniture",
    "Ground",
    "Paint",
    "Picture",
    "Radiograph",
    "Samples",
    "Scene",
    "SimulatedCrop",
    "Split",
    "TruthMap",
    "Yarns",
    "cell_means",
    "centre_lines",
    "contrast_to_noise",
    "draw_cloth",
    "draw_crop",
    "draw_furniture",
    "draw_plate",
    "draw_radiograph",
    "draw_samples",
    "generator",
    "plate_lines",
    "render",
    "render_tiles",
    "stage",
    "write_plate",
]
