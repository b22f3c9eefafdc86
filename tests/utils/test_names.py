from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dl4art.utils.names import clean_name, free_name, names_for, safe_name, safe_path


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


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Lady with a Fan (1628)", "Lady with a Fan (1628)"),
        ("Velázquez ñ", "Velázquez ñ"),
        ("Jose\u0301", "José"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("C:\\boot.ini", "C__boot.ini"),
        ("a<b>?*|\"", "a_b_____"),
        ("nul.jpg", "_nul.jpg"),
        ("COM1", "_COM1"),
        ("con .x", "_con .x"),
        ("concert", "concert"),
        ("name. . ", "name"),
        (".hidden", "hidden"),
        ("=cmd|'/c calc'!A0", "cmd_'_c calc'!A0"),
        ("line\nbreak\x1b[31m", "line_break_[31m"),
        ("a\u202egpj.exe", "a_gpj.exe"),
        ("", "_"),
        ("..", "_"),
        ("\udc80", "_"),
    ],
)  # fmt: skip
def test_names_from_any_text(text, name):
    assert clean_name(text) == name


@given(st.text(), st.integers(4, 100))
def test_every_name_from_text_is_safe(text, longest):
    name = clean_name(text, longest)
    assert name
    assert len(name.encode()) <= longest
    assert not {*'<>:"/\\|?*'} & {*name}
    assert name.isprintable()
    assert name[-1] not in " ."
    assert name[0] not in " .=+-@'"
    assert clean_name(name, longest) == name


def test_long_names_are_cut_between_signs():
    assert clean_name("é" * 100) == "é" * 40
    assert clean_name("a" + "é" * 100) == "a" + "é" * 39
