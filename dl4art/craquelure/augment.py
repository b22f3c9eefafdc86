"""Augmentation of photographs and their masks: what may differ between two photographs of one kind of damage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Picture = npt.NDArray[np.float32]
Mask = npt.NDArray[np.uint8]
_WHITE = np.float32(255)
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


@dataclass(frozen=True)
class Augmentation:
    """How much is varied; shares are of the windows, 0 for never.

    Attributes
    ----------
    turned : bool
        Windows are flipped and turned by quarters.
    inverted, filtered, noisy : float
        Shares that are inverted, blurred or sharpened, and made noisy.
    tone : float
        Spread of gamma, as the standard deviation of its logarithm, and of contrast and brightness, as shares.
    hue, saturation : float
        Largest turn of the hue, as a share of the circle; largest change of the saturation, as a share.
    blur_px, sharpen, noise : float
        Largest standard deviation of the blur; largest strength of the unsharp mask; largest standard deviation of the
        noise, as a share of the range.
    """

    turned: bool = True
    inverted: float = 0.05
    filtered: float = 0.2
    noisy: float = 0.2
    tone: float = 0.15
    hue: float = 0.04
    saturation: float = 0.3
    blur_px: float = 0.7
    sharpen: float = 1.0
    noise: float = 0.02


def cut_window(
    rng: np.random.Generator, picture: npt.NDArray[np.uint8], mask: Mask, side_px: int
) -> tuple[Picture, Mask]:
    """Cut a square out of a picture anywhere; a picture that is smaller is mirrored at its border.

    Parameters
    ----------
    rng : Generator
        Source of randomness.
    picture : ndarray of uint8, shape (h, w, 3)
        The photograph.
    mask : ndarray of uint8, shape (h, w)
        Its classes.
    side_px : int
        Side of the square, s.

    Returns
    -------
    window : ndarray of float32, shape (s, s, 3)
        0 to 255.
    classes : ndarray of uint8, shape (s, s)
    """
    lacking = [(0, max(0, side_px - side)) for side in mask.shape]
    if any(after for _, after in lacking):
        picture, mask = np.pad(picture, [*lacking, (0, 0)], "symmetric"), np.pad(mask, lacking, "symmetric")
    top, left = (int(rng.integers(side - side_px + 1)) for side in mask.shape)
    place = (slice(top, top + side_px), slice(left, left + side_px))
    return picture[place].astype(np.float32), mask[place]


def augmented(rng: np.random.Generator, window: Picture, mask: Mask, settings: Augmentation) -> tuple[Picture, Mask]:
    """Vary a window; arguments and result as in `cut_window`."""
    if settings.turned:
        quarters, flipped = int(rng.integers(4)), rng.random() < 0.5
        window, mask = np.rot90(window, quarters), np.rot90(mask, quarters)
        if flipped:
            window, mask = window[:, ::-1], mask[:, ::-1]
    window = _toned(rng, _coloured(rng, window, settings), settings)
    if rng.random() < settings.filtered:
        window = _filtered(rng, window, settings)
    if rng.random() < settings.noisy:
        deviation = np.float32(_WHITE * rng.uniform(0, settings.noise))
        window = window + deviation * rng.standard_normal((*window.shape[:2], 1), np.float32)
    if rng.random() < settings.inverted:
        window = _WHITE - window
    # a photograph has whole numbers
    return np.rint(np.clip(window, 0, _WHITE)), np.ascontiguousarray(mask)


def _coloured(rng: np.random.Generator, window: Picture, settings: Augmentation) -> Picture:
    """Turn the hue and change the saturation, keeping the brightness: both are one linear map of the colours.

    The hue is turned about the axis of greys, which is what HSV's hue does but for its corners.
    """
    angle = 2 * np.pi * rng.uniform(-settings.hue, settings.hue)
    third, cross = 1 / 3, np.sqrt(1 / 3) * np.sin(angle)
    first, second, other = (
        np.cos(angle) + third * (1 - np.cos(angle)),
        *(third * (1 - np.cos(angle)) + sign * cross for sign in (-1, 1)),
    )
    turn = np.array([[first, second, other], [other, first, second], [second, other, first]])
    factor = 1 + rng.uniform(-settings.saturation, settings.saturation)
    saturate = factor * np.eye(3) + (1 - factor) * _LUMA
    coloured: Picture = window @ (saturate @ turn).T.astype(np.float32)
    return coloured


def _toned(rng: np.random.Generator, window: Picture, settings: Augmentation) -> Picture:
    """Change gamma, contrast and brightness: what 256 greys become is looked up."""
    gamma, gain, shift = np.exp(rng.normal(0, settings.tone)), *rng.uniform(-settings.tone, settings.tone, 2)
    curve = (np.arange(256) / 255) ** gamma
    curve = np.clip(128 + (1 + gain) * (255 * curve - 128) + 128 * shift, 0, 255).astype(np.float32)
    toned: Picture = curve[np.clip(window, 0, 255).astype(np.uint8)]
    return toned


def _filtered(rng: np.random.Generator, window: Picture, settings: Augmentation) -> Picture:
    """Blur or sharpen."""
    if rng.random() < 0.5:
        sigma = rng.uniform(0.3, max(0.3, settings.blur_px))
        return _blurred(window, sigma)
    return window + np.float32(rng.uniform(0, settings.sharpen)) * (window - _blurred(window, 1.0))


def _blurred(window: Picture, sigma: float) -> Picture:
    blurred: Picture = ndimage.gaussian_filter(window, (sigma, sigma, 0), truncate=2.5)
    return blurred
