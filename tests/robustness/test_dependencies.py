"""What the script says of dependencies; its long parts are by command only."""

from email.message import Message
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def script(load_script):
    return load_script(ROOT / "utils" / "check_dependencies.py")


def told(**values):
    message = Message()
    for name, value in values.items():
        message[name.replace("_", "-")] = value
    return SimpleNamespace(metadata=message, read_text={"licenses/LICENSE": "\n  MIT License\n"}.get)


def test_licences_are_read_wherever_they_are_stated(script):
    assert script.licence_of(told(License_Expression="BSD-3-Clause")) == "BSD-3-Clause"
    assert script.licence_of(told(Classifier="License :: OSI Approved :: MIT License")) == "MIT License"
    assert script.licence_of(told(License="Apache 2.0\nand a long text")) == "Apache 2.0"
    assert script.licence_of(told(License_File="LICENSE")) == "MIT License"
    assert script.licence_of(told(License_File="NOTICE")) == "not stated"


@pytest.mark.parametrize(
    ("licence", "free"), [("MIT-CMU", True), ("Apache-2.0", True), ("GPL-3.0", False), ("", False)]
)
def test_licences_that_a_person_must_look_at(script, licence, free):
    assert (script.FREE.search(licence) is not None) is free


def test_lower_bounds_are_those_of_the_setup(script):
    bounds = script.lower_bounds()
    assert "keras==3.12.*" in bounds
    assert "numpy==2.0.*" in bounds
    assert all("==" in bound for bound in bounds)


def test_dependencies_of_dependencies_are_found(script):
    found = script.needed(["keras>=3", "nothing-of-that-name", 'pytest; extra == "test"'])
    assert {"keras", "numpy"} <= {*found}
    assert not {"nothing-of-that-name", "pytest"} & {*found}
