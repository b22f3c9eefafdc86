import io

import numpy as np
import pytest

from dl4art.siamese import match_weaves
from dl4art.siamese.bolts import draw_pair
from dl4art.siamese.weave_figure import draw_match


@pytest.mark.parametrize("seed", [8, 12])
def test_the_same_threads_stand_above_each_other(seed):
    a, b = draw_pair(np.random.default_rng(seed), related=True, overlap_cm=30)
    best = match_weaves(a, b, surrogates=20).best
    figure = draw_match(a, b, best, ("left", "right"))
    lines = figure.axes[2].get_lines()
    x = np.arange(best.a_from_cm + 1, best.a_to_cm - 1, 0.25)
    drawn = []
    for line in lines:
        along, values = (np.asarray(part, float) for part in line.get_data())
        order = np.argsort(along)
        drawn.append(np.interp(x, along[order], values[order]))
    assert np.corrcoef(drawn)[0, 1] == pytest.approx(best.plain_r, abs=0.1)
    assert "left" in figure.axes[0].get_title()
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    assert picture.getvalue().startswith(b"\x89PNG")
