from types import SimpleNamespace

import numpy as np
import pytest

from dl4art.regression import pseudo_labels as pl
from dl4art.regression.augment import thread_angle, window_density
from dl4art.regression.counter import Readings
from dl4art.regression.unlabelled import UnlabelledCrop


class Says:
    """A counter that says of everything what it is told to, scale by scale: density and expected error."""

    folder = SimpleNamespace(sha256="0" * 64)

    def __init__(self, **said):
        self.said = {float(scale.removeprefix("at_").replace("_", ".")): values for scale, values in said.items()}
        self.asked = 0

    def read_scales(self, pictures, scales):
        self.asked += len(pictures)
        ones = np.ones((len(pictures), 2), np.float32)
        found = {}
        for scale in scales:
            density, error = self.said.get(scale, self.said[1.0])
            found[scale] = Readings(density * ones, np.log(error) * ones, 2 * ones, ones)
        return found


PICTURES = [np.zeros((300, 300), np.float32)] * 3


@pytest.mark.parametrize(
    ("said", "density"),
    [
        # sure and of one mind
        ({"at_1_0": (20.0, 0.01)}, 20.0),
        # fine cloth: wrong where it is not at home, which it knows
        ({"at_0_75": (9.0, 0.3), "at_1_0": (26.0, 0.2), "at_1_15": (29.8, 0.02), "at_1_3": (30.0, 0.01),
          "at_1_5": (30.1, 0.01)}, 30.04),
        # of one mind, and not sure
        ({"at_1_0": (20.0, 0.2)}, np.nan),
        # sure, and of two minds
        ({"at_1_0": (20.0, 0.01), "at_1_3": (24.0, 0.01), "at_1_5": (24.1, 0.01)}, np.nan),
        # sure at one scale alone
        ({"at_1_0": (20.0, 0.3), "at_0_75": (12.0, 0.3), "at_1_15": (8.0, 0.3), "at_1_3": (30.0, 0.02),
          "at_1_5": (14.0, 0.3)}, np.nan),
    ],
)  # fmt: skip
def test_what_is_sure_at_scales_that_agree_is_a_label(said, density):
    labels = pl.pseudo_labels(Says(**said), PICTURES)
    assert labels.density.shape == labels.tilt.shape == labels.scale.shape == (3, 2)
    np.testing.assert_allclose(labels.density, density, rtol=2e-3)
    assert labels.sure.tolist() == [bool(np.isfinite(density))] * 3


def test_a_crop_too_small_for_a_view_is_read_in_the_others():
    labels = pl.pseudo_labels(Says(at_1_0=(20.0, 0.01), at_0_75=(np.nan, np.nan)), PICTURES)
    np.testing.assert_allclose(labels.density, 20, rtol=1e-5)
    np.testing.assert_allclose(labels.tilt, 2, rtol=1e-5)


def test_what_is_read_is_kept(tmp_path):
    counter = Says(at_1_0=(20.0, 0.01))
    crops = [UnlabelledCrop(str(n), PICTURES[0], str(n)) for n in range(23)]
    seen = []
    labels = pl.keep_pseudo_labels(counter, crops, tmp_path, seen.append)
    assert len(labels.density) == 23
    asked = counter.asked
    assert asked == 2 * 23
    pl.keep_pseudo_labels(counter, crops, tmp_path)
    assert counter.asked == asked
    # of other crops it is another's
    pl.keep_pseudo_labels(counter, crops[1:], tmp_path)
    assert counter.asked > asked


def test_disagreement_is_how_far_what_is_said_of_crops_is_from_their_labels():
    counter = SimpleNamespace(presume=lambda pictures: np.full((len(pictures), 2), 20.0))
    assert pl.disagreement(counter, PICTURES, np.full((3, 2), 20.0)) == 0
    assert pl.disagreement(counter, PICTURES, np.array([[20, 21]] * 3)) == pytest.approx(np.log(1.05) / 2)
    # a reading gone wild counts for no more than one far off
    assert pl.disagreement(counter, PICTURES, np.full((3, 2), 60.0)) == 0.25


def test_labels_of_simulated_crops_are_their_densities(shipped, drawn):
    """And they vary within the crop as the truth does."""
    pixels, truth = drawn
    places = [(0, 0), (300, 400)]
    crops = [UnlabelledCrop(str(n), pixels[r : r + 300, c : c + 300], "") for n, (r, c) in enumerate(places)]
    labels = pl.pseudo_labels(shipped, [crop.grey for crop in crops])
    assert labels.sure.all()
    made = pl.as_labelled(shipped, crops, labels, [0, 1])
    whole = np.array([truth.vertical_density.mean(), truth.horizontal_density.mean()])
    for crop in made:
        np.testing.assert_allclose(crop.density, whole, rtol=0.08)
        assert crop.gradient.shape == (2, 2, 15, 15)
        for system in (0, 1):
            assert window_density(crop.gradient[system]).mean() == pytest.approx(crop.density[system], rel=1e-4)
        np.testing.assert_allclose(thread_angle(crop.gradient[0]), labels.tilt[int(crop.name), 0], atol=1e-3)
        # transposed, its horizontal threads are vertical ones that lean the other way
        turned = crop.gradient[1][::-1]
        np.testing.assert_allclose(thread_angle(turned), -labels.tilt[int(crop.name), 1], atol=1e-3)
