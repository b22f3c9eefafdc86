"""From a file to a plate, whatever the format."""

from __future__ import annotations

from pathlib import Path

from dl4art.cropping import scale as scales
from dl4art.cropping.plate import Plate
from dl4art.cropping.scale import Scale
from dl4art.cropping.sources import Source, turned
from dl4art.utils.errors import InputError

_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"
_DICOM, _DICOM_AT = b"DICM", 128


def read_plate(
    path: str | Path,
    px_per_cm: float | None = None,
    *,
    size_cm: tuple[float, float] | None = None,
    assume_crop: bool = False,
) -> Plate:
    """Open a plate: TIFF, PNG, JPEG or DICOM, told apart by their first bytes.

    TIFFs are not decoded yet, only their strips or tiles are checked to lie within the file.

    Parameters
    ----------
    path : path
        The file.
    px_per_cm : float, optional
        Pixels per centimetre of canvas; overrides the file.
    size_cm : (float, float), optional
        Width and height of what the picture shows, in cm, instead of `px_per_cm`.
    assume_crop : bool
        Take a picture of exactly 300x300 px that states no scale as a crop at 200 px/cm; `scale_source` says so.

    Returns
    -------
    Plate
        Its `notes` say what was left out or turned in reading.

    Raises
    ------
    InputError
        If the file is missing, empty, damaged, cut short, too large for its format or not a picture.
    ScaleError
        If neither the file nor the user states a scale, or it cannot be right.
    """
    path = Path(path)
    kind = kind_of_file(path)
    orientation, polarity = 1, "as stored"
    source: Source
    # each format's library is imported when its first file comes
    if kind == "TIFF":
        from dl4art.cropping.tiff import read_header

        header = read_header(path)
        source, dtype, tag, notes = header.source, header.dtype, header.tag, header.notes
        orientation, polarity = header.orientation, header.polarity
    elif kind == "DICOM":
        from dl4art.cropping.dicom import read_dicom

        dicom = read_dicom(path)
        source, dtype, tag, notes, polarity = dicom.source, dicom.dtype, dicom.tag, dicom.notes, dicom.polarity
    else:
        from dl4art.cropping.pictures import read_picture

        picture = read_picture(path, kind)
        source, dtype, tag, notes = picture.source, picture.dtype, picture.tag, picture.notes
        orientation = picture.orientation
    source, tag, notes = _turn(source, tag, notes, orientation)
    scale = scales.resolve(str(path), source.shape, tag, px_per_cm=px_per_cm, size_cm=size_cm, assume_crop=assume_crop)
    return Plate(
        path,
        source.shape,
        scale.x,
        scale.y,
        scale.source,
        dtype,
        polarity,
        (*notes, *scales.remarks(scale)),
        source=source,
    )


def _turn(
    source: Source, tag: Scale | None, notes: tuple[str, ...], orientation: int
) -> tuple[Source, Scale | None, tuple[str, ...]]:
    if not 2 <= orientation <= 8:
        return source, tag, notes
    note = f"turned as its orientation tag ({orientation}) says"
    return turned(source, orientation), tag.swapped() if tag and orientation >= 5 else tag, (*notes, note)


def kind_of_file(path: Path) -> str:
    """Tell a format by the first bytes of a file: TIFF, PNG, JPEG or DICOM; InputError if it is none of them."""
    try:
        with open(path, "rb") as file:
            start = file.read(_DICOM_AT + len(_DICOM))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from error
    if not start:
        raise InputError(f"{path}: the file is empty (zero bytes). Copy it again from where it came.")
    if start.startswith(_TIFF):
        return "TIFF"
    if start.startswith(_PNG):
        return "PNG"
    if start.startswith(_JPEG):
        return "JPEG"
    if start[_DICOM_AT:] == _DICOM:
        return "DICOM"
    raise InputError(f"{path}: not a TIFF, PNG, JPEG or DICOM file (it begins with {start[:8]!r}). Export it as TIFF.")
