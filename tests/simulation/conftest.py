"""Cloths and radiographs that are as plain as can be, so that a test knows what to expect of them."""

from dataclasses import replace

import numpy as np
import pytest

from dl4art.simulation import Cloth, Yarns, draw_radiograph, render, stage
from dl4art.simulation.cloth import weave_pattern


def yarns(density, **changes):
    """An even thread system, but for `changes`."""
    settings = dict.fromkeys(Yarns.__dataclass_fields__, 0.0)
    settings |= {"width": 0.75, "long_scale": 1.0, "wobble_scale": 1.0, "slub_scale": 1.0, "crimp": 0.5}
    return Yarns(**{**settings, "density": density, **changes})


def even_cloth(vertical=12.0, horizontal=9.0, weave="plain", **changes):
    return Cloth(weave, weave_pattern(weave), yarns(vertical, **changes), yarns(horizontal, **changes))


def clear_radiograph(tilt=0.0, skew=0.0, *, film=None, **paint):
    """A sharp, clean radiograph, but for what is given."""
    drawn = draw_radiograph(np.random.default_rng(1))
    ground = replace(drawn.ground, yarn=1.0, sum=0.0, relief=0.0, face=0.0, shading=0.0, balance=0.0, sharpness=3.0)
    clean = {"contrast": 1.0, "strokes": 0, "cracks": 0, "losses": 0}
    clean |= dict.fromkeys(("contrast_spread", "tone", "hair", "mottle", "lining"), 0.0)
    sharp = {"blur": 0.5, "slope": 1.0, "exposure": 0.0, "grain": 0.002, "grain_size": 0.5, "clumps": 0.0, "jpeg": 0}
    sharp |= {"black": 0.0, "white": 0.0, "enlarged": 1.0, "stretched": True, "equalised": False, "negative": False}
    return replace(
        drawn,
        ground=ground,
        paint=replace(drawn.paint, **clean | paint),
        film=replace(drawn.film, **sharp | (film or {})),
        tilt=tilt,
        skew=skew,
        pull=0.0,
        cusping=0.0,
    )


@pytest.fixture
def picture():
    """Render a window of 1 cm (or as asked) of a clear radiograph of an even cloth."""

    def make(cloth=None, radiograph=None, side=1.0, seed=3):
        return render(stage(cloth or even_cloth(), radiograph or clear_radiograph(), (side, side), seed))

    make.cloth, make.radiograph = even_cloth, clear_radiograph
    return make
