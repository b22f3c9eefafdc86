"""The command alone: what it hands on, and what it says; the trainings have tests of their own."""

import pytest

from dl4art import train


@pytest.fixture
def calls(monkeypatch):
    """What the trainings are called with, in place of hours of work."""
    from dl4art.regression import release as counter_release
    from dl4art.regression import training as counter_training
    from dl4art.siamese import release, training

    made = []

    def keep(name):
        def call(settings, folder, *, workers, tell):
            made.append((name, settings, folder, workers))
            tell(f"{name} at work")
            return folder / "model"

        return call

    monkeypatch.setattr(counter_training, "train_counter", keep("train counter"))
    monkeypatch.setattr(counter_release, "finish_model", keep("finish counter"))
    monkeypatch.setattr(training, "train_comparer", keep("train comparer"))
    monkeypatch.setattr(release, "finish_comparer", keep("finish comparer"))
    return made


@pytest.mark.parametrize(
    ("what", "words", "changed"),
    [
        ("counter", ["--crops", "50", "--epochs", "2"], {"crops": 50, "epochs": 2}),
        ("comparer", ["--families", "8", "--steps", "3", "--check", "4", "--seed", "7"],
         {"families": 8, "steps": 3, "check": 4, "seed": 7}),
        ("comparer", [], {}),
    ],
)  # fmt: skip
def test_it_trains_and_finishes_with_the_recipe(what, words, changed, calls, tmp_path, capsys):  # noqa: PLR0917
    assert train.main([what, "-o", str(tmp_path), "--workers", "1", *words]) == 0
    assert [call[0] for call in calls] == [f"train {what}", f"finish {what}"]
    settings = calls[0][1]
    assert settings == calls[1][1]
    assert {name: getattr(settings, name) for name in changed} == changed
    default = type(settings)()
    assert {name for name in vars(default) if getattr(default, name) != getattr(settings, name)} == set(changed)
    assert calls[0][2:] == (tmp_path, 1)
    shown = capsys.readouterr()
    assert shown.out == f"trained, calibrated and tested: {tmp_path / 'model'}\n"
    assert f"train {what} at work" in shown.err


def test_quietly(calls, tmp_path, capsys):
    assert train.main(["comparer", "-o", str(tmp_path), "--quiet"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("what", "option"), [("counter", "--families"), ("comparer", "--crops"), ("comparer", "--draws")]
)
def test_options_of_the_other_training_are_refused(what, option, calls, tmp_path, capsys):
    assert train.main([what, "-o", str(tmp_path), option, "5"]) == 2
    assert f"{option} has no meaning for a {what}" in capsys.readouterr().err
    assert calls == []


def test_an_interruption_says_where_what_is_done_lies(calls, tmp_path, monkeypatch, capsys):
    from dl4art.siamese import training

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "train_comparer", interrupted)
    assert train.main(["comparer", "-o", str(tmp_path)]) == 130
    assert f"what is done is in {tmp_path}; the same command goes on" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["comparer"], ["curator", "-o", "x"], ["comparer", "-o", "x", "--steps", "0"]])
def test_a_wrong_call(words, capsys):
    with pytest.raises(SystemExit) as stop:
        train.main(words)
    assert stop.value.code == 2
    assert capsys.readouterr().err
