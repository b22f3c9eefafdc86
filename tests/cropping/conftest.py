"""Pictures that look enough like canvas for reading and cutting."""

import numpy as np
import pytest


@pytest.fixture
def weave():
    """Make a sinusoidal weave in a picture of stated size and scale."""

    def make(rows, columns, px_per_cm=200.0, *, vertical=12.3, horizontal=14.7, noise=1.0):
        y, x = (np.arange(n) + 0.5 for n in (rows, columns))
        picture = 120 + 25 * np.sin(2 * np.pi * vertical * x / px_per_cm)[None, :]
        picture = picture + 25 * np.sin(2 * np.pi * horizontal * y / px_per_cm)[:, None]
        return picture + np.random.default_rng(5).normal(0, noise, (rows, columns))

    return make
