"""Keras, loaded without the noise that it and its backend make."""

from __future__ import annotations

import os
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from dl4art.utils.errors import Dl4artError

# Set only where the user has not: native logs off; nothing here changes how fast or how exactly is computed.
_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "ABSL_MIN_LOG_LEVEL": "3", "GRPC_VERBOSITY": "ERROR"}


def load_keras() -> Any:
    """Import Keras and its backend, silently, and return the module.

    The backend is TensorFlow unless ``KERAS_BACKEND`` names another. What the libraries print while they start goes to
    a temporary file, which is shown only if they fail.

    Returns
    -------
    module
        ``keras``.

    Raises
    ------
    Dl4artError
        If Keras or its backend cannot be imported.
    """
    if (loaded := sys.modules.get("keras")) is not None:
        return loaded
    for name, value in {"KERAS_BACKEND": "tensorflow", **_QUIET}.items():
        os.environ.setdefault(name, value)
    try:
        with silent_stderr(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            keras = import_module("keras")
            # devices are looked for at the first operation, and talked about
            keras.ops.zeros(1)
    except (ImportError, ValueError) as error:  # ValueError: Keras does not know the backend
        raise Dl4artError(
            f"Keras with the backend {os.environ['KERAS_BACKEND']!r} cannot be loaded ({error}). "
            "Install it, or unset KERAS_BACKEND to use TensorFlow."
        ) from error
    return keras


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Keep everything off stderr, native code included, and show it after all if the block raises an exception."""
    sys.stderr.flush()
    with tempfile.TemporaryFile() as kept:
        terminal = os.dup(2)
        os.dup2(kept.fileno(), 2)
        failed = True
        try:
            yield
            failed = False
        except KeyboardInterrupt:
            failed = False
            raise
        finally:
            sys.stderr.flush()
            os.dup2(terminal, 2)
            os.close(terminal)
            if failed:
                kept.seek(0)
                os.write(2, kept.read())
