"""Starting labelme, a program of its own, with our label names and settings."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from dl4art.cropping.threads import DIRECTIONS
from dl4art.utils.errors import InputError

SETTINGS = {
    "labels": list(DIRECTIONS),
    "validate_label": "exact",
    "sort_labels": False,
    "auto_save": True,
    # the picture stays out of the JSON: two names, because labelme 6 calls it otherwise than labelme 5
    "store_data": False,
    "with_image_data": False,
}
"""What differs from labelme's own settings; a name that a version does not know, it ignores."""


def labelme_command(place: Path) -> list[str]:
    """Words of the command that opens crops in labelme.

    Parameters
    ----------
    place : Path
        A crop, or a folder of crops.

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
    # JSON is YAML; an absolute path cannot be taken for an option
    return [*start, "--config", json.dumps(SETTINGS), str(place.resolve())]


def open_labelme(place: Path) -> int:
    """Open crops in labelme, wait until its window is closed, and return its exit code; InputError if it is missing."""
    command = labelme_command(place)
    try:
        return subprocess.run(command, check=False).returncode
    except OSError as error:
        raise InputError(f"{command[0]}: cannot be started ({error.strerror}). Install labelme again.") from error
