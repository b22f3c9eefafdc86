import io
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="session")
def picture_bytes():
    """Bytes of a picture of some kind and colour."""

    def draw(colour=(200, 40, 10), size=(40, 30), kind="JPEG", mode="RGB"):
        file = io.BytesIO()
        Image.new("RGB", size, colour).convert(mode).save(file, kind)
        return file.getvalue()

    return draw


class Server(ThreadingHTTPServer):
    """Answers what `pages` says: bytes, or a function of the handler; `asked` lists the paths."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.pages, self.asked, self.headers = {}, [], []

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        self.server.headers.append(self.headers)
        page = self.server.pages.get(self.path)
        if callable(page):
            page(self)
        elif page is None:
            self.send(404)
        else:
            self.send(200, page)

    def send(self, code, body=b"", kind="image/jpeg", length=None, **headers):
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    """A server on this machine."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def striped_folder(tmp_path_factory):
    """Two painters of eight pictures, 40 x 32 px: broad stripes and narrow ones, in any colour."""
    folder = tmp_path_factory.mktemp("striped")
    rng = np.random.default_rng(4)
    for painter, narrow in (("broad", 0.6), ("narrow é", 2.0)):
        (folder / painter).mkdir()
        for number in range(8):
            colour, phase = rng.integers(90, 256, 3), rng.uniform(0, 6)
            stripes = 0.6 + 0.4 * np.sin(np.arange(40) * narrow * rng.uniform(0.9, 1.1) + phase)
            grid = stripes + rng.normal(0, 0.03, (32, 40))
            pixels = np.clip(grid[..., None] * colour, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / painter / f"work{number}.png")
    return folder
