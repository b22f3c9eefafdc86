"""The commands on a real cluster, whose worker has to load the shipped networks for itself."""

import numpy as np
import pytest

from dl4art import compare
from dl4art import map as mapping
from dl4art.cropping import read_plate
from dl4art.siamese import FabricComparer
from dl4art.siamese.catalogue import Catalogue
from dl4art.simulation.plates import draw_plate, write_plate


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("collection")
    write_plate(folder / "a.tif", draw_plate(3, 0, (4.8, 4.8), furnished=False), 200.0)
    (folder / "b.tif").write_text("no picture")
    return folder


@pytest.fixture(scope="module")
def cluster(start_cluster):
    with start_cluster(1) as (address, _):
        yield address


def test_a_cluster_encodes_what_this_machine_encodes(folder, cluster, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(folder.parent)  # names are relative, and workers are elsewhere
    out = tmp_path / "out"
    words = [folder.name, "-o", str(out), "--crops", "4", "--quiet", "--scheduler", cluster]
    assert compare.main(words) == 1
    said = capsys.readouterr().err
    assert f"error: {folder.name}/b.tif: not a TIFF" in said
    assert "fewer than two canvases" in said  # but what could be encoded is kept
    comparer = FabricComparer.from_pretrained()
    here = comparer.encode(read_plate(folder / "a.tif"), crops=4)
    with Catalogue(out / "catalogue.db", comparer.settings(crops=4), create=False) as store:
        far = store.find(here.record.sha256)
    # threads add up float32 in an order of their own
    np.testing.assert_allclose(far.counted, here.counted, rtol=1e-5)
    np.testing.assert_allclose(far.vectors, here.vectors, atol=1e-5)
    assert far.record.file == f"{folder.name}/a.tif"
    assert far.content_seed == here.content_seed


def test_a_cluster_maps_what_this_machine_maps(plain_plate, cluster, tmp_path, capsys, monkeypatch):
    (tmp_path / "a.tif").write_bytes(plain_plate[0].read_bytes())
    (tmp_path / "b.tif").write_text("no picture")
    monkeypatch.chdir(tmp_path)  # names are relative, and workers are elsewhere
    assert mapping.main(["a.tif", "-o", "near", "--quiet"]) == 0
    words = ["a.tif", "b.tif", "-o", "far", "--quiet", "--scheduler", cluster]
    cells = tmp_path / "far" / "a" / "cells.csv"
    assert mapping.main(words) == 1
    assert "b.tif: not a TIFF" in capsys.readouterr().err
    assert cells.read_bytes() == (tmp_path / "near" / "cells.csv").read_bytes()
    before = cells.stat().st_mtime_ns
    assert mapping.main(words) == 1
    assert cells.stat().st_mtime_ns == before
