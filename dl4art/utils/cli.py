"""What all commands share: options, the files they are given, the exit code they leave.

Nothing heavy is imported here: help, version and wrong arguments must answer at once.
"""

from __future__ import annotations

import argparse
import contextlib
import glob
import logging
import math
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypedDict

from dl4art import __version__
from dl4art.utils import limits
from dl4art.utils.errors import Dl4artError, InputError
from dl4art.utils.tables import terminal_text

_log = logging.getLogger(__name__)

PICTURES = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".dcm", ".dicom")
"""Suffixes of the pictures that commands look for in a folder."""

SOME_FAILED = 1
WRONG_CALL = 2
INTERRUPTED = 130  # 128 + SIGINT, as shells have it


class ScaleArguments(TypedDict):
    """The scale as the user stated it, ready to be passed on as keywords; None where it was not stated."""

    px_per_cm: float | None
    size_cm: tuple[float, float] | None


def general_options() -> argparse.ArgumentParser:
    """Parent parser with ``-v``, ``--quiet`` and ``--version``."""
    parent = argparse.ArgumentParser(add_help=False)
    loudness = parent.add_mutually_exclusive_group()
    loudness.add_argument("-v", "--verbose", action="count", default=0, help="say more (twice: everything)")
    loudness.add_argument("--quiet", action="store_true", help="no progress and no remarks, only errors")
    parent.add_argument("--version", action="version", version=f"dl4art {__version__}")
    parent.add_argument_group("limits", f"{limits.HELP}.")
    return parent


def scale_options() -> argparse.ArgumentParser:
    """Parent parser with ``--px-per-cm``, ``--dpi`` and ``--size-cm``; read them with `scale_arguments`."""
    parent = argparse.ArgumentParser(add_help=False)
    one = parent.add_mutually_exclusive_group()
    one.add_argument("--px-per-cm", type=positive_number, metavar="N", help="scale, if a file has none or a wrong one")
    one.add_argument("--dpi", type=positive_number, metavar="N", help="the same in pixels per inch")
    one.add_argument("--size-cm", type=size, metavar="WxH", help="the same as the size of what is shown: 40x32.5")
    return parent


def scale_arguments(args: argparse.Namespace) -> ScaleArguments:
    """Keywords for reading a plate, from arguments parsed with `scale_options`."""
    px_per_cm = args.px_per_cm if args.dpi is None else args.dpi / 2.54
    return {"px_per_cm": px_per_cm, "size_cm": args.size_cm}


def scheduler_options() -> argparse.ArgumentParser:
    """Parent parser with ``--scheduler``."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument(
        "--scheduler",
        type=scheduler_address,
        metavar="ADDRESS",
        help="work on the Dask cluster whose scheduler is there, tcp://host:port; all its machines must see the plates "
        "and the results under the same paths (default: work here)",
    )
    return parent


def scheduler_address(text: str) -> str:
    """Argument type: the address of a Dask scheduler, ``tcp://host:port`` or ``tls://host:port``."""
    kind, _, rest = text.partition("://")
    host, _, port = rest.rpartition(":")
    if kind not in ("tcp", "tls") or not host or not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise argparse.ArgumentTypeError(
            f"{text!r} is not the address of a scheduler such as tcp://10.0.0.5:8786; the command dask scheduler "
            "prints its own"
        )
    return text


def positive_number(text: str) -> float:
    """Argument type: a finite number above zero."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number above zero")
    return value


def positive_integer(text: str) -> int:
    """Argument type: a whole number of at least one."""
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above zero")
    return int(text)


def size(text: str) -> tuple[float, float]:
    """Argument type: width and height in centimetres, as in ``40x32.5``."""
    parts = text.lower().replace("\N{MULTIPLICATION SIGN}", "x").split("x")
    if len(parts) != 2:
        raise argparse.ArgumentTypeError(f"{text!r} is not a width and a height in centimetres such as 40x32.5")
    return positive_number(parts[0]), positive_number(parts[1])


def gather(paths: Sequence[str | Path], suffixes: Sequence[str] = PICTURES) -> list[Path]:
    """List the files that are meant by `paths`, each once, in a stable order.

    A folder stands for the files in it and below it that have one of the suffixes (in upper or lower case); hidden
    ones are left out, and the truth that `dl4art.simulate` writes beside its pictures. A file is taken whatever its
    suffix: it was named. Wildcards that the shell left alone, as on Windows, are expanded.

    Parameters
    ----------
    paths : sequence of paths
        Files and folders.
    suffixes : sequence of str
        With the dot, in lower case.

    Raises
    ------
    InputError
        If a path does not exist or a folder holds no such file.
    """
    found: dict[Path, None] = {}
    for path in _expand(paths):
        if path.is_dir():
            inside = [file for file in sorted(path.rglob("*")) if _wanted(file, path, suffixes)]
            if not inside:
                raise InputError(f"{path}: no files to read in this folder (looked for {', '.join(suffixes)})")
            found.update(dict.fromkeys(inside))
        elif path.exists():
            found[path] = None
        else:
            raise InputError(f"{path}: no such file or folder. Check its name; you are in {Path.cwd()}.")
    return list(found)


def beside(path: Path, given: str | None) -> Path | None:
    """File that belongs to a picture: the one that was given, or that of the picture's name in the folder given.

    Raises
    ------
    InputError
        If there is nothing under the name given, or two files in the folder have the picture's name.
    """
    if given is None:
        return None
    if not Path(given).is_dir():
        if not Path(given).exists():
            raise InputError(f"{given}: no such file or folder. Check its name; you are in {Path.cwd()}.")
        return Path(given)
    found = sorted(file for file in Path(given).iterdir() if file.stem == path.stem and file.is_file())
    if len(found) > 1:
        raise InputError(f"{found[0]} and {found[1]} are both for {path.name}. Leave one of them there.")
    return found[0] if found else None


def outside(paths: Sequence[Path], folder: str | Path) -> list[Path]:
    """Leave out the files in a folder: results of an earlier run are no inputs, even where they lie among them.

    Raises
    ------
    InputError
        If no file is left.
    """
    place = Path(folder).resolve()
    left = [path for path in paths if place not in path.resolve().parents]
    if not left:
        raise InputError(f"{folder}: all input files lie in the output folder. Name another one with -o.")
    return left


def _expand(paths: Sequence[str | Path]) -> Iterator[Path]:
    for path in map(Path, paths):
        matches = sorted(glob.glob(str(path))) if not path.exists() and glob.has_magic(str(path)) else []
        yield from map(Path, matches) if matches else (path,)


def _wanted(file: Path, folder: Path, suffixes: Sequence[str]) -> bool:
    # hidden: also the ._NAME.tif that macOS leaves on memory sticks
    hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
    truth = file.suffixes[-2:-1] == [".truth"]
    return not (hidden or truth) and file.suffix.lower() in suffixes and file.is_file()


def kept_so_far(done: int, total: int, where: str) -> str:
    """Say what an interrupted run has kept, for `KeyboardInterrupt`; empty if that is nothing."""
    return f"{done} of {total} files are done and kept {where}; the same command goes on from there" if done else ""


def run(
    command: Callable[[argparse.Namespace], int], parser: argparse.ArgumentParser, argv: Sequence[str] | None = None
) -> int:
    """Parse the arguments, run the command and turn how it ends into an exit code.

    Parameters
    ----------
    command : callable
        Takes the parsed arguments and returns the exit code. It may raise ``KeyboardInterrupt("what is on disk")``.
    parser : ArgumentParser
        Has `general_options` among its parents.
    argv : sequence of str, optional
        Arguments; those of the process if left out.

    Returns
    -------
    int
        What the command returned; 2 after a `Dl4artError`, which is printed as one line; 130 after Ctrl-C.
    """
    args = parser.parse_args(argv)
    for stream in (sys.stdout, sys.stderr):
        # a file name that the terminal cannot show must not stop a batch
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="replace")
    with _logging_to_stderr(args):
        try:
            code = _called(command, args)
            sys.stdout.flush()
        except Dl4artError as error:
            # a message may name files and quote what is in them
            print(f"error: {terminal_text(str(error))}", file=sys.stderr)
            return WRONG_CALL
        except KeyboardInterrupt as stop:
            print(f"interrupted: {str(stop) or 'nothing was written'}", file=sys.stderr)
            return INTERRUPTED
        except MemoryError:
            _log.debug("out of memory", exc_info=True)
            print("error: there is not enough memory. Close other programs, or give smaller files.", file=sys.stderr)
            return SOME_FAILED
        except BrokenPipeError:
            # the reader of a pipe (head, less) has gone; the interpreter must not stumble over it again at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return SOME_FAILED
        except OSError as error:
            # what no one foresaw of files: a folder that may not be listed, a full disk behind a pipe
            _log.debug("%s", error, exc_info=True)
            what = f"{error.filename or 'a file'}: {error.strerror or error}."
            print(f"error: {terminal_text(what)}", file=sys.stderr)
            return WRONG_CALL
        return code


def _called(command: Callable[[argparse.Namespace], int], args: argparse.Namespace) -> int:
    """Run a command; what a library that is interrupted stumbles over is the interruption."""
    try:
        return command(args)
    except Exception as error:
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, KeyboardInterrupt):
            cause = cause.__context__
        if cause is None:
            raise
        _log.debug("interrupted", exc_info=True)
        raise cause from None


class _Harmless(logging.Formatter):
    """Leaves out what would steer the terminal."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        return terminal_text(super().format(record))


@contextlib.contextmanager
def _logging_to_stderr(args: argparse.Namespace) -> Iterator[None]:
    """Send dl4art's log to stderr, and what the libraries say only if the user asked for everything."""
    level = logging.ERROR if args.quiet else (logging.WARNING, logging.INFO, logging.DEBUG)[min(args.verbose, 2)]
    ours, root = logging.getLogger("dl4art"), logging.getLogger()
    handler: logging.Handler = logging.StreamHandler()
    handler.setFormatter(_Harmless("%(message)s"))
    owner = root if level == logging.DEBUG else ours
    silencer = logging.NullHandler()  # without any handler, Python prints the libraries' warnings itself
    before = ours.level
    ours.setLevel(level)
    owner.addHandler(handler)
    root.addHandler(silencer)
    try:
        with warnings.catch_warnings():
            if level != logging.DEBUG:
                warnings.simplefilter("ignore")
            yield
    finally:
        ours.setLevel(before)
        owner.removeHandler(handler)
        root.removeHandler(silencer)
