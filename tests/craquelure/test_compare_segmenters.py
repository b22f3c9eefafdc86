"""The script that compares segmenters, with a network of one convolution and pictures that are drawn at once."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dl4art.craquelure.networks import NETWORKS
from dl4art.craquelure.samples import PaintingSamples
from dl4art.utils.errors import InputError

SCRIPT = Path(__file__).parents[2] / "utils" / "compare_segmenters.py"
pytestmark = pytest.mark.skipif(not SCRIPT.exists(), reason="the script is in the checkout, not in the package")


@pytest.fixture(scope="module")
def script(load_script):
    return load_script(SCRIPT)


@pytest.fixture
def common(script, monkeypatch):
    monkeypatch.setitem(NETWORKS, "tiny", (lambda parts, picture, counts: parts.conv(picture, counts[0]), (4,)))
    monkeypatch.setattr(script, "NETWORK", "tiny")
    monkeypatch.setattr(script, "simulate_paintings", painted)
    usual = script.Comparison()
    settings = replace(usual.settings, window_px=32, pictures=6, stop=3, check=14, epochs=2, batch=2)
    return replace(
        usual, minutes=1e-3, side_px=32, filters={"tiny": (4,)}, losses=("dice", "mixed2"), settings=settings
    )


def painted(folder, split, count, *, side_px, workers):
    """Grey pictures with black lines and white losses, of other places in each split."""
    rng = np.random.default_rng(len(split))
    masks = np.zeros((count, side_px, side_px), np.uint8)
    for mask in masks:
        mask[:, rng.integers(22, side_px - 2)] = 1
        mask[20:28, 8:20] = 2
    colours = np.array([130, 10, 240])[masks] + rng.normal(0, 4, masks.shape)
    pictures = np.repeat(np.clip(colours, 0, 255).astype(np.uint8)[..., None], 3, axis=-1)
    return PaintingSamples(pictures, masks, np.zeros(count, np.int8))


def test_what_is_compared(script):
    runs = script.Comparison().runs()
    assert len(runs) == len(set(runs)) == 8
    assert [loss for network, loss in runs if network == "res-unet"] == list(script.LOSSES)
    assert {network for network, loss in runs if loss == "mixed2"} == {"res-unet", "unet", "mc-dm", "light"}


def test_an_interrupted_comparison_goes_on_and_gives_both_tables(script, common, tmp_path, monkeypatch, capsys):
    fit, began = script.fit_segmenter, []

    def interrupted(network, data, held, settings, folder, **words):
        began.append((settings.loss, settings.steps))
        if len(began) == 2:  # what is done is on disk before the next begins
            assert [*json.loads((tmp_path / "out" / "segmenters.json").read_text())["found"]] == [
                "top-hat",
                "tiny, dice",
            ]
            raise KeyboardInterrupt
        return fit(network, data, held, settings, folder, **words)

    monkeypatch.setattr(script, "fit_segmenter", interrupted)
    with pytest.raises(KeyboardInterrupt):
        script.compare(common, tmp_path / "runs", tmp_path / "out")
    found = script.compare(common, tmp_path / "runs", tmp_path / "out")
    assert [loss for loss, _ in began] == ["dice", "mixed2", "mixed2"]
    # a budget of one network is measured once
    assert len({steps for _, steps in began}) == 1
    assert [*found] == ["top-hat", "tiny, dice", "tiny, mixed2"]
    assert found["top-hat"]["line_f1"] > 0.95
    assert found["tiny, mixed2"]["processor_minutes"] > 0
    written = json.loads((tmp_path / "out" / "segmenters.json").read_text())
    assert written["found"] == found
    text = (tmp_path / "out" / "segmenters.md").read_text()
    assert text.count("| black top-hat |") == 2
    assert text.count("| mixed2 |") == text.count("| tiny |") == 1
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {len(script.SCORES) + 7}

    with pytest.raises(InputError, match=r"holds a training with minutes 0\.001, not 20"):
        script.compare(replace(common, minutes=20.0), tmp_path / "runs", tmp_path / "out")


def test_steps_follow_from_the_time(script, common, monkeypatch):
    settings = replace(common.settings, network="tiny", filters=(4,), loss="dice")
    clock = iter([10.0, 13.0])
    monkeypatch.setattr(script.time, "process_time", lambda: next(clock))
    plan = script.measured_steps(settings, painted("", "train", 6, side_px=32, workers=1), 1.0)
    # six batches in three seconds; a minute in two epochs
    assert plan == {"seconds": 0.5, "steps": 60}
