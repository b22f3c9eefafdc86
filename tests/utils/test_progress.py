import io
import sys

import pytest

from dl4art.utils.progress import in_steps, progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(monkeypatch, stream, *, quiet=False):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", stream)
    with progress(4, "counting", quiet=quiet) as advance:
        advance(1)
        advance(3)
    return stream.getvalue()


def test_a_terminal_sees_how_far_it_is(monkeypatch, capsys):
    text = shown(monkeypatch, Terminal())
    assert "counting" in text
    assert "4/4" in text
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("stream", "quiet"), [(io.StringIO(), False), (Terminal(), True)])
def test_nobody_else_sees_anything(stream, quiet, monkeypatch):
    assert shown(monkeypatch, stream, quiet=quiet) == ""


def test_shares_become_whole_steps_and_never_too_many():
    told = []
    tell = in_steps(told.append, 10)
    for share in (0.04, 0.04, 0.04, 0.5, 0.9):
        tell(share)
    assert sum(told) == 10
    assert told[:3] == [0, 0, 1]
