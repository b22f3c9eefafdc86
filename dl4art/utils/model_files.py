"""Model folders as files: which there are, what their cards say, whether they fit, one file to hand on."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dl4art import __version__
from dl4art.utils.errors import Dl4artError, InputError, ModelError, OutputError
from dl4art.utils.files import atomic_path, make_folder, temporary_prefix
from dl4art.utils.holding import held
from dl4art.utils.limits import read_text
from dl4art.utils.models import TEXTS, WEIGHTS, ModelFolder, open_model

_LARGEST = dict.fromkeys(TEXTS, 16_000_000) | dict.fromkeys(WEIGHTS, 1_000_000_000)
"""Bytes that each file of a packed model may have."""
_DENSEST = 100
"""How many times as large as its compressed bytes a file may be; text comes to about 4."""
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that a ZIP can state
_PERMISSIONS = 0o100644 << 16


@dataclass(frozen=True)
class ModelKind:
    """What the models of one room are, and the pictures that they look at in this version.

    Attributes
    ----------
    name, room : str
        E.g. ``"counter"`` and ``"regression"``.
    side : str
        The entry of ``config.json`` by which the kind is known, e.g. ``"window_px"``: the side of a picture, if it is
        to be of one size.
    px, px_per_cm : int or None
        That side, and the scale; None if models of this kind look at pictures of any.
    """

    name: str
    room: str
    side: str
    px: int | None
    px_per_cm: int | None = 200


@dataclass(frozen=True)
class ModelCard:
    """A model card: the facts at its head, one a line, and the text below them."""

    facts: dict[str, str] = field(default_factory=dict)
    text: str = ""


def find_folders(folder: str | Path) -> list[Path]:
    """Find the model folders in a folder and below it, itself among them, hidden ones left out.

    A folder with two files of a model counts as one, so that an incomplete model is not passed over.

    Raises
    ------
    InputError
        If there is no such folder, or no model in it.
    """
    if not Path(folder).is_dir():
        raise InputError(f"{folder}: no such folder. Check its name; you are in {Path.cwd()}.")
    if found := sorted(_model_folders(folder)):
        return found
    raise InputError(f"{folder}: no model in this folder (looked for {', '.join((*TEXTS, *WEIGHTS))})")


def _model_folders(folder: str | Path) -> Iterator[Path]:
    for place, below, names in os.walk(folder):
        below[:] = [name for name in below if not name.startswith(".")]
        if len(_LARGEST.keys() & names) >= 2:
            yield Path(place)


def kind_of(config: dict[str, Any], kinds: Sequence[ModelKind]) -> ModelKind | None:
    """Tell which kind of model a configuration describes; None if it is none of them."""
    return next((kind for kind in kinds if kind.side in config), None)


def check_fit(model: ModelFolder, kinds: Sequence[ModelKind]) -> ModelKind:
    """Check that a model is of a known kind, looks at the pictures it will get, and is not newer than this version.

    Raises
    ------
    ModelError
        If it does not fit; the message says what to do.
    """
    config = model.config
    kind = kind_of(config, kinds)
    if kind is None:
        entries = " nor ".join(kind.side for kind in kinds)
        raise ModelError(
            f"{model.path}: not known to this version, its config.json states neither {entries}. Use the version of "
            "dl4art that made it."
        )
    made_by = config.get("dl4art")
    made, this = _release(made_by), _release(__version__)
    if made is None:
        raise ModelError(
            f"{model.path}: the version of dl4art that made it is stated as {made_by!r} in config.json, not as e.g. "
            f"{__version__!r}. Copy the whole folder again."
        )
    if this is not None and made > this:
        raise ModelError(f"{model.path}: made by dl4art {made_by}, newer than this one, {__version__}. Update dl4art.")
    for entry, wanted in ((kind.side, kind.px), ("px_per_cm", kind.px_per_cm)):
        if wanted is not None and config.get(entry) != wanted:
            raise ModelError(
                f"{model.path}: {entry} is {config.get(entry)!r}, and a {kind.name} of this version needs {wanted}. "
                f"Use the version that made the model, {made_by}, or train it anew."
            )
    return kind


def _release(version: Any) -> tuple[int, ...] | None:
    """Numbers of a version, what follows them (``.dev1``, ``rc2``) left out."""
    found = re.match(r"(\d{1,9})\.(\d{1,9})(?:\.(\d{1,9}))?", version) if isinstance(version, str) else None
    return tuple(int(number or 0) for number in found.groups()) if found else None


def read_card(folder: str | Path) -> ModelCard:
    """Read the card in a model folder; ModelError if it is no text."""
    path = Path(folder) / "MODEL_CARD.md"
    try:
        text = read_text(path)
    except (OSError, ValueError, InputError) as error:
        raise ModelError(f"{path}: cannot be read as text ({error}). Copy the whole model folder again.") from error
    head = re.match(r"---\n(.*?\n)?---(?:\n|$)", text, flags=re.DOTALL)
    if head is None:
        return ModelCard(text=text.strip())
    lines = (line.partition(":") for line in (head[1] or "").splitlines())
    return ModelCard({key.strip(): value.strip() for key, _, value in lines if value}, text[head.end() :].strip())


def model_size(model: ModelFolder) -> int:
    """Bytes of the files that make up a model; others in its folder do not count."""
    return sum((model.path / name).stat().st_size for name in _names(model))


def pack_model(folder: str | Path, path: str | Path) -> ModelFolder:
    """Pack the files of a model into a ZIP, the same bytes from the same model wherever and whenever.

    Parameters
    ----------
    folder : path
        A model folder; what else lies in it is left out.
    path : path
        The file to write, ``.zip``; whole or not at all.

    Returns
    -------
    ModelFolder
        What was packed.

    Raises
    ------
    ModelError
        If the model is not whole, or larger than `unpack_model` takes.
    OutputError
        If the file cannot be written there.
    """
    if Path(path).suffix.lower() != ".zip":
        raise OutputError(f"{path}: a model is packed as .zip. Choose a name that ends so.")
    model = open_model(folder)
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name in _names(model):
            source = model.path / name
            member = zipfile.ZipInfo(name, _EPOCH)
            # stored, not compressed: weights hardly shrink, and compressed bytes differ between versions of zlib
            member.create_system, member.external_attr, member.file_size = 3, _PERMISSIONS, source.stat().st_size
            if member.file_size > _LARGEST[name]:
                raise ModelError(f"{source}: larger than {_LARGEST[name]} bytes, which no packed model may hold.")
            with open(source, "rb") as data, archive.open(member, "w") as target:
                shutil.copyfileobj(data, target)
    return model


def unpack_model(path: str | Path, folder: str | Path) -> ModelFolder:
    """Unpack what `pack_model` wrote, into a new or empty folder: a whole model, or nothing.

    A folder that holds just this model already is left as it is, so that a run that was stopped can be given again.

    Parameters
    ----------
    path : path
        The ZIP.
    folder : path
        Where the model goes.

    Returns
    -------
    ModelFolder
        Complete, its hash checked.

    Raises
    ------
    InputError
        If the file is no ZIP, damaged, or holds anything but the files of a model in sizes that a model has.
    ModelError
        If a file of the model is missing, or the weights are not those of the configuration.
    OutputError
        If the folder holds something already, or cannot be written.
    """
    path, folder = Path(path), Path(folder)
    if not path.is_file():
        raise InputError(f"{path}: no such file. Check its name; you are in {Path.cwd()}.")
    try:
        with zipfile.ZipFile(path) as archive:
            members = _checked(archive, path)
            make_folder(folder.parent)
            with (
                held(folder, beside=True),
                tempfile.TemporaryDirectory(prefix=temporary_prefix(folder), dir=folder.parent) as temporary,
            ):
                if _holds(folder, members):
                    return open_model(folder)
                if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
                    raise OutputError(
                        f"{folder}: is there already and not an empty folder. Choose another place with -o."
                    )
                inner = Path(temporary) / "model"
                inner.mkdir()
                for member in members:
                    with archive.open(member) as data, open(inner / member.filename, "wb") as target:
                        shutil.copyfileobj(data, target)
                        target.flush()
                        os.fsync(target.fileno())
                try:
                    open_model(inner)
                except ModelError as error:
                    raise ModelError(str(error).replace(str(inner), str(path))) from error
                if folder.exists():
                    folder.rmdir()
                inner.rename(folder)
    except Dl4artError:
        raise
    except OSError as error:
        raise OutputError(f"{folder}: {path} cannot be unpacked there ({error}). Choose another place with -o.") from (
            error
        )
    except Exception as error:  # a damaged ZIP can fail in any way
        raise InputError(f"{path}: cannot be unpacked ({error}). Copy the file again.") from error
    return open_model(folder)


def _holds(folder: Path, members: Sequence[zipfile.ZipInfo]) -> bool:
    """Whether a folder holds these files and no others."""
    if not folder.is_dir() or {path.name for path in folder.iterdir()} != {member.filename for member in members}:
        return False
    files = [(folder / member.filename, member) for member in members]
    return all(
        path.is_file() and path.stat().st_size == member.file_size and zlib.crc32(path.read_bytes()) == member.CRC
        for path, member in files
    )


def _checked(archive: zipfile.ZipFile, path: Path) -> list[zipfile.ZipInfo]:
    """Members of an archive, if each is a file of a model, once, and of a size that can be."""
    members = archive.infolist()
    # before zipfile cleaned them; whatever climbs out of the folder is none of the names
    names = [member.orig_filename for member in members]
    if strange := [name for name in names if name not in _LARGEST]:
        raise InputError(f"{path}: holds {strange[0][:80]!r}, which is no file of a model. Pack the model anew.")
    if len(names) != len({*names}):
        raise InputError(f"{path}: holds a file twice. Pack the model anew.")
    for name, member in zip(names, members, strict=True):
        if member.file_size > min(_LARGEST[name], _DENSEST * member.compress_size):
            raise InputError(
                f"{path}: {name} would come to {member.file_size} bytes out of {member.compress_size}, more than a "
                "model has. Do not use it unless you know where it is from."
            )
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise InputError(f"{path}: {name} is compressed in a way that is not read here. Pack the model anew.")
    return members


def _names(model: ModelFolder) -> list[str]:
    return sorted((*TEXTS, model.weights.name))
