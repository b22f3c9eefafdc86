import pytest

from dl4art.siamese.canvas_files import collection_files
from dl4art.utils.errors import InputError


@pytest.fixture
def folder(tmp_path):
    names = "one.tif", "two/left.tif", "two/deep/right.png", "three.PNG", ".hidden.tif", "notes.txt", "empty/notes.txt"
    for name in names:
        path = tmp_path / "collection" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path / "collection"


def listed(source, **how):
    return {canvas.name: [file.name for file in canvas.files] for canvas in collection_files(source, **how)}


def test_a_file_or_a_folder_for_each_canvas(folder):
    assert listed(folder) == {"one": ["one.tif"], "three": ["three.PNG"], "two": ["right.png", "left.tif"]}


def test_names_that_would_be_equal_keep_their_endings(folder):
    (folder / "one.png").write_bytes(b"x")
    (folder / "two.tif").write_bytes(b"x")
    assert list(listed(folder)) == ["one.png", "one.tif", "three", "two", "two.tif"]


def test_results_that_lie_in_the_collection_are_no_canvas(folder):
    (folder / "out").mkdir()
    (folder / "out" / "matrix.png").write_bytes(b"x")
    assert "out" in listed(folder)
    assert "out" not in listed(folder, leave=[folder / "out"])


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_table_groups_plates(folder, separator, mark):
    table = folder.parent / "table.csv"
    lines = ["file,canvas,title", "collection/one.tif,A,x", "collection/two/left.tif,B,", " collection/three.PNG ,A,"]
    table.write_text(mark + "\n".join(lines).replace(",", separator), "utf-8")
    assert listed(table) == {"A": ["one.tif", "three.PNG"], "B": ["left.tif"]}
    assert collection_files(table)[0].files[0] == folder / "one.tif"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no column canvas and no column file"),
        ("canvas,plate\nA,x.tif\n", "no column file"),
        ("canvas,file\nA,\n", "line 2 has no file"),
        ("canvas,file\nA,x\n,y\n", "line 3 has no canvas"),
        ("canvas,file\nA\n", "line 2 has no file"),
        ("canvas,file\nA,x.tif\nA,y.tif\n", r"only one canvas \(A\)"),
        ("canvas,file\n", "no canvas in this collection"),
    ],
)
def test_a_table_that_will_not_do(tmp_path, text, said):
    table = tmp_path / "table.csv"
    table.write_text(text)
    with pytest.raises(InputError, match=said):
        collection_files(table)


def test_a_table_that_is_no_text(tmp_path):
    (tmp_path / "table.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read as a table in UTF-8"):
        collection_files(tmp_path / "table.csv")


def test_one_canvas_is_no_collection(folder):
    for name in ("one.tif", "three.PNG"):
        (folder / name).unlink()
    with pytest.raises(InputError, match=r"only one canvas \(two\).*--against"):
        collection_files(folder)
