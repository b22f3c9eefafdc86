import json

import pytest

from dl4art.paintings.download import Fetcher, Manners
from dl4art.paintings.iiif import find_picture
from dl4art.utils.errors import InputError

V2 = {"@context": "http://iiif.io/api/image/2/context.json", "width": 4000, "height": 3000}
V3 = {"@context": ["x", "http://iiif.io/api/image/3/context.json"], "width": 3000, "height": 4000}
SIZES = [{"width": 400, "height": 300}, {"width": 800, "height": 600}, {"width": 2000, "height": 1500}]


@pytest.fixture
def ask(server):
    def find(info, px=1000, behind=""):
        server.pages["/image/7/info.json"] = info if isinstance(info, bytes) else json.dumps(info).encode()
        fetcher = Fetcher(Manners(tries=1), sleep=lambda _: None)
        return find_picture(fetcher, f"{server.address}/image/7{behind}", px)

    return find


@pytest.mark.parametrize(
    ("info", "size"),
    [
        (V2, "1000,"),
        (V3, "750,"),
        ({**V2, "width": 900, "height": 800}, "full"),
        ({**V3, "width": 900, "height": 800}, "max"),
        ({**V2, "profile": ["http://iiif.io/api/image/2/level0.json"], "sizes": SIZES}, "800,"),
        ({**V3, "profile": "level0", "sizes": SIZES}, "800,600"),
        ({**V3, "profile": "level0", "sizes": SIZES[2:]}, "2000,1500"),
        ({**V3, "profile": "level0"}, "max"),
    ],
)
@pytest.mark.parametrize("behind", ["", "/", "/info.json"])
def test_sizes(ask, server, info, size, behind):
    assert ask(info, behind=behind).address == f"{server.address}/image/7/full/{size}/0/default.jpg"


@pytest.mark.parametrize(
    ("said", "licence", "attribution"),
    [
        ({}, "", ""),
        ({"rights": "https://cc0", "requiredStatement": {"label": {"en": ["By"]}, "value": {"en": ["A", "B"]}}},
         "https://cc0", "A; B"),
        ({"license": ["https://a", "https://b"], "attribution": {"@value": "Museum", "@language": "en"}},
         "https://a; https://b", "Museum"),
        ({"license": 3}, "", ""),
    ],
)  # fmt: skip
def test_licences(ask, said, licence, attribution):
    found = ask({**V2, **said})
    assert (found.licence, found.attribution) == (licence, attribution)


@pytest.mark.parametrize(
    "info",
    [
        b"<html>", b"[]", b"{}", b"[" * 100_000,
        {**V2, "width": "wide"}, {**V2, "width": 0}, {**V2, "height": float("inf")}, {**V2, "sizes": [3]},
        {**V2, "@context": "http://library.stanford.edu/iiif/image-api/1.1/context.json"},
    ],
)  # fmt: skip
def test_what_is_no_service_is_refused(ask, info):
    with pytest.raises(InputError, match=r"info\.json"):
        ask(info)
