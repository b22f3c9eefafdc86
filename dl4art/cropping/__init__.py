"""A plate in, crops out: reading files, scale, usable area, cutting crops, labels."""

from dl4art.cropping.crops import Crops, cut_crops, iterate_crops
from dl4art.cropping.export import export_crops
from dl4art.cropping.labels import ThreadLabels, density, read_labelme, read_masks, write_labelme, write_masks
from dl4art.cropping.plate import PX_PER_CM, Plate, plate_from_array
from dl4art.cropping.reading import read_plate
from dl4art.cropping.threads import density_map, mean_density
from dl4art.cropping.usable import usable_area
from dl4art.cropping.writing import write_crop

__all__ = [
    "PX_PER_CM",
    "Crops",
    "Plate",
    "ThreadLabels",
    "cut_crops",
    "density",
    "density_map",
    "export_crops",
    "iterate_crops",
    "mean_density",
    "plate_from_array",
    "read_labelme",
    "read_masks",
    "read_plate",
    "usable_area",
    "write_crop",
    "write_labelme",
    "write_masks",
]
