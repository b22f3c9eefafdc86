"""Local binary patterns of enhanced craquelure, and a classifier of them for few photographs.

How the pixels round each pixel are darker or lighter than it, at four distances, says much of how cracks run, meet and
end (Ojala et al., Multiresolution gray-scale and rotation invariant texture classification with local binary patterns,
2002). A logistic regression on likenesses to known windows needs far fewer photographs than a CNN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from dl4art.utils.arrays import load_arrays
from dl4art.utils.files import atomic_path
from dl4art.utils.windows import Pixels, Windows

Floats = npt.NDArray[np.floating[Any]]
RADII = (2, 4, 6, 8)
"""Distances at which pixels are compared, px."""
_AROUND = 8
_CODES = _AROUND + 2  # uniform patterns by their number of lighter pixels, and all others
_STEP = 0.06  # what differs by less, in units of the spread of the depth, is no difference
_RAREST = 1e-3  # share of a code that is as good as none
_LANDMARKS = 400
_GAMMA = 1.0  # reach of a likeness, in units of one over the number of values
_PENALTY = 1.0


def patterns(window: Pixels) -> Floats:
    """Count the patterns of a window in what the black top-hat leaves of it.

    Parameters
    ----------
    window : ndarray of uint8, shape (h, w, channels)
        From `dl4art.craquelure.regions.Enhanced`; only the first channel, of cracks darker than the paint, is used.

    Returns
    -------
    ndarray of float64, shape (len(RADII) * 10,)
        Logarithm of the share of each uniform, rotation-invariant pattern.
    """
    depth = np.square(window[..., 0].astype(np.float32) / 255)
    step = np.float32(_STEP) * depth.std()
    rows, columns = depth.shape
    shares = []
    for radius in RADII:
        smooth = ndimage.gaussian_filter(depth, radius / 2)
        wide = np.pad(smooth, radius, mode="symmetric")
        angles = 2 * np.pi * np.arange(_AROUND) / _AROUND
        places = zip(np.rint(radius * np.sin(angles)), np.rint(radius * np.cos(angles)), strict=True)
        lighter = np.stack(
            [
                wide[radius + down : radius + down + rows, radius + right : radius + right + columns] > smooth + step
                for down, right in ((int(down), int(right)) for down, right in places)
            ]
        )
        changes = (lighter != np.roll(lighter, 1, axis=0)).sum(axis=0, dtype=np.uint8)
        code = np.where(changes <= 2, lighter.sum(axis=0, dtype=np.uint8), _CODES - 1)
        shares.append(np.bincount(code.ravel(), minlength=_CODES) / code.size)
    return np.log(np.concatenate(shares) + _RAREST)


@dataclass(eq=False)
class PatternNetwork:
    """Answers windows like a network of Keras does; empty until it is trained or loaded."""

    mean: Floats
    """Of the values over the windows that were learnt from, (k,)."""
    spread: Floats
    landmarks: Floats
    """Values of windows to which others are compared, (m, k)."""
    gamma: Floats
    """Likeness is exp(-gamma d^2) of the distance d."""
    weights: Floats
    """What each likeness says for each class, (m, classes)."""
    bias: Floats

    weights_name = "model.npz"

    @property
    def output_shape(self) -> tuple[None, int]:
        """None and the number of classes."""
        return None, len(self.bias)

    @classmethod
    def empty(cls, classes: int) -> PatternNetwork:
        """Make one that knows nothing."""
        none = np.zeros(0)
        return cls(none, none, np.zeros((0, 0)), np.zeros(()), np.zeros((0, classes)), np.zeros(classes))

    def predict_on_batch(self, windows: Pixels) -> Floats:
        """Probabilities (n, classes) of windows (n, h, w, channels)."""
        return self.answer(np.stack([patterns(window) for window in windows]))

    def answer(self, values: Floats) -> Floats:
        """Probabilities (n, classes) of the values of windows, (n, k)."""
        from scipy.spatial.distance import cdist

        even = (values - self.mean) / self.spread
        logits = np.exp(-float(self.gamma) * cdist(even, self.landmarks, "sqeuclidean")) @ self.weights + self.bias
        shares = np.exp(logits - logits.max(axis=1, keepdims=True))
        found: Floats = shares / shares.sum(axis=1, keepdims=True)
        return found

    def save_weights(self, path: str | Path) -> None:
        """Write the arrays, .npz."""
        with atomic_path(path) as temporary:
            np.savez(temporary, **{name: getattr(self, name) for name in _NAMES})

    def load_weights(self, path: str | Path) -> None:
        """Read what `save_weights` has written; InputError or ValueError if it is something else."""
        classes = len(self.bias)
        for name, array in load_arrays(path, _NAMES).items():
            setattr(self, name, array)
        count, length = self.landmarks.shape
        shapes = [array.shape for array in (self.mean, self.spread, self.weights, self.bias)]
        if shapes != [(length,), (length,), (count, classes), (classes,)]:
            raise ValueError(f"arrays of shapes {shapes} do not fit together")


_NAMES = tuple(field.name for field in fields(PatternNetwork))


def fit_patterns(values: Floats, labels: Sequence[int], classes: int, seed: int) -> PatternNetwork:
    """Fit a classifier to the values of windows, (n, k), and their classes; the same seed gives the same one.

    scikit-learn's logistic regression on likenesses to windows that are chosen at random (Nystroem), which comes to a
    kernel machine; classes weigh as much as they have windows.
    """
    from sklearn.kernel_approximation import Nystroem
    from sklearn.linear_model import LogisticRegression

    mean, spread = values.mean(axis=0), values.std(axis=0) + 1e-6
    even = (values - mean) / spread
    gamma = _GAMMA / values.shape[1]
    likeness = Nystroem(gamma=gamma, n_components=min(_LANDMARKS, len(values)), random_state=seed)
    model = LogisticRegression(C=_PENALTY, max_iter=2000)
    model.fit(likeness.fit_transform(even), np.array(labels))
    directions, bias = model.coef_, model.intercept_
    if classes == 2:
        # of two classes scikit-learn keeps one
        directions, bias = np.concatenate([0 * directions, directions]), np.concatenate([0 * bias, bias])
    weights = likeness.normalization_.T @ directions.T
    return PatternNetwork(mean, spread, likeness.components_, np.array(gamma), weights, bias)


class PatternTrainer:
    """Trains pattern classifiers; what it has counted in a window is counted once for all folds."""

    def __init__(self) -> None:
        self.known: dict[int, Floats] = {}

    def __call__(
        self, windows: Windows, labels: Sequence[int], classes: int, *, seed: int, **_: Any
    ) -> tuple[PatternNetwork, dict[str, list[float]]]:
        """Fit a classifier to windows; arguments as for `dl4art.utils.window_training.train_on_windows`."""
        for number, row in enumerate(windows.row.tolist()):
            if row not in self.known:
                self.known[row] = patterns(windows.window(number))
        values = np.stack([self.known[row] for row in windows.row.tolist()])
        return fit_patterns(values, [labels[number] for number in windows.picture], classes, seed), {}
