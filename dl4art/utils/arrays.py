"""NumPy archives of others: their sizes are known before anything is unpacked, and nothing in them is run."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.lib import format as npy
from numpy.typing import NDArray

from dl4art.utils.errors import InputError
from dl4art.utils.limits import ARRAYS


def load_arrays(path: str | Path, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Read plain arrays from an archive that `numpy.savez` wrote.

    Parameters
    ----------
    path : path
        The archive, ``.npz``.
    names : sequence of str
        Fields that are read; there may be others.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    InputError
        If it is no such archive, is damaged, lacks a field, or unpacks to more than the limit.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            known = {member.filename: member for member in archive.infolist()}
            if missing := [name for name in names if f"{name}.npy" not in known]:
                raise InputError(f"{path}: has no field {missing[0]!r}; write it with numpy.savez")
            members = [known[f"{name}.npy"] for name in names]
            ARRAYS.check(path, sum(member.file_size for member in members), "what it unpacks to")
            return {name: _array(archive, member) for name, member in zip(names, members, strict=True)}
    except (FileNotFoundError, InputError):
        raise
    # what zipfile and numpy raise on other files is a wide family; none of it may reach the user as a traceback
    except Exception as error:
        raise InputError(f"{path}: is not a NumPy archive of plain arrays ({error})") from error


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    with archive.open(member) as file:
        version = npy.read_magic(file)
        read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read_header(file)
    # numpy makes room for what the header claims before it looks whether it is there
    if dtype.hasobject or math.prod(shape) * dtype.itemsize > member.file_size:
        raise ValueError(f"{member.filename} claims to be {dtype} of shape {shape}, which it does not hold")
    with archive.open(member) as file:
        array: NDArray[Any] = npy.read_array(file, allow_pickle=False)
    return array
