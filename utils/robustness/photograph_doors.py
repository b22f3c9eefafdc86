"""The doors for photographs: segmenting, classifying, gathering; see `doors`."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from contextlib import ExitStack
from functools import lru_cache, partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from robustness.door import Door, journalled
from robustness.samples import pngs

FIGURES = {
    "regression.map_files": ("draw_map", "draw_histogram"),
    "regression.map_overview": ("draw_map", "draw_histogram"),
    "regression.map_report": ("draw_map", "draw_histogram", "draw_edges"),
    "siamese.collection_files": ("draw_matrix", "draw_tree"),
    "siamese.comparison_report": (
        "draw_plate",
        "draw_densities",
        "draw_pair_scores",
        "draw_standing",
        "draw_crop_pair",
    ),
    "craquelure.damage_report": ("draw_islands", "draw_rose", "draw_widths"),
    "utils.evaluation_figures": ("draw_opinions", "draw_confusion"),
    "utils.class_training": ("draw_curves", "draw_answers"),
    "paintings.painter_training": ("draw_curves", "draw_answers"),
}
"""Modules of dl4art, and what they draw with."""


def without_drawing(stack: ExitStack, *rooms: str) -> None:
    """Figures take a second each; the bytes of one stand for all."""
    import importlib

    from dl4art.utils import pages

    data = pngs()[0]
    stack.enter_context(mock.patch.object(pages, "png", return_value=data))
    for place, names in FIGURES.items():
        if place.startswith(rooms):
            module = importlib.import_module(f"dl4art.{place}")
            if hasattr(module, "png"):
                stack.enter_context(mock.patch.object(module, "png", return_value=data))
            for name in names:
                stack.enter_context(mock.patch.object(module, name, return_value=None))


# Inputs


def photographs(count: int, rows: int = 40, columns: int = 56) -> Callable[[Path], None]:
    """Write photographs with dark lines and light spots, of several formats and modes."""

    def prepare(folder: Path) -> None:
        for number in range(count):
            draw(number, rows, columns).save(folder / f"p{number}{('.png', '.jpg', '.tif')[number % 3]}")

    return prepare


def draw(number: int, rows: int = 40, columns: int = 56) -> Any:
    """Draw a photograph, each number another."""
    from PIL import Image

    rng = np.random.default_rng(number)
    pixels = rng.integers(90, 200, 3) + rng.normal(0, 8, (rows, columns, 3))
    pixels[:, 5 + number :: 17] = 15
    pixels[8:16, 10:24] = 245
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


@lru_cache(maxsize=1)
def museum() -> str:
    """Serve pictures to this machine, ``/0.jpg`` and so on, and give the address; for as long as this process runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            stem, _, ending = self.path.strip("/").partition(".")
            if not stem.isdigit() or ending != "jpg":
                self.send_error(404)
                return
            file = io.BytesIO()
            draw(int(stem)).save(file, "JPEG")
            self.send_response(200)
            self.send_header("Content-Type", "image/jpeg")
            self.send_header("Content-Length", str(len(file.getvalue())))
            self.end_headers()
            self.wfile.write(file.getvalue())

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """Say nothing: who asked was killed, and what is said here would be taken for the door's."""

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def _listed(folder: Path) -> None:
    rows = [f"{'ab'[number % 2]},{museum()}/{number}.jpg" for number in range(4)]
    (folder / "list.csv").write_text("\n".join(["class,url", *rows, ""]), encoding="utf-8")


# Stand-ins


class Dark:
    """Calls what is dark craquelure and what is light loss."""

    name, summary = "stand-in", ""

    def count_tiles(self, _shape: tuple[int, int]) -> int:
        """One."""
        return 1

    def segment_tiles(self, read: Any, shape: tuple[int, int], *, advance: Callable[[], Any]) -> Any:
        """Give the class of every pixel."""
        advance()
        return dark_and_light(read(0, shape[0], 0, shape[1]))


def dark_and_light(colours: Any) -> Any:
    """Class of each pixel, (rows, columns, 3) to (rows, columns)."""
    green = colours[..., 1]
    return np.where(green < 40, 1, np.where(green > 225, 2, 0)).astype(np.uint8)


def _noting(stack: ExitStack, worked: list[str], module: Any, name: str) -> None:
    """Note which files a function is called with."""
    inner = getattr(module, name)

    def noted(path: Any, *args: Any, **how: Any) -> Any:
        worked.append(Path(path).name)
        return inner(path, *args, **how)

    stack.enter_context(mock.patch.object(module, name, noted))


def _segment(stack: ExitStack, worked: list[str]) -> None:
    from dl4art.craquelure import segmented
    from dl4art.craquelure.segmenter import Segmenter

    stack.enter_context(mock.patch.object(Segmenter, "from_pretrained", return_value=Dark()))
    _noting(stack, worked, segmented, "segment_photograph")
    without_drawing(stack, "craquelure")


def _regions(stack: ExitStack, worked: list[str]) -> None:
    """Let the shipped network answer."""
    from dl4art.craquelure import regions

    # loading it takes longer than all the rest
    stack.enter_context(mock.patch.object(regions, "load_regions", partial(_loaded, regions.load_regions)))
    _noting(stack, worked, regions, "open_enhanced")
    without_drawing(stack, "utils.evaluation_figures")


@lru_cache(maxsize=1)
def _loaded(load: Callable[[str], Any], name: str) -> Any:
    return load(name)


def _gather(stack: ExitStack, worked: list[str]) -> None:
    from dl4art.paintings.download import Fetcher

    fetch = Fetcher.fetch

    def noted(self: Any, address: str, *args: Any, **how: Any) -> Any:
        worked.append(address.rpartition("/")[2])
        return fetch(self, address, *args, **how)

    stack.enter_context(mock.patch.object(Fetcher, "fetch", noted))


PHOTOGRAPH_DOORS = (
    Door(
        "segment",
        photographs(3),
        lambda inputs, out: [str(inputs), "-o", str(out)],
        _segment,
        journalled(".journal.jsonl"),
        other=("--px-per-cm", "100"),
    ),
    Door(
        "classify craquelure",
        photographs(4),
        lambda inputs, out: ["craquelure", str(inputs), "-o", str(out / "r.csv"), "--format", "csv", "json"],
        _regions,
        journalled(".r.csv.journal.jsonl"),
        network=True,
    ),
    Door(
        "gather",
        _listed,
        lambda inputs, out: [
            *(str(inputs / "list.csv"), "-o", str(out), "--pause", "0.001", "--tries", "1", "--timeout", "5"),
        ],
        _gather,
        journalled(".sources.csv.journal.jsonl"),
    ),
)
"""A door more is an entry more."""
