import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from dl4art.cropping import labelme
from dl4art.cropping.labelme import labelme_command, open_labelme
from dl4art.utils.errors import InputError


@pytest.fixture
def missing(monkeypatch):
    monkeypatch.setattr(labelme.shutil, "which", lambda name: None)
    monkeypatch.setattr(labelme, "find_spec", lambda name: None)


def test_it_is_told_our_names_and_settings(tmp_path, monkeypatch):
    # a program that keeps what it is given
    told = tmp_path / "told.json"
    program = tmp_path / "labelme"
    program.write_text(f"#!/bin/sh\n[ $1 = --config ] && cp $2 {told} && echo $3 > {tmp_path}/place\n")
    program.chmod(0o755)
    monkeypatch.setattr(labelme.shutil, "which", lambda name: str(program))
    assert open_labelme(tmp_path) == 0
    assert (tmp_path / "place").read_text().strip() == str(tmp_path)
    settings = json.loads(told.read_text())
    assert settings["labels"] == ["vertical", "horizontal"]
    assert settings["auto_save"]
    assert not settings["store_data"]


@pytest.mark.skipif(find_spec("labelme") is None, reason="labelme is not installed")
def test_labelme_itself_takes_them(tmp_path):
    call = (
        "import json, sys\nfrom pathlib import Path\n"
        "try:\n from labelme.config import load_config\n found = load_config(Path(sys.argv[1]), {})\n"
        "except ImportError:\n from labelme.config import get_config\n found = get_config(sys.argv[1])\n"
        "print(json.dumps(found))"
    )
    settings = tmp_path / "settings.yaml"
    settings.write_text(json.dumps(labelme.SETTINGS))
    told = subprocess.run([sys.executable, "-c", call, str(settings)], check=True, capture_output=True, text=True)
    found = json.loads(told.stdout.splitlines()[-1])
    assert found["labels"] == ["vertical", "horizontal"]
    assert found["auto_save"] is True
    assert not found.get("with_image_data", found.get("store_data"))


def test_a_folder_that_looks_like_an_option_is_none(missing, monkeypatch):
    monkeypatch.setattr(labelme, "find_spec", lambda name: object())
    command = labelme_command(Path("--reset-config"), Path("settings.yaml"))
    assert command[:3] == [sys.executable, "-m", "labelme"]
    assert command[-1].startswith("/") or ":" in command[-1]


def test_what_to_install_is_said(missing, tmp_path):
    with pytest.raises(InputError, match=r"labelme is not installed.*pip install"):
        labelme_command(tmp_path, tmp_path / "settings.yaml")


def test_its_exit_code_comes_back(tmp_path, monkeypatch):
    monkeypatch.setattr(labelme, "labelme_command", lambda *_: [sys.executable, "-c", "raise SystemExit(3)"])
    assert open_labelme(tmp_path) == 3
    monkeypatch.setattr(labelme, "labelme_command", lambda *_: [str(tmp_path / "gone")])
    with pytest.raises(InputError, match="gone: cannot be started"):
        open_labelme(tmp_path)


def test_it_is_never_imported():
    assert subprocess.run([sys.executable, "-c", "import dl4art.cropping.labelme"], check=False).returncode == 0
    assert "labelme" not in sys.modules
