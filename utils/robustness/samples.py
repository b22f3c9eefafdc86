"""Valid samples of every format, small and made on the spot."""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
import tempfile
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from robustness.mutation import mutate_bytes, packed, unpacked


@lru_cache
def weave(rows: int = 40, columns: int = 48) -> np.ndarray:
    """Give a picture with some weave in it."""
    y, x = np.mgrid[:rows, :columns]
    return (120 + 60 * np.sin(x / 2) * np.cos(y / 3)).astype(np.uint8)


@lru_cache
def tiffs() -> list[bytes]:
    """TIFFs of many kinds."""
    import tifffile

    grey = weave()
    colours = np.stack([grey, 255 - grey, grey // 2], axis=-1)
    kinds: list[tuple[np.ndarray, dict[str, Any]]] = [
        (grey, {}),
        (grey, {"rowsperstrip": 7, "compression": "lzw", "predictor": True}),
        (grey.astype(np.uint16) * 257, {"tile": (16, 32), "compression": "deflate", "predictor": True}),
        (grey.astype(np.float32), {"compression": "zstd", "tile": (16, 16)}),
        (grey, {"photometric": "miniswhite", "compression": "packbits"}),
        (colours, {"photometric": "rgb", "planarconfig": "separate", "rowsperstrip": 9}),
        (colours, {"photometric": "rgb", "compression": "jpeg", "tile": (32, 32)}),
        (grey // 16, {"photometric": "palette", "colormap": np.arange(768, dtype=np.uint16).reshape(3, 256) * 80}),
        (grey > 120, {"photometric": "minisblack"}),
        (grey, {"bigtiff": True, "byteorder": ">", "extratags": [(274, 3, 1, 6, True)]}),
        (grey, {"compression": "jpeg2000"}),
    ]
    found = []
    for pixels, options in kinds:
        file = io.BytesIO()
        settings = {"resolution": (200, 200), "resolutionunit": "CENTIMETER", "metadata": None, **options}
        with tifffile.TiffWriter(
            file, bigtiff=settings.pop("bigtiff", False), byteorder=settings.pop("byteorder", "<")
        ) as writer:
            writer.write(pixels, **settings)
        found.append(file.getvalue())
    return found


def _pillow(kind: str, *modes: str, **options: Any) -> list[bytes]:
    from PIL import Image

    found = []
    for mode in modes:
        file = io.BytesIO()
        Image.fromarray(weave()).convert(mode).save(file, kind, dpi=(508, 508), **options)
        found.append(file.getvalue())
    return found


@lru_cache
def pngs() -> list[bytes]:
    """PNGs."""
    return _pillow("PNG", "L", "RGB", "P", "1", "LA", "I;16")


@lru_cache
def jpegs() -> list[bytes]:
    """JPEGs, plain and progressive."""
    return [*_pillow("JPEG", "L", "RGB", "CMYK"), *_pillow("JPEG", "L", progressive=True)]


@lru_cache
def dicoms() -> list[bytes]:
    """DICOM files, plain and run-length encoded."""
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, RLELossless

    found = []
    for syntax, photometric in ((ExplicitVRLittleEndian, "MONOCHROME2"), (RLELossless, "MONOCHROME1")):
        data = Dataset()
        data.file_meta = FileMetaDataset()
        data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID = DigitalXRayImageStorageForPresentation
        data.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
        data.Rows, data.Columns = weave().shape
        data.SamplesPerPixel, data.PixelRepresentation, data.PhotometricInterpretation = 1, 0, photometric
        data.BitsAllocated, data.BitsStored, data.HighBit = 8, 8, 7
        data.PixelSpacing = [0.05, 0.05]
        data.PixelData = weave().tobytes()
        if syntax == RLELossless:
            data.compress(RLELossless, generate_instance_uid=False)
        file = io.BytesIO()
        data.save_as(file, enforce_file_format=True)
        found.append(file.getvalue())
    return found


def _labelme(shapes: list[dict[str, Any]], side: int = 300) -> bytes:
    content = {"version": "5.5.0", "flags": {}, "shapes": shapes, "imagePath": "crop.tif", "imageData": None}
    return json.dumps({**content, "imageHeight": side, "imageWidth": side}).encode()


def _shape(label: str, kind: str, points: list[list[float]]) -> dict[str, Any]:
    return {"label": label, "points": points, "group_id": None, "shape_type": kind, "flags": {}}


@lru_cache
def thread_labels() -> list[bytes]:
    """Labels of threads, drawn as polygons and as lines."""
    polygons = [_shape("vertical", "polygon", [[x, 0], [x + 6, 0], [x + 6, 300], [x, 300]]) for x in (20, 60, 100)]
    lines = [_shape("horizontal", "linestrip", [[0, y], [150, y + 3], [300, y]]) for y in (30, 80, 130)]
    return [_labelme([*polygons, *lines])]


@lru_cache
def area_labels() -> list[bytes]:
    """Regions of a plate, and parts that are left out."""
    shapes = [("exclude", "rectangle", [[5, 5], [9, 20]]), ("insert", "polygon", [[1, 1], [30, 1], [20, 30]])]
    return [_labelme([_shape(*shape) for shape in shapes], 40)]


@lru_cache
def damage_labels() -> list[bytes]:
    """Cracks and losses."""
    shapes = [
        ("craquelure", "linestrip", [[5, 5], [9, 20], [30, 35]]),
        ("loss", "polygon", [[1, 1], [30, 1], [20, 30]]),
    ]
    return [_labelme([_shape(*shape) for shape in shapes], 60)]


@lru_cache
def manual_tables() -> list[bytes]:
    """Threads counted by hand."""
    return [
        b"x_cm,y_cm,direction,count,width_cm\n1.0,1.5,vertical,24,2\n2.0,1.0,h,11.5,1\n",
        b"\xef\xbb\xbfwidth_cm;count;direction;y_cm;x_cm\n2;24;v;1;1\n",
    ]


@lru_cache
def canvas_tables() -> list[bytes]:
    """Which file shows which canvas."""
    return [b"canvas,file\nA,one.tif\nB,two.tif\nB,deep/three.tif\n"]


@lru_cache
def map_folders() -> list[bytes]:
    """Files that `dl4art.map` leaves and reads again."""
    head = "x_cm,y_cm,vertical_per_cm,horizontal_per_cm,vertical_low,vertical_high,horizontal_low,horizontal_high,"
    rows = [f"{x},{y},12.1,14.2,12.0,12.2,14.0,14.4,0.5,-0.5,ok" for y in (0.25, 0.75) for x in (0.25, 0.75, 1.25)]
    rows[-1] = "1.25,0.75,,,,,,,,,unreadable"
    summary = {"inputs": [{"file": "a.tif", "sha256": "0" * 64}], "parameters": {"step_cm": 0.5}}
    cells = "\n".join([f"{head}vertical_angle,horizontal_angle,status", *rows])
    return [packed({"cells.csv": cells.encode(), "summary.json": json.dumps(summary).encode()})]


@lru_cache
def mask_archives() -> list[bytes]:
    """Masks of threads as dl4art writes them, and as the upstream project does."""
    mask = np.zeros((300, 300), bool)
    mask[:, 20:26] = mask[:, 60:66] = mask[:, 100:107] = True
    ours, theirs = io.BytesIO(), io.BytesIO()
    np.savez_compressed(ours, mask)
    np.savez(theirs, mask.astype(np.float64))
    return [ours.getvalue(), theirs.getvalue()]


@lru_cache
def shards() -> list[bytes]:
    """Framed crops, as trainings keep them."""
    file = io.BytesIO()
    arrays = {"pixels": np.zeros(24, np.float16), "shapes": np.array([[4, 6]], np.int32)}
    np.savez(file, **arrays, density=np.ones((1, 2), np.float32), message="")
    return [file.getvalue()]


@lru_cache
def journals() -> list[bytes]:
    """Lines of a run with two inputs."""
    lines = [{"parameters": {"method": "auto"}}]
    for name in "ab":
        lines.append({"source": f"/in/{name}.tif", "state": [3, 4], "sha256": "0" * 64, "name": name, "row": {"n": 1}})
    return ["\n".join(map(json.dumps, lines)).encode()]


def _model_files(room: str, name: str) -> dict[str, bytes]:
    import dl4art

    shelf = Path(dl4art.__file__).parent / room / "models" / name
    return {path.name: path.read_bytes() for path in shelf.iterdir()}


@lru_cache
def models(room: str, name: str) -> list[bytes]:
    """Shipped models, weights and calibration cut down to what still is one."""
    files = _model_files(room, name)
    files["model.weights.h5"] = b"weights"
    config = json.loads(files["config.json"])
    config["sha256"] = hashlib.sha256(b"weights").hexdigest()
    files["config.json"] = json.dumps(config).encode()
    calibration = json.loads(files["calibration.json"])
    if "choice" in calibration:
        calibration["choice"] = _few_trees()
    files["calibration.json"] = json.dumps(calibration).encode()
    return [packed(files)]


def _few_trees() -> dict[str, Any]:
    return {
        "feature": "0 1 -1 -1 -1",
        "threshold": "0.5 0.25 0.0 0.0 0.0",
        "left": "1 2 0 0 0",
        "right": "4 3 0 0 0",
        "value": "0.0 0.0 1.0 -1.0 0.5",
        "roots": "0",
        "start": 0.1,
    }


@lru_cache
def weights() -> list[bytes]:
    """Weights in HDF5 as Keras writes them, of one small layer."""
    import h5py

    file = io.BytesIO()
    with h5py.File(file, "w") as archive:
        for name, shape in (("kernel", (8, 8)), ("bias", (8,))):
            group = archive.create_group(f"layers/{name}/vars")
            group.create_dataset("0", data=np.ones(shape, np.float32))
    return [file.getvalue()]


@lru_cache
def catalogues() -> list[bytes]:
    """Two canvases, encoded."""
    from dl4art.siamese.catalogue import Catalogue
    from dl4art.siamese.comparison import CanvasRecord, Control
    from dl4art.siamese.encoded import EncodedCanvas

    facts: dict[str, Any] = {}
    for name, field in CanvasRecord.__dataclass_fields__.items():
        plain = {"str": "a", "float": 1.0, "int": 4, "str | None": None, "float | None": None}
        facts[name] = plain.get(str(field.type), 1.0)
    numbers = dict.fromkeys(Control.__dataclass_fields__, 0.5)
    facts |= {"control": Control(**numbers), "positions_cm": ((0.0, 1.5),) * 4}
    canvas = EncodedCanvas(
        CanvasRecord(**facts), np.ones((4, 2, 5), np.float32), np.full((4, 2, 2), 12.0), 7, ("note",), "counter", 0
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "catalogue.db"
        with Catalogue(path, {"model": "m", "crops": 4}) as store:
            for key in ("one", "two"):
                store.keep(key, canvas)
            store.enter("/here", {"A": "one", "B": "two"})
        return [path.read_bytes()]


@lru_cache
def trainings() -> list[bytes]:
    """State of a training after two epochs."""
    curve = [{"epoch": 1, "val_loss": 2.5}, {"epoch": 2, "val_loss": 2}]
    return [json.dumps({"state": "s", "curve": curve}).encode()]


@lru_cache
def small_counters() -> list[bytes]:
    """Counters with few channels."""
    from dl4art.regression.network import build_trainer, build_trunk

    files = unpacked(models("regression", "threads")[0])
    config = json.loads(files["config.json"]) | {"filters": [2, 2, 2, 2, 2]}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.weights.h5"
        build_trainer(build_trunk((2, 2, 2, 2, 2))).save_weights(path)
        files["model.weights.h5"] = path.read_bytes()
    return [packed({**files, "config.json": json.dumps(config).encode()})]


def mutate_catalogue(sample: bytes, rng: Any) -> bytes:
    """Change bytes of the file, or what it holds by way of SQL."""
    if rng.random() < 0.4:
        return mutate_bytes(sample, rng)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "c.db"
        path.write_bytes(sample)
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            for _ in range(rng.choice((1, 1, 2))):
                table, columns = rng.choice(
                    (
                        ("settings", ("name", "value")),
                        ("encodings", ("content", "mean", "mean_checksum", "about", "vectors", "counted", "checksum")),
                        ("canvases", ("collection", "name", "content")),
                    )
                )
                column = rng.choice(columns)
                value = rng.choice(
                    (None, 0, -1, 2**62, 1.5, "", "x", b"", b"\xff\x00\x01", "../../x", "[]", "{}", "null")
                )
                statements = (
                    (f"UPDATE OR IGNORE {table} SET {column} = ?", (value,)),
                    (f"UPDATE OR IGNORE {table} SET {column} = substr({column}, 2)", ()),
                    (f"DELETE FROM {table}", ()),
                    (f"DROP TABLE {table}", ()),
                    (f"PRAGMA user_version = {rng.choice((0, 2, -1))}", ()),
                    (f"ALTER TABLE {table} RENAME TO t", ()),
                    (f"CREATE TRIGGER t AFTER INSERT ON {table} BEGIN DELETE FROM settings; END", ()),
                )
                try:
                    database.execute(*statements[rng.choice((0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6))])
                    _mend_checksums(database, rng)
                except sqlite3.Error:
                    continue
        return path.read_bytes()


def _mend_checksums(database: sqlite3.Connection, rng: Any) -> None:
    """Make the sums right in most cases: who means harm does so too."""
    import zlib

    if rng.random() < 0.2:
        return
    for key, mean, about, vectors, counted in database.execute(
        "SELECT content, mean, about, vectors, counted FROM encodings"
    ).fetchall():
        if isinstance(about, str) and all(isinstance(part, bytes) for part in (mean, vectors, counted)):
            whole = zlib.crc32(counted, zlib.crc32(vectors, zlib.crc32(about.encode())))
            database.execute(
                "UPDATE encodings SET mean_checksum = ?, checksum = ? WHERE content = ?", (zlib.crc32(mean), whole, key)
            )


def hanging_catalogue() -> bytes:
    """Make a catalogue whose tables are views that never come to an end."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "c.db"
        path.write_bytes(catalogues()[0])
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            database.execute("DROP TABLE canvases")
            endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
            database.execute(
                f"CREATE VIEW canvases AS SELECT '/here' AS collection, i AS name, 'one' AS content FROM ({endless})"
            )
        return path.read_bytes()
