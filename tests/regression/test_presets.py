from __future__ import annotations

import json
import shutil
from types import SimpleNamespace

import pytest

from dl4art.regression.presets import PRESETS, choose_settings, find_base
from dl4art.utils.errors import InputError, ModelError

VGG = SimpleNamespace(name="threads 01234567", architecture="vgg", filters=(4, 4, 6, 6, 8))
INCEPTION = SimpleNamespace(name="mine 01234567", architecture="vgg-inception", filters=(2,))


def test_the_upstreams_recipe():
    settings = choose_settings({}, preset="upstream")
    assert settings.architecture == "vgg-inception"
    assert (settings.batch, settings.rate, settings.falls, settings.patience) == (32, 1e-3, False, 10)
    assert (settings.epochs, settings.draws, settings.crops, settings.filters) == (100, 0, 0, (8,))


@pytest.mark.parametrize(
    ("words", "architecture", "base"),
    [
        ({}, "vgg", ""),
        ({"architecture": "vgg-inception"}, "vgg-inception", ""),
        ({"base": VGG}, "vgg", VGG.name),
        ({"base": VGG, "architecture": "vgg"}, "vgg", VGG.name),
        ({"base": INCEPTION}, "vgg-inception", INCEPTION.name),
    ],
)
def test_what_is_trained_decides_on_the_recipe(words, architecture, base):
    settings = choose_settings({"epochs": 3, "seed": 7}, **words)
    assert (settings.architecture, settings.base, settings.epochs, settings.seed) == (architecture, base, 3, 7)
    if base:
        assert settings.filters == words["base"].filters
        assert settings.rate < PRESETS["from-nothing"].rate


@pytest.mark.parametrize(
    ("given", "words", "said"),
    [
        ({}, {"preset": "upstream", "base": VGG}, "trains from nothing, and --from starts from a model"),
        ({}, {"preset": "upstream", "architecture": "vgg"}, "--preset upstream is for vgg-inception, not vgg"),
        ({}, {"preset": "mine"}, "'mine' is no preset. Choose one of upstream"),
        ({}, {"base": VGG, "architecture": "vgg-inception"}, "of architecture vgg, not vgg-inception"),
        ({"draws": 5}, {"preset": "upstream"}, "--draws has no meaning with --preset upstream"),
        (
            {"crops": 5, "check": 9},
            {"architecture": "vgg-inception"},
            "--crops and --check has no meaning with --architecture vgg-inception",
        ),
    ],
)
def test_what_means_nothing_together_is_refused(given, words, said):
    with pytest.raises(InputError) as error:
        choose_settings(given, **words)
    assert said in str(error.value)


def test_the_shipped_counter_is_a_base():
    base = find_base("shipped")
    assert (base.architecture, base.filters) == ("vgg", (32, 32, 48, 64, 96))
    assert base.name == f"threads {base.folder.sha256[:8]}"


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ({"window_px": 100}, "window_px is 100, and a counter of this version needs 200"),
        ({"dl4art": "99.0"}, "made by dl4art 99.0, newer than this one"),
        ({"filters": None}, "config.json states no filters"),
        ({"sha256": "0"}, "the weights are not those that config.json names"),
    ],
)
def test_a_base_that_does_not_fit_is_refused(entries, said, tmp_path):
    folder = shutil.copytree(find_base("shipped").folder.path, tmp_path / "mine")
    config = json.loads((folder / "config.json").read_text()) | entries
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match=said):
        find_base(folder)
