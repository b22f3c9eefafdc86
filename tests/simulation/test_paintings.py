import numpy as np
import pytest
from scipy import ndimage

from dl4art.simulation.camera import Camera, draw_camera, expose, photograph
from dl4art.simulation.crack_kinds import KINDS, draw_kind
from dl4art.simulation.cracks import crack_profile, grow_cracks
from dl4art.simulation.flaking import draw_losses
from dl4art.simulation.paint import paint_surface
from dl4art.simulation.paintings import CLASSES, HELD_OUT_KINDS, draw_painting

SHAPE = (96, 120)
PLAIN = Camera(0, 0, 0, 0, 0, 0, 0, 1, 1, grey=False, stretched=False, jpeg=0)


@pytest.fixture(scope="module")
def paintings():
    return [draw_painting("test", number, SHAPE) for number in range(24)]


def test_pictures_and_masks_are_what_they_are_said_to_be(paintings):
    for painting in paintings:
        assert (painting.picture.shape, painting.picture.dtype) == ((*SHAPE, 3), np.uint8)
        assert (painting.mask.shape, painting.mask.dtype) == (SHAPE, np.uint8)
        assert painting.mask.max() < len(CLASSES)
        assert painting.picture.std() > 1


def test_there_is_enough_of_every_class(paintings):
    shares = np.mean([np.bincount(p.mask.ravel(), minlength=3) / p.mask.size for p in paintings], axis=0)
    assert shares[0] > 0.6
    assert 0.02 < shares[1] < 0.3
    assert 0.005 < shares[2] < 0.2


def test_the_same_number_gives_the_same_painting_and_no_split_gives_another_ones(paintings):
    again = draw_painting("test", 3, SHAPE)
    assert np.array_equal(again.picture, paintings[3].picture)
    assert np.array_equal(again.mask, paintings[3].mask)
    assert not np.array_equal(draw_painting("train", 3, SHAPE).picture, again.picture)


def test_held_out_kinds_are_held_out(paintings):
    assert not {p.kind.name for p in paintings if p.kind} & set(HELD_OUT_KINDS)
    held = [draw_painting("held-out", number, (64, 64)).kind for number in range(6)]
    assert {kind.name for kind in held if kind} == set(HELD_OUT_KINDS)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_kind_can_be_asked_for(kind):
    assert draw_painting("sample", 0, (64, 64), kind=kind).kind.name == kind


def test_what_is_labelled_is_to_be_seen(paintings):
    """Labelled pixels differ from the median of their surroundings by more than others do, in nearly every picture."""
    more = []
    for painting in paintings:
        grey = painting.picture.mean(axis=-1)
        off = np.abs(grey - ndimage.median_filter(grey, 21))
        for number in (1, 2):
            if (painting.mask == number).sum() > 100:
                more.append(np.median(off[painting.mask == number]) > 1.2 * np.median(off[painting.mask == 0]))
    assert np.mean(more) > 0.85


def test_losses_begin_at_cracks_and_stay_below_a_third(rng):
    near, far, shares = [], [], []
    for _ in range(12):
        profile = crack_profile(grow_cracks(rng, draw_kind(rng, "french"), SHAPE), SHAPE)
        lost = draw_losses(rng, profile)
        shares.append(lost.mean())
        near.append(lost[profile.distance < 3].mean())
        far.append(lost[profile.distance > 8].mean())
    assert 0 < np.mean(shares) < 0.3
    assert max(shares) < 0.5
    assert np.mean(near) > 1.3 * np.mean(far)


def test_surfaces_are_in_range_and_differ(rng):
    first, second = (paint_surface(rng, SHAPE)[0] for _ in range(2))
    assert first.dtype == np.float32
    assert 0 <= first.min() <= first.max() <= 1
    assert np.abs(first - second).mean() > 0.01


def test_a_perfect_camera_shows_what_there_is(rng):
    surface = rng.random((8, 9, 3), np.float32)
    picture = photograph(rng, PLAIN, expose(PLAIN, surface)[0])
    assert np.abs(picture / 255 - surface).max() <= 0.5 / 255 + 1e-6


def test_states_of_one_surface_are_exposed_alike(rng):
    camera = Camera(0.1, 1, 0.2, 0.5, 0, 0.01, 0.5, 1.1, 0.9, grey=True, stretched=True, jpeg=80)
    surface = rng.random((16, 16, 3), np.float32)
    changed = surface.copy()
    changed[:4, :4] = 0
    first, second = expose(camera, surface, changed)
    assert first.shape == (16, 16, 1)
    assert np.array_equal(first[8:, 8:], second[8:, 8:])
    assert photograph(rng, camera, first).shape == (16, 16, 3)


def test_noise_is_as_strong_as_asked(rng):
    for size in (0.0, 0.8):
        camera = Camera(0, 0, 0, 0, 0, 0.05, size, 1, 1, grey=True, stretched=False, jpeg=0)
        picture = photograph(rng, camera, np.full((200, 200, 1), 0.5, np.float32))
        assert picture.std() / 255 == pytest.approx(0.05, rel=0.15)


def test_cameras_differ(rng):
    assert len({draw_camera(rng) for _ in range(20)}) == 20
