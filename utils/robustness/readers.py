"""Every reader of files from strangers, with valid samples and the way to spoil them.

A reader more is one entry in `READERS`. A reader may give a result, or refuse with an error of dl4art's own that names
the file; anything else is a defect.
"""

from __future__ import annotations

import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np

from robustness import samples
from robustness.mutation import Mutate, mutate_bytes, mutate_json, mutate_png, mutate_table, mutate_zip
from robustness.photograph_readers import PHOTOGRAPH_READERS
from robustness.reader import LIMITS, Reader, believed, unzipped

__all__ = ["LIMITS", "READERS", "Reader"]


def read_plate(path: Path) -> None:
    """Open a plate and look at all of it."""
    from dl4art.cropping import read_plate

    plate = read_plate(path)
    plate.read()
    width, height = plate.size_cm
    plate.sample(0, 0, min(width, 3.0), min(height, 3.0))


def read_photograph(path: Path) -> None:
    """Open a photograph and look at all of it."""
    from dl4art.cropping.photographs import read_photograph

    photograph = read_photograph(path)
    photograph.read(0, photograph.shape[0], 0, photograph.shape[1])


def read_threads(path: Path) -> None:
    """Read labels of threads, check them, and draw them."""
    from dl4art.cropping import read_labelme, write_masks
    from dl4art.cropping.label_check import check_labels

    check_labels([path], path.parent)
    labels = read_labelme(path)
    write_masks(labels, path.with_name("masks"))


def read_areas(path: Path) -> None:
    """Read what is drawn on a plate."""
    from dl4art.cropping.areas import excluded_cells, read_areas
    from dl4art.cropping.plate import plate_from_array

    plate = plate_from_array(samples.weave(40, 40), 200.0)
    excluded_cells(read_areas(path, plate), plate)


def read_damage(path: Path) -> None:
    """Read cracks and losses."""
    from dl4art.craquelure.labels import read_damage

    read_damage(path)


def read_manual(path: Path) -> None:
    """Read threads counted by hand."""
    from dl4art.regression.validation import read_manual

    read_manual(path)


def read_canvases(path: Path) -> None:
    """Read a collection's table."""
    from dl4art.siamese.canvas_files import collection_files

    collection_files(path)


def read_map(path: Path) -> None:
    """Read a map again."""
    from dl4art.regression.map_summary import summarise
    from dl4art.regression.mapped_plate import check_map_of, read_map
    from dl4art.utils.errors import InputError

    folder = unzipped(path)
    summarise(read_map(folder))
    with suppress(InputError):  # it is the map of another picture
        check_map_of(folder, path)


def read_masks(path: Path) -> None:
    """Read masks of both directions."""
    from dl4art.cropping import read_masks

    path.with_name("crop_H.npz").write_bytes(samples.mask_archives()[0])
    read_masks(path)


def read_shard(path: Path) -> None:
    """Read framed crops."""
    from dl4art.siamese.samples import Frames
    from dl4art.utils.shards import read_shard

    frames = read_shard(Frames, path)
    list(frames.each())


def read_journal(path: Path) -> None:
    """Take over a journal."""
    from dl4art.utils.journal import Journal

    with Journal(path.with_name("r.csv"), {"method": "auto"}) as journal:
        journal.row("/in/a.tif")
        journal.rows()
        journal.names()


def read_model(room: str, path: Path) -> None:
    """Open a model folder and use what it says, but for its weights."""
    from dl4art import model as door
    from dl4art.regression.calibration import Calibration as CounterCalibration
    from dl4art.siamese.calibration import Calibration as ComparerCalibration
    from dl4art.siamese.stability import CropNeeds
    from dl4art.utils.errors import ModelError
    from dl4art.utils.model_files import check_fit, read_card
    from dl4art.utils.models import open_model

    folder = unzipped(path)
    found = open_model(folder)
    read_card(folder)
    check_fit(found, door.KINDS)
    try:
        if room == "regression":
            known = CounterCalibration.from_dict(found.calibration)
            known.half_width(np.zeros(2, np.float32))
            known.choice.logits(np.zeros((1, 200)))
        else:
            calibration = ComparerCalibration.from_dict(found.calibration)
            calibration.ranks(0.5)
            calibration.verdict(0.1, 0.2, 0.1)
            CropNeeds.of(calibration, found.calibration).caution(3)
    except (
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        OverflowError,
    ) as error:  # what both rooms make a ModelError of
        raise ModelError(f"{folder}: {error}") from error


def read_weights(path: Path) -> None:
    """Look at weights before Keras does."""
    from dl4art.utils.weights import check_weights

    check_weights(path)


def read_packed_model(path: Path) -> None:
    """Unpack a model."""
    from dl4art.utils.model_files import unpack_model

    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        unpack_model(path, Path(folder) / "model")
        outside = [name for name in path.parent.iterdir() if name.name in ("evil", "extra")]
        assert not outside, outside


def read_catalogue(path: Path) -> None:
    """Read all of a catalogue, as a search does."""
    from dl4art.siamese.catalogue import Catalogue

    with Catalogue(path, {"model": "m", "crops": 4}, create=False) as store:
        store.means()
        for entry in store.entries():
            store.find(entry.content)


def read_training(path: Path) -> None:
    """Go on with a training."""
    from dl4art.utils.checkpoints import Checkpoints

    kept = Checkpoints(path.parent, 5)
    _ = kept.over, kept.done


def read_counter(path: Path) -> None:
    """Load a counter, weights and all, and let it count."""
    from dl4art.regression import ThreadCounter

    ThreadCounter.from_pretrained(believed(path)).predict([samples.weave(200, 200)])


def _of_model(name: str) -> Mutate:
    return mutate_json if name.endswith(".json") else mutate_bytes


def _of_map(name: str) -> Mutate:
    return mutate_table if name.endswith(".csv") else mutate_json


_IN_ZIP = mutate_zip(_of_model)
_ARRAYS = mutate_zip(lambda _: mutate_bytes)
_COUNTERS = partial(samples.models, "regression", "threads")
_COMPARERS = partial(samples.models, "siamese", "fabrics")
_PLATE_READERS = (
    Reader("plate", "TIFF", "plate.tif", samples.tiffs, read_plate),
    Reader("photograph", "TIFF", "photograph.tif", samples.tiffs, read_photograph),
    Reader("plate", "PNG", "plate.png", samples.pngs, read_plate, mutate_png),
    Reader("photograph", "PNG", "photograph.png", samples.pngs, read_photograph, mutate_png),
    Reader("plate", "JPEG", "plate.jpg", samples.jpegs, read_plate),
    Reader("photograph", "JPEG", "photograph.jpg", samples.jpegs, read_photograph),
    Reader("plate", "DICOM", "plate.dcm", samples.dicoms, read_plate),
    Reader("labels of threads", "labelme JSON", "crop.json", samples.thread_labels, read_threads, mutate_json),
    Reader("regions of a plate", "labelme JSON", "areas.json", samples.area_labels, read_areas, mutate_json),
    Reader("cracks and losses", "labelme JSON", "damage.json", samples.damage_labels, read_damage, mutate_json),
    Reader("manual counts", "CSV", "manual.csv", samples.manual_tables, read_manual, mutate_table),
    Reader("canvases of a collection", "CSV", "canvases.csv", samples.canvas_tables, read_canvases, mutate_table),
    Reader("map", "map folder", "map.zip", samples.map_folders, read_map, mutate_zip(_of_map)),
    Reader("masks", "NumPy archive", "crop_V.npz", samples.mask_archives, read_masks, _ARRAYS),
    Reader("framed crops", "NumPy archive", "shard.npz", samples.shards, read_shard, _ARRAYS),
    Reader("journal", "journal", ".r.csv.journal.jsonl", samples.journals, read_journal),
    Reader("counter", "model folder", "model.zip", _COUNTERS, partial(read_model, "regression"), _IN_ZIP),
    Reader("comparer", "model folder", "model.zip", _COMPARERS, partial(read_model, "siamese"), _IN_ZIP),
    Reader("counter, loaded", "model folder", "model.zip", samples.small_counters, read_counter, _IN_ZIP, slow=True,
           share=0.02),
    Reader("weights", "HDF5", "model.weights.h5", samples.weights, read_weights),
    Reader("packed model", "packed model", "model.zip", _COUNTERS, read_packed_model, _IN_ZIP),
    Reader("catalogue", "SQLite", "catalogue.db", samples.catalogues, read_catalogue, samples.mutate_catalogue),
    Reader("training", "JSON", "training.json", samples.trainings, read_training, mutate_json, slow=True, share=0.02),
)  # fmt: skip
READERS = (*_PLATE_READERS, *PHOTOGRAPH_READERS)
"""A reader more is an entry more, here or in `photograph_readers`."""
