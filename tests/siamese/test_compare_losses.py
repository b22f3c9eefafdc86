"""The script that compares losses, on networks and families as small as can be."""

import json
from pathlib import Path

import pytest

from dl4art.siamese.aggregation import MEAN_VECTORS, WAYS
from dl4art.siamese.encoder import EncoderSettings, PairNetwork
from dl4art.siamese.losses import LOSSES
from dl4art.simulation.families import FamilyPlan
from dl4art.utils.errors import InputError

SCRIPT = Path(__file__).parents[2] / "utils" / "compare_losses.py"
pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="the script is in the checkout, not in the package")
PLAN = FamilyPlan(cloths=2, plates=2, crops=1, size_px=152)


@pytest.fixture(scope="module")
def script(load_script):
    return load_script(SCRIPT)


@pytest.fixture(scope="module")
def settings(script):
    encoder = EncoderSettings(filters=(4, 4, 6, 6, 8), hidden=8, size=6, head=8)
    return script.ComparerSettings(
        families=2, stop=2, epochs=1, steps=1, batch=2, check=2, precision="float32", encoder=encoder
    )


def test_all_losses_are_trained_alike_and_told(script, settings, tmp_path, monkeypatch, capsys):
    began = []

    def train(given, folder, *, crops, **_):
        """Stand in for training, which has tests of its own."""
        began.append(given.loss)
        assert script.replace(given, loss=settings.loss) == settings
        assert crops == tmp_path / "runs" / "crops"
        if len(began) > 1:  # the first is on the disk before the next begins
            assert list(json.loads((tmp_path / "losses.json").read_text("utf-8"))["losses"]) == began[:-1]
        folder.mkdir()
        PairNetwork(given.encoder).save_weights(folder / "model.weights.h5")
        return folder / "model.weights.h5"

    monkeypatch.setattr(script, "train_comparer", train)
    found = script.compare(settings, tmp_path / "runs", tmp_path, plan=PLAN, workers=1, shard=2)
    assert began == list(found) == list(LOSSES)
    for areas in found.values():
        assert list(areas["canvases"]) == [*WAYS, MEAN_VECTORS]
        assert all(0 <= area <= 1 for area in areas["canvases"].values())
        # two families, two cloths under two plates: one crop each
        assert (areas["pairs"]["pairs"], areas["pairs"]["canvases"]) == (12, 12)
    written = json.loads((tmp_path / "losses.json").read_text("utf-8"))
    assert written["losses"] == found
    assert written["settings"]["families"] == 2
    assert "loss" not in written["settings"]
    head, rule, *rows = (tmp_path / "losses.md").read_text("utf-8").splitlines()
    assert {line.count("|") for line in (head, rule, *rows)} == {len(WAYS) + 5}
    assert [row.split(" | ")[0] for row in rows] == [f"| {loss}" for loss in LOSSES]
    assert f"| {found['pair cross-entropy']['pairs']['pair_auc']:.3f} |" in rows[0]
    assert [line for line in capsys.readouterr().out.splitlines() if line.endswith(":")] == [f"{n}:" for n in LOSSES]


def test_a_loss_that_is_not_there(script, settings, tmp_path):
    with pytest.raises(InputError, match=r"no loss of that name\. Take one of pair cross-entropy"):
        script.train_comparer(script.replace(settings, loss="guess"), tmp_path)
