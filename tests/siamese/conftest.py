"""A comparer that has learnt nothing, plates that it can be shown, and a counter that needs no network."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from dl4art.cropping import plate_from_array
from dl4art.regression.estimate import ThreadEstimate
from dl4art.siamese.calibration import UNCALIBRATED

NETWORK = {"filters": (4, 4, 4, 4, 4), "hidden": 8, "size": 6, "head": 8}

FAMILIES, CLOTHS, PLATES, CROPS = 3, 2, 2, 6


class Counter:
    """Finds threads per cm by the mean grey (vertical) and 15; cannot read what is darker than 1."""

    name = "test-counter"

    def __init__(self, message=""):
        self.message = message
        self.seen = 0

    def predict(self, pictures, *, px_per_cm):
        assert px_per_cm == 200
        self.seen += len(pictures)
        return [self.one(picture) for picture in pictures]

    def one(self, picture):
        if picture.mean() < 1:
            return ThreadEstimate("no-estimate", message="the vertical threads cannot be read here")
        return ThreadEstimate("ok", float(picture.mean()), 15.0, message=self.message)


class Even:
    """Finds 13 threads per cm, both ways, in everything."""

    name = "even-counter"

    def predict(self, pictures, *, px_per_cm):
        assert px_per_cm == 200
        return [ThreadEstimate("ok", 13.0, 13.0) for _ in pictures]


@pytest.fixture
def counter():
    return Counter()


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory):
    """A model folder with tiny random networks."""
    from dl4art.utils.backend import load_keras

    keras = load_keras()
    from dl4art.siamese.encoder import EncoderSettings, PairNetwork
    from dl4art.utils.models import write_model

    keras.utils.set_random_seed(3)
    settings = EncoderSettings(**NETWORK)
    folder = tmp_path_factory.mktemp("models") / "tiny"
    folder.mkdir()
    both = PairNetwork(settings)
    # a random head gives nearly the same score to everything: spread about zero instead
    crops = np.random.default_rng(0).normal(size=(8, 192, 192, 2)) * np.linspace(0.5, 1, 192)[:, None, None]
    crops[..., 1] = 1
    logits = keras.ops.convert_to_numpy(
        both(crops.astype(np.float32), np.linspace(10, 18, 16, dtype=np.float32).reshape(8, 2))
    )
    kernel, bias = both.head.last.get_weights()
    factor = 1 / logits.std()
    both.head.last.set_weights([kernel * factor, bias - logits.mean() * factor / 2])
    both.save_weights(folder / "model.weights.h5")
    config = {"network": asdict(settings), "px_per_cm": 200}
    write_model(folder, config=config, calibration=UNCALIBRATED.to_dict(), card="tiny\n")
    return folder


@pytest.fixture(scope="session")
def tiny(model_folder):
    from dl4art.siamese import FabricComparer

    return FabricComparer.from_pretrained(model_folder)


@pytest.fixture
def pairer(tiny):
    """The tiny comparer, with a counter to which all is one density."""
    return replace(tiny, counter=Even())


@pytest.fixture
def comparer(tiny, counter):
    """The tiny comparer, with a counter that needs no network."""
    return replace(tiny, counter=counter)


def woven(seed, *, size_cm=(6.0, 4.5), px_per_cm=100.0, mean=12.0, vertical=9.0, horizontal=11.0):
    """A picture of threads and noise whose mean grey is what `Counter` takes for its density."""
    rng = np.random.default_rng(seed)
    rows, columns = (round(side * px_per_cm) for side in reversed(size_cm))
    y, x = np.mgrid[:rows, :columns] / px_per_cm
    threads = np.cos(2 * np.pi * vertical * x) + np.cos(2 * np.pi * horizontal * y)
    return (mean + threads + 0.3 * rng.normal(size=(rows, columns))).astype(np.float32)


@pytest.fixture
def plate():
    """Make a plate in memory; see `woven`."""

    def make(seed, name=None, **how):
        return plate_from_array(woven(seed, **how), how.get("px_per_cm", 100.0), name or f"plate {seed}")

    return make


@pytest.fixture(scope="session")
def made_up():
    """Make an encoded canvas up: its cloth decides vectors and densities, its number everything else."""
    from dl4art.siamese.comparison import CanvasRecord, Control
    from dl4art.siamese.encoded import EncodedCanvas

    def make(number, cloth=0, *, crops=8, densities=(12.0, 15.0), file=None, **record):
        own, shared = np.random.default_rng(number), np.random.default_rng(1000 + cloth)
        vectors = shared.normal(size=(1, 2, 7)) + 0.1 * own.normal(size=(crops, 2, 7))
        counted = np.stack([densities + own.normal(0, 0.05, (crops, 2)), np.full((crops, 2), 0.01)], axis=1)
        told = [number for density in densities for number in (density, density - 0.1, density + 0.1, 0.05)]
        places = tuple((1.5 * place, 0.1) for place in range(crops))
        made = CanvasRecord(
            file or f"{number}.tif", f"{number:064x}", 9.0, 6.0, 200.0, "TIFF tag", *told, crops, crops + 2, 1.5,
            places, Control(0.9, 0.8, 1.0, crops**2 // 4),
        )  # fmt: skip
        return EncodedCanvas(
            replace(made, **record),
            vectors.astype(np.float32),
            counted,
            10**18 + number,
            ("a note",),
            "test-counter",
            0,
        )

    return make


def woven_families(seed=0):
    """Crops of cloths whose cosines and noise tell them apart."""
    from dl4art.siamese.samples import FamilySamples
    from dl4art.simulation.statistics import STATISTICS

    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:200, :200] / 200
    grey, labels, statistics = [], [], []
    for family in range(FAMILIES):
        for cloth in range(CLOTHS):
            number = family * CLOTHS + cloth
            for plate in range(PLATES):
                for _ in range(CROPS):
                    threads = np.cos(2 * np.pi * (9 + family) * x) + np.cos(2 * np.pi * (11 + 2 * cloth) * y)
                    noise = rng.normal(0, 0.1 + cloth, (200, 200))
                    grey.append(np.clip(128 + 20 * threads + 20 * noise, 0, 255).astype(np.uint8))
                    labels.append((family, number, number * PLATES + plate))
                    statistics.append(rng.normal(cloth, 0.1, (2, len(STATISTICS))))
    known = np.array(labels, np.int32)
    density = np.stack([9.0 + known[:, 0], np.full(len(known), 12.0)], axis=1).astype(np.float32)
    turned = np.zeros(len(known), bool)
    return FamilySamples(
        np.array(grey), known[:, 0], known[:, 1], known[:, 2], turned, density, np.array(statistics, np.float32)
    )


class FamilyCounter:
    """Cannot read the first picture of each call, and finds 12 and 13 th/cm in the others."""

    name = "test-counter"

    def __init__(self):
        self.calls = 0

    def predict(self, pictures, *, px_per_cm):
        self.calls += 1
        return [
            ThreadEstimate("ok", 12.0, 13.0, 11.5, 12.5, 12.5, 13.5) if number else ThreadEstimate("no-estimate")
            for number in range(len(pictures))
        ]


@pytest.fixture(scope="session")
def families():
    """Make crops of a few families of cloths."""
    return woven_families


@pytest.fixture
def family_counter():
    return FamilyCounter()


@pytest.fixture(scope="session")
def samples():
    return woven_families()


@pytest.fixture(scope="session")
def held(tiny, samples, tmp_path_factory):
    """Encoding takes long: not to be changed."""
    from dl4art.siamese.held import hold

    return hold(tiny, FamilyCounter(), samples, tmp_path_factory.mktemp("held") / "counted.npz")
