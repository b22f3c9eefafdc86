"""Check what dl4art depends on: licences, consistency, oldest and newest versions, and what is built of dl4art itself.

    python utils/check_dependencies.py                       # licences of all that is installed, and pip check
    python utils/check_dependencies.py --oldest --newest     # tests with the lowest versions declared, and the newest
    python utils/check_dependencies.py --built               # tests with the wheel of the source archive, elsewhere

The last two make virtual environments and take long.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter, deque
from configparser import ConfigParser
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

ROOT = Path(__file__).parents[1]
FREE = re.compile(
    r"\b(0?bsd|mit|apache|psf|python software foundation|hpnd|historical|isc|mpl|mozilla|zlib|unlicense|cc0)\b",
    re.IGNORECASE,
)
"""Licences that may be used together with dl4art's own, BSD-3-Clause, without a further thought."""
EXTRAS = ("dicom", "distributed", "test")
"""Extras whose dependencies are looked at, too."""
_WORDS = {
    "Licensed under the Apache License, Version 2.0": "Apache-2.0",
    "Permission is hereby granted, free of charge, to any person obtaining a copy": "MIT",
    "Redistribution and use in source and binary forms": "BSD",
}
"""What licences say that do not say their names."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def main() -> int:
    """Run the checks that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--oldest", action="store_true", help="test with the lowest versions that setup.cfg declares")
    parser.add_argument("--newest", action="store_true", help="test with the newest versions there are")
    parser.add_argument("--built", action="store_true", help="build source archive and wheel, and test these")
    parser.add_argument("--tests", default="tests", help="which tests (default: tests, all of them)")
    args = parser.parse_args()
    failed = report_licences() + subprocess.run([sys.executable, "-m", "pip", "check"], check=False).returncode
    for wanted, bounds in ((args.oldest, "oldest"), (args.newest, "newest")):
        if wanted:
            failed += test_with(bounds, args.tests)
    if args.built:
        failed += test_built(args.tests)
    return int(failed > 0)


def declared(extras: tuple[str, ...] = EXTRAS) -> list[str]:
    """Give what setup.cfg requires, extras included: ``numpy>=2.0``."""
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    blocks = [setup["options"]["install_requires"], *(setup["options.extras_require"][extra] for extra in extras)]
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return sorted({line for line in lines if line and not line.startswith(("#", "dl4art["))})


def needed(requirements: list[str]) -> dict[str, Distribution]:
    """Find all installed distributions that meet requirements, those that these need too, by name."""
    found: dict[str, Distribution] = {}
    left = deque(requirements)
    while left:
        requirement = left.popleft()
        name = _NAME.match(requirement)
        # what only extras need is not installed for us
        if "extra" in requirement.partition(";")[2] or name is None:
            continue
        if (key := name[0].lower().replace("_", "-")) in found:
            continue
        try:
            found[key] = distribution(key)
        except PackageNotFoundError:  # for another system or Python
            continue
        left += found[key].requires or []
    return dict(sorted(found.items()))


def licence_of(known: Distribution) -> str:
    """Read what a distribution says of its licence: an expression, classifiers, or the first line of a text."""
    told = known.metadata
    if expression := told.get("License-Expression"):
        return expression
    kinds = [line.rpartition(" :: ")[2] for line in told.get_all("Classifier", []) if line.startswith("License ::")]
    if kinds := [kind for kind in kinds if kind != "OSI Approved"]:
        return ", ".join(kinds)
    files = [known.read_text(f"licenses/{name}") or "" for name in told.get_all("License-File", [])]
    text = next((text.strip() for text in (told.get("License") or "", *files) if text.strip()), "not stated")
    named = next((name for words, name in _WORDS.items() if words in " ".join(text.split())), "")
    return f"{named} (by its text)" if named else text.partition("\n")[0][:60]


def report_licences() -> int:
    """Print the licence of each dependency; how many are to be looked at by a person."""
    rows = [(name, known.version, licence_of(known)) for name, known in needed(declared()).items()]
    wide = [max(len(row[column]) for row in rows) for column in (0, 1)]
    strange = []
    for name, version, licence in rows:
        free = FREE.search(licence) is not None
        strange += [] if free else [name]
        print(f"{name.ljust(wide[0])}  {version.ljust(wide[1])}  {licence}{'' if free else '   <- look at it'}")
    kinds = Counter(licence for _, _, licence in rows)
    print(f"\n{len(rows)} dependencies under {len(kinds)} licences; to look at: {', '.join(strange) or 'none'}")
    return len(strange)


def lower_bounds() -> list[str]:
    """Give the requirements at the lowest version that setup.cfg declares: ``numpy==2.0.*``."""
    return [bound.replace(">=", "==") + (".*" if bound.count(".") < 2 else "") for bound in declared()]


def test_with(bounds: str, tests: str) -> int:
    """Run the tests in a new environment with the oldest or the newest versions; 0 if they pass."""
    print(f"\ntests with the {bounds} versions", flush=True)
    with tempfile.TemporaryDirectory(prefix="dl4art-deps-") as folder:
        python = environment(Path(folder) / "venv")
        wanted = [f"{ROOT}[{','.join(EXTRAS)}]"]
        if bounds == "oldest":
            (limits := Path(folder) / "limits.txt").write_text("\n".join(lower_bounds()), encoding="utf-8")
            wanted += ["-c", str(limits)]
        else:
            wanted += ["--upgrade", "--upgrade-strategy", "eager"]
        if code := subprocess.run([python, "-m", "pip", "install", "-q", *wanted], check=False).returncode:
            return code
        return run_tests(python, tests)


def test_built(tests: str) -> int:
    """Build a source archive, of that a wheel, install it in a new environment and run the tests; 0 if they pass."""
    print("\ntests with the wheel of the source archive", flush=True)
    with tempfile.TemporaryDirectory(prefix="dl4art-built-") as folder:
        place = Path(folder)
        python = environment(place / "venv")
        steps = [
            [python, "-m", "pip", "install", "-q", "build"],
            # without further words it builds the source archive, and the wheel of that
            [python, "-m", "build", "--outdir", str(place / "dist"), str(ROOT)],
        ]
        for step in steps:
            if code := subprocess.run(step, check=False, stdout=subprocess.DEVNULL).returncode:
                return code
        (wheel,) = (place / "dist").glob("*.whl")
        install = [python, "-m", "pip", "install", "-q", f"{wheel}[{','.join(EXTRAS)}]"]
        return subprocess.run(install, check=False).returncode or run_tests(python, tests)


def environment(folder: Path) -> str:
    """Make a virtual environment and give its Python."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    return str(folder / ("Scripts" if os.name == "nt" else "bin") / "python")


def run_tests(python: str, tests: str) -> int:
    """Run the tests from a folder that is not the checkout, so that they see what is installed."""
    variables = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "KERAS_BACKEND")}
    with tempfile.TemporaryDirectory() as elsewhere:
        command = [python, "-P", "-m", "pytest", "-q", "-c", str(ROOT / "pyproject.toml"), str(ROOT / tests)]
        environ = {**variables, "DL4ART_TEST_INSTALLED": "1"}
        return subprocess.run(command, check=False, cwd=elsewhere, env=environ).returncode


if __name__ == "__main__":
    sys.exit(main())
