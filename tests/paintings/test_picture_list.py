import pytest

from dl4art.paintings.picture_list import read_list
from dl4art.utils.errors import InputError


@pytest.fixture
def table(tmp_path):
    def write(text, encoding="utf-8"):
        path = tmp_path / "list.csv"
        path.write_bytes(text.encode(encoding))
        return path

    return write


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table(table, separator):
    text = (
        "\ufeffClass,url,IIIF,name,painting,source,license,other\r\n"
        "van Dyck,http://a.org/x/lady.jpg?w=3,,,,http://a.org/lady,CC0,!\r\n"
        '"Hals, Frans",,https://b.org/iiif/12%2F3,,Portrait: a man,,\r\n'
        ",,,,,,,\r\n"
        "van Dyck,http://a.org/y/lady.png,,../Lady.PNG\r\n"
    ).replace(",", separator).replace(f"Hals{separator}", "Hals,")  # fmt: skip
    one, two, three = read_list(table(text))
    assert (one.label, one.address, one.iiif, one.place) == (
        "van Dyck", "http://a.org/x/lady.jpg?w=3", False, "van Dyck/lady",
    )  # fmt: skip
    assert (one.source, one.licence, one.row) == ("http://a.org/lady", "CC0", 2)
    assert (two.label, two.iiif, two.painting) == ("Hals, Frans", True, "Portrait: a man")
    assert two.place == "Hals, Frans/Portrait_ a man/12_3"
    assert (three.place, three.row) == ("van Dyck/_Lady", 5)


def test_equal_names_are_told_apart_whatever_else_is_in_the_table(table):
    head = "class,url\n"
    rows = ["a,http://x.org/1/p.jpg\n", "a,http://x.org/2/P.jpg\n", "b,http://x.org/3/p.jpg\n"]
    places = {picture.address: picture.place for picture in read_list(table(head + "".join(rows)))}
    assert places == {p.address: p.place for p in read_list(table(head + "".join(rows[::-1])))}
    assert len({place.casefold() for place in places.values()}) == 3
    assert places["http://x.org/3/p.jpg"] == "b/p"


def test_pictures_keep_their_places(table):
    path = table("class,url\na,http://x.org/1/p.jpg\na,http://x.org/2/q.jpg\n")
    one, two = read_list(path, {"a/old name": "http://x.org/1/p.jpg", "a/q": "http://x.org/other.jpg"})
    assert one.place == "a/old name"
    assert two.place.startswith("a/q-x")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "columns"),
        ("class,file\na,b\n", "needed are class, and url"),
        ("url\nhttp://a.org/x\n", "needed are class, and url"),
        ("class,url\n", "no rows"),
        ("class,url\n,http://a.org/x\n", "row 2 has no class"),
        ("class,url\na,http://a.org/y\na,\n", "row 3 has no address"),
        ("class,url,iiif\na,http://a.org/y,http://a.org/z\n", "row 2 has 2 addresses"),
        ("class,url\na,http://a.org/y\na,http://a.org/y\n", "rows 2 and 3 have the same address, in class a"),
        ("class,url\na,http://a.org/y\nb,http://a.org/y\n", "in the classes a and b"),
        ("class,url\nHals,http://a.org/y\nhals,http://a.org/z\n", "'Hals' and 'hals' would share a folder"),
        ("class,url\na/b,http://a.org/y\na?b,http://a.org/z\n", "would share a folder"),
    ],
)
def test_tables_that_cannot_be_right(table, text, words):
    with pytest.raises(InputError, match=words):
        read_list(table(text))


def test_files_that_are_no_tables(table, tmp_path):
    with pytest.raises(InputError, match="Save it as CSV in UTF-8"):
        read_list(table("class,url\nVelázquez,http://a.org/x\n", "latin-1"))
    with pytest.raises(InputError, match="cannot be read"):
        read_list(tmp_path / "none.csv")
    with pytest.raises(InputError, match="cannot be read"):
        read_list(table('class,url\na,"' + "x" * 200_000))
