import os
import sys

import pytest

from dl4art.utils.backend import load_keras, silent_stderr
from dl4art.utils.errors import Dl4artError


def silently(stop=None):
    with silent_stderr():
        os.write(2, b"native noise\n")
        if stop:
            raise stop
    os.write(2, b"after\n")


def test_stderr_is_silent_down_to_the_file_descriptor(capfd):
    silently()
    assert capfd.readouterr().err == "after\n"


def test_what_was_kept_is_shown_after_a_failure(capfd):
    with pytest.raises(ImportError):
        silently(ImportError)
    assert capfd.readouterr().err == "native noise\n"


def test_an_interruption_is_no_failure(capfd):
    with pytest.raises(KeyboardInterrupt):
        silently(KeyboardInterrupt)
    assert capfd.readouterr().err == ""


def test_keras_comes_without_a_sound_on_tensorflow(run_python):
    done = run_python("-c", "from dl4art.utils.backend import load_keras; print(load_keras().backend.backend())")
    assert (done.stdout, done.stderr) == ("tensorflow\n", "")


def test_the_users_backend_is_respected(run_python):
    code = "from dl4art.utils.backend import load_keras; load_keras()"
    done = run_python("-c", code, KERAS_BACKEND="nonsense")
    assert "Dl4artError: Keras with the backend 'nonsense' cannot be loaded" in done.stderr


def test_a_missing_library_is_an_error_that_says_what_to_do(monkeypatch, capfd):
    for name in [name for name in sys.modules if name.split(".")[0] == "keras"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")

    def no_keras(_name):
        raise ImportError("no keras here")

    monkeypatch.setattr("dl4art.utils.backend.import_module", no_keras)
    with pytest.raises(Dl4artError, match=r"cannot be loaded \(no keras here\). Install it"):
        load_keras()
