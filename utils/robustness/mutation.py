"""Valid files made invalid, in ways that reach deep into their readers; the same seed gives the same mutants."""

from __future__ import annotations

import copy
import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

Mutate = Callable[[bytes, random.Random], bytes]
"""Makes a mutant of a sample."""

_BYTES = (0x00, 0x01, 0x7F, 0x80, 0xFF, 0x20, 0x2C, 0x22)
_NUMBERS = (0, 1, 2, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)
_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2, 300, 10**6, 10**9, 2**63, 10**400, 0.5, -0.0, 1e308, -1e308, 1e-320),
    *(float("nan"), float("inf"), "", "vertical", "x" * 3000, "../../etc/passwd", "<script>alert(1)</script>"),
    *("=cmd|' /C calc'!A0", "\ud800", "\x00", [], [[]], [0, 0], [[0, 0], [1, 1]], [["a"]], {}, {"a": 1}),
)
_CELLS = (
    *("", "0", "-1", "1e999", "nan", "inf", "1,5", "9" * 400, "v", '"', "'", "\x00", "\u202e", ";", "=1+1", "\ud7ff"),
    *("../../x.tif", "/etc/passwd", "CON", "a" * 140_000, "\n", "\r", "vertical"),
)


def mutate_bytes(sample: bytes, rng: random.Random) -> bytes:
    """Change one to four things about the bytes of a file, whatever they mean."""
    data = bytearray(sample)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        _change(data, rng)
    return bytes(data)


def _change(data: bytearray, rng: random.Random) -> None:
    # headers are where the lies are told
    end = len(data) if rng.random() < 0.5 else min(len(data), 400)
    at = rng.randrange(max(1, end))
    kind = rng.randrange(9)
    if kind == 0 and data:
        data[at] ^= 1 << rng.randrange(8)
    elif kind == 1 and data:
        data[at] = rng.choice(_BYTES)
    elif kind in (2, 3):
        width, order = rng.choice((1, 2, 4, 8)), rng.choice("<>")
        number = rng.choice(_NUMBERS) & (1 << 8 * width) - 1
        data[at : at + width] = struct.pack(f"{order}{ {1: 'B', 2: 'H', 4: 'I', 8: 'Q'}[width] }", number)
    elif kind == 4:
        del data[at:]
    elif kind == 5:
        del data[at : at + rng.choice((1, 2, 4, 16, 200))]
    elif kind == 6:
        data[at:at] = rng.randbytes(rng.choice((1, 2, 4, 16, 200)))
    elif kind == 7:
        part = data[at : at + rng.choice((4, 12, 64))]
        to = rng.randrange(max(1, len(data)))
        data[to : to + len(part)] = part
    else:
        data[at : at + 16] = rng.randbytes(16)


def mutate_json(sample: bytes, rng: random.Random) -> bytes:
    """Put another value somewhere in a document, or take something out; now and then change its bytes instead."""
    if rng.random() < 0.2:
        return mutate_bytes(sample, rng)
    document = json.loads(sample)
    for _ in range(rng.choice((1, 1, 2))):
        places = list(_places(document))
        if not places:
            break
        holder, key = rng.choice(places)
        if rng.random() < 0.15:
            del holder[key]
        else:
            holder[key] = copy.deepcopy(rng.choice(_VALUES))
    return json.dumps(document).encode("utf-8", "surrogatepass")


def _places(document: Any) -> Any:
    """Every place in a document where a value stands."""
    if isinstance(document, dict | list):
        for key in list(document) if isinstance(document, dict) else range(len(document)):
            yield document, key
            yield from _places(document[key])


def mutate_table(sample: bytes, rng: random.Random) -> bytes:
    """Put other cells into a table of comma-separated values, or change its bytes."""
    if rng.random() < 0.3:
        return mutate_bytes(sample, rng)
    rows = [line.split(",") for line in sample.decode().splitlines()]
    for _ in range(rng.choice((1, 1, 3))):
        row = rng.choice(rows)
        place = rng.randrange(len(row))
        if rng.random() < 0.2:
            del row[place:]
            row.append("")
        else:
            row[place] = rng.choice(_CELLS)
    return "\n".join(map(",".join, rows)).encode("utf-8", "surrogatepass")


def mutate_png(sample: bytes, rng: random.Random) -> bytes:
    """Change bytes of a PNG, and in half of the mutants mend the check sums, so that what they guard is believed."""
    mutant = mutate_bytes(sample, rng)
    return _mended(mutant) if rng.random() < 0.5 else mutant


def _mended(data: bytes) -> bytes:
    parts, at = [data[:8]], 8
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        body = data[at + 4 : at + 8 + length]
        parts.append(data[at : at + 4] + body + zlib.crc32(body).to_bytes(4, "big"))
        at += 12 + length
    return b"".join(parts)


def mutate_zip(change: Callable[[str], Mutate]) -> Mutate:
    """Change one member of a ZIP by what `change` gives for its name, and pack it again; or bytes of the whole."""

    def mutate(sample: bytes, rng: random.Random) -> bytes:
        if rng.random() < 0.3:
            return mutate_bytes(sample, rng)
        members = unpacked(sample)
        name = rng.choice(sorted(members))
        members[name] = change(name)(members[name], rng)
        if rng.random() < 0.05:
            members[rng.choice(("../evil", "/abs", "a/b", name.upper(), "extra"))] = b"1"
        return packed(members)

    return mutate


def unpacked(data: bytes) -> dict[str, bytes]:
    """Members of a ZIP."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(members: dict[str, bytes]) -> bytes:
    """Pack members into a ZIP."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()
