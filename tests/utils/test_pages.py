from __future__ import annotations

import jinja2
import pytest
from matplotlib.figure import Figure

from dl4art.utils.errors import OutputError
from dl4art.utils.pages import drawing, picture, png, write_page

BASE = "utils/templates/page.html"


def test_a_page_says_where_its_numbers_come_from_and_escapes_all_text(tmp_path):
    about = {
        "program": "dl4art 1",
        "inputs": [{"file": "a<b.tif", "sha256": "00ff"}],
        "parameters": {"step_cm": 0.5, "size_cm": None},
        "versions": {"numpy": "2.0"},
    }
    write_page(tmp_path / "page.html", BASE, about, title="Girl <b>& pearl")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<h1>Girl &lt;b&gt;&amp; pearl</h1>" in page
    assert "dl4art 1. Input: a&lt;b.tif (SHA-256 00ff). Parameters: step_cm 0.5. Versions: numpy 2.0." in page
    assert "<style>" in page


def test_what_a_template_misses_is_an_error_and_leaves_no_file(tmp_path):
    with pytest.raises(jinja2.UndefinedError, match="title"):
        write_page(tmp_path / "page.html", BASE, {})
    with pytest.raises(OutputError):
        write_page(tmp_path / "none" / "page.html", BASE, {}, title="")
    assert not list(tmp_path.iterdir())


def test_a_figure_becomes_the_same_picture_each_time():
    figure = Figure(figsize=(1, 1))
    assert png(figure) == png(figure)
    assert png(figure, dpi=100) != png(figure)
    assert b"matplotlib" not in png(figure).lower()
    assert drawing("a", "b", figure) == picture("a", "b", png(figure), "png")
