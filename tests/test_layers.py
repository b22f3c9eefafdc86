"""Who may import whom, read from the source: utils <- cropping <- simulation <- the jobs <- doors."""

import ast
from pathlib import Path

import pytest

import dl4art

PACKAGE = Path(dl4art.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

FLOORS = [
    {"utils"},
    {"cropping"},
    {"simulation"},
    {"regression", "siamese", "craquelure", "paintings"},
]
SIBLINGS = {("siamese", "regression")}
DOORS = {path.stem for path in PACKAGE.glob("[!_]*.py")}
# imported where they are needed, so that arguments are answered at once
HEAVY = {
    "numpy",
    "scipy",
    "sklearn",
    "keras",
    "tensorflow",
    "tifffile",
    "PIL",
    "rich",
    "matplotlib",
    "imagecodecs",
    "distributed",
}
LIGHT = [path for path in MODULES if path.parent == PACKAGE] + [PACKAGE / "utils" / "cli.py"]


def floor_of(room):
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


def allowed(importer, imported):
    """Whether a module of one room (or door) may import from another; rooms are named, doors are ''."""
    if importer == imported:
        return True
    if imported == "":
        return False
    return importer == "" or floor_of(imported) < floor_of(importer) or (importer, imported) in SIBLINGS


def room_of(path):
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else ""


def imported_names(tree):
    """Full dotted names of all that is imported anywhere in a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def imports_of_ours(source):
    """The rooms and doors of dl4art that a module imports; its own name and version are no room."""
    for name in imported_names(ast.parse(source)):
        first, _, rest = name.partition(".")
        if first == "dl4art" and rest and not rest.startswith("__"):
            yield rest.partition(".")[0]


def violations(source, room):
    """What a module of a room imports but may not."""
    found = []
    for name in imports_of_ours(source):
        if name in DOORS or not allowed(room, name):
            found.append(name)
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_lead_down(path):
    assert violations(path.read_text("utf-8"), room_of(path)) == []


def test_every_room_has_a_floor():
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert rooms <= set.union(*FLOORS)


@pytest.mark.parametrize(
    ("source", "room", "found"),
    [
        ("import dl4art.cropping", "utils", ["cropping"]),
        ("from dl4art import regression", "simulation", ["regression"]),
        ("def f():\n    from dl4art.regression.network import build", "cropping", ["regression"]),
        ("from dl4art.regression import ThreadCounter", "siamese", []),
        ("from dl4art.siamese import FabricComparer", "regression", ["siamese"]),
        ("from dl4art import count", "", ["count"]),
        ("import dl4art.count", "regression", ["count"]),
        ("from dl4art import __version__", "utils", []),
        ("from dl4art.regression import ThreadCounter", "", []),
        ("import numpy", "utils", []),
    ],
)
def test_the_rule_itself(source, room, found):
    assert violations(source, room) == found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_is_over_500_lines(path):
    assert len(path.read_text("utf-8").splitlines()) <= 500


def imported_at_the_head(path):
    """First names of what a module imports as soon as it is imported itself."""
    head = [node for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.Import | ast.ImportFrom)]
    return {name.partition(".")[0] for name in imported_names(ast.Module(head, []))}


@pytest.mark.parametrize("path", LIGHT, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_doors_import_nothing_heavy_at_their_head(path):
    assert not HEAVY & imported_at_the_head(path)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_module_depends_on_one_backend(path):
    assert not {"tensorflow", "torch", "jax"} & imported_at_the_head(path)
