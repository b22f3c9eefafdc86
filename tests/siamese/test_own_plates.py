import numpy as np
import pytest

from dl4art.cropping import write_crop
from dl4art.cropping.canvases import SPLITS
from dl4art.regression.estimate import ThreadEstimate
from dl4art.siamese import own_plates
from dl4art.siamese.canvas_files import CanvasFiles, collection_files
from dl4art.utils.errors import InputError


class Counted:
    """Finds 12 and 13 threads per cm in everything but what is dark; counts how often it is asked."""

    name = "counted"
    seen = 0

    def predict(self, pictures, *, px_per_cm):
        self.seen += len(pictures)
        return [
            ThreadEstimate("ok", 12.0, 13.0) if picture.mean() > 50 else ThreadEstimate("no-estimate", message="dark")
            for picture in pictures
        ]


@pytest.fixture(scope="module")
def canvases(tmp_path_factory):
    """Two plates of one canvas, one cut up into crops; a plate of another; a dark one; a copy; a text as a picture."""
    folder = tmp_path_factory.mktemp("canvases")
    rng = np.random.default_rng(1)

    def write(name, size_px, px_per_cm=200.0, level=150):
        (folder / name).parent.mkdir(exist_ok=True)
        y, x = np.mgrid[: size_px[0], : size_px[1]] / px_per_cm
        waves = np.cos(2 * np.pi * 12 * x) + np.cos(2 * np.pi * 13 * y)
        grey = np.clip(level + 15 * waves + rng.normal(0, 4, x.shape), 0, 255).astype(np.uint8)
        write_crop(folder / name, grey, px_per_cm, {})

    for place in ("_x000.000_y000.000", "_x001.500_y000.000"):
        write(f"a/first{place}.tif", (300, 300))
    write("a/second_1.tif", (300, 600), 100.0)
    write("a/second_2.tif", (310, 600), 100.0)
    write("b/only.tif", (220, 240))
    write("b/dark.tif", (220, 240), level=30)
    (folder / "c").mkdir()
    (folder / "c" / "copy.tif").write_bytes((folder / "b" / "only.tif").read_bytes())
    (folder / "c" / "text.tif").write_text("no picture")
    return folder


@pytest.fixture
def plates(canvases):
    return own_plates.own_plates(collection_files(canvases))


def test_crops_of_a_plate_are_one_plate_and_copies_none(plates, canvases):
    names = [(plate.canvas, plate.name.removeprefix(f"{canvases}/"), len(plate.files)) for plate in plates]
    assert names == [
        ("a", "a/first", 2),
        # large enough to be plates, whatever number they have
        ("a", "a/second_1.tif", 1),
        ("a", "a/second_2.tif", 1),
        ("b", "b/dark", 1),
        ("b", "b/only", 1),
        ("c", "c/text.tif", 1),
    ]


def test_a_file_that_is_not_there_is_left_out_and_said(tmp_path):
    (plate,) = own_plates.own_plates([CanvasFiles("a", (tmp_path / "gone.tif",))])
    (framed,) = own_plates.frame_plates([plate], tmp_path / "plates", Counted())
    assert len(framed) == 0
    assert "No such file" in framed.message


def test_plates_are_counted_and_framed_once(plates, tmp_path):
    counter = Counted()
    framed = own_plates.frame_plates(plates, tmp_path, counter, crops=5)
    assert [len(plate) for plate in framed] == [2, 5, 5, 0, 1, 0]
    np.testing.assert_array_equal(framed[0].density, [[12, 13], [12, 13]])
    # 12 px a thread
    assert np.abs(np.array(framed[0].frames[0].shape) - [12 * 1.5 * 13, 12 * 1.5 * 12]).max() < 12
    assert "no readable crop among 1" in framed[3].message
    assert framed[5].message
    before, files = counter.seen, sorted(tmp_path.iterdir())
    again = own_plates.frame_plates(plates, tmp_path, counter, crops=5)
    assert (counter.seen, sorted(tmp_path.iterdir())) == (before, files)
    np.testing.assert_array_equal(again[1].frames[4], framed[1].frames[4])


def test_what_is_framed_is_kept_plate_by_plate(plates, tmp_path):
    def stop(_):
        raise KeyboardInterrupt

    counter = Counted()
    with pytest.raises(KeyboardInterrupt):
        own_plates.frame_plates(plates, tmp_path, counter, advance=stop)
    assert counter.seen == 2
    own_plates.frame_plates(plates[:1], tmp_path, counter)
    assert counter.seen == 2


def made_up(numbers):
    """Plates of as many canvases as there are numbers, so many of each."""
    return [
        own_plates.FramedPlate(own_plates.OwnPlate(f"c{canvas:02}", f"p{plate}", (), ""), (), np.zeros((0, 2)))
        for canvas, number in enumerate(numbers)
        for plate in range(number)
    ]


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        ([2, 2, 2, 2, 2], "5 canvases with plates, and 6 are the least"),
        ([9], "1 canvas with plates"),
        ([1] * 9, "no canvas has two plates"),
        ([1] * 9 + [2, 3], "only 2 of 11 canvases have two plates"),
    ],
)
def test_too_little_to_learn_from_is_said(numbers, said):
    with pytest.raises(InputError, match=said) as error:
        own_plates.check_enough([plate.plate for plate in made_up(numbers)], "mine")
    if "two plates" in said:
        assert "would teach the plate, not the cloth" in str(error.value)


@pytest.mark.parametrize(
    "numbers", [[2] * 6, [2, 2, 2, 1, 1, 1], [3, 2, 2, 2, 1, 1], [2, 2, 2, 2, 2, 1], [2] * 40, [1] * 40 + [2] * 3]
)
@pytest.mark.parametrize("seed", [0, 1])
def test_the_split_is_by_canvas_and_each_part_has_pairs(numbers, seed):
    plates = made_up(numbers)
    own_plates.check_enough([plate.plate for plate in plates], "mine")
    split = own_plates.split_plates(plates, seed)
    assert sorted(map(id, plates)) == sorted(id(plate) for part in split.values() for plate in part)
    rows = own_plates.canvas_rows(split)
    assert len(rows) == len(numbers)
    for name in SPLITS:
        of_it = [row for row in rows if row[3] == name]
        assert len(of_it) >= 2
        assert max(row[1] for row in of_it) >= 2
    assert sum(row[3] == "train" for row in rows) >= len(rows) / 3
    assert own_plates.canvas_rows(own_plates.split_plates(plates, seed)) == rows
