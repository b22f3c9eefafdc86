"""Craquelure and paint loss in photographs of paintings: segmentation and measures."""

from dl4art.craquelure.metrics import LineScores, Scores, confusion, line_scores, scores
from dl4art.craquelure.skeleton import skeletonise
from dl4art.craquelure.tophat import TopHat, enhance, side_from_mm, tophat_cracks, tune_tophat

__all__ = [
    "LineScores",
    "Scores",
    "TopHat",
    "confusion",
    "enhance",
    "line_scores",
    "scores",
    "side_from_mm",
    "skeletonise",
    "tophat_cracks",
    "tune_tophat",
]
