import numpy as np

from dl4art.craquelure.samples import NO_CRACKS, PaintingSamples, draw_painting_samples, simulate_paintings
from dl4art.simulation.crack_kinds import KINDS
from dl4art.simulation.paintings import HELD_OUT_KINDS, draw_painting


def test_paintings_are_kept_with_their_masks_and_kinds():
    samples = draw_painting_samples(range(3, 6), "test", 48)
    assert samples.pictures.shape == (3, 48, 48, 3)
    assert samples.masks.shape == (3, 48, 48)
    for place, number in enumerate(range(3, 6)):
        painting = draw_painting("test", number, (48, 48))
        assert np.array_equal(samples.pictures[place], painting.picture)
        assert np.array_equal(samples.masks[place], painting.mask)
        kind = samples.kinds[place]
        assert (kind == NO_CRACKS) == (painting.kind is None)
        assert painting.kind is None or list(KINDS)[kind] == painting.kind.name


def test_what_is_drawn_is_read_again(tmp_path, monkeypatch):
    told = []
    drawn = simulate_paintings(tmp_path, "train", 3, side_px=32, workers=1, shard=2, done=told.append)
    assert (len(drawn), told) == (4, [2, 4])
    monkeypatch.setattr("dl4art.craquelure.samples.draw_painting", None)
    again = simulate_paintings(tmp_path, "train", 4, side_px=32, workers=1, shard=2)
    for name in PaintingSamples.__dataclass_fields__:
        assert np.array_equal(getattr(again, name), getattr(drawn, name))


def test_the_held_out_kind_is_in_no_other_split():
    held = {list(KINDS).index(kind) for kind in HELD_OUT_KINDS}
    assert set(draw_painting_samples(range(4), "held-out", 32).kinds.tolist()) <= {NO_CRACKS, *held}
    assert not set(draw_painting_samples(range(12), "train", 32).kinds.tolist()) & held
