"""The package as it is installed, and the files around it."""

import os
import re
import subprocess
import sysconfig
import tomllib
from configparser import ConfigParser
from importlib.metadata import Distribution
from pathlib import Path

import pytest

import dl4art

ROOT = Path(__file__).parents[1]


def files():
    """Give what was installed; not what a build has left in a checkout that pytest looks at, too."""
    place = str(Path(dl4art.__file__).parents[1])
    (found,) = Distribution.discover(name="dl4art", path=[place])
    return found.files


installed = pytest.mark.skipif(not os.environ.get("DL4ART_TEST_INSTALLED"), reason="tests run on the checkout")


@installed
def test_the_tests_see_the_installed_package():
    assert Path(dl4art.__file__).is_relative_to(sysconfig.get_paths()["purelib"])


@installed
def test_the_wheel_holds_all_of_the_package():
    wanted = [path for path in (ROOT / "dl4art").rglob("*") if path.is_file() and path.suffix != ".pyc"]
    assert {str(path.relative_to(ROOT)) for path in wanted} <= {str(path) for path in files()}


@installed
def test_the_wheel_puts_nothing_else_on_anyones_path():
    top = {path.parts[0] for path in files()}
    assert {name for name in top if not name.endswith(".dist-info")} == {"dl4art"}


@pytest.mark.parametrize("name", dl4art.__all__)
def test_every_public_name_is_there(name):
    assert getattr(dl4art, name).__name__ == name
    assert name in dir(dl4art)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        dl4art.nonsense  # noqa: B018


def test_importing_the_package_imports_nothing_heavy(run_python):
    code = "import sys, dl4art; print(sorted({'numpy', 'keras', 'tensorflow', 'tifffile'} & {*sys.modules}))"
    assert run_python("-c", code).stdout == "[]\n"


def test_the_version_is_the_same_everywhere():
    assert f"\nversion: {dl4art.__version__}\n" in (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"\n## {dl4art.__version__}" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_every_dependency_has_a_lower_bound_and_no_upper_one():
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    required = setup["options"]["install_requires"].split("\n")
    required = [line for line in required if line and not line.startswith("#")]
    assert "keras>=3.12" in required
    assert all(re.fullmatch(r"[\w.-]+(>=[\d.]+)?", line) for line in required)


def test_the_tests_are_kept_apart_from_the_checkout():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["pytest"]["ini_options"]
    assert "--import-mode=importlib" in settings["addopts"]
    first, *others = settings["filterwarnings"]
    assert first == "error"
    # what is let through is one named warning of a library
    assert [line.split(":")[0] for line in others] == ["ignore"] * len(others)
    assert all(line.split(":")[1] for line in others)
    assert "pythonpath" not in settings
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_continuous_integration_is_the_readmes_command():
    readme = (ROOT / "README.md").read_text("utf-8")
    commands = re.findall(r"^```bash\n(.*)\n```$", readme, flags=re.MULTILINE)
    assert [command for command in commands if "pytest" in command] == [
        'python3 -m venv .venv && . .venv/bin/activate && pip install ".[test]" && pytest'
    ]
    assert subprocess.run(["bash", "-n", ROOT / ".ci" / "run"], check=False).returncode == 0
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_the_readme_names_commands_that_exist():
    from dl4art.__main__ import commands

    readme = (ROOT / "README.md").read_text("utf-8") + (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert set(re.findall(r"python -m dl4art\.(\w+)", readme)) <= set(commands())


def test_what_a_room_offers_is_there():
    from dl4art import craquelure, regression, siamese

    for room in (craquelure, regression, siamese):
        assert set(room.__all__) <= set(dir(room))
        for name in room.__all__:
            assert getattr(room, name).__name__ == name
        with pytest.raises(AttributeError):
            _ = room.nonsense
