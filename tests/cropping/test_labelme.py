import json
import subprocess
import sys

import pytest

from dl4art.cropping import labelme
from dl4art.cropping.labelme import labelme_command, open_labelme
from dl4art.utils.errors import InputError


@pytest.fixture
def missing(monkeypatch):
    monkeypatch.setattr(labelme.shutil, "which", lambda name: None)
    monkeypatch.setattr(labelme, "find_spec", lambda name: None)


def test_it_is_told_our_names_and_settings(tmp_path, monkeypatch):
    monkeypatch.setattr(labelme.shutil, "which", lambda name: "/usr/bin/labelme")
    program, option, settings, place = labelme_command(tmp_path)
    assert (program, option, place) == ("/usr/bin/labelme", "--config", str(tmp_path))
    settings = json.loads(settings)
    assert settings["labels"] == ["vertical", "horizontal"]
    assert settings["auto_save"]
    assert not settings["store_data"]


def test_a_folder_that_looks_like_an_option_is_none(missing, monkeypatch):
    monkeypatch.setattr(labelme, "find_spec", lambda name: object())
    command = labelme_command(labelme.Path("--reset-config"))
    assert command[:3] == [sys.executable, "-m", "labelme"]
    assert command[-1].startswith("/") or ":" in command[-1]


def test_what_to_install_is_said(missing, tmp_path):
    with pytest.raises(InputError, match=r"labelme is not installed.*pip install"):
        labelme_command(tmp_path)


def test_its_exit_code_comes_back(tmp_path, monkeypatch):
    monkeypatch.setattr(labelme, "labelme_command", lambda place: [sys.executable, "-c", "raise SystemExit(3)"])
    assert open_labelme(tmp_path) == 3
    monkeypatch.setattr(labelme, "labelme_command", lambda place: [str(tmp_path / "gone")])
    with pytest.raises(InputError, match="gone: cannot be started"):
        open_labelme(tmp_path)


def test_it_is_never_imported():
    assert subprocess.run([sys.executable, "-c", "import dl4art.cropping.labelme"], check=False).returncode == 0
    assert "labelme" not in sys.modules
