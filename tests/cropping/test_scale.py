import pytest
from hypothesis import given
from hypothesis import strategies as st

from dl4art.cropping.scale import Scale, remarks, resolve
from dl4art.utils.errors import ScaleError


def tag(x, y=None):
    return Scale(x, y or x, "TIFF tag")


def test_the_file_is_believed_and_the_user_overrides_it():
    assert resolve("a.tif", (400, 600), tag(236.22)) == tag(236.22)
    assert resolve("a.tif", (400, 600), tag(236.22), px_per_cm=200) == Scale(200, 200, "user")
    assert resolve("a.tif", (400, 600), None, px_per_cm=200).x == 200


def test_the_size_of_the_painting_gives_the_scale_of_each_axis():
    scale = resolve("a.tif", (8000, 10000), tag(300), size_cm=(50, 40.5))
    assert scale.x == 200
    assert scale.y == pytest.approx(8000 / 40.5)
    assert "50 x 40.5 cm" in scale.source


@pytest.mark.parametrize("dpi", [72, 96, 28 * 2.54, 38 * 2.54, 0.0254 * 2835])
def test_resolutions_of_screens_are_refused_with_what_to_do(dpi):
    with pytest.raises(ScaleError, match=r"a\.tif: .*screen.*--px-per-cm .*--dpi .*--size-cm"):
        resolve("a.tif", (400, 600), tag(dpi / 2.54))


@pytest.mark.parametrize("wrong", [None, tag(0.0), tag(float("inf")), tag(200.0, -1.0), tag(1 / 2.54)])
def test_missing_and_impossible_resolutions_are_refused_with_what_to_do(wrong):
    with pytest.raises(ScaleError, match=r"a\.tif: .*--px-per-cm .*--dpi .*--size-cm"):
        resolve("a.tif", (400, 600), wrong)


@pytest.mark.parametrize("value", [0, -5, float("nan"), float("inf"), 3, 1e6])
def test_what_the_user_says_must_be_possible(value):
    with pytest.raises(ScaleError, match=r"a\.tif"):
        resolve("a.tif", (400, 600), tag(200), px_per_cm=value)
    with pytest.raises(ScaleError, match=r"a\.tif"):
        resolve("a.tif", (400, 600), tag(200), size_cm=(value / 1e5, 2))


def test_two_statements_of_the_user_are_one_too_many():
    with pytest.raises(ScaleError, match="twice"):
        resolve("a.tif", (400, 600), None, px_per_cm=200, size_cm=(3, 2))


@pytest.mark.parametrize("silent", [None, tag(72 / 2.54)])
def test_a_crop_of_300_px_is_taken_as_such_only_if_allowed_and_says_so(silent):
    scale = resolve("a.tif", (300, 300), silent, assume_crop=True)
    assert (scale.x, scale.y, scale.source) == (200, 200, "assumed: 300x300 crop")
    with pytest.raises(ScaleError):
        resolve("a.tif", (300, 300), silent)
    with pytest.raises(ScaleError):
        resolve("a.tif", (300, 301), silent, assume_crop=True)


def test_a_crop_that_states_its_scale_is_believed():
    assert resolve("a.tif", (300, 300), tag(236), assume_crop=True) == tag(236)


@given(ratio=st.floats(1.0, 4.0), upright=st.booleans())
def test_only_wild_anisotropy_is_refused_and_the_rest_is_remarked(ratio, upright):
    stated = tag(200, 200 * ratio) if upright else tag(200 * ratio, 200)
    if ratio > 2.001:
        with pytest.raises(ScaleError, match="twice as long as wide"):
            resolve("a.tif", (400, 600), stated)
    elif ratio < 1.999:
        assert resolve("a.tif", (400, 600), stated) == stated
        assert bool(remarks(stated)) == (max(stated.x, stated.y) / min(stated.x, stated.y) > 1.01)


def test_on_its_side_a_picture_swaps_its_scales():
    assert tag(200, 300).swapped() == tag(300, 200)


def test_a_scan_too_coarse_for_fine_cloth_is_remarked():
    assert remarks(tag(236.2)) == ()
    (remark,) = remarks(tag(30))
    assert "more than 15 threads/cm is misread" in remark
    assert len(remarks(tag(30, 40))) == 2
