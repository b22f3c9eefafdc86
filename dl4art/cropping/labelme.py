"""Starting labelme, a program of its own, with our label names and settings."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

from dl4art.cropping.threads import DIRECTIONS
from dl4art.utils.errors import InputError

SETTINGS = {
    "labels": list(DIRECTIONS),
    "validate_label": "exact",
    "sort_labels": False,
    "auto_save": True,
    # the picture stays out of the JSON; labelme 6 calls it with_image_data, but knows the old name in a file
    "store_data": False,
}
"""What differs from labelme's own settings. A name that labelme 6 does not know makes it ignore all of them."""


def labelme_command(place: Path, settings: Path) -> list[str]:
    """Words of the command that opens crops in labelme.

    Parameters
    ----------
    place : Path
        A crop, or a folder of crops.
    settings : Path
        File of `SETTINGS`.

    Raises
    ------
    InputError
        If labelme is not installed.
    """
    if program := shutil.which("labelme"):
        start = [program]
    elif find_spec("labelme"):
        start = [sys.executable, "-m", "labelme"]
    else:
        raise InputError(
            'labelme is not installed. Install it with: pip install "dl4art[label]", or pip install labelme, and give '
            "the same command again."
        )
    # an absolute path cannot be taken for an option
    return [*start, "--config", str(settings.resolve()), str(place.resolve())]


def open_labelme(place: Path) -> int:
    """Open crops in labelme, wait until its window is closed, and return its exit code; InputError if it is missing."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "labelme.yaml"
        settings.write_text(json.dumps(SETTINGS), encoding="utf-8")  # JSON is YAML
        command = labelme_command(place, settings)
        try:
            return subprocess.run(command, check=False).returncode
        except OSError as error:
            raise InputError(f"{command[0]}: cannot be started ({error.strerror}). Install labelme again.") from error
