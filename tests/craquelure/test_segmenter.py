import json

import numpy as np
import pytest

from dl4art.craquelure.tiles import answer_by_tiles, read_from, tile_count
from dl4art.utils.errors import InputError, ModelError


def blurred(colours):
    """Look 3 px around, and answer with the number that the mean falls in."""
    from scipy import ndimage

    # whole numbers, so that no sum is rounded
    sums = ndimage.correlate(colours[..., 0].astype(np.int64), np.ones((7, 7), np.int64))
    return (sums // (49 * 32)).astype(np.uint8)


@pytest.mark.parametrize("shape", [(50, 70), (3, 90), (1, 1), (64, 64)])
@pytest.mark.parametrize("multiple", [1, 8])
def test_tiles_answer_as_the_whole(rng, shape, multiple):
    picture = rng.integers(0, 256, shape, np.uint8)
    shown = []

    def answer(colours):
        shown.append(colours.shape)
        return blurred(colours)

    settings = {"margin_px": 3, "multiple_px": multiple}
    whole = answer_by_tiles(read_from(picture), shape, answer, tile_px=200, **settings)
    assert shown[0][0] % multiple == 0
    shown.clear()
    tiled = answer_by_tiles(read_from(picture), shape, answer, tile_px=16, **settings)
    assert np.array_equal(whole, tiled)
    assert len(set(shown)) == 1
    assert len(shown) == tile_count(shape, multiple_px=multiple, tile_px=16)
    # as far from the border as the margin, nothing was mirrored
    inner = np.s_[3:-3, 3:-3]
    assert np.array_equal(whole[inner], blurred(np.repeat(picture[..., None], 3, 2))[inner])


def test_nothing_outside_the_picture_is_read(rng):
    picture = rng.integers(0, 256, (40, 50), np.uint8)
    largest = []

    def read(top, bottom, left, right):
        assert 0 <= top < bottom <= 40
        assert 0 <= left < right <= 50
        largest.append((bottom - top) * (right - left))
        return read_from(picture)(top, bottom, left, right)

    answer_by_tiles(read, (40, 50), blurred, margin_px=3, tile_px=10)
    # a tile and its margins are all that is in memory
    assert max(largest) <= 16 * 16


@pytest.fixture(scope="module")
def segmenter(tiny):
    from dl4art.craquelure.segmenter import Segmenter

    return Segmenter(tiny("mc-dm"))


def test_a_network_answers_by_tiles_as_for_the_whole(segmenter, rng):
    picture = rng.integers(0, 256, (75, 90, 3), np.uint8)
    whole = segmenter.segment(picture)
    tiled = segmenter.segment(picture, tile_px=32)
    assert whole.shape == (75, 90)
    assert len(np.unique(whole)) > 1
    # another size of tile is another order of sums: a tie may fall to the other side
    assert (whole != tiled).mean() < 1e-3
    assert segmenter.count_tiles((75, 90), 32) == 9


def test_grey_pictures_are_taken_as_grey_colours(segmenter, rng):
    picture = rng.integers(0, 256, (40, 40), np.uint8)
    assert np.array_equal(segmenter.segment(picture), segmenter.segment(np.repeat(picture[..., None], 3, 2)))


@pytest.mark.parametrize("shape", [(5,), (5, 5, 4), (0, 5), (5, 5, 3, 1)])
def test_what_is_no_picture_is_refused(segmenter, shape):
    with pytest.raises(InputError, match="is no photograph"):
        segmenter.segment(np.zeros(shape, np.uint8))


@pytest.fixture
def saved(tiny, tmp_path):
    from dl4art.craquelure.segmenter import save_segmenter

    network = tiny("light", seed=3)
    folder = save_segmenter(network, tmp_path / "model", name="light", filters=(3, 4, 4, 5, 5), card="# A card\n")
    return network, folder


def test_a_saved_segmenter_gives_the_same_answers(saved, rng):
    from dl4art.craquelure.segmenter import Segmenter

    network, folder = saved
    picture = rng.integers(0, 256, (33, 50, 3), np.uint8)
    loaded = Segmenter.from_pretrained(folder.path)
    assert np.array_equal(loaded.segment(picture), Segmenter(network).segment(picture))
    assert loaded.folder.config["reach_px"] == loaded.margin_px
    assert loaded.name == f"model {folder.sha256[:8]}"
    assert loaded.summary == ""


@pytest.mark.parametrize(
    ("entry", "value", "words"),
    [
        ("network", "vgg", "no segmenter of this version"),
        ("classes", ["crack", "rest"], "no segmenter of this version"),
        ("filters", [3, 4, 4, 5, 9], "do not fit the network 'light'"),
        ("filters", [3, 4], "do not fit the network 'light'"),
    ],
)
def test_a_model_that_does_not_fit_is_refused(saved, entry, value, words):
    from dl4art.craquelure.segmenter import Segmenter

    path = saved[1].path
    config = json.loads((path / "config.json").read_text("utf-8"))
    (path / "config.json").write_text(json.dumps({**config, entry: value}), "utf-8")
    with pytest.raises(ModelError, match=words):
        Segmenter.from_pretrained(path)
