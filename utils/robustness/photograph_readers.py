"""Readers that only the doors for photographs use; see `readers`."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from robustness import samples
from robustness.mutation import mutate_bytes, mutate_json, mutate_png, mutate_table, mutate_zip, packed
from robustness.photograph_doors import draw
from robustness.reader import Reader, believed

# Samples


def _saved(picture: Any, kind: str, **options: Any) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


@lru_cache
def tiffs() -> list[bytes]:
    """TIFFs in the modes of photographs that are none of plates."""
    import tifffile

    found = [_saved(draw(1).convert(mode), "TIFF") for mode in ("CMYK", "P", "1", "RGBA", "LAB", "YCbCr")]
    found += [_saved(draw(1), "TIFF", compression=name) for name in ("tiff_lzw", "jpeg", "tiff_adobe_deflate")]
    deep = io.BytesIO()
    tifffile.imwrite(deep, np.asarray(draw(1)).astype(np.uint16) * 257, photometric="rgb", tile=(16, 16), metadata=None)
    return [*found, deep.getvalue()]


@lru_cache
def pngs() -> list[bytes]:
    """PNGs, one of them with a palette of two colours."""
    found = [_saved(draw(2).convert(mode), "PNG") for mode in ("RGBA", "LA", "1", "P")]
    return [*found, _saved(draw(2).convert("P", colors=2), "PNG", bits=1), _saved(draw(2), "PNG", interlace=1)]


@lru_cache
def jpegs() -> list[bytes]:
    """JPEGs, one of them turned by its EXIF."""
    from PIL import Image

    exif = Image.Exif()
    exif[274] = 6
    return [_saved(draw(3), "JPEG", exif=exif), *(_saved(draw(3).convert(mode), "JPEG") for mode in ("CMYK", "L"))]


@lru_cache
def crack_labels() -> list[bytes]:
    """Cracks drawn as polygons and as strips, losses as polygons."""
    shapes = [
        ("craquelure", "polygon", [[5, 5], [9, 5], [30, 35], [28, 36]]),
        ("craquelure", "linestrip", [[2, 30], [20, 20], [50, 25]]),
        ("loss", "polygon", [[1, 1], [30, 1], [20, 30]]),
    ]
    shaped = [{"label": label, "shape_type": kind, "points": points, "flags": {}} for label, kind, points in shapes]
    content = {"version": "5.5.0", "shapes": shaped, "imagePath": "a.png", "imageData": None}
    return [json.dumps({**content, "imageHeight": 40, "imageWidth": 56}).encode()]


@lru_cache
def class_masks() -> list[bytes]:
    """Pictures whose pixels are the numbers of classes."""
    from PIL import Image

    numbers = np.zeros((40, 56), np.uint8)
    numbers[5:7], numbers[20:30, 10:20] = 1, 2
    grey = Image.fromarray(numbers)
    return [_saved(grey, "PNG"), _saved(grey.convert("P"), "PNG"), _saved(Image.fromarray(numbers > 0), "PNG")]


@lru_cache
def group_tables() -> list[bytes]:
    """Which pictures belong together."""
    return [b"file,group\na/0.png,x\na/1.png,x\nb/0.png,y\n", b"\xef\xbb\xbfgroup;file\nx;a/0.png\n"]


@lru_cache
def picture_lists() -> list[bytes]:
    """Pictures to gather."""
    return [
        b"class,url,name,painting,source,licence\na,http://x.test/1.jpg,one,p,s,CC0\nb,http://x.test/2.jpg,,,,\n",
        b"class;iiif\na;https://x.test/iiif/1\nb;https://x.test/iiif/2/info.json\n",
    ]


@lru_cache
def source_tables() -> list[bytes]:
    """Tell what is known of pictures that were gathered."""
    from dl4art.paintings.gathering import COLUMNS

    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerow({"file": "a/1.jpg", "status": "ok", "class": "a", "address": "http://x.test/1.jpg", "sha256": "0"})
    return [file.getvalue().encode()]


@lru_cache
def services() -> list[bytes]:
    """Tell what image services say of a picture."""
    plain = {"@context": "http://iiif.io/api/image/3/context.json", "width": 500, "height": 600, "rights": "CC0"}
    full = {
        "@context": "http://iiif.io/api/image/2/context.json",
        "profile": ["http://iiif.io/api/image/2/level0.json", {"formats": ["jpg"]}],
        "sizes": [{"width": 50, "height": 60}, {"width": 250, "height": 300}],
        "attribution": {"@value": "a museum"},
    }
    return [json.dumps(plain).encode(), json.dumps({**plain, **full}).encode()]


def _model(folder: Path) -> list[bytes]:
    return [packed({path.name: path.read_bytes() for path in folder.iterdir()})]


@lru_cache
def segmenters() -> list[bytes]:
    """Segmenters with few channels."""
    from dl4art.craquelure.networks import build_network
    from dl4art.craquelure.segmenter import save_segmenter

    with tempfile.TemporaryDirectory() as folder:
        save_segmenter(build_network("light", (2,) * 5), Path(folder) / "m", name="light", filters=(2,) * 5, card="a\n")
        return _model(Path(folder) / "m")


@lru_cache
def regions() -> list[bytes]:
    """Classifiers of craquelure: local patterns, and a small CNN."""
    from dl4art.craquelure.patterns import PatternNetwork
    from dl4art.craquelure.regions import KIND, Element, RegionNetwork, build_region_network, region_config
    from dl4art.utils.window_classifier import WindowClassifier, save_classifier

    k = len(_patterns(np.zeros((1, 32, 32, 2), np.uint8))[0])
    plain = PatternNetwork(np.zeros(k), np.ones(k), np.zeros((3, k)), np.array(0.1), np.ones((3, 2)), np.zeros(2))
    small = RegionNetwork((2, 2))
    kinds: list[tuple[Any, Any]] = [(plain, "patterns"), (build_region_network(small, 2), "cnn")]
    found = []
    for network, method in kinds:
        with tempfile.TemporaryDirectory() as folder:
            known = WindowClassifier(network, ("a", "b"), 32)
            config = region_config(method, Element(), small)
            save_classifier(known, Path(folder) / "m", kind=KIND, config=config, tests={}, card="a\n")
            found += _model(Path(folder) / "m")
    return found


def _patterns(windows: Any) -> Any:
    from dl4art.craquelure.patterns import patterns

    return [patterns(window) for window in windows]


@lru_cache
def artworks() -> list[bytes]:
    """Classifiers of artworks with few channels."""
    from dataclasses import asdict

    from dl4art.paintings.artworks import KIND, ArtworkNetwork, build_artwork_network
    from dl4art.utils.window_classifier import WindowClassifier, save_classifier

    settings = ArtworkNetwork(filters=2, dense=2)
    known = WindowClassifier(build_artwork_network(settings, 32, 2), ("a", "b"), 32)
    with tempfile.TemporaryDirectory() as folder:
        config = {"network": asdict(settings)}
        save_classifier(known, Path(folder) / "m", kind=KIND, config=config, tests={}, card="a\n")
        return _model(Path(folder) / "m")


@lru_cache
def painters() -> list[bytes]:
    """Classifiers of painters with few channels."""
    from dl4art.paintings.heads import HeadSettings
    from dl4art.paintings.painters import PainterClassifier, build_classifier, save_painters

    head, filters = HeadSettings(), (2, 2)
    known = PainterClassifier(build_classifier(head, filters, 32, 2), ("a", "b"), 32, "pad")
    with tempfile.TemporaryDirectory() as folder:
        save_painters(known, Path(folder) / "m", filters=filters, head=head, config={}, tests={}, card="a\n")
        return _model(Path(folder) / "m")


# Readers


def read_photograph(path: Path) -> None:
    """Open a photograph and look at all of it."""
    from dl4art.cropping.photographs import fingerprint

    fingerprint(path)


def read_labelled(path: Path) -> None:
    """Read a folder of labelled photographs, the mutant among its labels."""
    from dl4art.craquelure.own_pictures import read_own

    for number, name in enumerate(("a.png", "b.png")):
        if not path.with_name(name).exists():
            draw(number).save(path.with_name(name))
    path.with_name("b_mask.png").write_bytes(class_masks()[0])
    read_own([path, *(path.with_name(name) for name in ("a.png", "b.png", "b_mask.png"))], path.parent)


def read_groups(path: Path) -> None:
    """Read a folder of classes."""
    from dl4art.utils.class_folders import read_class_folders

    for label in "ab":
        path.with_name(label).mkdir(exist_ok=True)
        for number in range(2):
            path.with_name(label).joinpath(f"{number}.png").touch()
    read_class_folders(path.parent, lambda picture: f"{picture.parent.name} {picture.name}")


def read_list(path: Path) -> None:
    """Read a list of pictures to gather."""
    from dl4art.paintings.picture_list import read_list

    for picture in read_list(path):
        place = path.parent / picture.place
        assert path.parent.resolve() in place.resolve().parents, picture.place


class _Said:
    """Answers each question of a gathering with the same bytes, or not at all."""

    def __init__(self, data: bytes | None) -> None:
        self.data = data

    def fetch(self, address: str, *_: Any) -> Any:
        """Give an answer."""
        from dl4art.paintings.download import Answer
        from dl4art.utils.errors import InputError

        if self.data is None:
            raise InputError(f"{address}: there is no server.")
        return Answer(self.data, "", address)


def read_sources(path: Path) -> None:
    """Go on with a gathering."""
    from dl4art.paintings.gathering import gather_pictures

    said: Any = _Said(None)
    path.with_name("list.csv").write_bytes(picture_lists()[0])
    gather_pictures(path.with_name("list.csv"), path.parent, said)


def read_service(path: Path) -> None:
    """Ask an image service where its picture is."""
    from dl4art.paintings.iiif import find_picture

    said: Any = _Said(path.read_bytes())
    served = find_picture(said, f"https://x.test{path}", 512)
    assert served.address.startswith("https://x.test")
    json.dumps([served.licence, served.attribution])


def read_answer(path: Path) -> None:
    """Look at a picture that a server has sent."""
    from dl4art.paintings.download import Answer
    from dl4art.paintings.gathering import check_picture
    from dl4art.utils.errors import InputError

    try:
        check_picture(Answer(path.read_bytes(), "image/jpeg", ""))
    except InputError as error:  # the row that it becomes names the address
        raise InputError(f"{path}: {error}") from error


def read_segmenter(path: Path) -> None:
    """Load a segmenter and let it look."""
    from dl4art.craquelure.segmenter import Segmenter

    Segmenter.from_pretrained(believed(path)).segment(np.asarray(draw(0)))


def read_regions(path: Path) -> None:
    """Load a classifier of craquelure and ask it."""
    from dl4art.craquelure.regions import element_of, enhanced_picture, load_regions
    from dl4art.utils.windows import InMemory

    network = load_regions(believed(path))
    network.classify(InMemory(enhanced_picture(np.asarray(draw(0)), element_of(network).px)))
    _ = network.note


def read_artworks(path: Path) -> None:
    """Load a classifier of artworks and ask it."""
    from dl4art.paintings.artworks import load_artworks
    from dl4art.utils.windows import InMemory

    load_artworks(believed(path)).classify(InMemory(np.asarray(draw(0))))


def read_painters(path: Path) -> None:
    """Load a classifier of painters and ask it."""
    from dl4art.paintings.painters import PainterClassifier

    PainterClassifier.from_pretrained(believed(path)).classify(np.asarray(draw(0)))


_IN_ZIP = mutate_zip(lambda name: mutate_json if name.endswith(".json") else mutate_bytes)
_loaded = partial(Reader, format="model folder", file="model.zip", mutate=_IN_ZIP, slow=True, share=0.1)
PHOTOGRAPH_READERS = (
    Reader("photograph of any mode", "TIFF", "photograph.tif", tiffs, read_photograph),
    Reader("photograph of any mode", "PNG", "photograph.png", pngs, read_photograph, mutate_png),
    Reader("photograph of any mode", "JPEG", "photograph.jpg", jpegs, read_photograph),
    Reader("labelled photographs", "labelme JSON", "a.json", crack_labels, read_labelled, mutate_json),
    Reader("mask of classes", "PNG", "a_mask.png", class_masks, read_labelled, mutate_png),
    Reader("groups of pictures", "CSV", "groups.csv", group_tables, read_groups, mutate_table),
    Reader("pictures to gather", "CSV", "list.csv", picture_lists, read_list, mutate_table),
    Reader("pictures gathered", "CSV", "sources.csv", source_tables, read_sources, mutate_table),
    Reader("image service", "IIIF", "info.json", services, read_service, mutate_json),
    Reader("picture from a server", "JPEG", "answer.jpg", samples.jpegs, read_answer),
    _loaded("segmenter, loaded", samples=segmenters, read=read_segmenter, share=0.02),
    _loaded("regions, loaded", samples=regions, read=read_regions),
    _loaded("artworks, loaded", samples=artworks, read=read_artworks),
    _loaded("painters, loaded", samples=painters, read=read_painters),
)  # fmt: skip
"""A reader more is an entry more."""
