"""A few hundred mutants of valid files; `utils/long_suite.py` tries many more."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from robustness.fuzz import OUTCOMES, lowered_limits, mutant, outcome
from robustness.readers import READERS
from robustness.samples import hanging_catalogue

QUICK = [reader for reader in READERS if not reader.slow]
MUTANTS = 14
STARTS = (
    b"II*\0",
    b"MM\0+",
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"\0" * 128 + b"DICM",
    b"PK\3\4",
    b"{",
    b"canvas,file\n",
    b"",
)

everyone = pytest.mark.parametrize("reader", QUICK, ids=lambda reader: f"{reader.format}, {reader.name}")


@pytest.fixture(autouse=True)
def limits():
    with lowered_limits():
        yield


@everyone
def test_samples_are_read(reader, tmp_path):
    found = [outcome(reader, sample, tmp_path) for sample in reader.samples()]
    refused = [one.detail for one in found if one.kind != "read"]
    # a photograph has no colours in floating point
    assert all("are no colours" in detail for detail in refused), refused
    assert len(refused) < len(found)


@everyone
def test_mutants_are_read_or_refused(reader, tmp_path):
    found = [(seed, outcome(reader, mutant(reader, seed), tmp_path)) for seed in range(MUTANTS)]
    assert [(seed, one.kind, one.detail) for seed, one in found if one.kind not in OUTCOMES[:2]] == []
    # of a journal, lines that are damaged are left out
    assert "refused" in {one.kind for _, one in found} or reader.format == "journal"


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(start=st.sampled_from(STARTS), rest=st.binary(max_size=300), reader=st.sampled_from(QUICK))
def test_any_bytes_are_read_or_refused(start, rest, reader, tmp_path):
    found = outcome(reader, start + rest, tmp_path)
    assert found.kind in OUTCOMES[:2], found


def test_the_same_seed_gives_the_same_mutant():
    assert [mutant(QUICK[0], seed) for seed in range(5)] == [mutant(QUICK[0], seed) for seed in range(5)]


def test_what_is_wrong_with_a_reader_shows(tmp_path):
    """The judge itself: a traceback, a refusal that names no file, and a reader that never ends."""
    import time
    from dataclasses import replace

    from robustness import fuzz

    from dl4art.utils.errors import InputError

    def fail(path):
        raise KeyError("x")

    def name_nothing(path):
        raise InputError("no")

    def hang(path):
        try:
            time.sleep(30)
        except Exception:
            return

    kinds = []
    for read in (fail, name_nothing, hang):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(fuzz, "LIMIT_S", 0.2)
            kinds.append(outcome(replace(QUICK[0], read=read), b"", tmp_path).kind)
    assert kinds == ["traceback", "traceback", "hang"]


def test_a_catalogue_whose_tables_never_end_is_refused(tmp_path):
    catalogue = next(reader for reader in READERS if reader.format == "SQLite")
    found = outcome(catalogue, hanging_catalogue(), tmp_path)
    assert found.kind == "refused"
    assert "tables are not those of a catalogue" in found.detail


# what the long suite found, which the mutants above may miss
FOUND = [("photograph", "TIFF", 1_000_127), ("photograph", "TIFF", 1_000_138)]


@pytest.mark.parametrize(("name", "kind", "seed"), FOUND)
def test_what_was_found_stays_mended(name, kind, seed, tmp_path):
    reader = next(reader for reader in READERS if (reader.name, reader.format) == (name, kind))
    found = outcome(reader, mutant(reader, seed), tmp_path)
    assert found.kind in OUTCOMES[:2], found
