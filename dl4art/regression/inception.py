"""The upstream project's network, rebuilt from its description, to train and to compare with.

``regVGG(numFilters=8, dropout=0.05)`` of the public repository gapsc-us/DL4ART: stages of towers of 3x3, 5x5 and 7x7
convolutions side by side, two fully connected layers of 512 units, one number out. It looks at one window of 1 cm.
"""

from __future__ import annotations

import keras
from keras import layers

_KERNELS = (3, 5, 7)
_STAGES = ((2, 1), (2, 2), (3, 4), (3, 8), (3, 8))
"""Blocks in each stage, and their filters in each tower, as multiples of the first stage's."""


def build_inception(filters: int = 8, dropout: float = 0.05, side: int = 200) -> keras.Model:
    """Build the network for the vertical threads of a window; 10,169,673 parameters as the upstream has it.

    Parameters
    ----------
    filters : int
        In each tower of the first stage.
    dropout : float
        Share of what each stage gives that is dropped in training.
    side : int
        Of the window, px.

    Returns
    -------
    keras.Model
        From ``(n, side, side, 1)``, grey values 0 to 1, to ``(n, 1)``, threads per cm.
    """
    window = keras.Input((side, side, 1), name="window")
    features = window
    for blocks, times in _STAGES:
        for _ in range(blocks):
            features = layers.Concatenate()([_tower(features, times * filters, kernel) for kernel in _KERNELS])
        features = layers.Dropout(dropout)(layers.MaxPooling2D()(features))
    features = layers.Flatten()(features)
    for _ in range(2):
        features = layers.Dense(512, activation="relu")(features)
    return keras.Model(window, layers.Dense(1)(features), name="vgg_inception")


def _tower(features: keras.KerasTensor, filters: int, kernel: int) -> keras.KerasTensor:
    convolved = layers.Conv2D(filters, kernel, padding="same")(features)
    return layers.ReLU()(layers.BatchNormalization()(convolved))
