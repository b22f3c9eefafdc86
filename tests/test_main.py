import importlib
from pathlib import Path

import pytest

import dl4art
from dl4art.__main__ import commands, main

DOORS = commands()


def test_all_doors_are_found():
    # what begins with an underscore helps a door
    assert set(DOORS) == {path.stem for path in Path(dl4art.__file__).parent.glob("[!_]*.py")}
    assert "count" in DOORS


@pytest.mark.parametrize("name", DOORS)
def test_each_is_listed_with_one_line_that_says_what_it_is_for(name, capsys):
    assert main([]) == 0
    (line,) = [line for line in capsys.readouterr().out.splitlines() if f"dl4art.{name} " in line]
    assert line.endswith(DOORS[name])
    assert 20 < len(DOORS[name]) < 100


@pytest.mark.parametrize("name", DOORS)
@pytest.mark.parametrize(("word", "code"), [("--help", 0), ("--version", 0), ("--nonsense", 2)])
def test_each_door_knows_its_manners(name, word, code, capsys):
    with pytest.raises(SystemExit) as stop:
        importlib.import_module(f"dl4art.{name}").main([word])
    assert stop.value.code == code
    shown = capsys.readouterr()
    first = {"--help": f"usage: python -m dl4art.{name}", "--version": f"dl4art {dl4art.__version__}", "--nonsense": ""}
    assert shown.out.startswith(first[word])
    assert bool(shown.err) == (code == 2)


@pytest.mark.parametrize("words", [[], ["--version"], ["--nonsense"]])
def test_the_list_needs_no_library(words, run_python):
    code = (
        "import sys, dl4art.__main__ as m\n"
        "try: m.main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print(sorted(name for name in sys.modules if name.partition('.')[0] in ('numpy', 'keras', 'dl4art')))"
    )
    assert run_python("-c", code, *words).stdout.splitlines()[-1] == "['dl4art', 'dl4art.__main__']"


def test_it_runs_as_a_module(run_python):
    assert run_python("-m", "dl4art", "--version").stdout == f"dl4art {dl4art.__version__}\n"
