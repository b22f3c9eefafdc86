import math

import numpy as np
import pytest
from scipy import ndimage

from dl4art.craquelure.islands import SMALLEST_PX, IslandSizes, island_sizes


def strips(paint, rows, beyond=None):
    """A mask of paint in strips, islands at the border open."""
    border = np.ones(paint.shape, bool) if beyond is None else beyond
    if beyond is None:
        border[1:-1, 1:-1] = False
    return [(paint[top : top + rows], border[top : top + rows]) for top in range(0, len(paint), rows)]


@pytest.mark.parametrize("rows", [1, 7, 64, 200])
def test_strips_find_the_islands_of_the_whole(rng, rows):
    paint = ndimage.gaussian_filter(rng.normal(size=(150, 130)), 3) > 0.05
    number, count = ndimage.label(paint)
    open_ = {*number[0], *number[-1], *number[:, 0], *number[:, -1]}
    sizes = np.array([(number == label).sum() for label in range(1, count + 1) if label not in open_])
    sizes = sizes[sizes >= SMALLEST_PX]
    assert len(sizes) > 5
    found = island_sizes(strips(paint, rows))
    assert (found.count, sum(found.octaves)) == (len(sizes), len(sizes))
    assert (found.small, found.median, found.large) == pytest.approx(np.quantile(sizes, (0.1, 0.5, 0.9)))


def test_arms_that_meet_only_at_the_end_are_one_island():
    paint = np.zeros((30, 30), bool)
    paint[2:28, 5] = paint[2:28, 20] = paint[27, 5:20] = True
    assert island_sizes(strips(paint, 3)) == IslandSizes(1, 66, 66, 66, (0, 0, 0, 0, 0, 0, 1))


def test_gaps_are_no_islands_and_no_island_is_no_error():
    paint = np.zeros((20, 20), bool)
    paint[5:8, 5:8] = True
    for found in (island_sizes(strips(paint, 4)), island_sizes(strips(~paint & paint, 4))):
        assert (found.count, found.octaves) == (0, ())
        assert math.isnan(found.median)


def test_an_island_that_goes_on_beyond_what_is_known_does_not_count():
    paint = np.zeros((20, 40), bool)
    paint[4:12, 4:12] = paint[4:12, 20:30] = True
    beyond = np.zeros_like(paint)
    beyond[11, 25] = True
    assert island_sizes(strips(paint, 6, beyond)).count == 1


def test_octaves_part_at_powers_of_two():
    paint = np.zeros((10, 140), bool)
    paint[3, 2:33] = paint[3, 40:72] = paint[3, 75:138] = True
    assert island_sizes(strips(paint, 10)).octaves == (0, 0, 0, 0, 1, 2)
