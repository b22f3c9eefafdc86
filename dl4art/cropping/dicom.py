"""DICOM and DICONDE plates, through pydicom (the extra ``dl4art[dicom]``)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dl4art.cropping.pictures import TILED
from dl4art.cropping.scale import Scale
from dl4art.cropping.sources import ArraySource, ToGrey
from dl4art.utils.errors import InputError
from dl4art.utils.limits import WHOLE, check_memory

_MM_PER_CM = 10.0
_DEFLATED = {"1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.95", "1.2.840.10008.1.2.8.1"}
# the object's own spacing first; then that of a film on its scanner; then that of a detector behind the object
_SPACINGS = ("PixelSpacing", "NominalScannedPixelSpacing", "ImagerPixelSpacing")


@dataclass(frozen=True)
class DicomPicture:
    """The first frame of a DICOM file and what the file says of it."""

    source: ArraySource
    dtype: str
    tag: Scale | None
    polarity: str
    notes: tuple[str, ...]


def read_dicom(path: Path) -> DicomPicture:
    """Read the first frame of a DICOM or DICONDE file.

    Raises
    ------
    InputError
        If pydicom is not installed, or the file is damaged, of an unknown compression or above the limit.
    """
    try:
        import pydicom
    except ImportError as error:
        raise InputError(f'{path}: reading DICOM needs pydicom. Run: pip install "dl4art[dicom]"') from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about values that bend the standard
            _check_deflated(path, pydicom)
            dataset = pydicom.dcmread(path)
            return _picture(path, dataset)
    except InputError:
        raise
    except Exception as error:  # damaged bytes make the parser fail in any way
        raise InputError(
            f"{path}: not readable as DICOM ({error}). If it is whole, save it again without compression."
        ) from error


def _check_deflated(path: Path, pydicom: Any) -> None:
    """Refuse a file that is compressed as a whole: pydicom would unpack it before anything says how large it is."""
    syntax = pydicom.filereader.read_file_meta_info(path).get("TransferSyntaxUID", "")
    if syntax in _DEFLATED:
        raise InputError(f"{path}: compressed as a whole ({syntax}), which is not read. Save it again without that.")


def _picture(path: Path, dataset: Any) -> DicomPicture:
    from pydicom.pixels import apply_color_lut, pixel_array

    rows, columns, samples_px = (int(dataset.get(name, 1)) for name in ("Rows", "Columns", "SamplesPerPixel"))
    size = f"a DICOM frame of {columns} x {rows} pixels, which must be decoded whole,"
    WHOLE.check(path, rows * columns, size, TILED)
    check_memory(path, 2 * rows * columns * samples_px * max(1, int(dataset.get("BitsAllocated", 8)) // 8))
    notes = []
    frames = int(dataset.get("NumberOfFrames", 1) or 1)
    if frames > 1:
        notes.append(f"{frames} frames in the file: the first was read")
    samples = pixel_array(dataset, index=0)
    photometric = str(dataset.PhotometricInterpretation)
    white = None
    if photometric == "PALETTE COLOR":
        samples = apply_color_lut(samples, dataset)
    elif photometric == "MONOCHROME1":
        white = float(2 ** int(dataset.BitsStored) - 1) if samples.dtype.kind == "u" else 0.0
    if samples.ndim == 3:
        notes.append("colours made grey")
    tag = _tag_scale(dataset)
    if tag and tag.source.endswith("ImagerPixelSpacing"):
        notes.append("the scale is the detector's: the canvas lay nearer to the tube and looks larger than it is")
    polarity = "as stored" if white is None else "inverted (MONOCHROME1)"
    source = ArraySource(samples, ToGrey(colours=samples.ndim == 3, white=white))
    return DicomPicture(source, str(samples.dtype), tag, polarity, tuple(notes))


def _tag_scale(dataset: Any) -> Scale | None:
    for keyword in _SPACINGS:
        spacing = dataset.get(keyword)
        if spacing is None or len(spacing) != 2:
            continue
        down, across = (float(value) for value in spacing)
        if down <= 0 or across <= 0:
            return Scale(0.0, 0.0, f"DICOM {keyword}")
        magnification, source = 1.0, f"DICOM {keyword}"
        factor = dataset.get("EstimatedRadiographicMagnificationFactor")
        if keyword == "ImagerPixelSpacing" and factor is not None and float(factor) > 0:
            magnification, source = float(factor), f"{source} / magnification {float(factor):g}"
        return Scale(_MM_PER_CM / across * magnification, _MM_PER_CM / down * magnification, source)
    return None
