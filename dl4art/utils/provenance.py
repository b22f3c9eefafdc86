"""Where a result comes from: enough to get the same numbers again."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from dl4art import __version__
from dl4art.utils.files import sha256

_LIBRARIES = ("keras", "tensorflow", "numpy", "scipy", "tifffile", "imagecodecs", "Pillow", "pydicom")


def provenance(
    *,
    parameters: Mapping[str, Any],
    inputs: Iterable[str | Path | Mapping[str, Any]] = (),
    model: Mapping[str, Any] | str | None = None,
    seed: int | None = None,
) -> dict[str, Any]:
    """Collect what a result depends on.

    Parameters
    ----------
    parameters : mapping
        Settings of the run.
    inputs : iterable
        Files, which are hashed here, or records of them that have been made before with `file_record`.
    model : mapping or str, optional
        Name (and hash) of the model.
    seed : int, optional
        Seed of all that was drawn at random; None where nothing was.

    Returns
    -------
    dict
        JSON values: program, time, versions, seed, model, parameters, inputs with their SHA-256.
    """
    return {
        "program": f"dl4art {__version__}",
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": versions(),
        "seed": seed,
        "model": dict(model) if isinstance(model, Mapping) else model,
        "parameters": dict(parameters),
        "inputs": [dict(item) if isinstance(item, Mapping) else file_record(item) for item in inputs],
    }


def versions() -> dict[str, str]:
    """Versions of dl4art, Python and the libraries that numbers depend on, without importing them."""
    found = {"dl4art": __version__, "python": platform.python_version(), "platform": platform.platform()}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found


def file_record(path: str | Path) -> dict[str, str | None]:
    """Name and SHA-256 of a file; the hash is None if the file cannot be read."""
    try:
        return {"file": str(path), "sha256": sha256(path)}
    except OSError:
        return {"file": str(path), "sha256": None}
