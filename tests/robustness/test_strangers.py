"""Files that mean harm: bombs, links that lead elsewhere, code, markup and formulas in what they say."""

import ast
import csv
import json
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from robustness.fuzz import outcome
from robustness.readers import READERS

import dl4art
from dl4art.cropping import read_labelme, read_masks, read_plate
from dl4art.utils import tables
from dl4art.utils.errors import InputError, ModelError
from dl4art.utils.weights import check_sides, check_weights

NAME = "<script>alert(1)</script>"


def of(name, kind):
    return next(reader for reader in READERS if (reader.name, reader.format) == (name, kind))


def chunk(kind, body):
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def png(side):
    """A PNG of so many pixels a side in a few bytes."""
    header = side.to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    scale = (20_000).to_bytes(4, "big") * 2 + b"\1"
    data = zlib.compress(bytes(10_000))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        [chunk(b"IHDR", header), chunk(b"pHYs", scale), chunk(b"IDAT", data), chunk(b"IEND", b"")]
    )


def shared_tiles(path, side):
    """A TIFF of so many pixels a side, all of whose tiles are the same few bytes."""
    tifffile.imwrite(path, np.zeros((256, 256), np.uint8), tile=(256, 256), compression="deflate", metadata=None)
    with tifffile.TiffFile(path) as tif:
        page = tif.pages[0]
        at, size = page.dataoffsets[0], page.databytecounts[0]
        data = path.read_bytes()[at : at + size]
    count = (side // 256) ** 2
    tags = [
        *((256, 4, [side]), (257, 4, [side]), (258, 3, [8]), (259, 3, [8]), (262, 3, [1]), (277, 3, [1])),
        *((282, 5, [200, 1]), (283, 5, [200, 1]), (296, 3, [3]), (322, 4, [256]), (323, 4, [256])),
        *((324, 4, [8] * count), (325, 4, [len(data)] * count)),
    ]
    body, entries = b"II*\0" + b"\0" * 4 + data, b""
    for tag, kind, values in tags:
        packed = b"".join(value.to_bytes(2 if kind == 3 else 4, "little") for value in values)
        number = len(values) // 2 if kind == 5 else len(values)
        if len(packed) > 4:
            packed, body = len(body).to_bytes(4, "little"), body + packed
        head = tag.to_bytes(2, "little") + kind.to_bytes(2, "little") + number.to_bytes(4, "little")
        entries += head + packed.ljust(4, b"\0")
    directory = len(body)
    body = body[:4] + directory.to_bytes(4, "little") + body[8:]
    path.write_bytes(body + len(tags).to_bytes(2, "little") + entries + b"\0" * 4)
    return path


# Bombs


def test_a_picture_of_few_bytes_and_many_pixels_is_not_decoded(tmp_path):
    found = outcome(of("plate", "PNG"), png(60_000), tmp_path)
    assert found.kind == "refused"
    assert found.bytes < 50_000_000
    (tmp_path / "a.png").write_bytes(png(60_000))
    with pytest.raises(InputError, match=r"3,600 megapixels; the limit is 400\..*DL4ART_WHOLE_MEGAPIXELS"):
        read_plate(tmp_path / "a.png")


def test_a_plate_of_few_bytes_and_many_tiles_is_not_begun(tmp_path, monkeypatch):
    path = shared_tiles(tmp_path / "a.tif", 4096)
    assert path.stat().st_size < 5000
    assert read_plate(path).shape == (4096, 4096)
    monkeypatch.setenv("DL4ART_PLATE_MEGAPIXELS", "16")
    with pytest.raises(InputError, match=r"a TIFF of 4096 x 4096 pixels comes to 16\.7772 megapixels; the limit is 16"):
        read_plate(path)


def test_a_tile_that_holds_a_larger_picture_than_it_says(tmp_path):
    import imagecodecs

    small = np.zeros((64, 64), np.uint8)
    path = tmp_path / "a.tif"
    for compression, encoded in (
        ("jpeg", imagecodecs.jpeg_encode(np.zeros((4000, 4000), np.uint8))),
        ("jpeg2000", imagecodecs.jpeg2k_encode(np.zeros((3000, 3000), np.uint8))),
    ):
        written = {"tile": (64, 64), "compression": compression, "resolution": (200, 200), "metadata": None}
        tifffile.imwrite(path, small, resolutionunit="CENTIMETER", photometric="minisblack", **written)
        with tifffile.TiffFile(path) as tif:
            count = tif.pages[0].tags["TileByteCounts"].valueoffset
            offset = tif.pages[0].tags["TileOffsets"].valueoffset
        data = bytearray(path.read_bytes())
        data[offset : offset + 4] = len(data).to_bytes(4, "little")
        data[count : count + 4] = len(encoded).to_bytes(4, "little")
        path.write_bytes(bytes(data) + encoded)
        with pytest.raises(InputError, match="it holds a picture of"):
            read_plate(path).read()


def test_a_size_in_cm_that_no_painting_has(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((200, 40_000), np.uint8), resolution=(11, 11), resolutionunit=3)
    with pytest.raises(InputError, match="3,636 cm long"):
        read_plate(tmp_path / "a.tif")


def test_an_archive_that_unpacks_to_more_than_the_limit(tmp_path, monkeypatch):
    monkeypatch.setenv("DL4ART_ARRAY_MEGABYTES", "1")
    for end in "VH":
        np.savez_compressed(tmp_path / f"a_{end}.npz", np.zeros((2000, 2000), np.uint8))
    assert (tmp_path / "a_V.npz").stat().st_size < 10_000
    with pytest.raises(InputError, match=r"a_V\.npz: what it unpacks to comes to 4.* megabytes; the limit is 1"):
        read_masks(tmp_path / "a.tif")


def test_an_archive_whose_header_claims_more_than_it_holds(tmp_path):
    import zipfile

    header = str({"descr": "|u1", "fortran_order": False, "shape": (10**6, 10**6)}).encode().ljust(117) + b"\n"
    with zipfile.ZipFile(tmp_path / "a_V.npz", "w") as archive:
        archive.writestr("arr_0.npy", b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header + b"1")
    with pytest.raises(InputError, match="which it does not hold"):
        read_masks(tmp_path / "a.tif")


def test_labels_for_a_picture_that_no_memory_holds(tmp_path):
    content = {"shapes": [], "imageHeight": 10**6, "imageWidth": 10**6}
    (tmp_path / "a.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="1e\\+06 megapixels"):
        read_labelme(tmp_path / "a.json")


@pytest.mark.parametrize("sides", [[10**9, 1, 1, 1, 1], [32] * 4, "32,32", None, [True] * 5, [1.5] * 5, 7, []])
def test_a_network_that_no_memory_holds_is_not_built(sides):
    with pytest.raises(ModelError, match="instead of 5 numbers of channels from 1 to 4096"):
        check_sides(Path("model"), sides, 5)


def test_memory_that_runs_out_is_a_sentence(tmp_path, monkeypatch, capsys):
    from dl4art import simulate
    from dl4art.simulation import plates

    def burst(*_args, **_how):
        raise MemoryError

    monkeypatch.setattr(plates, "draw_plate", burst)
    assert simulate.main(["-o", str(tmp_path / "out")]) == 1
    assert (
        capsys.readouterr().err == "error: there is not enough memory. Close other programs, or give smaller files.\n"
    )


# What leads elsewhere, and code


def weights(path, change):
    with h5py.File(path, "w") as file:
        file.create_dataset("layers/0", data=np.ones(4, np.float32))
        change(file)
    return path


def external(file):
    file.create_dataset("secret", (4,), np.uint8, external=[("/etc/hostname", 0, 4)])


def virtual(file):
    layout = h5py.VirtualLayout((4,), np.float32)
    layout[:] = h5py.VirtualSource("other.h5", "data", (4,))
    file.create_virtual_dataset("secret", layout)


CHANGES = {
    "external data": external,
    "virtual data": virtual,
    "external link": lambda file: file.__setitem__("secret", h5py.ExternalLink("other.h5", "/")),
    "soft link": lambda file: file.__setitem__("secret", h5py.SoftLink("/layers")),
    "text": lambda file: file.create_dataset("secret", data=["words"]),
    "more than any memory": lambda file: file.create_dataset("secret", (10**6, 10**6), np.float32),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_weights_hold_plain_numbers_only(change, tmp_path):
    check_weights(weights(tmp_path / "good.h5", lambda file: file.__setitem__("again", file["layers"])))
    with pytest.raises(ModelError, match=r"bad\.h5"):
        check_weights(weights(tmp_path / "bad.h5", change))


def test_an_archive_of_python_objects_is_refused(tmp_path):
    np.savez(tmp_path / "a_V.npz", np.array([{}], dtype=object))
    with pytest.raises(InputError, match=r"a_V\.npz"):
        read_masks(tmp_path / "a.tif")


def test_nothing_in_the_package_runs_what_it_reads():
    forbidden = {"pickle", "marshal", "shelve", "dill", "joblib", "yaml"}
    for path in Path(dl4art.__file__).parent.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [alias.name for alias in node.names] + [getattr(node, "module", "") or ""]
                assert not forbidden & {name.partition(".")[0] for name in names}, path
            if isinstance(node, ast.Call):
                called = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
                assert called not in {"exec", "load_model"}, path
                assert called != "eval" or isinstance(node.func, ast.Attribute), path
                for keyword in node.keywords:
                    if keyword.arg in ("allow_pickle", "safe_mode", "shell"):
                        safe = keyword.arg == "safe_mode"
                        assert isinstance(keyword.value, ast.Constant), path
                        assert keyword.value.value is safe, path


@pytest.mark.parametrize("named", ["../../other.tif", "/etc/passwd", "C:\\other.tif", "\\\\host\\share\\other.tif"])
def test_labels_name_no_picture_outside_their_folder(named, tmp_path):
    from dl4art.cropping.label_check import check_labels

    content = {"shapes": [], "imageHeight": 300, "imageWidth": 300, "imagePath": named}
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.json").write_text(json.dumps(content))
    (checked,) = check_labels([tmp_path / "in" / "a.json"], tmp_path / "in")
    assert any("outside the folder" in finding.message for finding in checked.findings)


# Markup, formulas, terminals


def test_a_report_shows_markup_and_does_not_obey_it(tmp_path):
    from robustness.doors import DOORS, standing

    from dl4art import map as door

    plate = tmp_path / f"{NAME.replace('/', '')}.tif"
    tifffile.imwrite(plate, np.random.default_rng(0).integers(60, 190, (220, 220), np.uint8), metadata=None)
    words = [str(plate), "-o", str(tmp_path / "out"), "--px-per-cm", "200", "--title", NAME, "--inventory", NAME]
    mapping = next(door for door in DOORS if door.name == "map")
    with standing(mapping, []):
        assert door.main([*words, "--films", NAME]) == 0
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "&lt;script&gt;" in page
    assert "<script" not in page


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1+2", "@SUM(A1)", "\t=1", " =1", "\n=1", "\uff1d1", "\r\n @x"])
def test_formulas_are_neutralised(cell, tmp_path):
    tables.write_csv(tmp_path / "r.csv", ["a", cell], [{"a": cell, cell: 1}])
    with open(tmp_path / "r.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[1][0].startswith("'")
    assert rows[0][1].startswith("'")


def test_numbers_stay_numbers(tmp_path):
    tables.write_csv(tmp_path / "r.csv", ["a"], [{"a": -1.5}])
    assert (tmp_path / "r.csv").read_text("utf-8") == "a\n-1.5\n"


def test_names_do_not_steer_the_terminal(tmp_path, capsys):
    from dl4art import count

    name = "a\x1b[2J\x1b]0;title\x07\u202etxt.tif"
    (tmp_path / name).write_text("no picture")
    assert count.main([str(tmp_path / name)]) == 1
    assert count.main([str(tmp_path / "none\x1b[2J.tif")]) == 2
    assert count.main([str(tmp_path / name), "-o", str(tmp_path / "r.csv")]) == 1
    shown = capsys.readouterr()
    assert not {"\x1b", "\x07", "\u202e"} & {*shown.out, *shown.err}
    assert "a[2J]0;titletxt.tif" in shown.out


def test_large_plates_do_not_fill_the_memory(tmp_path):
    """The short form: 100 megapixels; the long suite takes a gigapixel through every door that reads plates."""
    from robustness.doors import Counter
    from robustness.fuzz import _peak, _reset_peak
    from robustness.memory import large_plate

    from dl4art.regression.count_file import count_files

    path = large_plate(tmp_path / "a.tif", 10_240)
    before = _reset_peak()
    (found,) = count_files([path], Counter())
    taken = _peak() - before
    assert found.status == "ok"
    assert found.message.startswith("mean over 9 of 9 crops")
    # as it is stored, and as grey values, it would be 100 and 400 MB
    assert taken < 330_000_000


def test_repeated_and_in_other_batches_the_numbers_are_the_same():
    """The short form; the long suite compares canvases and segments too, and takes one thread and two."""
    from robustness.repeat import TOLERANCE, apart, classify, count

    first, again, other = (count(batch, crops=3) for batch in (3, 3, 1))
    assert apart("count", "again", first, again).off == 0
    found = apart("count", "another batch size", first, other)
    assert found.off <= TOLERANCE
    assert found.same_answers
    found = apart("classify", "again", classify(1), classify(1))
    assert (found.off, found.same_answers) == (0, True)
