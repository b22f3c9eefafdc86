import csv
import json
import logging
from contextlib import nullcontext

import pytest

from dl4art.gather import main
from dl4art.paintings.download import Fetcher, Manners
from dl4art.paintings.gathering import COLUMNS, gather_pictures
from dl4art.utils.errors import InputError, OutputError


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


def test_a_second_table_does_not_forget_what_an_interrupted_run_has_gathered(gather, server, picture_bytes, tmp_path):
    server.pages |= {f"/{n}.jpg": picture_bytes((n, 0, 0)) for n in range(4)}
    first = "class,url\n" + "".join(f"a,{server.address}/{n}.jpg\n" for n in range(3))
    with pytest.raises(KeyboardInterrupt):
        gather(first, stop=2)
    gather(f"class,url\nb,{server.address}/3.jpg\n")
    assert [row["file"] for row in read(tmp_path / "out")] == ["a/0.jpg", "a/1.jpg", "b/3.jpg"]
    server.asked.clear()
    assert [row["status"] for row in gather(first)] == ["kept", "kept", "ok"]
    assert server.asked == ["/robots.txt", "/2.jpg"]


def test_what_is_done_is_not_read_again_after_a_stop(gather, server, picture_bytes, monkeypatch):
    from dl4art.paintings import gathering
    from dl4art.utils import journal

    server.pages |= {f"/{n}.jpg": picture_bytes((n, 0, 0)) for n in range(3)}
    text = "class,url\n" + "".join(f"a,{server.address}/{n}.jpg\n" for n in range(3))
    with pytest.raises(KeyboardInterrupt):
        gather(text, stop=3)
    for module in (gathering, journal):
        monkeypatch.setattr(module, "sha256", lambda path: pytest.fail(f"{path} is read"))
    assert [row["status"] for row in gather(text)] == ["kept"] * 3


def test_what_a_killed_run_has_left_is_no_file_of_others(gather, server, picture_bytes, tmp_path, monkeypatch):
    from dl4art.utils.journal import Journal

    def killed(*_args, **_how):
        raise KeyboardInterrupt

    text = f"class,url\na,{server.address}/0.jpg\n"
    server.pages["/0.jpg"] = picture_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(Journal, "add", killed)
        with pytest.raises(KeyboardInterrupt):
            gather(text)
    assert (tmp_path / "out" / "a" / "0.jpg").exists()
    # image services do not always send the same bytes
    server.pages["/0.jpg"] = picture_bytes((1, 2, 3))
    assert gather(text)[0]["status"] == "ok"
    assert (tmp_path / "out" / "a" / "0.jpg").read_bytes() == server.pages["/0.jpg"]


@pytest.mark.parametrize("stop", [None, 1])
def test_pictures_of_services_are_of_one_size(stop, server, picture_bytes, tmp_path):
    info = {"@context": "http://iiif.io/api/image/3/context.json", "width": 50, "height": 60}
    pages = {"full/max/0/default.jpg": picture_bytes(), "info.json": json.dumps(info).encode()}
    server.pages |= {f"/{n}/{name}": page for n in range(2) for name, page in pages.items()}
    table, folder = tmp_path / "list.csv", tmp_path / "out"
    table.write_text(f"class,iiif\na,{server.address}/0\na,{server.address}/1\n")
    fetcher = Fetcher(Manners(tries=1), sleep=lambda _: None)

    def begin(_):
        def advance(_):
            if stop:
                raise KeyboardInterrupt

        return advance

    with pytest.raises(KeyboardInterrupt) if stop else nullcontext():
        gather_pictures(table, folder, fetcher, px=512, begin=begin)
    with pytest.raises(InputError, match=r"other settings \(--px 512, not 1024\)\. Give --px 512, or choose another"):
        gather_pictures(table, folder, fetcher)
    assert {row["status"] for row in gather_pictures(table, folder, fetcher, px=512)} <= {"ok", "kept"}
    # of pictures by their own address it does not matter
    table.write_text(f"class,url\na,{server.address}/0/full/max/0/default.jpg\n")
    assert gather_pictures(table, folder, fetcher)[0]["status"] == "ok"


def test_a_second_run_is_told_who_gathers(gather, server, picture_bytes, tmp_path):
    from dl4art.utils.holding import held

    server.pages["/0.jpg"] = picture_bytes()
    (tmp_path / "out").mkdir()
    with held(tmp_path / "out"), pytest.raises(OutputError, match="another run is writing there: process"):
        gather(f"class,url\na,{server.address}/0.jpg\n")
    assert server.asked == []


@pytest.mark.parametrize(
    "change", [{"file": "../x.jpg"}, {"file": "a/../../x.jpg"}, {"file": "a\0b"}, {"file": 1}, {"file": "a" * 9000}]
)
def test_a_journal_of_others_leads_nowhere(change, gather, server, picture_bytes, tmp_path):
    server.pages |= {f"/{n}.jpg": picture_bytes((n, 0, 0)) for n in range(2)}
    text = f"class,url\na,{server.address}/0.jpg\na,{server.address}/1.jpg\n"
    with pytest.raises(KeyboardInterrupt):
        gather(text, stop=1)
    (tmp_path / "x.jpg").write_bytes(server.pages["/0.jpg"])
    path = tmp_path / "out" / ".sources.csv.journal.jsonl"
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    lines[-1]["row"] |= change
    path.write_text("\n".join(map(json.dumps, lines)), "utf-8")
    assert [row["file"] for row in gather(text)] == ["a/0.jpg", "a/1.jpg"]
    assert (tmp_path / "x.jpg").read_bytes() == server.pages["/0.jpg"]


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
