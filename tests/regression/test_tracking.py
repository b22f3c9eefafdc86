from __future__ import annotations

import numpy as np
import pytest

from dl4art.regression.tracking import track_threads
from dl4art.simulation import centre_lines, draw_crop
from dl4art.simulation.readability import contrast_to_noise


@pytest.fixture(scope="module")
def crop():
    """A simulated crop that is easily read."""
    for number in range(40):
        picture = draw_crop("stop", number).picture
        if min(contrast_to_noise(picture)) > 6 and min(means(picture)) > 9:
            return picture
    raise AssertionError("no clear crop among forty")


def means(picture):
    return [float(np.nanmean(getattr(picture, f"{name}_density"))) for name in ("vertical", "horizontal")]


def tilts(picture):
    return {f"{name}_tilt": float(np.nanmean(getattr(picture, f"{name}_angle"))) for name in ("vertical", "horizontal")}


def nearest(true, found, rows):
    wanted, seen = (
        np.array([np.interp(rows, line[:, 1], line[:, 0], left=np.nan, right=np.nan) for line in lines])
        for lines in (true, found)
    )
    inside = wanted[np.isfinite(wanted).all(axis=1) & (np.nan_to_num(wanted).min(axis=1) > 15)]
    inside = inside[inside.max(axis=1) < 285]
    return np.nanmin(np.abs(inside[:, None] - seen[None]), axis=1), np.nanmedian(np.diff(wanted, axis=0))


def test_threads_are_found_where_they_are(crop):
    true = centre_lines(crop)
    found = track_threads(255 * crop.grey, *means(crop), **tilts(crop))
    assert found.labels.shape == crop.grey.shape
    rows = np.arange(20.0, 280, 20)
    for own, tracked in ((true, found.labels), (true.transposed(), found.labels.transposed())):
        apart, spacing = nearest(own.vertical, tracked.vertical, rows)
        assert np.median(apart) < 0.15 * spacing
        assert (apart < 0.25 * spacing).mean() > 0.9
        assert len(tracked.vertical) == pytest.approx(len(own.vertical), abs=3)


def test_negatives_have_the_same_threads_and_the_other_tone(crop):
    plain = track_threads(255 * crop.grey, *means(crop))
    negative = track_threads(255 - 255 * crop.grey, *means(crop))
    assert [not light for light in plain.light] == list(negative.light)
    assert plain.sure == pytest.approx(negative.sure, abs=1e-3)
    # from a little inside: noise may add a line that touches the border
    rows = np.arange(20.0, 280, 20)
    apart, _ = nearest(plain.labels.vertical, negative.labels.vertical, rows)
    assert np.median(apart) < 0.5


def test_what_is_known_of_the_tone_is_believed(crop):
    light, dark = (track_threads(255 * crop.grey, *means(crop), light=light) for light in (True, False))
    assert (light.light, light.sure) == ((True, True), (1.0, 1.0))
    assert dark.light == (False, False)
    rows = np.arange(20.0, 280, 20)
    apart, spacing = nearest(light.labels.vertical, dark.labels.vertical, rows)
    assert np.median(apart) == pytest.approx(spacing / 2, rel=0.25)


def test_lines_are_ordered_and_lie_in_the_picture(crop):
    labels = track_threads(255 * crop.grey[:260], *means(crop)).labels
    assert labels.shape == (260, 300)
    for lines, axis in ((labels.vertical, 0), (labels.horizontal, 1)):
        middles = [line[:, axis].mean() for line in lines]
        assert middles == sorted(middles)
        for line in lines:
            assert line.min() >= 0
            assert (line.max(axis=0) <= (300, 260)).all()
            # every other coordinate goes on along the thread
            assert (np.diff(line[:, 1 - axis]) > 0).all()
