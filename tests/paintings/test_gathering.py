import csv
import json
import logging

import pytest

from dl4art.gather import main
from dl4art.paintings.download import Fetcher, Manners
from dl4art.paintings.gathering import COLUMNS, gather_pictures


@pytest.fixture
def gather(tmp_path):
    """Gather a table into a folder, without pauses; `stop` interrupts the run after so many pictures."""

    def run(text, stop=None, folder="out"):
        table = tmp_path / "list.csv"
        table.write_text(text, encoding="utf-8")
        done = []

        def advance(steps):
            done.append(steps)
            if len(done) == stop:
                raise KeyboardInterrupt

        fetcher = Fetcher(Manners(tries=1, largest=100_000), sleep=lambda _: None)
        return gather_pictures(table, tmp_path / folder, fetcher, begin=lambda _: advance)

    return run


def read(folder):
    with (folder / "sources.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_pictures_go_into_the_folders_of_their_classes(gather, server, tmp_path, picture_bytes):
    info = {"@context": "http://iiif.io/api/image/3/context.json", "width": 50, "height": 60, "rights": "CC0"}
    server.pages |= {
        "/a.jpg": picture_bytes(),
        "/b": picture_bytes((1, 2, 3), kind="PNG"),
        "/i/9/info.json": json.dumps(info).encode(),
        "/i/9/full/max/0/default.jpg": picture_bytes((9, 9, 200)),
    }
    text = (
        "class,url,iiif,painting,source,licence\n"
        f"Velázquez,{server.address}/a.jpg,,,=1+1,CC BY\n"
        f"Hals,{server.address}/b,,Man,,\n"
        f"Hals,,{server.address}/i/9,,,\n"
    )
    rows = gather(text)
    assert [row["status"] for row in rows] == ["ok"] * 3
    written = read(tmp_path / "out")
    assert list(written[0]) == list(COLUMNS)
    assert [row["file"] for row in written] == ["Velázquez/a.jpg", "Hals/Man/b.png", "Hals/9.jpg"]
    assert [row["licence"] for row in written] == ["CC BY", "", "CC0"]
    assert "no licence" in written[1]["message"]
    assert written[0]["source"] == "'=1+1"
    assert (written[1]["width_px"], written[1]["height_px"]) == ("40", "30")
    assert (tmp_path / "out" / "Hals" / "Man" / "b.png").read_bytes() == server.pages["/b"]
    assert not list((tmp_path / "out").glob(".*"))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"body": b"<html>", "kind": "text/html"}, "sends text/html"),
        ({"body": b"no picture"}, "no whole JPEG, PNG or TIFF"),
        ({"body": b""}, "no whole JPEG"),
        ({"cut": 0.6}, "no whole JPEG"),
        ({"picture": "GIF"}, "no whole JPEG"),
        ({"body": bytes(200_000)}, "larger than the limit"),
    ],
)
def test_what_is_no_picture_is_not_kept(request, tmp_path, answer, words):
    gather, server, picture_bytes = map(request.getfixturevalue, ("gather", "server", "picture_bytes"))
    body = answer.get("body", picture_bytes(kind=answer.get("picture", "JPEG")))
    body = body[: int(answer.get("cut", 1) * len(body))]
    server.pages["/a.jpg"] = lambda handler: handler.send(200, body, answer.get("kind", "image/jpeg"))
    (row,) = gather(f"class,url\na,{server.address}/a.jpg\n")
    assert row["status"] == "failed"
    assert words in row["message"]
    assert [path.name for path in (tmp_path / "out").rglob("*") if path.is_file()] == ["sources.csv"]
    assert read(tmp_path / "out")[0]["message"] == row["message"]


def test_an_interrupted_run_goes_on(gather, server, picture_bytes, tmp_path, caplog):
    server.pages |= {f"/{n}.jpg": picture_bytes((n, 0, 0)) for n in range(4)}
    text = "class,url\n" + "".join(f"a,{server.address}/{n}.jpg\n" for n in range(4))
    with pytest.raises(KeyboardInterrupt):
        gather(text, stop=2)
    assert not (tmp_path / "out" / "sources.csv").exists()
    # one of the two is changed by hand
    (tmp_path / "out" / "a" / "0.jpg").unlink()
    server.asked.clear()
    with caplog.at_level(logging.WARNING):
        rows = gather(text)
    assert "going on" in caplog.text
    assert [row["status"] for row in rows] == ["ok", "kept", "ok", "ok"]
    assert server.asked == ["/robots.txt", "/0.jpg", "/2.jpg", "/3.jpg"]


def test_the_next_run_asks_only_for_what_failed(gather, server, picture_bytes, tmp_path):
    server.pages |= {"/0.jpg": picture_bytes(), "/2.jpg": picture_bytes((0, 0, 9))}
    text = "class,url\n" + "".join(f"a,{server.address}/{n}.jpg\n" for n in range(2))
    assert [row["status"] for row in gather(text)] == ["ok", "failed"]
    server.pages["/1.jpg"] = picture_bytes((0, 9, 0))
    server.asked.clear()
    assert [row["status"] for row in gather(text)] == ["kept", "ok"]
    assert server.asked == ["/robots.txt", "/1.jpg"]
    # another table into the same folder: what is known of the first pictures stays
    gather(f"class,url\nb,{server.address}/2.jpg\n")
    assert [(row["file"], row["status"]) for row in read(tmp_path / "out")] == [
        ("a/0.jpg", "ok"), ("a/1.jpg", "ok"), ("b/2.jpg", "ok"),
    ]  # fmt: skip


def test_files_of_others_are_not_written_over(gather, server, picture_bytes, tmp_path):
    mine = tmp_path / "out" / "a" / "0.jpg"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")
    server.pages["/0.jpg"] = picture_bytes()
    (row,) = gather(f"class,url\na,{server.address}/0.jpg\n")
    assert (row["status"], mine.read_bytes()) == ("failed", b"mine")
    assert "something else" in row["message"]


def test_nothing_lands_outside_the_folder(gather, server, picture_bytes, tmp_path):
    server.pages["/%2e%2e/%2e%2e/p.jpg"] = server.pages["/..%2Fp.jpg"] = picture_bytes()
    text = (
        "class,url,name,painting\n"
        f"../x,{server.address}/%2e%2e/%2e%2e/p.jpg,..,../../y\n"
        f"/abs,{server.address}/..%2Fp.jpg,,\n"
    )
    rows = gather(text, folder="deep/out")
    assert {row["status"] for row in rows} == {"ok"}
    assert {path.relative_to(tmp_path).parts[:2] for path in tmp_path.rglob("*.jpg")} == {("deep", "out")}


def test_the_door(server, picture_bytes, tmp_path, capsys):
    server.pages |= {"/0.jpg": picture_bytes()}
    table = tmp_path / "list.csv"
    table.write_text(f"class,url\na,{server.address}/0.jpg\nb,{server.address}/1.jpg\n")
    words = [str(table), "-o", str(tmp_path / "out"), "--pause", "0.01", "--tries", "1"]
    assert main(words) == 1
    shown = capsys.readouterr()
    assert shown.out.split() == ["class", "gathered", "kept", "failed", "a", "1", "0", "0", "b", "0", "0", "1"]
    assert "failed: http" in shown.err
    assert "404" in shown.err
    assert main([str(tmp_path / "none.csv"), "-o", str(tmp_path / "out")]) == 2
    assert "error: " in capsys.readouterr().err


def test_the_door_imports_nothing_heavy_for_a_wrong_call(call_door):
    assert call_door("gather", ["list.csv", "-o", "out", "--pause", "0"]) == (2, [])
