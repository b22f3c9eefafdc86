import hashlib
import json
from datetime import datetime

import numpy as np

from dl4art import __version__
from dl4art.utils.provenance import file_record, provenance, versions


def test_all_that_a_result_depends_on_is_there_and_is_json(tmp_path):
    (tmp_path / "a.tif").write_bytes(b"plate")
    done = {"file": "b.tif", "sha256": "0" * 64}
    found = provenance(parameters={"method": "auto"}, inputs=[tmp_path / "a.tif", done], model="small", seed=7)
    assert json.loads(json.dumps(found)) == found
    digest = hashlib.sha256(b"plate").hexdigest()
    assert found["inputs"] == [{"file": str(tmp_path / "a.tif"), "sha256": digest}, done]
    assert (found["program"], found["model"], found["seed"]) == (f"dl4art {__version__}", "small", 7)
    assert found["parameters"] == {"method": "auto"}
    assert datetime.fromisoformat(found["created"]).tzinfo is not None


def test_a_model_may_be_named_with_its_hash():
    assert provenance(parameters={}, model={"name": "small", "sha256": "ab"})["model"]["sha256"] == "ab"


def test_versions_are_those_installed_and_cost_no_import(run_python):
    assert versions()["numpy"] == np.__version__
    code = "import sys, dl4art.utils.provenance as p; p.versions(); print(sorted({'numpy', 'keras'} & {*sys.modules}))"
    assert run_python("-c", code).stdout == "[]\n"


def test_a_file_that_cannot_be_read_has_no_hash(tmp_path):
    assert file_record(tmp_path / "gone.tif") == {"file": str(tmp_path / "gone.tif"), "sha256": None}
