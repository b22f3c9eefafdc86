import sys

import numpy as np
import pytest

from dl4art.cropping import read_plate
from dl4art.utils.errors import InputError, ScaleError

pydicom = pytest.importorskip("pydicom")

GREY = np.random.default_rng(6).integers(0, 4096, (50, 70)).astype(np.uint16)


def write(path, pixels=GREY, photometric="MONOCHROME2", frames=1, **tags):
    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import DigitalXRayImageStorageForPresentation, ExplicitVRLittleEndian, generate_uid

    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = DigitalXRayImageStorageForPresentation
    data.file_meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["test"])
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID
    data.Rows, data.Columns = pixels.shape[:2]
    data.SamplesPerPixel = 1 if pixels.ndim == 2 else 3
    data.PhotometricInterpretation = photometric
    if pixels.ndim == 3:
        data.PlanarConfiguration = 0
    bits = 8 * pixels.dtype.itemsize
    data.BitsAllocated, data.BitsStored = bits, min(bits, 12)
    data.HighBit = data.BitsStored - 1
    data.PixelRepresentation = 0
    if frames > 1:
        data.NumberOfFrames = frames
    data.PixelData = pixels.tobytes() * frames
    for keyword, value in tags.items():
        setattr(data, keyword, value)
    data.save_as(path, enforce_file_format=True)
    return path


def test_spacing_is_down_before_across_and_in_millimetres(tmp_path):
    plate = read_plate(write(tmp_path / "a.dcm", PixelSpacing=[0.05, 0.04]))
    assert (plate.px_per_cm_x, plate.px_per_cm_y) == (250, 200)
    assert plate.scale_source == "DICOM PixelSpacing"
    np.testing.assert_array_equal(plate.read(), GREY)


def test_monochrome1_is_inverted_and_said(tmp_path):
    plate = read_plate(write(tmp_path / "a.dcm", photometric="MONOCHROME1", PixelSpacing=[0.05, 0.05]))
    np.testing.assert_array_equal(plate.read(), 4095.0 - GREY)
    assert "MONOCHROME1" in plate.polarity


def test_the_spacing_of_the_detector_is_second_choice_and_said(tmp_path):
    both = read_plate(write(tmp_path / "a.dcm", PixelSpacing=[0.05, 0.05], ImagerPixelSpacing=[0.1, 0.1]))
    assert both.px_per_cm == pytest.approx(200)
    detector = read_plate(write(tmp_path / "b.dcm", ImagerPixelSpacing=[0.1, 0.1]))
    assert detector.px_per_cm == pytest.approx(100)
    assert any("detector" in note for note in detector.notes)


def test_a_stated_magnification_is_taken_into_account(tmp_path):
    factor = {"EstimatedRadiographicMagnificationFactor": 1.25}
    plate = read_plate(write(tmp_path / "a.dcm", ImagerPixelSpacing=[0.1, 0.1], **factor))
    assert plate.px_per_cm == pytest.approx(125)
    assert "1.25" in plate.scale_source


def test_frames_and_colours(tmp_path):
    frames = read_plate(write(tmp_path / "a.dcm", frames=3, PixelSpacing=[0.05, 0.05]))
    np.testing.assert_array_equal(frames.read(), GREY)
    assert frames.notes == ("3 frames in the file: the first was read",)
    colours = np.stack([GREY.astype(np.uint8)] * 3, axis=-1)
    plate = read_plate(write(tmp_path / "b.dcm", colours, photometric="RGB", BitsStored=8, HighBit=7), 200.0)
    np.testing.assert_allclose(plate.read(), colours[..., 0], rtol=1e-5)
    assert plate.notes == ("colours made grey",)


@pytest.mark.parametrize("tags", [{}, {"PixelSpacing": [0, 0]}])
def test_without_a_spacing_the_scale_must_be_stated(tmp_path, tags):
    path = write(tmp_path / "a.dcm", **tags)
    with pytest.raises(ScaleError, match="--px-per-cm"):
        read_plate(path)
    assert read_plate(path, 200.0).px_per_cm == 200


def test_damaged_and_huge_files_are_refused(tmp_path, monkeypatch):
    path = write(tmp_path / "a.dcm", PixelSpacing=[0.05, 0.05])
    content = path.read_bytes()
    (tmp_path / "b.dcm").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match=r"b\.dcm"):
        read_plate(tmp_path / "b.dcm")
    monkeypatch.setenv("DL4ART_WHOLE_MEGAPIXELS", "0.001")
    with pytest.raises(InputError, match="tiled TIFF"):
        read_plate(path)


def test_without_pydicom_the_message_says_what_to_install(tmp_path, monkeypatch):
    path = write(tmp_path / "a.dcm", PixelSpacing=[0.05, 0.05])
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(InputError, match=r'pip install "dl4art\[dicom\]"'):
        read_plate(path)
