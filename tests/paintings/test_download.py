import time

import pytest

from dl4art.paintings.download import AGENT, Fetcher, Manners, clean_address
from dl4art.utils.errors import InputError


class Time:
    """A clock that only sleeping moves."""

    def __init__(self):
        self.now, self.slept = 0.0, []

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(round(seconds, 3))
        self.now += seconds


@pytest.fixture
def clock():
    return Time()


@pytest.fixture
def fetcher(clock):
    return Fetcher(Manners(pause=1.0, tries=3, timeout=5.0, largest=10_000), sleep=clock.sleep, clock=clock)


@pytest.mark.parametrize(
    ("address", "clean"),
    [
        ("http://a.org/x y/ä.jpg?q=ö b#part", "http://a.org/x%20y/%C3%A4.jpg?q=%C3%B6%20b"),
        ("https://a.org:8080/%20a", "https://a.org:8080/%20a"),
        (" https://müseum.org/a ", "https://xn--mseum-kva.org/a"),
        ("http://[::1]:80/a", "http://[::1]:80/a"),
    ],
)
def test_addresses_are_escaped(address, clean):
    assert clean_address(address) == clean
    assert clean_address(clean) == clean


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("file:///etc/passwd", "begins with http"),
        ("ftp://a.org/x.jpg", "begins with http"),
        ("a.org/x.jpg", "begins with http"),
        ("http:///x.jpg", "begins with http"),
        ("", "begins with http"),
        ("http://a.org/x\r\nHost: b.org", "begins with http"),
        ("http://[::1/x", "no valid address"),
        ("http://a.org:99999/x", "no valid address"),
        ("https://me:secret@a.org/x", "password"),
    ],
)
def test_other_addresses_are_refused(address, words):
    with pytest.raises(InputError, match=words) as error:
        clean_address(address)
    assert "secret" not in str(error.value)


def test_a_file_is_fetched_with_a_name_and_pauses(server, fetcher, clock):
    server.pages |= {"/a.jpg": b"first", "/b.jpg": b"second"}
    answers = [fetcher.fetch(f"{server.address}/{name}.jpg", "image/jpeg") for name in "ab"]
    assert [answer.data for answer in answers] == [b"first", b"second"]
    assert answers[0].kind == "image/jpeg"
    assert server.asked == ["/robots.txt", "/a.jpg", "/b.jpg"]
    assert {headers["User-Agent"] for headers in server.headers} == {AGENT}
    assert server.headers[1]["Accept"] == "image/jpeg"
    assert clock.slept == [1.0, 1.0]


def test_robots_are_asked_and_obeyed(server, fetcher, clock):
    rules = b"User-agent: *\nCrawl-delay: 7\nDisallow: /private/\n"
    server.pages |= {"/robots.txt": rules, "/private/a.jpg": b"x", "/b.jpg": b"y", "/on": None}
    server.pages["/on"] = lambda handler: handler.send(302, Location="/private/a.jpg")
    for path in ("/private/a.jpg", "/on"):
        with pytest.raises(InputError, match=r"robots.txt does not allow"):
            fetcher.fetch(server.address + path, "*/*")
    assert fetcher.fetch(f"{server.address}/b.jpg", "*/*").data == b"y"
    assert server.asked == ["/robots.txt", "/on", "/b.jpg"]
    assert clock.slept == [1.0, 7.0]


def test_what_may_pass_is_tried_again(server, fetcher, clock):
    answers = [503, 429, 200]

    def page(handler):
        code = answers.pop(0)
        handler.send(code, b"there", **({"Retry_After": "9"} if code == 429 else {}))

    server.pages["/a.jpg"] = page
    assert fetcher.fetch(f"{server.address}/a.jpg", "*/*").data == b"there"
    assert clock.slept == [1.0, 1.0, 9.0]


@pytest.mark.parametrize(("code", "asked"), [(404, 1), (403, 1), (410, 1), (500, 3)])
def test_errors(server, fetcher, code, asked):
    server.pages["/a.jpg"] = lambda handler: handler.send(code)
    with pytest.raises(InputError, match=f"answers {code}"):
        fetcher.fetch(f"{server.address}/a.jpg", "*/*")
    assert server.asked.count("/a.jpg") == asked


@pytest.mark.parametrize("pause", ["100000", "Wed, 21 Oct 2099 07:28:00 GMT"])
def test_a_server_that_wants_long_pauses_is_left_alone(server, fetcher, pause):
    server.pages["/a.jpg"] = lambda handler: handler.send(429, Retry_After=pause)
    with pytest.raises(InputError, match="tried once"):
        fetcher.fetch(f"{server.address}/a.jpg", "*/*")


def test_a_date_that_is_past_or_none_is_no_pause(server, fetcher, clock):
    dates = ["Wed, 21 Oct 2015 07:28:00 GMT", "soon"]
    server.pages["/a.jpg"] = lambda handler: (
        handler.send(503, Retry_After=dates.pop()) if dates else handler.send(200, b"x")
    )
    assert fetcher.fetch(f"{server.address}/a.jpg", "*/*").data == b"x"
    assert max(clock.slept) == 2.0


def test_a_server_that_never_answers_is_left_alone(server, fetcher):
    server.pages |= {f"/{number}": (lambda handler: handler.send(500)) for number in range(9)}
    messages = []
    for number in range(7):
        with pytest.raises(InputError) as error:
            fetcher.fetch(f"{server.address}/{number}", "*/*")
        messages.append(str(error.value))
    assert "tried 3 times" in messages[4]
    assert "left alone" in messages[5]
    assert len(server.asked) == 1 + 5 * 3


@pytest.mark.parametrize("onward", ["file:///etc/passwd", "ftp://127.0.0.1/a", "http://me:x@127.0.0.1/a"])
def test_it_is_not_led_to_other_schemes(server, fetcher, onward):
    server.pages["/a.jpg"] = lambda handler: handler.send(302, Location=onward)
    with pytest.raises(InputError, match=r"not followed|password"):
        fetcher.fetch(f"{server.address}/a.jpg", "*/*")


def test_redirects_are_followed_but_not_for_ever(server, fetcher):
    server.pages |= {"/a": lambda handler: handler.send(301, Location="b"), "/b": b"there"}
    answer = fetcher.fetch(f"{server.address}/a", "*/*")
    assert (answer.data, answer.address) == (b"there", f"{server.address}/b")
    server.pages["/a"] = lambda handler: handler.send(307, Location="/a")
    with pytest.raises(InputError, match="more than 5 times"):
        fetcher.fetch(f"{server.address}/a", "*/*")


@pytest.mark.parametrize("stated", [True, False])
def test_files_above_the_limit_are_not_read_to_their_end(server, fetcher, stated):
    def page(handler):
        handler.send_response(200)
        if stated:
            handler.send_header("Content-Length", "1000000000")
        handler.end_headers()
        if not stated:
            handler.wfile.write(bytes(20_000))

    server.pages["/a.jpg"] = page
    with pytest.raises(InputError, match=r"limit of 0\.01 MB"):
        fetcher.fetch(f"{server.address}/a.jpg", "*/*")


def test_half_a_file_is_asked_for_again(server, fetcher):
    server.pages["/a.jpg"] = lambda handler: handler.send(200, b"half", length=100)
    with pytest.raises(InputError, match="after 4 of 100 bytes; tried 3 times"):
        fetcher.fetch(f"{server.address}/a.jpg", "*/*")


def test_a_silent_server_is_not_waited_for(server, clock):
    server.pages["/a.jpg"] = lambda handler: time.sleep(0.5)
    fetcher = Fetcher(Manners(tries=1, timeout=0.1), sleep=clock.sleep, clock=clock)
    with pytest.raises(InputError, match="silent"):
        fetcher.fetch(f"{server.address}/a.jpg", "*/*")


def test_a_server_that_drips_is_not_waited_for(server, clock):
    def page(handler):
        handler.send(200, b"x", length=1000)
        clock.now += 400
        handler.wfile.write(b"y")

    server.pages["/a.jpg"] = page
    with pytest.raises(InputError, match="not complete after 300 s"):
        Fetcher(Manners(tries=1), sleep=clock.sleep, clock=clock).fetch(f"{server.address}/a.jpg", "*/*")


def test_no_server_at_all(server, fetcher):
    server.server_close()
    with pytest.raises(InputError, match="no connection"):
        fetcher.fetch(f"{server.address}/a.jpg", "*/*")
