from dataclasses import replace

import numpy as np
import pytest

from dl4art.siamese.limits import NOISE_BANDS, area_by_quality, confounded_area, draw_seen, look_at
from dl4art.simulation.families import FamilyPlan
from dl4art.simulation.readability import READABLE

PLAN = FamilyPlan(cloths=2, plates=2, crops=4, size_px=240)


@pytest.fixture(scope="module")
def shared():
    return draw_seen([0, 1], PLAN, shared=True)


@pytest.fixture
def looks(pairer, shared):
    return look_at(pairer, pairer.counter, shared.samples)


def test_every_crop_comes_with_how_well_it_can_be_seen(shared):
    assert len(shared.samples) == len(shared.ratio) == len(shared.blur) == 2 * 2 * 2 * 4
    assert shared.ratio.min() >= READABLE
    assert (shared.blur > 0).all()
    # one film for plates of one number, another for the next
    for family in (0, 1):
        mine = shared.samples.family == family
        films = {
            (int(plate % 2), float(blur))
            for plate, blur in zip(shared.samples.plate[mine], shared.blur[mine], strict=True)
        }
        assert len(films) == 2


def test_true_densities_frame_the_crops_otherwise(pairer, looks):
    counted, true = looks
    np.testing.assert_allclose(counted.views[0][..., -1], 5 * np.log(13 / 12), atol=1e-5)
    assert np.ptp(true.views[0][..., -1]) > 0.01
    assert not counted.doubtful.any()


def test_bands_hold_all_pairs_once(pairer, shared, looks):
    found = area_by_quality(pairer, shared, looks[1], looks[0].density)
    # plates of one family, two by two
    assert found["pairs"] == 2 * 6 * 16
    for name in ("noise", "blur", "count"):
        assert sum(band["pairs"] for band in found[name]) == found["pairs"]
    assert found["noise"][-1]["to"] is None
    assert [band["from"] for band in found["noise"]] == list(NOISE_BANDS[:-1])


def told(looks, cloths):
    """Make looks that say nothing but which cloth it is, or which radiograph."""
    views = looks.views[0].copy()
    views[..., :-1] = cloths[:, None, None]
    return replace(looks, views=(views, views))


def test_who_sees_the_radiograph_for_the_cloth_is_found_out(pairer, shared, looks):
    class Near:
        """Scores crops by how near their vectors are."""

        calibration = pairer.calibration
        score_looks, pair_scores = type(pairer).score_looks, type(pairer).pair_scores
        doubled_scores = type(pairer).doubled_scores

        @staticmethod
        def head(first, second):
            apart = np.abs(first[:, None, 0, 0] - second[None, :, 0, 0])
            return np.stack([-apart, -apart], axis=-1)

    samples = shared.samples
    by_cloth = confounded_area(Near(), shared, told(looks[0], samples.cloth.astype(np.float32)))
    by_film = confounded_area(Near(), shared, told(looks[0], (samples.plate % 2).astype(np.float32)))
    assert by_cloth["crops"] == by_cloth["canvases"] == 1
    assert by_film["crops"] == by_film["canvases"] == 0
    # of each family both cloths under two radiographs, and both radiographs over two cloths
    assert by_cloth["pairs"] == 2 * (2 + 2)
