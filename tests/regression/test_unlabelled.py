import numpy as np
import pytest

from dl4art.cropping import write_crop
from dl4art.regression import unlabelled
from dl4art.utils.errors import InputError


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A plate of 4 x 3 cm, a crop, its copy, one too small and one that is no picture."""
    folder = tmp_path_factory.mktemp("unlabelled")
    rng = np.random.default_rng(2)
    for name, size in (("plate.tif", (600, 800)), ("crop.tif", (240, 260)), ("small.tif", (150, 260))):
        y, x = np.mgrid[: size[0], : size[1]] / 200
        waves = np.cos(2 * np.pi * 12 * x) + np.cos(2 * np.pi * 13 * y)
        grey = np.clip(120 + 30 * waves + rng.normal(0, 5, x.shape), 0, 255).astype(np.uint8)
        write_crop(folder / name, grey, 200.0, {})
    (folder / "copy.tif").write_bytes((folder / "crop.tif").read_bytes())
    (folder / "text.tif").write_text("no picture")
    return {path.stem: path for path in sorted(folder.iterdir())}


def test_plates_are_cut_and_crops_taken_as_they_are(files):
    found = unlabelled.read_unlabelled(list(files.values()))
    shapes = [(crop.name, crop.grey.shape) for crop in found.crops]
    # of two files that are the same, the first
    assert shapes[0] == ("copy.tif 0", (240, 260))
    assert {shape for _, shape in shapes[1:]} == {(300, 300)}
    assert all(name.startswith("plate.tif ") for name, _ in shapes[1:])
    assert len(shapes) > 4
    assert found.files == 2
    (small, why), (text, _) = found.left_out
    assert (small, text) == (str(files["small"]), str(files["text"]))
    assert "smaller than a window of 1 cm" in why


def test_many_plates_share_the_crops(files, monkeypatch):
    monkeypatch.setattr(unlabelled, "MOST", 5)
    assert len(unlabelled.read_unlabelled([files["plate"]]).crops) == 5
    assert len(unlabelled.read_unlabelled([files["plate"], files["crop"]]).crops) == 4 + 1


def test_nothing_to_read_is_said(files):
    with pytest.raises(
        InputError, match=r"no crop could be read of 1 files\. .*small\.tif: 1\.30 x 0\.75 cm are smaller"
    ):
        unlabelled.read_unlabelled([files["small"]])


def test_the_split_parts_all_crops_and_stays(files):
    found = unlabelled.read_unlabelled([files["plate"]], seed=3)
    learn, held = found.split(1)
    assert sorted([*learn, *held]) == list(range(len(found.crops)))
    assert 1 <= len(held) < len(learn)
    np.testing.assert_array_equal(found.split(1)[1], held)


def test_the_fingerprint_tells_crops_apart(files):
    one, other = (unlabelled.read_unlabelled([files["plate"]], seed=seed).crops for seed in (1, 2))
    assert unlabelled.fingerprint(one) == unlabelled.fingerprint(one)
    assert unlabelled.fingerprint(one) != unlabelled.fingerprint(one[:-1])
    assert len(other) == len(one)
