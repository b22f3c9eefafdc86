import math

import numpy as np
import pytest
from scipy import ndimage

from dl4art.simulation.crack_kinds import KINDS, REGIONS, CrackKind, draw_kind
from dl4art.simulation.cracks import Cracks, crack_profile, grow_cracks

SHAPE = (120, 150)


def plain(**changes):
    settings = {
        "name": "plain",
        "island_px": 25.0,
        "uneven": 0.0,
        "directions": (),
        "aligned": 0.0,
        "loosened": 1.0,
        "bend": 0.0,
        "jag": 0.0,
        "connected": 1.0,
        "width_px": 2.0,
        "finer": 1.0,
    }
    return CrackKind(**{**settings, **changes})


def line(rows, cols, half):
    points = np.stack([rows, cols], axis=1).astype(np.float32)
    way = points[-1:] - points[:1] if len(points) else np.zeros((1, 2))
    angle = np.full(len(points), math.atan2(*way[0]), np.float32)
    return Cracks(points, angle, np.full(len(points), half, np.float32), np.zeros(len(points), np.int32))


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_cracks_a_picture_and_the_same_seed_gives_the_same(name):
    networks = [grow_cracks(rng, draw_kind(rng, name), SHAPE) for rng in map(np.random.default_rng, (5, 5, 6))]
    assert np.array_equal(networks[0].points, networks[1].points)
    assert not np.array_equal(networks[0].points[:50], networks[2].points[:50])
    profile = crack_profile(networks[0], SHAPE)
    assert 0 < profile.label.mean() < 0.6
    assert networks[0].half_width.min() >= 0.3 - 1e-6


def test_the_four_schools_are_kinds():
    assert set(REGIONS) <= set(KINDS)
    assert draw_kind(np.random.default_rng(0), "french").directions == ()


def test_islands_are_about_as_wide_as_asked(rng):
    def widest(island_px):
        profile = crack_profile(grow_cracks(rng, plain(island_px=island_px), (200, 200)), (200, 200))
        return 2 * ndimage.maximum_filter(profile.distance, 5).mean()

    assert widest(20.0) < 26
    assert widest(20.0) < widest(60.0) < 80


def test_connected_cracks_close_their_islands(rng):
    def islands(connected):
        cracks = grow_cracks(rng, plain(connected=connected), (200, 200))
        return ndimage.label(~crack_profile(cracks, (200, 200)).label)[1]

    assert islands(1.0) > 2 * islands(0.0)


def test_aligned_cracks_keep_to_the_direction_of_the_support(rng):
    kind = plain(directions=(0.0, math.pi / 2), aligned=0.95)
    angles = grow_cracks(rng, kind, SHAPE).angle
    off = np.abs((angles + math.pi / 4) % (math.pi / 2) - math.pi / 4)
    assert np.median(off) < math.radians(8)


def test_cracks_round_a_blow_are_rays_and_rings(rng):
    kind = plain(directions=(0.0, math.pi / 2), aligned=0.95, round_a_blow=True)
    angles = grow_cracks(rng, kind, SHAPE).angle
    off = np.abs((angles + math.pi / 4) % (math.pi / 2) - math.pi / 4)
    assert np.median(off) > math.radians(12)


def test_later_generations_are_finer(rng):
    cracks = grow_cracks(rng, plain(finer=0.5, width_px=8.0), (200, 200))
    widths = [cracks.half_width[cracks.generation == number].mean() for number in range(3)]
    assert widths[0] > 1.4 * widths[1] > 1.8 * widths[2]


def test_a_straight_crack_is_drawn_as_wide_as_it_is():
    cols = np.arange(-5, 45, 0.5)
    profile = crack_profile(line(np.full(100, 20.0), cols, 1.5), (40, 40))
    assert profile.coverage[:, 20].sum() == pytest.approx(3.0, abs=1e-5)
    assert profile.label[:, 20].nonzero()[0].tolist() == [19, 20, 21]
    assert profile.distance[30, 10] == pytest.approx(10, abs=0.3)
    assert profile.down[30, 10] == pytest.approx(1, abs=0.01)
    assert profile.down[10, 10] == pytest.approx(-1, abs=0.01)


def test_a_hairline_covers_little_and_is_labelled_whole():
    rows = np.arange(0, 40, 0.5)
    profile = crack_profile(line(rows, 0.7 * rows + 3, 0.3), (40, 40))
    assert profile.coverage.max() == pytest.approx(0.6, abs=1e-5)
    assert ndimage.label(profile.label, np.ones((3, 3)))[1] == 1


def test_where_crossing_cracks_share_a_pixel_the_wider_counts():
    rows = np.arange(0, 40, 0.5)
    wide, thin = line(rows, np.full(80, 20.0), 3.0), line(np.full(80, 20.0), rows, 0.5)
    for first, second in ((wide, thin), (thin, wide)):
        both = Cracks(*(np.concatenate([getattr(c, f) for c in (first, second)]) for f in vars(first)))
        assert crack_profile(both, (40, 40)).label[20, 18:23].all()


def test_no_crack_is_no_error():
    profile = crack_profile(line(np.empty(0), np.empty(0), 1.0), (8, 9))
    assert profile.label.shape == (8, 9)
    assert not profile.label.any()
    assert np.isinf(profile.distance).all()
