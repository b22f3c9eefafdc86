"""Craquelure and paint loss in photographs of paintings: segmentation and measures.

Photographs are opened by `dl4art.cropping.photographs.read_photograph`. The networks, their losses and `Segmenter` are
in modules of their own, which bring Keras.
"""

from dl4art.craquelure.islands import IslandSizes
from dl4art.craquelure.labels import read_damage, write_damage
from dl4art.craquelure.measures import DamageMeasures, measure_damage
from dl4art.craquelure.metrics import LineScores, Scores, confusion, line_scores, scores
from dl4art.craquelure.skeleton import skeletonise
from dl4art.craquelure.tophat import TopHat, enhance, side_from_mm, tophat_cracks, tune_tophat

__all__ = [
    "DamageMeasures",
    "IslandSizes",
    "LineScores",
    "Scores",
    "TopHat",
    "confusion",
    "enhance",
    "line_scores",
    "measure_damage",
    "read_damage",
    "scores",
    "side_from_mm",
    "skeletonise",
    "tophat_cracks",
    "tune_tophat",
    "write_damage",
]
