import json
import shutil

import numpy as np
import pytest
from PIL import Image

from dl4art.craquelure.labels import write_damage
from dl4art.craquelure.own_pictures import fingerprint, picture_rows, read_own, slices, split_pictures
from dl4art.utils import cli
from dl4art.utils.errors import InputError


def photograph(path, seed=0, shape=(40, 60)):
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    Image.fromarray(rng.integers(90, 160, (*shape, 3), np.uint8)).save(path)
    return path


def mask_picture(path, numbers=(0, 1, 2), shape=(40, 60)):
    mask = np.resize(np.array(numbers, np.uint8), shape)
    Image.fromarray(mask).save(path)
    return mask


def read(folder):
    return read_own(cli.gather([folder], (*cli.PICTURES, ".json")), folder)


@pytest.fixture
def folder(tmp_path):
    """A photograph with a mask, one with labelme's labels, and one that was segmented."""
    root = tmp_path / "labelled"
    for seed, name in enumerate(("a", "b", "c", "d")):
        photograph(root / f"{name}.png", seed)
    mask_picture(root / "a_mask.png")
    cracks = np.zeros((40, 60), np.uint8)
    cracks[10:13, 5:50] = 1
    write_damage(cracks, root / "b.json", "b.png")
    (root / "out" / "c").mkdir(parents=True)
    write_damage(cracks, root / "out" / "c" / "damage.json", "../../c.png")
    (root / "out" / "c" / "summary.json").write_text("{}")
    photograph(root / "out" / "c" / "overlay.png", 7)
    return root


def test_all_kinds_of_labels(folder):
    own = read(folder)
    assert [item.name for item in own.found] == ["a.png", "b.png", "c.png"]
    # d; the overlay is a result
    assert (own.left_out, own.unlabelled) == ((), 1)
    first, second, third = (item.mask for item in own.found)
    assert np.array_equal(first, np.resize(np.array([0, 1, 2], np.uint8), (40, 60)))
    assert second[11, 20] == 1
    assert np.array_equal(second, third)
    assert own.found[0].picture.shape == (40, 60, 3)
    before = fingerprint(own.found)
    mask_picture(folder / "a_mask.png", (0, 2))
    assert fingerprint(read(folder).found) != before


def test_numbers_of_a_palette_are_those_that_count(folder):
    mask = Image.open(folder / "a_mask.png").convert("P")
    mask.putdata([2] * (40 * 60))
    mask.putpalette(bytes(range(255, -1, -1)) * 3)
    mask.save(folder / "a_mask.png")
    assert (read(folder).found[0].mask == 2).all()


def test_a_damaged_photograph_is_left_out_and_told(folder):
    (folder / "b.png").write_bytes((folder / "b.png").read_bytes()[:300])
    own = read(folder)
    assert [item.name for item in own.found] == ["a.png", "c.png"]
    [(name, why)] = own.left_out
    assert name == "b.png"
    assert "damaged or cut short" in why
    assert str(folder) not in why


def drawn(folder, **fields):
    content = json.loads((folder / "b.json").read_text()) | fields
    (folder / "b.json").write_text(json.dumps(content))


def other_label(folder):
    shapes = json.loads((folder / "b.json").read_text())["shapes"]
    drawn(folder, shapes=[*shapes, {"label": "varnish", "points": [[1, 1], [5, 5]], "shape_type": "linestrip"}])


def moved(folder):
    photograph(folder.parent / "e.png", 9)
    (folder / "b.png").unlink()
    drawn(folder, imagePath="../e.png")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (other_label, "b.json: shape 2: field 'label' is 'varnish'"),
        (lambda f: mask_picture(f / "a_mask.png", shape=(40, 61)), r"a_mask.png: 61 x 40 px, but its picture has 60 x"),
        (lambda f: mask_picture(f / "a_mask.png", (0, 7, 255)), "a_mask.png: holds 7, 255, which is no class"),
        (lambda f: photograph(f / "a_mask.png"), "a_mask.png: a picture in colour"),
        (lambda f: (f / "a_mask.png").write_bytes(b"none"), "a_mask.png: cannot be read as a picture"),
        (lambda f: (f / "a.png").unlink(), "a_mask.png: no photograph is called a beside it"),
        (lambda f: (f / "b.png").unlink(), "b.json: field 'imagePath' is 'b.png', and there is no such picture"),
        (moved, "b.json: field 'imagePath' is '../e.png', outside the folder"),
        (lambda f: drawn(f, imageWidth=61), "b.json: 61 x 40 px, but its picture has 60 x 40"),
        (lambda f: mask_picture(f / "b_mask.png"), "b_mask.png: labels b.png, and so does .*b.json"),
        (lambda f: shutil.copy(f / "a.png", f / "b.png"), "b.png: is the same photograph as a.png"),
        (lambda f: (f / "notes.json").write_text("{}"), "notes.json: field 'shapes' is missing"),
    ],
)
def test_labels_that_cannot_be_used(spoil, message, folder):
    spoil(folder)
    with pytest.raises(InputError, match=message):
        read(folder)


def test_one_photograph_is_too_few(folder):
    for name in ("a_mask.png", "b.json"):
        (folder / name).unlink()
    with pytest.raises(InputError, match="only one photograph with labels"):
        read(folder)
    (folder / "c.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"no photograph with labels \(1 cannot be read: c.png: "):
        read(folder)


def test_splits_are_by_photograph(folder):
    found = read(folder).found
    split = split_pictures(found, 1)
    assert {name: len(items) for name, items in split.items()} == {"train": 2, "held": 1}
    assert split == split_pictures(found, 1)
    assert {item.name for items in split.values() for item in items} == {"a.png", "b.png", "c.png"}
    many = split_pictures(found * 10, 2)
    assert {name: len(items) for name, items in many.items()} == {"train": 27, "held": 3}
    rows = picture_rows(split)
    assert [row[:2] for row in rows] == [(f"{name}.png", "60 x 40") for name in "abc"]
    assert [row[2] for row in rows].count("held out") == 1


def test_slices_cover_a_photograph(folder):
    item = read(folder).found[0]
    pictures, masks = slices([item], 32)
    assert [mask.shape for mask in masks] == [(32, 32)] * 4
    assert np.array_equal(pictures[-1], item.picture[8:, 28:])
    assert np.array_equal(masks[1], item.mask[:32, 28:])
    # room to be shifted in, as far as the photograph reaches
    assert [mask.shape for mask in slices([item], 32, 10)[1]] == [(40, 42), (40, 42)] * 2
    [whole] = slices([item], 512)[1]
    assert np.shares_memory(whole, item.mask)
    assert whole.shape == (40, 60)
