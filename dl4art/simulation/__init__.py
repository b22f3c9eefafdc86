"""Canvases and paintings whose truth is known: the cloth, then the radiograph of it; cracks, then a photograph.

A `Cloth` is the identity of a fabric, a `Radiograph` one way of painting and photographing it; `stage` lays the one
under the other, `render` draws the picture with the thread phases at every pixel. `draw_crop` and `draw_samples` do all
of it by number, `draw_plate` and `write_plate` for whole plates. `draw_painting` gives photographs of cracked paint,
with the class of every pixel.
"""

from dl4art.simulation.cloth import Cloth, Yarns, draw_cloth
from dl4art.simulation.crack_kinds import KINDS, REGIONS, CrackKind, draw_kind
from dl4art.simulation.cracks import Cracks, crack_profile, grow_cracks
from dl4art.simulation.furniture import Furniture, draw_furniture
from dl4art.simulation.paintings import CLASSES, PAINTING_SPLITS, PaintingSplit, SimulatedPainting, draw_painting
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
    "CLASSES",
    "KINDS",
    "PAINTING_SPLITS",
    "READABLE",
    "REGIONS",
    "SPLITS",
    "Cloth",
    "CrackKind",
    "Cracks",
    "Film",
    "Furniture",
    "Ground",
    "Paint",
    "PaintingSplit",
    "Picture",
    "Radiograph",
    "Samples",
    "Scene",
    "SimulatedCrop",
    "SimulatedPainting",
    "Split",
    "TruthMap",
    "Yarns",
    "cell_means",
    "centre_lines",
    "contrast_to_noise",
    "crack_profile",
    "draw_cloth",
    "draw_crop",
    "draw_furniture",
    "draw_kind",
    "draw_painting",
    "draw_plate",
    "draw_radiograph",
    "draw_samples",
    "generator",
    "grow_cracks",
    "plate_lines",
    "render",
    "render_tiles",
    "stage",
    "write_plate",
]
