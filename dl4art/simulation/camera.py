"""From a painted surface to a photograph of it: light, varnish, lens, sensor, file."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from dl4art.simulation.fields import Array
from dl4art.simulation.paint import grey_of


@dataclass(frozen=True)
class Camera:
    """How a painting is lit and photographed.

    Attributes
    ----------
    slope, towards : float
        Fall of the light over half a picture, and its direction in radians.
    yellow : float
        Share of the blue that varnish takes away.
    blur : float
        Unsharpness as a standard deviation in px.
    sharpened : float
        Strength of the unsharp mask that the camera applies.
    noise : float
        Standard deviation of the noise of the sensor, in units of the range of grey.
    noise_px : float
        Size of its grains.
    gamma, gain : float
        Tone curve.
    grey : bool
        The photograph has no colours.
    stretched : bool
        Its contrast was stretched until black and white are cut off.
    jpeg : int
        Quality of the compression, 0 for none.
    """

    slope: float
    towards: float
    yellow: float
    blur: float
    sharpened: float
    noise: float
    noise_px: float
    gamma: float
    gain: float
    grey: bool
    stretched: bool
    jpeg: int


def draw_camera(rng: np.random.Generator) -> Camera:
    """Draw a way of taking photographs."""
    grey = bool(rng.random() < 0.25)
    return Camera(
        slope=float(rng.uniform(0, 0.25)),
        towards=float(rng.uniform(0, 2 * np.pi)),
        yellow=float(rng.choice([0.0, rng.uniform(0, 0.4)])),
        blur=float(rng.uniform(0, 1.0)),
        sharpened=float(rng.choice([0.0, rng.uniform(0.2, 1.2)])),
        noise=float(np.exp(rng.uniform(np.log(0.003), np.log(0.05)))),
        noise_px=float(rng.choice([0.0, rng.uniform(0.4, 1.0)])),
        gamma=float(np.exp(rng.normal(0, 0.2))),
        gain=float(rng.uniform(0.8, 1.15)),
        grey=grey,
        stretched=grey and bool(rng.random() < 0.5),
        jpeg=int(rng.integers(55, 98)) if rng.random() < 0.7 else 0,
    )


def expose(camera: Camera, *surfaces: Array) -> list[Array]:
    """Expose states of one surface alike, with levels that fit the first; noise and file come after.

    Parameters
    ----------
    camera : Camera
        How.
    *surfaces : ndarray, shape (h, w, 3)
        Red, green and blue, 0 to 1.

    Returns
    -------
    list of ndarray, shape (h, w, 3) or (h, w, 1)
        0 to 1; one channel if the photograph has no colours.
    """
    height, width = surfaces[0].shape[:2]
    down = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    across = np.linspace(-1, 1, width, dtype=np.float32)
    light = 1 + camera.slope * (down * np.sin(camera.towards) + across * np.cos(camera.towards))
    exposed = []
    for surface in surfaces:
        seen = surface * light.astype(np.float32)[..., None]
        seen[..., 2] *= np.float32(1 - camera.yellow)
        if camera.grey:
            seen = grey_of(seen)[..., None]
        if camera.blur > 0.2:
            seen = ndimage.gaussian_filter(seen, (camera.blur, camera.blur, 0), truncate=3)
        exposed.append(np.clip(seen, 0, None) ** np.float32(camera.gamma) * np.float32(camera.gain))
    low, high = np.float32(0), np.float32(1)
    if camera.stretched:
        low, high = np.quantile(exposed[0][::4, ::4], (0.03, 0.8)).astype(np.float32)
    reach = max(high - low, np.float32(0.1))
    return [np.clip((seen - low) / reach, 0, 1) for seen in exposed]


def photograph(rng: np.random.Generator, camera: Camera, exposed: Array) -> npt.NDArray[np.uint8]:
    """Turn an exposure of `expose` into what is in the file, uint8 of shape (h, w, 3)."""
    noise = rng.standard_normal(exposed.shape, np.float32)
    if camera.noise_px:
        # the factor brings the deviation back to one
        area = 1 + 4 * np.pi * camera.noise_px**2
        noise = ndimage.gaussian_filter(noise, (camera.noise_px, camera.noise_px, 0), truncate=3) * np.float32(
            area**0.5
        )
    seen = exposed + np.float32(camera.noise) * noise
    if camera.sharpened:
        seen += np.float32(camera.sharpened) * (seen - ndimage.gaussian_filter(seen, (1.2, 1.2, 0), truncate=2.5))
    grey_or_colours = np.rint(np.clip(seen, 0, 1) * 255).astype(np.uint8)
    return _compressed(np.broadcast_to(grey_or_colours, (*exposed.shape[:2], 3)), camera.jpeg)


def _compressed(picture: npt.NDArray[np.uint8], quality: int) -> npt.NDArray[np.uint8]:
    """Save as JPEG and read again; quality 0 leaves the picture as it is."""
    if not quality:
        return np.ascontiguousarray(picture)
    with io.BytesIO() as file:
        Image.fromarray(np.ascontiguousarray(picture)).save(file, "JPEG", quality=quality)
        return np.array(Image.open(file))
