"""What several tests share."""

import importlib.util
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import hypothesis
import numpy as np
import pytest

import dl4art

# tests press Ctrl-C, which a job in the background of a shell ignores
signal.signal(signal.SIGINT, signal.default_int_handler)
# a busy machine is no failure, and the same tests give the same verdict; --hypothesis-profile default looks further
hypothesis.settings.register_profile(
    "any machine", deadline=None, derandomize=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any machine")


@pytest.fixture
def rng():
    return np.random.default_rng(20260)


@pytest.fixture
def run_python(tmp_path):
    """Run Python in an empty folder, as a user would, with the dl4art that is being tested (installed or not)."""

    def run(*words, **environment):
        variables = {name: value for name, value in os.environ.items() if name != "KERAS_BACKEND"}
        variables["PYTHONPATH"] = str(Path(dl4art.__file__).parents[1])
        folder = tmp_path / "elsewhere"
        folder.mkdir(exist_ok=True)
        return subprocess.run(
            [sys.executable, "-P", *map(str, words)],
            capture_output=True,
            text=True,
            check=False,
            cwd=folder,
            env=variables | environment,
        )

    return run


@pytest.fixture
def call_door(run_python):
    """Call a door in a process of its own: its exit code, and what it imported that takes long."""

    def call(door, words):
        program = (
            "import sys\n"
            f"from dl4art import {door} as door\n"
            "try: code = door.main(sys.argv[1:])\n"
            "except SystemExit as stop: code = stop.code\n"
            "heavy = {'numpy', 'scipy', 'keras', 'tensorflow', 'rich', 'PIL', 'tifffile', 'matplotlib'}\n"
            "print(code, *sorted(heavy & {*sys.modules}))\n"
        )
        done = run_python("-c", program, *words)
        assert "Traceback" not in done.stderr
        code, *heavy = done.stdout.splitlines()[-1].split()
        return int(code), heavy

    return call


CLUSTER = """
import sys

from distributed import LocalCluster

if __name__ == "__main__":
    settings = {"threads_per_worker": 1, "processes": True, "dashboard_address": None, "memory_limit": 0}
    with LocalCluster(n_workers=int(sys.argv[1]), **settings) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""


@pytest.fixture(scope="session")
def start_cluster(tmp_path_factory):
    """Start a Dask cluster in processes of its own, workers each in one: its address, and the scheduler's process."""
    pytest.importorskip("distributed")
    from dl4art.utils import scheduling

    program = tmp_path_factory.mktemp("cluster") / "cluster.py"
    program.write_text(CLUSTER, encoding="utf-8")

    @contextmanager
    def start(workers, *modules, **environment):
        # not in the folder of a checkout, which may not be what is tested
        paths = [*modules, Path(dl4art.__file__).parents[1], *filter(None, [os.environ.get("PYTHONPATH")])]
        variables = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)), **environment}
        process = subprocess.Popen(
            [sys.executable, "-P", program, str(workers)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            cwd=program.parent,
            env=variables,
        )
        with process, pytest.MonkeyPatch.context() as patch:
            patch.setattr(scheduling, "CONNECT_S", 60.0)  # a busy machine takes long to answer
            try:
                yield process.stdout.readline().strip(), process
            finally:
                process.stdin.close()

    return start


@pytest.fixture(scope="session")
def load_script():
    """Load a maintainers' script, which is no part of the package, as a module."""

    def load(path):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        # dataclasses look their module up
        module = sys.modules[path.stem] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope="session")
def plain_plate(tmp_path_factory):
    """A plain simulated plate, 4 x 3 cm at 200 px/cm: its file, and its truth."""
    from dl4art.simulation.plates import draw_plate, write_plate

    path = tmp_path_factory.mktemp("plates") / "plate.tif"
    return path, write_plate(path, draw_plate(3, 0, (4.0, 3.0), furnished=False), 200.0)


@pytest.fixture
def thread_map():
    """Make a map of densities (ny, nx, 2), a cell every half centimetre; those that are NaN are blank."""
    from dl4art.regression.maps import STATUSES, ThreadMap

    def make(density, angle=0.0, blank="unreadable"):
        density = np.asarray(density, np.float32)
        status = np.where(np.isnan(density[..., 0]), STATUSES.index(blank), 0).astype(np.uint8)
        y, x = (np.arange(side) / 2 + 0.25 for side in status.shape)
        return ThreadMap(x, y, density, 0.02 * density, 0 * density + np.float32(angle), status)

    return make


@pytest.fixture(scope="session")
def write_labelled_crops():
    """Write labelled crops of 1.1 cm, a folder for each canvas: threads without whims, of known densities."""
    from dl4art.cropping import write_crop
    from dl4art.cropping.labels import ThreadLabels, write_labelme

    def write(folder, densities, crops=2, side=220):
        rng = np.random.default_rng(5)
        for number, (vertical, horizontal) in enumerate(densities):
            place = folder / f"canvas-{number}"
            place.mkdir(parents=True)
            for crop in range(crops):
                v, h = (np.arange(3 + crop, side, 200 / density) for density in (vertical, horizontal))
                y, x = np.mgrid[:side, :side] + 0.5
                waves = np.cos(2 * np.pi * (x - v[0]) * vertical / 200) + np.cos(
                    2 * np.pi * (y - h[0]) * horizontal / 200
                )
                grey = 120 + 30 * waves + rng.normal(0, 5, waves.shape)
                write_crop(place / f"crop-{crop}.tif", np.clip(grey, 0, 255).astype(np.uint8), 200.0, {})
                labels = ThreadLabels(
                    tuple(np.array([[at, 0.0], [at, side]]) for at in v),
                    tuple(np.array([[0.0, at], [side, at]]) for at in h),
                    (side, side),
                )
                write_labelme(labels, place / f"crop-{crop}.json", f"crop-{crop}.tif", thread_width=4.0)
        return folder

    return write


@pytest.fixture(scope="session")
def labelled_folder(write_labelled_crops, tmp_path_factory):
    """Eight labelled crops of four canvases; not to be changed."""
    return write_labelled_crops(tmp_path_factory.mktemp("labelled"), [(10, 12), (14, 9), (17, 16), (12, 15)])
