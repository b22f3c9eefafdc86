"""``python -m dl4art``: list the commands."""

from __future__ import annotations

import argparse
import ast
import sys
from collections.abc import Sequence
from pathlib import Path

from dl4art import __version__


def main(argv: Sequence[str] | None = None) -> int:
    """List the commands, each with the first line of its documentation, and return the exit code."""
    lines = [f"  python -m dl4art.{name:<10} {summary}" for name, summary in commands().items()]
    parser = argparse.ArgumentParser(
        prog="python -m dl4art",
        description="Count threads, map weaves and compare canvases in X-ray plates of paintings.",
        epilog="\n".join(["commands (each answers to --help):", *lines]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"dl4art {__version__}")
    parser.parse_args(argv)
    parser.print_help()
    return 0


def commands() -> dict[str, str]:
    """Names of the commands and what each is for: the modules beside this one, read but not imported."""
    found = {}
    for path in sorted(Path(__file__).parent.glob("[!_]*.py")):
        documentation = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        found[path.stem] = documentation.partition("\n")[0]
    return found


if __name__ == "__main__":
    sys.exit(main())
