import argparse
import logging
import math
import warnings
from pathlib import Path

import pytest

from dl4art import __version__
from dl4art.utils import cli
from dl4art.utils.errors import InputError


def scale_of(*words):
    return cli.scale_arguments(argparse.ArgumentParser(parents=[cli.scale_options()]).parse_args(words))


def general_parser():
    return argparse.ArgumentParser(prog="door", parents=[cli.general_options()])


def test_scale_is_unknown_unless_stated():
    assert scale_of() == {"px_per_cm": None, "size_cm": None}


def test_dots_per_inch_become_pixels_per_centimetre():
    assert scale_of("--dpi", "508")["px_per_cm"] == pytest.approx(200, abs=1e-12)
    assert scale_of("--px-per-cm", "236.2")["px_per_cm"] == 236.2


@pytest.mark.parametrize("text", ["40x32.5", "40X32.5", "40×32.5"])  # noqa: RUF001 people paste this sign
def test_size_is_width_by_height(text):
    assert scale_of("--size-cm", text) == {"px_per_cm": None, "size_cm": (40.0, 32.5)}


@pytest.mark.parametrize(
    "words",
    [
        ("--dpi", "0"),
        ("--dpi", "nan"),
        ("--px-per-cm", "inf"),
        ("--px-per-cm", "many"),
        ("--size-cm", "40"),
        ("--size-cm", "40x0"),
        ("--size-cm", "1x2x3"),
        ("--dpi", "508", "--px-per-cm", "200"),
    ],
)
def test_impossible_scales_are_wrong_calls(words, capsys):
    with pytest.raises(SystemExit, match="2"):
        scale_of(*words)
    assert words[0] in capsys.readouterr().err


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "²", "many"])
def test_whole_numbers_are_at_least_one(text):
    with pytest.raises(argparse.ArgumentTypeError, match="whole number"):
        cli.positive_integer(text)
    assert cli.positive_integer("12") == 12


def touch(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


@pytest.mark.parametrize("text", ["tcp://10.0.0.5:8786", "tls://host.example.org:1", "tcp://[::1]:8786"])
def test_addresses_of_schedulers(text):
    assert cli.scheduler_address(text) == text


@pytest.mark.parametrize(
    "text", ["", "host:8786", "http://host:8786", "tcp://host", "tcp://:1", "tcp://a:b", "tcp://a:0"]
)
def test_what_is_no_address_of_a_scheduler(text):
    with pytest.raises(argparse.ArgumentTypeError, match=r"is not the address of a scheduler such as tcp://"):
        cli.scheduler_address(text)


def test_gather_finds_pictures_in_folders_whatever_the_case_and_depth(tmp_path):
    touch(tmp_path, "b.TIF", "a.tif", "deep/er/c.Jpeg", "notes.txt", "._a.tif", ".hidden/d.tif")
    assert [str(path.relative_to(tmp_path)) for path in cli.gather([tmp_path])] == ["a.tif", "b.TIF", "deep/er/c.Jpeg"]


def test_gather_takes_no_simulated_truth_for_labels(tmp_path):
    for name in ("a.tif", "a.json", "a.truth.json", "a.truth.npz"):
        (tmp_path / name).touch()
    assert [path.name for path in cli.gather([tmp_path], (".json", ".npz"))] == ["a.json"]


def test_gather_takes_a_named_file_whatever_its_suffix_and_lists_each_once(tmp_path):
    touch(tmp_path, "a.tif", "scan.img")
    found = cli.gather([tmp_path / "scan.img", tmp_path / "a.tif", str(tmp_path)])
    assert [path.name for path in found] == ["scan.img", "a.tif"]


def test_gather_expands_wildcards_that_the_shell_left_alone(tmp_path):
    touch(tmp_path, "a1.tif", "a2.tif", "b.tif", "[x].tif")
    assert [path.name for path in cli.gather([f"{tmp_path}/a*.tif"])] == ["a1.tif", "a2.tif"]
    assert [path.name for path in cli.gather([f"{tmp_path}/[x].tif"])] == ["[x].tif"]


def test_gather_refuses_missing_files_and_empty_folders(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.tif: no such file"):
        cli.gather([tmp_path / "nowhere.tif"])
    with pytest.raises(InputError, match=r"\*\.tif: no such file"):
        cli.gather([tmp_path / "*.tif"])
    touch(tmp_path, "notes.txt")
    with pytest.raises(InputError, match=r"no files to read in this folder \(looked for .tif"):
        cli.gather([tmp_path])


def test_run_returns_the_code_of_the_command():
    assert cli.run(lambda args: 1 + args.verbose, general_parser(), ["-vv"]) == 3


def test_run_turns_our_errors_into_one_line_and_code_2(capsys):
    def command(_args):
        raise InputError("a.tif: no such file")

    assert cli.run(command, general_parser(), []) == 2
    assert capsys.readouterr().err == "error: a.tif: no such file\n"


@pytest.mark.parametrize(("what", "said"), [((), "nothing was written"), (("3 rows are kept",), "3 rows are kept")])
def test_run_ends_interruptions_in_one_line_and_code_130(what, said, capsys):
    def command(_args):
        raise KeyboardInterrupt(*what)

    assert cli.run(command, general_parser(), []) == 130
    assert capsys.readouterr().err == f"interrupted: {said}\n"


def test_an_interruption_over_which_a_library_stumbles_is_one(capsys):
    """As a ZIP that is closed while a part of it is being written."""

    def command(_args):
        try:
            raise KeyboardInterrupt("half is done")
        finally:
            raise ValueError("Can't close the ZIP file")

    assert cli.run(command, general_parser(), []) == 130
    assert capsys.readouterr().err == "interrupted: half is done\n"


def test_run_does_not_hide_our_own_mistakes():
    with pytest.raises(ZeroDivisionError):
        cli.run(lambda _args: math.floor(1 / 0), general_parser(), [])


def test_version(capsys):
    with pytest.raises(SystemExit, match="0"):
        cli.run(lambda _args: 0, general_parser(), ["--version"])
    assert capsys.readouterr().out == f"dl4art {__version__}\n"


@pytest.mark.parametrize(
    ("words", "heard"),
    [
        ([], ["ours: warning"]),
        (["--quiet"], []),
        (["-v"], ["ours: info", "ours: warning"]),
        (["-vv"], ["ours: debug", "ours: info", "ours: warning", "theirs: warning"]),
    ],
)
def test_who_is_heard_at_which_loudness(words, heard, capsys, monkeypatch):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # pytest's own

    def command(_args):
        ours, theirs = logging.getLogger("dl4art.test"), logging.getLogger("library")
        ours.debug("ours: debug")
        ours.info("ours: info")
        ours.warning("ours: warning")
        theirs.warning("theirs: warning")
        return 0

    cli.run(command, general_parser(), words)
    assert capsys.readouterr().err.splitlines() == heard
    assert logging.getLogger("dl4art").handlers == []


def test_warnings_of_libraries_are_for_those_who_ask_for_everything():
    def command(_args):
        warnings.warn("old API", DeprecationWarning, stacklevel=1)
        return 0

    assert cli.run(command, general_parser(), []) == 0
    with pytest.raises(DeprecationWarning):
        cli.run(command, general_parser(), ["-vv"])


def test_a_reader_that_has_gone_is_no_reason_for_a_traceback(run_python):
    code = (
        "import os, sys, argparse\n"
        "from dl4art.utils import cli\n"
        "read, write = os.pipe(); os.close(read); os.dup2(write, 1)\n"
        "parser = argparse.ArgumentParser(parents=[cli.general_options()])\n"
        "sys.exit(cli.run(lambda args: print('row') or 0, parser, []))\n"
    )
    done = run_python("-c", code)
    assert (done.returncode, done.stderr) == (1, "")


def test_what_belongs_to_a_picture_is_named_or_lies_in_a_folder(tmp_path):
    (tmp_path / "masks").mkdir()
    for name in ("a.png", "b.png", "b.tif"):
        (tmp_path / "masks" / name).touch()
    one, folder = tmp_path / "masks" / "a.png", str(tmp_path / "masks")
    assert cli.beside(Path("x.tif"), None) is None
    assert cli.beside(Path("x.tif"), str(one)) == one
    assert cli.beside(Path("elsewhere/a.jpg"), folder) == one
    assert cli.beside(Path("x.tif"), folder) is None
    with pytest.raises(InputError, match=r"are both for b\.jpg"):
        cli.beside(Path("b.jpg"), folder)
    with pytest.raises(InputError, match="no such file or folder"):
        cli.beside(Path("a.jpg"), str(tmp_path / "none"))


def test_results_are_no_inputs(tmp_path):
    inside, other = tmp_path / "out" / "deep" / "a.tif", tmp_path / "b.tif"
    assert cli.outside([inside, other], tmp_path / "out") == [other]
    with pytest.raises(InputError, match="all input files lie in the output folder"):
        cli.outside([inside], tmp_path / "out")
