"""How much memory doors take for plates of a gigapixel, which are cheap to make: one tile, many times over."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

TILE = 1024
SCALE = 2000.0
"""Pixels per cm: so fine that a gigapixel shows few crops, and the network costs little."""


@dataclass(frozen=True)
class Measured:
    """A door's run over a large plate."""

    door: str
    megapixels: float
    peak_bytes: int
    seconds: float
    code: int
    said: str = ""


def large_plate(path: Path, side: int, *, seed: int = 0, scale: float = SCALE) -> Path:
    """Write a tiled TIFF of so many pixels a side, a weave of 12 by 14 threads per cm."""
    import tifffile

    period = np.array([scale / 14, scale / 12])
    rng = np.random.default_rng(seed)
    # whole periods to a tile, so that no seam shows
    y, x = (np.arange(TILE) * 2 * np.pi * max(1, round(TILE / length)) / TILE for length in period)
    grey = 120 + 45 * np.sin(x)[None] + 40 * np.sin(y)[:, None] + rng.normal(0, 4, (TILE, TILE))
    data = zlib.compress(np.clip(grey, 0, 255).astype(np.uint8).tobytes(), 6)
    count = -(-side // TILE)

    def tiles() -> Iterator[bytes]:
        for _ in range(count * count):
            yield data

    tifffile.imwrite(
        path,
        tiles(),
        shape=(side, side),
        dtype=np.uint8,
        tile=(TILE, TILE),
        photometric="minisblack",
        compression="deflate",
        resolution=(scale, scale),
        resolutionunit="CENTIMETER",
        metadata=None,
        bigtiff=True,
    )
    return path


def large_photograph(path: Path, side: int, *, seed: int = 0) -> Path:
    """Write a tiled TIFF in colour of so many pixels a side, with dark lines and light spots, 100 pixels per cm."""
    import tifffile

    rng = np.random.default_rng(seed)
    pixels = 150 + 10 * rng.normal(size=(TILE, TILE, 3))
    pixels[:, ::97] = 20
    pixels[400:460, 300:420] = 240
    data = zlib.compress(np.clip(pixels, 0, 255).astype(np.uint8).tobytes(), 6)
    count = -(-side // TILE)
    tifffile.imwrite(
        path,
        (data for _ in range(count * count)),
        shape=(side, side, 3),
        dtype=np.uint8,
        tile=(TILE, TILE),
        photometric="rgb",
        compression="deflate",
        resolution=(100, 100),
        resolutionunit="CENTIMETER",
        metadata=None,
        bigtiff=True,
    )
    return path


def measure(door: str, words: list[str], megapixels: float, module: str = "") -> Measured:
    """Run a door, or what stands for it, in a process of its own, and look at the most memory that it held."""
    import dl4art

    paths = [
        str(Path(dl4art.__file__).parents[1]),
        str(Path(__file__).parents[1]),
        *filter(None, [os.environ.get("PYTHONPATH")]),
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    began = time.monotonic()
    command = [sys.executable, "-m", module or f"dl4art.{door}", *words, "--quiet"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment)
    said = process.stderr.read() if process.stderr else ""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    # ru_maxrss is in kilobytes, but for macOS
    unit = 1 if sys.platform == "darwin" else 1024
    peak = usage.ru_maxrss * unit
    return Measured(door, megapixels, peak, time.monotonic() - began, process.returncode, said[-300:])


DOORS = ("count", "crop", "map", "compare", "classify", "segment", "segment, shipped network")
"""Whose memory is measured, in this order."""
_SHIPPED_SIDE = 8192
"""Of the photograph for the shipped segmenter, at most: a gigapixel would take it hours."""


def measure_all(folder: Path, side: int, chosen: Sequence[str] = DOORS) -> Iterator[Measured]:
    """Measure doors over plates and photographs of so many pixels a side."""
    megapixels = side * side / 1e6
    if {*chosen} & {*DOORS[:4]}:
        first, second = (str(large_plate(folder / f"plate-{seed}.tif", side, seed=seed)) for seed in (0, 1))
        words = {
            "count": [first, "-o", str(folder / "r.csv")],
            "crop": [first, "-o", str(folder / "crops"), "--random", "20"],
            "map": [first, "-o", str(folder / "map")],
            "compare": [first, second, "-o", str(folder / "c.json")],
        }
        for door, given in words.items():
            if door in chosen:
                yield measure(door, given, megapixels)
    if {*chosen} & {*DOORS[4:6]}:
        photograph = str(large_photograph(folder / "photograph.tif", side))
        if "classify" in chosen:
            yield measure("classify", ["craquelure", photograph, "-o", str(folder / "k.csv")], megapixels)
        if "segment" in chosen:
            yield measure("segment", [photograph, "-o", str(folder / "s")], megapixels, "robustness.memory")
    if DOORS[6] in chosen:
        smaller = min(side, _SHIPPED_SIDE)
        photograph = str(large_photograph(folder / "smaller.tif", smaller))
        found = measure("segment", [photograph, "-o", str(folder / "shipped")], smaller * smaller / 1e6)
        yield replace(found, door=DOORS[6])


def segment_darkness(words: list[str]) -> int:
    """Segment with a stand-in that answers tile by tile, as networks do: a gigapixel would take these hours."""
    from unittest import mock

    from dl4art import segment
    from dl4art.craquelure.segmenter import Segmenter
    from dl4art.craquelure.tiles import answer_by_tiles
    from robustness.photograph_doors import Dark, dark_and_light

    class ByTiles(Dark):
        def segment_tiles(self, read: Any, shape: tuple[int, int], *, advance: Callable[[], Any]) -> Any:
            how = {"margin_px": 0, "multiple_px": 1, "tile_px": TILE}
            advance()
            return answer_by_tiles(read, shape, dark_and_light, advance=lambda: None, **how)

    with mock.patch.object(Segmenter, "from_pretrained", return_value=ByTiles()):
        return segment.main(words)


if __name__ == "__main__":
    sys.exit(segment_darkness(sys.argv[1:]))
