"""A picture of what an autoencoder makes of pictures."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

from dl4art.paintings.standard import Pictures

SHOWN = 6


def draw_reconstructions(pictures: Pictures, shown: npt.NDArray[np.float32]) -> Figure:
    """Draw pictures above what they became; under each pair stands the root mean squared error.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (n, px, px, 3)
        As they are.
    shown : ndarray, shape (n, px, px, 3)
        As they were reconstructed, values 0 to 255 but for what strays beyond.
    """
    figure = Figure(figsize=(1.6 * len(pictures), 3.5), layout="constrained")
    for column, pair in enumerate(
        zip(figure.subplots(2, len(pictures), squeeze=False).T, pictures, shown, strict=True)
    ):
        (above, below), picture, made = pair
        above.imshow(picture)
        below.imshow(np.clip(np.rint(made), 0, 255).astype(np.uint8))
        error = float(np.sqrt(np.mean((picture - made.astype(np.float64)) ** 2)))
        below.set_xlabel(f"{error:.1f} of 255", fontsize=7)
        for axes, name in ((above, "picture"), (below, "reconstruction")):
            axes.set_xticks([])
            axes.set_yticks([])
            if column == 0:
                axes.set_ylabel(name, fontsize=8)
    return figure
