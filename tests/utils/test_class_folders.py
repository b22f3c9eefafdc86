import unicodedata

import pytest

from dl4art.utils.class_folders import check_pictures, natural_order, read_class_folders
from dl4art.utils.errors import InputError


def content(path):
    """The bytes of a file stand for what it shows."""
    text = path.read_text()
    if text == "damaged":
        raise InputError(f"{path}: damaged. Copy it again.")
    return text


@pytest.fixture
def folder(tmp_path):
    """Make a folder from paths; what a file shows is its path unless said otherwise."""

    def make(*paths, **shown):
        for path in (*paths, *shown):
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(shown.get(path, path))
        return tmp_path

    return make


FOUR = ("a/x.png", "a/y.jpg", "b/x.png", "b/z.tif")


def test_classes_are_in_alphabetical_order_and_names_in_that_of_their_numbers(folder):
    found = read_class_folders(folder("b/p10.png", "b/p9.png", "a/x.png", "a/y.PNG", "b/notes.txt"), content)
    assert found.classes == ("a", "b")
    assert [picture.path.name for picture in found.pictures] == ["x.png", "y.PNG", "p9.png", "p10.png"]
    assert found.labels == [0, 0, 1, 1]
    assert found.rows() == [("a", "2", "2"), ("b", "2", "2")]


def test_what_belongs_together(folder):
    place = folder("a/one_1.png", "a/one_2.png", "a/two.png", "a/sub/x.png", "a/sub/y.png", "b/u.png", "b/v-3.png")
    found = read_class_folders(place, content)
    assert found.groups == ["a/one", "a/one", "a/sub", "a/sub", "a/two", "b/u", "b/v"]
    apart = read_class_folders(place, content, grouping="picture")
    assert apart.groups == ["a/one_1.png", "a/one_2.png", "a/sub", "a/sub", "a/two.png", "b/u.png", "b/v-3.png"]


def test_a_table_of_groups_comes_first(folder):
    place = folder(*FOUR)
    (place / "groups.csv").write_text("group;file\nsame;a/x.png\nsame;a/y.jpg\n", encoding="utf-8-sig")
    assert read_class_folders(place, content).groups == ["a/same", "a/same", "b/x", "b/z"]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("file\na/x.png\n", "no column group"),
        ("file,group\na/none.png,g\n", "line 2 names a/none.png"),
        ("file,group\na/x.png,\n", "line 2 has no group"),
        (b"file,group\n\xff\xfe,x\n", "UTF-8"),
    ],
)
def test_wrong_tables_are_refused(folder, table, says):
    place = folder(*FOUR)
    (place / "groups.csv").write_bytes(table if isinstance(table, bytes) else table.encode())
    with pytest.raises(InputError, match=says):
        read_class_folders(place, content)


def test_damaged_pictures_twins_and_strays_are_left_out_and_told(folder):
    place = folder(*FOUR, "stray.png", **{"a/bad.png": "damaged", "a/zwin.png": "a/x.png"})
    found = read_class_folders(place, content)
    assert len(found.pictures) == 4
    told = {path.name: why for path, why in found.left_out}
    assert told == {
        "stray.png": "lies in no folder of a class",
        "bad.png": "damaged. Copy it again.",
        "zwin.png": f"shows the same as {place / 'a/x.png'}",
    }


def test_train_and_test_are_as_the_folder_says(folder):
    paths = [f"{split}/{label}/{split}{n}.png" for split in ("train", "test") for label in "ab" for n in (1, 2)]
    found = read_class_folders(folder(*paths), content)
    assert [picture.split for picture in found.pictures] == ["train"] * 4 + ["test"] * 4
    assert found.classes == ("a", "b")


def test_names_with_blanks_and_accents(folder):
    decomposed = unicodedata.normalize("NFD", "Sch\N{LATIN SMALL LETTER O WITH DIAERESIS}n Art")
    found = read_class_folders(folder(f"{decomposed}/a b.png", f"{decomposed}/\u00e9.png", *FOUR), content)
    assert found.classes == ("Sch\N{LATIN SMALL LETTER O WITH DIAERESIS}n Art", "a", "b")
    assert found.pictures[0].path.exists()


def test_folders_to_leave_are_not_looked_into(folder):
    place = folder(*FOUR, "out/a/x.png", "b/out/y.png")
    found = read_class_folders(place, content, leave=[place / "out", place / "b/out"])
    assert len(found.pictures) == 4


@pytest.mark.parametrize(
    ("paths", "shown", "says"),
    [
        ((), {}, "no folder of a class"),
        (("a/x.png", "a/y.png"), {}, r"only one class \(a\)"),
        (("a/x.png", "a/y.png", "b/z.png"), {}, "1 picture to use in class b, and at least 2"),
        (
            ("a/x.png", "a/y.png", "b/z.png"),
            {"b/w.png": "damaged"},
            r"class b \(one file was left out, w.png: damaged. Copy it again\)",
        ),
        (
            ("a/x.png", "b/y.png", "b/z.png"),
            {"a/v.png": "damaged", "a/w.png": "damaged", "b/w.png": "damaged"},
            r"class a \(2 files were left out, the first, v.png: damaged",
        ),
        (("a/x.png", "a/y.png", "b/z.txt"), {}, "stands for a class"),
        (FOUR, {"b/w.png": "a/x.png"}, r"one class only \(a or b\)"),
        (
            [f"{s}/{c}/{s}{n}.png" for s in ("train", "test") for c in "ab" for n in (1, 2)],
            {"test/a/w.png": "train/a/train1.png"},
            r"one part only \(train or test\)",
        ),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(folder, paths, shown, says):
    with pytest.raises(InputError, match=says):
        read_class_folders(folder(*paths, **shown), content)


def test_a_group_on_both_sides_is_refused(folder):
    paths = [f"{split}/{label}/p_{n}{split}_1.png" for split in ("train", "test") for label in "ab" for n in (1, 2)]
    place = folder(*paths, "test/b/p_1train_2.png")
    with pytest.raises(InputError, match=r"b/p_1train is in both train and test .*, or add --apart\."):
        read_class_folders(place, content)
    assert len(read_class_folders(place, content, grouping="picture").pictures) == 9


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        read_class_folders(tmp_path / "none", content)


def test_numbers_count_as_numbers():
    assert sorted(["b1", "a10", "a9", "a", "10", "9z"], key=natural_order) == ["9z", "10", "a", "a9", "a10", "b1"]


def test_a_picture_that_changes_before_it_is_learnt_is_told(tmp_path):
    for label in "ab":
        (tmp_path / label).mkdir()
        for number in range(2):
            (tmp_path / label / f"{number}.png").write_text(f"{label}{number}")
    found = read_class_folders(tmp_path, lambda path: path.read_text())
    check_pictures(found)
    (tmp_path / "b" / "1.png").write_text("another")
    with pytest.raises(InputError, match=r"1\.png: has changed since"):
        check_pictures(found)


@pytest.mark.parametrize("name", ["a" * 140_000, "a" * 5000, "\0"])
def test_a_table_of_groups_with_names_that_no_file_has(name, tmp_path):
    for label in "ab":
        (tmp_path / label).mkdir()
        (tmp_path / label / "0.png").write_text(label)
    (tmp_path / "groups.csv").write_text(f"file,group\n{name},x\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"groups\.csv: (cannot be read|line 2 names)"):
        read_class_folders(tmp_path, content)
