import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from dl4art.siamese.catalogue import FORMAT, Catalogue, Entry, renamed
from dl4art.utils.errors import InputError, OutputError

SETTINGS = {"model": "tiny 12345678", "crops": 8}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "catalogue.db"


@pytest.fixture
def filled(path, made_up):
    with Catalogue(path, SETTINGS) as catalogue:
        for number in range(3):
            catalogue.keep(f"content {number}", made_up(number, crops=30))
        catalogue.enter("/here", {f"canvas {number}": f"content {number}" for number in range(3)})
    return path


def same(first, second):
    for name, value in vars(first).items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(value, getattr(second, name))
            assert value.dtype == getattr(second, name).dtype
        elif name != "densities":
            assert value == getattr(second, name)
    return True


FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.data())
def test_what_is_kept_comes_back_bit_by_bit(tmp_path, made_up, data):
    crops, text = data.draw(st.integers(1, 6)), st.text(max_size=20)
    made = made_up(1, crops=crops, width_cm=data.draw(FLOATS))
    canvas = replace(
        renamed(made, data.draw(text)),
        vectors=data.draw(arrays.arrays(np.float32, (crops, 2, 7), elements=st.floats(-(2.0**99), 2.0**99, width=32))),
        counted=data.draw(arrays.arrays(np.float64, (crops, 2, 2), elements=FLOATS)),
        content_seed=data.draw(st.integers(0, 2**64 - 1)),
        notes=tuple(data.draw(st.lists(text, max_size=3))),
    )
    with Catalogue(tmp_path / "laws.db", SETTINGS) as catalogue:
        catalogue.keep("key", canvas)
    with Catalogue(tmp_path / "laws.db", SETTINGS, create=False) as catalogue:
        assert same(canvas, catalogue.find("key"))


def test_what_is_not_there_is_none(path):
    with Catalogue(path, SETTINGS) as catalogue:
        assert catalogue.find("nothing") is None
        assert catalogue.entries() == []
        assert catalogue.means() == {}


def test_an_encoding_is_on_the_disk_as_soon_as_it_is_kept(path, made_up):
    with Catalogue(path, SETTINGS) as first, Catalogue(path, SETTINGS) as second:
        first.keep("key", made_up(1))
        assert second.find("key") is not None


def test_canvases_are_found_by_name_and_their_mean_vectors_with_them(filled, made_up):
    with Catalogue(filled, SETTINGS) as catalogue:
        catalogue.keep("a plate of a canvas", made_up(9))
        assert [entry.name for entry in catalogue.entries()] == ["canvas 0", "canvas 1", "canvas 2"]
        means = catalogue.means()
        assert set(means) == {"content 0", "content 1", "content 2"}
        np.testing.assert_array_equal(means["content 2"], made_up(2, crops=30).mean)


def test_a_collection_that_is_entered_again_loses_what_it_has_no_more(filled):
    with Catalogue(filled, SETTINGS) as catalogue:
        catalogue.enter("/there", {"another": "content 1"})
        catalogue.enter("/here", {"canvas 0": "content 0", "new name": "content 1"})
        assert catalogue.entries() == [
            Entry("/there", "another", "content 1"),
            Entry("/here", "canvas 0", "content 0"),
        ]


def test_names_that_are_no_utf8_do(path, made_up):
    with Catalogue(path, SETTINGS) as catalogue:
        catalogue.keep("key", made_up(1, file="caf\udce9.tif"))
        catalogue.enter("/caf\udce9", {"caf\udce9": "key"})
        assert [entry.name[:3] for entry in catalogue.entries()] == ["caf"]
        assert catalogue.find("key").record.file == "caf\udce9.tif"


def test_it_works_on_network_shares(filled):
    # a write-ahead log needs memory that two machines do not share
    with closing(sqlite3.connect(filled)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    assert [path.name for path in filled.parent.iterdir()] == ["catalogue.db"]


# Several programs


WRITER = """
import json, sys
import numpy as np
from dl4art.siamese.catalogue import Catalogue
from dl4art.siamese.comparison import CanvasRecord, Control
from dl4art.siamese.encoded import EncodedCanvas

path, first, settings = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
control = Control(0.9, 0.8, 1.0, 9)
record = CanvasRecord("x", "", 1.0, 1.0, 200.0, "user", *range(8), 30, 30, 1.5, ((0.0, 0.0),) * 30, control)
print("ready", flush=True)
sys.stdin.readline()
with Catalogue(path, settings) as catalogue:
    for number in range(first, first + 40):
        vectors = np.full((30, 2, 7), number, np.float32)
        catalogue.keep(f"{number}", EncodedCanvas(record, vectors, np.ones((30, 2, 2)), number, (), "x", 0))
    catalogue.enter(f"/{first}", {f"canvas {number}": f"{number}" for number in range(first, first + 40)})
"""


def test_two_processes_write_one_catalogue(path):
    commands = [[sys.executable, "-c", WRITER, str(path), str(first), json.dumps(SETTINGS)] for first in (0, 100)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [subprocess.Popen(command, **pipes) for command in commands]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate(timeout=120)
    assert [process.returncode for process in processes] == [0, 0]
    with Catalogue(path, SETTINGS) as catalogue:
        assert len(catalogue.entries()) == 80
        assert {int(mean[0, 0]) for mean in catalogue.means().values()} == {*range(40), *range(100, 140)}


def test_one_that_waits_too_long_says_so(filled, made_up, monkeypatch):
    monkeypatch.setattr("dl4art.siamese.catalogue._PATIENCE_S", 0.05)
    with closing(sqlite3.connect(filled, isolation_level=None)) as other, Catalogue(filled, SETTINGS) as catalogue:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OutputError, match="database is locked"):
            catalogue.keep("key", made_up(1))
        other.execute("ROLLBACK")
        catalogue.keep("key", made_up(1))


# Other models, other files


@pytest.mark.parametrize("create", [True, False])
def test_another_model_is_refused(filled, create):
    with pytest.raises(InputError, match=r'model "tiny 12345678" there and "other" here.*Ask for the same'):
        Catalogue(filled, {**SETTINGS, "model": "other"}, create=create)
    with pytest.raises(InputError, match="crops 8 there and 30 here"):
        Catalogue(filled, {**SETTINGS, "crops": 30}, create=create)
    with pytest.raises(InputError, match="seed none there and 0 here"):
        Catalogue(filled, {**SETTINGS, "seed": 0}, create=create)


def test_another_version_is_refused(filled):
    with closing(sqlite3.connect(filled)) as database:
        database.execute(f"PRAGMA user_version = {FORMAT + 1}")
    with pytest.raises(InputError, match="another version of dl4art"):
        Catalogue(filled, SETTINGS)


def test_a_database_of_another_program_is_refused_and_left_alone(path):
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE paintings (name TEXT)")
    before = path.read_bytes()
    for create in (True, False):
        with pytest.raises(InputError, match="is no catalogue of dl4art"):
            Catalogue(path, SETTINGS, create=create)
    assert path.read_bytes() == before


def test_none_is_made_for_a_search(path):
    with pytest.raises(InputError, match="no such catalogue"):
        Catalogue(path, SETTINGS, create=False)
    assert not path.exists()
    path.write_bytes(b"")
    with pytest.raises(InputError, match="no catalogue"):
        Catalogue(path, SETTINGS, create=False)


# Damage


def test_a_file_that_is_no_database(path):
    path.write_text("Dear colleague,\n" * 100)
    for create in (True, False):
        with pytest.raises(InputError, match="is damaged, or no catalogue"):
            Catalogue(path, SETTINGS, create=create)


def read_all(path):
    with Catalogue(path, SETTINGS) as catalogue:
        return [catalogue.means(), *(catalogue.find(f"content {number}") for number in range(3))]


def test_a_file_that_is_cut_off(filled):
    assert None not in read_all(filled)
    filled.write_bytes(filled.read_bytes()[: filled.stat().st_size // 2])
    with pytest.raises(InputError, match="damaged"):
        read_all(filled)


def spoil(path, needle):
    data = bytearray(path.read_bytes())
    data[data.index(needle) + 5] ^= 1
    path.write_bytes(data)


def test_a_byte_that_has_changed(filled, made_up):
    canvas = made_up(1, crops=30)
    spoil(filled, canvas.vectors[0].tobytes())
    with Catalogue(filled, SETTINGS) as catalogue:
        assert len(catalogue.means()) == 3
        assert catalogue.find("content 0") is not None
        with pytest.raises(InputError, match=r"damaged.*Delete it.*encoded anew"):
            catalogue.find("content 1")
    spoil(filled, canvas.mean.tobytes())
    with Catalogue(filled, SETTINGS) as catalogue, pytest.raises(InputError, match="damaged"):
        catalogue.means()


def test_no_folder(tmp_path):
    with pytest.raises(OutputError, match="cannot be used as a catalogue"):
        Catalogue(tmp_path / "nowhere" / "catalogue.db", SETTINGS)


def test_a_renamed_canvas_is_the_same_but_for_its_name(made_up):
    canvas = made_up(1)
    found = renamed(canvas, "other.tif")
    assert asdict(found.record) == {**asdict(canvas.record), "file": "other.tif"}
    assert found.vectors is canvas.vectors
