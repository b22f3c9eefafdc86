from pathlib import Path

import pytest

from dl4art.utils import limits
from dl4art.utils.errors import InputError
from dl4art.utils.limits import LIMITS, TEXT, WHOLE, check_memory, free_memory, read_text


def test_a_limit_is_stated_with_how_to_set_it(monkeypatch):
    WHOLE.check("a.png", 400_000_000, "a PNG")
    with pytest.raises(
        InputError, match=r"a\.png: a PNG comes to 401 megapixels; the limit is 400\. Cut it\. If you"
    ) as told:
        WHOLE.check("a.png", 401_000_000, "a PNG", "Cut it.")
    assert "set DL4ART_WHOLE_MEGAPIXELS higher" in str(told.value)
    monkeypatch.setenv("DL4ART_WHOLE_MEGAPIXELS", "402.5")
    WHOLE.check("a.png", 402_500_000, "a PNG")


@pytest.mark.parametrize("value", ["much", "0", "-3", "nan", "inf"])
def test_a_limit_that_is_none_is_told(value, monkeypatch):
    monkeypatch.setenv("DL4ART_TEXT_MEGABYTES", value)
    with pytest.raises(InputError, match=f"DL4ART_TEXT_MEGABYTES={value}: is no number"):
        TEXT()


def test_every_limit_is_in_the_help():
    from dl4art import count

    text = " ".join(count._parser().format_help().split())
    assert all(f"{limit.variable}={limit.default:g}, {limit.what}" in text for limit in LIMITS)


def test_memory_that_is_not_there_is_told_before_it_is_asked_for(monkeypatch):
    monkeypatch.setattr(limits, "free_memory", lambda: 1_000_000_000)
    check_memory("a.png", 999_999_999)
    with pytest.raises(InputError, match=r"a\.png: reading it takes about 2\.0 GB of memory, and 1\.0 GB are free"):
        check_memory("a.png", 2_000_000_000)
    monkeypatch.setattr(limits, "free_memory", lambda: None)
    check_memory("a.png", 10**15)


def test_free_memory_is_some_or_not_known(monkeypatch):
    found = free_memory()
    assert found is None or 0 < found < 1 << 50
    monkeypatch.setattr(limits, "Path", lambda _: Path("/nowhere"))
    assert free_memory() is None


def test_a_text_above_the_limit_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    path.write_text("{}" * 600)
    assert len(read_text(path)) == 1200
    monkeypatch.setenv("DL4ART_TEXT_MEGABYTES", "0.001")
    with pytest.raises(InputError, match=r"a\.json: a text of this size comes to 0\.0012 megabytes"):
        read_text(path)
