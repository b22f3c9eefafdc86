import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from dl4art.simulation.painters import STYLES, draw_work, write_works

PX = 96


@pytest.fixture(scope="module")
def works():
    return {painter: np.stack([draw_work(painter, number, PX) for number in range(8)]) for painter in STYLES}


def test_the_same_number_gives_the_same_picture(works):
    painter = next(iter(STYLES))
    assert np.array_equal(draw_work(painter, 3, PX), works[painter][3])
    assert not np.array_equal(draw_work(painter, 3, PX, seed=1), works[painter][3])
    assert len({picture.tobytes() for pictures in works.values() for picture in pictures}) == 24


def test_they_are_pictures(works):
    for pictures in works.values():
        assert pictures.shape == (8, PX, PX, 3)
        assert pictures.dtype == np.uint8
        assert (pictures.std(axis=(1, 2)) > 3).all()


def slant(picture):
    """How much finest strokes run down to the right: correlation of the slopes down and across."""
    grey = picture.mean(axis=-1)
    down, across = (ndimage.gaussian_filter(grey, 0.7, order=order) for order in ((1, 0), (0, 1)))
    return -(down * across).mean() / (down**2 + across**2).mean()


def test_the_hatcher_hatches(works):
    slants = {painter: np.mean([slant(picture) for picture in pictures]) for painter, pictures in works.items()}
    assert slants["the hatcher"] > 0.05
    assert max(abs(slants[painter]) for painter in STYLES if painter != "the hatcher") < 0.05


def test_their_colours_say_little(works):
    """Mean colours of painters lie nearer to each other than those of one painter's pictures."""
    means = np.stack([pictures.mean(axis=(1, 2)) for pictures in works.values()])
    assert means.mean(axis=1).std(axis=0).max() < 0.7 * means.std(axis=1).mean()


def test_works_are_written_once(tmp_path):
    done = []
    write_works(tmp_path, 1, 32, advance=done.append)
    paths = sorted(tmp_path.rglob("*.png"))
    assert [path.parent.name for path in paths] == sorted(STYLES)
    assert done == [1] * len(STYLES)
    assert np.array_equal(np.asarray(Image.open(paths[0])), draw_work(paths[0].parent.name, 0, 32))
    paths[0].write_bytes(b"kept")
    write_works(tmp_path, 1, 32)
    assert paths[0].read_bytes() == b"kept"
