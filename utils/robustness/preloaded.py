"""What is imported before a process is struck: importing it starts no network."""

from dl4art.utils.backend import load_keras

load_keras()

from dl4art import classify, segment, train  # noqa: E402, F401 (Keras is loaded silently first)
from dl4art.craquelure import own_release, own_training, regions, segmented, segmenter  # noqa: E402, F401
from dl4art.utils import class_training, evaluation_figures, pages  # noqa: E402, F401
