import json
import shutil

import pytest

from dl4art.utils import models
from dl4art.utils.errors import ModelError
from dl4art.utils.files import sha256


@pytest.fixture
def folder(tmp_path):
    """A complete model folder."""
    folder = tmp_path / "small"
    folder.mkdir()
    (folder / "model.weights.h5").write_bytes(b"weights")
    models.write_model(folder, config={"window_px": 200}, calibration={"scale": 1.1}, card="# Small\n")
    return folder


def test_a_folder_is_opened_with_all_that_is_in_it(folder):
    model = models.find_model(folder)
    assert (model.name, model.path, model.weights) == ("small", folder, folder / "model.weights.h5")
    assert model.sha256 == sha256(folder / "model.weights.h5")
    assert model.config == {"window_px": 200, "sha256": model.sha256}
    assert model.calibration == {"scale": 1.1}
    assert (folder / "MODEL_CARD.md").read_text() == "# Small\n"


def test_a_copied_folder_is_the_same_model(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "copy")
    assert models.find_model(str(tmp_path / "copy")).sha256 == models.find_model(folder).sha256


@pytest.mark.parametrize("name", ["config.json", "calibration.json", "MODEL_CARD.md", "model.weights.h5"])
def test_what_is_missing_is_named(name, folder):
    (folder / name).unlink()
    with pytest.raises(ModelError, match=rf"not a complete model, .*{name}.* missing"):
        models.find_model(folder)


def test_two_sets_of_weights_are_one_too_many(folder):
    (folder / "model.npz").touch()
    with pytest.raises(ModelError, match="exactly one"):
        models.find_model(folder)


def test_other_weights_are_refused(folder):
    (folder / "model.weights.h5").write_bytes(b"other weights")
    with pytest.raises(ModelError, match="not those that config"):
        models.find_model(folder)


def test_weights_without_a_hash_are_refused(folder):
    (folder / "config.json").write_text("{}")
    with pytest.raises(ModelError, match="sha256"):
        models.find_model(folder)


@pytest.mark.parametrize(("content", "said"), [("{", "cannot be read as JSON"), ("[]", "holds list")])
@pytest.mark.parametrize("name", ["config.json", "calibration.json"])
def test_damaged_settings_are_named(name, content, said, folder):
    (folder / name).write_text(content)
    with pytest.raises(ModelError, match=f"{name}: {said}"):
        models.find_model(folder)


def test_nobody_knows_an_unknown_name():
    with pytest.raises(ModelError, match="nonsense: neither a model folder nor the name of a shipped model"):
        models.find_model("nonsense")


def test_a_model_needs_weights_before_it_is_written(tmp_path):
    with pytest.raises(ModelError, match="no weights"):
        models.write_model(tmp_path, config={}, calibration={}, card="")


def test_shipped_models_are_found_by_name(folder, monkeypatch, tmp_path):
    monkeypatch.setattr(models, "_shelf", lambda room: tmp_path if room == "regression" else tmp_path / room)
    (tmp_path / "a-file").touch()
    assert models.shipped_models() == ["small"]
    assert models.shipped_models("siamese") == []
    assert models.find_model("small").path == folder
    with pytest.raises(ModelError, match=r"big: .*\(small\)"):
        models.find_model("big")


@pytest.mark.parametrize(
    ("room", "name"),
    [(room, name) for room in ("regression", "siamese", "craquelure") for name in models.shipped_models(room)],
)
def test_every_shipped_model_is_whole(room, name):
    model = models.find_model(name, room=room)
    assert json.loads((model.path / "config.json").read_text())["sha256"] == model.sha256
    assert len((model.path / "MODEL_CARD.md").read_text()) > 200


def test_the_general_name_finds_the_same_model_from_anywhere(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    assert models.general_name(models.open_model(folder.name)) == str(folder)
    for shipped in models.shipped_models():
        assert models.general_name(models.find_model(shipped)) == shipped
