"""A plate in, crops out: reading files, scale, usable area, cutting crops, labels."""

from dl4art.cropping.crops import Crops, cut_crops, iterate_crops
from dl4art.cropping.export import export_crops
from dl4art.cropping.plate import PX_PER_CM, Plate, plate_from_array
from dl4art.cropping.reading import read_plate
from dl4art.cropping.usable import usable_area
from dl4art.cropping.writing import write_crop

__all__ = [
    "PX_PER_CM",
    "Crops",
    "Plate",
    "cut_crops",
    "export_crops",
    "iterate_crops",
    "plate_from_array",
    "read_plate",
    "usable_area",
    "write_crop",
]
