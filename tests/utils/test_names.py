from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dl4art.utils.names import free_name, names_for, safe_name, safe_path


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("plate 1", "plate 1"),
        ("Ansicht von Köln", "Ansicht von Köln"),
        ("a:b", "a_b"),
        ("recto/verso", "recto_verso"),
        ("what?.", "what_"),
        ("trailing. .", "trailing"),
        ("CON", "_CON"),
        ("nul.tif", "_nul.tif"),
        ("Com1 .x", "_Com1 .x"),
        ("lpt\u00b3", "_lpt\u00b3"),
        ("...", "_"),
        ("", "_"),
        ("line\nbreak", "line_break"),
        ("\udcff", "\ufffd"),
    ],
)
def test_names_that_every_system_takes(name, safe):
    assert safe_name(name) == safe


@given(st.text(max_size=300))
def test_what_comes_out_is_one_part_of_a_path_and_stays_as_it_is(name):
    safe = safe_name(name)
    assert len(safe.encode()) <= 201
    assert PureWindowsPath(safe).parts == (safe,)
    assert not PureWindowsPath(safe).is_reserved()
    assert safe == safe.rstrip(". ") != ""
    assert safe not in (".", "..")
    assert safe_name(safe) == safe


def test_paths_keep_their_folders():
    assert safe_path(Path("in/CON/a:b")) == Path("in/_CON/a_b")


def test_names_that_differ_in_case_alone_meet():
    assert free_name("A", {"a"}) == "A-2"
    assert free_name("a:", {"a_", "a_-2"}) == "a_-3"


def test_names_stay_whatever_comes_later(tmp_path):
    first, second = tmp_path / "x" / "a.tif", tmp_path / "y" / "A.tif"
    assert names_for([first, second], {}) == ["a", "A-2"]
    assert names_for([first, second], {str(second): "A"}) == ["a-2", "A"]
