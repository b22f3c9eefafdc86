"""The errors that dl4art raises on purpose. Each message says what, where, which value, and what to do."""

from __future__ import annotations

import logging
from pathlib import Path

_log = logging.getLogger(__name__)


class Dl4artError(Exception):
    """Root of all errors that dl4art raises on purpose."""


class InputError(Dl4artError):
    """An input (a file, an array, a value) cannot be used as it is."""


class ScaleError(InputError):
    """The number of pixels per centimetre is missing or cannot be right."""


class OutputError(Dl4artError):
    """A result cannot be written where it was asked for."""


class ModelError(Dl4artError):
    """A model folder is missing, incomplete or not what it says it is."""


class SchedulerError(Dl4artError):
    """The cluster that was asked for cannot do the work."""


def reason(error: Exception, path: Path) -> str:
    """Say what went wrong with a file, for a row of a table that names the file already; the traceback is logged."""
    _log.debug("%s", path, exc_info=error)
    if isinstance(error, Dl4artError):
        return str(error).removeprefix(f"{path}: ")
    return f"cannot be used ({type(error).__name__}: {error})"
