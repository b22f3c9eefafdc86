"""Model folders: weights, how they were made, what their numbers are worth.

A model is a folder with ``config.json`` (architecture, preprocessing, the weights' SHA-256), ``calibration.json``,
``MODEL_CARD.md`` and the weights, ``model.weights.h5`` or ``model.npz``. Shipped ones are package data of their room.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from dl4art.utils.errors import InputError, ModelError
from dl4art.utils.files import atomic_path, sha256
from dl4art.utils.limits import read_text

WEIGHTS = ("model.weights.h5", "model.npz")
TEXTS = ("config.json", "calibration.json", "MODEL_CARD.md")


@dataclass(frozen=True)
class ModelFolder:
    """A model folder that is complete and whose weights are those that its configuration names.

    Attributes
    ----------
    name : str
        Name of the folder.
    path, weights : Path
        The folder, and the file of weights in it.
    sha256 : str
        Of the weights.
    config, calibration : dict
        What the two JSON files hold.
    """

    name: str
    path: Path
    weights: Path
    sha256: str
    config: dict[str, Any] = field(repr=False)
    calibration: dict[str, Any] = field(repr=False)


def find_model(name_or_folder: str | Path, *, room: str = "regression") -> ModelFolder:
    """Find a shipped model by name, or open a model folder.

    Parameters
    ----------
    name_or_folder : str or path
        A name from `shipped_models`, else a folder.
    room : str
        The room that ships the model, e.g. ``"regression"``.

    Returns
    -------
    ModelFolder
        Complete, its hash checked before the weights are read by anyone.

    Raises
    ------
    ModelError
        If there is no such model, a file is missing or unreadable, or the weights are not those of the configuration.
    """
    return open_model(locate_model(name_or_folder, (room,)))


def locate_model(name_or_folder: str | Path, rooms: Sequence[str]) -> Path:
    """Folder of a model that one of the rooms ships, else the folder itself; ModelError if there is neither."""
    known = {name: _shelf(room) / name for room in rooms for name in shipped_models(room)}
    folder = known.get(str(name_or_folder), Path(name_or_folder))
    if not folder.is_dir():
        names = ", ".join(known) or "none is shipped"
        raise ModelError(f"{name_or_folder}: neither a model folder nor the name of a shipped model ({names})")
    return folder


def open_model(folder: str | Path) -> ModelFolder:
    """Open a model folder and check that it is whole; ModelError (see `find_model`) if it is not."""
    folder = Path(folder)
    present = [folder / name for name in WEIGHTS if (folder / name).is_file()]
    missing = [name for name in TEXTS if not (folder / name).is_file()]
    if len(present) != 1:
        missing.append(" or ".join(WEIGHTS))
    if missing:
        raise ModelError(
            f"{folder}: not a complete model, {' and '.join(missing)} missing (of the weights, exactly one is needed). "
            "Copy the whole folder."
        )
    config, calibration = _read(folder / "config.json"), _read(folder / "calibration.json")
    found = sha256(present[0])
    if config.get("sha256") != found:
        raise ModelError(
            f"{present[0]}: the weights are not those that config.json names (sha256 {found}, not "
            f"{config.get('sha256')!r}). Copy the whole folder again."
        )
    return ModelFolder(folder.resolve().name, folder, present[0], found, config, calibration)


def shipped_models(room: str = "regression") -> list[str]:
    """Names of the models that come with a room, sorted."""
    shelf = _shelf(room)
    return sorted(item.name for item in shelf.iterdir() if item.is_dir()) if shelf.is_dir() else []


def general_name(folder: ModelFolder) -> str:
    """Give what `find_model` finds a model by on any machine: its name if it is shipped, else its absolute path."""
    shelf = folder.path.parent
    ours = shelf.name == "models" and shelf.parent.parent == Path(str(files("dl4art")))
    return folder.name if ours else str(folder.path.absolute())


def write_model(folder: str | Path, *, config: dict[str, Any], calibration: dict[str, Any], card: str) -> ModelFolder:
    """Complete a folder that already holds its weights, and open it.

    Parameters
    ----------
    folder : path
        Holds ``model.weights.h5`` or ``model.npz``.
    config, calibration : dict
        JSON values; ``sha256`` is added to the configuration.
    card : str
        The model card, Markdown.
    """
    folder = Path(folder)
    weights = next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)
    if weights is None:
        raise ModelError(f"{folder}: no weights ({' or '.join(WEIGHTS)}) in this folder. Save them there first.")
    texts = {
        "calibration.json": json.dumps(calibration, indent=2) + "\n",
        "MODEL_CARD.md": card,
        "config.json": json.dumps({**config, "sha256": sha256(weights)}, indent=2) + "\n",
    }
    for name, text in texts.items():
        with atomic_path(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return open_model(folder)


def _shelf(room: str) -> Path:
    return Path(str(files("dl4art") / room / "models"))


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(read_text(path))
    except (OSError, ValueError, RecursionError, InputError) as error:
        raise ModelError(f"{path}: cannot be read as JSON ({error}). Copy the whole model folder again.") from error
    if not isinstance(document, dict):
        raise ModelError(f"{path}: holds {type(document).__name__}, not settings by name. Copy the folder again.")
    return document
