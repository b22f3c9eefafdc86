"""Centre-lines of what a mask shows, one pixel wide."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]

# neighbours of a pixel in the order of Guo and Hall, clockwise from the one above: their p2 to p9
_AROUND = ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))


def _removable() -> Mask:
    """For either half of a round (0, 1) and every pattern of neighbours (0..255): whether the pixel may go."""
    bits = (np.arange(256)[:, None] >> np.arange(8)) & 1
    p2, p3, p4, p5, p6, p7, p8, p9 = bits.T.astype(bool)
    once = (~p2 & (p3 | p4)) + 0 + (~p4 & (p5 | p6)) + (~p6 & (p7 | p8)) + (~p8 & (p9 | p2)) == 1
    first = (p9 | p2) + 0 + (p3 | p4) + (p5 | p6) + (p7 | p8)
    second = (p2 | p3) + 0 + (p4 | p5) + (p6 | p7) + (p8 | p9)
    few = np.isin(np.minimum(first, second), (2, 3))
    sides = np.stack([~((p2 | p3 | ~p5) & p4), ~((p6 | p7 | ~p9) & p8)])
    return np.asarray(once & few & sides)


_REMOVABLE = _removable()


def skeletonise(mask: Mask) -> Mask:
    """Thin a mask until it is one pixel wide, without parting what hangs together or closing what is open.

    Method: Guo and Hall, Parallel Thinning with Two-Subiteration Algorithms, Communications of the ACM 32, 1989.
    What lies at the border of the picture is thinned as if nothing lay beyond.

    Parameters
    ----------
    mask : ndarray of bool, shape (h, w)
        What to thin.

    Returns
    -------
    ndarray of bool, shape (h, w)
    """
    padded = np.pad(mask, 1)
    flat = padded.ravel()
    offsets = [down * padded.shape[1] + across for down, across in _AROUND]
    # only what is left is looked at, so that time goes with the mask and not with the picture
    left = np.flatnonzero(flat)
    changed = True
    while changed:
        changed = False
        for half in (0, 1):
            pattern = np.zeros(len(left), np.uint8)
            for bit, offset in enumerate(offsets):
                pattern |= flat[left + offset].view(np.uint8) << np.uint8(bit)
            goes = _REMOVABLE[half, pattern]
            flat[left[goes]] = False
            left = left[~goes]
            changed |= bool(goes.any())
    return np.ascontiguousarray(padded[1:-1, 1:-1])
