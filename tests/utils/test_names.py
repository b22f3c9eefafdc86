import pytest
from hypothesis import given
from hypothesis import strategies as st

from dl4art.utils.names import LONGEST, safe_name


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
def test_names(text, name):
    assert safe_name(text) == name


@given(st.text(), st.integers(4, 100))
def test_every_name_is_safe(text, longest):
    name = safe_name(text, longest)
    assert name
    assert len(name.encode()) <= longest
    assert not {*'<>:"/\\|?*'} & {*name}
    assert name.isprintable()
    assert name[-1] not in " ."
    assert name[0] not in " .=+-@'"
    assert safe_name(name, longest) == name


def test_long_names_are_cut_between_signs():
    assert safe_name("é" * 100) == "é" * (LONGEST // 2)
    assert safe_name("a" + "é" * 100) == "a" + "é" * (LONGEST // 2 - 1)
