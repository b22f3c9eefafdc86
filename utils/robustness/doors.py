"""Every door that writes, with small inputs, stand-ins for its networks, and what of its results is done.

A door more is one entry in `DOORS`. The stand-ins answer at once, so that a fault costs a fraction of a second; what is
tested is what happens to files.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import numpy as np

from robustness.door import Door, journalled, standing
from robustness.photograph_doors import PHOTOGRAPH_DOORS, without_drawing
from robustness.training_doors import TRAINING_DOORS

__all__ = ["DOORS", "Counter", "Door", "standing"]


# Inputs


def _plate(path: Path, seed: int, rows: int = 300, columns: int = 300) -> None:
    import tifffile

    y, x = (np.arange(n) / 200 for n in (rows, columns))
    waves = np.sin(2 * np.pi * 12 * x)[None] * np.sin(2 * np.pi * 14 * y)[:, None]
    noise = np.random.default_rng(seed).normal(0, 6, waves.shape)
    pixels = np.clip(120 + 40 * waves + noise, 0, 255).astype(np.uint8)
    tifffile.imwrite(path, pixels, resolution=(200, 200), resolutionunit="CENTIMETER", metadata=None)


def _plates(count: int, rows: int, columns: int) -> Callable[[Path], None]:
    def prepare(folder: Path) -> None:
        for number in range(count):
            _plate(folder / f"p{number}.tif", number, rows, columns)

    return prepare


def _labelled(folder: Path) -> None:
    from dl4art.cropping import ThreadLabels, write_labelme

    lines = [np.array([[x, 0.0], [x, 300.0]]) for x in range(8, 300, 48)]
    labels = ThreadLabels(tuple(lines), tuple(line[:, ::-1] for line in lines), (300, 300))
    for number in range(2):
        _plate(folder / f"c{number}_1.tif", number)
        write_labelme(labels, folder / f"c{number}_1.json", f"c{number}_1.tif")


def _masks(folder: Path) -> None:
    from dl4art.cropping.packing import pack_labels

    _labelled(folder)
    list(pack_labels(sorted(folder.iterdir()), folder, folder))
    for path in folder.glob("*.json"):
        path.unlink()


def _counted(folder: Path) -> None:
    _plate(folder / "plate.tif", 1, 300, 300)
    (folder / "manual.csv").write_text("x_cm,y_cm,direction,count,width_cm\n0.7,0.7,vertical,12,1\n", encoding="utf-8")


# Stand-ins


class Counter:
    """Finds 12 and 15 th/cm in everything."""

    name = "stand-in"

    def predict(self, pictures: Any, *, px_per_cm: float) -> list[Any]:  # noqa: ARG002
        """Count pictures."""
        from dl4art.regression.estimate import ThreadEstimate

        return [ThreadEstimate("ok", 12.0, 15.0, 11.8, 12.2, 14.7, 15.3, 0.0, 0.0) for _ in pictures]


def _noting_reads(stack: ExitStack, worked: list[str]) -> None:
    """Note which plates are read."""
    from dl4art import cropping

    read = cropping.read_plate

    def noted(path: Any, *args: Any, **how: Any) -> Any:
        worked.append(Path(path).name)
        return read(path, *args, **how)

    stack.enter_context(mock.patch.object(cropping, "read_plate", noted))


def _counter(stack: ExitStack, worked: list[str]) -> None:
    from dl4art.regression import count_file

    stack.enter_context(mock.patch.object(count_file, "load_counter", return_value=Counter()))
    _noting_reads(stack, worked)


def _drawn(stack: ExitStack, worked: list[str]) -> None:
    from dl4art.simulation import plates

    draw = plates.draw_plate

    def noted(seed: int, number: int, *args: Any, **how: Any) -> Any:
        worked.append(str(number))
        return draw(seed, number, *args, **how)

    stack.enter_context(mock.patch.object(plates, "draw_plate", noted))


@dataclass(frozen=True)
class _Network:
    """What mapping asks of a network besides reading windows."""

    name: str = "stand-in"


def _map(stack: ExitStack, worked: list[str]) -> None:
    from dl4art.regression import ThreadCounter, map_run, mapped_plate, maps

    # first: what it imports must not take a stand-in for good
    without_drawing(stack, "regression", "siamese")

    def found(plate: Any, _network: Any, *, step_cm: float, **_how: Any) -> Any:
        x, y = maps.grid_points(plate, step_cm)
        shape = len(y), len(x)
        density = np.full((*shape, 2), (12.0, 15.0), np.float32)
        return maps.ThreadMap(x, y, density, 0.02 * density, 0 * density, np.zeros(shape, np.uint8))

    whole = map_run.map_plate

    def noted(path: Any, *args: Any, **how: Any) -> Any:
        worked.append(Path(path).name)
        return whole(path, *args, **how)

    stack.enter_context(mock.patch.object(map_run, "map_plate", noted))
    stack.enter_context(mock.patch.object(mapped_plate, "map_threads", found))
    stack.enter_context(mock.patch.object(maps, "map_threads", found))
    stack.enter_context(mock.patch.object(mapped_plate, "_weave_remark", return_value=[]))
    stack.enter_context(mock.patch.object(ThreadCounter, "from_pretrained", return_value=_Network()))
    stack.enter_context(mock.patch.object(map_run, "Sent", lambda network, _load: lambda: network))


def _embed(_self: Any, pictures: Any, *, density: Any) -> Any:  # noqa: ARG001
    """Describe crops by how much their rows and columns differ."""
    steps = [[np.diff(picture, axis=axis).std() for axis in (0, 1)] for picture in pictures]
    return np.repeat(np.array(steps, np.float32)[:, None], 2, axis=1)


def _head(first: Any, second: Any) -> Any:
    apart = np.abs(first[:, None] - second[None]).sum(axis=(2, 3))
    return np.stack([7 - 26 * apart, np.full_like(apart, -40)], axis=-1)


def _comparer(stack: ExitStack, worked: list[str]) -> None:
    from dl4art.siamese import FabricComparer
    from dl4art.siamese import comparer as room
    from dl4art.siamese.calibration import UNCALIBRATED, quantiles
    from dl4art.utils.models import ModelFolder

    spread = quantiles(np.linspace(0, 1, 200))
    calibration = replace(UNCALIBRATED, unlike=0.3, compatible=0.7, crops=8, same=spread, different=spread)
    folder = ModelFolder("fake", Path(), Path(), "0" * 64, {}, {})
    comparer = FabricComparer(folder, calibration, None, _head, Counter())
    keras = SimpleNamespace(ops=SimpleNamespace(convert_to_numpy=np.asarray))
    encode = FabricComparer.encode

    def noted(self: Any, plate: Any, **how: Any) -> Any:
        worked.append(Path(plate.path).name)
        return encode(self, plate, **how)

    stack.enter_context(mock.patch.object(FabricComparer, "from_pretrained", return_value=comparer))
    stack.enter_context(mock.patch.object(FabricComparer, "encode", noted))
    stack.enter_context(mock.patch.object(FabricComparer, "embed", _embed))
    stack.enter_context(mock.patch.object(room, "load_keras", return_value=keras))
    without_drawing(stack, "regression", "siamese")


def _two(stack: ExitStack, worked: list[str]) -> None:
    """Compare two plates without matching their weaves."""
    from dl4art.regression import ThreadCounter
    from dl4art.siamese import comparison_report

    _comparer(stack, worked)
    stack.enter_context(mock.patch.object(ThreadCounter, "from_pretrained", return_value=_Network()))
    stack.enter_context(mock.patch.object(comparison_report, "match_plates", return_value=None))


def _packed(folder: Path) -> None:
    from dl4art.model import main

    main(["pack", "threads", "-o", str(folder / "model.zip")])


def _none(_stack: ExitStack, _worked: list[str]) -> None:
    pass


# What is done


def _numbered(out: Path) -> set[str]:
    return {str(int(Path(name).stem.rpartition("-")[2])) for name in journalled(".crop-*.journal.jsonl")(out)}


def _mapped(out: Path) -> set[str]:
    return {f"{path.parent.name}.tif" for path in out.glob("*/summary.json")}


def _encoded(out: Path) -> set[str]:
    import sqlite3
    from contextlib import closing

    path = out / "catalogue.db"
    if not path.exists():
        return set()
    try:
        with closing(sqlite3.connect(path)) as database:
            records = [json.loads(row[0])["record"] for row in database.execute("SELECT about FROM encodings")]
    except sqlite3.OperationalError:  # no tables yet
        return set()
    return {Path(record["file"]).name for record in records}


def _prefilled(out: Path) -> set[str]:
    return {f"{path.stem}.tif" for path in out.glob("*.json")}


DOORS = (
    Door(
        "count",
        _plates(5, 300, 300),
        lambda inputs, out: [str(inputs), "-o", str(out / "r.csv"), "--format", "csv,json", "--batch-size", "1"],
        _counter,
        journalled(".r.csv.journal.jsonl"),
    ),
    Door(
        "crop",
        _plates(3, 310, 610),
        lambda inputs, out: [str(inputs), "-o", str(out)],
        _noting_reads,
        journalled(".journal.jsonl"),
        other=("--step", "1"),
    ),
    Door("crop pack", _labelled, lambda inputs, out: ["--pack", str(inputs), "-o", str(out)], _none),
    Door("crop unpack", _masks, lambda inputs, out: ["--unpack", str(inputs), "-o", str(out)], _none),
    Door(
        "map",
        _plates(3, 220, 260),
        lambda inputs, out: [str(inputs), "-o", str(out)],
        _map,
        _mapped,
        other=("--step", "0.25"),
    ),
    Door(
        "compare",
        _plates(3, 640, 640),
        lambda inputs, out: [str(inputs), "-o", str(out), "--crops", "4"],
        _comparer,
        _encoded,
        other=("--px-per-cm", "220"),
    ),
    Door(
        "simulate",
        lambda _folder: None,
        lambda _inputs, out: ["-o", str(out), "--crops", "3", "--size-cm", "0.5x0.5"],
        _drawn,
        _numbered,
        other=("--bits", "16"),
    ),
    Door("label", _plates(3, 220, 220), lambda _inputs, out: [str(out), "--prefill"], _counter, _prefilled),
    Door(
        "validate",
        _counted,
        lambda inputs, out: [str(inputs / "plate.tif"), str(inputs / "manual.csv"), "-o", str(out)],
        _map,
    ),
    Door("model pack", lambda _: None, lambda _, out: ["pack", "threads", "-o", str(out / "model.zip")], _none),
    Door(
        "compare two",
        _plates(2, 640, 640),
        lambda inputs, out: [
            *(str(inputs / "p0.tif"), str(inputs / "p1.tif"), "-o", str(out / "r.json"), "--crops", "4"),
            *("--report", str(out / "r.html")),
        ],
        _two,
    ),
    Door(
        "model unpack",
        _packed,
        lambda inputs, out: ["unpack", str(inputs / "model.zip"), "-o", str(out / "m")],
        _none,
    ),
    *PHOTOGRAPH_DOORS,
    *TRAINING_DOORS,
)  # fmt: skip
"""A door more is an entry more. The labels of `label` lie beside its crops, so that its inputs are copied to its
results."""
